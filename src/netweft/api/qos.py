"""QoS, below their data centre."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from netweft.api.collections import same_fields, spec_fields
from netweft.api.follow import loads
from netweft.api.request_fields import require_visible, required
from netweft.api.routes import READ, Call, Routes, many
from netweft.api.schema import reference
from netweft.api.search import limited
from netweft.api.types import DataCenter, Qos
from netweft.core.rules.qos import LIMITS
from netweft.engine.access import visibility
from netweft.engine.access.objects import ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.qos import AddQos, UpdateQos, add_qos, remove_qos, update_qos
from netweft.engine.db import Tx
from netweft.engine.model.qos import QosRow, qoss
from netweft.engine.queries import qos as queries
from netweft.engine.queries.qos import QOSS

routes = Routes("qoss")


def refer(data_center_id: str, qos_id: str | None) -> Qos | UnsetType:
    """A reference to a QoS, for whatever has one."""
    return reference(Qos, qos_id, f"/datacenters/{data_center_id}/qoss/{qos_id}") if qos_id else UNSET


def show(row: QosRow) -> Qos:
    """A QoS."""
    return Qos(
        **same_fields(Qos, row),
        href=f"/datacenters/{row.data_center_id}/qoss/{row.id}",
        data_center=reference(DataCenter, row.data_center_id),
    )


@loads(Qos)
def load(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, Qos]:
    """QoS by their ids; those of data centres that the actor may see."""
    statement = QOSS.select.where(qoss.c.id.in_(ids))
    if visibility.visible(tx, call.actor, ObjectType.DATA_CENTER) is not None:
        statement = statement.where(
            qoss.c.data_center_id.in_(visibility.visible_ids(call.actor, ObjectType.DATA_CENTER))
        )
    return {row.id: show(row) for row in QOSS.all(tx, statement)}


@routes.get("/datacenters/{data_center_id}/qoss", many(Qos), needs=READ, queries=("max",))
def list_qoss(call: Call[None]) -> list[Qos]:
    """The QoS of a data centre, by name."""
    with call.read() as tx:
        require_visible(tx, call, ObjectType.DATA_CENTER, call.ids["data_center_id"])
        here = QOSS.select.where(qoss.c.data_center_id == call.ids["data_center_id"])
        return [show(row) for row in QOSS.all(tx, limited(here.order_by(qoss.c.name), call.query))]


@routes.get("/datacenters/{data_center_id}/qoss/{qos_id}", Qos, needs=READ)
def get_qos(call: Call[None]) -> Qos:
    """One QoS."""
    with call.read() as tx:
        require_visible(tx, call, ObjectType.DATA_CENTER, call.ids["data_center_id"])
    return _show(call, call.ids["qos_id"])


@routes.post("/datacenters/{data_center_id}/qoss", Qos, needs=ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK)
def post_qos(call: Call[Qos]) -> Qos:
    """Add a QoS for vNICs (``network``) or for networks on hosts (``hostnetwork``)."""
    body = call.body
    required(body.name, "Qos [name]")
    required(body.type, "Qos [type]")
    spec = AddQos(data_center_id=call.ids["data_center_id"], **spec_fields(body, AddQos), limits=_limits(body))
    return _show(call, call.run(add_qos, call.actor, spec))


@routes.put("/datacenters/{data_center_id}/qoss/{qos_id}", Qos, needs=ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK)
def put_qos(call: Call[Qos]) -> Qos:
    """Change a QoS."""
    body = call.body
    spec = UpdateQos(
        data_center_id=call.ids["data_center_id"],
        id=call.ids["qos_id"],
        **spec_fields(body, UpdateQos),
        limits=_limits(body),
    )
    call.run(update_qos, call.actor, spec)
    return _show(call, spec.id)


@routes.delete("/datacenters/{data_center_id}/qoss/{qos_id}", needs=ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK)
def delete_qos(call: Call[None]) -> None:
    """Remove a QoS; profiles that have it are without one then."""
    call.run(remove_qos, call.actor, call.ids["data_center_id"], call.ids["qos_id"])


def _show(call: Call[Any], qos_id: str) -> Qos:
    with call.read() as tx:
        return show(queries.get(tx, call.ids["data_center_id"], qos_id))


def _limits(body: Qos) -> dict[str, int | None]:
    return {name: value for name in LIMITS if not isinstance(value := getattr(body, name), UnsetType)}
