"""The settings of the host's ovn-controller, from the intent and the host's report."""

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

_NAME = "/"
"""In a mark, between the host's id in the engine and the name of a chassis that is called otherwise."""


def desired_chassis(intent: HostIntent, report: Host, carriers: Collection[str]) -> Chassis | None:
    """The desired settings of the host's ovn-controller. ``carriers``: names of the links that have the tunnel
    network's addresses.

    They stay as reported while no address for the tunnels is known (before DHCP has assigned one). Without a desired
    chassis, one of ours is removed, unless it was kept from another engine (:mod:`netweft.core.kept`).
    """
    desired, reported = intent.chassis, report.chassis
    if desired is None:
        return reported if reported is None or reported.owner in {"", *intent.kept} else released(reported)
    address = _tunnel_address(intent, desired, report, carriers)
    if not address:
        return reported
    owner, system_id = _name(desired, reported or Chassis())
    return Chassis(
        owner=owner,
        system_id=system_id,
        remote=desired.remote,
        encap_type=desired.encap_type,
        encap_ip=address,
        mappings=_mappings(intent, desired),
        datapath=intent.ovs_datapath,
    )


def released(chassis: Chassis) -> Chassis:
    """What is left of a chassis of ours: its name, without which ovn-controller complains without a pause."""
    return Chassis(system_id=chassis.system_id)


def _name(desired: ChassisIntent, reported: Chassis) -> tuple[str, str]:
    """The mark, and the name of the chassis: the desired name, unless the host was a chassis before we managed it. Such
    a chassis keeps its name, which the mark then contains after ours: renaming a running chassis interrupts its guests'
    ports and its tunnels (ovn-controller(8), external_ids:system-id), now and when it is given back. A chassis with the
    mark of another host is a copy of that, and gets a name of its own; so does one whose name another host has.
    """
    host, _, name = reported.owner.partition(_NAME)
    if desired.is_copy:
        name = ""
    elif not reported.owner and reported.remote and reported.encap_ip:
        name = reported.system_id
    elif host != desired.system_id:
        name = ""
    return (f"{desired.system_id}{_NAME}{name}", name) if name else (desired.system_id, desired.system_id)


def _tunnel_address(intent: HostIntent, desired: ChassisIntent, report: Host, carriers: Collection[str]) -> str:
    """A static address of the tunnel network, else a dynamic one: the one in use, if it still exists."""
    static = [
        str(ip_address(ip.address))
        for attachment in intent.attachments
        if attachment.network_id == desired.tunnel_network
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


def _mappings(intent: HostIntent, desired: ChassisIntent) -> dict[str, str]:
    """Only the bridges of Open vSwitch can be mapped to, and only while their networks are attached."""
    if intent.switch_type != "ovs":
        return {}
    bridges = {attachment.network_id: ovs_bridge_name(attachment.nic) for attachment in intent.attachments}
    return {name: bridges[network] for name, network in sorted(desired.mappings.items()) if network in bridges}
