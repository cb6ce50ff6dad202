"""Reads of QoS."""

from __future__ import annotations

import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.engine.db import Tx
from netweft.engine.model.networks import networks
from netweft.engine.model.qos import QosRow, qoss
from netweft.engine.noun import Noun, searched

QOSS = Noun(qoss, QosRow, "QoS", search=searched(qoss, type=qoss.c.type), parent="data_center_id")


def get(tx: Tx, data_center_id: str, qos_id: str) -> QosRow:
    """One of them; raises NotFoundError when the data centre has no such QoS."""
    row = QOSS.find(tx, qos_id)
    if row is None or row.data_center_id != data_center_id:
        raise NotFoundError(f"There is no QoS with the id {qos_id} in the data centre.")
    return row


def types_of(tx: Tx, data_center_id: str, qos_id: str) -> list[str]:
    """The type of a QoS of the data centre; nothing when it has no such QoS."""
    return list(tx.scalars(sa.select(qoss.c.type).where(qoss.c.id == qos_id, qoss.c.data_center_id == data_center_id)))


def networks_with(tx: Tx, qos_id: str) -> list[str]:
    """Ids of the networks that have the QoS."""
    return list(tx.scalars(sa.select(networks.c.id).where(networks.c.qos_id == qos_id)))
