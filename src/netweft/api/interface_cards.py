"""Virtual interface cards of hosts, at ``/netweft/v1/hosts/{id}/interfacecards``: an addition of Netweft."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from netweft.api.network_attachments import visible_host
from netweft.api.routes import ADDITIONS, READ, Call, Routes, many
from netweft.core.interface_cards import InterfaceCard
from netweft.engine.db import Tx
from netweft.engine.queries import functions
from netweft.engine.queries.host_networks import HostData

routes = Routes("interface_cards", ADDITIONS)


class DynamicVnic(msgspec.Struct, kw_only=True, frozen=True):
    """A NIC of a card that a guest gets as a whole. ``name``: null while a guest drives it by itself; ``guid``: of a
    function of InfiniBand, null for any other and while a guest has it; ``vm``: the name of the virtual machine that
    has or reserved it, null for none known to Netweft; ``free``: whether it is neither used, by the host's last report,
    nor reserved.
    """

    name: str | None
    pci_address: str
    mac: str
    guid: str | None
    vm: str | None
    free: bool


class Card(msgspec.Struct, kw_only=True, frozen=True):
    """A virtual interface card, or an adapter of InfiniBand (``guid``: of it, null for any other). ``pci_address``,
    ``device``: of its upstream port, or of the adapter; ``model``: null where it is not known. ``static``: its ordinary
    NICs, by name; ``dynamic``: NICs that only guests can use; ``free``: how many of these are free.
    """

    pci_address: str
    device: str
    model: str | None
    guid: str | None
    static: list[str]
    dynamic: list[DynamicVnic]
    free: int


def _show(card: InterfaceCard, promised: Mapping[str, str]) -> Card:
    """``promised``: the names of virtual machines by the PCI addresses of what they have."""
    dynamic = [
        DynamicVnic(
            name=one.name or None,
            pci_address=one.pci_address,
            mac=one.mac,
            guid=one.guid or None,
            vm=promised.get(one.pci_address),
            free=one.is_free and one.pci_address not in promised,
        )
        for one in card.dynamic
    ]
    return Card(
        pci_address=card.pci_address,
        device=card.device,
        model=card.model or None,
        guid=card.guid or None,
        static=list(card.static),
        dynamic=dynamic,
        free=sum(one.free for one in dynamic),
    )


@routes.get("/hosts/{host_id}/interfacecards", many(Card), needs=READ)
def list_cards(call: Call[None]) -> list[Card]:
    """The virtual interface cards that a host has, as it last reported them."""
    with call.read() as tx:
        return cards_of(tx, visible_host(tx, call))


def cards_of(tx: Tx, data: HostData) -> list[Card]:
    """The virtual interface cards of a host."""
    promised = functions.holders(tx, data.row.id)
    return [_show(card, promised) for card in data.report.capabilities.interface_cards] if data.report else []
