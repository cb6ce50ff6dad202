"""Verbs of clusters beside the usual ones: the networks that their hosts carry."""

from __future__ import annotations

from http import HTTPStatus

import click

from netweft.cli.calls import calls_engine
from netweft.cli.completion import named
from netweft.cli.lookup import resolve
from netweft.cli.nouns import help_of, noun
from netweft.cli.output import pick, show_facts, show_many
from netweft.cli.selection import Selection, searched
from netweft.cli.session import output_option
from netweft.client import ApiError, Client
from netweft.client.tree import Tree

_CLUSTER, _NETWORK = noun("cluster"), noun("network")
_ROLES = click.Choice(("management", "display", "migration", "default_route", "gluster"))
_COLUMNS = {
    "NAME": "name",
    "VLAN": "vlan.id",
    "REQUIRED": "required",
    "STATUS": "status",
    "USAGES": "usages",
}
_cluster = named("cluster")
_network = named("network")
_required = click.option("--required/--optional", default=None, help=help_of("cluster network", "required"))
_role = click.option(
    "--role",
    "roles",
    type=_ROLES,
    multiple=True,
    help="A role of the network in the cluster; may be given more than once.",
)


@click.command("networks")
@_cluster
@searched("name=sto*")
@output_option
@calls_engine
def networks(client: Client, cluster: str, selection: Selection, form: str) -> None:
    """List the networks attached to a cluster.

    Example: netweft cluster networks Default
    """
    path = f"clusters/{resolve(client, _CLUSTER, cluster)['id']}/networks"
    show_many(client.list(path, **selection.query()), _COLUMNS, form, {"ID": "id"})


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
    """Attach a network to a cluster.

    Example: netweft cluster attach Default storage --optional
    """
    path, found = _find(client, cluster, network)
    show_facts(client.add(path, {"id": found["id"], **_flags(required, roles, found)}), _COLUMNS, form)


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
    """Change how a cluster uses a network; given roles replace all that it has.

    Example: netweft cluster change Default storage --role migration
    """
    changes = _flags(required, roles, {})
    if not changes:
        raise click.UsageError("Nothing to change: name at least one option (see --help).")
    path, found = _find(client, cluster, network)
    show_facts(client.update(f"{path}/{found['id']}", _flags(required, roles, found)), _COLUMNS, form)


@click.command("detach")
@_cluster
@_network
@calls_engine
def detach(client: Client, cluster: str, network: str) -> None:
    """Detach a network from a cluster.

    Example: netweft cluster detach Default storage
    """
    path, found = _find(client, cluster, network)
    if not any(one["id"] == found["id"] for one in client.list(path)):
        raise ApiError(HTTPStatus.NOT_FOUND, f"The network '{network}' is not attached to the cluster '{cluster}'.")
    client.remove(f"{path}/{found['id']}")


COMMANDS = (networks, attach, change, detach)


def _find(client: Client, cluster: str, network: str) -> tuple[str, Tree]:
    """The path of the cluster's networks, and the network of that name in the cluster's data centre."""
    found = resolve(client, _CLUSTER, cluster)
    data_center = pick(found, "data_center.id")
    where = f"in the data centre of cluster {cluster}"
    wanted = resolve(client, _NETWORK, network, matching={"data_center.id": data_center}, where=where)
    return f"clusters/{found['id']}/networks", wanted


def _flags(required: bool | None, roles: tuple[str, ...], network: Tree) -> Tree:
    flags: Tree = {} if required is None else {"required": required}
    if roles:
        # The API replaces the whole list of usages, the VM flag among them.
        kept = [usage for usage in network.get("usages", []) if usage == "vm"]
        flags["usages"] = [*kept, *roles]
    return flags
