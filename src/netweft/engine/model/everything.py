"""Imports every noun's tables, for those who need the whole metadata: migrations, and tests that create all."""

from __future__ import annotations

from netweft.engine.model import (
    certificates,
    cluster_networks,
    clusters,
    data_centers,
    events,
    functions,
    host_networks,
    hosts,
    jobs,
    mac_pools,
    networks,
    providers,
    qos,
    replicas,
    snapshots,
    tags,
    templates,
    users,
    vms,
    vnic_profiles,
    vnics,
)
from netweft.engine.model.base import metadata

__all__ = [
    "certificates",
    "cluster_networks",
    "clusters",
    "data_centers",
    "events",
    "functions",
    "host_networks",
    "hosts",
    "jobs",
    "mac_pools",
    "metadata",
    "networks",
    "providers",
    "qos",
    "replicas",
    "snapshots",
    "tags",
    "templates",
    "users",
    "vms",
    "vnic_profiles",
    "vnics",
]
