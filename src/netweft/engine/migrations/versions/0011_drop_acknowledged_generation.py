"""Which change a host took last is said by its changes; nothing read the column."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the column."""
    op.drop_column("hosts", "acknowledged_generation")
