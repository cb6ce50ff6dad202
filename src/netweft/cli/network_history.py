"""Verbs of networks beside the usual ones: what was changed of one, and what uses it."""

from __future__ import annotations

from typing import Any

import click

from netweft.cli import network_uses
from netweft.cli.calls import calls_engine
from netweft.cli.completion import named
from netweft.cli.lookup import resolve
from netweft.cli.nouns import noun
from netweft.cli.output import show_many
from netweft.cli.selection import asked_part, part_of_history
from netweft.cli.session import output_option
from netweft.client import Client

_COLUMNS = {"AT": "at", "WHO": "user", "CHANGES": "changes"}
_WIDE = {"EVENT": "event", "CORRELATION": "correlation_id", "WHAT": "text"}


@click.command("history")
@named("network", "name")
@part_of_history
@output_option
@calls_engine
def history(client: Client, /, *, name: str, form: str, **part: Any) -> None:  # noqa: ANN401 (what the options hold)
    """Show the changes of a network and of its roles in clusters, with their users, newest first.

    Example: netweft network history storage --before 14:05
    """
    network = resolve(client, noun("network"), name)
    found = client.addition("GET", f"networks/{network['id']}/history", **asked_part(**part))
    show_many(found, _COLUMNS, form, _WIDE)


COMMANDS = (history, *network_uses.COMMANDS)
