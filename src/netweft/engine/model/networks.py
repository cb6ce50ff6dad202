"""Logical networks of data centres."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import CheckConstraint, String, UniqueConstraint

from netweft.core.limits import LINK_NAME_MAX, MTU_MAX, MTU_MIN, VLAN_MAX
from netweft.engine.model.records import Key, LongText, Name, Record, Refers, With, stored


class NetworkRow(Record, frozen=True):
    """A logical network of a data centre."""

    id: Key
    data_center_id: Annotated[str, Refers("data_centers.id", index=False)]
    name: Name
    # What bridges are called on hosts (oVirt: vdsm_name), see core.rules.network.host_side_name.
    host_side_name: Annotated[str, String(LINK_NAME_MAX)]
    description: LongText = ""
    comment: LongText = ""
    # None: untagged.
    vlan_id: int | None = None
    # Octets; 0: the default.
    mtu: int = 0
    vm_network: bool = True
    stp: bool = False
    port_isolation: bool = False
    label: Annotated[str, String(255), With(index=True)] | None = None
    # For hosts that have none of their own for it.
    qos_id: Annotated[str, Refers("qoss.id", on_delete="SET NULL")] | None = None
    # IP addresses.
    name_servers: tuple[str, ...] = ()
    # That has the network; None for one that hosts have by themselves.
    provider_id: Annotated[str, Refers("providers.id")] | None = None
    # The provider's name of the wire that the network is on; empty for one of tunnels. The network of hosts that it is
    # named after, where it was made from one.
    physical_network: Annotated[str, String(256), With(server_default="")] = ""
    physical_network_id: Annotated[str, Refers("networks.id")] | None = None


networks = stored(
    "networks",
    NetworkRow,
    UniqueConstraint("data_center_id", "name"),
    UniqueConstraint("data_center_id", "host_side_name"),
    CheckConstraint(f"vlan_id BETWEEN 0 AND {VLAN_MAX}", name="vlan_id"),
    CheckConstraint(f"mtu = 0 OR mtu BETWEEN {MTU_MIN} AND {MTU_MAX}", name="mtu"),
    CheckConstraint("vm_network OR NOT (stp OR port_isolation)", name="bridged"),
)
