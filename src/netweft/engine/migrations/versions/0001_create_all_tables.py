"""Create all tables."""

# ruff: noqa: E501 - written by Alembic from the tables

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from netweft.engine.model.base import Json, Utc

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915 - a statement for each table and index
    """Create all tables."""
    op.create_table(
        "certificates",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("private_key", sa.Text(), nullable=False),
        sa.Column("created", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_certificates")),
    )
    op.create_table(
        "data_centers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("local", sa.Boolean(), nullable=False),
        sa.Column("version", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_centers")),
        sa.UniqueConstraint("name", name=op.f("uq_data_centers_name")),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("time", Utc(), nullable=False),
        sa.Column("correlation_id", sa.String(length=64), nullable=False),
        sa.Column("origin", sa.String(length=255), nullable=False),
        sa.Column("custom_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("user_name", sa.String(length=255), nullable=False),
        sa.Column("data_center_id", sa.String(length=36), nullable=True),
        sa.Column("cluster_id", sa.String(length=36), nullable=True),
        sa.Column("host_id", sa.String(length=36), nullable=True),
        sa.Column("network_id", sa.String(length=36), nullable=True),
        sa.Column("vm_id", sa.String(length=36), nullable=True),
        sa.Column("template_id", sa.String(length=36), nullable=True),
        sa.Column("job_id", sa.String(length=36), nullable=True),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index("ix_events_code", ["code"], unique=False)
        batch_op.create_index("ix_events_correlation_id", ["correlation_id"], unique=False)

    op.create_table(
        "jobs",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("lock_key", sa.String(length=128), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("owner_id", sa.String(length=36), nullable=True),
        sa.Column("owner_name", sa.String(length=255), nullable=False),
        sa.Column("correlation_id", sa.String(length=64), nullable=False),
        sa.Column("external", sa.Boolean(), nullable=False),
        sa.Column("auto_cleared", sa.Boolean(), nullable=False),
        sa.Column("payload", Json, nullable=True),
        sa.Column("progress", Json, nullable=True),
        sa.Column("result", Json, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("error_code", sa.String(length=128), nullable=True),
        sa.Column("start_time", Utc(), nullable=False),
        sa.Column("end_time", Utc(), nullable=True),
        sa.Column("last_updated", Utc(), nullable=False),
        sa.Column("not_before", Utc(), nullable=False),
        sa.Column("claimed_by", sa.String(length=36), nullable=True),
        sa.Column("heartbeat", Utc(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_jobs")),
        sa.UniqueConstraint("id", name=op.f("uq_jobs_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index("ix_jobs_correlation_id", ["correlation_id"], unique=False)
        batch_op.create_index("ix_jobs_open", ["status", "lock_key", "number"], unique=False)
        batch_op.create_index(
            "uq_jobs_running",
            ["lock_key"],
            unique=True,
            sqlite_where=sa.text("status = 'started' AND claimed_by IS NOT NULL"),
            postgresql_where=sa.text("status = 'started' AND claimed_by IS NOT NULL"),
        )

    op.create_table(
        "login_failures",
        sa.Column("user_name", sa.String(length=255), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("blocked_until", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("user_name", "address", name=op.f("pk_login_failures")),
    )
    op.create_table(
        "mac_pools",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("allow_duplicates", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mac_pools")),
        sa.UniqueConstraint("name", name=op.f("uq_mac_pools_name")),
    )
    with op.batch_alter_table("mac_pools", schema=None) as batch_op:
        batch_op.create_index(
            "uq_mac_pools_default",
            ["is_default"],
            unique=True,
            sqlite_where=sa.text("is_default"),
            postgresql_where=sa.text("is_default"),
        )

    op.create_table(
        "roles",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=126), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("administrative", sa.Boolean(), nullable=False),
        sa.Column("mutable", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("name", name=op.f("uq_roles_name")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_name", sa.String(length=255), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("last_name", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("is_group", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("user_name", name=op.f("uq_users_user_name")),
    )
    op.create_table(
        "clusters",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("data_center_id", sa.String(length=36), nullable=False),
        sa.Column("mac_pool_id", sa.String(length=36), nullable=False),
        sa.Column("switch_type", sa.String(length=8), nullable=False),
        sa.Column("version", sa.String(length=8), nullable=False),
        sa.Column("cpu_type", sa.String(length=255), nullable=False),
        sa.CheckConstraint("switch_type IN ('legacy', 'ovs')", name=op.f("ck_clusters_switch_type")),
        sa.ForeignKeyConstraint(
            ["data_center_id"], ["data_centers.id"], name=op.f("fk_clusters_data_center_id_data_centers")
        ),
        sa.ForeignKeyConstraint(["mac_pool_id"], ["mac_pools.id"], name=op.f("fk_clusters_mac_pool_id_mac_pools")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clusters")),
        sa.UniqueConstraint("name", name=op.f("uq_clusters_name")),
    )
    with op.batch_alter_table("clusters", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_clusters_data_center_id"), ["data_center_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_clusters_mac_pool_id"), ["mac_pool_id"], unique=False)

    op.create_table(
        "job_steps",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("parent_id", sa.String(length=36), nullable=True),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("external", sa.Boolean(), nullable=False),
        sa.Column("progress", sa.Float(), nullable=True),
        sa.Column("start_time", Utc(), nullable=False),
        sa.Column("end_time", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_steps_job_id_jobs"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["job_steps.id"], name=op.f("fk_job_steps_parent_id_job_steps"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_job_steps")),
        sa.UniqueConstraint("id", name=op.f("uq_job_steps_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("job_steps", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_job_steps_job_id"), ["job_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_job_steps_parent_id"), ["parent_id"], unique=False)

    op.create_table(
        "mac_addresses",
        sa.Column("pool_id", sa.String(length=36), nullable=False),
        sa.Column("address", sa.BigInteger(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.CheckConstraint("uses > 0", name=op.f("ck_mac_addresses_uses")),
        sa.ForeignKeyConstraint(["pool_id"], ["mac_pools.id"], name=op.f("fk_mac_addresses_pool_id_mac_pools")),
        sa.PrimaryKeyConstraint("address", "pool_id", name=op.f("pk_mac_addresses")),
    )
    with op.batch_alter_table("mac_addresses", schema=None) as batch_op:
        batch_op.create_index("ix_mac_addresses_pool_id_address", ["pool_id", "address"], unique=False)

    op.create_table(
        "mac_ranges",
        sa.Column("pool_id", sa.String(length=36), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("first <= last", name=op.f("ck_mac_ranges_upwards")),
        sa.ForeignKeyConstraint(
            ["pool_id"], ["mac_pools.id"], name=op.f("fk_mac_ranges_pool_id_mac_pools"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pool_id", "first", name=op.f("pk_mac_ranges")),
    )
    op.create_table(
        "qoss",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("data_center_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("inbound_average", sa.Integer(), nullable=True),
        sa.Column("inbound_peak", sa.Integer(), nullable=True),
        sa.Column("inbound_burst", sa.Integer(), nullable=True),
        sa.Column("outbound_average", sa.Integer(), nullable=True),
        sa.Column("outbound_peak", sa.Integer(), nullable=True),
        sa.Column("outbound_burst", sa.Integer(), nullable=True),
        sa.Column("outbound_average_linkshare", sa.Integer(), nullable=True),
        sa.Column("outbound_average_upperlimit", sa.Integer(), nullable=True),
        sa.Column("outbound_average_realtime", sa.Integer(), nullable=True),
        sa.CheckConstraint("type IN ('network', 'hostnetwork')", name=op.f("ck_qoss_type")),
        sa.ForeignKeyConstraint(
            ["data_center_id"],
            ["data_centers.id"],
            name=op.f("fk_qoss_data_center_id_data_centers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qoss")),
        sa.UniqueConstraint("data_center_id", "name", name=op.f("uq_qoss_data_center_id_name")),
    )

    op.create_table(
        "networks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("data_center_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("host_side_name", sa.String(length=15), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("vlan_id", sa.Integer(), nullable=True),
        sa.Column("mtu", sa.Integer(), nullable=False),
        sa.Column("vm_network", sa.Boolean(), nullable=False),
        sa.Column("stp", sa.Boolean(), nullable=False),
        sa.Column("port_isolation", sa.Boolean(), nullable=False),
        sa.Column("label", sa.String(length=255), nullable=True),
        sa.Column("qos_id", sa.String(length=36), nullable=True),
        sa.Column("name_servers", Json, nullable=False),
        sa.CheckConstraint("mtu = 0 OR mtu BETWEEN 68 AND 65535", name=op.f("ck_networks_mtu")),
        sa.CheckConstraint("vlan_id BETWEEN 0 AND 4094", name=op.f("ck_networks_vlan_id")),
        sa.CheckConstraint("vm_network OR NOT (stp OR port_isolation)", name=op.f("ck_networks_bridged")),
        sa.ForeignKeyConstraint(
            ["data_center_id"], ["data_centers.id"], name=op.f("fk_networks_data_center_id_data_centers")
        ),
        sa.ForeignKeyConstraint(["qos_id"], ["qoss.id"], name=op.f("fk_networks_qos_id_qoss"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_networks")),
        sa.UniqueConstraint("data_center_id", "host_side_name", name=op.f("uq_networks_data_center_id_host_side_name")),
        sa.UniqueConstraint("data_center_id", "name", name=op.f("uq_networks_data_center_id_name")),
    )
    with op.batch_alter_table("networks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_networks_label"), ["label"], unique=False)
        batch_op.create_index(batch_op.f("ix_networks_qos_id"), ["qos_id"], unique=False)

    op.create_table(
        "permissions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("role_id", sa.String(length=36), nullable=False),
        sa.Column("object_type", sa.String(length=32), nullable=False),
        sa.Column("object_id", sa.String(length=36), nullable=False),
        sa.Column("created", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["roles.id"], name=op.f("fk_permissions_role_id_roles")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_permissions_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permissions")),
        sa.UniqueConstraint("user_id", "role_id", "object_id", name=op.f("uq_permissions_user_id_role_id_object_id")),
    )
    with op.batch_alter_table("permissions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_permissions_object_id"), ["object_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_permissions_role_id"), ["role_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_permissions_user_id"), ["user_id"], unique=False)

    op.create_table(
        "role_groups",
        sa.Column("role_id", sa.String(length=36), nullable=False),
        sa.Column("action_group", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name=op.f("fk_role_groups_role_id_roles"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("role_id", "action_group", name=op.f("pk_role_groups")),
    )
    with op.batch_alter_table("role_groups", schema=None) as batch_op:
        batch_op.create_index("ix_role_groups_action_group", ["action_group", "role_id"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("created", Utc(), nullable=False),
        sa.Column("expires", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tokens_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_tokens")),
    )
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tokens_expires"), ["expires"], unique=False)
        batch_op.create_index(batch_op.f("ix_tokens_user_id"), ["user_id"], unique=False)

    op.create_table(
        "cluster_networks",
        sa.Column("cluster_id", sa.String(length=36), nullable=False),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("management", sa.Boolean(), nullable=False),
        sa.Column("display", sa.Boolean(), nullable=False),
        sa.Column("migration", sa.Boolean(), nullable=False),
        sa.Column("default_route", sa.Boolean(), nullable=False),
        sa.Column("gluster", sa.Boolean(), nullable=False),
        sa.CheckConstraint("required OR status = 'operational'", name=op.f("ck_cluster_networks_optional_operational")),
        sa.CheckConstraint("status IN ('operational', 'non_operational')", name=op.f("ck_cluster_networks_status")),
        sa.CheckConstraint("required OR NOT management", name=op.f("ck_cluster_networks_management_required")),
        sa.ForeignKeyConstraint(
            ["cluster_id"], ["clusters.id"], name=op.f("fk_cluster_networks_cluster_id_clusters"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["network_id"], ["networks.id"], name=op.f("fk_cluster_networks_network_id_networks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("cluster_id", "network_id", name=op.f("pk_cluster_networks")),
    )
    with op.batch_alter_table("cluster_networks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cluster_networks_network_id"), ["network_id"], unique=False)
        batch_op.create_index(
            "uq_cluster_networks_default_route",
            ["cluster_id"],
            unique=True,
            sqlite_where=sa.text("default_route"),
            postgresql_where=sa.text("default_route"),
        )
        batch_op.create_index(
            "uq_cluster_networks_display",
            ["cluster_id"],
            unique=True,
            sqlite_where=sa.text("display"),
            postgresql_where=sa.text("display"),
        )
        batch_op.create_index(
            "uq_cluster_networks_gluster",
            ["cluster_id"],
            unique=True,
            sqlite_where=sa.text("gluster"),
            postgresql_where=sa.text("gluster"),
        )
        batch_op.create_index(
            "uq_cluster_networks_management",
            ["cluster_id"],
            unique=True,
            sqlite_where=sa.text("management"),
            postgresql_where=sa.text("management"),
        )
        batch_op.create_index(
            "uq_cluster_networks_migration",
            ["cluster_id"],
            unique=True,
            sqlite_where=sa.text("migration"),
            postgresql_where=sa.text("migration"),
        )

    op.create_table(
        "hosts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("address", sa.String(length=255), nullable=False),
        sa.Column("agent_url", sa.String(length=255), server_default="", nullable=False),
        sa.Column("certificate_expires", Utc(), nullable=True),
        sa.Column("cluster_id", sa.String(length=36), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("status_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("generation", sa.Integer(), server_default="0", nullable=False),
        sa.Column("acknowledged_generation", sa.Integer(), server_default="0", nullable=False),
        sa.Column("dirty", sa.Boolean(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.CheckConstraint(
            "status IN ('installing', 'install_failed', 'up', 'down', 'maintenance', 'preparing_for_maintenance', 'non_operational', 'non_responsive', 'unassigned')",
            name=op.f("ck_hosts_status"),
        ),
        sa.ForeignKeyConstraint(["cluster_id"], ["clusters.id"], name=op.f("fk_hosts_cluster_id_clusters")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hosts")),
        sa.UniqueConstraint("name", name=op.f("uq_hosts_name")),
    )
    with op.batch_alter_table("hosts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hosts_cluster_id"), ["cluster_id"], unique=False)

    op.create_table(
        "vnic_profiles",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("port_mirroring", sa.Boolean(), nullable=False),
        sa.Column("passthrough", sa.Boolean(), nullable=False),
        sa.Column("migratable", sa.Boolean(), nullable=False),
        sa.Column("network_filter_id", sa.String(length=36), nullable=True),
        sa.Column("qos_id", sa.String(length=36), nullable=True),
        sa.Column("failover_id", sa.String(length=36), nullable=True),
        sa.Column("custom_properties", Json, nullable=False),
        sa.CheckConstraint(
            "NOT passthrough OR (network_filter_id IS NULL AND qos_id IS NULL AND NOT port_mirroring)",
            name=op.f("ck_vnic_profiles_passthrough_stands_alone"),
        ),
        sa.CheckConstraint(
            "failover_id IS NULL OR passthrough AND migratable", name=op.f("ck_vnic_profiles_failover_of_passthrough")
        ),
        sa.ForeignKeyConstraint(
            ["failover_id"],
            ["vnic_profiles.id"],
            name=op.f("fk_vnic_profiles_failover_id_vnic_profiles"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["network_id"], ["networks.id"], name=op.f("fk_vnic_profiles_network_id_networks"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["qos_id"], ["qoss.id"], name=op.f("fk_vnic_profiles_qos_id_qoss"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vnic_profiles")),
        sa.UniqueConstraint("network_id", "name", name=op.f("uq_vnic_profiles_network_id_name")),
    )
    with op.batch_alter_table("vnic_profiles", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vnic_profiles_failover_id"), ["failover_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_vnic_profiles_qos_id"), ["qos_id"], unique=False)
        batch_op.create_index(
            "uq_vnic_profiles_default",
            ["network_id"],
            unique=True,
            sqlite_where=sa.text("is_default"),
            postgresql_where=sa.text("is_default"),
        )

    op.create_table(
        "attachments",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("nic", sa.String(length=50), nullable=False),
        sa.Column("assignments", Json, nullable=False),
        sa.Column("properties", Json, nullable=False),
        sa.Column("dns", Json, nullable=True),
        sa.Column("qos", Json, nullable=True),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_attachments_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["network_id"], ["networks.id"], name=op.f("fk_attachments_network_id_networks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        sa.UniqueConstraint("host_id", "network_id", name=op.f("uq_attachments_host_id_network_id")),
    )
    with op.batch_alter_table("attachments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attachments_network_id"), ["network_id"], unique=False)

    op.create_table(
        "enrollments",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("host_id", sa.String(length=36), nullable=True),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("created", Utc(), nullable=False),
        sa.Column("expires", Utc(), nullable=False),
        sa.Column("used", Utc(), nullable=True),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_enrollments_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollments")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_enrollments_token_hash")),
    )
    with op.batch_alter_table("enrollments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_enrollments_host_id"), ["host_id"], unique=False)

    op.create_table(
        "host_bonds",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("slaves", Json, nullable=False),
        sa.Column("options", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_host_bonds_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_host_bonds")),
        sa.UniqueConstraint("host_id", "name", name=op.f("uq_host_bonds_host_id_name")),
    )
    op.create_table(
        "host_changes",
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("candidate", Json, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.CheckConstraint("state IN ('pending', 'applied', 'refused')", name=op.f("ck_host_changes_state")),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_host_changes_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("host_id", "generation", name=op.f("pk_host_changes")),
    )
    op.create_table(
        "host_nics",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("down_since", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["host_id"], ["hosts.id"], name=op.f("fk_host_nics_host_id_hosts"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_host_nics")),
        sa.UniqueConstraint("host_id", "name", name=op.f("uq_host_nics_host_id_name")),
    )
    op.create_table(
        "host_reports",
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=False),
        sa.Column("taken_at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_host_reports_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint("host_id", name=op.f("uq_host_reports_host_id")),
    )
    op.create_table(
        "nic_labels",
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.Column("label", sa.String(length=255), nullable=False),
        sa.Column("nic", sa.String(length=50), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_nic_labels_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("host_id", "label", name=op.f("pk_nic_labels")),
    )
    op.create_index("ix_nic_labels_label", "nic_labels", ["label"], unique=False)
    op.create_table(
        "templates",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("cluster_id", sa.String(length=36), nullable=True),
        sa.Column("memory", sa.BigInteger(), nullable=False),
        sa.Column("sockets", sa.Integer(), nullable=False),
        sa.Column("cores", sa.Integer(), nullable=False),
        sa.Column("threads", sa.Integer(), nullable=False),
        sa.Column("os_kernel", sa.Text(), server_default="", nullable=False),
        sa.Column("os_initrd", sa.Text(), server_default="", nullable=False),
        sa.Column("os_cmdline", sa.Text(), server_default="", nullable=False),
        sa.Column("custom_properties", Json, server_default="{}", nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["cluster_id"], ["clusters.id"], name=op.f("fk_templates_cluster_id_clusters")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_templates")),
        sa.UniqueConstraint("name", name=op.f("uq_templates_name")),
    )
    with op.batch_alter_table("templates", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_templates_cluster_id"), ["cluster_id"], unique=False)

    op.create_table(
        "vms",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("cluster_id", sa.String(length=36), nullable=False),
        sa.Column("template_id", sa.String(length=36), nullable=False),
        sa.Column("memory", sa.BigInteger(), nullable=False),
        sa.Column("sockets", sa.Integer(), nullable=False),
        sa.Column("cores", sa.Integer(), nullable=False),
        sa.Column("threads", sa.Integer(), nullable=False),
        sa.Column("os_kernel", sa.Text(), server_default="", nullable=False),
        sa.Column("os_initrd", sa.Text(), server_default="", nullable=False),
        sa.Column("os_cmdline", sa.Text(), server_default="", nullable=False),
        sa.Column("custom_properties", Json, server_default="{}", nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("host_id", sa.String(length=36), nullable=True),
        sa.Column("target_host_id", sa.String(length=36), nullable=True),
        sa.Column("saved_host_id", sa.String(length=36), nullable=True),
        sa.Column("status_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("addresses", Json, nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("changed_at", Utc(), nullable=False),
        sa.CheckConstraint(
            "status IN ('down', 'wait_for_launch', 'up', 'migrating', 'powering_down', 'saving_state', 'suspended',"
            " 'restoring_state', 'unknown')",
            name=op.f("ck_vms_status"),
        ),
        sa.ForeignKeyConstraint(["cluster_id"], ["clusters.id"], name=op.f("fk_vms_cluster_id_clusters")),
        sa.ForeignKeyConstraint(["host_id"], ["hosts.id"], name=op.f("fk_vms_host_id_hosts")),
        sa.ForeignKeyConstraint(["saved_host_id"], ["hosts.id"], name=op.f("fk_vms_saved_host_id_hosts")),
        sa.ForeignKeyConstraint(["target_host_id"], ["hosts.id"], name=op.f("fk_vms_target_host_id_hosts")),
        sa.ForeignKeyConstraint(["template_id"], ["templates.id"], name=op.f("fk_vms_template_id_templates")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vms")),
        sa.UniqueConstraint("name", name=op.f("uq_vms_name")),
    )
    with op.batch_alter_table("vms", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vms_cluster_id"), ["cluster_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_vms_host_id"), ["host_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_vms_saved_host_id"), ["saved_host_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_vms_target_host_id"), ["target_host_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_vms_template_id"), ["template_id"], unique=False)

    op.create_table(
        "vnics",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("vm_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("profile_id", sa.String(length=36), nullable=True),
        sa.Column("mac", sa.String(length=17), nullable=False),
        sa.Column("interface", sa.String(length=32), nullable=False),
        sa.Column("plugged", sa.Boolean(), nullable=False),
        sa.Column("linked", sa.Boolean(), nullable=False),
        sa.Column("synced", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["profile_id"], ["vnic_profiles.id"], name=op.f("fk_vnics_profile_id_vnic_profiles")),
        sa.ForeignKeyConstraint(["vm_id"], ["vms.id"], name=op.f("fk_vnics_vm_id_vms"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vnics")),
        sa.UniqueConstraint("vm_id", "name", name=op.f("uq_vnics_vm_id_name")),
    )
    with op.batch_alter_table("vnics", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vnics_profile_id"), ["profile_id"], unique=False)

    op.create_table(
        "filter_parameters",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("vnic_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["vnic_id"], ["vnics.id"], name=op.f("fk_filter_parameters_vnic_id_vnics"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filter_parameters")),
    )
    with op.batch_alter_table("filter_parameters", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_filter_parameters_vnic_id"), ["vnic_id"], unique=False)

    op.create_table(
        "template_vnics",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("template_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("profile_id", sa.String(length=36), nullable=True),
        sa.Column("interface", sa.String(length=32), nullable=False),
        sa.Column("plugged", sa.Boolean(), nullable=False),
        sa.Column("linked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["vnic_profiles.id"], name=op.f("fk_template_vnics_profile_id_vnic_profiles")
        ),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["templates.id"],
            name=op.f("fk_template_vnics_template_id_templates"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template_vnics")),
        sa.UniqueConstraint("template_id", "name", name=op.f("uq_template_vnics_template_id_name")),
    )
    with op.batch_alter_table("template_vnics", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_template_vnics_profile_id"), ["profile_id"], unique=False)

    op.create_table(
        "nic_functions",
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.Column("nic", sa.String(length=50), nullable=False),
        sa.Column("labels", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_nic_functions_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("host_id", "nic", name=op.f("pk_nic_functions")),
    )
    op.create_table(
        "function_networks",
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.Column("nic", sa.String(length=50), nullable=False),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_function_networks_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["network_id"], ["networks.id"], name=op.f("fk_function_networks_network_id_networks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("host_id", "nic", "network_id", name=op.f("pk_function_networks")),
    )
    op.create_index("ix_function_networks_network_id", "function_networks", ["network_id"], unique=False)
    op.create_table(
        "vnic_functions",
        sa.Column("host_id", sa.String(length=36), nullable=False),
        sa.Column("function", sa.String(length=16), nullable=False),
        sa.Column("vnic_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_vnic_functions_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["vnic_id"], ["vnics.id"], name=op.f("fk_vnic_functions_vnic_id_vnics"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("host_id", "function", name=op.f("pk_vnic_functions")),
    )
    op.create_index("ix_vnic_functions_vnic_id", "vnic_functions", ["vnic_id"], unique=False)
