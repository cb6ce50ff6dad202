"""A host that was removed joins again by one command, at the same engine and at another: it keeps its networks, and its
management network is recognized, on a Linux bridge and on Open vSwitch.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from e2e.site import Site, wait
from engine_process import EngineProcess
from netweft import lab
from netweft.cli.labs import add_host, join_of

LAB = """
name: rejoin
engine: {address: 198.51.107.1/24}
hosts:
  alpha:
    address: 198.51.107.11/24
    nics: {eth0: {access: 4094}, eth1: {}, eth2: {}}
  beta:
    address: 198.51.107.12/24
    nics: {eth0: {access: 4094}, eth1: {}, eth2: {}}
"""
CLUSTERS = {"alpha": ("bridges", "legacy"), "beta": ("racks", "ovs")}


@dataclass
class Engine:
    """One of two engines that a host can belong to: with a cluster of each switch type, and networks of the same names.
    Untagged ones, since not every kernel has VLAN devices.
    """

    site: Site
    networks: dict[str, str] = field(default_factory=dict)

    def prepare(self) -> None:
        client = self.site.client
        here = {"name": "Default"}
        for name in ("storage", "tenants"):
            self.networks[name] = client.add("networks", {"name": name, "data_center": here})["id"]
        for name, switch in CLUSTERS.values():
            cluster = client.add("clusters", {"name": name, "switch_type": switch, "data_center": here})["id"]
            for network in self.networks.values():
                client.add(f"clusters/{cluster}/networks", {"id": network, "required": False})

    def await_up(self, host: str) -> None:
        wait(f"host {host} is up", lambda: self.site.status(host) == "up")

    def attach(self, network: str, nic: str, host: str, **more: Any) -> None:
        assert self.site.outcome(self.site.attach(network, nic=nic, host=host, **more))["status"] == "finished"

    def remove(self, host: str, **query: str) -> None:
        host_id = self.site.host_id(host)
        self.site.client.action(f"hosts/{host_id}/deactivate")
        self.site.client.remove(f"hosts/{host_id}", **query)

    def join(self, host: str) -> None:
        """Add the host, and run the command that joins it while its agent runs."""
        place = self.site.place
        host_id = add_host(self.site.client, host, place.hosts[host].address, CLUSTERS[host][0])
        joining = join_of(self.site.client, host_id)
        state = place.folder / "hosts" / host / "state"
        command = (sys.executable, "-m", "netweft.agent", "--state", str(state), "--run", str(state / "run"))
        told = (*command, "--enroll", joining.url, "--ca-fingerprint", joining.fingerprint)
        done = place.run(host, *told, "--token", joining.token(host, ""))
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    """Two engines in one lab, whose hosts have joined the first."""
    folder = tmp_path_factory.mktemp("rejoin")
    file = folder / "lab.yaml"
    file.write_text(LAB)
    place = lab.up(file, folder / "lab")
    try:
        with (
            EngineProcess(folder / "first", listen="198.51.107.1:0") as one,
            EngineProcess(folder / "second", listen="198.51.107.1:0") as two,
            one.client() as client,
            two.client() as other,
        ):
            first, second = Engine(Site(place, one, client)), Engine(Site(place, two, other))
            for engine in (first, second):
                engine.prepare()
            for name, host in place.hosts.items():
                place.start_agent(name, join_of(client, add_host(client, name, host.address, CLUSTERS[name][0])))
            for name in place.hosts:
                first.await_up(name)
            yield first, second
    finally:
        place.down()


def addresses(place: lab.Lab, host: str) -> dict[str, list[str]]:
    """The addresses of each link of a host that has some."""
    links = json.loads(place.run(host, "ip", "-j", "-4", "address").stdout)
    return {link["ifname"]: [one["local"] for one in link["addr_info"]] for link in links if link["addr_info"]}


def check(engine: Engine, host: str, *networks: str) -> None:
    """The host is up, with these networks in sync and its management where it was."""
    engine.await_up(host)
    place = engine.site.place
    assert engine.site.attached(host) == {"ovirtmgmt", *networks}
    path = f"hosts/{engine.site.host_id(host)}"
    states = {item["in_sync"] for item in engine.site.client.list(f"{path}/networkattachments")}
    assert states == {"true"}
    assert place.hosts[host].address in addresses(place, host)["ovirtmgmt"]
    assert set(networks) <= engine.site.on_host(host)


@pytest.mark.parametrize("host", CLUSTERS)
def test_a_removed_host_joins_again_and_then_joins_another_engine(engines: tuple[Engine, Engine], host: str) -> None:
    first, second = engines
    place = first.site.place
    first.attach("storage", "eth1", host, commit_on_success=True)
    before = addresses(place, host)
    first.remove(host)
    assert {"ovirtmgmt", "storage"} <= first.site.on_host(host)
    first.join(host)
    check(first, host, "storage")
    assert addresses(place, host) == before
    first.attach("tenants", "eth2", host, commit_on_success=True)
    check(first, host, "storage", "tenants")

    second.join(host)
    check(second, host, "storage", "tenants")
    assert addresses(place, host) == before
    wait("the first engine knows it no more", lambda: first.site.status(host) == "non_responsive")
    second.site.detach("tenants", host=host)
    check(second, host, "storage")
    assert "tenants" not in second.site.on_host(host)

    second.remove(host, clean="true")
    assert "storage" not in place.run(host, "ip", "-br", "link").stdout
    assert addresses(place, host) == before


def test_a_network_unknown_to_the_new_engine_stays_and_is_reported(engines: tuple[Engine, Engine]) -> None:
    first, second = engines
    host = "alpha"
    client = second.site.client
    second.join(host)
    second.await_up(host)
    second.attach("storage", "eth1", host, commit_on_success=True)
    second.remove(host)
    first_id = first.site.host_id(host)
    first.site.client.action(f"hosts/{first_id}/deactivate")
    first.site.client.remove(f"hosts/{first_id}", force="true")
    first.site.client.remove(f"networks/{first.networks['storage']}")
    first.join(host)
    check(first, host)
    assert "storage" in first.site.on_host(host)
    path = f"hosts/{first.site.host_id(host)}"
    (told,) = first.site.client.list(f"{path}/unmanagednetworks")
    assert told["name"] == "storage"
    first.attach("tenants", "eth2", host)
    assert "storage" in first.site.on_host(host)
    first.site.client.remove(f"{path}/unmanagednetworks/{told['id']}")
    assert "storage" not in first.site.on_host(host)
    assert client.list("hosts") is not None
