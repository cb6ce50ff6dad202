"""The label of a network: at most one, and its id is the label itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netweft.api.follow import loads_link
from netweft.api.request_fields import require_visible, required
from netweft.api.routes import READ, Call, Routes, many
from netweft.api.schema import reference
from netweft.api.types import ClusterNetwork, Network, NetworkLabel
from netweft.core.errors import NotFoundError
from netweft.engine.access import visibility
from netweft.engine.access.objects import ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.networks import label_network, unlabel_network
from netweft.engine.db import Tx
from netweft.engine.queries.networks import labels_of

routes = Routes("networks")


def _labels(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, list[NetworkLabel]]:
    found = labels_of(tx, visibility.narrow(tx, call.actor), ids)
    return {network_id: [_show(network_id, label)] for network_id, label in found.items()}


loads_link(Network, "network_labels")(_labels)
loads_link(ClusterNetwork, "network_labels")(_labels)


def _show(network_id: str, label: str) -> NetworkLabel:
    href = f"/networks/{network_id}/networklabels/{label}"
    return NetworkLabel(id=label, href=href, network=reference(Network, network_id))


@routes.get("/networks/{network_id}/networklabels", many(NetworkLabel), needs=READ)
def list_labels(call: Call[None]) -> list[NetworkLabel]:
    """The label of a network, if it has one."""
    with call.read() as tx:
        require_visible(tx, call, ObjectType.NETWORK, call.ids["network_id"])
        return _labels(tx, call, [call.ids["network_id"]]).get(call.ids["network_id"], [])


@routes.get("/networks/{network_id}/networklabels/{label_id}", NetworkLabel, needs=READ)
def get_label(call: Call[None]) -> NetworkLabel:
    """The label of a network, which must be the one asked for."""
    for label in list_labels(call):
        if label.id == call.ids["label_id"]:
            return label
    raise NotFoundError(f"The network {call.ids['network_id']} has no label '{call.ids['label_id']}'.")


@routes.post("/networks/{network_id}/networklabels", NetworkLabel, needs=ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK)
def post_label(call: Call[NetworkLabel]) -> NetworkLabel:
    """Add a label to a network that has none."""
    label = required(call.body.id, "NetworkLabel [id]")
    call.run(label_network, call.actor, call.ids["network_id"], label)
    return _show(call.ids["network_id"], label)


@routes.delete("/networks/{network_id}/networklabels/{label_id}", needs=ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK)
def delete_label(call: Call[None]) -> None:
    """Remove a network's label."""
    call.run(unlabel_network, call.actor, call.ids["network_id"], call.ids["label_id"])
