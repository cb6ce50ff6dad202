"""Clusters, at ``/clusters`` and below their data centre."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from netweft.api.collections import Collection, same_fields, spec_fields
from netweft.api.constants import POLICIES
from netweft.api.request_fields import kept_ref, ref, required, required_ref, version, version_text
from netweft.api.routes import READ, Call, Routes, many
from netweft.api.schema import keep, or_default, reference
from netweft.api.types import (
    Action,
    Cluster,
    Cpu,
    DataCenter,
    Enabled,
    ErrorHandling,
    ExternalProvider,
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
from netweft.core.keep import KEEP, Keep
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.clusters import (
    AddCluster,
    UpdateCluster,
    add_cluster,
    remove_cluster,
    sync_cluster_networks,
    update_cluster,
)
from netweft.engine.model.records import filled
from netweft.engine.queries import clusters as queries
from netweft.engine.queries.clusters import ClusterDetails
from netweft.engine.queries.references import Ref

routes = Routes("clusters")


_NOT_OURS = filled(
    Cluster(
        ballooning_enabled=False,
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
        threads_as_cores=False,
        trusted_service=False,
        tunnel_migration=False,
        virt_service=True,
        scheduling_policy=reference(SchedulingPolicy, str(POLICIES[0].id)),
    )
)
"""Storage, fencing, migration and memory, which Netweft does not manage: clients read those parts without asking, so
they say "off" or oVirt's default.
"""


def show(row: ClusterDetails) -> Cluster:
    """A cluster."""
    return Cluster(
        **_NOT_OURS,
        **same_fields(Cluster, row),
        href=f"/clusters/{row.id}",
        cpu=Cpu(architecture=row.cpu_architecture, type=row.cpu_type),
        external_network_providers=_providers(row) or UNSET,
        version=version(row.version),
        data_center=reference(DataCenter, row.data_center_id),
        mac_pool=reference(MacPool, row.mac_pool_id),
        management_network=reference(Network, row.management_network_id or ""),
    )


def _providers(row: ClusterDetails) -> list[ExternalProvider]:
    """The default provider of its networks, if it has one."""
    if not row.provider_id:
        return []
    href = f"/openstacknetworkproviders/{row.provider_id}"
    return [ExternalProvider(id=row.provider_id, href=href, name=row.provider_name or "")]


CLUSTERS = Collection(
    routes,
    queries.CLUSTERS,
    Cluster,
    "/clusters/{cluster_id}",
    show=show,
    below="/datacenters/{data_center_id}",
)
CLUSTERS.reads("Clusters of all data centres.", "One cluster.", below=("Clusters of one data centre.", ""))


@routes.post("/clusters", Cluster, needs=ActionGroup.CREATE_CLUSTER)
def post_cluster(call: Call[Cluster]) -> Cluster:
    """Add a cluster to the data centre that it names."""
    body = call.body
    required(body.name, "Cluster [name]")
    spec = AddCluster(
        data_center=required_ref(body.data_center, "Cluster [dataCenter"),
        **spec_fields(body, AddCluster),
        **_named(body),
        mac_pool=ref(body.mac_pool),
        management_network=ref(body.management_network),
    )
    return CLUSTERS.one(call, call.run(add_cluster, call.actor, spec))


@CLUSTERS.changes(ActionGroup.EDIT_CLUSTER_CONFIGURATION)
def change_cluster(call: Call[Cluster]) -> None:
    """Change a cluster."""
    body = call.body
    spec = UpdateCluster(
        id=CLUSTERS.id(call),
        data_center=kept_ref(body.data_center, "Cluster [dataCenter"),
        **spec_fields(body, UpdateCluster),
        **_named(body),
        mac_pool=kept_ref(body.mac_pool, "Cluster [macPool"),
        management_network=kept_ref(body.management_network, "Cluster [managementNetwork"),
    )
    call.run(update_cluster, call.actor, spec)


def _named(body: Cluster) -> dict[str, Any]:
    """What a command calls otherwise than a request does."""
    cpu = or_default(body.cpu, Cpu())
    return {
        "version": version_text(body.version) or KEEP,
        "cpu_type": keep(cpu.type),
        "cpu_architecture": keep(cpu.architecture),
        "providers": _default_providers(body),
    }


def _default_providers(body: Cluster) -> tuple[Ref, ...] | Keep:
    """The default providers that a request names. Raises MalformedError."""
    if body.external_network_providers is UNSET:
        return KEEP
    where = "Cluster [externalNetworkProviders"
    return tuple(required_ref(one, where) for one in or_default(body.external_network_providers, []))


@routes.get("/clusters/{cluster_id}/externalnetworkproviders", many(ExternalProvider), needs=READ)
def list_providers(call: Call[None]) -> list[ExternalProvider]:
    """The default provider of external networks of a cluster."""
    with call.read() as tx:
        return _providers(CLUSTERS.row(tx, call))


CLUSTERS.removes(ActionGroup.DELETE_CLUSTER, remove_cluster, "Remove a cluster without hosts and VMs.")


@routes.action("/clusters/{cluster_id}/syncallnetworks", needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def sync_all_networks(call: Call[Action]) -> None:
    """Start synchronizing all networks that are out of sync, on every host of a cluster."""
    call.run(sync_cluster_networks, call.actor, call.ids["cluster_id"])
