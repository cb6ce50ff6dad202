"""From what users want of one host (networks, attachments, bonds) to the host as a value."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any
from zlib import adler32, crc32

from netweft.core.errors import HostError
from netweft.core.host import (
    MEGABIT,
    NAME_MAX,
    Address,
    Bond,
    Bridge,
    Host,
    Nic,
    OvsBridge,
    OvsPort,
    Route,
    Rule,
    TrafficClass,
    Vlan,
)
from netweft.core.intent import (
    IPV4,
    AttachmentIntent,
    BondIntent,
    HostIntent,
    HostQos,
    NetworkIntent,
    effective_qos,
    network_mtu,
)
from netweft.core.kept import SHARED, keep
from netweft.core.lasting_macs import bond_mac, nic_mac, ovs_bond_mac
from netweft.core.limits import DEFAULT_MTU
from netweft.core.options import bond_mode, bond_options, bridge_options
from netweft.core.ovs_bonds import OVS_MODES, ovs_bond
from netweft.core.shaping import by_tag, rest_of

RULE_PRIORITY = 3200
"""Priority of the rules that lead to a network's own routing table; after the local table, before the main one (as VDSM
has it).
"""

_RESERVED_TABLES = range(256)
"""Routing tables that an administrator or the kernel may use: unspec, 1 to 252 by hand, default, main, local."""


class IntentError(HostError):
    """What is wanted cannot be had on any host; a rule should have said so before."""

    code = "ACTION_TYPE_FAILED_HOST_INTENT"


def vlan_name(base: str, tag: int) -> str:
    """The name of the VLAN device: ``eth1.100``, or a short one that depends on nothing else when that is too long for
    the kernel.
    """
    name = f"{base}.{tag}"
    return name if len(name) <= NAME_MAX else f"vl{crc32(base.encode()):08x}.{tag}"


def ovs_bridge_name(base: str) -> str:
    """The name of the OVS bridge over a NIC or bond: ``br-eth1``, or a short one when that is too long."""
    name = f"br-{base}"
    return name if len(name) <= NAME_MAX else f"br-{crc32(base.encode()):08x}"


def desired_host(intent: HostIntent, report: Host) -> Host:
    """The host as it should be, given what it reports (its NICs and their MAC addresses, and what is there that is not
    ours).

    NICs that we used and use no more are in it as released; NICs that were never ours are in it as reported; so are the
    networks that the host brought along. Raises IntentError for a bond mode that Open vSwitch does not have.
    """
    return keep(_Builder(intent, report).host(), report, intent.kept)


def traffic_class(tag: int | None, qos: HostQos) -> TrafficClass:
    """A QoS as a host knows it; without a share (which rules ask for) the smallest one."""
    return TrafficClass(
        tag=tag,
        share=qos.link_share or 1,
        upper_limit=qos.upper_limit and qos.upper_limit * MEGABIT,
        real_time=qos.real_time and qos.real_time * MEGABIT,
    )


class _Builder:
    def __init__(self, intent: HostIntent, report: Host) -> None:
        self.intent = intent
        self.report = report
        self.networks = {network.id: network for network in intent.networks}
        self.on: dict[str, list[AttachmentIntent]] = {bond.name: [] for bond in intent.bonds}
        for attachment in intent.attachments:
            self.on.setdefault(attachment.nic, []).append(attachment)
        self.nics: dict[str, Nic] = {}
        self.bonds: dict[str, Bond] = {}
        self.vlans: dict[str, Vlan] = {}
        self.bridges: dict[str, Bridge] = {}
        self.ovs_bridges: dict[str, OvsBridge] = {}
        self.ovs_ports: dict[str, OvsPort] = {}
        self.routes: list[Route] = []
        self.rules: list[Rule] = []
        self.dns: tuple[str, ...] = ()

    def host(self) -> Host:
        bonds = {bond.name: bond for bond in self.intent.bonds}
        build = self._build_legacy if self.intent.switch_type == "legacy" else self._build_ovs
        for base in sorted(self.on):
            build(base, bonds.get(base), self._base_mtu(base))
        for name, nic in self.report.nics.items():
            if name not in self.nics:
                self.nics[name] = Nic(name=name, mac=nic.facts.permanent_mac, facts=nic.facts) if nic.owner else nic
        return Host(
            nics=self.nics,
            bonds=self.bonds,
            vlans=self.vlans,
            bridges=self.bridges,
            ovs_bridges=self.ovs_bridges,
            ovs_ports=self.ovs_ports,
            routes=tuple(sorted(self.routes)),
            rules=tuple(sorted(self.rules)),
            dns=self.dns or None,
        )

    def _base_mtu(self, base: str) -> int:
        """An untagged network has the MTU of its NIC; tagged ones fit into it, as do VLAN devices there that are not
        ours.
        """
        networks = [self.networks[attachment.network_id] for attachment in self.on[base]]
        most = max(map(network_mtu, networks), default=DEFAULT_MTU)
        if any(network.vlan is None for network in networks):
            return most
        others = [vlan.mtu for vlan in self.report.vlans.values() if vlan.base == base and not vlan.owner]
        return max(DEFAULT_MTU, most, *others)

    def _shaping(self, base: str) -> tuple[TrafficClass, ...]:
        """A class for each network with QoS. What is left goes with the untagged one's, else it gets the largest share
        (as VDSM has it).
        """
        classes = {}
        for attachment in self.on[base]:
            network = self.networks[attachment.network_id]
            qos = effective_qos(attachment, network)
            if qos is not None:
                classes[network.vlan] = traffic_class(network.vlan, qos)
        if classes and None not in classes:
            classes[None] = rest_of(classes.values())
        return by_tag(classes.values())

    # Linux bridges and VLAN devices

    def _build_legacy(self, base: str, bond: BondIntent | None, mtu: int) -> None:
        mac = bond_mac(self.report, bond) if bond else nic_mac(self.report, base)
        under: Bond | Nic = self._bond(bond, mtu, mac) if bond else Nic(name=base, owner=SHARED, mtu=mtu)
        under = replace(under, shaping=self._shaping(base))
        for attachment in self.on[base]:
            network = self.networks[attachment.network_id]
            net_mtu = network_mtu(network)
            ip = self._ip(attachment)
            bridge = ""
            if network.vm:
                bridge = network.host_side_name
                options = bridge_options(attachment.properties.get("bridge_opts", ""))
                self.bridges[bridge] = Bridge(
                    name=bridge, owner=network.id, mtu=net_mtu, mac=mac, stp=network.stp, options=options, **ip
                )
                self._route(attachment, network, bridge)
                ip = {}
            if network.vlan is not None:
                name = vlan_name(base, network.vlan)
                self.vlans[name] = Vlan(
                    name=name, owner=network.id, mtu=net_mtu, master=bridge, base=base, tag=network.vlan, **ip
                )
                if not bridge:
                    self._route(attachment, network, name)
            elif bridge:
                under = replace(under, master=bridge)
            else:
                under = replace(under, owner=network.id, **ip)
                self._route(attachment, network, base)
        if isinstance(under, Bond):
            self.bonds[base] = under
        else:
            self.nics[base] = under

    def _bond(self, bond: BondIntent, mtu: int, mac: str) -> Bond:
        for slave in bond.slaves:
            self.nics[slave] = Nic(name=slave, owner=SHARED, mtu=mtu, master=bond.name)
        options = bond_options(bond.options)
        follows = options.get("fail_over_mac", "none") != "none"
        return Bond(
            name=bond.name,
            owner=SHARED,
            mtu=mtu,
            mac="" if follows else mac,
            mode=bond_mode(bond.options.get("mode", "")) or "balance-rr",
            options=options,
        )

    # Open vSwitch

    def _build_ovs(self, base: str, bond: BondIntent | None, mtu: int) -> None:
        bridge = ovs_bridge_name(base)
        interfaces = tuple(sorted(bond.slaves)) if bond else (base,)
        shaping = self._shaping(base)
        for interface in interfaces:
            self.nics[interface] = Nic(name=interface, owner=SHARED, mtu=mtu, shaping=shaping)
        self.ovs_bridges[bridge] = OvsBridge(name=bridge, owner=SHARED, datapath=self.intent.ovs_datapath)
        uplink = (
            self._ovs_bond(bond, bridge, interfaces)
            if bond
            else OvsPort(name=base, owner=SHARED, bridge=bridge, interfaces=interfaces)
        )
        self.ovs_ports[uplink.name] = uplink
        mac = ovs_bond_mac(self.report, bond, bridge) if bond else nic_mac(self.report, base)
        for attachment in self.on[base]:
            network = self.networks[attachment.network_id]
            name = network.host_side_name
            self.ovs_ports[name] = OvsPort(
                name=name,
                owner=network.id,
                mtu=network_mtu(network),
                mac=mac,
                bridge=bridge,
                tag=network.vlan,
                **self._ip(attachment),
            )
            self._route(attachment, network, name)

    def _ovs_bond(self, bond: BondIntent, bridge: str, interfaces: tuple[str, ...]) -> OvsPort:
        mode = bond_mode(bond.options.get("mode", ""))
        if mode not in OVS_MODES:
            raise IntentError(
                f"Bond {bond.name} has mode {mode or 'balance-rr'}, which Open vSwitch lacks; use mode 1, 2 or 4."
            )
        if len(interfaces) == 1:
            return OvsPort(name=interfaces[0], owner=SHARED, bridge=bridge, interfaces=interfaces)
        settings = ovs_bond(mode, bond_options(bond.options))
        return OvsPort(
            name=bond.name,
            owner=SHARED,
            bridge=bridge,
            interfaces=interfaces,
            bond_mode=settings.bond_mode,
            lacp=settings.lacp,
            options=settings.options,
        )

    # Addresses, routes, resolvers

    def _ip(self, attachment: AttachmentIntent) -> dict[str, Any]:
        """The fields of a link that the attachment's assignments fill."""
        if not attachment.assignments:
            return {}
        fields: dict[str, Any] = {}
        addresses = []
        for ip in attachment.assignments:
            if ip.method == "static":
                addresses.append(Address(ip=str(ip_address(ip.address)), prefix=ip.prefix))
            elif ip.version == IPV4:
                fields["dhcp4"] = ip.method == "dhcp"
                has_default = attachment.network_id == self.intent.default_route_network
                fields["leased_default"] = fields["dhcp4"] and has_default
            else:
                fields["dhcp6"] = ip.method in {"dhcp", "poly_dhcp_autoconf"}
                fields["autoconf"] = ip.method in {"autoconf", "poly_dhcp_autoconf"}
        fields["addresses"] = tuple(sorted(addresses))
        return fields

    def _route(self, attachment: AttachmentIntent, network: NetworkIntent, link: str) -> None:
        """Routes over the link that carries the network's addresses; with the default route come the resolvers."""
        has_default = network.id == self.intent.default_route_network
        if has_default:
            self.dns = attachment.dns or network.dns
        for ip in attachment.assignments:
            if ip.method != "static" or not ip.gateway:
                continue
            gateway = str(ip_address(ip.gateway))
            to = "0.0.0.0/0" if ip.version == IPV4 else "::/0"
            if has_default:
                self.routes.append(Route(to=to, link=link, via=gateway))
                continue
            table = self._table(link)
            subnet = Address(ip=ip.address, prefix=ip.prefix).network
            self.routes.append(Route(to=to, link=link, via=gateway, table=table))
            self.routes.append(Route(to=subnet, link=link, table=table))
            self.rules.append(Rule(table=table, priority=RULE_PRIORITY, source=subnet))
            self.rules.append(Rule(table=table, priority=RULE_PRIORITY, destination=subnet))

    def _table(self, link: str) -> int:
        """A routing table of the link's own: its number follows from the link's name (as VDSM has it), so it stays from
        one time to the next.
        """
        table = adler32(link.encode())
        return table if table not in _RESERVED_TABLES else table + len(_RESERVED_TABLES)
