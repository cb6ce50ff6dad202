"""Data centres."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.engine import Row

from netweft.api.follow import loads
from netweft.api.routes import READ, Call, Routes, many
from netweft.api.schema import given, keep
from netweft.api.search import LISTED, Searchable
from netweft.api.shown import columns, required, see, version, version_text, visible_page
from netweft.api.types import DataCenter
from netweft.core.keep import KEEP
from netweft.core.rules.data_center import DEFAULT_VERSION
from netweft.engine.commands import authorize
from netweft.engine.commands.authorize import ActionGroup, ObjectType
from netweft.engine.commands.data_centers import (
    AddDataCenter,
    UpdateDataCenter,
    add_data_center,
    remove_data_center,
    update_data_center,
)
from netweft.engine.db import Tx
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.queries import data_centers as queries

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
    """A row of :func:`netweft.engine.queries.data_centers.select`."""
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
def load(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, DataCenter]:
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


@routes.post("/datacenters", DataCenter, needs=ActionGroup.CREATE_STORAGE_POOL)
def post_data_center(call: Call[DataCenter]) -> DataCenter:
    """Add a data centre with its management network."""
    body = call.body
    spec = AddDataCenter(
        name=required(body.name, "DataCenter [name]"),
        description=given(body.description, ""),
        comment=given(body.comment, ""),
        local=given(body.local, False),
        version=version_text(body.version) or DEFAULT_VERSION,
    )
    data_center_id = call.run(add_data_center, call.actor, spec)
    with call.read() as tx:
        return show(queries.get(tx, data_center_id))


@routes.put("/datacenters/{data_center_id}", DataCenter, needs=ActionGroup.EDIT_STORAGE_POOL_CONFIGURATION)
def put_data_center(call: Call[DataCenter]) -> DataCenter:
    """Change a data centre."""
    body = call.body
    spec = UpdateDataCenter(
        id=call.ids["data_center_id"],
        name=keep(body.name),
        description=keep(body.description),
        comment=keep(body.comment),
        local=keep(body.local),
        version=version_text(body.version) or KEEP,
    )
    call.run(update_data_center, call.actor, spec)
    with call.read() as tx:
        return show(queries.get(tx, spec.id))


@routes.delete("/datacenters/{data_center_id}", needs=ActionGroup.DELETE_STORAGE_POOL)
def delete_data_center(call: Call[None]) -> None:
    """Remove a data centre without clusters, with its networks."""
    call.run(remove_data_center, call.actor, call.ids["data_center_id"])
