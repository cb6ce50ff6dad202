"""Data centres."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.engine import Row

from netloom.api.follow import loads
from netloom.api.routes import READ, Call, Routes, many
from netloom.api.search import LISTED, Searchable
from netloom.api.shown import columns, see, version, visible_page
from netloom.api.types import DataCenter
from netloom.engine.commands import authorize
from netloom.engine.commands.authorize import ObjectType
from netloom.engine.db import Tx
from netloom.engine.model.clusters import clusters
from netloom.engine.model.data_centers import data_centers
from netloom.engine.queries import data_centers as queries

routes = Routes("datacenters")

SEARCHABLE = Searchable(
    columns(
        data_centers,
        **{
            "clusters.name": lambda test: exists(
                select(clusters.c.id).where(clusters.c.data_center_id == data_centers.c.id, test(clusters.c.name))
            )
        },
    ),
    key=data_centers.c.id,
)


def show(row: Row[Any]) -> DataCenter:
    """A row of :func:`netloom.engine.queries.data_centers.select`."""
    return DataCenter(
        id=row.id,
        href=f"/datacenters/{row.id}",
        name=row.name,
        description=row.description,
        comment=row.comment,
        local=row.local,
        quota_mode="disabled",
        status="up",
        version=version(row.version),
        supported_versions=[version(row.version)],
    )


@loads(DataCenter)
def load(tx: Tx, call: Call[Any], ids: Any) -> dict[str, DataCenter]:
    """Data centres by their ids."""
    condition = authorize.visible(tx, call.actor, ObjectType.DATA_CENTER)
    statement = queries.select().where(data_centers.c.id.in_(ids))
    return {row.id: show(row) for row in tx.execute(statement if condition is None else statement.where(condition))}


@routes.get("/datacenters", many(DataCenter), needs=READ, queries=LISTED)
def list_data_centers(call: Call[None]) -> list[DataCenter]:
    """Data centres."""
    with call.read() as tx:
        return [show(row) for row in visible_page(tx, call, queries.select(), ObjectType.DATA_CENTER, SEARCHABLE)]


@routes.get("/datacenters/{data_center_id}", DataCenter, needs=READ)
def get_data_center(call: Call[None]) -> DataCenter:
    """One data centre."""
    with call.read() as tx:
        see(tx, call, ObjectType.DATA_CENTER, call.ids["data_center_id"])
        return show(queries.get(tx, call.ids["data_center_id"]))
