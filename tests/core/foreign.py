"""What somebody may do to a host by hand, as steps: for a simulation to play, or for a real host to suffer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hosts import simulate
from netweft.core import steps as s
from netweft.core.host import PROTOCOL, Address, Bridge, Chassis, GuestPort, Host, OvsPort, Route, Rule, TrafficClass
from netweft.core.simulate import StepRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

ELSEWHERE = Address(ip="198.51.100.77", prefix=24)
ELSEWHERE6 = Address(ip="2001:db8:77::7", prefix=64)


class Foreigner:
    """A source of changes. ``ovs``: those of Open vSwitch, too; ``dhcp``: those of DHCP clients and resolvers."""

    def __init__(self, random: Random, *, ovs: bool = True, dhcp: bool = True) -> None:
        self._random = random
        self._makers: list[Callable[[Host], s.Step | None]] = [
            self._up,
            self._mtu,
            self._mac,
            self._free,
            self._delete,
            self._address,
            self._no_address,
            self._route,
            self._no_route,
            self._rule,
            self._no_rule,
            self._bond_options,
            self._bridge_options,
            self._owner,
            self._autoconf,
            self._theirs,
            self._shaping,
        ]
        self._makers += (
            [self._ovs_port, self._ovs_port, self._no_ovs_port, self._ovs_bridge, self._chassis] if ovs else []
        )
        self._makers += [self._dhcp, self._dns] if dhcp else []

    def step(self, host: Host) -> s.Step | None:
        """A change that makes sense on this host; None when the one that was thought of does not."""
        return self._random.choice(self._makers)(host)

    def _one(self, values: Sequence[Any]) -> Any:  # whatever is in the sequence
        return self._random.choice(values) if values else None

    def _link(self, host: Host) -> str:
        return str(self._one(sorted(host.links())))

    def _up(self, host: Host) -> s.Step:
        name = self._link(host)
        return s.SetUp(name, not host.links()[name].up)

    def _mtu(self, host: Host) -> s.Step:
        return s.SetMtu(self._link(host), self._one((1300, 1400, 1500, 9000)))

    def _mac(self, host: Host) -> s.Step:
        return s.SetMac(self._link(host), "02:00:00:00:77:01")

    def _free(self, host: Host) -> s.Step | None:
        name = self._one([name for name, link in sorted(host.links().items()) if link.master])
        return s.SetMaster(name, "") if name else None

    def _delete(self, host: Host) -> s.Step | None:
        name = self._one(sorted({**host.bonds, **host.vlans, **host.bridges}))
        return s.DeleteLink(name) if name else None

    def _address(self, host: Host) -> s.Step:
        return s.AddAddress(self._link(host), self._one((ELSEWHERE, ELSEWHERE6)))

    def _no_address(self, host: Host) -> s.Step | None:
        there = [(name, address) for name, link in sorted(host.links().items()) for address in link.addresses]
        return s.RemoveAddress(*self._one(there)) if there else None

    def _route(self, host: Host) -> s.Step:
        table, protocol = self._one((254, 1000)), self._one((4, PROTOCOL))
        return s.AddRoute(Route(to="203.0.113.0/24", link=self._link(host), table=table, protocol=protocol))

    def _no_route(self, host: Host) -> s.Step | None:
        route = self._one(host.routes)
        return s.RemoveRoute(route) if route else None

    def _rule(self, _host: Host) -> s.Step:
        return s.AddRule(Rule(table=1000, priority=77, source="203.0.113.0/24", protocol=self._one((4, PROTOCOL))))

    def _no_rule(self, host: Host) -> s.Step | None:
        rule = self._one(host.rules)
        return s.RemoveRule(rule) if rule else None

    def _bond_options(self, host: Host) -> s.Step | None:
        bond = self._one(sorted(host.bonds))
        return s.SetBondOptions(bond, self._one(((), (("miimon", "300"),)))) if bond else None

    def _bridge_options(self, host: Host) -> s.Step | None:
        bridge = self._one(sorted(host.bridges))
        if bridge is None:
            return None
        return s.SetBridgeOptions(bridge, self._one((True, False)), self._one(((), (("forward_delay", "500"),))))

    def _owner(self, host: Host) -> s.Step | None:
        name = self._one(sorted({**host.nics, **host.bonds, **host.vlans, **host.bridges}))
        return s.SetOwner(name, self._one(("", "somebody")))

    def _autoconf(self, host: Host) -> s.Step:
        name = self._link(host)
        return s.SetAutoconf(name, not host.links()[name].autoconf)

    def _theirs(self, _host: Host) -> s.Step:
        return s.CreateLink(Bridge(name="docker0", mac="02:00:00:00:77:02"))

    def _shaping(self, host: Host) -> s.Step | None:
        shaped = [(name, link.shaping) for name, link in sorted({**host.nics, **host.bonds}.items()) if link.shaping]
        if not shaped:
            return None
        name, classes = self._one(shaped)
        other = TrafficClass(tag=self._one(classes).tag, share=77)
        return self._one((s.StopShaping(name), s.SetTrafficClass(name, other)))  # type: ignore[no-any-return] # of these two

    def _ovs_port(self, host: Host) -> s.Step | None:
        name = self._one(sorted(host.ovs_ports))
        if name is None:
            return None
        port = host.ovs_ports[name]
        others = [replace(port, tag=77), replace(port, trunks=(77,)), replace(port, options={"stp-enable": "false"})]
        if len(port.interfaces) > 1:
            others.append(replace(port, bond_mode="balance-slb", lacp="off"))
        return s.SetOvsPort(self._one(others))

    def _no_ovs_port(self, host: Host) -> s.Step | None:
        name = self._one(sorted(host.ovs_ports))
        return s.DeleteOvsPort(name) if name else None

    def _ovs_bridge(self, host: Host) -> s.Step | None:
        name = self._one(sorted(host.ovs_bridges))
        if name is None:
            return None
        bridge = host.ovs_bridges[name]
        changes = (s.SetOvsBridge(replace(bridge, stp=True)), s.DeleteOvsBridge(name))
        return self._one((*changes, s.CreateOvsPort(OvsPort(name="theirs0", bridge=name))))  # type: ignore[no-any-return] # of these

    def _chassis(self, host: Host) -> s.Step | None:
        told = host.chassis
        if told is None:
            return None
        changes = (
            replace(told, remote="tcp:203.0.113.7:6642"),
            replace(told, mappings={"theirs": "br-theirs"}),
            replace(told, owner=""),
            Chassis(),
        )
        return s.SetChassis(self._one(changes))

    def _dhcp(self, host: Host) -> s.Step:
        return s.SetDhcp(self._link(host), dhcp4=self._one((True, False)), dhcp6=self._one((True, False)))

    def _dns(self, _host: Host) -> s.Step:
        return s.SetDns(self._one((None, ("192.0.2.77",))))


def meddle(random: Random, host: Host, most: int = 4) -> Host:
    """The host after up to so many changes by somebody, and with other things that come and go by themselves."""
    source = Foreigner(random)
    for _ in range(random.randint(0, most)):
        step = source.step(host)
        if step is not None:
            try:
                host = simulate(host, step)
            except StepRefusedError:
                continue
    return _breathe(random, host)


def _breathe(random: Random, host: Host) -> Host:
    """Carriers, leases, ports of guests and links of unknown kinds: none of them is configuration."""
    for link in host.links().values():
        lease = (Address(ip="100.64.0.7", prefix=10),) if random.random() < 0.3 else link.dynamic
        host = host.with_link(replace(link, carrier=random.random() < 0.7, dynamic=lease))
    port = GuestPort(name="vnet0", vnic="v", bridge=random.choice(("", *host.bridges, *host.ovs_bridges)))
    return replace(host, guest_ports={"vnet0": port}, unmanaged=("wg0",))
