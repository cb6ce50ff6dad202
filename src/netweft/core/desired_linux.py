"""The desired host with Linux bridges: VLAN devices over NICs and bonds, a bridge for each VM network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from zlib import crc32

from netweft.core.host import Bond, Bridge, Host, Nic, Vlan
from netweft.core.intent import NetworkIntent, network_mtu
from netweft.core.kept import SHARED
from netweft.core.lasting_macs import bond_mac, nic_mac
from netweft.core.limits import LINK_NAME_MAX
from netweft.core.options import bond_mode, bond_options, bridge_options

if TYPE_CHECKING:
    from netweft.core.desired_base import Attached, Base
    from netweft.core.intent import BondIntent


def vlan_name(base: str, tag: int) -> str:
    """The name of the VLAN device: ``eth1.100``, or a short one that depends on nothing else when that is too long for
    the kernel.
    """
    name = f"{base}.{tag}"
    return name if len(name) <= LINK_NAME_MAX else f"vl{crc32(base.encode()):08x}.{tag}"


def linux_carrier(network: NetworkIntent, base: str) -> str:
    """The name of the link that carries a network's addresses."""
    if network.vm:
        return network.host_side_name
    return base if network.vlan is None else vlan_name(base, network.vlan)


def linux_links(base: Base, report: Host) -> Host:
    """The links of one NIC or bond and of its networks."""
    mac = bond_mac(report, base.bond) if base.bond else nic_mac(report, base.name)
    slaves = base.bond.slaves if base.bond else ()
    nics = {name: Nic(name=name, owner=SHARED, mtu=base.mtu, master=base.name) for name in slaves}
    bridges = [_bridge(attached, mac) for attached in base.networks if attached.network.vm]
    vlans = [
        _vlan(attached, base.name, attached.network.vlan)
        for attached in base.networks
        if attached.network.vlan is not None
    ]
    under = _under(base, mac)
    return Host(
        nics=nics if isinstance(under, Bond) else nics | {under.name: under},
        bonds={under.name: under} if isinstance(under, Bond) else {},
        vlans={vlan.name: vlan for vlan in vlans},
        bridges={bridge.name: bridge for bridge in bridges},
    )


def _under(base: Base, mac: str) -> Bond | Nic:
    """The NIC or bond itself; an untagged network is on it, or its bridge has it as a port."""
    under: Bond | Nic = (
        _bond(base.bond, base.mtu, mac) if base.bond else Nic(name=base.name, owner=SHARED, mtu=base.mtu)
    )
    under = replace(under, shaping=base.shaping)
    for attached in base.networks:
        network = attached.network
        if network.vlan is not None:
            continue
        if network.vm:
            under = replace(under, master=network.host_side_name)
        else:
            under = replace(under, owner=network.id, **attached.addressing())
    return under


def _bond(bond: BondIntent, mtu: int, mac: str) -> Bond:
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


def _bridge(attached: Attached, mac: str) -> Bridge:
    network = attached.network
    return Bridge(
        name=network.host_side_name,
        owner=network.id,
        mtu=network_mtu(network),
        mac=mac,
        stp=network.stp,
        options=bridge_options(attached.attachment.properties.get("bridge_opts", "")),
        **attached.addressing(),
    )


def _vlan(attached: Attached, base: str, tag: int) -> Vlan:
    network = attached.network
    return Vlan(
        name=vlan_name(base, tag),
        owner=network.id,
        mtu=network_mtu(network),
        master=network.host_side_name if network.vm else "",
        base=base,
        tag=tag,
        **({} if network.vm else attached.addressing()),
    )
