"""Which hosts are not as wanted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from netweft.engine.model.base import Json, Utc

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; the hosts' next reports fill it."""
    op.create_table(
        "host_drifts",
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.Column("lines", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_host_drifts_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint("host_id", name=op.f("uq_host_drifts_host_id")),
    )
