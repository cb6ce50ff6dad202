"""What the host of a running guest must have for a vNIC: its network, or a virtual function."""

from __future__ import annotations

import sqlalchemy as sa

from netweft.core.rules import check
from netweft.core.rules import vnic as rules
from netweft.core.sync import locate_networks
from netweft.engine.db import Tx
from netweft.engine.model.networks import networks
from netweft.engine.model.records import Record
from netweft.engine.model.vms import VmRow
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.operations import functions
from netweft.engine.queries import host_networks as host_queries
from netweft.engine.queries import vms as queries
from netweft.engine.statements import Statement

RUNNING = "up"


def reserve_function(tx: Tx, action: str, vm: VmRow, vnic_id: str) -> None:
    """While the guest runs, its host must have a virtual function for a pass-through vNIC that is plugged in."""
    if vm.status != RUNNING or vm.host_id is None:
        return
    vnic = queries.get_vnic(tx, vm.id, vnic_id)
    for failover in queries.failovers_of(tx, (vnic,)).values():
        check_network_on_host(tx, action, vm, failover.id)
    data, free = functions.lock_free(tx, vm.host_id)
    nics = [nic for nic in free if not nic.is_card and (nic.networks is None or vnic.network_id in nic.networks)]
    fit = [one for nic in nics for one in nic.functions]
    check(action, rules.host_has_function(vnic.name, data.row.name, found=bool(fit)))
    functions.promise(tx, vm.host_id, fit[0], vnic_id)


def check_network_on_host(tx: Tx, action: str, vm: VmRow, profile_id: str | None) -> None:
    """While the guest runs, the network must be on its host; of one that a provider has, the provider says so when it
    is to have the port there.
    """
    if vm.status != RUNNING or vm.host_id is None or profile_id is None:
        return
    network = network_of(tx, profile_id)
    if network.provider_id:
        return
    name, host = host_queries.last_networking(tx, vm.host_id)
    is_there = host is not None and network.id in locate_networks(host)
    check(action, rules.network_is_on_host(network.name, name, is_there))


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
