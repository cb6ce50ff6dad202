"""The default providers of clusters, what providers want on hosts, and what they know hosts by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
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
    for column in ("hostname", "system_id"):
        op.add_column("host_reports", sa.Column(column, sa.String(length=255), nullable=False, server_default=""))
        op.create_index(op.f(f"ix_host_reports_{column}"), "host_reports", [column])
    op.add_column("host_reports", sa.Column("ovn_remote", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE host_reports SET tag = ''")  # each host's next report fills them
