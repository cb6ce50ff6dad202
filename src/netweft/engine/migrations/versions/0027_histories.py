"""What a command changed, with the event that tells of it; and what hosts were to be, and were, after each change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from netweft.engine.model.base import Json

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and an index for the history of a network."""
    op.add_column("events", sa.Column("changes", Json, nullable=True))
    op.create_index(op.f("ix_events_network_id"), "events", ["network_id"])
    op.add_column("host_changes", sa.Column("intent", sa.LargeBinary(), nullable=True))
    op.add_column("host_changes", sa.Column("observed", sa.LargeBinary(), nullable=True))
