"""Which differences of hosts somebody ignores, and what hosts have of what others made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from netweft.engine.model.base import Json, Utc

revision = "0026"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, which the hosts' next reports fill, and add the column."""
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
