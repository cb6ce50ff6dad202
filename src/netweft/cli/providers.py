"""Verbs of a provider of external networks beside the usual ones: its state, and its objects."""

from __future__ import annotations

from urllib.parse import quote

import click

from netweft.cli.calls import calls_engine
from netweft.cli.completion import named, offers
from netweft.cli.lookup import resolve
from netweft.cli.nouns import noun
from netweft.cli.output import say, show_facts, show_many
from netweft.cli.selection import Selection, unsearched
from netweft.cli.session import output_option
from netweft.cli.verbs import confirm_removal, yes_option
from netweft.client import Client
from netweft.client.tree import Trees

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
    "ORPHANS": "orphans",
    "URL": "url",
}
OBJECT = {
    "KIND": "kind",
    "ID": "id",
    "WANTED": "provision.wanted",
    "STATE": "provision.state",
    "REASON": "provision.reason",
    "NEXT TRY": "provision.next_try",
    "HOST": "host",
}
_ORPHAN = {"KIND": "kind", "ID": "id", "NAME": "name"}
_provider = named("provider")
_orphans = offers(
    lambda client, context, _: (one["id"] for one in _listed(client, context.params["provider"], "orphans"))
)


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
@unsearched("what a provider has", OBJECT)
@output_option
@calls_engine
def objects(client: Client, provider: str, selection: Selection, form: str) -> None:
    """List the objects that a provider should have, and those still to be removed, with the reasons of failures.

    Example: netweft provider objects neutron
    """
    listed = _listed(client, provider, "objects")
    show_many(selection.arrange(listed, OBJECT), OBJECT, form, {"EXTERNAL ID": "provision.external_id"})


@click.command("orphans")
@_provider
@unsearched("what a provider has", _ORPHAN)
@output_option
@calls_engine
def orphans(client: Client, provider: str, selection: Selection, form: str) -> None:
    """List objects of a provider that have Netweft's mark but are unknown to this engine: left by an engine whose
    database was lost, or by another engine.

    Example: netweft provider orphans neutron
    """
    listed = _listed(client, provider, "orphans")
    show_many(selection.arrange(listed, _ORPHAN), _ORPHAN, form, {"EXTERNAL ID": "external_id"})


def _listed(client: Client, provider: str, what: str) -> Trees:
    found = resolve(client, _PROVIDER, provider)
    listed: Trees = client.addition("GET", f"providers/{found['id']}/{what}")
    return listed


@click.command("remove-orphan")
@_provider
@click.argument("orphan", metavar="ID", shell_complete=_orphans)
@yes_option
@calls_engine
def remove_orphan(client: Client, provider: str, orphan: str, yes: bool) -> None:
    """Remove an object that "provider orphans" lists from a provider. Make sure first that no other engine uses it.

    Example: netweft provider remove-orphan neutron 7c1e6a52-6a0c-4a1e-9d0e-5f2d5b8c9a10
    """
    found = resolve(client, _PROVIDER, provider)
    confirm_removal(f"{orphan} from provider {provider}", yes=yes)
    client.addition("DELETE", f"providers/{found['id']}/orphans/{quote(orphan, safe='')}")
    say("Done.")


COMMANDS = (status, objects, orphans, remove_orphan)
