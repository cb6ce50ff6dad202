"""Reads of QoS."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.engine.db import Tx
from netweft.engine.model.networks import networks
from netweft.engine.model.qos import qoss


def select() -> sa.Select[Any]:
    """Every column of QoS."""
    return sa.select(qoss)


def get(tx: Tx, data_center_id: str, qos_id: str) -> sa.Row[Any]:
    """One row of :func:`select`; raises NotFoundError when the data centre has no such QoS."""
    row = tx.execute(select().where(qoss.c.id == qos_id, qoss.c.data_center_id == data_center_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no QoS with the id {qos_id} in the data centre.")
    return row


def is_taken(tx: Tx, data_center_id: str, name: str, *, besides: str = "") -> bool:
    """Whether a QoS of the data centre other than ``besides`` has the name."""
    query = sa.select(qoss.c.id).where(
        qoss.c.data_center_id == data_center_id, qoss.c.name == name, qoss.c.id != besides
    )
    return tx.scalar(query) is not None


def types_of(tx: Tx, data_center_id: str, qos_id: str) -> list[str]:
    """The type of a QoS of the data centre; nothing when it has no such QoS."""
    return list(tx.scalars(sa.select(qoss.c.type).where(qoss.c.id == qos_id, qoss.c.data_center_id == data_center_id)))


def networks_with(tx: Tx, qos_id: str) -> list[str]:
    """Ids of the networks that have the QoS."""
    return list(tx.scalars(sa.select(networks.c.id).where(networks.c.qos_id == qos_id)))
