"""How much each provider has that bears our mark and is not known here."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("providers", sa.Column("orphans", sa.Integer, nullable=True))
