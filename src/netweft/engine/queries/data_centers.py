"""Reads of data centres."""

from __future__ import annotations

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.clusters import ClusterRow, clusters
from netweft.engine.model.data_centers import DataCenterRow, data_centers
from netweft.engine.noun import Noun, ObjectType, across, searched
from netweft.engine.statements import rows

DATA_CENTERS = Noun(
    data_centers,
    DataCenterRow,
    "data centre",
    search=searched(data_centers, clusters__name=across(clusters, clusters.c.data_center_id == data_centers.c.id)),
    object_type=ObjectType.DATA_CENTER,
)
get = DATA_CENTERS.get


def clusters_of(tx: Tx, data_center_id: str) -> list[ClusterRow]:
    """Its clusters."""
    return rows(tx, ClusterRow, sa.select(clusters).where(clusters.c.data_center_id == data_center_id))
