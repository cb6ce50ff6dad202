"""``GET /netweft/v1/rows/networks``: networks with the numbers of what they are on, for lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from netweft.api.routes import ADDITIONS, READ, Call, Routes, many
from netweft.api.search import LISTED, page
from netweft.api.values import Named, named
from netweft.engine.access import visibility
from netweft.engine.queries import network_rows as queries
from netweft.engine.queries.network_rows import CountedNetwork
from netweft.engine.queries.network_sync import out_of_sync

routes = Routes("network_rows", ADDITIONS)


class RowOfNetwork(msgspec.Struct, kw_only=True, frozen=True):
    """A network as a list shows it. ``vlan``: null for untagged; ``mtu``: 0 for the default; ``roles``: that it has in
    any cluster; ``hosts``: how many carry it, ``hosts_out_of_sync``: on how many of them it is out of sync, without
    those whose differences are all ignored. Only objects that the user may see are counted.
    """

    id: str
    name: str
    description: str
    data_center: Named
    vlan: int | None
    mtu: int
    vm_network: bool
    label: str | None
    roles: list[str]
    provider: Named | None
    qos: Named | None
    clusters: int
    hosts: int
    hosts_out_of_sync: int
    vms: int
    vnics: int
    profiles: int


@routes.get("/rows/networks", many(RowOfNetwork), needs=READ, queries=LISTED)
def list_networks(call: Call[None]) -> list[RowOfNetwork]:
    """Networks with counts of what uses them; the counts can be searched and sorted, too."""
    with call.read() as tx:
        narrow = visibility.narrow(tx, call.actor)
        found = page(tx, call, queries.counted(narrow))
        ids = [row.id for row in found]
        roles = queries.roles_of(tx, narrow, ids)
        wrong = Counter(one.network_id for one in out_of_sync(tx, narrow, ids))
    return [_row(row, roles, wrong) for row in found]


def _row(row: CountedNetwork, roles: Mapping[str, Sequence[str]], wrong: Mapping[str, int]) -> RowOfNetwork:
    return RowOfNetwork(
        id=row.id,
        name=row.name,
        description=row.description,
        data_center=Named(id=row.data_center_id, name=row.data_center_name),
        vlan=row.vlan_id,
        mtu=row.mtu,
        vm_network=row.vm_network,
        label=row.label,
        roles=list(roles.get(row.id, ())),
        provider=named(row.provider_id, row.provider_name),
        qos=named(row.qos_id, row.qos_name),
        clusters=row.clusters,
        hosts=row.hosts,
        hosts_out_of_sync=wrong.get(row.id, 0),
        vms=row.vms,
        vnics=row.vnics,
        profiles=row.profiles,
    )
