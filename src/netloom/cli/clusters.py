"""What can be done with a cluster beside the usual verbs: which networks its hosts carry."""

from __future__ import annotations

import click

from netloom.cli.nouns import NOUNS
from netloom.cli.output import show_many, show_one
from netloom.cli.session import calls_engine, output_option
from netloom.cli.verbs import resolve
from netloom.client import Client
from netloom.client.tree import Tree

_CLUSTER = next(noun for noun in NOUNS if noun.name == "cluster")
_NETWORK = next(noun for noun in NOUNS if noun.name == "network")
_ROLES = click.Choice(("management", "display", "migration", "default_route", "gluster"))
_COLUMNS = {
    "NAME": "name",
    "VLAN": "vlan.id",
    "REQUIRED": "required",
    "STATUS": "status",
    "USAGES": "usages",
    "ID": "id",
}
_cluster = click.argument("cluster", metavar="CLUSTER")
_network = click.argument("network", metavar="NETWORK")
_required = click.option("--required/--optional", default=None, help="Whether a host without it is not operational.")
_role = click.option(
    "--role", "roles", type=_ROLES, multiple=True, help="What the cluster uses it for; may be given more than once."
)


@click.command("networks")
@_cluster
@output_option
@calls_engine
def networks(client: Client, cluster: str, form: str) -> None:
    """The networks attached to a cluster."""
    show_many(client.list(f"clusters/{resolve(client, _CLUSTER, cluster)['id']}/networks"), _COLUMNS, form)


@click.command("attach")
@_cluster
@_network
@_required
@_role
@output_option
@calls_engine
def attach(
    client: Client, cluster: str, network: str, required: bool | None, roles: tuple[str, ...], form: str
) -> None:
    """Attach a network to a cluster."""
    found = resolve(client, _NETWORK, network)
    entity: Tree = {"id": found["id"], **_flags(required, roles, found)}
    show_one(client.add(f"clusters/{resolve(client, _CLUSTER, cluster)['id']}/networks", entity), form)


@click.command("change")
@_cluster
@_network
@_required
@_role
@output_option
@calls_engine
def change(
    client: Client, cluster: str, network: str, required: bool | None, roles: tuple[str, ...], form: str
) -> None:
    """Change how a cluster uses a network; roles, when given, replace all that it has."""
    found = resolve(client, _NETWORK, network)
    path = f"clusters/{resolve(client, _CLUSTER, cluster)['id']}/networks/{found['id']}"
    show_one(client.update(path, _flags(required, roles, found)), form)


@click.command("detach")
@_cluster
@_network
@calls_engine
def detach(client: Client, cluster: str, network: str) -> None:
    """Detach a network from a cluster."""
    client.remove(
        f"clusters/{resolve(client, _CLUSTER, cluster)['id']}/networks/{resolve(client, _NETWORK, network)['id']}"
    )


COMMANDS = (networks, attach, change, detach)


def _flags(required: bool | None, roles: tuple[str, ...], network: Tree) -> Tree:
    flags: Tree = {} if required is None else {"required": required}
    if roles:
        # The API replaces the whole list of usages, the VM flag among them.
        kept = [usage for usage in network.get("usages", []) if usage == "vm"]
        flags["usages"] = [*kept, *roles]
    return flags
