"""What DHCP is served from in a subnet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. No subnet has had DHCP so far."""
    op.add_column("subnets", sa.Column("dhcp_server", sa.String(length=45), nullable=False, server_default=""))
