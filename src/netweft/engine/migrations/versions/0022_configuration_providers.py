"""Providers that configure fabrics, and the port profiles of networks there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from netweft.engine.model.base import Utc

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the tables, and let the objects of providers be port profiles."""
    op.add_column("providers", sa.Column("purpose", sa.String(length=16), nullable=False, server_default="networks"))
    # SQLite makes the table anew: nothing refers to it.
    with op.batch_alter_table("provider_objects") as batch:
        batch.drop_constraint(op.f("ck_provider_objects_kind"), type_="check")
        batch.create_check_constraint(
            op.f("ck_provider_objects_kind"), "kind IN ('network', 'subnet', 'port', 'profile')"
        )
    op.create_table(
        "port_profiles",
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("provider_id", sa.String(length=36), nullable=False),
        sa.Column("qos_policy", sa.String(length=16), nullable=False),
        sa.Column("high_performance", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["network_id"], ["networks.id"], name=op.f("fk_port_profiles_network_id_networks"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_port_profiles_provider_id_providers")),
        sa.PrimaryKeyConstraint("network_id", "provider_id", name=op.f("pk_port_profiles")),
    )
    op.create_index(op.f("ix_port_profiles_provider_id"), "port_profiles", ["provider_id"])
    op.create_table(
        "raised_mtus",
        sa.Column("provider_id", sa.String(length=36), nullable=False),
        sa.Column("system_class", sa.String(length=256), nullable=False),
        sa.Column("before", sa.Integer(), nullable=False),
        sa.Column("mtu", sa.Integer(), nullable=False),
        sa.Column("user_name", sa.String(length=256), nullable=False),
        sa.Column("raised_at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["providers.id"], name=op.f("fk_raised_mtus_provider_id_providers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("provider_id", "system_class", "mtu", name=op.f("pk_raised_mtus")),
    )
