"""Reads of how hosts differ from what is wanted of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.hosts import HostDifferenceRow, host_differences, host_drifts
from netweft.engine.model.vms import vms
from netweft.engine.model.vnics import vnics
from netweft.engine.noun import Narrow, ObjectType
from netweft.engine.statements import Statement


def differences_of(tx: Tx, host_id: str) -> dict[str, HostDifferenceRow]:
    """The differences of a host that are known, by their texts: since when, and whether somebody ignores them."""
    return {row.text: row for row in _DIFFERENCES.all(tx, host_id=host_id)}


def since(tx: Tx, host_id: str) -> datetime | None:
    """Since when the host is out of sync, None for one in sync."""
    return tx.scalar(sa.select(host_drifts.c.since).where(host_drifts.c.host_id == host_id))


def names_of_vnics(tx: Tx, narrow: Narrow, ids: Collection[str]) -> dict[str, str]:
    """Names (``vm/vnic``) of those of the vNICs whose machines may be seen."""
    query = sa.select(vnics.c.id, vnics.c.name, vms.c.name).join(vms, vms.c.id == vnics.c.vm_id)
    query = query.where(vnics.c.id.in_(ids)).order_by(vms.c.name, vnics.c.name)
    return {vnic_id: f"{vm}/{vnic}" for vnic_id, vnic, vm in tx.execute(narrow(ObjectType.VM, query))}


_DIFFERENCES = Statement(
    sa.select(host_differences).where(host_differences.c.host_id == sa.bindparam("host_id")),
    record=HostDifferenceRow,
)
