"""Which engines there are, and which of them watches which host."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from netweft.engine.model.base import Utc

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_WAITING = sa.text("status = 'started' AND claimed_by IS NULL")


def upgrade() -> None:
    """Create the tables, which running engines fill, and an index on the jobs that wait."""
    op.create_table(
        "replicas",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("heartbeat", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replicas")),
    )
    op.create_table(
        "host_leases",
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.Column("replica_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_host_leases_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["replica_id"], ["replicas.id"], name=op.f("fk_host_leases_replica_id_replicas"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint("host_id", name=op.f("uq_host_leases_host_id")),
    )
    op.create_index("ix_host_leases_replica_id", "host_leases", ["replica_id"], unique=False)
    op.create_index("ix_jobs_waiting", "jobs", ["number"], sqlite_where=_WAITING, postgresql_where=_WAITING)
