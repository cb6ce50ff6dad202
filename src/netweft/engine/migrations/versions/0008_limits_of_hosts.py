"""What hosts have reported that is in the way of networks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from netweft.engine.model.base import Json

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. What it holds follows from reports: each host is asked for a whole one again, as none has a
    tag.
    """
    op.add_column("host_reports", sa.Column("limits", Json, server_default="{}", nullable=False))
    op.execute(sa.text("UPDATE host_reports SET tag = ''"))
