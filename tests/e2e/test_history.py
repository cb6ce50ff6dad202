"""Restoring earlier setups of a real host: the host then equals its earlier state."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given

from core.strategies import sources
from e2e.site import HOST, Site
from properties import examples

NETWORKS = {"storage": 100, "tenants": 200, "backup": 300}
WALKS = 3
CHANGES = 7
"""Of each walk."""
LINK = ("ifname", "mtu", "flags", "address")
PORT = ("name", "tag", "bond_mode", "lacp")


def observed(whole: Site) -> dict[str, Any]:
    """The state of the host's kernel and its Open vSwitch, without random values."""

    def output_of(*command: str) -> Any:
        done = whole.place.run(HOST, *command)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "[]")

    database = whole.place.folder / "hosts" / HOST / "ovs" / "db.sock"
    links = {}
    for link in output_of("ip", "-j", "address", "show"):
        name, addresses = link["ifname"], sorted(one["local"] for one in link["addr_info"])
        if name != "ovs-netdev":
            # Link-local addresses of IPv6 appear later; the MAC address of a bridge is random.
            shown = [link[key] for key in LINK if key != "address" or not name.startswith("br-")]
            links[name] = shown, [one for one in addresses if not one.startswith("fe80")]
    columns = f"--columns={','.join(PORT)}"
    listed = output_of("ovs-vsctl", f"--db=unix:{database}", "--format=json", columns, "list", "Port")
    rules = [{key: rule.get(key) for key in ("src", "table")} for rule in output_of("ip", "-j", "rule", "show")]
    routes = output_of("ip", "-j", "-4", "route", "show", "table", "all")
    return {
        "links": links,
        "ports": sorted(map(str, listed["data"])),
        "rules": sorted(map(str, rules)),
        "routes": sorted(f"{route['dst']} {route.get('gateway')} {route['dev']}" for route in routes),
    }


def change(whole: Site, rnd: random.Random) -> dict[str, Any]:
    """Another place and another address for each network, with and without a bond."""
    host = f"hosts/{whole.host_id()}"
    there = whole.client.list(f"{host}/networkattachments")
    ids = {one["network"]["id"]: one["id"] for one in there}
    networks = {name: whole.client.find("networks", name)["id"] for name in NETWORKS}
    has_bond = any(nic["name"] == "bond0" for nic in whole.client.list(f"{host}/nics"))
    gets_bond = rnd.random() < 0.5
    desired, removed = [], []
    for number, (name, network_id) in enumerate(networks.items()):
        nic = "bond0" if gets_bond else rnd.choice(["eth1", "eth2"])
        if rnd.random() < 0.7:
            ip = {"address": f"203.0.{113 + number}.{rnd.randrange(1, 250)}", "netmask": "24", "version": "v4"}
            static = [{"assignment_method": "static", "ip": ip}] if rnd.random() < 0.5 else []
            desired.append({"network": {"name": name}, "host_nic": {"name": nic}, "ip_address_assignments": static})
        elif network_id in ids:
            removed.append({"id": ids[network_id]})
    mode = [{"name": "mode", "value": rnd.choice(["1", "2"])}]
    bond = {"name": "bond0", "bonding": {"options": mode, "slaves": [{"name": "eth1"}, {"name": "eth2"}]}}
    return {
        "modified_network_attachments": desired,
        "removed_network_attachments": removed,
        "modified_bonds": [bond] if gets_bond else [],
        "removed_bonds": [{"name": "bond0"}] if has_bond and not gets_bond else [],
        "commit_on_success": True,
    }


def take_all_off(whole: Site) -> None:
    """The networks that tests put on the host, and the bond."""
    whole.detach(*NETWORKS)
    nics = whole.client.list(f"hosts/{whole.host_id()}/nics")
    bonds = [{"id": nic["id"]} for nic in nics if nic["name"] == "bond0"]
    body = {"removed_bonds": bonds, "commit_on_success": True}
    whole.client.action(f"hosts/{whole.host_id()}/setupnetworks", body)


def test_every_earlier_setup_can_be_restored(whole: Site) -> None:
    for name, vlan in NETWORKS.items():
        whole.add_network(name, vlan)
    history = f"hosts/{whole.host_id()}/history"
    restored = 0

    @examples(WALKS)
    @given(sources)
    def walks(rnd: random.Random) -> None:
        nonlocal restored
        take_all_off(whole)
        was: dict[int, Any] = {}
        for _ in range(CHANGES):
            whole.client.action(f"hosts/{whole.host_id()}/setupnetworks", change(whole, rnd))
            last = whole.client.addition("GET", history, max=1)[0]
            assert last["state"] == "applied"
            was[last["generation"]] = observed(whole)
        order = list(was)
        rnd.shuffle(order)
        for generation in order:
            whole.client.addition("POST", f"{history}/{generation}/restore", {"commit": True})
            assert observed(whole) == was[generation], generation
            told = whole.client.addition("GET", f"{history}/{generation}/difference")
            assert told["changes"] == []
            restored += 1

    try:
        walks()
        assert restored > CHANGES
    finally:
        take_all_off(whole)
