"""Which differences of hosts somebody ignores, which are put right without being asked, and what was taken over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from netweft.engine.model.base import Json, Utc

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, which the hosts' next reports fill, and add the columns."""
    healing = sa.Column("drift_healing", sa.String(length=8), server_default="off", nullable=False)
    op.add_column("clusters", healing)
    op.create_table(
        "host_healings",
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tried_at", Utc(), nullable=False),
        sa.Column("next_at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_host_healings_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint("host_id", name=op.f("uq_host_healings_host_id")),
    )
    op.add_column("hosts", sa.Column("inherited", Json, server_default="{}", nullable=False))
    op.create_table(
        "host_differences",
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.Column("ignored_at", Utc(), nullable=True),
        sa.Column("ignored_until", Utc(), nullable=True),
        sa.Column("ignored_by", sa.Text(), nullable=False, server_default=""),
        sa.Column("ignored_why", sa.Text(), nullable=False, server_default=""),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_host_differences_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint("host_id", "key", name=op.f("uq_host_differences_host_id_key")),
    )
    op.create_index("ix_host_differences_ignored_until", "host_differences", ["ignored_until"])
