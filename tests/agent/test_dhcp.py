"""DHCP against a server: dnsmasq in a namespace behind the NIC."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import waiting
from contract.namespaces import current_networking
from netweft.agent.machine import MachineNetworking
from netweft.agent.reconcile import reconcile
from netweft.core.desired import desired_host
from netweft.core.intent import AttachmentIntent, HostIntent, IpAssignment, NetworkIntent
from netweft.lab.namespaces import inside, ip
from ovs_host import entered, namespace

PATIENCE = 30.0
"""Seconds within which a client must have its lease; it first probes whether the address is in use (RFC 5227)."""
DHCP = (IpAssignment(method="dhcp"),)


@dataclass
class Place:
    """A host in the calling thread's namespace whose NIC is connected to the server."""

    networking: MachineNetworking

    def make(self, assignments: tuple[IpAssignment, ...], *, default: bool) -> None:
        """Give the host one network."""
        network = NetworkIntent(id="n", name="net", host_side_name="net", vm=False)
        attachment = AttachmentIntent(id="a", network_id="n", nic="eth0", assignments=assignments)
        role = "n" if default else ""
        intent = HostIntent(networks=(network,), attachments=(attachment,), default_route_network=role)
        reconcile(self.networking, desired_host(intent, self.networking.observe()), lambda _done, _total: None)

    def leased(self, version: int = 4) -> str:
        """Wait for the address from the server."""
        leases = until(
            lambda: [one for one in self.networking.observe().nics["eth0"].dynamic if one.version == version]
        )
        return str(leases[0].ip)


until = partial(waiting.until, seconds=PATIENCE)


def routes(to: str = "default") -> list[dict[str, Any]]:
    """The routes of the main table of the calling thread's namespace."""
    return list(json.loads(subprocess.run(["ip", "-j", "route", "show", to], check=True, capture_output=True).stdout))


@contextmanager
def dnsmasq(server: str, folder: Path) -> Iterator[None]:
    options = ["--keep-in-foreground", "--port=0", "--conf-file=/dev/null", "--no-ping", "--interface=eth0"]
    options += ["--dhcp-range=192.0.2.50,192.0.2.60,2m", "--dhcp-option=option:router,192.0.2.1"]
    options += ["--dhcp-range=2001:db8::50,2001:db8::60,64,2m"]
    options += [f"--dhcp-leasefile={folder / 'leases'}", "--user=root", f"--pid-file={folder / 'pid'}"]
    with subprocess.Popen([*inside(server), "dnsmasq", *options]) as process:
        try:
            yield
        finally:
            process.terminate()


@contextmanager
def watched_addresses(log: Path) -> Iterator[None]:
    """Every change of an address, as ip-monitor(8) prints it."""
    sentinels = (f"127.0.{number // 250}.{number % 250 + 2}" for number in count())

    def sentinel_seen() -> bool:
        """Notifications arrive in order: once the log has this one, it has all earlier ones."""
        sentinel = next(sentinels)
        ip("", "address", "add", f"{sentinel}/32", "dev", "lo")
        time.sleep(0.05)
        return f" {sentinel}/" in log.read_text()

    with log.open("wb") as out, subprocess.Popen(["ip", "-4", "monitor", "address"], stdout=out) as monitor:
        try:
            until(sentinel_seen)
            yield
            until(sentinel_seen)
        finally:
            monitor.terminate()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with namespace() as server, namespace() as host, entered(host):
        ip("", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", server)
        ip(server, "link", "set", "eth0", "up")
        ip(server, "address", "add", "192.0.2.1/24", "dev", "eth0")
        ip(server, "address", "add", "2001:db8::1/64", "dev", "eth0", "nodad")
        place = Place(current_networking(tmp_path))
        with dnsmasq(server, tmp_path):
            yield place
            place.make((), default=False)


def test_a_lease_that_becomes_static_is_never_removed(place: Place, tmp_path: Path) -> None:
    place.make(DHCP, default=True)
    address = place.leased()
    until(routes)
    static = IpAssignment(method="static", address=address, prefix=24, gateway="192.0.2.1")
    log = tmp_path / "monitor"
    with watched_addresses(log):
        place.make((static,), default=True)
    assert address in log.read_text()
    assert "Deleted" not in log.read_text()
    nic = place.networking.observe().nics["eth0"]
    assert ([str(one) for one in nic.addresses], nic.dynamic, nic.dhcp4) == ([f"{address}/24"], (), False)
    assert [(route["gateway"], route.get("protocol")) for route in routes()] == [("192.0.2.1", "110")]
    assert routes("192.0.2.0/24")


def test_an_ipv6_lease_becomes_static_and_the_ipv4_lease_stays(place: Place) -> None:
    both = (*DHCP, IpAssignment(version=6, method="dhcp"))
    place.make(both, default=True)
    first, second = place.leased(), place.leased(6)
    place.make((*DHCP, IpAssignment(version=6, method="static", address=second, prefix=64)), default=True)
    nic = place.networking.observe().nics["eth0"]
    assert ([str(one) for one in nic.addresses], nic.dhcp4, nic.dhcp6) == ([f"{second}/64"], True, False)
    assert [one.ip for one in nic.dynamic] == [first]
    until(routes)


def test_only_the_network_with_the_role_gets_a_default_route(place: Place) -> None:
    place.make(DHCP, default=False)
    first = place.leased()
    assert routes() == []
    place.make(DHCP, default=True)
    until(routes)
    place.make(DHCP, default=False)
    assert place.leased() == first
    assert routes() == []


def test_stopping_a_client_removes_its_addresses_and_routes(place: Place) -> None:
    place.make(DHCP, default=True)
    place.leased()
    place.make((), default=False)
    assert place.networking.observe().nics["eth0"].dynamic == ()
    assert routes() == []
