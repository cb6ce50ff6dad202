"""Who asked for a change of a host, and when it ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from netweft.engine.model.base import Utc

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("host_changes", sa.Column("user_name", sa.String(length=255), nullable=False, server_default=""))
    op.add_column("host_changes", sa.Column("ended_at", Utc(), nullable=True))
