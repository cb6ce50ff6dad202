"""Guests on two hosts get by DHCP the addresses that the engine shows, also after servers and agents were killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.site import CLUSTER, Site, wait

NETWORK = "desks"
SUBNET = {
    "name": "four",
    "cidr": "203.0.113.0/24",
    "gateway": "203.0.113.1",
    "dns_servers": ["203.0.113.53"],
    "dhcp": True,
}
TOLD = """\
#!/bin/sh
[ "$1" = bound ] || exit 0
ip address replace "$ip/$mask" dev "$interface" && echo "$ip $router $dns"
"""


@pytest.fixture
def guests(whole: Site) -> Iterator[dict[str, str]]:
    """Ids of guests by the host that each runs on."""
    client = whole.client
    whole.add_network(NETWORK, 300)
    client.addition("POST", f"networks/{client.find('networks', NETWORK)['id']}/subnets", SUBNET)
    made: dict[str, str] = {}
    for host in whole.place.hosts:
        assert whole.outcome(whole.attach(NETWORK, host=host))["status"] == "finished"
        body = {"name": f"desk-{host}", "cluster": {"name": CLUSTER}, "template": {"name": "Blank"}}
        made[host] = client.add("vms", body)["id"]
        profile = client.find("vnicprofiles", NETWORK)["id"]
        client.add(f"vms/{made[host]}/nics", {"name": "nic1", "vnic_profile": {"id": profile}})
        client.action(f"vms/{made[host]}/start", {"vm": {"placement_policy": {"hosts": [{"name": host}]}}})
    yield made
    for guest in made.values():
        client.action(f"vms/{guest}/stop")
        client.remove(f"vms/{guest}")
    for host in whole.place.hosts:
        whole.detach(NETWORK, host=host)


def shown(whole: Site, guest: str) -> str:
    """The address that the engine shows of a guest's vNIC."""
    (nic,) = whole.client.addition("GET", f"vms/{guest}/nics")
    return str(nic["addresses"][0]["address"])


def lease_of(whole: Site, guest: str, folder: Path) -> str:
    """The lease of a guest: address, gateway, name server; empty for none."""
    script = folder / "told"
    script.write_text(TOLD)
    script.chmod(0o755)
    asked = (
        "udhcpc",
        "-f",
        "-q",
        "-n",
        "-t",
        "3",
        "-T",
        "1",
        "-i",
        "nic1",
        "-s",
        str(script),
        "-O",
        "router",
        "-O",
        "dns",
    )
    return whole.place.run_in_guest(guest, *asked).stdout.strip()


def servers(whole: Site, host: str) -> list[int]:
    """The process ids of a host's dnsmasqs."""
    folder = whole.place.folder / "hosts" / host / "run" / "guest-dhcp"
    return [int(path.read_text().split()[0]) for path in folder.glob("*.server")]


def test_guests_get_the_addresses_that_the_engine_shows(whole: Site, guests: dict[str, str], tmp_path: Path) -> None:
    addresses = {host: shown(whole, guest) for host, guest in guests.items()}
    for host, guest in guests.items():
        assert lease_of(whole, guest, tmp_path) == f"{addresses[host]} 203.0.113.1 203.0.113.53"
    here, there = guests
    ping = whole.place.run_in_guest(guests[here], "ping", "-c", "5", "-i", "0.2", "-W", "1", addresses[there])
    assert ping.returncode == 0

    (before,) = servers(whole, here)
    os.kill(before, signal.SIGKILL)
    wait("another dnsmasq", lambda: servers(whole, here) not in ([], [before]))
    assert lease_of(whole, guests[here], tmp_path).startswith(addresses[here])

    (server,) = servers(whole, here)
    whole.place.stop_agent(here, kill=True)
    assert lease_of(whole, guests[here], tmp_path).startswith(addresses[here]), "an agent that is away is not missed"
    whole.place.start_agent(here)
    wait("the host to be up", lambda: whole.status(here) == "up")
    assert servers(whole, here) == [server]

    whole.client.action(f"vms/{guests[here]}/stop")
    assert servers(whole, here) == []
    assert not any(name.startswith("nwd") for name in whole.on_host(here))
    assert lease_of(whole, guests[there], tmp_path).startswith(addresses[there])
    whole.client.action(f"vms/{guests[here]}/start", {"vm": {"placement_policy": {"hosts": [{"name": here}]}}})
    assert lease_of(whole, guests[here], tmp_path).startswith(addresses[here])
