"""Virtual functions of hosts' NICs: which networks they may serve, and which vNICs have one."""

from __future__ import annotations

from sqlalchemy import Column, PrimaryKeyConstraint, String, Table

from netweft.engine.model.base import Json, metadata, reference

nic_functions = Table(
    "nic_functions",
    metadata,
    reference("host_id", "hosts.id", on_delete="CASCADE", index=False),
    # The NIC by its name, as in attachments.
    Column("nic", String(50), nullable=False),
    # Networks that have one of these labels are served.
    Column("labels", Json, nullable=False),
    PrimaryKeyConstraint("host_id", "nic"),
)
"""A NIC whose functions serve certain networks only; those of any other serve all."""

function_networks = Table(
    "function_networks",
    metadata,
    reference("host_id", "hosts.id", on_delete="CASCADE", index=False),
    Column("nic", String(50), nullable=False),
    reference("network_id", "networks.id", on_delete="CASCADE"),
    PrimaryKeyConstraint("host_id", "nic", "network_id"),
)
"""The networks that they serve besides those with a label."""

vnic_functions = Table(
    "vnic_functions",
    metadata,
    reference("host_id", "hosts.id", on_delete="CASCADE", index=False),
    # The function's PCI address.
    Column("function", String(16), nullable=False),
    reference("vnic_id", "vnics.id", on_delete="CASCADE"),
    # The key is what keeps two vNICs from getting the same function.
    PrimaryKeyConstraint("host_id", "function"),
)
"""From when a host is chosen for a guest until the guest has gone from it; a guest that migrates has functions on both
hosts.
"""
