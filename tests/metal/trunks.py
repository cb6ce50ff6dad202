"""VLAN trunks to guests on a Linux bridge, on a kernel whose bridges filter VLANs.

Run by test_user_mode_linux.py. A host has br0 over the NIC up0; beyond it is a station with the VLANs 100, 200 and 300
and with untagged frames.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent.test_namespace_guests import change, reaches, start, stop_all
from contract.namespaces import current_networking
from contract.transitions import reach
from netweft.agent.guests import GuestError
from netweft.agent.guests.namespace import NamespaceGuests
from netweft.lab.namespaces import ip
from netweft.lab.processes import run
from ovs_host import entered, namespace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netweft.core.guest_protocol import GuestSpec

VLANS = (100, 200, 300)


@pytest.fixture
def far() -> Iterator[str]:
    with namespace() as name:
        yield name


@pytest.fixture
def driver(far: str, tmp_path: Path) -> Iterator[NamespaceGuests]:
    with namespace() as name, entered(name):
        ip("", "link", "add", "br0", "up", "type", "bridge")
        ip("", "link", "add", "up0", "up", "master", "br0", "type", "veth", "peer", "name", "far0", "netns", far)
        ip(far, "link", "set", "far0", "up")
        ip(far, "address", "add", "192.0.2.100/24", "dev", "far0")
        for vlan in VLANS:
            add_vlan(far, "far0", vlan, 100)
        driver = NamespaceGuests(tmp_path / "guests", None)
        yield driver
        stop_all(driver)


def add_vlan(where: str, base: str, vlan: int, number: int) -> None:
    """A VLAN device with the address that a station of that number has there."""
    ip(where, "link", "add", "link", base, "name", f"{base}.{vlan}", "up", "type", "vlan", "id", str(vlan))
    ip(where, "address", "add", f"198.51.{vlan // 100}.{number}/24", "dev", f"{base}.{vlan}")


def start_with_vlans(driver: NamespaceGuests, number: int, **fields: object) -> GuestSpec:
    """A guest that sends tagged frames, whether or not it may."""
    guest = start(driver, number, **fields)
    for vlan in VLANS:
        add_vlan(f"nwg-{guest.id}", "nic1", vlan, number)
    return guest


def heard(guest: GuestSpec) -> list[int]:
    """The VLANs on which the station beyond the NIC answers a guest; 0 for untagged frames."""
    found = [0] if reaches(guest, "192.0.2.100", tries=3) else []
    return found + [vlan for vlan in VLANS if reaches(guest, f"198.51.{vlan // 100}.100", tries=3)]


def bridge() -> tuple[int, int]:
    """Whether br0 filters VLANs, and the VLAN of its untagged frames."""
    (link,) = json.loads(run(["ip", "-details", "-json", "link", "show", "br0"]))
    data = link["linkinfo"]["info_data"]
    return data["vlan_filtering"], data["vlan_default_pvid"]


def test_a_trunk_carries_its_vlans_and_nobody_else_does(driver: NamespaceGuests) -> None:
    plain = start_with_vlans(driver, 1)
    trunk = start_with_vlans(driver, 2, trunks=(100, 200))
    assert heard(trunk) == [0, 100, 200]
    assert heard(plain) == [0]
    assert reaches(plain, "192.0.2.2")
    other = start_with_vlans(driver, 3, trunks=(1, 200, 300))
    assert heard(other) == [0, 200, 300]
    assert reaches(other, "198.51.2.2")
    assert not reaches(other, "198.51.1.2", tries=3)
    driver.update(change(trunk, trunks=(300,)))
    assert heard(trunk) == [0, 300]
    driver.update(change(trunk, trunks=()))
    assert heard(trunk) == [0]
    assert heard(other) == [0, 200, 300]
    driver.stop(other.id)
    assert bridge() == (0, 1)
    (uplink,) = json.loads(run(["bridge", "-json", "vlan", "show", "dev", "up0"]))
    assert [each["vlan"] for each in uplink["vlans"]] == [1]


def test_an_uplink_that_left_and_came_back_carries_the_trunk_again(driver: NamespaceGuests) -> None:
    trunk = start_with_vlans(driver, 1, trunks=(100,))
    ip("", "link", "set", "up0", "nomaster")
    ip("", "link", "set", "up0", "master", "br0")
    assert heard(trunk) == [0]
    driver.repair()
    assert heard(trunk) == [0, 100]


def test_filtering_for_guests_is_no_option_of_the_bridge(driver: NamespaceGuests, tmp_path: Path) -> None:
    ip("", "link", "set", "br0", "alias", "netweft:n1")
    trunk = start_with_vlans(driver, 1, trunks=(100,))
    networking = current_networking(tmp_path)
    host = networking.observe()
    assert (bridge(), host.bridges["br0"].options) == ((1, 4094), {})
    reach(networking, host, host.with_link(replace(host.bridges["br0"], options={"forward_delay": "400"})))
    assert bridge() == (1, 4094)
    assert heard(trunk) == [0, 100]


def test_trunks_that_cannot_be(driver: NamespaceGuests) -> None:
    with pytest.raises(GuestError, match="VLAN 4094 is what untagged frames have in br0"):
        start(driver, 1, trunks=(4094,))
    ip("", "link", "add", "link", "up0", "name", "up0.100", "type", "vlan", "id", "100")
    with pytest.raises(GuestError, match=r"the frames of VLAN 100 go to up0\.100 on this host"):
        start(driver, 1, trunks=(100, 200))
    start(driver, 1, trunks=(200,))
    ip("", "link", "add", "tagged", "up", "type", "bridge")
    ip("", "link", "set", "up0.100", "master", "tagged")
    with pytest.raises(GuestError, match=r"tagged is the bridge of a VLAN \(up0\.100\)"):
        start(driver, 2, bridge="tagged", trunks=(200,))
    ip("", "link", "add", "other", "up", "type", "bridge", "vlan_filtering", "1")
    with pytest.raises(GuestError, match="other filters VLANs already; take vlan_filtering out of the bridge_opts"):
        start(driver, 2, bridge="other", trunks=(200,))
