"""What is wanted on hosts: attachments, bonds and labels, and the changes that are to bring new ones."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, PrimaryKeyConstraint, String, Table, Text, UniqueConstraint

from netweft.engine.model.base import Json, Utc, id_column, metadata, reference

attachments = Table(
    "attachments",
    metadata,
    id_column(),
    reference("host_id", "hosts.id", on_delete="CASCADE", index=False),
    # A network may go while hosts carry it: what is left there shows as unmanaged, and goes with the next change.
    reference("network_id", "networks.id", on_delete="CASCADE"),
    # The NIC or bond by its name, not by the id of a reported NIC: the intent outlives a NIC that is pulled out and
    # put back.
    Column("nic", String(50), nullable=False),
    # As core.desired.AttachmentIntent has them; dns is null when the network's resolvers serve, qos when the
    # network's does.
    Column("assignments", Json, nullable=False),
    Column("properties", Json, nullable=False),
    Column("dns", Json),
    Column("qos", Json),
    UniqueConstraint("host_id", "network_id"),
)

host_bonds = Table(
    "host_bonds",
    metadata,
    # The id under which the bond shows among the host's NICs once it is reported.
    id_column(),
    reference("host_id", "hosts.id", on_delete="CASCADE", index=False),
    Column("name", String(50), nullable=False),
    Column("slaves", Json, nullable=False),
    # As users write them: core.desired.BondIntent.
    Column("options", Json, nullable=False),
    UniqueConstraint("host_id", "name"),
)

nic_labels = Table(
    "nic_labels",
    metadata,
    reference("host_id", "hosts.id", on_delete="CASCADE", index=False),
    Column("label", String(255), nullable=False, index=True),
    # The NIC or bond by its name, as in attachments.
    Column("nic", String(50), nullable=False),
    PrimaryKeyConstraint("host_id", "label"),
)
"""A NIC with a label carries every network of the cluster that has the same one."""

host_addresses = Table(
    "host_addresses",
    metadata,
    # As core.host_request.written has it: one address is one text.
    Column("address", String(45), nullable=False),
    reference("network_id", "networks.id", on_delete="CASCADE"),
    reference("host_id", "hosts.id", on_delete="CASCADE"),
    PrimaryKeyConstraint("address", "network_id"),
)
"""The static addresses of hosts, of their attachments and of changes under way: on a network each is one host's."""

host_changes = Table(
    "host_changes",
    metadata,
    reference("host_id", "hosts.id", on_delete="CASCADE", index=False),
    Column("generation", Integer, nullable=False),
    # The attachments and bonds to be; null when those that are stored are to be put on the host again.
    Column("candidate", Json),
    Column("reason", Text, nullable=False),
    # The job that brings it; no foreign key, as finished jobs are forgotten long before changes are.
    Column("job_id", String(36), nullable=False),
    Column("state", String(16), nullable=False),
    Column("error", Text, nullable=False, server_default=""),
    Column("created_at", Utc, nullable=False),
    PrimaryKeyConstraint("host_id", "generation"),
    CheckConstraint("state IN ('pending', 'applied', 'refused')", name="state"),
)
"""One row for each generation of a host's intent that was given out: what it was to bring, why, and how it ended."""
