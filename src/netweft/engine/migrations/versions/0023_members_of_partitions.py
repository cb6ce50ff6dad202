"""Ports of InfiniBand on the partitions of networks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and let the objects of providers be members of port profiles."""
    op.add_column("vnic_functions", sa.Column("guid", sa.String(length=16), nullable=False, server_default=""))
    # SQLite makes the table anew: nothing refers to it.
    with op.batch_alter_table("provider_objects") as batch:
        batch.drop_constraint(op.f("ck_provider_objects_kind"), type_="check")
        batch.create_check_constraint(
            op.f("ck_provider_objects_kind"), "kind IN ('network', 'subnet', 'port', 'profile', 'member')"
        )
