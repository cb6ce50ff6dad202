"""What somebody changes on a real host by hand is seen in good time, told as what it is, and put right: with Linux
bridges and with Open vSwitch. VLAN devices and bonds of the kernel take another kernel: tests/metal/drift.py.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from e2e.site import CLUSTER, HOST, Site, site, wait
from engine_process import PASSWORD
from netweft.agent.guests.veth import host_end

LAB = """
name: drift
engine: {{address: 10.{net}.1/24}}
hosts:
  alpha: {{address: 10.{net}.11/24, nics: {{eth0: {{access: 4094}}, eth1: {{}}, eth2: {{}}}}}}
"""

PATIENCE = 30.0
"""Seconds within which a change by hand is to be seen, on any machine; the usual is one."""

BEGINS, IS_OVER = "20010", "20011"
"""Codes of the events."""

GATEWAY = {"address": "203.0.113.5", "netmask": "255.255.255.0", "gateway": "203.0.113.1", "version": "v4"}
STATIC = [{"assignment_method": "static", "ip": GATEWAY}]


@pytest.fixture(scope="module")
def bridges() -> Iterator[Site]:
    """A host whose networks are Linux bridges."""
    folder = Path(tempfile.mkdtemp(prefix="nl"))  # sockets in it need a short name
    net = f"{128 + secrets.randbelow(128)}.{secrets.randbelow(256)}"
    (folder / "lab.yaml").write_text(LAB.format(net=net))
    try:
        with site(folder, folder / "lab.yaml", f"10.{net}.1", "legacy") as built:
            add_network(built, "flat", stp=True)
            set_up(built, attachments=[{"network": {"name": "flat"}, "nic": "eth1"}])
            yield built
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def switches(whole: Site) -> Iterator[Site]:
    """A host with two networks on a bond, all of Open vSwitch, and a guest on each."""
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
    yield whole
    whole.detach("storage", "tenants")
    bonds = [nic for nic in whole.client.list(f"hosts/{whole.host_id()}/nics") if nic["name"] == "bond0"]
    whole.client.action(f"hosts/{whole.host_id()}/setupnetworks", {"removed_bonds": [{"id": bonds[0]["id"]}]})


def add_network(whole: Site, name: str, **fields: Any) -> None:
    """An untagged network of the cluster."""
    network = whole.client.add("networks", {"name": name, "data_center": {"name": "Default"}, **fields})
    cluster = whole.client.find("clusters", CLUSTER)["id"]
    whole.client.add(f"clusters/{cluster}/networks", {"id": network["id"], "required": False})


def set_up(whole: Site, *, attachments: list[dict[str, Any]] | None = None, bonds: list[Any] | None = None) -> None:
    """Set networks up, the first with an address; without any, ask for nothing new."""
    wanted = [{"network": one["network"], "host_nic": {"name": one["nic"]}} for one in attachments or []]
    for one in wanted[:1]:
        one["ip_address_assignments"] = STATIC
    body = {"modified_network_attachments": wanted, "modified_bonds": bonds or [], "commit_on_success": True}
    whole.client.action(f"hosts/{whole.host_id()}/setupnetworks", body)


def in_sync(whole: Site) -> str:
    """What the list of hosts says."""
    (host,) = (host for host in whole.client.list("hosts") if host["name"] == HOST)
    return str(host["networks_in_sync"])


def drift(whole: Site) -> dict[str, Any]:
    found: dict[str, Any] = whole.client.addition("GET", f"hosts/{whole.host_id()}/drift")
    return found


def said(whole: Site, group: str) -> set[str]:
    """What differs of one group."""
    return {one["text"] for part in drift(whole)[group] for one in part["differences"]}


def told(whole: Site) -> list[str]:
    """How often drift began and was over, the last first."""
    events = whole.client.list("events", max=200)
    mine = [event for event in events if event.get("host", {}).get("id") == whole.host_id()]
    return [event["code"] for event in mine if event["code"] in {BEGINS, IS_OVER}]


def suffers(whole: Site, command: tuple[str, ...], group: str, *texts: str) -> None:
    """Somebody runs a program on the host; that is seen in time, told as what it is, and put right both ways."""
    before = len(told(whole))
    for repair in (f"hosts/{whole.host_id()}/syncallnetworks", ""):
        assert in_sync(whole) == "true", drift(whole)
        done = whole.place.run(HOST, *command)
        assert done.returncode == 0, done.stderr
        wait(f"{command} is seen as {texts}", lambda: set(texts) <= said(whole, group), PATIENCE)
        assert in_sync(whole) == "false"
        # A port's link goes a moment after the port, and would then be somebody else's.
        wait("nothing is in the way", lambda: not drift(whole)["obstacle"], PATIENCE)
        if repair:
            whole.client.action(repair)
        else:
            set_up(whole)
        wait("the host is as wanted again", lambda: in_sync(whole) == "true", PATIENCE)
        assert drift(whole)["in_sync"]
    assert told(whole)[: len(told(whole)) - before] == [IS_OVER, BEGINS] * 2


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


@pytest.mark.parametrize("what", OF_BRIDGES)
def test_with_linux_bridges(bridges: Site, what: str) -> None:
    command, group, text = OF_BRIDGES[what]
    rules = bridges.place.run(HOST, "ip", "rule", "show").stdout.split()
    table = rules[rules.index("203.0.113.0/24") + 2]
    suffers(bridges, tuple(command.format(table=table).split()), group, text.format(table=table))


def test_as_the_command_line_tells_it(bridges: Site) -> None:
    bridges.place.run(HOST, "ip", "link", "set", "flat", "down")
    bridges.place.run(HOST, "ip", "link", "set", "eth1", "mtu", "1400")
    wait("both are seen", lambda: len(drift(bridges)["networks"] + drift(bridges)["nics"]) == 2, PATIENCE)
    environment = {
        **os.environ,
        "NETWEFT_URL": bridges.engine.url,
        "NETWEFT_CA": str(bridges.engine.ca),
        "NETWEFT_PASSWORD": PASSWORD,
    }

    def netweft(*words: str) -> str:
        command = [sys.executable, "-m", "netweft", *words]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    told = netweft("host", "drift", HOST)
    assert re.search(r"^NIC eth1 +eth1: mtu should be 1500, and is 1400 *$", told, re.MULTILINE), told
    assert re.search(r"^network flat +flat: up should be on, and is off *$", told, re.MULTILINE), told
    assert re.search(rf"^{HOST} +up +false ", netweft("host", "list"), re.MULTILINE)
    assert "flat.up is off, not on" in netweft("host", "attachments", HOST)
    netweft("host", "sync", HOST)
    wait("the host is as wanted again", lambda: in_sync(bridges) == "true", PATIENCE)


def test_a_cable_that_is_pulled_is_no_drift(bridges: Site) -> None:
    """Nobody changed the host; that its NIC has no carrier is told as before."""
    before = told(bridges)
    bridges.place.cut(HOST, "eth1")
    nic = f"hosts/{bridges.host_id()}/nics"

    def down() -> bool:
        return any(one["name"] == "eth1" and one["status"] == "down" for one in bridges.client.list(nic))

    wait("the NIC is seen to be down", down)
    assert in_sync(bridges) == "true"
    bridges.place.mend(HOST, "eth1")
    assert told(bridges) == before


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


@pytest.mark.parametrize("what", OF_OPEN_VSWITCH)
def test_with_open_vswitch(switches: Site, what: str) -> None:
    words, group, text = OF_OPEN_VSWITCH[what]
    suffers(switches, vsctl(switches, words), group, text)


def vsctl(whole: Site, words: str) -> tuple[str, ...]:
    database = whole.place.folder / "hosts" / HOST / "ovs" / "db.sock"
    return ("ovs-vsctl", f"--db=unix:{database}", *words.split())


OF_ITS_LINKS = {
    "both members of the bond are down": (
        "ip link set eth1 down; ip link set eth2 down",
        "nics",
        ("eth1: up should be on, and is off", "eth2: up should be on, and is off"),
    ),
    "a port is down": ("ip link set storage down", "networks", ("storage: up should be on, and is off",)),
    "the MTU of a member": ("ip link set eth2 mtu 1400", "nics", ("eth2: mtu should be 1500, and is 1400",)),
}


@pytest.mark.parametrize("what", OF_ITS_LINKS)
def test_with_links_of_open_vswitch(switches: Site, what: str) -> None:
    command, group, texts = OF_ITS_LINKS[what]
    suffers(switches, ("sh", "-c", command), group, *texts)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("set port {port} tag=77", "tag should be 200, and is 77"),
        ("del-port {port}", "bridge should be br-bond0, and is none"),
    ],
)
def test_the_port_of_a_guest(switches: Site, words: str, text: str) -> None:
    client = switches.client
    body = {"name": "web", "cluster": {"name": CLUSTER}, "template": {"name": "Blank"}}
    guest = client.add("vms", body)["id"]
    profile = client.find("vnicprofiles", "tenants")["id"]
    vnic = client.add(f"vms/{guest}/nics", {"name": "nic1", "vnic_profile": {"id": profile}})["id"]
    client.action(f"vms/{guest}/start", {"vm": {"placement_policy": {"hosts": [{"name": HOST}]}}})
    try:
        command = vsctl(switches, words.format(port=host_end(vnic)))
        suffers(switches, command, "guest_ports", f"vNIC nic1 of guest web: {text}")
    finally:
        client.action(f"vms/{guest}/stop")
        client.remove(f"vms/{guest}")


def generation(whole: Site) -> int:
    found = whole.client.addition("GET", f"hosts/{whole.host_id()}/history", max=1)
    return int(found[0]["generation"])


def answer(whole: Site, which: str, body: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = whole.client.addition("POST", f"hosts/{whole.host_id()}/drift/{which}", body)
    return given


ADOPTED = {
    "an option of the bridge": ("ip link set flat type bridge forward_delay 500", "flat: options"),
    "an address is lost": ("ip address del 203.0.113.5/24 dev flat", "flat: addresses"),
    "the bridge is gone": ("ip link delete flat", "flat is missing"),
}


@pytest.mark.parametrize("what", ADOPTED)
def test_what_somebody_did_is_adopted(bridges: Site, what: str) -> None:
    """The host stays as it is, also when it is set up again, until an earlier setup is had back."""
    command, words = ADOPTED[what]
    before = generation(bridges)
    assert bridges.place.run(HOST, *command.split()).returncode == 0
    wait(f"{words} is seen", lambda: words in str(drift(bridges)), PATIENCE)
    assert answer(bridges, "adopt", {}) == {"changed": True}
    wait("the host is as wanted", lambda: in_sync(bridges) == "true", PATIENCE)
    set_up(bridges)
    assert drift(bridges)["in_sync"], drift(bridges)
    restored = f"hosts/{bridges.host_id()}/history/{before}/restore"
    assert bridges.client.addition("POST", restored, {"commit": True}) == {"changed": True}
    assert "203.0.113.5/24" in bridges.place.run(HOST, "ip", "address", "show", "flat").stdout
    wait("the host is as wanted again", lambda: in_sync(bridges) == "true", PATIENCE)


def test_what_somebody_did_is_ignored_for_a_while(bridges: Site) -> None:
    bridges.place.run(HOST, "ip", "link", "set", "eth1", "mtu", "1400")
    wait("it is seen", lambda: in_sync(bridges) == "false", PATIENCE)
    until = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    assert answer(bridges, "ignore", {"differences": ["eth1.mtu"], "until": until})["in_sync"]
    assert in_sync(bridges) == "true"
    wait("it counts again", lambda: in_sync(bridges) == "false", PATIENCE)
    answer(bridges, "ignore", {})
    assert in_sync(bridges) == "true"
    bridges.place.run(HOST, "ip", "link", "set", "eth1", "mtu", "1300")
    wait("it is another one", lambda: in_sync(bridges) == "false", PATIENCE)
    bridges.client.action(f"hosts/{bridges.host_id()}/syncallnetworks")
    wait("the host is as wanted again", lambda: in_sync(bridges) == "true", PATIENCE)


def test_a_cluster_heals_its_hosts(bridges: Site) -> None:
    cluster = f"clusters/{bridges.client.find('clusters', CLUSTER)['id']}"
    bridges.client.update(cluster, {"drift_healing": "always"})
    try:
        bridges.place.run(HOST, "ip", "link", "set", "eth1", "nomaster")
        wait("it is healed", lambda: "20034" in codes(bridges), PATIENCE)
        wait("the host is as wanted again", lambda: in_sync(bridges) == "true", PATIENCE)
    finally:
        bridges.client.update(cluster, {"drift_healing": "off"})


def codes(whole: Site) -> set[str]:
    return {event["code"] for event in whole.client.list("events", max=50)}
