"""Existing objects of a host are adopted while they are in use, without a lost packet: Linux bridges, and Open vSwitch
with tagged ports. VLAN devices and bonds need another kernel: tests/metal/brown_field.py.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from e2e.site import CLUSTER, HOST, Site, site, wait
from netweft.client import ApiError
from pings import no_ping_lost

PEER = "beta"
LAB = """
name: brownfield
engine: {{address: 10.{net}.1/24}}
hosts:
  alpha: {{address: 10.{net}.11/24, nics: {{eth0: {{access: 4094}}, eth1: {{}}, eth2: {{}}}}}}
  beta: {{address: 10.{net}.12/24, nics: {{eth0: {{access: 4094}}, eth1: {{}}, eth2: {{}}}}}}
"""
PATIENCE = 30.0
BRIDGED, SWITCHED = "203.0.113.5", ("198.18.10.5", "198.18.20.5")
"""Addresses of the host on the existing objects."""


@contextmanager
def built(switch_type: str) -> Iterator[Site]:
    """A host with an existing bridge and Open vSwitch, in a cluster of the one or the other type."""
    folder = Path(tempfile.mkdtemp(prefix="nl"))  # sockets in it need a short name
    net = f"{128 + secrets.randbelow(128)}.{secrets.randbelow(256)}"
    (folder / "lab.yaml").write_text(LAB.format(net=net))
    try:
        with site(folder, folder / "lab.yaml", f"10.{net}.1", switch_type) as whole:
            for host, number in ((HOST, 5), (PEER, 6)):
                by_hand(whole, host, *commands(f"{whole.place.folder}/hosts/{host}/ovs/db.sock", number))
            yield whole
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def bridges() -> Iterator[Site]:
    with built("legacy") as whole:
        yield whole


@pytest.fixture(scope="module")
def switches() -> Iterator[Site]:
    with built("ovs") as whole:
        yield whole


def commands(database: str, number: int) -> tuple[str, ...]:
    """The commands that make both kinds on a host. ``number``: the last octet of its addresses."""
    ovs = f"ovs-vsctl --db=unix:{database}"
    return (
        f"{ovs} add-br ovs0 -- set bridge ovs0 datapath_type=netdev",
        f"{ovs} add-port ovs0 eth1",
        f"{ovs} add-port ovs0 v10 tag=10 -- set interface v10 type=internal",
        f"{ovs} add-port ovs0 v20 tag=20 -- set interface v20 type=internal",
        "ip link set eth1 up",
        "ip link set v10 up",
        "ip link set v20 up",
        f"ip address add 198.18.10.{number}/24 dev v10",
        f"ip address add 198.18.20.{number}/24 dev v20",
        "ip link add br-old type bridge forward_delay 0",
        f"ip link set br-old address 02:00:00:77:00:0{number}",
        "ip link set eth2 master br-old",
        "ip link set eth2 up",
        "ip link set br-old up",
        f"ip address add 203.0.113.{number}/24 dev br-old",
    )


def by_hand(whole: Site, host: str, *commands: str) -> None:
    for command in commands:
        done = whole.place.run(host, *command.split())
        assert done.returncode == 0, (command, done.stderr)


def add_network(whole: Site, name: str, **fields: Any) -> None:
    network = whole.client.add("networks", {"name": name, "data_center": {"name": "Default"}, **fields})
    cluster = whole.client.find("clusters", CLUSTER)["id"]
    whole.client.add(f"clusters/{cluster}/networks", {"id": network["id"], "required": False})


def proposed(whole: Site) -> dict[str, dict[str, Any]]:
    found = whole.client.addition("GET", f"hosts/{whole.host_id()}/unmanagednetworks")
    return {one["name"]: one for one in found}


def adopt(whole: Site, *networks: tuple[str, str | None]) -> None:
    body = {"networks": [{"name": name, "network": network} for name, network in networks]}
    answer = whole.client.addition("POST", f"hosts/{whole.host_id()}/unmanagednetworks/adopt", body)
    assert answer == {"changed": True}


def pinging(whole: Site) -> AbstractContextManager[None]:
    """No packet is lost, whichever object is adopted."""
    return no_ping_lost(whole.place.hosts[PEER].namespace, BRIDGED, *SWITCHED)


def test_a_linux_bridge(bridges: Site) -> None:
    whole = bridges
    wait("all are seen", lambda: proposed(whole).keys() == {"v10", "v20", "br-old"}, PATIENCE)
    assert proposed(whole)["br-old"]["network"] is None
    with pytest.raises(ApiError, match=r"No network of the Cluster fits 'br-old'.*with VLAN none and an MTU of 1500"):
        adopt(whole, ("br-old", None))
    add_network(whole, "office")
    before = whole.place.run(HOST, "ip", "-o", "link", "show", "br-old").stdout
    with pinging(whole):
        adopt(whole, ("br-old", "office"))
    after = whole.place.run(HOST, "ip", "-o", "link", "show", "br-old").stdout
    assert after.split("alias")[0].rstrip("\\ ") == before.rstrip("\n\\ ")
    assert "office" in whole.attached()
    assert proposed(whole).keys() == {"v10", "v20"}
    assert in_sync(whole)
    with pytest.raises(ApiError, match="It is of Open vSwitch, and hosts of this Cluster have Linux bridges"):
        adopt(whole, ("v10", None))
    with pinging(whole):  # as if the machine's own scripts had recreated the bridge
        by_hand(whole, HOST, "ip link set br-old alias theirs")
        wait("the mark is missed", lambda: not in_sync(whole), PATIENCE)
        whole.client.action(f"hosts/{whole.host_id()}/syncallnetworks")
        wait("it is as desired again", lambda: in_sync(whole), PATIENCE)


def in_sync(whole: Site) -> bool:
    (host,) = [one for one in whole.client.list("hosts") if one["name"] == HOST]
    return str(host["networks_in_sync"]) == "true"


def test_open_vswitch(switches: Site) -> None:
    whole = switches
    add_network(whole, "storage", vlan={"id": 10})
    add_network(whole, "v20", vlan={"id": 20})
    wait("all are seen", lambda: proposed(whole).keys() == {"v10", "v20", "br-old"}, PATIENCE)
    found = {name: one["network"] and one["network"]["name"] for name, one in proposed(whole).items()}
    assert found == {"v10": "storage", "v20": "v20", "br-old": None}
    with pytest.raises(ApiError, match="It is of Linux bridges, and hosts of this Cluster have Open vSwitch"):
        adopt(whole, ("br-old", None))
    with pinging(whole):
        adopt(whole)
    assert {"storage", "v20"} <= whole.attached()
    assert proposed(whole).keys() == {"br-old"}
    drift = whole.client.addition("GET", f"hosts/{whole.host_id()}/drift")
    assert drift["in_sync"], drift
    with pinging(whole):
        whole.add_network("third", 30)
        whole.client.action(
            f"hosts/{whole.host_id()}/setupnetworks",
            {"modified_network_attachments": [{"network": {"name": "third"}, "host_nic": {"name": "eth1"}}]},
        )
    ovs = f"ovs-vsctl --db=unix:{whole.place.folder}/hosts/{HOST}/ovs/db.sock"
    assert "third" in whole.place.run(HOST, *f"{ovs} list-ports ovs0".split()).stdout.split()
