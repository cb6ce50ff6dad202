"""Virtual interface cards: adapters of a fabric whose NICs the fabric's manager makes (Cisco VIC), and InfiniBand
adapters, whose virtual functions the fabric's manager puts on partitions.

PCI ids: pci.ids, and the drivers ``enic`` of Linux and of Cisco. Some of the NICs are like any other; those that are
dynamic only a guest can have, as a whole and with a port profile, and so it is with functions of InfiniBand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netweft.core.host import Host, Nic, NicFacts

VENDOR = "0x1137"
"""Cisco."""
ADAPTERS = frozenset({"0x0023", "0x0040", "0x004e", "0x007a"})
"""Upstream ports of cards, which are no NICs."""
STATIC = frozenset({"0x0043"})
DYNAMIC = frozenset({"0x0044", "0x0071"})
"""Functions 0x02b7 are none of these: they are virtual functions as of any other NIC."""
NO_MAC = "00:00:00:00:00:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicNic:
    """A NIC that a guest gets as a whole, with a port profile. ``name``: empty while a guest drives it directly;
    ``mac``: zeros while no guest has it. ``guid``: of the port of a function of InfiniBand (16 hexadecimal digits), by
    which the fabric identifies it; empty for any other, and while a guest has it.
    """

    name: str
    pci_address: str
    mac: str = NO_MAC
    guid: str = ""

    @property
    def is_free(self) -> bool:
        """Whether no guest has it, as far as the host shows."""
        return bool(self.name) and self.mac == NO_MAC


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceCard:
    """An adapter. ``pci_address``, ``device``: of its upstream port, or of the adapter of InfiniBand; ``model``: what
    its maker calls it, empty where that is not known. ``guid``: of the image of an adapter of InfiniBand, by which the
    fabric knows it; empty for any other, which the fabric knows by the host's hardware.

    ``static``: the names of its NICs that are like any other; ``dynamic``: those that only guests can have.
    """

    pci_address: str
    device: str
    model: str = ""
    static: tuple[str, ...] = ()
    dynamic: tuple[DynamicNic, ...] = ()
    guid: str = ""

    def fabric_id(self, hardware: str) -> str:
        """The identification of the owner by the fabric. ``hardware``: the UUID of the host's."""
        return self.guid or hardware


def is_dynamic(facts: NicFacts) -> bool:
    """Whether it is a NIC that only guests can have."""
    return facts.vendor == VENDOR and facts.device in DYNAMIC


def why_only_for_guests(name: str, host: Host, nics: Iterable[str]) -> str:
    """Which of these NICs, by name, a host cannot use itself, a sentence; empty when it can use them all. ``name``: of
    the host.
    """
    dynamic = sorted({nic for nic in nics if nic in host.nics and is_dynamic(host.nics[nic].facts)})
    if not dynamic:
        return ""
    return (
        f"Only VMs can have the dynamic vNICs of the virtual interface card of Host {name}: {', '.join(dynamic)}. Use"
        " another NIC."
    )


def why_not_assignable(nics: Mapping[str, Nic], address: str) -> str:
    """What keeps a dynamic NIC from being given to a guest, completing "it ..."; empty when nothing does. ``nics``:
    those of the host by their PCI addresses.
    """
    nic = nics.get(address)
    if nic is None or not is_dynamic(nic.facts):
        return "is no dynamic vNIC of this host"
    return "" if nic.mac == NO_MAC else "is another guest's"


def card_of(host: Host, pci_address: str) -> InterfaceCard | None:
    """The card that a host without a PCI bus would have, by what its NICs are; None when it has none."""
    nics = [nic for _, nic in sorted(host.nics.items()) if nic.facts.vendor == VENDOR]
    dynamic = [nic for nic in nics if is_dynamic(nic.facts)]
    if not dynamic:
        return None
    return InterfaceCard(
        pci_address=pci_address,
        device="0x0023",
        model="M81KR",
        static=tuple(nic.name for nic in nics if nic.facts.device in STATIC),
        dynamic=tuple(DynamicNic(name=one.name, pci_address=one.facts.pci_address, mac=one.mac) for one in dynamic),
    )
