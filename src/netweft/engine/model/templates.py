"""Templates of virtual machines, and their vNICs."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, String, Table, Text, UniqueConstraint, sql

from netweft.engine.model.base import Json, Utc, id_column, metadata, reference

templates = Table(
    "templates",
    metadata,
    id_column(),
    Column("name", String(256), nullable=False),
    Column("description", Text, nullable=False),
    Column("comment", Text, nullable=False),
    # Null: for every cluster (Blank).
    reference("cluster_id", "clusters.id", nullable=True),
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
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("name"),
)

template_vnics = Table(
    "template_vnics",
    metadata,
    id_column(),
    reference("template_id", "templates.id", on_delete="CASCADE", index=False),
    Column("name", String(50), nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    # Null: on no network.
    reference("profile_id", "vnic_profiles.id", nullable=True),
    Column("interface", String(32), nullable=False),
    Column("plugged", Boolean, nullable=False),
    Column("linked", Boolean, nullable=False),
    UniqueConstraint("template_id", "name"),
)
"""What the vNICs of a new virtual machine are made like; they have no MAC addresses."""
