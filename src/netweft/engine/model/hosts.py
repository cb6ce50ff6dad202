"""Hosts, their last reports, and the ids of the NICs they reported."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import msgspec
from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint

from netweft.core.host_limits import HostLimits
from netweft.core.intent import Inherited
from netweft.core.protocol import Capabilities
from netweft.engine.model.records import AddedText, Key, LongText, Record, Refers, With, stored


class HostRow(Record, frozen=True):
    """A host."""

    id: Key
    name: Annotated[str, String(255)]
    # The machine's name or address for users, optionally with a port.
    address: Annotated[str, String(255), With(index=True)]
    cluster_id: Annotated[str, Refers("clusters.id", index=False)]
    status: Annotated[str, String(32)]
    # Whether what runs is not what boot restores (HostReport.dirty of the last report).
    dirty: bool
    created_at: datetime
    description: AddedText = ""
    comment: AddedText = ""
    # The URL of its agent, as reported when it joined; empty until then. Simulated hosts share one.
    agent_url: Annotated[str, String(255), With(server_default="")] = ""
    # When its certificates expire; null until it has joined.
    certificate_expires: datetime | None = None
    # Why the host is not up, a sentence; may be empty.
    status_reason: AddedText = ""
    # The highest generation of its intent that was assigned.
    generation: Annotated[int, With(server_default="0")] = 0
    # Owners of networks of another engine that the host had when it joined, and keeps: core.kept.
    kept: Annotated[tuple[str, ...], With(server_default="[]")] = ()
    # What others made there and the engine adopted: core.inherited.
    inherited: Annotated[Mapping[str, Inherited], With(server_default="{}")] = msgspec.field(default_factory=dict)
    # The port of its SSH server, and the fingerprint of its expected host key; empty until the first connection.
    ssh_port: Annotated[int, With(server_default="22")] = 22
    ssh_fingerprint: Annotated[str, String(64), With(server_default="")] = ""


hosts = stored(
    "hosts",
    HostRow,
    UniqueConstraint("name"),
    CheckConstraint(
        "status IN ('installing', 'install_failed', 'up', 'down', 'maintenance', 'preparing_for_maintenance',"
        " 'non_operational', 'non_responsive', 'unassigned')",
        name="status",
    ),
    Index("ix_hosts_cluster_id_status", "cluster_id", "status"),
)


class HostReportRow(Record, frozen=True):
    """The last report of a host."""

    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE", index=False)]
    # JSON of core.protocol.HostReport, stored as received: most readers need only a part, and decode it themselves.
    report: bytes
    taken_at: datetime
    # Its capabilities, for those who need nothing else of it.
    capabilities: Annotated[Capabilities, With(server_default="{}")]
    # Identifies its content (HostReport.tag); empty in rows from before this column.
    tag: Annotated[str, String(64), With(server_default="")] = ""
    # What follows from it.
    limits: Annotated[HostLimits, With(server_default="{}")] = HostLimits()
    # When it was requested, or last found to be unchanged.
    asked_at: datetime | None = None
    # Its identity for external network systems: its name, and as an OVN chassis its id and OVN's database.
    hostname: Annotated[str, String(255), With(index=True, server_default="")] = ""
    system_id: Annotated[str, String(255), With(index=True, server_default="")] = ""
    ovn_remote: AddedText = ""


host_reports = stored(
    "host_reports",
    HostReportRow,
    UniqueConstraint("host_id"),
)


# Counters of a host's links, which change all the time and are no part of its report.
class HostCountersRow(Record, frozen=True):
    """Counters of a host's links, which change all the time and are no part of its report."""

    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE", index=False)]
    # JSON of a core.protocol.LinkCounters by name of the link.
    counters: bytes
    taken_at: datetime


host_counters = stored(
    "host_counters",
    HostCountersRow,
    UniqueConstraint("host_id"),
)


# A row for each host that is out of sync by its last report, for lists, events and metrics.
class HostDriftRow(Record, frozen=True):
    """The drift of a host by its last report, for lists, events and metrics."""

    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE", index=False)]
    # When the drift was first found.
    since: datetime
    # Sentences, the first of many: core.drift.Drift.lines.
    lines: tuple[str, ...]


host_drifts = stored(
    "host_drifts",
    HostDriftRow,
    UniqueConstraint("host_id"),
)


class HostDifferenceRow(Record, frozen=True):
    """One difference of a host from its desired state, by its last report: since when, and who ignores it."""

    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE", index=False)]
    # The SHA-256 of the text, in hex: texts may be longer than what a database indexes.
    key: Annotated[str, String(64)]
    # The sentence: core.compare.Difference.text. With other values it is another difference.
    text: LongText
    # When it was first found.
    since: datetime
    # Since when it is ignored; null while it counts.
    ignored_at: datetime | None = None
    # Until when it is ignored; null for as long as it exists.
    ignored_until: datetime | None = None
    ignored_by: AddedText = ""
    ignored_why: AddedText = ""


host_differences = stored(
    "host_differences",
    HostDifferenceRow,
    UniqueConstraint("host_id", "key"),
    Index("ix_host_differences_ignored_until", "ignored_until"),
)


class HostHealingRow(Record, frozen=True):
    """Consecutive automatic synchronizations of a host by its cluster's policy."""

    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE", index=False)]
    attempts: int
    tried_at: datetime
    # When it is checked again.
    next_at: datetime


host_healings = stored(
    "host_healings",
    HostHealingRow,
    UniqueConstraint("host_id"),
)


class HostNicRow(Record, frozen=True):
    """A NIC, bond or VLAN device of a host."""

    id: Key
    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE", index=False)]
    name: Annotated[str, String(50)]
    # When its link was first reported down; null while it is up.
    down_since: datetime | None = None


host_nics = stored(
    "host_nics",
    HostNicRow,
    UniqueConstraint("host_id", "name"),
)
"""A row for each NIC, bond and VLAN device of the last report, so that its id stays as long as it is there under its
name.
"""
