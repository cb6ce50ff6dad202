"""The XML for libvirt."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest
from lxml import etree

from netweft.agent.guests import libvirt_xml
from netweft.core.guest_protocol import GuestNic, GuestSpec


def domain(kind: str = "kvm", **properties: str) -> ET.Element:
    nic = GuestNic(id="1", name="nic1", mac="02:00:00:00:00:01", bridge="br0", boot_order=1)
    spec = GuestSpec(id="a", name="one", driver="libvirt", memory=1 << 28, nics=(nic,), properties=properties)
    return ET.fromstring(libvirt_xml.domain(spec, kind, frozenset()))


@pytest.mark.parametrize(
    ("kind", "properties", "mode"),
    [
        ("kvm", {}, "host-model"),
        ("kvm", {"cpu_mode": "host_passthrough"}, "host-passthrough"),
        ("qemu", {"cpu_mode": "host_model"}, "host-model"),
        ("kvm", {"cpu_mode": "custom"}, "host-model"),
        ("qemu", {}, None),
        ("kvm", {"cpu": "Nehalem", "cpu_mode": "host_passthrough"}, "custom"),
    ],
)
def test_a_guest_has_the_requested_processors(kind: str, properties: dict[str, str], mode: str | None) -> None:
    cpu = domain(kind, **properties).find("cpu")
    assert (None if cpu is None else cpu.get("mode")) == mode


def test_the_overlay_of_a_stateless_guest_is_removed_with_it() -> None:
    assert domain(disk="/d").find("devices/disk/transient") is None
    assert domain(disk="/d", stateless="true").find("devices/disk/transient") is not None


def test_booting_from_the_network_precedes_the_disk() -> None:
    devices = domain(disk="/d").find("devices")
    assert devices is not None
    orders = {part: devices.find(f"{part}/boot") for part in ("interface", "disk")}
    assert {part: None if boot is None else boot.get("order") for part, boot in orders.items()} == {
        "interface": "1",
        "disk": "2",
    }


SCHEMA = Path("/usr/share/libvirt/schemas/domain.rng")
JOINED = '<virtualport type="802.1Qbh"><parameters profileid="nw-red" /></virtualport>'
MAC = '<mac address="02:00:00:00:00:01" />'
BY_MACVTAP = (
    f'<interface type="direct">{MAC}<source dev="enp7s0f1" mode="passthrough" />{JOINED}'
    '<model type="virtio" /><link state="up" /><alias name="ua-1" /></interface>'
)
BY_THE_GUEST = (
    f'<interface type="hostdev" managed="yes">{MAC}<driver name="vfio" /><source>'
    '<address type="pci" domain="0x0000" bus="0x07" slot="0x00" function="0x1" /></source>'
    f'{JOINED}<alias name="ua-1" /></interface>'
)


@pytest.mark.parametrize(("bridge", "expected"), [("enp7s0f1", BY_MACVTAP), ("", BY_THE_GUEST)])
def test_a_dynamic_vnic_joins_its_fabric_by_the_port_profile(bridge: str, expected: str) -> None:
    nic = GuestNic(
        id="1", name="nic1", mac="02:00:00:00:00:01", bridge=bridge, function="0000:07:00.1", profile="nw-red"
    )
    assert libvirt_xml.interface(nic, frozenset()) == expected
    spec = GuestSpec(id=str(uuid4()), name="one", driver="libvirt", memory=1 << 28, nics=(nic,))
    whole = etree.fromstring(libvirt_xml.domain(spec, "kvm", frozenset()).encode())
    etree.RelaxNG(etree.parse(SCHEMA)).assertValid(whole)


OF_INFINIBAND = (
    '<hostdev mode="subsystem" type="pci" managed="yes"><driver name="vfio" /><source>'
    '<address domain="0x0000" bus="0xc1" slot="0x00" function="0x1" /></source><alias name="ua-1" /></hostdev>'
)


def test_a_function_of_infiniband_is_a_plain_device() -> None:
    nic = GuestNic(
        id="1",
        name="nic1",
        mac="02:00:00:00:00:01",
        bridge="",
        function="0000:c1:00.1",
        profile="0x5",
        guid="0002c90000000017",
    )
    assert libvirt_xml.interface(nic, frozenset()) == OF_INFINIBAND
    spec = GuestSpec(id=str(uuid4()), name="one", driver="libvirt", memory=1 << 28, nics=(nic,))
    written = libvirt_xml.domain(spec, "kvm", frozenset())
    etree.RelaxNG(etree.parse(SCHEMA)).assertValid(etree.fromstring(written.encode()))
    assert set(libvirt_xml.interfaces(written)) == {"1"}
