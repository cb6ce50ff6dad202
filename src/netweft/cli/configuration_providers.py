"""Verbs of a configuration provider beside the usual ones: its objects, and its traffic classes."""

from __future__ import annotations

import click

from netweft.cli.calls import calls_engine
from netweft.cli.completion import named, offers
from netweft.cli.lookup import resolve
from netweft.cli.noun_types import Whole
from netweft.cli.nouns import noun
from netweft.cli.output import show_facts, show_many
from netweft.cli.providers import OBJECT
from netweft.cli.selection import Selection, unsearched
from netweft.cli.session import output_option
from netweft.client import Client
from netweft.client.tree import Trees

_PROVIDER = noun("configuration-provider")
_CLASS = {"NAME": "name", "MTU": "mtu", "ENABLED": "is_enabled", "RAISED BY": "raised_by", "RAISED": "raised_at"}
_RAISED = {
    "CLASS": "system_class",
    "BEFORE": "before",
    "MTU": "mtu",
    "PLAN": "plan",
    "SERVERS": "servers",
    "PORT PROFILES": "port_profiles",
    "NETWORKS": "networks",
    "VMS": "vms",
}
_provider = named("configuration-provider", "provider")
_class = offers(lambda client, context, _: (one["name"] for one in _classes(client, context.params["provider"])))


def _path(client: Client, provider: str, what: str) -> str:
    return f"configurationproviders/{resolve(client, _PROVIDER, provider)['id']}/{what}"


def _classes(client: Client, provider: str) -> Trees:
    found: Trees = client.addition("GET", _path(client, provider, "systemclasses"))
    return found


@click.command("test")
@_provider
@output_option
@calls_engine
def test(client: Client, provider: str, form: str) -> None:
    """Check whether the provider answers and accepts the log-in.

    Example: netweft configuration-provider test ucs
    """
    found = client.addition("POST", _path(client, provider, "test"), {})
    show_facts(found, _PROVIDER.columns, form, _PROVIDER.wide)


@click.command("objects")
@_provider
@unsearched("port profiles", OBJECT)
@output_option
@calls_engine
def objects(client: Client, provider: str, selection: Selection, form: str) -> None:
    """List the port profiles that a fabric should have, and those still to be removed from it, with the reasons of
    failures.

    Example: netweft configuration-provider objects ucs
    """
    listed = client.addition("GET", _path(client, provider, "objects"))
    show_many(selection.arrange(listed, OBJECT), OBJECT, form, {"EXTERNAL ID": "provision.external_id"})


@click.command("classes")
@_provider
@unsearched("classes of traffic", _CLASS)
@output_option
@calls_engine
def classes(client: Client, provider: str, selection: Selection, form: str) -> None:
    """List the traffic classes of a fabric with their MTUs, and who raised them.

    Example: netweft configuration-provider classes ucs
    """
    show_many(selection.arrange(_classes(client, provider), _CLASS), _CLASS, form, {"RAISED FROM": "raised_from"})


@click.command("raise-mtu")
@_provider
@click.option(
    "--class",
    "system_class",
    required=True,
    help="The class of traffic, such as best-effort.",
    shell_complete=_class,
)
@click.option("--mtu", required=True, type=Whole(min=1), help="Octets that its frames may have.")
@click.option("--plan", is_flag=True, help="Only show what the change would interrupt.")
@click.option("--interrupt-fabric", is_flag=True, help="Accept that all traffic of the fabric may be interrupted.")
@output_option
@calls_engine
def raise_mtu(
    client: Client, provider: str, system_class: str, mtu: int, form: str, *, plan: bool, interrupt_fabric: bool
) -> None:
    """Raise the MTU of a traffic class of a whole fabric, which may interrupt all of its traffic. The MTU is never
    lowered.

    Example: netweft configuration-provider raise-mtu ucs --class best-effort --mtu 9000 --plan
    """
    body = {"system_class": system_class, "mtu": mtu, "plan": plan, "interrupts_fabric": interrupt_fabric}
    show_facts(client.addition("POST", _path(client, provider, "raisemtu"), body), _RAISED, form)


COMMANDS = (test, objects, classes, raise_mtu)
