"""Reads of virtual functions: which networks they may serve, who has one, which are free."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from netweft.core.functions import free_functions
from netweft.engine.db import Tx
from netweft.engine.model.functions import (
    FunctionNetworkRow,
    NicFunctionsRow,
    VnicFunctionRow,
    function_networks,
    nic_functions,
    vnic_functions,
)
from netweft.engine.model.provider_objects import provider_objects
from netweft.engine.model.vms import vms
from netweft.engine.model.vnics import vnics
from netweft.engine.queries.host_networks import HostData
from netweft.engine.queries.provider_objects import MEMBER
from netweft.engine.statements import Among, Statement, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Which networks the functions of a NIC may serve: those with these ids, and those that have one of the labels."""

    networks: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeOf:
    """The functions of a NIC that nobody has, by PCI address; ``networks``: ids of those that they may serve, None for
    all. ``card``: by what a fabric knows the virtual interface card whose dynamic vNICs they are (``nic``: its PCI
    address), empty for functions of NICs; ``guids``: of those of InfiniBand.
    """

    nic: str
    functions: tuple[str, ...]
    networks: frozenset[str] | None = None
    card: str = ""
    guids: Mapping[str, str] = field(default_factory=dict)


def served(tx: Tx, host_ids: Collection[str]) -> dict[str, dict[str, Served]]:
    """For each host the NICs, by name, whose functions serve certain networks only."""
    listed: dict[tuple[str, str], list[str]] = defaultdict(list)
    of_hosts = sa.select(function_networks).where(function_networks.c.host_id.in_(host_ids))
    for one in rows(tx, FunctionNetworkRow, of_hosts.order_by(function_networks.c.network_id)):
        listed[one.host_id, one.nic].append(one.network_id)
    found: dict[str, dict[str, Served]] = defaultdict(dict)
    for row in rows(tx, NicFunctionsRow, sa.select(nic_functions).where(nic_functions.c.host_id.in_(host_ids))):
        networks = tuple(listed[row.host_id, row.nic])
        found[row.host_id][row.nic] = Served(networks=networks, labels=tuple(row.labels))
    return found


def held(tx: Tx, host_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """For each host the functions that are promised to vNICs: the vNIC's id by PCI address."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows(tx, VnicFunctionRow, sa.select(vnic_functions).where(vnic_functions.c.host_id.in_(host_ids))):
        found[row.host_id][row.function] = row.vnic_id
    return found


def holders(tx: Tx, host_id: str) -> dict[str, str]:
    """The names of the virtual machines that were promised functions of a host, by PCI address."""
    query = sa.select(vnic_functions.c.function, vms.c.name).join(vnics, vnics.c.id == vnic_functions.c.vnic_id)
    query = query.join(vms, vms.c.id == vnics.c.vm_id).where(vnic_functions.c.host_id == host_id)
    return dict(tx.execute(query).all())


def guids(tx: Tx, host_id: str) -> dict[str, str]:
    """Of a host's functions of InfiniBand that are promised to vNICs the GUIDs, by PCI address."""
    query = sa.select(vnic_functions.c.function, vnic_functions.c.guid)
    return dict(tx.execute(query.where(vnic_functions.c.host_id == host_id, vnic_functions.c.guid != "")).all())


def has_one(tx: Tx, vnic_id: str, host_id: str = "") -> bool:
    """Whether a vNIC is promised a virtual function, or a dynamic vNIC of a virtual interface card; of that host, if
    given.
    """
    query = sa.select(vnic_functions.c.function).where(vnic_functions.c.vnic_id == vnic_id)
    query = query.where(vnic_functions.c.host_id == host_id) if host_id else query
    return tx.execute(query.limit(1)).first() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFunctions:
    """The functions of a NIC that the host reports as free, by PCI address; ``nic``, ``card``, ``guids`` as
    :class:`FreeOf` has them. ``labelled``: by each label the ids of the networks that have it.
    """

    nic: str
    functions: tuple[str, ...]
    labelled: Mapping[str, frozenset[str]]
    card: str = ""
    guids: Mapping[str, str] = field(default_factory=dict)


def reported_free(data: HostData) -> tuple[ReportedFunctions, ...]:
    """The free functions in a host's report; valid until the report or the cluster's networks change."""
    functions = free_functions(data.host)
    capabilities = data.report.capabilities if data.report else None
    cards = capabilities.interface_cards if capabilities else ()
    hardware = capabilities.uuid if capabilities else ""
    if not functions and not cards:
        return ()
    ids: dict[str, set[str]] = defaultdict(set)
    for network_id, view in data.networks.items():
        ids[view.label].add(network_id)
    labelled = {label: frozenset(found) for label, found in ids.items() if label}
    return (
        *(ReportedFunctions(nic=nic, functions=addresses, labelled=labelled) for nic, addresses in functions.items()),
        *(
            ReportedFunctions(
                nic=card.pci_address,
                functions=tuple(one.pci_address for one in card.dynamic if one.is_free),
                labelled=labelled,
                card=card.fabric_id(hardware),
                guids={one.pci_address: one.guid for one in card.dynamic if one.guid},
            )
            for card in cards
            if card.fabric_id(hardware)
        ),
    )


def leaving(tx: Tx, reported: Iterable[ReportedFunctions]) -> frozenset[str]:
    """The GUIDs of those functions that are still members of a partition of their former vNIC."""
    guids = {guid for one in reported for guid in one.guids.values()}
    return frozenset(_LEAVING.scalars(tx, guids=guids)) if guids else frozenset()


_LEAVING = Statement(
    sa.select(provider_objects.c.external_id).where(
        provider_objects.c.kind == MEMBER,
        provider_objects.c.wanted == "absent",
        Among(provider_objects.c.external_id, "guids"),
    )
)


def free(
    reported: Sequence[ReportedFunctions],
    restricted: Mapping[str, Served],
    used: Collection[str],
    leaving: Collection[str] = frozenset(),
) -> tuple[FreeOf, ...]:
    """The free functions of a host's NICs. ``restricted``: as :func:`served` has it for the host; ``used``: addresses
    that are assigned; ``leaving``: as :func:`leaving` has it.
    """
    found = []
    for one in reported:
        only = None if one.card else restricted.get(one.nic)
        networks = None
        if only is not None:
            networks = frozenset(only.networks).union(*(one.labelled.get(label, ()) for label in only.labels))
        functions = tuple(
            address for address in one.functions if address not in used and one.guids.get(address, "") not in leaving
        )
        made = FreeOf(nic=one.nic, functions=functions, networks=networks, card=one.card, guids=one.guids)
        found.append(made)
    return tuple(found)
