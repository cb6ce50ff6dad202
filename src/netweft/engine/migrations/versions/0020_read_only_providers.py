"""Providers of other types than ``external`` are writable: that they were read-only was the default of the column,
which nobody obeyed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say so."""
    providers = sa.table("providers", sa.column("type", sa.String), sa.column("read_only", sa.Boolean))
    op.execute(sa.update(providers).where(providers.c.type != "external").values(read_only=sa.false()))
