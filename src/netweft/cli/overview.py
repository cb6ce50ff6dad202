"""``netweft overview`` and ``netweft find``: problems and running work, and finding objects; and the topology of a
host.
"""

from __future__ import annotations

import click

from netweft.cli.calls import calls_engine
from netweft.cli.completion import named
from netweft.cli.lookup import resolve
from netweft.cli.noun_types import Whole
from netweft.cli.nouns import noun
from netweft.cli.output import TABLES, say, show_many, show_one
from netweft.cli.session import output_option
from netweft.client import Client
from netweft.client.tree import Tree, Trees

_PROBLEMS = {"SEVERITY": "severity", "KIND": "about.kind", "WHAT": "about.name", "PROBLEM": "text", "SINCE": "since"}
_FOUND = {"KIND": "kind", "NAME": "name", "CONTEXT": "context"}
_PATHS = {
    "GUEST": "guest",
    "VNIC": "vnic",
    "NETWORK": "network",
    "VLAN": "vlan",
    "BRIDGE": "bridge",
    "BOND": "bond",
    "NIC": "nics",
    "SWITCH PORT": "ports",
}


@click.command("overview")
@output_option
@calls_engine
def overview(client: Client, form: str) -> None:
    """Show problems of the fleet; with -o json or yaml also running work and the latest changes.

    Example: netweft overview
    """
    found = client.addition("GET", "overview")
    if form not in TABLES:
        show_one(found, form)
        return
    if found["problems"]:
        show_many(found["problems"], _PROBLEMS, form)
    else:
        say("All is well.")
    for one in found["rollouts"]:
        say(f"Rollout {one['number']} is {one['status']}: {one['reason']}, {one['progress']}.")


@click.command("find")
@click.argument("words")
@click.option("--max", "most", type=Whole(min=1), default=20, show_default=True, help="How many at most.")
@output_option
@calls_engine
def find(client: Client, words: str, most: int, form: str) -> None:
    """Find objects of all kinds whose name, address, MAC or VLAN matches WORDS, best first.

    Example: netweft find 56:6f:1a
    """
    show_many(client.addition("GET", "find", q=words, max=most), _FOUND, form, {"ID": "id", "PARENT": "parent"})


@click.command("topology")
@named("host", "name")
@output_option
@calls_engine
def topology(client: Client, name: str, form: str) -> None:
    """Show how guests of a host reach the physical switches: vNICs, networks, bridges, bonds, NICs, switch ports.

    Example: netweft host topology sim-1
    """
    found = client.addition("GET", f"hosts/{resolve(client, noun('host'), name)['id']}/topology")
    if form not in TABLES:
        show_one(found, form)
        return
    show_many(_paths(found), _PATHS, form)
    if not found["lldp"]:
        say("Switch ports are unknown: lldpd does not answer on this host.")


def _paths(found: Tree) -> Trees:
    """A row for each vNIC, and one for each network that none is on."""
    networks = {one["id"]: one for one in found["networks"]}
    rows = []
    for guest in found["guests"]:
        for vnic in guest["vnics"]:
            network = networks.get(vnic["network"], {})
            place = {**network, "bridge": None, "uplink": vnic["nic"]} if vnic["nic"] else network
            rows.append({"guest": guest["name"], "vnic": vnic["name"], **_way(found, place)})
    used = {vnic["network"] for guest in found["guests"] for vnic in guest["vnics"]}
    return [*rows, *(_way(found, one) for one in found["networks"] if one["id"] not in used)]


def _way(found: Tree, network: Tree) -> Tree:
    uplink = network.get("uplink")
    nics = [one for one in found["nics"] if uplink and uplink in {one["bond"], one["name"]}]
    return {
        "network": network.get("name"),
        "vlan": network.get("vlan"),
        "bridge": network.get("bridge"),
        "bond": uplink if any(one["name"] == uplink for one in found["bonds"]) else None,
        "nics": [one["name"] for one in nics],
        "ports": [port["text"] for one in nics for port in one["ports"]],
    }


COMMANDS = (topology,)
