"""Subnets of networks, and the addresses that vNICs have of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from netweft.engine.model.base import Json, Utc

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and let snapshots remember addresses."""
    op.create_table(
        "subnets",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("cidr", sa.String(length=49), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("gateway", sa.String(length=45), nullable=False),
        sa.Column("allocation_pools", Json, nullable=False),
        sa.Column("dns_servers", Json, nullable=False),
        sa.Column("host_routes", Json, nullable=False),
        sa.Column("dhcp", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["network_id"], ["networks.id"], name=op.f("fk_subnets_network_id_networks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subnets")),
        sa.UniqueConstraint("network_id", "name", name=op.f("uq_subnets_network_id_name")),
    )
    op.create_table(
        "vnic_addresses",
        sa.Column("subnet_id", sa.String(length=36), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("vnic_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["subnet_id"], ["subnets.id"], name=op.f("fk_vnic_addresses_subnet_id_subnets")),
        sa.ForeignKeyConstraint(
            ["vnic_id"], ["vnics.id"], name=op.f("fk_vnic_addresses_vnic_id_vnics"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subnet_id", "address", name=op.f("pk_vnic_addresses")),
    )
    op.create_index("ix_vnic_addresses_vnic_id", "vnic_addresses", ["vnic_id"], unique=False)
    op.add_column("snapshot_vnics", sa.Column("addresses", Json, nullable=True))
