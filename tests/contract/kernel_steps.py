"""Random steps for one host: mostly sensible, some not, so that both sides get to refuse."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from netweft.core.host import Address, Bond, Bridge, Route, Rule, TrafficClass, Vlan
from netweft.core.steps import (
    AddAddress,
    AddRoute,
    AddRule,
    AddTrafficClass,
    Announce,
    CreateLink,
    DeleteLink,
    KernelStep,
    RemoveAddress,
    RemoveRoute,
    RemoveRule,
    RemoveTrafficClass,
    SetAutoconf,
    SetBondOptions,
    SetBridgeOptions,
    SetMac,
    SetMaster,
    SetMtu,
    SetOwner,
    SetTrafficClass,
    SetUp,
    StartShaping,
    StopShaping,
)

if TYPE_CHECKING:
    from random import Random

    from netweft.core.host import Host

ShapingStep: TypeAlias = StartShaping | StopShaping | AddTrafficClass | SetTrafficClass | RemoveTrafficClass

_ADDRESSES = tuple(
    Address(ip=ip, prefix=prefix)
    for ip, prefix in (
        ("192.0.2.1", 24),
        ("192.0.2.2", 24),
        ("192.0.2.2", 25),
        ("198.51.100.7", 31),
        ("203.0.113.9", 32),
        ("2001:db8:1::1", 64),
        ("2001:db8:1::2", 64),
        ("2001:db8:2::1", 48),
    )
)
_GATEWAYS = ("", "192.0.2.3", "192.0.2.200", "198.51.100.6", "203.0.113.10")
_GATEWAYS6 = ("", "2001:db8:1::9", "2001:db8:2::9", "fe80::9")
_TO = ("0.0.0.0/0", "10.0.0.0/8", "203.0.113.0/24", "192.0.2.0/24")
_TO6 = ("::/0", "2001:db8:100::/48", "2001:db8:300::/48")
_SMALL_MTUS = (1000,)
"""Without IPv6. Not on a kernel with bonds: whether their ports have it depends on what they were long before."""
_MTUS = (60, 1280, 1400, 1500, 1500, 1500, 2000, 9000, 70000)
_BRIDGE_OPTIONS = (
    {},
    {"forward_delay": "400"},
    {"priority": "4096", "hello_time": "300"},
    {"multicast_snooping": "0", "ageing_time": "0"},
    {"group_fwd_mask": "0x8", "multicast_querier": "1"},
    {"group_fwd_mask": "0x1"},
    {"no_such_option": "1"},
)
_BOND_OPTIONS = {
    "active-backup": (
        {},
        {"miimon": "100"},
        {"fail_over_mac": "active"},
        {"miimon": "150", "updelay": "300"},
        {"miimon": "100", "updelay": "300"},
        {"arp_interval": "100", "arp_ip_target": "192.0.2.9,192.0.2.8"},
        {"primary": "missing0"},
        {"num_peer_notif": "256"},
        {"miimon": "100", "arp_validate": "all"},
        {"updelay": "100"},
    ),
    "802.3ad": ({}, {"xmit_hash_policy": "layer2+3"}, {"lacp_rate": "fast"}, {"ad_actor_system": "02:00:00:00:00:0a"}),
    "balance-xor": ({}, {"xmit_hash_policy": "layer3+4"}, {"min_links": "1"}, {"lacp_rate": "fast"}),
}
_LEAST_OF_VLAN = 1280
"""The kernel has no least MTU for VLAN devices; the simulation, stricter here, has."""

MADE = ("made0", "made1", "made2", "made3")
"""Names for links that steps make."""


class Steps:
    """A source of random steps. ``kinds``: the kinds of links that the kernel can make."""

    def __init__(self, random: Random, kinds: frozenset[str]) -> None:
        self._random = random
        self._kinds = kinds
        self._mtus = _MTUS if "bond" in kinds else (*_MTUS, *_SMALL_MTUS)

    def next(self, host: Host) -> KernelStep | SetAutoconf | Announce:
        """A step for this host."""
        makers = (
            (self._create, 5),
            (self._delete, 1),
            (self._set_master, 6),
            (self._set_up, 8),
            (self._set_mtu, 4),
            (self._set_mac, 2),
            (self._set_owner, 1),
            (self._set_autoconf, 1),
            (self._set_options, 3),
            (self._add_address, 7),
            (self._remove_address, 3),
            (self._add_route, 8),
            (self._remove_route, 2),
            (self._change_rule, 3),
            (self._announce, 1),
            *(((self._shape, 4),) if "hfsc" in self._kinds else ()),
        )
        maker = self._random.choices([maker for maker, _ in makers], [weight for _, weight in makers])[0]
        return maker(host)

    def _link(self, host: Host) -> str:
        return self._random.choice([*sorted(host.links()), *sorted(host.links()), "missing0"])

    def _create(self, host: Host) -> CreateLink:
        name = self._random.choice(MADE)
        mtu = self._random.choice(self._mtus)
        mac = self._random.choice(("", "", "02:00:00:00:00:01", "03:00:00:00:00:01"))
        kind = self._random.choice(sorted(self._kinds & {"bridge", "bond", "vlan"}))
        if kind == "vlan":
            mtu = max(mtu, _LEAST_OF_VLAN)
            tag = self._random.choice((1, 2, 4094, 4095))
            # A bridge that lost its last port has no MAC at all, and a VLAN device that took that can never go up.
            bases = [name for name, link in sorted(host.links().items()) if link.mac != "00:00:00:00:00:00"]
            base = self._random.choice([*bases, "missing0"])
            return CreateLink(Vlan(name=name, owner="n1", mtu=mtu, mac=mac, base=base, tag=tag))
        if kind == "bond":
            mode = self._random.choice(sorted(_BOND_OPTIONS))
            options = self._random.choice(_BOND_OPTIONS[mode])
            return CreateLink(Bond(name=name, owner="bond", mtu=mtu, mac=mac, mode=mode, options=options))
        options = self._random.choice(_BRIDGE_OPTIONS)
        return CreateLink(
            Bridge(name=name, owner="n1", mtu=mtu, mac=mac, stp=self._random.random() < 0.3, options=options)
        )

    def _delete(self, host: Host) -> DeleteLink:
        return DeleteLink(self._random.choice([*sorted({**host.bonds, **host.vlans, **host.bridges}), "missing0"]))

    def _set_master(self, host: Host) -> SetMaster:
        masters = sorted({**host.bonds, **host.bridges})
        master = self._random.choice(["", *masters, *masters, self._link(host)])
        # The kernel would let other links into a bond too; the simulation, stricter here, wants NICs.
        return SetMaster(self._random.choice(sorted(host.nics)) if master in host.bonds else self._link(host), master)

    def _set_up(self, host: Host) -> SetUp:
        return SetUp(self._link(host), self._random.random() < 0.65)

    def _set_mtu(self, host: Host) -> SetMtu:
        name, mtu = self._link(host), self._random.choice(self._mtus)
        return SetMtu(name, max(mtu, _LEAST_OF_VLAN) if name in host.vlans else mtu)

    def _set_mac(self, host: Host) -> SetMac:
        # A bond that wears the address of its active port (fail_over_mac) takes any address, and does nothing with it.
        # Whether a VLAN device follows its base depends on whether it was ever given an address, which does not show.
        deaf = {name for name, bond in host.bonds.items() if "fail_over_mac" in bond.options} | host.vlans.keys()
        name = self._random.choice(sorted({*host.links(), "missing0"} - deaf))
        return SetMac(name, self._random.choice(("02:00:00:00:00:02", "02:00:00:00:00:03", "01:00:00:00:00:00")))

    def _set_owner(self, host: Host) -> SetOwner:
        return SetOwner(self._link(host), self._random.choice(("", "nic", "n2")))

    def _set_autoconf(self, host: Host) -> SetAutoconf:
        return SetAutoconf(self._link(host), self._random.random() < 0.5)

    def _set_options(self, host: Host) -> SetBridgeOptions | SetBondOptions:
        if host.bonds and self._random.random() < 0.5:
            bond = self._random.choice(sorted(host.bonds))
            mode = self._random.choice([host.bonds[bond].mode, host.bonds[bond].mode, "802.3ad"])
            options = self._random.choice(_BOND_OPTIONS[mode])
            return SetBondOptions(bond, tuple(sorted(options.items())))
        options = self._random.choice(_BRIDGE_OPTIONS)
        return SetBridgeOptions(self._link(host), self._random.random() < 0.3, tuple(sorted(options.items())))

    def _add_address(self, host: Host) -> AddAddress:
        bond_ports = {name for name, nic in host.nics.items() if nic.master in host.bonds}
        name = self._random.choice(sorted({*host.links(), "missing0"} - bond_ports))
        return AddAddress(name, self._random.choice(_ADDRESSES))

    def _remove_address(self, host: Host) -> RemoveAddress:
        there = [(name, address) for name, link in sorted(host.links().items()) for address in link.addresses]
        return RemoveAddress(*self._random.choice([*there, (self._link(host), self._random.choice(_ADDRESSES))]))

    def _route(self, host: Host) -> Route:
        six = self._random.random() < 0.5
        to = self._random.choice(_TO6 if six else _TO)
        # With everything on-link, which other route finds a gateway depends on metrics, and nobody wants that.
        gateways = _GATEWAYS6[1:] if to == "::/0" else _GATEWAYS6
        return Route(
            to=to,
            via=self._random.choice(gateways if six else _GATEWAYS),
            link=self._random.choice(
                sorted(name for name, link in host.links().items() if link.up and link.master not in host.bonds)
                or [self._link(host)]
            ),
            table=self._random.choice((254, 254, 1000)),
            metric=self._random.choice((0, 0, 50)),
        )

    def _add_route(self, host: Host) -> AddRoute:
        return AddRoute(self._route(host))

    def _remove_route(self, host: Host) -> RemoveRoute:
        return RemoveRoute(self._random.choice([*host.routes, self._route(host)]))

    def _change_rule(self, host: Host) -> AddRule | RemoveRule:
        prefix = self._random.choice(("10.0.0.0/8", "198.18.0.0/15", "2001:db8:100::/48"))
        ends = self._random.choice(({"source": prefix}, {"destination": prefix}))
        rule = Rule(table=self._random.choice((254, 1000)), priority=self._random.choice((100, 200)), **ends)
        if self._random.random() < 0.5:
            return AddRule(rule)
        return RemoveRule(self._random.choice([*host.rules, rule]))

    def _announce(self, host: Host) -> Announce:
        return Announce(self._link(host))

    def _shape(self, host: Host) -> ShapingStep:
        # The kernel shapes any link; the simulation, stricter here, wants NICs and bonds.
        name = self._random.choice([*sorted({**host.nics, **host.bonds}), "missing0"])
        tag = self._random.choice((0, 1, 100, 4095))
        limits = (None, 8, 800, 10**9, 34359738360, 34359738368, 9)
        traffic = TrafficClass(
            tag=self._random.choice((None, tag, tag)),
            share=self._random.choice((1, 3, 50, 100, 0, 101)),
            upper_limit=self._random.choice(limits),
            real_time=self._random.choice(limits),
        )
        steps: tuple[ShapingStep, ...] = (
            StartShaping(name, replace(traffic, tag=None)),
            AddTrafficClass(name, traffic),
            AddTrafficClass(name, traffic),
            SetTrafficClass(name, traffic),
            RemoveTrafficClass(name, tag),
            StopShaping(name),
        )
        return self._random.choice(steps)
