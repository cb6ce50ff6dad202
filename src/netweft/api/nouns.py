"""All endpoints: the tables of all nouns, put together. A new noun's module is added here."""

from __future__ import annotations

import functools

from netweft.api import (
    additions,
    cluster_networks,
    clusters,
    configuration_providers,
    constants,
    data_centers,
    events,
    host_deployments,
    host_drifts,
    host_functions,
    host_history,
    host_nics,
    host_plans,
    hosts,
    interface_cards,
    jobs,
    mac_pools,
    network_attachments,
    network_labels,
    networks,
    openapi,
    permissions,
    port_profiles,
    provider_networks,
    providers,
    qos,
    request_plans,
    rollouts,
    root,
    snapshots,
    subnets,
    tags,
    templates,
    unmanaged_networks,
    users,
    vm_nics,
    vm_placements,
    vms,
    vnic_addresses,
    vnic_profiles,
)
from netweft.api.routes import Router

MODULES = (
    additions.routes,
    constants.routes,
    data_centers.routes,
    events.routes,
    jobs.routes,
    jobs.additions,
    networks.routes,
    subnets.routes,
    clusters.routes,
    cluster_networks.routes,
    vnic_profiles.routes,
    qos.routes,
    mac_pools.routes,
    providers.routes,
    providers.additions,
    provider_networks.routes,
    configuration_providers.routes,
    port_profiles.routes,
    templates.routes,
    tags.routes,
    network_labels.routes,
    hosts.routes,
    host_deployments.routes,
    host_deployments.additions,
    host_nics.routes,
    host_functions.routes,
    interface_cards.routes,
    network_attachments.routes,
    host_history.routes,
    host_plans.routes,
    request_plans.routes,
    rollouts.routes,
    host_drifts.routes,
    unmanaged_networks.routes,
    vms.routes,
    vm_nics.routes,
    snapshots.routes,
    vm_placements.routes,
    vnic_addresses.routes,
    users.routes,
    users.additions,
    permissions.routes,
)


@functools.cache
def router() -> Router:
    """The whole table, made once: the document of all types takes a tenth of a second."""
    table = [route for routes in MODULES for route in routes.table]
    table = [*root.routes_for(table).table, *table]
    return Router([*table, *openapi.routes_for(table).table])
