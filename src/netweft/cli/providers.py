"""Verbs of a provider of external networks beside the usual ones: its state at the last check."""

from __future__ import annotations

import click

from netweft.cli.lookup import completes, resolve
from netweft.cli.nouns import noun
from netweft.cli.output import show_facts
from netweft.cli.session import calls_engine, output_option
from netweft.client import Client

_PROVIDER = noun("provider")
_STATE = {
    "NAME": "name",
    "STATUS": "status",
    "REASON": "status_reason",
    "LATENCY (MS)": "latency",
    "CHECKED": "checked_at",
    "URL": "url",
}
_provider = click.argument("provider", metavar="PROVIDER", shell_complete=completes("provider"))


@click.command("status")
@_provider
@output_option
@calls_engine
def status(client: Client, provider: str, form: str) -> None:
    """Show the state of a provider at its last check.

    Example: netweft provider status neutron
    """
    found = resolve(client, _PROVIDER, provider)
    show_facts(client.addition("GET", f"providers/{found['id']}"), _STATE, form, {"ID": "id"})


COMMANDS = (status,)
