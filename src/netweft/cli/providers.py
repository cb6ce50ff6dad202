"""Verbs of a provider of external networks beside the usual ones: its state, and what is wanted of it."""

from __future__ import annotations

import click

from netweft.cli.lookup import completes, resolve
from netweft.cli.nouns import noun
from netweft.cli.output import show_facts, show_many
from netweft.cli.selection import Selection, unsearched
from netweft.cli.session import calls_engine, output_option
from netweft.client import Client

_PROVIDER = noun("provider")
_STATE = {
    "NAME": "name",
    "STATUS": "status",
    "REASON": "status_reason",
    "LATENCY (MS)": "latency",
    "CHECKED": "checked_at",
    "FAILING": "failing",
    "TO REMOVE": "to_remove",
    "RECONCILED": "reconciled_at",
    "URL": "url",
}
_OBJECT = {
    "KIND": "kind",
    "ID": "id",
    "WANTED": "provision.wanted",
    "STATE": "provision.state",
    "REASON": "provision.reason",
    "NEXT TRY": "provision.next_try",
    "HOST": "host",
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


@click.command("objects")
@_provider
@unsearched("what a provider has", _OBJECT)
@output_option
@calls_engine
def objects(client: Client, provider: str, selection: Selection, form: str) -> None:
    """List what Netweft wants a provider to have, and what it is still to remove, with the reasons of failures.

    Example: netweft provider objects neutron
    """
    found = resolve(client, _PROVIDER, provider)
    listed = client.addition("GET", f"providers/{found['id']}/objects")
    show_many(selection.arrange(listed, _OBJECT), _OBJECT, form, {"EXTERNAL ID": "provision.external_id"})


COMMANDS = (status, objects)
