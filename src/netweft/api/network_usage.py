"""What uses a network, by name (``GET /netweft/v1/networks/{id}/usage``), and the hosts that it is on or should be on
(``GET /netweft/v1/networks/{id}/hosts``).
"""

from __future__ import annotations

import msgspec

from netweft.api.request_fields import require_visible
from netweft.api.routes import ADDITIONS, READ, Call, Routes, many
from netweft.api.search import LISTED, page
from netweft.api.values import Named
from netweft.core.sync import Reported
from netweft.engine.access import visibility
from netweft.engine.access.objects import ObjectType
from netweft.engine.queries import network_usage as queries
from netweft.engine.queries.network_sync import out_of_sync
from netweft.engine.queries.network_usage import NetworkHost

routes = Routes("network_usage", ADDITIONS)


class NetworkUser(msgspec.Struct, kw_only=True, frozen=True):
    """A user of a network. ``kind``: cluster, host, network (of a provider, over this one), template, vm or
    vnic_profile.
    """

    kind: str
    id: str
    name: str


class PropertyOutOfSync(msgspec.Struct, kw_only=True, frozen=True):
    """A property of a network that differs on a host from its configuration. Null: none."""

    name: str
    expected: str | None
    actual: str | None


class HostOfNetwork(msgspec.Struct, kw_only=True, frozen=True):
    """A host that carries a network, or whose cluster has it. ``attachment``: its id, null where the host does not
    carry the network, as ``nic`` and ``in_sync`` are then; ``differences``: why it is out of sync.
    """

    host: Named
    status: str
    cluster: Named
    attachment: str | None
    nic: str | None
    in_sync: bool | None
    differences: list[PropertyOutOfSync]


@routes.get("/networks/{network_id}/usage", many(NetworkUser), needs=READ, queries=LISTED)
def list_users(call: Call[None]) -> list[NetworkUser]:
    """What uses a network, kind by kind."""
    network_id = call.ids["network_id"]
    with call.read() as tx:
        require_visible(tx, call, ObjectType.NETWORK, network_id)
        found = page(tx, call, queries.users(visibility.narrow(tx, call.actor), network_id))
    return [NetworkUser(kind=row.kind, id=row.id, name=row.name) for row in found]


@routes.get("/networks/{network_id}/hosts", many(HostOfNetwork), needs=READ, queries=LISTED)
def list_hosts(call: Call[None]) -> list[HostOfNetwork]:
    """The hosts that carry a network, and those of its clusters that do not, with whether it is in sync there."""
    network_id = call.ids["network_id"]
    with call.read() as tx:
        require_visible(tx, call, ObjectType.NETWORK, network_id)
        narrow = visibility.narrow(tx, call.actor)
        found = page(tx, call, queries.hosts_of(narrow, network_id))
        wrong = {one.host_id: one.properties for one in out_of_sync(tx, narrow, (network_id,))}
    return [_host(row, wrong.get(row.id)) for row in found]


def _host(row: NetworkHost, wrong: tuple[Reported, ...] | None) -> HostOfNetwork:
    return HostOfNetwork(
        host=Named(id=row.id, name=row.name),
        status=row.status,
        cluster=Named(id=row.cluster_id, name=row.cluster_name),
        attachment=row.attachment_id,
        nic=row.nic,
        in_sync=wrong is None if row.attachment_id else None,
        differences=[PropertyOutOfSync(name=one.name, expected=one.expected, actual=one.actual) for one in wrong or ()],
    )
