"""Translates steps for Open vSwitch into the operations of one transaction (RFC 7047 section 5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netweft.agent.ovsdb_bump import BUMP, PendingChange, pending_change
from netweft.agent.ovsdb_chassis import mutations
from netweft.agent.ovsdb_session import (
    Json,
    Operation,
    OvsdbRefusalError,
    Row,
    Session,
    as_set,
    to_map,
    to_set,
)
from netweft.agent.ovsdb_steps import OvsdbStep, OvsStepError, PlugGuest, UnplugGuest
from netweft.agent.ovsdb_tables import GUEST_KEY, OWNER_KEY, PORT_KEY, PortRow, Tables
from netweft.core.limits import DEFAULT_MTU, INTERNAL_MTU_MAX, LINK_NAME_MAX, MTU_MIN
from netweft.core.ovs_bonds import COLUMNS
from netweft.core.steps import (
    CreateOvsBridge,
    CreateOvsPort,
    DeleteOvsBridge,
    DeleteOvsPort,
    SetChassis,
    SetMac,
    SetMtu,
    SetOvsBridge,
    SetOvsPort,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from netweft.core.host import GuestPort, OvsPort


class Script:
    """The operations of one transaction.

    Each step is checked against the content of the database, including the effects of earlier steps; ``add`` raises
    OvsStepError.

    ``reserved``: the names of links that are not Open vSwitch's own. If such a link were to be created, ovs-vswitchd
    with the kernel's datapath would fail, but change MTU and MAC of the existing one first.
    """

    def __init__(self, tables: Tables, reserved: Collection[str] = ()) -> None:
        self._tables = tables
        self._reserved = reserved
        self._operations: list[Operation] = []
        self._steps: list[OvsdbStep] = []  # the step of each operation, for the message when it is refused
        self._joining: dict[str, list[Json]] = {}  # bridge -> new ports, which one operation will put into it
        self._made: dict[str, OvsdbStep] = {}  # interface -> the step that made it
        self._gone: set[str] = set()
        self.frees_nics = False
        """Whether NICs or other links, which outlive their ports, are removed from a bridge."""
        self.asks_kernel_for_mtu = False
        """Whether an internal port of a bridge in the kernel gets an MTU other than the default."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send."""
        return not self._operations and not self._joining

    def must_follow(self, step: OvsdbStep) -> bool:
        """Whether the step recreates what this script removes, and so belongs in the next transaction.

        In one transaction ovs-vswitchd would keep the old device with its addresses.
        """
        match step:
            case CreateOvsBridge(bridge):
                return bridge.name in self._gone
            case CreateOvsPort(port):
                return not self._gone.isdisjoint({port.name, *port.interfaces})
            case _:
                return False

    def add(self, step: OvsdbStep) -> None:  # noqa: C901 - one case per kind of step is how it reads best
        """Add a step."""
        self._step = step
        match step:
            case CreateOvsBridge():
                self._create_bridge(step)
            case SetOvsBridge(bridge):
                row = self._bridge(bridge.name)
                self._update("Bridge", row["_uuid"], {"stp_enable": bridge.stp})
                self._own("Bridge", row["_uuid"], bridge.owner)
            case DeleteOvsBridge(name):
                self._delete_bridge(name)
            case CreateOvsPort(port):
                self._create_port(port)
            case SetOvsPort(port):
                uuid = self._port(port.name).uuid
                self._update("Port", uuid, _port_columns(port))
                self._own("Port", uuid, port.owner)
            case DeleteOvsPort(name):
                self._remove_port(name, self._port(name))
            case SetChassis(chassis):
                self._mutate("Open_vSwitch", self._tables.root, mutations(chassis))
            case SetMtu(name, mtu):
                self._check_link(name, mtu=mtu)
                self._note_mtu(self._tables.ports[name].bridge if name in self._tables.ports else name, mtu)
                self._update("Interface", self._internal(name), {"mtu_request": mtu})
            case SetMac(name, mac):
                self._check_link(name, mac=mac)
                self._update("Interface", self._internal(name), {"mac": mac})
            case PlugGuest():
                self._plug(step)
            case UnplugGuest(name):
                if name in self._tables.ports:
                    self._remove_port(name, self._port(name))

    def operations(self) -> list[Operation]:
        """The whole transaction."""
        self._join()
        return [*self._operations, *BUMP]

    def commit(self, session: Session) -> PendingChange:
        """Send the transaction. Raises OvsStepError or OvsdbError."""
        operations = self.operations()
        count = len(self._operations)
        try:
            results = session.transact(operations)
        except OvsdbRefusalError as refusal:
            step = self._steps[refusal.index] if refusal.index is not None and refusal.index < count else None
            raise OvsStepError(step, str(refusal)) from refusal
        for step, operation, result in zip(self._steps, self._operations, results, strict=False):
            if operation["op"] != "insert" and result.get("count") != 1:
                raise OvsStepError(step, "it was removed meanwhile")
        return pending_change(session, results)

    def failure(self, rows: Sequence[Row]) -> OvsStepError | None:
        """Of the first interface of this script that ovs-vswitchd could not open, if any."""
        for row in rows:
            step = self._made.get(str(row["name"]))
            if step and (as_set(row["error"]) or as_set(row["ofport"]) in ([], [-1])):
                reason = " ".join(str(word) for word in as_set(row["error"]))
                reason = reason or "ovs-vswitchd assigned no port number; see its log"
                return OvsStepError(step, f"interface {row['name']}: {reason}")
        return None

    # -- bridges

    def _create_bridge(self, step: CreateOvsBridge) -> None:
        bridge = step.bridge
        if bridge.name in self._tables.bridges:
            self._refuse(f"bridge {bridge.name} exists already")
        local = self._new_port(bridge.name, bridge.name, {bridge.name: {"type": "internal"}}, {})
        row: Row = {
            "name": bridge.name,
            "datapath_type": bridge.datapath,
            "stp_enable": bridge.stp,
            "ports": local,
            "external_ids": to_map(_marks(bridge.owner)),
        }
        uuid = self._insert("Bridge", row)
        self._tables.bridges[bridge.name] = {"_uuid": uuid, "datapath_type": bridge.datapath}
        self._mutate("Open_vSwitch", self._tables.root, [["bridges", "insert", to_set([uuid])]])

    def _delete_bridge(self, name: str) -> None:
        uuid = self._bridge(name)["_uuid"]
        self._join()
        self._mutate("Open_vSwitch", self._tables.root, [["bridges", "delete", to_set([uuid])]])
        del self._tables.bridges[name]
        for port in [port for port, row in self._tables.ports.items() if row.bridge == name]:
            self._forget(port)

    # -- ports

    def _create_port(self, port: OvsPort) -> None:
        self._bridge(port.bridge)
        if port.is_internal:
            self._check_link(port.name, mtu=port.mtu, mac=port.mac)
            self._note_mtu(port.bridge, port.mtu)
            link: Row = {"type": "internal", "mtu_request": port.mtu, **({"mac": port.mac} if port.mac else {})}
            interfaces = {port.name: link}
        else:
            interfaces = {name: {} for name in port.interfaces}
        columns = {**_port_columns(port), "external_ids": to_map(_marks(port.owner))}
        if not port.is_internal:
            columns["qos"] = self._keep_hands_off(port.name)
        self._joining.setdefault(port.bridge, []).append(self._new_port(port.name, port.bridge, interfaces, columns))

    def _keep_hands_off(self, port: str) -> Json:
        """Keep ovs-vswitchd from deleting the queues of the port's NICs at each change, and our traffic classes with
        them (ovs-vswitchd.conf.db(5), table QoS, linux-noop).
        """
        marks = to_map({PORT_KEY: port})
        uuid = self._tables.hands_off[port] = self._insert("QoS", {"type": "linux-noop", "external_ids": marks})
        return uuid

    def _plug(self, step: PlugGuest) -> None:
        port = step.port
        self._bridge(port.bridge)
        columns: Row = {
            "tag": _optional(port.tag),
            "trunks": to_set(step.trunks),
            "vlan_mode": _optional("native-untagged" if port.tag is not None and step.trunks else None),
            # Open vSwitch 3.1 applies an added or removed mirror to existing flows only when some port changes. For the
            # port of a mirror, which carries nothing else, ``protected`` has no effect.
            "protected": step.isolated != step.mirrored,
            "external_ids": to_map({GUEST_KEY: port.vnic}),
        }
        present = self._tables.ports.get(port.name)
        if present and present.bridge == port.bridge:
            self._update("Port", present.uuid, columns)
            if names := _names_for_controllers(step):
                inserted = [["external_ids", "delete", to_set(tuple(names))], ["external_ids", "insert", to_map(names)]]
                self._mutate("Interface", self._tables.interfaces[port.name]["_uuid"], inserted)
        else:
            if present:
                self._remove_port(port.name, present)
            names = _names_for_controllers(step)
            settings: Row = {"external_ids": to_map(names)} if names else {}
            new = self._new_port(port.name, port.bridge, {port.name: settings}, columns)
            self._joining.setdefault(port.bridge, []).append(new)
        self._mirror_to(port, on=step.mirrored)

    def _mirror_to(self, port: GuestPort, *, on: bool) -> None:
        row: Row = {"select_vlan": port.tag or 0}
        if not on:
            self._remove_mirror(port.name, port.bridge)
        elif port.name in self._tables.mirrors:
            self._update("Mirror", self._tables.mirrors[port.name], row)
        else:
            row |= {"name": port.name, "select_all": True, "output_port": self._tables.ports[port.name].uuid}
            uuid = self._tables.mirrors[port.name] = self._insert("Mirror", row)
            self._mutate("Bridge", self._bridge(port.bridge)["_uuid"], [["mirrors", "insert", to_set([uuid])]])

    def _remove_mirror(self, port: str, bridge: str) -> None:
        mirror = self._tables.mirrors.pop(port, None)
        if mirror:
            self._mutate("Bridge", self._bridge(bridge)["_uuid"], [["mirrors", "delete", to_set([mirror])]])

    def _new_port(self, name: str, bridge: str, interfaces: dict[str, Row], columns: Row) -> Json:
        if name in self._tables.ports:
            self._refuse(f"port {name} exists already on bridge {self._tables.ports[name].bridge}")
        members = []
        if name in interfaces:
            self._check_link(name)
        for interface, settings in interfaces.items():
            if interface in self._tables.interfaces:
                self._refuse(f"interface {interface} is in use by another port")
            if settings.get("type") == "internal" and interface in self._reserved:
                self._refuse(f"there is a link {interface} already")
            uuid = self._insert("Interface", {"name": interface, **settings})
            members.append(uuid)
            self._tables.interfaces[interface] = {"_uuid": uuid, "type": settings.get("type", "")}
            self._made[interface] = self._step
        uuid = self._insert("Port", {"name": name, "interfaces": to_set(members), **columns})
        self._tables.ports[name] = PortRow(uuid, bridge, tuple(interfaces), {})
        return uuid

    def _remove_port(self, name: str, port: PortRow) -> None:
        self._join()
        self._remove_mirror(name, port.bridge)
        self._mutate("Bridge", self._bridge(port.bridge)["_uuid"], [["ports", "delete", to_set([port.uuid])]])
        self._forget(name)

    def _forget(self, name: str) -> None:
        if name in self._tables.hands_off:
            self._remove_hands_off(name)
        port = self._tables.ports.pop(name)
        self._tables.mirrors.pop(name, None)
        self.frees_nics |= any(self._tables.interfaces[member].get("type") != "internal" for member in port.interfaces)
        for interface in port.interfaces:
            self._tables.interfaces.pop(interface)
            self._made.pop(interface, None)
        self._gone.update((name, *port.interfaces))

    def _remove_hands_off(self, port: str) -> None:
        """Remove our QoS row of a port; if other ports use it, remove only our mark."""
        is_shared = self._tables.has_qos_of(port)
        uuid = self._tables.hands_off.pop(port)
        # The port is deleted only when the transaction ends, which is too late for the row that it refers to.
        self._update("Port", self._tables.ports[port].uuid, {"qos": to_set([])})
        if is_shared:
            self._mutate("QoS", uuid, [["external_ids", "delete", to_set([PORT_KEY])]])
        else:
            self._put({"op": "delete", "table": "QoS", "where": [["_uuid", "==", uuid]]})

    def _join(self) -> None:
        for bridge, ports in self._joining.items():
            self._mutate("Bridge", self._bridge(bridge)["_uuid"], [["ports", "insert", to_set(ports)]])
        self._joining.clear()

    # -- lookups

    def _bridge(self, name: str) -> Row:
        if name not in self._tables.bridges:
            self._refuse(f"there is no bridge {name}")
        return self._tables.bridges[name]

    def _port(self, name: str) -> PortRow:
        if name not in self._tables.ports or name in self._tables.bridges:
            self._refuse(f"there is no port {name}")
        return self._tables.ports[name]

    def _internal(self, name: str) -> Json:
        interface = self._tables.interfaces.get(name, {})
        if interface.get("type") != "internal":
            self._refuse(f"there is no internal port {name}")
        return interface["_uuid"]

    def _check_link(self, name: str, *, mtu: int = DEFAULT_MTU, mac: str = "") -> None:
        """Refuse values that ovs-vswitchd would accept, but then only log an error or truncate."""
        if len(name) > LINK_NAME_MAX:
            self._refuse(f"{name} is longer than the {LINK_NAME_MAX} characters of a link's name")
        if not MTU_MIN <= mtu <= INTERNAL_MTU_MAX:
            self._refuse(f"the MTU of {name} must be between {MTU_MIN} and {INTERNAL_MTU_MAX}")
        if mac and int(mac[:2], 16) & 1:
            self._refuse(f"{mac} is a multicast address")

    def _note_mtu(self, bridge: str, mtu: int) -> None:
        in_kernel = self._tables.bridges.get(bridge, {}).get("datapath_type") != "netdev"
        self.asks_kernel_for_mtu |= in_kernel and mtu != DEFAULT_MTU

    def _refuse(self, reason: str) -> None:
        raise OvsStepError(self._step, reason)

    # -- operations

    def _insert(self, table: str, row: Row) -> Json:
        name = f"row{len(self._operations)}"
        self._put({"op": "insert", "table": table, "row": row, "uuid-name": name})
        return ["named-uuid", name]

    def _update(self, table: str, uuid: Json, row: Row) -> None:
        self._put({"op": "update", "table": table, "where": [["_uuid", "==", uuid]], "row": row})

    def _mutate(self, table: str, uuid: Json, mutations: Sequence[Json]) -> None:
        self._put({"op": "mutate", "table": table, "where": [["_uuid", "==", uuid]], "mutations": list(mutations)})

    def _own(self, table: str, uuid: Json, owner: str) -> None:
        """Change our mark and leave all other external_ids."""
        mutations: list[Json] = [["external_ids", "delete", to_set([OWNER_KEY])]]
        if owner:
            mutations.append(["external_ids", "insert", to_map(_marks(owner))])
        self._mutate(table, uuid, mutations)

    def _put(self, operation: Operation) -> None:
        self._operations.append(operation)
        self._steps.append(self._step)


def _port_columns(port: OvsPort) -> Row:
    """The columns of Port that a plan sets.

    With a tag and trunks the tag is the native VLAN; OVS would ignore the trunks otherwise.
    """
    return {
        "tag": _optional(port.tag),
        "trunks": to_set(port.trunks),
        "vlan_mode": _optional("native-untagged" if port.tag is not None and port.trunks else None),
        "bond_mode": _optional(port.bond_mode or None),
        "lacp": _optional(port.lacp if port.lacp != "off" else None),
        **{column: int(port.options.get(column, "0")) for column in COLUMNS},
        "other_config": to_map({key: value for key, value in port.options.items() if key not in COLUMNS}),
    }


def _marks(owner: str) -> dict[str, str]:
    return {OWNER_KEY: owner} if owner else {}


def _optional(value: Json) -> Json:
    return to_set([] if value is None else [value])


def _names_for_controllers(step: PlugGuest) -> dict[str, str]:
    return {"iface-id": step.interface_id, "attached-mac": step.mac} if step.interface_id else {}
