"""Whether an event says that something on a provider has failed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("provider_objects", sa.Column("reported", sa.Boolean, nullable=False, server_default=sa.false()))
