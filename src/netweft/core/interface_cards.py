"""Virtual interface cards: adapters of a fabric whose NICs the fabric's manager makes."""

from __future__ import annotations

from dataclasses import dataclass

_NO_MAC = "00:00:00:00:00:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicNic:
    """A NIC that a guest gets as a whole, with a port profile. ``pci_address``: on the host's bus; ``mac``: zeros
    while no guest has it.
    """

    name: str
    pci_address: str
    mac: str = _NO_MAC

    @property
    def is_free(self) -> bool:
        """Whether no guest has it, as far as the host shows."""
        return self.mac == _NO_MAC


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceCard:
    """An adapter. ``pci_address``: of its upstream port; ``vendor_id``, ``device_id``: as four hexadecimal digits.
    ``model``: what its maker calls it, empty where that is not known.

    ``static``: the names of its NICs that are like any other; ``dynamic``: those that only guests can have.
    """

    pci_address: str
    vendor_id: str
    device_id: str
    model: str = ""
    static: tuple[str, ...] = ()
    dynamic: tuple[DynamicNic, ...] = ()
