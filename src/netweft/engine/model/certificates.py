"""The engine's own keys and certificates, and the tokens with which hosts join."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sqlalchemy import String

from netweft.engine.model.records import Key, LongText, Record, Refers, With, stored


class CertificateRow(Record, frozen=True):
    """A key with its certificate."""

    # "ca", "libvirt-ca", "qemu-ca", "client" or "ssh" (whose certificate is its public key): one of each, shared by all
    # replicas (the server's is made by each at its start, for its own addresses).
    name: Annotated[str, String(32), With(primary_key=True)]
    certificate: LongText
    # PEM, encrypted with the key file of the data folder.
    private_key: LongText
    created: datetime


certificates = stored("certificates", CertificateRow)


class EnrollmentRow(Record, frozen=True):
    """A token with which a host may join."""

    id: Key
    # SHA-256 of the token.
    token_hash: Annotated[str, String(64), With(unique=True)]
    simulated: bool
    created: datetime
    expires: datetime
    # The host that may join with it; none: a group token, with which simulated hosts join.
    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE")] | None = None
    used: datetime | None = None


enrollments = stored("enrollments", EnrollmentRow)
