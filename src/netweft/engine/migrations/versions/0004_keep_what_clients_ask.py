"""Keep what clients ask for: more of a machine, snapshots, tags, and which MAC addresses are nobody else's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from netweft.engine.model.base import Json, Utc

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and columns. No table is made anew, which on SQLite would delete what refers to its rows."""
    op.create_table(
        "tags",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["tags.id"], name=op.f("fk_tags_parent_id_tags"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tags")),
        sa.UniqueConstraint("name", name=op.f("uq_tags_name")),
    )
    op.create_index(op.f("ix_tags_parent_id"), "tags", ["parent_id"], unique=False)

    op.create_table(
        "host_tags",
        sa.Column("tag_id", sa.String(length=36), nullable=False),
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["host_id"], ["hosts.id"], name=op.f("fk_host_tags_host_id_hosts"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_host_tags_tag_id_tags"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tag_id", "host_id", name=op.f("pk_host_tags")),
    )
    op.create_index(op.f("ix_host_tags_host_id"), "host_tags", ["host_id"], unique=False)

    op.create_table(
        "template_tags",
        sa.Column("tag_id", sa.String(length=36), nullable=False),
        sa.Column("template_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_template_tags_tag_id_tags"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["template_id"], ["templates.id"], name=op.f("fk_template_tags_template_id_templates"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tag_id", "template_id", name=op.f("pk_template_tags")),
    )
    op.create_index(op.f("ix_template_tags_template_id"), "template_tags", ["template_id"], unique=False)

    op.create_table(
        "snapshots",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("vm_id", sa.String(length=36), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("in_preview", sa.Boolean(), nullable=False),
        sa.Column("hardware", Json, nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.CheckConstraint("kind IN ('regular', 'preview', 'stateless')", name=op.f("ck_snapshots_kind")),
        sa.ForeignKeyConstraint(["vm_id"], ["vms.id"], name=op.f("fk_snapshots_vm_id_vms"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshots")),
    )
    op.create_index(op.f("ix_snapshots_vm_id"), "snapshots", ["vm_id"], unique=False)

    op.create_table(
        "vm_tags",
        sa.Column("tag_id", sa.String(length=36), nullable=False),
        sa.Column("vm_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_vm_tags_tag_id_tags"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["vm_id"], ["vms.id"], name=op.f("fk_vm_tags_vm_id_vms"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tag_id", "vm_id", name=op.f("pk_vm_tags")),
    )
    op.create_index(op.f("ix_vm_tags_vm_id"), "vm_tags", ["vm_id"], unique=False)

    op.create_table(
        "snapshot_vnics",
        sa.Column("snapshot_id", sa.String(length=36), nullable=False),
        sa.Column("vnic_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("profile_id", sa.String(length=36), nullable=True),
        sa.Column("mac", sa.String(length=17), nullable=False),
        sa.Column("interface", sa.String(length=32), nullable=False),
        sa.Column("plugged", sa.Boolean(), nullable=False),
        sa.Column("linked", sa.Boolean(), nullable=False),
        sa.Column("parameters", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["profile_id"],
            ["vnic_profiles.id"],
            name=op.f("fk_snapshot_vnics_profile_id_vnic_profiles"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["snapshots.id"], name=op.f("fk_snapshot_vnics_snapshot_id_snapshots"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "vnic_id", name=op.f("pk_snapshot_vnics")),
    )
    op.create_index(op.f("ix_snapshot_vnics_mac"), "snapshot_vnics", ["mac"], unique=False)
    op.create_index(op.f("ix_snapshot_vnics_profile_id"), "snapshot_vnics", ["profile_id"], unique=False)
    op.add_column(
        "clusters", sa.Column("cpu_architecture", sa.String(length=16), server_default="undefined", nullable=False)
    )
    for table in ("vms", "templates"):
        op.add_column(table, sa.Column("cpu_mode", sa.String(length=16), server_default="", nullable=False))
        op.add_column(table, sa.Column("boot_devices", Json, server_default='["hd"]', nullable=False))
        op.add_column(table, sa.Column("os_type", sa.String(length=255), server_default="other", nullable=False))
        op.add_column(table, sa.Column("type", sa.String(length=16), server_default="server", nullable=False))
        for switch in ("console", "stateless", "delete_protected"):
            op.add_column(table, sa.Column(switch, sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("vms", sa.Column("initialization", Json, server_default="{}", nullable=False))
    op.add_column("vms", sa.Column("this_run", Json, server_default="{}", nullable=False))
    op.add_column("vms", sa.Column("original_template_id", sa.String(length=36), nullable=True))
    op.create_index(op.f("ix_vms_original_template_id"), "vms", ["original_template_id"], unique=False)
    _tell_exclusive_addresses()


def _tell_exclusive_addresses() -> None:
    """Of an address that several pools without duplicates have already, one keeps it for itself."""
    op.add_column("mac_addresses", sa.Column("exclusive", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(
        "UPDATE mac_addresses SET exclusive = true WHERE pool_id = (SELECT min(other.pool_id) FROM mac_addresses other"
        " JOIN mac_pools ON mac_pools.id = other.pool_id AND NOT mac_pools.allow_duplicates"
        " WHERE other.address = mac_addresses.address)"
    )
    op.create_index(
        "uq_mac_addresses_exclusive", "mac_addresses", ["address"], unique=True,
        sqlite_where=sa.text("exclusive"), postgresql_where=sa.text("exclusive"),
    )  # fmt: skip
