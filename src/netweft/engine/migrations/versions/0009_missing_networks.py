"""Which required networks hosts that are up lack, and indexes for what is asked of one host."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

FILL = """
INSERT INTO missing_networks (cluster_id, network_id, host_id)
SELECT cluster_networks.cluster_id, cluster_networks.network_id, hosts.id
FROM hosts JOIN cluster_networks ON cluster_networks.cluster_id = hosts.cluster_id
WHERE hosts.status = 'up' AND cluster_networks.required AND NOT EXISTS (
    SELECT 1 FROM attachments
    WHERE attachments.host_id = hosts.id AND attachments.network_id = cluster_networks.network_id
)
"""


def upgrade() -> None:
    """Create the table with the rows that it has by now, and the indexes."""
    op.create_table(
        "missing_networks",
        sa.Column("cluster_id", sa.String(length=36), nullable=False),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["cluster_id", "network_id"],
            ["cluster_networks.cluster_id", "cluster_networks.network_id"],
            name=op.f("fk_missing_networks_cluster_id_network_id_cluster_networks"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_missing_networks_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("cluster_id", "network_id", "host_id", name=op.f("pk_missing_networks")),
    )
    op.create_index("ix_missing_networks_host_id", "missing_networks", ["host_id"], unique=False)
    op.execute(FILL)
    op.drop_index("ix_hosts_cluster_id", "hosts")
    op.create_index("ix_hosts_cluster_id_status", "hosts", ["cluster_id", "status"], unique=False)
    op.create_index("ix_hosts_address", "hosts", ["address"], unique=False)
    op.create_index("ix_vnics_mac", "vnics", ["mac"], unique=False)
