"""Data centres."""

from __future__ import annotations

from netweft.api.collections import Collection, same_fields, spec_fields
from netweft.api.request_fields import required, version, version_text
from netweft.api.routes import Call, Routes
from netweft.api.types import DataCenter
from netweft.core.keep import KEEP
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.data_centers import (
    AddDataCenter,
    UpdateDataCenter,
    add_data_center,
    remove_data_center,
    update_data_center,
)
from netweft.engine.model.data_centers import DataCenterRow
from netweft.engine.queries import data_centers as queries

routes = Routes("datacenters")


def show(row: DataCenterRow) -> DataCenter:
    """A data centre."""
    return DataCenter(
        **same_fields(DataCenter, row),
        href=f"/datacenters/{row.id}",
        quota_mode="disabled",
        status="up",
        version=version(row.version),
        supported_versions=[version(row.version)],
    )


DATA_CENTERS = Collection(routes, queries.DATA_CENTERS, DataCenter, "/datacenters/{data_center_id}", show=show)
DATA_CENTERS.reads("Data centres.", "One data centre.")


@routes.post("/datacenters", DataCenter, needs=ActionGroup.CREATE_STORAGE_POOL)
def post_data_center(call: Call[DataCenter]) -> DataCenter:
    """Add a data centre with its management network."""
    required(call.body.name, "DataCenter [name]")
    spec = AddDataCenter(**spec_fields(call.body, AddDataCenter), version=version_text(call.body.version) or KEEP)
    return DATA_CENTERS.one(call, call.run(add_data_center, call.actor, spec))


@DATA_CENTERS.changes(ActionGroup.EDIT_STORAGE_POOL_CONFIGURATION)
def change_data_center(call: Call[DataCenter]) -> None:
    """Change a data centre."""
    body = call.body
    spec = UpdateDataCenter(
        id=DATA_CENTERS.id(call), **spec_fields(body, UpdateDataCenter), version=version_text(body.version) or KEEP
    )
    call.run(update_data_center, call.actor, spec)


DATA_CENTERS.removes(
    ActionGroup.DELETE_STORAGE_POOL, remove_data_center, "Remove a data centre without clusters, with its networks."
)
