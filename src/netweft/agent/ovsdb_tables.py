"""The content of an Open vSwitch database at one moment, as values of the core (see ovs-vswitchd.conf.db(5))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from netweft.agent.ovsdb_chassis import chassis_of
from netweft.agent.ovsdb_session import Json, Row, as_map, as_set, only_row
from netweft.core.host import Chassis, GuestPort, OvsBridge, OvsPort
from netweft.core.limits import DEFAULT_MTU
from netweft.core.ovs_bonds import COLUMNS as BOND_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OWNER_KEY = "netweft"
"""Key in external_ids of a Bridge or Port that is ours; the value is the owner."""

GUEST_KEY = "netweft-guest"
"""Key in external_ids of a Port that a guest driver created; the value is the vNIC's id."""

PORT_KEY = "netweft-port"
"""Key in external_ids of our QoS rows; the value is the name of their port."""

COLUMNS: Mapping[str, Sequence[str]] = {
    "Open_vSwitch": ("ovs_version", "external_ids"),
    "Bridge": ("name", "ports", "datapath_type", "stp_enable", "external_ids"),
    "Port": (
        *("name", "interfaces", "tag", "trunks", "qos", "bond_mode", "lacp", *BOND_COLUMNS),
        *("other_config", "external_ids"),
    ),
    "QoS": ("external_ids",),
    "Interface": ("name", "type", "mac", "mtu_request"),
    "Mirror": ("name",),
}
"""The columns that are read of each table, besides the uuid."""

OvsView: TypeAlias = tuple[dict[str, OvsBridge], dict[str, OvsPort], dict[str, GuestPort]]
"""Bridges, ports and guest ports by name."""


@dataclass(slots=True)
class PortRow:
    """A row of Port with the names that its references stand for.

    ``uuid``: ``["uuid", ...]``, or ``["named-uuid", ...]`` in a transaction that is being written.
    """

    uuid: Json
    bridge: str
    interfaces: tuple[str, ...]
    row: Row


@dataclass(slots=True)
class Tables:
    """Rows by name; the uuid of the one row of Open_vSwitch, and its settings for ovn-controller."""

    root: Json
    chassis: Chassis
    bridges: dict[str, Row]
    ports: dict[str, PortRow]
    interfaces: dict[str, Row]
    mirrors: dict[str, Json]
    """The uuids of mirrors, by name: ours have that of their output port."""
    hands_off: dict[str, Json]
    """The uuids of our QoS rows, by port."""

    @classmethod
    def of(cls, rows: Mapping[str, Sequence[Row]]) -> Tables:
        """Of all rows of the tables of COLUMNS. Raises OvsdbError when Open vSwitch was never set up here."""
        (bridges, ports, interfaces) = (rows[table] for table in ("Bridge", "Port", "Interface"))
        interface_names = {_key(row["_uuid"]): str(row["name"]) for row in interfaces}
        bridge_of = {_key(port): str(row["name"]) for row in bridges for port in as_set(row["ports"])}
        port_rows, root = {}, only_row(rows["Open_vSwitch"])
        for row in ports:
            members = tuple(sorted(interface_names[_key(uuid)] for uuid in as_set(row["interfaces"])))
            port_rows[str(row["name"])] = PortRow(row["_uuid"], bridge_of.get(_key(row["_uuid"]), ""), members, row)
        return cls(
            root=root["_uuid"],
            chassis=chassis_of(as_map(root["external_ids"])),
            bridges={str(row["name"]): row for row in bridges},
            ports=port_rows,
            interfaces={str(row["name"]): row for row in interfaces},
            mirrors={str(row["name"]): row["_uuid"] for row in rows["Mirror"]},
            hands_off={
                port: row["_uuid"] for row in rows["QoS"] if (port := as_map(row["external_ids"]).get(PORT_KEY))
            },
        )

    def has_qos_of(self, port: str) -> bool:
        """Whether other ports use our QoS row of this port: ovn-controller assigns the first ``linux-noop`` it finds
        to its tunnel ports.
        """
        ours = self.hands_off[port]
        return any(other.row.get("qos") == ours for name, other in self.ports.items() if name != port)

    def copy(self) -> Tables:
        """The same rows in dictionaries of their own."""
        bridges, ports, interfaces = dict(self.bridges), dict(self.ports), dict(self.interfaces)
        return Tables(self.root, self.chassis, bridges, ports, interfaces, dict(self.mirrors), dict(self.hands_off))

    def internal(self) -> frozenset[str]:
        """The names of the links that Open vSwitch creates: internal ports, and the local ports of bridges."""
        return frozenset(name for name, row in self.interfaces.items() if row["type"] == "internal")

    def view(self) -> OvsView:
        """The same as values of the core.

        The local port of a bridge, which has the bridge's name, is part of the bridge and not listed.
        """
        bridges = {name: _bridge(row) for name, row in self.bridges.items()}
        ports, guests = {}, {}
        for name, port in self.ports.items():
            vnic = as_map(port.row["external_ids"]).get(GUEST_KEY)
            if vnic is not None:
                guests[name] = GuestPort(name=name, vnic=vnic, bridge=port.bridge, tag=_tag(port.row))
            elif name not in self.bridges:
                ports[name] = _port(name, port, self.interfaces)
        return bridges, ports, guests


def _bridge(row: Row) -> OvsBridge:
    return OvsBridge(
        name=str(row["name"]),
        owner=as_map(row["external_ids"]).get(OWNER_KEY, ""),
        datapath=str(row["datapath_type"]) or "system",
        stp=bool(row["stp_enable"]),
    )


def _port(name: str, port: PortRow, interfaces: Mapping[str, Row]) -> OvsPort:
    row = port.row
    internal = port.interfaces == (name,) and interfaces[name]["type"] == "internal"
    link = interfaces[name] if internal else {}
    return OvsPort(
        name=name,
        owner=as_map(row["external_ids"]).get(OWNER_KEY, ""),
        up=not internal,
        mtu=_number(link, "mtu_request") or DEFAULT_MTU,
        mac=_word(link, "mac"),
        carrier=not internal,
        bridge=port.bridge,
        tag=_tag(row),
        trunks=tuple(sorted(int(str(vlan)) for vlan in as_set(row["trunks"]))),
        interfaces=() if internal else port.interfaces,
        bond_mode=_word(row, "bond_mode"),
        lacp=_word(row, "lacp") or "off",
        options=as_map(row["other_config"]) | _delays(row),
    )


def _delays(row: Row) -> dict[str, str]:
    return {column: delay for column in BOND_COLUMNS if (delay := _word(row, column)) != "0"}


def _tag(row: Row) -> int | None:
    return _number(row, "tag") if as_set(row["tag"]) else None


def _word(row: Row, column: str) -> str:
    """A column of at most one value; empty when there is none."""
    value = row.get(column, "")
    return "" if isinstance(value, list) else str(value)  # only an empty set is written as a list


def _number(row: Row, column: str) -> int:
    return int(_word(row, column) or 0)


def _key(uuid: Json) -> str:
    return str(uuid[1]) if isinstance(uuid, list) else ""
