"""Which networks clusters have, and what for."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, PrimaryKeyConstraint, String, text

from netweft.engine.model.records import Id, Record, Refers, stored


class ClusterNetworkRow(Record, frozen=True):
    """A network of a cluster."""

    cluster_id: Annotated[str, Refers("clusters.id", on_delete="CASCADE", index=False)]
    network_id: Annotated[str, Refers("networks.id", on_delete="CASCADE")]
    required: bool
    status: Annotated[str, String(16)]
    management: bool
    display: bool
    migration: bool
    default_route: bool
    gluster: bool


cluster_networks = stored(
    "cluster_networks",
    ClusterNetworkRow,
    PrimaryKeyConstraint("cluster_id", "network_id"),
    CheckConstraint("status IN ('operational', 'non_operational')", name="status"),
    CheckConstraint("required OR NOT management", name="management_required"),
    CheckConstraint("required OR status = 'operational'", name="optional_operational"),
)

# At most one network of a cluster has each role.
for _role in ("management", "display", "migration", "default_route", "gluster"):
    Index(
        f"uq_cluster_networks_{_role}",
        cluster_networks.c.cluster_id,
        unique=True,
        sqlite_where=text(_role),
        postgresql_where=text(_role),
    )


class MissingNetworkRow(Record, frozen=True):
    """A required network that a host has not."""

    cluster_id: Id
    network_id: Id
    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE")]


missing_networks = stored(
    "missing_networks",
    MissingNetworkRow,
    PrimaryKeyConstraint("cluster_id", "network_id", "host_id"),
    ForeignKeyConstraint(
        ["cluster_id", "network_id"],
        ["cluster_networks.cluster_id", "cluster_networks.network_id"],
        ondelete="CASCADE",
    ),
)
"""A row for each required network of its cluster that a host which is up has no attachment of: what the status of the
network follows from (:mod:`netweft.engine.operations.network_status`).
"""
