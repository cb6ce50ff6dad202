"""The engine's own keys and certificates, and the tokens with which hosts join."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, String, Table, Text

from netweft.engine.model.base import Utc, id_column, metadata, reference

certificates = Table(
    "certificates",
    metadata,
    # "ca", "libvirt-ca", "qemu-ca" or "client": one of each, shared by all replicas (the server's is made by each at
    # its start, for its own addresses).
    Column("name", String(32), primary_key=True),
    Column("certificate", Text, nullable=False),
    # PEM, encrypted with the key file of the data folder.
    Column("private_key", Text, nullable=False),
    Column("created", Utc, nullable=False),
)

enrollments = Table(
    "enrollments",
    metadata,
    id_column(),
    # SHA-256 of the token.
    Column("token_hash", String(64), nullable=False, unique=True),
    # The host that may join with it; none: a group token, with which simulated hosts join.
    reference("host_id", "hosts.id", nullable=True, on_delete="CASCADE"),
    Column("simulated", Boolean, nullable=False),
    Column("created", Utc, nullable=False),
    Column("expires", Utc, nullable=False),
    Column("used", Utc),
)
