"""Plugging guests' links into the host's bridges: the same for a veth's end and for a tap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netweft.agent import netlink as nl
from netweft.agent.dumps import dump_links
from netweft.agent.guests import mirror, trunks, veth
from netweft.agent.ovsdb import PlugGuest, UnplugGuest
from netweft.core.host import GuestPort

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from netweft.agent.dumps import RawLink
    from netweft.agent.ovsdb import Ovsdb
    from netweft.core.guest_protocol import GuestNic


def ovs_bridges(ovsdb: Ovsdb | None) -> frozenset[str]:
    """The names of the host's OVS bridges. Raises OvsdbError."""
    return frozenset(ovsdb.observe()[0]) if ovsdb else frozenset()


def check(netlink: nl.Netlink, ovsdb: Ovsdb | None, nics: Iterable[GuestNic]) -> None:
    """Raises ValueError when the host has not what one of the vNICs is to be plugged into."""
    on_ovs = ovs_bridges(ovsdb)
    links = {link.name: link for link in dump_links(netlink)}
    for nic in nics:
        if nic.bridge not in on_ovs:
            _linux_bridge(nic, links)


def plug(netlink: nl.Netlink, ovsdb: Ovsdb | None, nics: Sequence[GuestNic]) -> None:
    """Plug the host's ends into their bridges; first out of another one, as a link can be in one only. vNICs that are
    virtual functions have none.

    Raises ValueError when a bridge is missing, CableError, MirrorError, OvsdbError, OvsStepError.
    """
    on_ovs = ovs_bridges(ovsdb)
    links = {link.name: link for link in dump_links(netlink)}
    nics = [nic for nic in nics if not nic.function]
    others = [nic for nic in nics if nic.bridge not in on_ovs]
    bridges = {nic.id: _linux_bridge(nic, links) for nic in others}
    _execute(ovsdb, [UnplugGuest(veth.host_end(nic.id)) for nic in others])
    has_trunks = trunks.set_trunks(
        netlink, others, links.values()
    )  # first, so that no port ever carries more than it shall
    for nic in nics:
        link = links.get(veth.host_end(nic.id))
        if link is None:
            raise ValueError(f"vNIC {nic.name} cannot be plugged in: its link no longer exists")
        veth.set_up_host_end(netlink, link, nic, bridges.get(nic.id))
    _execute(ovsdb, [_ovs_step(nic) for nic in nics if nic.bridge in on_ovs])
    if has_trunks:
        trunks.set_trunks(netlink, others, dump_links(netlink))
    mirrors = {veth.host_end(nic.id): nic.bridge for nic in others if nic.mirrored and nic.bridge}
    mirror.set_mirrors(netlink, mirrors, [veth.host_end(nic.id) for nic in nics])


def unplug_from_ovs(ovsdb: Ovsdb | None, vnics: Iterable[str]) -> None:
    """Remove the ports of vNICs from Open vSwitch, where they outlive their links.

    Raises OvsdbError, OvsStepError.
    """
    _execute(ovsdb, [UnplugGuest(veth.host_end(vnic)) for vnic in vnics])


def _execute(ovsdb: Ovsdb | None, steps: Sequence[PlugGuest | UnplugGuest]) -> None:
    if steps and ovsdb:
        ovsdb.execute(steps)


def _linux_bridge(nic: GuestNic, links: Mapping[str, RawLink]) -> RawLink | None:
    if not nic.bridge:
        return None
    bridge = links.get(nic.bridge)
    if bridge is None or bridge.kind != "bridge":
        raise ValueError(f"vNIC {nic.name} cannot be plugged in: this host has no bridge {nic.bridge}")
    if nic.tag is not None:
        raise ValueError(
            f"vNIC {nic.name} cannot be in VLAN {nic.tag}: {nic.bridge} is a Linux bridge, its VLAN is below"
        )
    problem = trunks.problem(nic, bridge, links.values())
    if problem:
        raise ValueError(f"vNIC {nic.name} cannot be a VLAN trunk: {problem}")
    return bridge


def _ovs_step(nic: GuestNic) -> PlugGuest:
    port = GuestPort(name=veth.host_end(nic.id), vnic=nic.id, bridge=nic.bridge, tag=nic.tag)
    return PlugGuest(port, nic.isolated, nic.trunks, nic.mirrored, nic.port, nic.mac if nic.port else "")
