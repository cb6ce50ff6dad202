"""Collections that clients of oVirt's API read although there is nothing to manage in them here: short, constant or
empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from netweft.api.request_fields import require_visible, version
from netweft.api.routes import LOGIN, READ, Call, Routes, many
from netweft.api.schema import Entity
from netweft.api.types import (
    AffinityLabel,
    DiskAttachment,
    NetworkFilter,
    SchedulingPolicy,
    StorageDomain,
    VirtualNumaNode,
)
from netweft.core import network_filters
from netweft.core.errors import NotFoundError
from netweft.engine.access.objects import ObjectType

routes = Routes("constants")

T = TypeVar("T", bound=Entity)

EMPTY: dict[str, type[Entity]] = {
    "storagedomains": StorageDomain,
}
"""Collections of things that Netweft does not have."""

EMPTY_BELOW: dict[tuple[str, ObjectType], dict[str, type[Entity]]] = {
    ("datacenters", ObjectType.DATA_CENTER): {"storagedomains": StorageDomain},
    ("vms", ObjectType.VM): {
        "affinitylabels": AffinityLabel,
        "diskattachments": DiskAttachment,
        "numanodes": VirtualNumaNode,
    },
    ("templates", ObjectType.TEMPLATE): {"diskattachments": DiskAttachment},
}
"""The same below each thing of a type."""

POLICIES = [
    SchedulingPolicy(
        id="b4ed2332-a7ac-4d5f-9596-99a439cb2812",
        href="/schedulingpolicies/b4ed2332-a7ac-4d5f-9596-99a439cb2812",
        name="none",
        description="Any host that has the networks",
        default_policy=True,
        locked=True,
    )
]
"""How hosts are chosen: there is one way (oVirt's id of its policy ``none``)."""


FILTERS = [
    NetworkFilter(id=one.id, href=f"/networkfilters/{one.id}", name=one.name, version=version(one.since))
    for one in network_filters.FILTERS.values()
]
"""The filters that a vNIC profile may name."""


def _constant(path: str, kind: type[T], values: list[T]) -> None:
    """A collection that is always the same, and each of its members."""

    def list_all(call: Call[None]) -> list[T]:
        return values[: call.query.size()]

    def get_one(call: Call[None]) -> T:
        return _with_id(values, call.ids["entity_id"])

    list_all.__doc__ = f"All {path}; there is a fixed set of them."
    get_one.__doc__ = f"One of the {path}."
    routes.get(f"/{path}", many(kind), needs=LOGIN, queries=("max",))(list_all)
    routes.get(f"/{path}/{{entity_id}}", kind, needs=LOGIN)(get_one)


def _with_id(values: list[T], entity_id: str) -> T:
    for value in values:
        if value.id == entity_id:
            return value
    raise NotFoundError(f"There is none with the id {entity_id}.")


def _empty_below(object_type: ObjectType) -> Callable[[Call[None]], list[Any]]:
    def list_none(call: Call[None]) -> list[Any]:
        """Nothing: Netweft has none of these."""
        with call.read() as tx:
            require_visible(tx, call, object_type, call.ids["object_id"])
        return []

    return list_none


_constant("schedulingpolicies", SchedulingPolicy, POLICIES)
_constant("networkfilters", NetworkFilter, FILTERS)
for _path, _kind in EMPTY.items():
    _constant(_path, _kind, [])
for (_parent, _type), _collections in EMPTY_BELOW.items():
    for _path, _kind in _collections.items():
        routes.get(f"/{_parent}/{{object_id}}/{_path}", many(_kind), needs=READ)(_empty_below(_type))


@routes.get("/clusters/{cluster_id}/networkfilters", many(NetworkFilter), needs=READ)
def list_filters_of_cluster(call: Call[None]) -> list[NetworkFilter]:
    """The network filters that a cluster's hosts have: all."""
    with call.read() as tx:
        require_visible(tx, call, ObjectType.CLUSTER, call.ids["cluster_id"])
    return list(FILTERS)
