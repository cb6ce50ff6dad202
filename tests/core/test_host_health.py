"""Whether a host can be in service."""

from __future__ import annotations

import pytest

from netweft.core.host import Bridge, Host, Nic
from netweft.core.host_health import Health, health
from netweft.core.sync import Location, locate_networks

HOST = Host(
    nics={
        "eth0": Nic(name="eth0", owner="base", master="blue"),
        "eth1": Nic(name="eth1", owner="red"),
    },
    bridges={"blue": Bridge(name="blue", owner="blue"), "loose": Bridge(name="loose", owner="loose")},
)
ON = locate_networks(HOST)
REQUIRED = {"blue": "Blue", "red": "Red", "loose": "Loose"}


def test_a_host_with_all_that_is_required_is_up() -> None:
    assert health(REQUIRED, ON, (), "one") == Health(status="up")
    assert health({"red": "Red"}, ON, ("eth0",), "one") == Health(status="up")


def test_networks_that_are_missing_are_named() -> None:
    found = health({**REQUIRED, "x": "Storage", "y": "Backup"}, ON, ("eth0",), "one")
    assert (found.status, found.reason) == ("non_operational", "NETWORK_UNREACHABLE")
    assert "Host one " in found.text
    assert "missing on it: Backup, Storage." in found.text


def test_nics_without_a_link_are_named_with_their_networks() -> None:
    found = health({**REQUIRED, "red": "Red"}, ON, ("eth0", "eth1"), "one")
    assert (found.status, found.reason) == ("non_operational", "NETWORK_INTERFACE_IS_DOWN")
    assert "Host one " in found.text
    assert "eth0 (Blue), eth1 (Red)." in found.text
    shared = {"blue": ON["blue"], "green": ON["blue"]}
    assert "eth0 (Blue), eth0 (Green)." in health({"blue": "Blue", "green": "Green"}, shared, ("eth0",), "one").text


def location(base: str) -> Location:
    return Location(
        network_id="n", switch="legacy", base=base, top="storage", vlan_link="", vlan=None, bridged=True, mtu=1500,
        plug="storage", addresses=(), dhcp4=False, dhcp6=False, autoconf=False, gateway4="", gateway6="",
        default_route=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("here", "down", "reason"),
    [
        ({"n": location("eth1")}, set(), ""),
        ({"n": location("eth1")}, {"eth2"}, ""),
        ({}, set(), "NETWORK_UNREACHABLE"),
        ({"n": location("eth1")}, {"eth1"}, "NETWORK_INTERFACE_IS_DOWN"),
    ],
)
def test_whether_a_host_is_fit(here: dict[str, Location], down: set[str], reason: str) -> None:
    found = health({"n": "storage"}, here, down, "h1")
    assert found.reason == reason
    assert found.status == ("non_operational" if reason else "up")
    assert ("storage" in found.text) == bool(reason)
