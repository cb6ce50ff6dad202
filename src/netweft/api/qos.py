"""QoS, below their data centre."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from netweft.api.collections import Collection, same_fields, spec_fields
from netweft.api.request_fields import required
from netweft.api.routes import Call, Routes
from netweft.api.schema import reference
from netweft.api.types import DataCenter, Qos
from netweft.core.rules.qos import LIMITS
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.qos import AddQos, UpdateQos, add_qos, remove_qos, update_qos
from netweft.engine.model.qos import QosRow
from netweft.engine.queries import qos as queries

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


QOSS = Collection(routes, queries.QOSS, Qos, "/datacenters/{data_center_id}/qoss/{qos_id}", show=show)
QOSS.reads("The QoS of a data centre, by name.", "One QoS.")


@routes.post("/datacenters/{data_center_id}/qoss", Qos, needs=ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK)
def post_qos(call: Call[Qos]) -> Qos:
    """Add a QoS for vNICs (``network``) or for networks on hosts (``hostnetwork``)."""
    body = call.body
    required(body.name, "Qos [name]")
    required(body.type, "Qos [type]")
    spec = AddQos(data_center_id=call.ids["data_center_id"], **spec_fields(body, AddQos), limits=_limits(body))
    return QOSS.one(call, call.run(add_qos, call.actor, spec))


@QOSS.changes(ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK)
def change_qos(call: Call[Qos]) -> None:
    """Change a QoS."""
    spec = UpdateQos(
        data_center_id=call.ids["data_center_id"],
        id=QOSS.id(call),
        **spec_fields(call.body, UpdateQos),
        limits=_limits(call.body),
    )
    call.run(update_qos, call.actor, spec)


QOSS.removes(
    ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK,
    remove_qos,
    "Remove a QoS; profiles that have it are without one then.",
)


def _limits(body: Qos) -> dict[str, int | None]:
    return {name: value for name in LIMITS if not isinstance(value := getattr(body, name), UnsetType)}
