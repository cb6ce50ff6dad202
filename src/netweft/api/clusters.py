"""Clusters, at ``/clusters`` and below their data centre."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select
from sqlalchemy.engine import Row

from netweft.api.constants import POLICIES
from netweft.api.follow import loads
from netweft.api.routes import READ, Call, Routes, many
from netweft.api.schema import given, keep, reference
from netweft.api.search import LISTED, Searchable
from netweft.api.shown import columns, kept_ref, ref, required, required_ref, see, version, version_text, visible_page
from netweft.api.types import (
    Action,
    Cluster,
    Cpu,
    DataCenter,
    Enabled,
    ErrorHandling,
    FencingPolicy,
    Ksm,
    MacPool,
    MemoryOverCommit,
    MemoryPolicy,
    MigrationBandwidth,
    MigrationOptions,
    Network,
    SchedulingPolicy,
    SkipIfConnectivityBroken,
)
from netweft.core.keep import KEEP
from netweft.engine.commands import authorize
from netweft.engine.commands.authorize import ActionGroup, ObjectType
from netweft.engine.commands.clusters import (
    AddCluster,
    UpdateCluster,
    add_cluster,
    remove_cluster,
    sync_cluster_networks,
    update_cluster,
)
from netweft.engine.db import Tx
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.queries import clusters as queries

routes = Routes("clusters")

SEARCHABLE = Searchable(
    columns(clusters, datacenter=data_centers.c.name, **{"datacenter.name": data_centers.c.name}), key=clusters.c.id
)


def show(row: Row[Any]) -> Cluster:
    """A row of :func:`netweft.engine.queries.clusters.select`.

    Storage, fencing, migration and memory are not ours; clients read those parts without asking, so they say "off" or
    oVirt's default.
    """
    return Cluster(
        id=row.id,
        href=f"/clusters/{row.id}",
        name=row.name,
        description=row.description,
        comment=row.comment,
        ballooning_enabled=False,
        cpu=Cpu(architecture=row.cpu_architecture, type=row.cpu_type),
        custom_scheduling_policy_properties=[],
        error_handling=ErrorHandling(on_error="migrate"),
        fencing_policy=FencingPolicy(
            enabled=False,
            skip_if_connectivity_broken=SkipIfConnectivityBroken(enabled=False, threshold=50),
            skip_if_sd_active=Enabled(enabled=False),
        ),
        firewall_type="firewalld",
        gluster_service=False,
        ha_reservation=False,
        ksm=Ksm(enabled=False, merge_across_nodes=True),
        memory_policy=MemoryPolicy(
            over_commit=MemoryOverCommit(percent=100), transparent_hugepages=Enabled(enabled=True)
        ),
        migration=MigrationOptions(
            auto_converge="inherit",
            bandwidth=MigrationBandwidth(assignment_method="auto"),
            compressed="inherit",
            encrypted="inherit",
        ),
        required_rng_sources=["urandom"],
        switch_type=row.switch_type,
        threads_as_cores=False,
        trusted_service=False,
        tunnel_migration=False,
        version=version(row.version),
        virt_service=True,
        data_center=reference(DataCenter, row.data_center_id),
        mac_pool=reference(MacPool, row.mac_pool_id),
        management_network=reference(Network, row.management_network_id),
        scheduling_policy=reference(SchedulingPolicy, str(POLICIES[0].id)),
    )


@loads(Cluster)
def load(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, Cluster]:
    """Clusters by their ids."""
    condition = authorize.visible(tx, call.actor, ObjectType.CLUSTER)
    statement = queries.select().where(clusters.c.id.in_(ids))
    return {row.id: show(row) for row in tx.execute(statement if condition is None else statement.where(condition))}


def _list(tx: Tx, call: Call[None], statement: Select[Any]) -> list[Cluster]:
    return [show(row) for row in visible_page(tx, call, statement, ObjectType.CLUSTER, SEARCHABLE)]


@routes.get("/clusters", many(Cluster), needs=READ, queries=LISTED)
def list_clusters(call: Call[None]) -> list[Cluster]:
    """Clusters of all data centres."""
    with call.read() as tx:
        return _list(tx, call, queries.select())


@routes.get("/datacenters/{data_center_id}/clusters", many(Cluster), needs=READ, queries=LISTED)
def list_clusters_of_data_center(call: Call[None]) -> list[Cluster]:
    """Clusters of one data centre."""
    data_center_id = call.ids["data_center_id"]
    with call.read() as tx:
        see(tx, call, ObjectType.DATA_CENTER, data_center_id)
        return _list(tx, call, queries.select().where(clusters.c.data_center_id == data_center_id))


@routes.get("/clusters/{cluster_id}", Cluster, needs=READ)
def get_cluster(call: Call[None]) -> Cluster:
    """One cluster."""
    with call.read() as tx:
        see(tx, call, ObjectType.CLUSTER, call.ids["cluster_id"])
        return show(queries.get(tx, call.ids["cluster_id"]))


@routes.post("/clusters", Cluster, needs=ActionGroup.CREATE_CLUSTER)
def post_cluster(call: Call[Cluster]) -> Cluster:
    """Add a cluster to the data centre that it names."""
    body = call.body
    spec = AddCluster(
        name=required(body.name, "Cluster [name]"),
        data_center=required_ref(body.data_center, "Cluster [dataCenter"),
        description=given(body.description, ""),
        comment=given(body.comment, ""),
        switch_type=given(body.switch_type, "legacy"),
        version=version_text(body.version),
        cpu_type=given(given(body.cpu, Cpu()).type, ""),
        cpu_architecture=given(given(body.cpu, Cpu()).architecture, "undefined"),
        mac_pool=ref(body.mac_pool),
        management_network=ref(body.management_network),
    )
    cluster_id = call.run(add_cluster, call.actor, spec)
    with call.read() as tx:
        return show(queries.get(tx, cluster_id))


@routes.put("/clusters/{cluster_id}", Cluster, needs=ActionGroup.EDIT_CLUSTER_CONFIGURATION)
def put_cluster(call: Call[Cluster]) -> Cluster:
    """Change a cluster."""
    body = call.body
    spec = UpdateCluster(
        id=call.ids["cluster_id"],
        name=keep(body.name),
        data_center=kept_ref(body.data_center, "Cluster [dataCenter"),
        description=keep(body.description),
        comment=keep(body.comment),
        switch_type=keep(body.switch_type),
        version=version_text(body.version) or KEEP,
        cpu_type=keep(given(body.cpu, Cpu()).type),
        cpu_architecture=keep(given(body.cpu, Cpu()).architecture),
        mac_pool=kept_ref(body.mac_pool, "Cluster [macPool"),
        management_network=kept_ref(body.management_network, "Cluster [managementNetwork"),
    )
    call.run(update_cluster, call.actor, spec)
    with call.read() as tx:
        return show(queries.get(tx, spec.id))


@routes.delete("/clusters/{cluster_id}", needs=ActionGroup.DELETE_CLUSTER)
def delete_cluster(call: Call[None]) -> None:
    """Remove a cluster without hosts and VMs."""
    call.run(remove_cluster, call.actor, call.ids["cluster_id"])


@routes.action("/clusters/{cluster_id}/syncallnetworks", needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def sync_all_networks(call: Call[Action]) -> None:
    """Begin to put every network that is out of sync in sync on every host of a cluster."""
    call.run(sync_cluster_networks, call.actor, call.ids["cluster_id"])
