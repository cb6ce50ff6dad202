"""A row for each static address of hosts, with those that there are."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import sqlalchemy as sa
from alembic import op

from netweft.engine.model.base import Json

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ATTACHMENTS = sa.table(
    "attachments", sa.column("host_id"), sa.column("network_id"), sa.column("assignments", Json), sa.column("id")
)
_CHANGES = sa.table(
    "host_changes", sa.column("host_id"), sa.column("candidate", Json), sa.column("state"), sa.column("generation")
)
_NETWORKS = sa.table("networks", sa.column("id"))
_ADDRESSES = sa.table("host_addresses", sa.column("address"), sa.column("network_id"), sa.column("host_id"))


def upgrade() -> None:
    """A row for each static address of hosts, with those that there are."""
    op.create_table(
        "host_addresses",
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_host_addresses_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["network_id"], ["networks.id"], name=op.f("fk_host_addresses_network_id_networks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("address", "network_id", name=op.f("pk_host_addresses")),
    )
    op.create_index("ix_host_addresses_host_id", "host_addresses", ["host_id"], unique=False)
    op.create_index("ix_host_addresses_network_id", "host_addresses", ["network_id"], unique=False)
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for row in _present(op.get_bind()):  # an address that two hosts have is the first one's: the other keeps it as well
        rows.setdefault((row["address"], row["network_id"]), row)
    if rows:
        op.bulk_insert(_ADDRESSES, list(rows.values()))


def _present(tx: sa.Connection) -> Iterator[dict[str, str]]:
    """Addresses of attachments, then those of changes under way."""
    for row in tx.execute(sa.select(_ATTACHMENTS).order_by(_ATTACHMENTS.c.id)):
        yield from _rows(row.host_id, row.network_id, row.assignments)
    known = set(tx.scalars(sa.select(_NETWORKS.c.id)))
    pending = sa.select(_CHANGES).where(_CHANGES.c.state == "pending", _CHANGES.c.candidate.is_not(None))
    for change in tx.execute(pending.order_by(_CHANGES.c.host_id, _CHANGES.c.generation)):
        for one in change.candidate["attachments"]:
            if one["network_id"] in known:
                yield from _rows(change.host_id, one["network_id"], one["assignments"])


def _rows(host_id: str, network_id: str, assignments: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    for ip in assignments:
        if ip["method"] == "static" and ip["address"]:
            yield {"address": str(ip_address(ip["address"])), "network_id": network_id, "host_id": host_id}
