"""``GET /netweft/v1/rows/clusters``: clusters with the numbers of what is in them, for lists."""

from __future__ import annotations

import msgspec

from netweft.api.routes import ADDITIONS, READ, Call, Routes, many
from netweft.api.search import LISTED, page
from netweft.api.values import Named
from netweft.engine.access import visibility
from netweft.engine.queries import cluster_rows as queries
from netweft.engine.queries.cluster_rows import CountedCluster

routes = Routes("cluster_rows", ADDITIONS)


class RowOfCluster(msgspec.Struct, kw_only=True, frozen=True):
    """A cluster as a list shows it. ``hosts_out_of_sync``: how many of its hosts differ from their configuration;
    ``rollout_*``: its policy of rollouts. Only objects that the user may see are counted.
    """

    id: str
    name: str
    description: str
    data_center: Named
    switch_type: str
    mac_pool: Named
    drift_healing: str
    rollout_canaries: int
    rollout_wave: int
    rollout_soak: int
    rollout_evacuates: bool
    rollout_on_failure: str
    hosts: int
    hosts_up: int
    hosts_out_of_sync: int
    networks: int
    vms: int


@routes.get("/rows/clusters", many(RowOfCluster), needs=READ, queries=LISTED)
def list_clusters(call: Call[None]) -> list[RowOfCluster]:
    """Clusters with counts of what is in them; the counts can be searched and sorted, too."""
    with call.read() as tx:
        return [_row(row) for row in page(tx, call, queries.counted(visibility.narrow(tx, call.actor)))]


def _row(row: CountedCluster) -> RowOfCluster:
    return RowOfCluster(
        id=row.id,
        name=row.name,
        description=row.description,
        data_center=Named(id=row.data_center_id, name=row.data_center_name),
        switch_type=row.switch_type,
        mac_pool=Named(id=row.mac_pool_id, name=row.mac_pool_name),
        drift_healing=row.drift_healing,
        rollout_canaries=row.rollout_canaries,
        rollout_wave=row.rollout_wave,
        rollout_soak=row.rollout_soak,
        rollout_evacuates=row.rollout_evacuates,
        rollout_on_failure=row.rollout_on_failure,
        hosts=row.hosts,
        hosts_up=row.hosts_up,
        hosts_out_of_sync=row.hosts_out_of_sync,
        networks=row.networks,
        vms=row.vms,
    )
