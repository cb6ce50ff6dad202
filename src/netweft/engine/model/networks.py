"""Logical networks of data centres."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Integer, String, Table, Text, UniqueConstraint

from netweft.engine.model.base import Json, id_column, metadata, reference

networks = Table(
    "networks",
    metadata,
    id_column(),
    reference("data_center_id", "data_centers.id", index=False),
    Column("name", String(256), nullable=False),
    # What bridges are called on hosts (oVirt: vdsm_name), see core.rules.network.host_side_name.
    Column("host_side_name", String(15), nullable=False),
    Column("description", Text, nullable=False),
    Column("comment", Text, nullable=False),
    # Null: untagged.
    Column("vlan_id", Integer),
    # Octets; 0: the default.
    Column("mtu", Integer, nullable=False),
    Column("vm_network", Boolean, nullable=False),
    Column("stp", Boolean, nullable=False),
    Column("port_isolation", Boolean, nullable=False),
    Column("label", String(255), index=True),
    # For hosts that have none of their own for it.
    reference("qos_id", "qoss.id", nullable=True, on_delete="SET NULL"),
    # A list of IP addresses.
    Column("name_servers", Json, nullable=False),
    UniqueConstraint("data_center_id", "name"),
    UniqueConstraint("data_center_id", "host_side_name"),
    CheckConstraint("vlan_id BETWEEN 0 AND 4094", name="vlan_id"),
    CheckConstraint("mtu = 0 OR mtu BETWEEN 68 AND 65535", name="mtu"),
    CheckConstraint("vm_network OR NOT (stp OR port_isolation)", name="bridged"),
)
