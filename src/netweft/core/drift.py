"""The differences between a host and its desired state: what :func:`~netweft.core.plan.plan` would change, grouped by
attachment, NIC and guest.

The host is compared with the very value that a setup would send. So a host drifts exactly when a setup without changes
would have steps to do; what the plan tolerates (carriers, what DHCP and router advertisements assign, unmanaged links)
is no drift. Guest drivers, never plans, create the ports of guests: these are compared with what the driver was sent,
and the driver repairs them, as it plugs its guests in again after each change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from netweft.core.compare import CHASSIS, Difference, compare, field_difference
from netweft.core.desired import desired_host
from netweft.core.desired_ovs import ovs_bridge_name
from netweft.core.errors import HostError
from netweft.core.guest_protocol import GuestState
from netweft.core.host import GuestPort, Host
from netweft.core.inherited import real_name
from netweft.core.intent import HostIntent
from netweft.core.plan import plan

_IP_FIELDS = frozenset({"addresses", "dhcp4", "dhcp6", "leased_default", "autoconf"})
"""The fields of a NIC or bond that depend on the untagged network; all networks there share the rest."""

_NAMED = 3
"""Differences that an event names."""

Differences = tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Everything that differs.

    ``attachments``: by their ids, what belongs to one network: its bridge, VLAN device, port, addresses, routes.
    ``bases``: by name of a used NIC or bond, what all its networks share: the NIC or bond itself, its ports, its OVS
    bridge. ``guest_ports``: by vNIC. ``host``: the rest, for example remains of removed networks. ``obstacle``: why no
    plan repairs it, a sentence; empty when one does.
    """

    attachments: Mapping[str, Differences] = field(default_factory=dict)
    bases: Mapping[str, Differences] = field(default_factory=dict)
    guest_ports: Mapping[str, Differences] = field(default_factory=dict)
    host: Differences = ()
    obstacle: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether the host is in its desired state."""
        return not (self.attachments or self.bases or self.guest_ports or self.host or self.obstacle)

    def differences(self) -> Differences:
        """All of them; those of shared NICs and bonds first."""
        groups = (*self.bases.values(), *self.attachments.values(), *self.guest_ports.values(), self.host)
        return tuple(one for group in groups for one in group)

    def lines(self) -> tuple[str, ...]:
        """A sentence for each difference, and the obstacle."""
        obstacle = (self.obstacle,) if self.obstacle else ()
        return (*(one.text for one in self.differences()), *obstacle)

    def counted(self, ignored: Collection[str]) -> tuple[str, ...]:
        """Those of the lines that count while the differences with the texts ``ignored`` do not. An obstacle does not
        count when all that it is in the way of is ignored.
        """
        texts = tuple(one.text for one in self.differences())
        counted = tuple(text for text in texts if text not in ignored)
        is_in_the_way = bool(self.obstacle) and (bool(counted) or not texts)
        return (*counted, self.obstacle) if is_in_the_way else counted

    def on(self, names: Collection[str]) -> Differences:
        """The differences of attachments (by their ids), NICs and bonds (by their names)."""
        groups = {**self.bases, **self.attachments}
        return tuple(one for name in names for one in groups.get(name, ()))


def first_of(lines: Sequence[str]) -> str:
    """The first of a drift's lines, and how many more there are, for an event."""
    rest = f" (and {len(lines) - _NAMED} more)" if len(lines) > _NAMED else ""
    return f"{'; '.join(lines[:_NAMED])}{rest}"


def find_drift(intent: HostIntent, report: Host, guests: Iterable[GuestState] = ()) -> Drift:
    """The differences between the reported host and its desired state. ``guests``: those on it, as their drivers report
    them.
    """
    guest_ports = _guest_ports(report.guest_ports, guests)
    try:
        desired = desired_host(intent, report)
    except HostError as error:
        return Drift(guest_ports=guest_ports, obstacle=error.text)
    found = _without_twins(compare(desired, report, takes_unknown=False))
    if not found:
        return Drift(guest_ports=guest_ports)
    sorter = _Sorter(intent, desired, report)
    for difference in found:
        sorter.put(difference)
    return Drift(
        attachments=_frozen(sorter.attachments),
        bases=_frozen(sorter.bases),
        guest_ports=guest_ports,
        host=tuple(sorter.rest),
        obstacle=_obstacle(report, desired),
    )


def _obstacle(report: Host, desired: Host) -> str:
    try:
        plan(report, desired)
    except HostError as error:
        return error.text
    return ""


def _without_twins(differences: Iterable[Difference]) -> list[Difference]:
    """An internal port of Open vSwitch is also a link: a difference of the port is not repeated for the link."""
    found = list(differences)
    ports = {(one.name, one.field) for one in found if one.part == "OVS port"}
    return [one for one in found if one.part != "link" or (one.name, one.field) not in ports]


def _frozen(groups: Mapping[str, list[Difference]]) -> dict[str, Differences]:
    return {name: tuple(group) for name, group in groups.items()}


class _Sorter:
    """Finds out whose each difference is."""

    def __init__(self, intent: HostIntent, desired: Host, report: Host) -> None:
        self.attachments: dict[str, list[Difference]] = {}
        self.bases: dict[str, list[Difference]] = {}
        self.rest: list[Difference] = []
        self._of_network = {one.network_id: one.id for one in intent.attachments}
        self._default_route = intent.default_route_network
        self._base_of = _bases(intent)
        self._owners = {**_owners(report), **_owners(desired)}
        self._link_of = {route.table: route.link for host in (report, desired) for route in host.routes}

    def put(self, difference: Difference) -> None:
        base = self._base_of.get(difference.name, "") if difference.part != CHASSIS else ""
        attachment = self._of_network.get(self._network(difference), "")
        if base and not (difference.field in _IP_FIELDS and attachment):
            self.bases.setdefault(base, []).append(difference)
        elif attachment:
            self.attachments.setdefault(attachment, []).append(difference)
        else:
            self.rest.append(difference)

    def _network(self, difference: Difference) -> str:
        """The id of the network that it is about, or something that is no such id."""
        if difference.part == CHASSIS:
            return ""
        if difference.part == "resolvers":
            return self._default_route
        name = self._link_of.get(difference.table, "") if difference.part == "rule" else difference.name
        return self._owners.get(name, "")


def _bases(intent: HostIntent) -> dict[str, str]:
    """The NIC or bond below networks, by the name of each of its parts."""
    names = {*(one.nic for one in intent.attachments), *(bond.name for bond in intent.bonds)}
    found = {slave: bond.name for bond in intent.bonds for slave in bond.slaves}
    found |= {name: name for name in names}
    if intent.switch_type == "ovs":
        found |= {real_name(intent, ovs_bridge_name(name)): name for name in names}
    return found


def _owners(host: Host) -> dict[str, str]:
    """The marks of what is ours, by name."""
    parts: Iterable[Mapping[str, object]] = (host.links(), host.ovs_bridges, host.ovs_ports)
    return {name: owner for part in parts for name, thing in part.items() if (owner := getattr(thing, "owner", ""))}


def _guest_ports(ports: Mapping[str, GuestPort], guests: Iterable[GuestState]) -> dict[str, Differences]:
    there = {port.vnic: port for port in ports.values()}
    found = {}
    for guest in guests:
        if guest.status == "up" and not (guest.migrating or guest.saving):
            for nic in guest.nics:
                if nic.bridge and not nic.function:
                    desired = GuestPort(name="", vnic=nic.id, bridge=nic.bridge, tag=nic.tag)
                    label = f"vNIC {nic.name} of guest {guest.name}"
                    if wrong := tuple(_compare_port(label, desired, there.get(nic.id))):
                        found[nic.id] = wrong
    return found


def _compare_port(label: str, desired: GuestPort, port: GuestPort | None) -> Iterator[Difference]:
    bridge, tag = (port.bridge, port.tag) if port else ("", None)
    if bridge != desired.bridge:
        yield field_difference("guest port", desired.vnic, label, "bridge", desired.bridge, bridge)
    elif tag != desired.tag:
        yield field_difference("guest port", desired.vnic, label, "tag", desired.tag, tag)
