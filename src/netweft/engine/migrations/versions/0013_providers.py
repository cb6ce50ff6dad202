"""Providers of external networks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from netweft.engine.model.base import Utc

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "providers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("requires_authentication", sa.Boolean(), nullable=False),
        sa.Column("authentication_url", sa.Text(), nullable=False),
        sa.Column("username", sa.String(length=256), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("tenant_name", sa.String(length=256), nullable=False),
        sa.Column("project_name", sa.String(length=256), nullable=False),
        sa.Column("user_domain_name", sa.String(length=256), nullable=False),
        sa.Column("project_domain_name", sa.String(length=256), nullable=False),
        sa.Column("region", sa.String(length=256), nullable=False),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=False),
        sa.Column("latency", sa.Integer(), nullable=True),
        sa.Column("checked_at", Utc(), nullable=True),
        sa.CheckConstraint("status IN ('ok', 'error')", name=op.f("ck_providers_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_providers")),
        sa.UniqueConstraint("name", name=op.f("uq_providers_name")),
    )
