"""Virtual machines."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Integer, String, Table, Text, UniqueConstraint, sql

from netweft.engine.model.base import ID_LENGTH, Json, Utc, id_column, metadata, reference

vms = Table(
    "vms",
    metadata,
    id_column(),
    Column("name", String(255), nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("comment", Text, nullable=False, server_default=""),
    reference("cluster_id", "clusters.id"),
    reference("template_id", "templates.id"),
    # What it was cloned from (then ``template_id`` is Blank), or null. Removing that template makes it null: SQLite
    # takes no reference into a table that is there.
    Column("original_template_id", String(ID_LENGTH), nullable=True, index=True),
    # Octets.
    Column("memory", BigInteger, nullable=False),
    Column("sockets", Integer, nullable=False),
    Column("cores", Integer, nullable=False),
    Column("threads", Integer, nullable=False),
    # A kernel on the host that is booted directly, with its initial RAM disk and command line; empty: none.
    Column("os_kernel", Text, nullable=False, server_default=""),
    Column("os_initrd", Text, nullable=False, server_default=""),
    Column("os_cmdline", Text, nullable=False, server_default=""),
    # How the processors look to the guest: custom, host_model, host_passthrough; empty: as the host's driver has it.
    Column("cpu_mode", String(16), nullable=False, server_default=""),
    # Devices to boot from, first first: hd, network, cdrom.
    Column("boot_devices", Json, nullable=False, server_default='["hd"]'),
    # What is installed, as oVirt names it, and what it is used for. Nothing here depends on either.
    Column("os_type", String(255), nullable=False, server_default="other"),
    Column("type", String(16), nullable=False, server_default="server"),
    Column("console", Boolean, nullable=False, server_default=sql.false()),
    # Whether each run begins with the disk and the vNICs as they were before the last one.
    Column("stateless", Boolean, nullable=False, server_default=sql.false()),
    Column("delete_protected", Boolean, nullable=False, server_default=sql.false()),
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
    # Addresses for its vNICs, as oVirt's initialization has them: a list of {"nic": name, "address": "192.0.2.1/24",
    # "gateway": "192.0.2.254" or ""}.
    Column("addresses", Json, nullable=False),
    # What else of oVirt's initialization was given, by its elements' names.
    Column("initialization", Json, nullable=False, server_default="{}"),
    # Columns that have another value while it runs this time; what it said is gone with the run.
    Column("this_run", Json, nullable=False, server_default="{}"),
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
