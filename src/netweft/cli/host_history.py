"""What was changed on a host, and having it back."""

from __future__ import annotations

from typing import Any

import click

from netweft.cli.calls import calls_engine
from netweft.cli.completion import named, offers
from netweft.cli.lookup import resolve
from netweft.cli.noun_types import Whole
from netweft.cli.nouns import noun
from netweft.cli.output import TABLES, say, show_many, show_one
from netweft.cli.selection import asked_part, part_of_history
from netweft.cli.session import output_option, the_session
from netweft.client import Client
from netweft.client.tree import Tree, Trees

_HOST = noun("host")
_name = named("host", "name")
_generations = offers(
    lambda client, context, _: (one["generation"] for one in _history(client, context.params["name"]))
)
_generation = click.argument("generation", type=Whole(min=1), shell_complete=_generations)
_REVISIONS = {
    "GENERATION": "generation",
    "AT": "created_at",
    "WHO": "user",
    "STATE": "state",
    "WHY": "reason",
    "CHANGES": "changes",
    "ERROR": "error",
}


@click.command("history")
@_name
@part_of_history
@output_option
@calls_engine
def history(client: Client, /, *, name: str, form: str, **part: Any) -> None:  # noqa: ANN401 (what the options hold)
    """Show the changes of a host, with their users and results, newest first.

    Example: netweft host history sim-1 --before 14:05 --max 5
    """
    show_many(_history(client, name, **asked_part(**part)), _REVISIONS, form)


def _history(client: Client, name: str, **query: str | int) -> Trees:
    found: Trees = client.addition("GET", f"hosts/{resolve(client, _HOST, name)['id']}/history", **query)
    return found


@click.command("diff")
@_name
@_generation
@click.argument("other", type=Whole(min=1), required=False, shell_complete=_generations)
@output_option
@calls_engine
def diff(client: Client, name: str, generation: int, other: int | None, form: str) -> None:
    """Show how the setup of a host differs between GENERATION and OTHER, or the current one.

    Example: netweft host diff sim-1 4 7
    """
    query = {} if other is None else {"other": other}
    path = f"hosts/{resolve(client, _HOST, name)['id']}/history/{generation}/difference"
    found = client.addition("GET", path, **query)
    if form not in TABLES:
        show_one(found, form)
    elif not found["changes"]:
        say("Nothing differs.")
    else:
        click.echo("\n".join(found["changes"]))


@click.command("generation")
@_name
@_generation
@output_option
@calls_engine
def show_generation(client: Client, name: str, generation: int, form: str) -> None:
    """Show the record of a change of a host: the requested configuration, the desired state, and the state afterwards.

    Example: netweft host generation sim-1 4 -o yaml
    """
    found = client.addition("GET", f"hosts/{resolve(client, _HOST, name)['id']}/history/{generation}")
    show_one(found, "yaml" if form in TABLES else form)


@click.command("restore")
@_name
@_generation
@click.option(
    "--commit/--no-commit",
    default=None,
    help="Whether the result is also committed, so that the host's boot restores it.",
)
@calls_engine
def restore(client: Client, name: str, generation: int, commit: bool | None) -> None:
    """Restore the setup of a host at GENERATION; it is rolled back if it fails.

    Example: netweft host restore sim-1 4
    """
    host = resolve(client, _HOST, name)
    commits = the_session().commits if commit is None else commit
    result = client.addition("POST", f"hosts/{host['id']}/history/{generation}/restore", {"commit": commits})
    if not result["changed"]:
        say("Nothing to do: the host has this setup already.")
        return
    say("Done.")
    warn_if_uncommitted(client, host)


def warn_if_uncommitted(client: Client, host: Tree) -> None:
    """Say so when the host's next boot will restore something else than what runs on it now."""
    now = client.get(f"hosts/{host['id']}")
    if is_uncommitted(now):
        say_uncommitted(now)


def is_uncommitted(host: Tree) -> bool:
    """Whether the host's next boot will restore something else than what runs on it now."""
    return host.get("networks_committed") == "false"


def say_uncommitted(host: Tree) -> None:
    """Tell of a host that is."""
    say("Not committed: the next boot restores the previous configuration.")
    say(f"To keep it: netweft host commit {host['name']}")


COMMANDS = (diff, history, restore, show_generation)
