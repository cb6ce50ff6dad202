"""Networks on providers, what the engine wants there, and the hosts on which they can have ports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from netweft.engine.model.base import Json, Utc

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and columns."""
    # Not in a batch: SQLite would make the table anew, and what refers to networks would go with the old one.
    for column, target in (("provider_id", "providers"), ("physical_network_id", "networks")):
        name = op.f(f"fk_networks_{column}_{target}")
        op.execute(f"ALTER TABLE networks ADD COLUMN {column} VARCHAR(36) CONSTRAINT {name} REFERENCES {target} (id)")
        op.create_index(op.f(f"ix_networks_{column}"), "networks", [column])
    op.add_column("networks", sa.Column("physical_network", sa.String(length=256), nullable=False, server_default=""))
    op.create_table(
        "provider_objects",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("object_id", sa.String(length=36), nullable=False),
        sa.Column("provider_id", sa.String(length=36), nullable=False),
        sa.Column("parent_id", sa.String(length=36), nullable=False),
        sa.Column("wanted", sa.String(length=16), nullable=False),
        sa.Column("external_id", sa.String(length=256), nullable=False),
        sa.Column("owned", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try", Utc(), nullable=True),
        sa.Column("host", sa.String(length=256), nullable=False),
        sa.Column("bridge", sa.String(length=256), nullable=False),
        sa.Column("mtu", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('network', 'subnet', 'port')", name=op.f("ck_provider_objects_kind")),
        sa.CheckConstraint("wanted IN ('present', 'absent')", name=op.f("ck_provider_objects_wanted")),
        sa.CheckConstraint("state IN ('locked', 'ok', 'error')", name=op.f("ck_provider_objects_state")),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["providers.id"], name=op.f("fk_provider_objects_provider_id_providers")
        ),
        sa.PrimaryKeyConstraint("kind", "object_id", "provider_id", name=op.f("pk_provider_objects")),
    )
    for column in ("next_try", "parent_id", "provider_id"):
        op.create_index(op.f(f"ix_provider_objects_{column}"), "provider_objects", [column])
    op.create_table(
        "provider_hosts",
        sa.Column("provider_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("is_alive", sa.Boolean(), nullable=False),
        sa.Column("physical_networks", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["providers.id"],
            name=op.f("fk_provider_hosts_provider_id_providers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("provider_id", "name", name=op.f("pk_provider_hosts")),
    )
