"""Remember of which observation a report is, and keep counters apart from it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from netweft.engine.model.base import Utc

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table; the hosts' next reports and counters fill them."""
    op.add_column("host_reports", sa.Column("tag", sa.String(length=64), server_default="", nullable=False))
    op.add_column("host_reports", sa.Column("asked_at", Utc(), nullable=True))
    op.create_table(
        "host_counters",
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.Column("counters", sa.LargeBinary(), nullable=False),
        sa.Column("taken_at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_host_counters_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint("host_id", name=op.f("uq_host_counters_host_id")),
    )
