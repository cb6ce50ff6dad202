"""Reads of data centres."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.engine.db import Tx
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers


def select() -> sa.Select[Any]:
    """Every column of data centres."""
    return sa.select(data_centers)


def get(tx: Tx, data_center_id: str) -> sa.Row[Any]:
    """One row of :func:`select`; raises NotFoundError."""
    row = tx.execute(select().where(data_centers.c.id == data_center_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no data centre with the id {data_center_id}.")
    return row


def clusters_of(tx: Tx, data_center_id: str) -> list[sa.Row[Any]]:
    """Id, name and version of its clusters."""
    return list(
        tx.execute(
            sa.select(clusters.c.id, clusters.c.name, clusters.c.version).where(
                clusters.c.data_center_id == data_center_id
            )
        )
    )
