"""Virtual interface cards: which NICs only guests can have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netweft.core.functions import nics_by_address
from netweft.core.host import Host, Nic, NicFacts
from netweft.core.interface_cards import (
    NO_MAC,
    VENDOR,
    DynamicNic,
    InterfaceCard,
    card_of,
    is_dynamic,
    why_not_assignable,
    why_only_for_guests,
)


def nic(name: str, device: str, vendor: str = VENDOR, mac: str = NO_MAC) -> Nic:
    return Nic(name=name, mac=mac, facts=NicFacts(vendor=vendor, device=device, pci_address=f"0000:81:00.{name[-1]}"))


HOST = Host(
    nics={
        one.name: one
        for one in (nic("eth0", "0x0043"), nic("dyn1", "0x0044"), nic("dyn2", "0x0071", mac="02:00:00:00:00:01"))
    }
)


@pytest.mark.parametrize(
    ("vendor", "device", "dynamic"),
    [
        (VENDOR, "0x0044", True),
        (VENDOR, "0x0071", True),
        (VENDOR, "0x0043", False),
        (VENDOR, "0x02b7", False),
        ("0x8086", "0x0044", False),
        ("", "", False),
    ],
)
def test_dynamic_nics_are_identified_by_their_ids(vendor: str, device: str, *, dynamic: bool) -> None:
    assert is_dynamic(NicFacts(vendor=vendor, device=device)) is dynamic


def test_what_only_guests_can_have_is_named() -> None:
    assert why_only_for_guests("one", HOST, ("eth0", "bond0", "none")) == ""
    text = why_only_for_guests("one", HOST, ("dyn2", "eth0", "dyn1"))
    assert text == (
        "Only VMs can have the dynamic vNICs of the virtual interface card of Host one: dyn1, dyn2. Use another NIC."
    )


def test_what_keeps_one_from_a_guest() -> None:
    nics = nics_by_address(HOST)
    assert why_not_assignable(nics, "0000:81:00.1") == ""
    assert why_not_assignable(nics, "0000:81:00.2") == "is another guest's"
    assert why_not_assignable(nics, "0000:81:00.0") == "is no dynamic vNIC of this host"
    assert why_not_assignable(nics, "0000:81:00.9") == "is no dynamic vNIC of this host"


def test_a_card_is_what_its_nics_say() -> None:
    assert card_of(Host(nics={"eth0": HOST.nics["eth0"]}), "0000:80:00.0") is None
    card = card_of(HOST, "0000:80:00.0")
    assert card == InterfaceCard(
        pci_address="0000:80:00.0",
        device="0x0023",
        model="M81KR",
        static=("eth0",),
        dynamic=(
            DynamicNic(name="dyn1", pci_address="0000:81:00.1"),
            DynamicNic(name="dyn2", pci_address="0000:81:00.2", mac="02:00:00:00:00:01"),
        ),
    )
    assert [one.is_free for one in card.dynamic] == [True, False]
    assert not DynamicNic(name="", pci_address="0000:81:00.3").is_free


def test_a_fabric_identifies_a_card_by_its_host_and_an_infiniband_adapter_by_its_guid() -> None:
    card = InterfaceCard(pci_address="0000:05:00.0", device="0x0023")
    assert card.fabric_id("of the host") == "of the host"
    assert replace(card, guid="0002c90000000001").fabric_id("of the host") == "0002c90000000001"
