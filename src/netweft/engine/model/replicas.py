"""The engines that currently use this database, and which of them monitors which host."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sqlalchemy import String, UniqueConstraint

from netweft.engine.model.records import Key, Record, Refers, stored


class ReplicaRow(Record, frozen=True):
    """An engine on this database."""

    id: Key
    # Machine and process, for administrators.
    name: Annotated[str, String(255)]
    # Its last heartbeat.
    heartbeat: datetime


replicas = stored("replicas", ReplicaRow)


# A host without a row is free. A row is good for as long as its replica is there.
class HostLeaseRow(Record, frozen=True):
    """Which replica monitors a host. A host without a row is free."""

    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE", index=False)]
    replica_id: Annotated[str, Refers("replicas.id", on_delete="CASCADE")]


host_leases = stored(
    "host_leases",
    HostLeaseRow,
    UniqueConstraint("host_id"),
)
