"""Where the engine reaches hosts by SSH, and the keys that they have to show."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("hosts", sa.Column("ssh_port", sa.Integer, server_default="22", nullable=False))
    op.add_column("hosts", sa.Column("ssh_fingerprint", sa.String(64), server_default="", nullable=False))
