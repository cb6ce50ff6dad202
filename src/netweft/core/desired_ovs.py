"""The desired host with Open vSwitch: a bridge over each NIC or bond, an internal port for each of its networks."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from netweft.core.errors import HostError
from netweft.core.host import Host, Nic, OvsBridge, OvsPort
from netweft.core.intent import network_mtu
from netweft.core.kept import SHARED
from netweft.core.lasting_macs import nic_mac, ovs_bond_mac
from netweft.core.limits import LINK_NAME_MAX
from netweft.core.options import bond_mode, bond_options
from netweft.core.ovs_bonds import OVS_MODES, ovs_bond

if TYPE_CHECKING:
    from netweft.core.desired_base import Attached, Base
    from netweft.core.intent import BondIntent, NetworkIntent


class IntentError(HostError):
    """No host can have the desired state; a rule should have refused it."""

    code = "ACTION_TYPE_FAILED_HOST_INTENT"


def ovs_bridge_name(base: str) -> str:
    """The name of the OVS bridge over a NIC or bond: ``br-eth1``, or a short one when that is too long."""
    name = f"br-{base}"
    return name if len(name) <= LINK_NAME_MAX else f"br-{crc32(base.encode()):08x}"


def ovs_carrier(network: NetworkIntent) -> str:
    """The name of the link that carries a network's addresses."""
    return network.host_side_name


def ovs_links(base: Base, report: Host, datapath: str) -> Host:
    """The OVS bridge of one NIC or bond with its ports. Raises IntentError for a bond mode that Open vSwitch lacks."""
    bond, bridge = base.bond, ovs_bridge_name(base.name)
    interfaces = tuple(sorted(bond.slaves)) if bond else (base.name,)
    uplink = (
        _bond(bond, bridge, interfaces)
        if bond
        else OvsPort(name=base.name, owner=SHARED, bridge=bridge, interfaces=interfaces)
    )
    mac = ovs_bond_mac(report, bond, bridge) if bond else nic_mac(report, base.name)
    ports = [uplink, *(_port(attached, bridge, mac) for attached in base.networks)]
    return Host(
        nics={name: Nic(name=name, owner=SHARED, mtu=base.mtu, shaping=base.shaping) for name in interfaces},
        ovs_bridges={bridge: OvsBridge(name=bridge, owner=SHARED, datapath=datapath)},
        ovs_ports={port.name: port for port in ports},
    )


def _port(attached: Attached, bridge: str, mac: str) -> OvsPort:
    network = attached.network
    return OvsPort(
        name=network.host_side_name,
        owner=network.id,
        mtu=network_mtu(network),
        mac=mac,
        bridge=bridge,
        tag=network.vlan,
        **attached.addressing(),
    )


def _bond(bond: BondIntent, bridge: str, interfaces: tuple[str, ...]) -> OvsPort:
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
