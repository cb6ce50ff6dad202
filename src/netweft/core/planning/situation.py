"""What a plan starts from and aims at."""

from __future__ import annotations

from collections.abc import Iterable

from netweft.core import steps as s
from netweft.core.chassis import released
from netweft.core.errors import HostError
from netweft.core.host import PROTOCOL, Bond, Bridge, Chassis, Host, Link, Nic, OvsBridge, OvsPort, Route, Vlan
from netweft.core.kernel import is_automatic, without_failover_macs
from netweft.core.options import ONLY_WITHOUT_PORTS, changed_keys
from netweft.core.world import World
from netweft.core.world_link import AnyLink, WorldLink


class PlanError(HostError):
    """No plan leads to the desired host without changing what is not ours; the text names the obstacle."""

    code = "ACTION_TYPE_FAILED_HOST_PLAN"


class Situation:
    """The host after the steps so far (``world``), and its desired state.

    ``want``: links by name, also NICs that are to be released; ``want_bridges`` and ``want_ports``: in Open vSwitch;
    ``want_chassis``: the settings of ovn-controller, None when those are not ours; ``ports``: names of links by the
    bond or bridge that they are to join; ``gone``: our links that are no longer desired; ``held``: the link that has an
    address that is to be removed from it; ``coming``: addresses that links are to get, where another link still has
    some; ``order``: names of desired links, each after those below it.
    """

    def __init__(self, current: Host, desired: Host) -> None:
        self.current = current
        self.desired = without_failover_macs(desired)
        self.world = World(current)
        self.steps: list[s.Step] = []
        self.want: dict[str, AnyLink] = {}
        self.want_bridges: dict[str, OvsBridge] = {}
        self.want_ports: dict[str, OvsPort] = {}
        self.ports: dict[str, list[str]] = {}
        self.gone: dict[str, WorldLink] = {}
        self.held: dict[str, str] = {}
        self.coming: set[str] = set()
        self._find_wanted()
        self.want_chassis = self._wanted_chassis()
        self._find_gone()
        self.order = self._in_order()

    def play(self, steps: Iterable[s.Step]) -> None:
        """Decide on steps, each of which may depend on what became of the host by those before it."""
        for step in steps:
            self.steps.append(step)
            self.world.apply(step)

    def _find_wanted(self) -> None:
        self._find_wanted_nics()
        desired = self.desired
        links: tuple[AnyLink, ...] = (
            *desired.bonds.values(),
            *desired.vlans.values(),
            *desired.bridges.values(),
        )
        for link in links:
            if self._is_managed(link.name, link.owner):
                self.want[link.name] = link
        for name, bridge in desired.ovs_bridges.items():
            if self._is_managed(name, bridge.owner):
                self.want_bridges[name] = bridge
        for name, port in desired.ovs_ports.items():
            if self._is_port_managed(port):
                self.want_ports[name] = port
                if port.is_internal:
                    self.want[name] = port
        for name, link in self.want.items():
            if link.master:
                self.ports.setdefault(link.master, []).append(name)

    def _find_wanted_nics(self) -> None:
        for name, nic in self.desired.nics.items():
            mine = self.world.links.get(name)
            if nic.owner or (mine is not None and mine.owner):
                if mine is None or not isinstance(mine.value, Nic):
                    raise PlanError(
                        f"There is no NIC {name} on the host; attach its networks elsewhere, or put the NIC back."
                    )
                self.want[name] = nic

    def _wanted_chassis(self) -> Chassis | None:
        there, desired = self.world.chassis, self.desired.chassis
        if there is None and desired is not None and desired.owner:
            raise PlanError("There is no Open vSwitch on the host, so it cannot be an OVN chassis; install it first.")
        if there is None or not (there.owner or (desired is not None and desired.owner)):
            return None
        return desired if desired is not None else released(there)

    def _is_managed(self, name: str, owner: str) -> bool:
        """Whether a desired virtual link is ours to create or change. Raises PlanError when its name belongs to
        something that is not ours.
        """
        world = self.world
        mine = world.links.get(name) or world.ovs_bridges.get(name)
        if mine is not None and not isinstance(getattr(mine, "value", None), Nic) and mine.owner:
            return True
        if owner and mine is not None and self._takes_over(name):
            return True
        if owner and (mine is not None or name in world.guests or name in self.current.unmanaged):
            raise PlanError(f"{name} exists on the host and was not made by Netweft; rename or remove it there first.")
        return bool(owner)

    def _takes_over(self, name: str) -> bool:
        """Whether an unmanaged link becomes ours. Raises PlanError when it cannot become the desired one as it is."""
        if name not in self.desired.taken_over:
            return False
        desired, world = self.desired, self.world
        want, link = desired.links().get(name), world.links.get(name)
        bridge, there = desired.ovs_bridges.get(name), world.ovs_bridges.get(name)
        port, old = desired.ovs_ports.get(name), world.ovs_ports.get(name)
        fits = (want is None) == (link is None) and (bridge is None) == (there is None)
        if want is not None and link is not None:
            fits = fits and not is_another(want, link.value)
        if bridge is not None and there is not None:
            fits = fits and bridge.datapath == there.datapath
        if port is not None and old is not None:
            fits = fits and (port.bridge, port.interfaces) == (old.bridge, old.interfaces)
        if not fits:
            raise PlanError(f"{name} was not made by Netweft, and cannot be taken over: it is of another kind.")
        return True

    def _is_port_managed(self, port: OvsPort) -> bool:
        if port.is_internal:
            return self._is_managed(port.name, port.owner)
        mine = self.world.ovs_ports.get(port.name)
        if mine is not None and port.owner and not mine.owner and not self._takes_over(port.name):
            raise PlanError(
                f"OVS port {port.name} exists on the host and was not made by Netweft; remove it there first."
            )
        return bool(port.owner or (mine is not None and mine.owner))

    def _find_gone(self) -> None:
        """Our links that are no longer desired: virtual ones to delete, NICs to release."""
        for name, link in self.world.links.items():
            want = self.want.get(name)
            if link.owner and want is None:
                if isinstance(link.value, Nic):
                    self.want[name] = Nic(name=name, up=link.up, mac=link.value.facts.permanent_mac)
                else:
                    self.gone[name] = link
            if link.owner or want is not None:
                kept = want.addresses if want is not None else ()
                for address in link.addresses:
                    if address not in kept:
                        self.held[address.ip] = name
        if self.held:
            self.coming = {address.ip for want in self.want.values() for address in want.addresses}

    def _in_order(self) -> list[str]:
        """Desired links, each after those below it; those that get an address from another link last of their kind."""
        depths: dict[str, int] = {}

        def depth(name: str) -> int:
            found = depths.get(name)
            if found is None:
                depths[name] = -1
                link = self.want[name]
                lower = [name for name in self._below(link) if name in self.want]
                found = depths[name] = 1 + max(map(depth, lower), default=0)
            if found < 0:
                raise PlanError(f"{name} depends on itself.")
            return found

        held = self.held
        rank = {Bond: 0, Nic: 1, OvsPort: 2}
        keyed = []
        for name, link in self.want.items():
            receives = bool(held) and any(address.ip in held for address in link.addresses)
            kind = rank.get(type(link))
            keyed.append((kind if kind is not None else 2 + depth(name), receives, name))
        return [name for _, _, name in sorted(keyed)]

    def _below(self, link: AnyLink) -> list[str]:
        if isinstance(link, Vlan):
            return [link.base]
        return self.ports.get(link.name, []) if isinstance(link, Bridge) else []

    def is_stale(self, name: str) -> bool:
        """Whether a link of that name exists that cannot become the desired one."""
        link, want = self.world.links.get(name), self.want[name]
        return link is not None and link.value is not want and is_another(want, link.value)

    def is_route_managed(self, route: Route) -> bool:
        """Whether a route is ours to make or remove."""
        is_ours = route.protocol == PROTOCOL or route.link in self.want or route.link in self.gone
        return is_ours and not is_automatic(route, self.want.get(route.link))


def is_another(want: Link, there: Link) -> bool:
    """Whether an existing link cannot become the desired one, and would have to be created again."""
    match want, there:
        case (Nic(), Nic()) | (Bridge(), Bridge()):
            return False
        case (Bond() as new, Bond() as old):
            return new.mode != old.mode or bool(changed_keys(old.options, new.options) & ONLY_WITHOUT_PORTS)
        case (Vlan() as new, Vlan() as old):
            return (new.base, new.tag) != (old.base, old.tag)
        case (OvsPort() as new, OvsPort() as old):
            return new.bridge != old.bridge
        case _:
            return True
