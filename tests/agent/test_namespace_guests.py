"""Guests that are namespaces, observed from inside: their links, addresses and connectivity."""

from __future__ import annotations

import json
import socket
import subprocess
import uuid
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contract.namespaces import kernel_kinds
from netweft.agent.guests import GuestError, veth
from netweft.agent.guests.namespace import NamespaceGuests
from netweft.core.guest_protocol import GuestNic, GuestSpec
from netweft.core.host import OvsBridge
from netweft.core.steps import CreateOvsBridge, DeleteOvsBridge
from netweft.lab.agents import run_inside
from netweft.lab.namespaces import FOLDER, ip
from ovs_host import entered, namespace, ovs_host
from waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netweft.agent.ovsdb import Ovsdb


@pytest.fixture
def ovsdb() -> Iterator[Ovsdb]:
    with ovs_host() as (_, ovsdb):
        ovsdb.execute([CreateOvsBridge(OvsBridge(name="br0", datapath="netdev"))])
        yield ovsdb


@pytest.fixture
def on_ovs(ovsdb: Ovsdb, tmp_path: Path) -> Iterator[NamespaceGuests]:
    driver = NamespaceGuests(tmp_path, ovsdb)
    yield driver
    stop_all(driver)


@pytest.fixture
def on_linux(tmp_path: Path) -> Iterator[NamespaceGuests]:
    with namespace() as name, entered(name):
        ip("", "link", "add", "br0", "up", "type", "bridge")
        driver = NamespaceGuests(tmp_path, None)
        yield driver
        stop_all(driver)


@pytest.fixture(params=["on_linux", "on_ovs"])
def driver(request: pytest.FixtureRequest) -> NamespaceGuests:
    driver: NamespaceGuests = request.getfixturevalue(request.param)
    return driver


def stop_all(driver: NamespaceGuests) -> None:
    for guest in driver.list():
        driver.stop(guest.id)


def start(driver: NamespaceGuests, number: int, **fields: object) -> GuestSpec:
    addresses = (f"192.0.2.{number}/24", f"2001:db8::{number}/64")
    mac = f"02:00:00:00:00:{number:02x}"
    nic = GuestNic(id=str(uuid.uuid4()), name="nic1", mac=mac, bridge="br0", addresses=addresses)
    spec = GuestSpec(id=str(uuid.uuid4()), name=f"vm{number}", driver="namespace", memory=0, nics=(nic,))
    spec = change(spec, **fields)
    driver.start(spec)
    return spec


def change(spec: GuestSpec, **fields: object) -> GuestSpec:
    """The same guest with other fields of its one vNIC."""
    return replace(spec, nics=(replace(spec.nics[0], **fields),))  # type: ignore[arg-type] # the tests name real fields


def reaches(guest: GuestSpec, address: str, tries: int = 10) -> bool:
    """Whether a ping is answered; several are sent, as switches and neighbours learn with the first."""
    command = ["ping", "-n", "-c", str(tries), "-i", "0.05", "-W", "1", address]
    return run_inside(f"nwg-{guest.id}", command).returncode == 0


def link_of(guest: GuestSpec) -> dict[str, object]:
    links: list[dict[str, object]] = json.loads(run_inside(f"nwg-{guest.id}", ["ip", "-json", "address"]).stdout)
    return next(link for link in links if link["ifname"] == "nic1")


def comes_to(guest: GuestSpec, state: str) -> bool:
    """Whether the operational state of a guest's link becomes this one: the kernel sets it some time after the carrier
    (linkwatch).
    """
    return eventually(lambda: link_of(guest)["operstate"] == state, seconds=10)


def test_guests_on_one_bridge_reach_each_other(driver: NamespaceGuests) -> None:
    one, _ = start(driver, 1), start(driver, 2)
    assert reaches(one, "192.0.2.2")
    assert reaches(one, "2001:db8::2")


def test_a_guest_has_the_requested_vnics(driver: NamespaceGuests) -> None:
    guest = start(driver, 1, mtu=1400)
    link = link_of(guest)
    assert (link["address"], link["mtu"]) == ("02:00:00:00:00:01", 1400)
    assert comes_to(guest, "UP")
    driver.update(change(guest, mtu=9000, mac="02:00:00:00:00:77", addresses=("198.51.100.1/25",)))
    link = link_of(guest)
    assert (link["address"], link["mtu"]) == ("02:00:00:00:00:77", 9000)
    given = {(a["local"], a["prefixlen"]) for a in link["addr_info"] if a["scope"] == "global"}  # type: ignore[attr-defined] # a list of objects
    assert given == {("198.51.100.1", 25)}


def test_addresses_set_by_the_guest_stay(driver: NamespaceGuests) -> None:
    guest = start(driver, 1)
    run_inside(f"nwg-{guest.id}", ["ip", "address", "add", "203.0.113.9/24", "dev", "nic1"])
    driver.repair()
    driver.update(change(guest, mtu=1400))
    assert {"203.0.113.9", "192.0.2.1"} <= {address["local"] for address in link_of(guest)["addr_info"]}  # type: ignore[attr-defined] # a list of objects


def test_an_unlinked_vnic_has_no_carrier(driver: NamespaceGuests) -> None:
    one, two = start(driver, 1), start(driver, 2)
    driver.update(change(one, linked=False))
    assert comes_to(one, "DOWN")
    assert not reaches(two, "192.0.2.1", tries=2)
    driver.update(one)
    assert reaches(two, "192.0.2.1")


def test_isolated_guests_do_not_reach_each_other(driver: NamespaceGuests) -> None:
    one, two, open_to_all = start(driver, 1, isolated=True), start(driver, 2, isolated=True), start(driver, 3)
    assert not reaches(one, "192.0.2.2", tries=2)
    assert reaches(one, "192.0.2.3")
    assert reaches(open_to_all, "192.0.2.2")
    driver.update(change(one, isolated=False))
    assert reaches(one, "192.0.2.2")
    driver.stop(two.id)


def test_a_mirrored_vnic_receives_frames_of_others(driver: NamespaceGuests) -> None:
    one, two, listener = start(driver, 1), start(driver, 2), start(driver, 3)
    assert reaches(one, "192.0.2.2")
    assert not overhears(listener, one, "192.0.2.2")
    driver.update(change(listener, mirrored=True))
    assert soon_overhears(listener, one, "192.0.2.2")
    assert soon_overhears(listener, two, "192.0.2.1")
    other = start(driver, 4, mirrored=True)
    driver.stop(listener.id)
    assert soon_overhears(other, one, "192.0.2.2")
    driver.update(change(other, mirrored=False))
    assert reaches(one, "192.0.2.2")
    assert not overhears(other, one, "192.0.2.2")
    assert reaches(other, "192.0.2.1")


def soon_overhears(listener: GuestSpec, sender: GuestSpec, address: str) -> bool:
    """The same for a new mirror: Open vSwitch may take a second until it mirrors all traffic."""
    return any(overhears(listener, sender, address) for _ in range(10))


def overhears(listener: GuestSpec, sender: GuestSpec, address: str) -> bool:
    """Whether a third guest receives the frames of pings between two others."""

    def listen(_netlink: object) -> socket.socket:
        return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))

    source, target = bytes.fromhex(sender.nics[0].mac.replace(":", "")), socket.inet_aton(address)
    with veth.inside(f"nwg-{listener.id}", listen) as listening:
        assert reaches(sender, address)
        listening.settimeout(0.5)
        with suppress(TimeoutError):
            while frame := listening.recv(2048):
                if frame[6:12] == source and frame[12:14] == b"\x08\x00" and frame[30:34] == target:
                    return True
    return False


def test_a_mirrored_vnic_receives_frames_of_its_vlan_only(on_ovs: NamespaceGuests) -> None:
    one, _ = start(on_ovs, 1, tag=100), start(on_ovs, 2, tag=100)
    inside, outside = start(on_ovs, 3, tag=100, mirrored=True), start(on_ovs, 4, tag=200, mirrored=True)
    other, _ = start(on_ovs, 5, tag=200), start(on_ovs, 6, tag=200)
    assert soon_overhears(inside, one, "192.0.2.2")
    assert soon_overhears(outside, other, "192.0.2.6"), "its mirror works"
    assert not overhears(outside, one, "192.0.2.2")


def test_vlans_isolate_guests(on_ovs: NamespaceGuests) -> None:
    one, two = start(on_ovs, 1, tag=100), start(on_ovs, 2, tag=200)
    assert not reaches(one, "192.0.2.2", tries=2)
    on_ovs.update(change(two, tag=100))
    assert reaches(one, "192.0.2.2")


def test_a_trunk_on_a_linux_bridge_takes_a_kernel_that_filters_vlans(on_linux: NamespaceGuests) -> None:
    """Such a kernel is tested in the metal suite: tests/metal/trunks.py."""
    if "filtering" in kernel_kinds():
        start(on_linux, 1, trunks=(100,))
        return
    with pytest.raises(GuestError, match="cannot be a VLAN trunk: the kernel of this host filters no VLANs on Linux"):
        start(on_linux, 1, trunks=(100,))
    assert on_linux.list() == []


def test_tcp_passes_a_switch_in_user_space(on_ovs: NamespaceGuests) -> None:
    """It hangs when a guest offloads its checksums."""
    one, two = start(on_ovs, 1), start(on_ovs, 2)
    size = 1 << 20

    def listen(_netlink: object) -> socket.socket:
        return socket.create_server(("192.0.2.1", 5000))

    send = f"import socket; socket.create_connection(('192.0.2.1', 5000), 10).sendall(bytes({size}))"
    with veth.inside(f"nwg-{one.id}", listen) as server:
        server.settimeout(20)
        command = ["nsenter", f"--net={FOLDER / f'nwg-{two.id}'}", "python3", "-c", send]
        with subprocess.Popen(command) as client:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(20)
                received = sum(len(data) for data in iter(lambda: connection.recv(1 << 16), b""))
    assert (received, client.returncode) == (size, 0)


def test_guests_are_plugged_in_again_after_their_bridge_was_recreated(on_ovs: NamespaceGuests, ovsdb: Ovsdb) -> None:
    one, _ = start(on_ovs, 1, tag=100), start(on_ovs, 2, tag=100)
    ovsdb.execute([DeleteOvsBridge("br0"), CreateOvsBridge(OvsBridge(name="br0", datapath="netdev"))])
    assert not reaches(one, "192.0.2.2", tries=2)
    on_ovs.repair()
    assert reaches(one, "192.0.2.2")


def test_after_a_boot_a_guest_is_down_and_can_be_started_again(driver: NamespaceGuests) -> None:
    guest = start(driver, 1)
    ip("", "netns", "delete", f"nwg-{guest.id}")
    assert [state.status for state in driver.list()] == ["down"]
    driver.stop(guest.id)
    driver.start(guest)
    assert [state.status for state in driver.list()] == ["up"]


def test_a_failed_start_is_reported_also_when_the_guest_cannot_be_removed(
    on_ovs: NamespaceGuests, ovsdb: Ovsdb, tmp_path: Path
) -> None:
    socket, ovsdb.path = ovsdb.path, str(tmp_path / "none")
    try:
        with pytest.raises(GuestError, match="Guest vm1 cannot be started") as told:
            start(on_ovs, 1)
        assert "; the incomplete guest could not be removed: " in str(told.value)
    finally:
        ovsdb.path = socket


def test_a_guest_that_is_stopped_during_a_listing_is_left_out(on_linux: NamespaceGuests, tmp_path: Path) -> None:
    guest = start(on_linux, 1)
    (tmp_path / "gone.json").symlink_to("nowhere")  # its file, as a concurrent listing of the folder reads it
    assert [state.id for state in on_linux.list()] == [guest.id]
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(GuestError, match=r"broken\.json"):
        on_linux.list()
    (tmp_path / "broken.json").unlink()


def test_a_guest_has_its_default_routes_by_its_gateways(on_linux: NamespaceGuests) -> None:
    guest = start(on_linux, 1, gateways=("192.0.2.254", "2001:db8::fe"))

    def routes() -> list[tuple[str, str]]:
        found = [
            json.loads(run_inside(f"nwg-{guest.id}", ["ip", "-json", version, "route", "show", "default"]).stdout)
            for version in ("-4", "-6")
        ]
        return [(route["gateway"], route["dev"]) for version in found for route in version]

    assert routes() == [("192.0.2.254", "nic1"), ("2001:db8::fe", "nic1")]
    on_linux.update(change(guest, gateways=("192.0.2.253", "2001:db8::fe")))
    assert routes() == [("192.0.2.253", "nic1"), ("2001:db8::fe", "nic1")]
