"""Random hosts and intents, for every suite that wants some. All values are ones that a real host can have."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import strategies as st

from netweft.core.desired import desired_host
from netweft.core.host import (
    Address,
    Bond,
    Bridge,
    Chassis,
    Host,
    Nic,
    NicFacts,
    OvsBridge,
    OvsPort,
    Route,
    Rule,
    TrafficClass,
    Vlan,
)
from netweft.core.intent import (
    AttachmentIntent,
    BondIntent,
    ChassisIntent,
    HostIntent,
    HostQos,
    IpAssignment,
    NetworkIntent,
)
from netweft.core.plan import plan
from netweft.core.simulate import simulate_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

NICS = ("eth0", "eth1", "eth2", "averylongnic0")
MTUS = (0, 1280, 1500, 9000)
OWNERS = ("net-a", "net-b", "net-c", "base")


def mac_of(index: int) -> str:
    """The permanent MAC address of the NIC with that number."""
    return f"02:00:00:00:00:{index:02x}"


def machine(names: Sequence[str] = NICS, **fields: Any) -> Host:  # any field of Nic
    """A machine as it is when nobody has configured anything."""
    return Host(
        nics={
            name: Nic(name=name, mac=mac_of(i), facts=NicFacts(permanent_mac=mac_of(i)), **fields)
            for i, name in enumerate(names)
        },
        chassis=Chassis(),
    )


# What users want


def _assignments(random: Random, number: int) -> tuple[IpAssignment, ...]:
    """IP configuration of the network with that number; static subnets of different networks do not overlap."""
    found = []
    match random.choice(("", "", "static", "gateway", "dhcp")):
        case "static":
            found.append(IpAssignment(method="static", address=f"10.0.{number}.5", prefix=24))
        case "gateway":
            found.append(
                IpAssignment(method="static", address=f"10.0.{number}.5", prefix=24, gateway=f"10.0.{number}.1")
            )
        case "dhcp":
            found.append(IpAssignment(method="dhcp"))
    match random.choice(("", "", "static", "gateway", "autoconf", "poly_dhcp_autoconf")):
        case "static":
            found.append(IpAssignment(version=6, method="static", address=f"fd00:{number}::5", prefix=64))
        case "gateway":
            ip = IpAssignment(
                version=6, method="static", address=f"fd00:{number}::5", prefix=64, gateway=f"fd00:{number}::1"
            )
            found.append(ip)
        case "autoconf" | "poly_dhcp_autoconf" as method:
            found.append(IpAssignment(version=6, method=method))
    return tuple(found)


def _bonds(random: Random, nics: Sequence[str], modes: Sequence[str]) -> tuple[BondIntent, ...]:
    """No bond, or one of two or three of the NICs."""
    if len(nics) < 2 or not random.random() < 0.5:
        return ()
    slaves = random.sample(nics, random.randint(2, min(3, len(nics))))
    mode = random.choice(modes)
    options = {"mode": mode, **random.choice(({}, {"miimon": "100"}, {"miimon": "250", "updelay": "500"}))}
    if mode in {"4", "802.3ad"}:
        options |= random.choice(({}, {"lacp_rate": "1"}, {"xmit_hash_policy": "2"}))
    if mode == "1":
        options |= random.choice(({}, {"fail_over_mac": "1"}, {"primary": slaves[-1]}))
    return (BondIntent(id="id-bond0", name=random.choice(("bond0", "bond1")), slaves=tuple(slaves), options=options),)


def fork(random: Random) -> Random:
    """Another source, so that what is drawn of it changes nothing of what the first one gives."""
    return copy(random)


def random_qos(random: Random) -> HostQos | None:
    """No QoS, or one within the rules."""
    if random.random() < 0.7:
        return None
    real_time = random.choice((None, 1, 500))
    return HostQos(
        link_share=random.choice((1, 50, 100)), upper_limit=random.choice((None, 500, 17179)), real_time=real_time
    )


def random_chassis(random: Random, networks: Sequence[str]) -> ChassisIntent | None:
    """No chassis, or one whose tunnels end at one of the networks, which may have no address."""
    if not networks or random.random() < 0.5:
        return None
    return ChassisIntent(
        system_id=random.choice(("host-1", "host-2")),
        remote=random.choice(("ssl:192.0.2.1:6642", "tcp:192.0.2.2:6642")),
        tunnel_network=random.choice(networks),
        mappings={name: random.choice((*networks, "elsewhere")) for name in random.sample(("physnet1", "physnet2"), 1)},
    )


def random_intent(
    random: Random, nics: Sequence[str] = NICS, *, switch_types: Sequence[str] = ("legacy", "ovs"), most: int = 5
) -> HostIntent:
    """What somebody may want of a host with those NICs, within the rules that the engine checks."""
    switch_type = random.choice(switch_types)
    modes = ("1", "4", "802.3ad") if switch_type == "ovs" else ("0", "1", "2", "4", "active-backup")
    some_bonds = _bonds(random, nics, modes)
    slaves = {slave for bond in some_bonds for slave in bond.slaves}
    bases = [*(nic for nic in nics if nic not in slaves), *(bond.name for bond in some_bonds)]
    networks, attachments = [], []
    untagged_mtu: dict[str, int] = {}
    taken: set[tuple[str, int | None]] = set()
    for number in range(random.randint(0, most)):
        base = random.choice(bases)
        vlan = random.choice((None, 100, 200, 4094))
        if (base, vlan) in taken:
            continue
        taken.add((base, vlan))
        mtu = untagged_mtu.setdefault(base, random.choice(MTUS))
        vm = random.random() < 0.5
        network = NetworkIntent(
            id=f"id-{number}",
            name=f"network {number}",
            host_side_name=f"net{number}",
            vlan=vlan,
            mtu=mtu,
            vm=vm,
            stp=vm and random.random() < 0.5,
            dns=random.choice(((), ("192.0.2.53",))),
        )
        properties = {"bridge_opts": "forward_delay=400 group_fwd_mask=8"} if vm and random.random() < 0.5 else {}
        ip = _assignments(random, number)
        networks.append(network)
        attachments.append(
            AttachmentIntent(id=f"at-{number}", network_id=network.id, nic=base, assignments=ip, properties=properties)
        )
    default = random.choice(("", *(network.id for network in networks)))
    apart = fork(random)
    return HostIntent(
        switch_type=switch_type,  # type: ignore[arg-type] # one of the two
        networks=tuple(replace(network, qos=random_qos(apart)) for network in networks),
        attachments=tuple(replace(attachment, qos=random_qos(apart)) for attachment in attachments),
        bonds=some_bonds,
        default_route_network=default,
        ovs_datapath="netdev",
        chassis=random_chassis(apart, [network.id for network in networks]) if "ovs" in switch_types else None,
    )


# What hosts are like

THEIR_CHASSIS = Chassis(
    system_id="theirs",
    remote="tcp:198.51.100.1:6642",
    encap_type="geneve,vxlan",
    encap_ip="198.18.0.1",
    mappings={"public": "br-ex"},
)
"""What somebody told ovn-controller by hand."""


def random_machine(random: Random, nics: Sequence[str] = NICS) -> Host:
    """A machine before we come: some NICs have addresses and routes that somebody gave them, and there are links that
    are not ours.
    """
    host = machine(nics)
    changed, routes = dict(host.nics), []
    for number, name in enumerate(nics):
        up = random.random() < 0.5
        addresses = random.choice(
            ((), (Address(ip=f"10.0.{number}.5", prefix=24),), (Address(ip=f"192.0.2.{number + 1}", prefix=28),))
        )
        changed[name] = replace(changed[name], up=up, addresses=addresses, mtu=random.choice((1500, 1500, 9000)))
        if up and addresses and random.random() < 0.5:
            routes.append(Route(to=f"172.16.{number}.0/24", link=name, via=f"{addresses[0].ip[:-1]}9"[:15], protocol=4))
    vlans, bridges = {}, {}
    if random.random() < 0.5:
        name = random.choice(nics)
        base = changed[name]
        vlans["theirs"] = Vlan(name="theirs", base=name, tag=77, up=base.up, mac=base.mac, mtu=1500)
    if random.random() < 0.5:
        bridges["virbr0"] = Bridge(
            name="virbr0", mac="02:00:00:00:77:00", addresses=(Address(ip="198.18.0.1", prefix=24),), stp=True
        )
        routes.append(Route(to="198.18.9.0/24", link="virbr0", via="198.18.0.9", protocol=3))
    told = fork(random).choice((Chassis(), Chassis(system_id="debian"), THEIR_CHASSIS))
    return replace(host, nics=changed, vlans=vlans, bridges=bridges, routes=tuple(sorted(routes)), chassis=told)


def random_managed(random: Random, nics: Sequence[str] = NICS, **kinds: Any) -> Host:  # passed on to intents()
    """A host that we made something of: the desired host of some intent, reached from an untouched machine."""
    start = random_machine(random, nics)
    return simulate_all(start, plan(start, desired_host(random_intent(random, nics, **kinds), start)))


def random_host(random: Random, nics: Sequence[str] = NICS, *, ovs: bool = True) -> Host:
    """Any state that a kernel and an OVSDB can be in with those NICs, everything ours; stranger than what desired_host
    asks for.
    """
    return _Draft(random, nics).host(ovs=ovs)


class _Draft:
    """A host being drawn: parts are made lower ones first, and each is used at most once from above, except by VLAN
    devices.
    """

    def __init__(self, random: Random, nics: Sequence[str]) -> None:
        self.random = random
        owner = self._one(OWNERS)
        self.links: dict[str, Any] = {
            name: Nic(name=name, owner=owner, mac=mac_of(i), facts=NicFacts(permanent_mac=mac_of(i)))
            for i, name in enumerate(nics)
        }
        self.free = list(nics)
        self.ovs_bridges: dict[str, OvsBridge] = {}
        self.ovs_ports: dict[str, OvsPort] = {}

    def _one(self, values: Sequence[Any]) -> Any:  # whatever is in the sequence
        return self.random.choice(values)

    def _some(self, values: Sequence[str], most: int) -> list[str]:
        return self.random.sample(values, self.random.randint(0, min(most, len(values))))

    def host(self, *, ovs: bool) -> Host:
        for name in self._some(("bond0", "br0"), 2):
            (self._bond if name == "bond0" else self._bridge)(name)
        for number in range(self._one((0, 1, 2, 3))):
            self._vlan(number)
        for name in self._some(("br1", "v1"), 2):
            self._bridge(name)
        if ovs:
            for name in self._some(("sw0", "br1"), 2):
                self._switch(name)
        self._mtus()
        self._shaping()
        self._addresses()
        return replace(self._finished(), chassis=self._chassis() if ovs else None)

    def _chassis(self) -> Chassis:
        apart = fork(self.random)
        remote, address = (
            apart.choice(("ssl:192.0.2.1:6642", "tcp:192.0.2.2:6642")),
            apart.choice(("10.1.0.1", "10.1.1.1")),
        )
        mappings = {f"physnet{n}": bridge for n, bridge in enumerate(sorted(self.ovs_bridges)) if apart.random() < 0.7}
        ours = Chassis(
            owner="host-1",
            system_id="host-1",
            remote=remote,
            encap_type="geneve",
            encap_ip=address,
            mappings=mappings,
            datapath="netdev",
        )
        return apart.choice((Chassis(), THEIR_CHASSIS, ours, ours))

    def _bond(self, name: str) -> None:
        ports = self._some(self.free, 3)
        mode = self._one(("balance-rr", "active-backup", "802.3ad"))
        options = self._one(
            (
                {},
                {"miimon": "250"},
                {"fail_over_mac": "follow"}
                if mode == "active-backup"
                else {"lacp_rate": "fast"}
                if mode == "802.3ad"
                else {},
            )
        )
        self.links[name] = Bond(
            name=name, owner=self._one(OWNERS), mode=mode, options=options, mac=self._one(("", mac_of(0x50)))
        )
        self._enslave(ports, name)
        self.free.append(name)

    def _enslave(self, ports: list[str], master: str) -> None:
        for port in ports:
            self.free.remove(port)
            self.links[port] = replace(self.links[port], master=master, mac="")

    def _vlan(self, number: int) -> None:
        base = self._one(
            [
                name
                for name in self.links
                if not self.links[name].master or not isinstance(self.links.get(self.links[name].master), Bond)
            ]
        )
        tag = self._one((1, 100, 200))
        if any(isinstance(other, Vlan) and (other.base, other.tag) == (base, tag) for other in self.links.values()):
            return
        name = f"v{number}"
        self.links[name] = Vlan(name=name, owner=self._one(OWNERS), base=base, tag=tag)
        self.free.append(name)

    def _bridge(self, name: str) -> None:
        if name in self.links:
            return
        ports = [port for port in self._some(self.free, 2) if not isinstance(self.links[port], Bridge)]
        self.links[name] = Bridge(
            name=name,
            owner=self._one(OWNERS),
            stp=self._one((False, True)),
            options=self._one(({}, {"priority": "4096"}, {"ageing_time": "500"})),
            mac=self._one(("", mac_of(0x60))),
        )
        for port in ports:
            self.free.remove(port)
            self.links[port] = replace(self.links[port], master=name)

    def _switch(self, name: str) -> None:
        if name in self.links:
            return
        self.ovs_bridges[name] = OvsBridge(
            name=name, owner=self._one(OWNERS), datapath="netdev", stp=self._one((False, True))
        )
        doors = [door for door in self._some(self.free, 2) if isinstance(self.links[door], Nic | Bond)]
        for door in doors:
            self.free.remove(door)
        common = {"owner": self._one(OWNERS), "bridge": name}
        if len(doors) == 2 and self._one((False, True)):
            port = f"pair-{name}"
            mode = self._one(("active-backup", "balance-slb"))
            self.ovs_ports[port] = OvsPort(name=port, interfaces=tuple(sorted(doors)), bond_mode=mode, **common)
        else:
            for door in doors:
                trunks = self._one(((), (100, 200)))
                self.ovs_ports[door] = OvsPort(name=door, interfaces=(door,), trunks=trunks, **common)
        for port in self._some(("int0", "int1", "v2"), 2):
            if port not in self.links:
                self.links[port] = OvsPort(
                    name=port, tag=self._one((None, 0, 100)), mac=self._one(("", mac_of(0x70))), **common
                )

    def _mtus(self) -> None:
        """VLAN devices have at most the MTU of their base, ports of bonds that of the bond."""
        for name in list(self.links):
            link = self.links[name]
            if isinstance(link, Vlan):
                most = self.links[link.base].mtu
                mtu = self._one([mtu for mtu in (1000, 1280, 1500, 9000) if mtu <= most])
                up = self.links[link.base].up and self._one((True, True, False))
            else:
                mtu, up = self._one((1000, 1500, 1500, 9000)), self._one((True, True, False))
            self.links[name] = replace(link, mtu=mtu, up=up)
            if isinstance(link, Bond):
                for port in [port for port in self.links.values() if port.master == name]:
                    self._limit(port.name, mtu)

    def _shaping(self) -> None:
        apart = fork(self.random)
        bases = [name for name, link in self.links.items() if isinstance(link, Nic | Bond)]
        for name in apart.sample(bases, apart.choice((0, 1, 2))):
            tags = [None, *sorted(apart.sample((0, 1, 100, 4094), apart.choice((0, 1, 3))))]
            classes = tuple(
                TrafficClass(
                    tag=tag,
                    share=apart.choice((1, 50, 100)),
                    upper_limit=apart.choice((None, 800, 10**9, 34359738360)),
                    real_time=apart.choice((None, 8, 10**6)),
                )
                for tag in tags
            )
            self.links[name] = replace(self.links[name], shaping=classes)

    def _limit(self, name: str, mtu: int) -> None:
        self.links[name] = replace(self.links[name], mtu=mtu, up=True)

    def _addresses(self) -> None:
        pool = [Address(ip=f"10.1.{n}.1", prefix=24) for n in range(3)]
        pool += [Address(ip=f"fd00:1:{n + 1}::1", prefix=64) for n in range(3)]
        for address in pool:
            name = self._one(["", *self.links])
            if name and (address.version == 4 or self._takes_ipv6(self.links[name])):
                link = self.links[name]
                self.links[name] = replace(link, addresses=tuple(sorted((*link.addresses, address))))
        for name in self._some(list(self.links), 2):
            ipv6 = self.links[name].mtu >= 1280
            dhcp4, dhcp6, autoconf = (
                self._one((True, False)),
                self._one((True, False)),
                ipv6 and self._one((True, False)),
            )
            leased_default = dhcp4 and mac_of(0) == self.links[name].mac
            self.links[name] = replace(
                self.links[name], dhcp4=dhcp4, dhcp6=dhcp6, leased_default=leased_default, autoconf=autoconf
            )

    def _takes_ipv6(self, link: Any) -> bool:  # any kind of link
        return bool(link.up and link.mtu >= 1280)

    def _routes(self) -> tuple[Route, ...]:
        routes = {}
        for link in self.links.values():
            for address in link.addresses if link.up else ():
                if self._one((True, False)):
                    gateway = f"{address.ip[:-1]}9"
                    to = self._one(("0.0.0.0/0", "172.16.0.0/16") if address.version == 4 else ("::/0", "fd77::/32"))
                    route = Route(
                        to=to, link=link.name, via=gateway, table=self._one((254, 1000)), metric=self._one((0, 50))
                    )
                    routes[route.to, route.table, route.metric] = route
        return tuple(sorted(routes.values()))

    def _finished(self) -> Host:
        internal = {n: x for n, x in self.links.items() if isinstance(x, OvsPort)}
        rules = [Rule(table=1000, priority=3200, source=f"10.1.{n}.0/24") for n in range(2) if self._one((True, False))]
        return Host(
            nics={n: x for n, x in self.links.items() if isinstance(x, Nic)},
            bonds={n: x for n, x in self.links.items() if isinstance(x, Bond)},
            vlans={n: x for n, x in self.links.items() if isinstance(x, Vlan)},
            bridges={n: x for n, x in self.links.items() if isinstance(x, Bridge)},
            ovs_bridges=self.ovs_bridges,
            ovs_ports={**self.ovs_ports, **internal},
            routes=self._routes(),
            rules=tuple(sorted(rules)),
            dns=self._one((None, ("192.0.2.53",), ("192.0.2.53", "2001:db8::53"))),
        )


sources = st.randoms(use_true_random=False)
"""Sources of randomness that hypothesis decides about: what they led to it makes smaller."""


def _made(make: Callable[[Random], T]) -> SearchStrategy[T]:
    return sources.map(make)


intents = _made(random_intent)
machines = _made(random_machine)
managed_hosts = _made(random_managed)
hosts = _made(random_host)
