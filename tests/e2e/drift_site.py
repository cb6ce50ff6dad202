"""Manual changes of a real host, and hosts for them: with Linux bridges and with Open vSwitch."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from e2e.site import CLUSTER, HOST, Site, site
from netweft.agent.guests.veth import host_end

LAB = """
name: drift
engine: {{address: 10.{net}.1/24}}
hosts:
  alpha: {{address: 10.{net}.11/24, nics: {{eth0: {{access: 4094}}, eth1: {{}}, eth2: {{}}}}}}
"""

GATEWAY = {"address": "203.0.113.5", "netmask": "255.255.255.0", "gateway": "203.0.113.1", "version": "v4"}
STATIC = [{"assignment_method": "static", "ip": GATEWAY}]


@contextmanager
def host_of_bridges(options: tuple[str, ...] = ()) -> Iterator[Site]:
    """A host whose network is a Linux bridge. ``options``: more for the engine."""
    folder = Path(tempfile.mkdtemp(prefix="nl"))  # sockets in it need a short name
    net = f"{128 + secrets.randbelow(128)}.{secrets.randbelow(256)}"
    (folder / "lab.yaml").write_text(LAB.format(net=net))
    try:
        with site(folder, folder / "lab.yaml", f"10.{net}.1", "legacy", options) as built:
            add_network(built, "flat", stp=True)
            set_up(built, attachments=[{"network": {"name": "flat"}, "nic": "eth1"}])
            yield built
    finally:
        shutil.rmtree(folder)


@contextmanager
def networks_of_open_vswitch(whole: Site) -> Iterator[None]:
    """Two networks on a bond, all of Open vSwitch."""
    for name, vlan in (("storage", 100), ("tenants", 200)):
        whole.add_network(name, vlan)
    bond = {
        "name": "bond0",
        "bonding": {
            "options": [{"name": "mode", "value": "1"}],
            "slaves": [{"name": "eth1"}, {"name": "eth2"}],
        },
    }
    networks = ("storage", "tenants")
    set_up(whole, bonds=[bond], attachments=[{"network": {"name": name}, "nic": "bond0"} for name in networks])
    yield
    whole.detach("storage", "tenants")
    bonds = [nic for nic in whole.client.list(f"hosts/{whole.host_id()}/nics") if nic["name"] == "bond0"]
    whole.client.action(f"hosts/{whole.host_id()}/setupnetworks", {"removed_bonds": [{"id": bonds[0]["id"]}]})


@contextmanager
def guest_port(whole: Site) -> Iterator[str]:
    """The port of the vNIC ``nic1`` of a guest ``web`` that runs on the host, on its network ``tenants``."""
    client = whole.client
    body = {"name": "web", "cluster": {"name": CLUSTER}, "template": {"name": "Blank"}}
    guest = client.add("vms", body)["id"]
    profile = client.find("vnicprofiles", "tenants")["id"]
    vnic = client.add(f"vms/{guest}/nics", {"name": "nic1", "vnic_profile": {"id": profile}})["id"]
    client.action(f"vms/{guest}/start", {"vm": {"placement_policy": {"hosts": [{"name": HOST}]}}})
    try:
        yield host_end(vnic)
    finally:
        client.action(f"vms/{guest}/stop")
        client.remove(f"vms/{guest}")


def add_network(whole: Site, name: str, **fields: Any) -> None:
    """An untagged network of the cluster."""
    network = whole.client.add("networks", {"name": name, "data_center": {"name": "Default"}, **fields})
    cluster = whole.client.find("clusters", CLUSTER)["id"]
    whole.client.add(f"clusters/{cluster}/networks", {"id": network["id"], "required": False})


def set_up(whole: Site, *, attachments: list[dict[str, Any]] | None = None, bonds: list[Any] | None = None) -> None:
    """Set networks up, the first one with an address; without any, repeat the current setup."""
    desired = [{"network": one["network"], "host_nic": {"name": one["nic"]}} for one in attachments or []]
    for one in desired[:1]:
        one["ip_address_assignments"] = STATIC
    body = {"modified_network_attachments": desired, "modified_bonds": bonds or [], "commit_on_success": True}
    whole.client.action(f"hosts/{whole.host_id()}/setupnetworks", body)


def in_sync(whole: Site) -> str:
    """The host in the list of hosts."""
    (host,) = (host for host in whole.client.list("hosts") if host["name"] == HOST)
    return str(host["networks_in_sync"])


def drift(whole: Site) -> dict[str, Any]:
    found: dict[str, Any] = whole.client.addition("GET", f"hosts/{whole.host_id()}/drift")
    return found


def said(whole: Site, group: str) -> set[str]:
    """The differences of one group."""
    return {one["text"] for part in drift(whole)[group] for one in part["differences"]}


def policy_table(whole: Site) -> str:
    """The routing table that packets from the host's address on ``flat`` take."""
    rules = whole.place.run(HOST, "ip", "rule", "show").stdout.split()
    return rules[rules.index("203.0.113.0/24") + 2]


def vsctl(whole: Site, words: str) -> tuple[str, ...]:
    database = whole.place.folder / "hosts" / HOST / "ovs" / "db.sock"
    return ("ovs-vsctl", f"--db=unix:{database}", *words.split())


OF_BRIDGES = {
    "a bridge is down": ("ip link set flat down", "networks", "flat: up should be on, and is off"),
    "STP": ("ip link set flat type bridge stp_state 0", "networks", "flat: stp should be on, and is off"),
    "an option of the bridge": (
        "ip link set flat type bridge forward_delay 500",
        "networks",
        "flat: options should be none, and is forward_delay=500",
    ),
    "an extra address": (
        "ip address add 198.51.100.99/24 dev flat",
        "networks",
        "flat: addresses should be 203.0.113.5/24, and is 198.51.100.99/24, 203.0.113.5/24",
    ),
    "a policy rule is gone": (
        "ip rule del from 203.0.113.0/24",
        "networks",
        "the rule from 203.0.113.0/24 to table {table} is missing",
    ),
    "a route is gone": (
        "ip route flush table {table}",
        "networks",
        "the route to 0.0.0.0/0 via 203.0.113.1 over flat in table {table} is missing",
    ),
    "the MTU of the NIC below a bridge": ("ip link set eth1 mtu 1400", "nics", "eth1: mtu should be 1500, and is 1400"),
    "the NIC left its bridge": ("ip link set eth1 nomaster", "nics", "eth1: master should be flat, and is none"),
    "the NIC is down": ("ip link set eth1 down", "nics", "eth1: up should be on, and is off"),
    "the bridge is gone": ("ip link delete flat", "networks", "flat is missing"),
}
"""By name: the command (``{table}``: of routes), the group of the difference, and its text."""

OF_OPEN_VSWITCH = {
    "the tag of a network": ("set port tenants tag=77", "networks", "OVS port tenants: tag should be 200, and is 77"),
    "a port is gone": ("del-port tenants", "networks", "OVS port tenants is missing"),
    "the mode of the bond": (
        "set port bond0 bond_mode=balance-slb",
        "nics",
        "OVS port bond0: bond_mode should be active-backup, and is balance-slb",
    ),
    "STP": ("set bridge br-bond0 stp_enable=true", "nics", "OVS bridge br-bond0: stp should be off, and is on"),
    "the bond has left": ("del-port bond0", "nics", "OVS port bond0 is missing"),
    "the bridge is gone": ("del-br br-bond0", "nics", "OVS bridge br-bond0 is missing"),
}
"""The same, with the arguments of ``ovs-vsctl``."""

OF_ITS_LINKS = {
    "both members of the bond are down": (
        "ip link set eth1 down; ip link set eth2 down",
        "nics",
        ("eth1: up should be on, and is off", "eth2: up should be on, and is off"),
    ),
    "a port is down": ("ip link set storage down", "networks", ("storage: up should be on, and is off",)),
    "the MTU of a member": ("ip link set eth2 mtu 1400", "nics", ("eth2: mtu should be 1500, and is 1400",)),
}

OF_A_GUEST = {
    "the tag of a guest's port": ("set port {port} tag=77", "vNIC nic1 of guest web: tag should be 200, and is 77"),
    "a guest's port is gone": ("del-port {port}", "vNIC nic1 of guest web: bridge should be br-bond0, and is none"),
}
