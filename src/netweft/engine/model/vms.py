"""Virtual machines."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, String, Table, Text, UniqueConstraint

from netweft.engine.model.base import Json, Utc, id_column, metadata, reference

vms = Table(
    "vms",
    metadata,
    id_column(),
    Column("name", String(255), nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("comment", Text, nullable=False, server_default=""),
    reference("cluster_id", "clusters.id"),
    reference("template_id", "templates.id"),
    # Octets.
    Column("memory", BigInteger, nullable=False),
    Column("sockets", Integer, nullable=False),
    Column("cores", Integer, nullable=False),
    Column("threads", Integer, nullable=False),
    # A kernel on the host that is booted directly, with its initial RAM disk and command line; empty: none.
    Column("os_kernel", Text, nullable=False, server_default=""),
    Column("os_initrd", Text, nullable=False, server_default=""),
    Column("os_cmdline", Text, nullable=False, server_default=""),
    # An object of strings: core.rules.vm.PROPERTIES.
    Column("custom_properties", Json, nullable=False, server_default="{}"),
    Column("status", String(32), nullable=False),
    # Where it runs, or is being started; null when it is down.
    reference("host_id", "hosts.id", nullable=True),
    # Where it is migrating to, which is promised to it; null when it is not.
    reference("target_host_id", "hosts.id", nullable=True),
    # Where its memory is saved, when it is suspended.
    reference("saved_host_id", "hosts.id", nullable=True),
    # Why it is down or could not be started, a sentence.
    Column("status_reason", Text, nullable=False, server_default=""),
    # Addresses for its vNICs: a list of {"nic": name, "address": "192.0.2.1/24"}, as oVirt's initialization has them.
    Column("addresses", Json, nullable=False),
    Column("created_at", Utc, nullable=False),
    # When its status changed last: what a host said before that tells nothing about it.
    Column("changed_at", Utc, nullable=False),
    UniqueConstraint("name"),
    CheckConstraint(
        "status IN ('down', 'wait_for_launch', 'up', 'migrating', 'powering_down', 'saving_state', 'suspended',"
        " 'restoring_state', 'unknown')",
        name="status",
    ),
)
