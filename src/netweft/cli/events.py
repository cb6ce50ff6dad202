"""Events, as a list and as a stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import click

from netweft.cli.calls import calls_engine
from netweft.cli.completion import completes
from netweft.cli.lookup import resolve
from netweft.cli.noun_types import Whole
from netweft.cli.nouns import noun
from netweft.cli.output import TABLES, cell, line_of, show_facts, show_many
from netweft.cli.selection import Selection, searched
from netweft.cli.session import output_option
from netweft.client import Client
from netweft.client.tree import Tree

_EVENT = noun("event")
_SEVERITIES = ("normal", "warning", "error", "alert")
"""From the least to the most severe."""
_LOGINS = (30, 31)
"""oVirt's codes for who logged in and out."""
_NOBODY = "SYSTEM"
"""The stream's name for changes without a user."""
_NO_LOGINS = " and ".join(f"code!={code}" for code in _LOGINS)
_LINE = "{:<19}  {:<8}  {:<16}  {}"
"""Of a stream, which does not know how wide what comes will be: time, severity, who, what."""
_ABOUT = {"host": "host", "vm": "vm", "cluster": "cluster", "datacenter": "data_center", "template": "template"}
"""The nouns that an event can be about, and the fields that hold them."""
_logins = click.option("--logins", is_flag=True, help="Include logins and logouts.")


def _about(function: Callable[..., None]) -> Callable[..., None]:
    for name in reversed(_ABOUT):
        text = f"Name of the {name} that it is about."
        function = click.option(f"--{name}", help=text, shell_complete=completes(name))(function)
    return function


@click.command("list")
@searched('host=sim-1 or message="*storage*"', 50)
@click.option("--severity", type=click.Choice(_SEVERITIES), help="Only those of this severity, or worse.")
@_logins
@output_option
@calls_engine
def list_events(client: Client, selection: Selection, severity: str | None, logins: bool, form: str) -> None:
    """List events, newest first, without logins and logouts.

    Example: netweft event list --severity warning --max 10
    """
    conditions = [] if logins else [_NO_LOGINS]
    if severity:
        worse = _SEVERITIES[_SEVERITIES.index(severity) :]
        conditions.append(" or ".join(f"severity={one}" for one in worse))
    if selection.search:
        conditions.append(selection.search)
    search = " and ".join(f"({one})" for one in conditions)
    found = client.list("events", **replace(selection, search=search).query())
    if form in TABLES:
        for event in found:
            event.setdefault("user", {"name": _NOBODY})
    show_many(found, _EVENT.columns, form, _EVENT.wide)


@click.command("follow")
@click.option("--after", type=int, help="Only events after the one with this id.")
@_logins
@output_option
@calls_engine
def follow_events(client: Client, after: int | None, logins: bool, form: str) -> None:
    """Print events as they happen, until interrupted; with -o json a document per line.

    Example: netweft event follow
    """
    if form in TABLES:
        click.echo(_LINE.format("TIME", "SEVERITY", "WHO", "WHAT"))
    for event in client.events(after):
        if event["code"] in _LOGINS and not logins:
            continue
        if form in TABLES:
            cells = (event["time"], event["severity"], event["user"] or "", event["description"])
            click.echo(_LINE.format(*map(cell, cells)))
        else:
            click.echo(line_of(event, form))


@click.command("add")
@click.argument("description")
@click.option("--origin", required=True, help="The system that reports it.")
@click.option("--severity", type=click.Choice(_SEVERITIES), default="normal", show_default=True, help="How bad it is.")
@click.option("--custom-id", type=Whole(min=0), help="The number of the event in that system.")
@_about
@output_option
@calls_engine
def add(
    client: Client,
    /,
    description: str,
    origin: str,
    severity: str,
    custom_id: int | None,
    form: str,
    **about: str | None,
) -> None:
    """Add an event of an external system.

    Example: netweft event add 'Fan 2 of the switch failed' --origin racks --severity warning --host sim-1
    """
    body: Tree = {"description": description, "origin": origin, "severity": severity}
    if custom_id is not None:
        body["custom_id"] = custom_id
    for option, name in about.items():
        if name:
            body[_ABOUT[option]] = {"id": resolve(client, noun(option), name)["id"]}
    show_facts(client.add("events", body), _EVENT.columns, form, _EVENT.wide)


COMMANDS = (list_events, follow_events, add)
