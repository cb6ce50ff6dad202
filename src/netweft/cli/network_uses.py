"""What uses networks: the objects, hosts and vNICs of one, and the clusters of all."""

from __future__ import annotations

from collections.abc import Mapping

import click

from netweft.cli import nouns
from netweft.cli.calls import calls_engine
from netweft.cli.completion import completes, named
from netweft.cli.lookup import entities, resolve
from netweft.cli.nouns import noun
from netweft.cli.output import TABLES, say, show_many, show_one
from netweft.cli.selection import Selection, max_option, searched
from netweft.cli.session import output_option
from netweft.client import Client
from netweft.client.tree import Tree, Trees

_NETWORK, _VNIC = noun("network"), noun("vnic")
_USAGE = {"KIND": "kind", "NAME": "name"}
_HOSTS = {
    "HOST": "host.name",
    "STATUS": "status",
    "CLUSTER": "cluster.name",
    "NIC": "nic",
    "IN SYNC": "in_sync",
    "DIFFERS": "differs",
}
_name = named("network", "name")


def _below(client: Client, name: str, what: str, selection: Selection) -> Trees:
    path = f"networks/{resolve(client, _NETWORK, name)['id']}/{what}"
    found: Trees = client.addition("GET", path, **selection.query())
    return found


@click.command("usage")
@_name
@searched("kind=vm")
@output_option
@calls_engine
def usage(client: Client, name: str, selection: Selection, form: str) -> None:
    """List the objects that use a network: clusters, hosts, virtual machines, templates, vNIC profiles, and networks
    of providers over it.

    Example: netweft network usage storage
    """
    show_many(_below(client, name, "usage", selection), _USAGE, form, {"ID": "id"})


@click.command("hosts")
@_name
@searched("cluster=Default")
@output_option
@calls_engine
def hosts(client: Client, name: str, selection: Selection, form: str) -> None:
    """List the hosts that carry a network, with whether it is in sync there, and those of its clusters that do not.

    Example: netweft network hosts storage
    """
    found = _below(client, name, "hosts", selection)
    for one in found:
        one["differs"] = [
            f"{each['name']} is {each['actual'] or 'none'}, not {each['expected'] or 'none'}"
            for each in one["differences"]
        ]
    show_many(found, _HOSTS, form, {"ID": "host.id"})


@click.command("vnics")
@_name
@searched("host=sim-1")
@output_option
@calls_engine
def vnics(client: Client, name: str, selection: Selection, form: str) -> None:
    """List the vNICs of virtual machines on a network. 'netweft vnic list' lists those of all networks.

    Example: netweft network vnics storage
    """
    chosen = selection.within(f"network.id={resolve(client, _NETWORK, name)['id']}")
    found = client.addition("GET", nouns.noun("vnic").path, **chosen.query())
    show_many(found, _VNIC.columns, form, _VNIC.wide)


@click.command("matrix")
@click.option(
    "--datacenter", help="Only networks and clusters of this data centre.", shell_complete=completes("datacenter")
)
@click.option("--search", default="", help="Only networks that match, for example 'name=sto*'.")
@click.option("--clusters", default="", help="Only clusters that match, for example 'name=rack*'.")
@max_option(0)
@output_option
@calls_engine
def matrix(client: Client, datacenter: str | None, search: str, clusters: str, most: int | None, form: str) -> None:
    """Show which networks which clusters have: a line for each network, a column for each cluster, with the number of
    hosts that carry it, lack it although it is required, or have it out of sync.

    Example: netweft network matrix --search 'name=sto*' --clusters 'name=Def*'
    """
    asked = {"datacenter": datacenter, "networks": search, "clusters": clusters, "max": most}
    found = client.addition("GET", "matrix", **{key: value for key, value in asked.items() if value})
    if form not in TABLES:
        show_one(found, form)
        return
    rows, columns = _table(found, {one["id"]: one["name"] for one in entities(client, noun("datacenter"))})
    show_many(rows, columns, form)
    for key in ("networks", "clusters"):
        shown, total = len(found[key]), found[f"{key}_total"]
        if shown < total:
            say(f"{shown} of {total} {key}.")


COMMANDS = (usage, hosts, vnics, matrix)


def _table(found: Tree, data_centers: Mapping[str, str]) -> tuple[Trees, dict[str, str]]:
    """The lines of a matrix, and its columns; with data centres (names by id) where there are several."""
    columns = {"NETWORK": "name", "VLAN": "vlan"}
    if len({one["data_center"] for one in found["networks"]}) > 1:
        columns["DATA CENTRE"] = "place"
    columns |= {one["name"]: one["id"] for one in found["clusters"]}
    rows = {one["id"]: {**one, "place": data_centers.get(one["data_center"], "")} for one in found["networks"]}
    for cell in found["cells"]:
        rows[cell["network"]][cell["cluster"]] = _text(cell)
    return list(rows.values()), columns


def _text(cell: Tree) -> str:
    hosts = f"{cell['hosts']} host{'s' * (cell['hosts'] != 1)}"
    parts = [hosts, *(["required"] if cell["required"] else [])]
    parts += [
        f"{cell[key]} {word}" for key, word in (("missing", "missing"), ("out_of_sync", "out of sync")) if cell[key]
    ]
    return ", ".join(parts)
