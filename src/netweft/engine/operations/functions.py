"""Giving virtual functions of hosts' NICs to vNICs, and taking them back."""

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


def reserve(tx: Tx, action: str, host_id: str, wanted: Mapping[str, str]) -> None:
    """Promise functions of a host to vNICs. ``wanted``: the NIC that is to give one, by the vNIC's id.

    Raises OvertakenError when one has been given away meanwhile; the host's row is locked from now on.
    """
    if not wanted:
        return
    data, found = lock_free(tx, host_id)
    of = {one.nic: one for one in found}
    free = {one.nic: list(one.functions) for one in found}
    for vnic_id, nic in wanted.items():
        if not free.get(nic):
            text = f"The free functions of {nic} on Host {data.row.name} were assigned meanwhile. Repeat the request."
            raise OvertakenError(action, (Problem("VAR__DETAIL__NO_SUITABLE_VF", text),))
        function = free[nic].pop(0)
        promise(tx, host_id, function, of[nic].guids.get(function, ""), vnic_id=vnic_id)


def lock_free(tx: Tx, host_id: str) -> tuple[HostData, tuple[FreeOf, ...]]:
    """A host with its free functions, which nobody else can have from now on: its row is locked."""
    lock(tx, hosts, host_id)
    data = host_networks.load_one(tx, host_id)
    here = (host_id,)
    restricted, held = queries.served(tx, here)[host_id], queries.held(tx, here)[host_id]
    shown = queries.reported_free(data)
    return data, queries.free(shown, restricted, held, queries.leaving(tx, shown))


def promise(tx: Tx, host_id: str, function: str, guid: str = "", *, vnic_id: str) -> None:
    """Promise one of the functions that :func:`lock_free` tells to a vNIC. ``guid``: of one of InfiniBand, which comes
    onto the partition of the vNIC's network.
    """
    tx.execute(sa.insert(vnic_functions).values(host_id=host_id, function=function, guid=guid, vnic_id=vnic_id))
    if guid:
        members.align(tx, members.networks_of(tx, vnic_id))


def release(tx: Tx, vm_id: str, *, host_id: str = "", unplugged_only: bool = False) -> None:
    """Take back what the vNICs of a machine were promised: everywhere, on one host, or of those that are unplugged."""
    statement = _release(on_host=bool(host_id), unplugged_only=unplugged_only)
    _leave(tx, statement.scalars(tx, vm_id=vm_id, host_id=host_id))


def release_vnic(tx: Tx, vnic_id: str) -> None:
    """Take back what a vNIC was promised, before it is removed."""
    _leave(tx, _RELEASE_VNIC.scalars(tx, vnic_id=vnic_id))


def _leave(tx: Tx, guids_of_released: Sequence[str]) -> None:
    """Have the ports that were taken back leave their partitions."""
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
