"""What the host of a running guest must have for a vNIC: its network, a virtual function, or a dynamic vNIC."""

from __future__ import annotations

from enum import Enum, auto

import sqlalchemy as sa

from netweft.core.rules import check
from netweft.core.rules import port_profile as profile_rules
from netweft.core.rules import vnic as rules
from netweft.core.sync import locate_networks
from netweft.engine.db import Tx
from netweft.engine.model.networks import networks
from netweft.engine.model.records import Record
from netweft.engine.model.vms import VmRow
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.operations import functions
from netweft.engine.queries import functions as function_queries
from netweft.engine.queries import host_networks as host_queries
from netweft.engine.queries import placements
from netweft.engine.queries import vms as queries
from netweft.engine.statements import Statement

RUNNING = "up"


class Needs(Enum):
    """What the host of a running guest gives for a vNIC that is plugged in."""

    NETWORK = auto()
    """A port on a bridge, where there is room for all."""
    FUNCTION = auto()
    """A virtual function of a NIC."""
    DYNAMIC_VNIC = auto()
    """A dynamic vNIC of its virtual interface card, as it has the network by a fabric alone."""


def reserve(tx: Tx, action: str, vm: VmRow, vnic_id: str, needs: Needs) -> None:
    """Promise a vNIC that is plugged in what the host has to give for it, while the guest runs. Raises ValidationError
    when there is nothing left.
    """
    if vm.status != RUNNING or vm.host_id is None or needs is Needs.NETWORK:
        return
    if needs is Needs.FUNCTION:
        _reserve_function(tx, action, vm, vm.host_id, vnic_id)
    else:
        _reserve_dynamic_vnic(tx, action, vm, vm.host_id, vnic_id)


def _reserve_function(tx: Tx, action: str, vm: VmRow, host_id: str, vnic_id: str) -> None:
    vnic = queries.get_vnic(tx, vm.id, vnic_id)
    for failover in queries.failovers_of(tx, (vnic,)).values():
        check_network_on_host(tx, action, vm, failover.id, or_on_card=False)
    data, free = functions.lock_free(tx, host_id)
    if function_queries.has_one(tx, vnic_id, host_id):
        return  # it was to be unplugged just now, and has it yet
    nics = [nic for nic in free if not nic.card and (nic.networks is None or vnic.network_id in nic.networks)]
    fit = [one for nic in nics for one in nic.functions]
    check(action, rules.host_has_function(vnic.name, data.row.name, found=bool(fit)))
    functions.assign(tx, host_id, fit[0], vnic_id=vnic_id)


def _reserve_dynamic_vnic(tx: Tx, action: str, vm: VmRow, host_id: str, vnic_id: str) -> None:
    vnic = queries.get_vnic(tx, vm.id, vnic_id)
    data, free = functions.lock_free(tx, host_id)
    if function_queries.has_one(tx, vnic_id, host_id):
        return
    cards = placements.cards_with(tx, vnic.network_id or "", host_id)
    fit = [(one, nic.guids.get(one, "")) for nic in free if nic.card in cards for one in nic.functions]
    check(
        action,
        profile_rules.vnic_suits_card(vnic.name, data.row.name, placements.card_obstacle(tx, vnic)),
        profile_rules.host_has_dynamic_vnic(vnic.name, data.row.name, found=bool(fit)),
    )
    functions.assign(tx, host_id, *fit[0], vnic_id=vnic_id)


def check_network_on_host(tx: Tx, action: str, vm: VmRow, profile_id: str | None, *, or_on_card: bool) -> Needs:
    """While the guest runs, the network must be on its host; of one that a provider has, the provider says so when it
    is to have the port there. ``or_on_card``: that a fabric carries it to the host's virtual interface card will do.
    Raises ValidationError.
    """
    if vm.status != RUNNING or vm.host_id is None or profile_id is None:
        return Needs.NETWORK
    network = network_of(tx, profile_id)
    if network.provider_id:
        return Needs.NETWORK
    name, host = host_queries.last_networking(tx, vm.host_id)
    if host is not None and network.id in locate_networks(host):
        return Needs.NETWORK
    carried = bool(placements.cards_with(tx, network.id, vm.host_id))
    check(action, profile_rules.vnic_comes_onto_card(network.name, carried=carried and not or_on_card))
    check(action, rules.network_is_on_host(network.name, name, carried))
    return Needs.DYNAMIC_VNIC


class NetworkOf(Record, frozen=True):
    """The network of a profile; ``provider_id``: None when hosts have it by themselves."""

    id: str
    name: str
    provider_id: str | None


def network_of(tx: Tx, profile_id: str) -> NetworkOf:
    """The network of a profile that is there."""
    return _NETWORK_OF.ask(tx, id=profile_id).one()


_NETWORK_OF = Statement(
    sa.select(networks.c.id, networks.c.name, networks.c.provider_id)
    .join(vnic_profiles, vnic_profiles.c.network_id == networks.c.id)
    .where(vnic_profiles.c.id == sa.bindparam("id")),
    record=NetworkOf,
)
