"""What happened, as a list and as a stream."""

from __future__ import annotations

import json

import click

from netweft.cli.nouns import noun
from netweft.cli.output import show_many
from netweft.cli.session import calls_engine, output_option
from netweft.client import Client

_EVENT = noun("event")
_SEVERITIES = ("normal", "warning", "error", "alert")
"""From the least to the most severe."""
_NO_LOGINS = "code!=30 and code!=31"
"""oVirt's codes for who logged in and out, which every command of this program does."""


@click.command("list")
@click.option(
    "--max", "most", type=click.IntRange(min=1), default=50, show_default=True, help="How many, newest first."
)
@click.option("--search", help="Only those that match, for example 'host=sim-1 or message=\"*storage*\"'.")
@click.option("--severity", type=click.Choice(_SEVERITIES), help="Only those of this severity, or worse.")
@click.option("--logins", is_flag=True, help="Also who logged in and out.")
@output_option
@calls_engine
def list_events(client: Client, most: int, search: str | None, severity: str | None, logins: bool, form: str) -> None:
    """List them, newest first; without who logged in and out, unless asked for."""
    conditions = [] if logins else [_NO_LOGINS]
    if severity:
        worse = _SEVERITIES[_SEVERITIES.index(severity) :]
        conditions.append(" or ".join(f"severity={one}" for one in worse))
    if search:
        conditions.append(search)
    query = " and ".join(f"({one})" for one in conditions)
    show_many(client.list("events", search=query, max=most), _EVENT.columns, form)


@click.command("follow")
@click.option("--after", type=int, help="Id of the last event that is already known.")
@calls_engine
def follow_events(client: Client, after: int | None) -> None:
    """Print events as they happen, a JSON document per line, until interrupted."""
    for event in client.events(after):
        click.echo(json.dumps(event, ensure_ascii=False))


COMMANDS = (list_events, follow_events)
