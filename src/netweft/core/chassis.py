"""The host as a chassis of OVN: what its ovn-controller is to be told, from what users want and what the host has."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from netweft.core.desired_ovs import ovs_bridge_name
from netweft.core.host import Chassis

if TYPE_CHECKING:
    from collections.abc import Collection

    from netweft.core.host import Address, Host
    from netweft.core.intent import ChassisIntent, HostIntent

INTEGRATION_BRIDGE = "br-int"
"""The OVS bridge that ovn-controller makes and directs, where guests of OVN's networks are plugged in."""


def desired_chassis(intent: HostIntent, report: Host, carriers: Collection[str]) -> Chassis | None:
    """What the host's ovn-controller is to be told. ``carriers``: names of the links that have the tunnel network's
    addresses.

    It stays as it is reported while no address for the tunnels is known (DHCP has brought none yet), and where nobody
    wants a chassis unless it is ours: one that the host brought along (:mod:`netweft.core.kept`) stays, another goes.
    """
    wanted, reported = intent.chassis, report.chassis
    if wanted is None:
        is_left = reported is not None and reported.owner not in {"", *intent.kept}
        return Chassis() if is_left else reported
    address = _tunnel_address(intent, wanted, report, carriers)
    if not address:
        return reported
    return Chassis(
        owner=wanted.system_id,
        system_id=wanted.system_id,
        remote=wanted.remote,
        encap_type=wanted.encap_type,
        encap_ip=address,
        mappings=_mappings(intent, wanted),
        datapath=intent.ovs_datapath,
    )


def _tunnel_address(intent: HostIntent, wanted: ChassisIntent, report: Host, carriers: Collection[str]) -> str:
    """A static address of the tunnel network, else one that came by itself: the one in use, if it is still there."""
    static = [
        str(ip_address(ip.address))
        for attachment in intent.attachments
        if attachment.network_id == wanted.tunnel_network
        for ip in sorted(attachment.assignments, key=lambda ip: ip.version)
        if ip.method == "static"
    ]
    links = report.links()
    brought = [address for name in carriers if name in links for address in links[name].dynamic]
    known = [*static, *(address.ip for address in sorted(brought, key=_by_version))]
    in_use = report.chassis.encap_ip if report.chassis else ""
    if not static and in_use in known:
        return in_use
    return known[0] if known else ""


def _by_version(address: Address) -> tuple[int, Address]:
    return address.version, address


def _mappings(intent: HostIntent, wanted: ChassisIntent) -> dict[str, str]:
    """Only the bridges of Open vSwitch can be mapped to, and only while their networks are attached."""
    if intent.switch_type != "ovs":
        return {}
    bridges = {attachment.network_id: ovs_bridge_name(attachment.nic) for attachment in intent.attachments}
    return {name: bridges[network] for name, network in sorted(wanted.mappings.items()) if network in bridges}
