"""Assigning virtual functions of hosts' NICs to vNICs, and releasing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from netweft.core.errors import Problem
from netweft.engine.db import OvertakenError, Tx, lock
from netweft.engine.model.functions import vnic_functions
from netweft.engine.model.hosts import hosts
from netweft.engine.model.vnics import vnics
from netweft.engine.operations import fabric_members as members
from netweft.engine.queries import functions as queries
from netweft.engine.queries import host_networks
from netweft.engine.queries.functions import FreeOf
from netweft.engine.queries.host_networks import HostData
from netweft.engine.statements import Statement


def reserve(tx: Tx, action: str, host_id: str, physical: Mapping[str, str]) -> None:
    """Assign functions of a host to vNICs. ``physical``: the NIC to take one from, by the vNIC's id.

    Raises OvertakenError when one has been assigned meanwhile; locks the host's row.
    """
    if not physical:
        return
    data, found = lock_free(tx, host_id)
    of = {one.nic: one for one in found}
    free = {one.nic: list(one.functions) for one in found}
    for vnic_id, nic in physical.items():
        if not free.get(nic):
            text = f"The free functions of {nic} on Host {data.row.name} were assigned meanwhile. Repeat the request."
            raise OvertakenError(action, (Problem("VAR__DETAIL__NO_SUITABLE_VF", text),))
        function = free[nic].pop(0)
        assign(tx, host_id, function, of[nic].guids.get(function, ""), vnic_id=vnic_id)


def lock_free(tx: Tx, host_id: str) -> tuple[HostData, tuple[FreeOf, ...]]:
    """A host with its free functions; locks the host's row, so that they stay free."""
    lock(tx, hosts, host_id)
    data = host_networks.load_one(tx, host_id)
    here = (host_id,)
    restricted, held = queries.served(tx, here)[host_id], queries.held(tx, here)[host_id]
    reported = queries.reported_free(data)
    return data, queries.free(reported, restricted, held, queries.leaving(tx, reported))


def assign(tx: Tx, host_id: str, function: str, guid: str = "", *, vnic_id: str) -> None:
    """Assign one of the functions of :func:`lock_free` to a vNIC. ``guid``: of an InfiniBand function, which becomes a
    member of the partition of the vNIC's network.
    """
    tx.execute(sa.insert(vnic_functions).values(host_id=host_id, function=function, guid=guid, vnic_id=vnic_id))
    if guid:
        members.align(tx, members.networks_of(tx, vnic_id))


def release(tx: Tx, vm_id: str, *, host_id: str = "", unplugged_only: bool = False) -> None:
    """Release the functions of a machine's vNICs: on all hosts or one, or only those of unplugged vNICs."""
    statement = _release(on_host=bool(host_id), unplugged_only=unplugged_only)
    _leave(tx, statement.scalars(tx, vm_id=vm_id, host_id=host_id))


def release_vnic(tx: Tx, vnic_id: str) -> None:
    """Release the functions of a vNIC, before it is removed."""
    _leave(tx, _RELEASE_VNIC.scalars(tx, vnic_id=vnic_id))


def _leave(tx: Tx, guids_of_released: Sequence[str]) -> None:
    """Remove released InfiniBand functions from their partitions."""
    guids = {guid for guid in guids_of_released if guid}
    if guids:
        members.align(tx, members.networks_with(tx, guids))


@cache
def _release(*, on_host: bool, unplugged_only: bool) -> Statement[tuple[Any, ...]]:
    mine = sa.select(vnics.c.id).where(vnics.c.vm_id == sa.bindparam("vm_id"))
    if unplugged_only:
        mine = mine.where(sa.not_(vnics.c.plugged))
    query = sa.delete(vnic_functions).where(vnic_functions.c.vnic_id.in_(mine)).returning(vnic_functions.c.guid)
    return Statement(query.where(vnic_functions.c.host_id == sa.bindparam("host_id")) if on_host else query)


_RELEASE_VNIC = Statement(
    sa.delete(vnic_functions)
    .where(vnic_functions.c.vnic_id == sa.bindparam("vnic_id"))
    .returning(vnic_functions.c.guid)
)
