"""Hosts, their last reports, and the ids of the NICs they reported."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from netweft.engine.model.base import Json, Utc, id_column, metadata, reference

hosts = Table(
    "hosts",
    metadata,
    id_column(),
    Column("name", String(255), nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("comment", Text, nullable=False, server_default=""),
    # As users know the machine: a name or an address, with a port if they like.
    Column("address", String(255), nullable=False, index=True),
    # Where its agent listens, as it said when it joined; empty until then. Simulated hosts share one.
    Column("agent_url", String(255), nullable=False, server_default=""),
    # Until when the certificates that it has are good; null until it has joined.
    Column("certificate_expires", Utc),
    reference("cluster_id", "clusters.id", index=False),
    Column("status", String(32), nullable=False),
    # Why the host is not up, a sentence; empty when there is nothing to say.
    Column("status_reason", Text, nullable=False, server_default=""),
    # The highest generation of its intent that was given out, and the last one that the host took.
    Column("generation", Integer, nullable=False, server_default="0"),
    Column("acknowledged_generation", Integer, nullable=False, server_default="0"),
    # Whether what runs is not what boot restores (HostReport.dirty of the last report).
    Column("dirty", Boolean, nullable=False),
    # Owners of networks of another engine, which the host brought along and which stay there: core.kept.
    Column("kept", Json, nullable=False, server_default="[]"),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("name"),
    CheckConstraint(
        "status IN ('installing', 'install_failed', 'up', 'down', 'maintenance', 'preparing_for_maintenance',"
        " 'non_operational', 'non_responsive', 'unassigned')",
        name="status",
    ),
    Index("ix_hosts_cluster_id_status", "cluster_id", "status"),
)

host_reports = Table(
    "host_reports",
    metadata,
    reference("host_id", "hosts.id", on_delete="CASCADE", index=False),
    # JSON of core.protocol.HostReport, kept as it came: most readers want only a part, and decode it themselves.
    Column("report", LargeBinary, nullable=False),
    Column("taken_at", Utc, nullable=False),
    # Names its content (HostReport.tag); empty for one from before there were tags.
    Column("tag", String(64), nullable=False, server_default=""),
    # JSON of its core.protocol.Capabilities, for those who need nothing else of it.
    Column("capabilities", Json, nullable=False, server_default="{}"),
    # JSON of the core.host_limits.HostLimits that follow from it.
    Column("limits", Json, nullable=False, server_default="{}"),
    # When the host was asked for it, or last found to be as it says.
    Column("asked_at", Utc),
    UniqueConstraint("host_id"),
)

# What the links of a host have counted, which changes all the time and is no part of its report.
host_counters = Table(
    "host_counters",
    metadata,
    reference("host_id", "hosts.id", on_delete="CASCADE", index=False),
    # JSON of a core.protocol.LinkCounters by name of the link.
    Column("counters", LargeBinary, nullable=False),
    Column("taken_at", Utc, nullable=False),
    UniqueConstraint("host_id"),
)

# A row for each host that is not as wanted, by its last report: what lists, events and figures tell of that.
host_drifts = Table(
    "host_drifts",
    metadata,
    reference("host_id", "hosts.id", on_delete="CASCADE", index=False),
    # When that was first seen.
    Column("since", Utc, nullable=False),
    # Sentences, the first of many: core.drift.Drift.lines.
    Column("lines", Json, nullable=False),
    UniqueConstraint("host_id"),
)

host_nics = Table(
    "host_nics",
    metadata,
    id_column(),
    reference("host_id", "hosts.id", on_delete="CASCADE", index=False),
    Column("name", String(50), nullable=False),
    # When its link was first reported down; null while it is up.
    Column("down_since", Utc),
    UniqueConstraint("host_id", "name"),
)
"""A row for each NIC, bond and VLAN device of the last report, so that its id stays as long as it is there under its
name.
"""
