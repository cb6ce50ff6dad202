"""Changes that go out to several hosts, and how clusters have them go out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from netweft.engine.model.base import Json, Utc

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables, and the columns of clusters."""
    op.create_table(
        "rollouts",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("owner_name", sa.String(length=255), nullable=False),
        sa.Column("correlation_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.String(length=36), nullable=True),
        sa.Column("ended_at", Utc(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("irreversible", sa.Text(), nullable=False),
        sa.Column("before", Json, nullable=False),
        sa.Column("after", Json, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_rollouts")),
        sa.UniqueConstraint("id", name=op.f("uq_rollouts_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_rollouts_status"), "rollouts", ["status"])
    op.create_table(
        "rollout_hosts",
        sa.Column("rollout_id", sa.String(length=36), nullable=False),
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("canary", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("before", Json, nullable=False),
        sa.Column("applies", sa.Boolean(), nullable=False),
        sa.Column("labels", sa.Boolean(), nullable=False),
        sa.Column("lost", Json, nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=True),
        sa.Column("changed_at", Utc(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("guests", Json, nullable=False),
        sa.Column("health", Json, nullable=True),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name=op.f("fk_rollout_hosts_rollout_id_rollouts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_rollout_hosts_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("rollout_id", "host_id", name=op.f("pk_rollout_hosts")),
    )
    op.create_index(op.f("ix_rollout_hosts_host_id"), "rollout_hosts", ["host_id"])
    op.create_index(
        "ix_rollout_hosts_held",
        "rollout_hosts",
        ["host_id"],
        sqlite_where=sa.text("held = 1"),
        postgresql_where=sa.text("held"),
    )
    op.add_column("clusters", sa.Column("rollout_canaries", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("clusters", sa.Column("rollout_wave", sa.Integer(), nullable=False, server_default="10"))
    op.add_column("clusters", sa.Column("rollout_evacuates", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("clusters", sa.Column("rollout_soak", sa.Integer(), nullable=False, server_default="-1"))
    op.add_column(
        "clusters", sa.Column("rollout_on_failure", sa.String(length=8), nullable=False, server_default="keep")
    )
