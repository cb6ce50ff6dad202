"""Whether the networks of a provider come into data centres by themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("providers", sa.Column("auto_sync", sa.Boolean, nullable=False, server_default=sa.false()))
