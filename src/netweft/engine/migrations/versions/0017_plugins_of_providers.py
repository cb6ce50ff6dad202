"""The default providers of clusters, and what providers want on hosts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    # Not in a batch: SQLite would make the table anew, and what refers to clusters would go with the old one.
    name = op.f("fk_clusters_provider_id_providers")
    op.execute(f"ALTER TABLE clusters ADD COLUMN provider_id VARCHAR(36) CONSTRAINT {name} REFERENCES providers (id)")
    op.create_index(op.f("ix_clusters_provider_id"), "clusters", ["provider_id"])
    for column in ("plugin_remote", "plugin_mappings", "plugin_type", "external_plugin_type"):
        op.add_column("providers", sa.Column(column, sa.Text(), nullable=False, server_default=""))
