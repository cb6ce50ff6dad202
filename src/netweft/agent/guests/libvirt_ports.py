"""The vNICs of libvirt's domains, and their ports on the host."""

from __future__ import annotations

import logging
from dataclasses import replace
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

import libvirt

from netweft.agent import netlink as nl
from netweft.agent.guests import libvirt_xml, plug, veth
from netweft.agent.guests.libvirt_errors import FAILURES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netweft.agent.guests.libvirt_connection import Connection, Domain
    from netweft.agent.ovsdb import Ovsdb
    from netweft.core.guest_protocol import GuestNic, GuestSpec

log = logging.getLogger(__name__)

RELEASE_SECONDS = 30.0
"""How long a guest may take to release a vNIC that is unplugged; one that boots does so once its system is up."""

_RETRY_SECONDS = 2.0
"""After which the request is repeated: a system that boots loses earlier requests."""

_LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE


class Ports:
    """Plugs vNICs in and out. ``driver``: the connection to libvirt; ``ovsdb``: None without Open vSwitch."""

    def __init__(self, driver: Connection, ovsdb: Ovsdb | None) -> None:
        self._connection = driver
        self._ovsdb = ovsdb
        self._removed: dict[tuple[str, str], Event] = {}

    def check(self, nics: tuple[GuestNic, ...]) -> None:
        """Raises ValueError, among others, when the host cannot plug these vNICs in."""
        with nl.Netlink() as netlink:
            plug.check(netlink, self._ovsdb, nics)

    def ovs_bridges(self) -> frozenset[str]:
        """The names of Open vSwitch's bridges."""
        return plug.ovs_bridges(self._ovsdb)

    def plug(self, nics: tuple[GuestNic, ...]) -> None:
        """Mark the taps and plug each into its bridge."""
        with nl.Netlink() as netlink:
            for nic in nics:
                if not nic.function:
                    veth.mark(netlink, nic.id)
            plug.plug(netlink, self._ovsdb, nics)

    def unplug(self, vnics: Iterable[str]) -> None:
        """Remove ports from Open vSwitch."""
        plug.unplug_from_ovs(self._ovsdb, vnics)

    def unplug_gone(self, guest_id: str, vnics: Iterable[str]) -> None:
        """Remove the ports of a guest that has left from Open vSwitch. Failures are only logged."""
        try:
            self.unplug(vnics)
        except FAILURES as error:
            log.warning("ports of guest %s: %s", guest_id, error)

    def define_filters(self, nics: tuple[GuestNic, ...]) -> None:
        """Define the filters of these vNICs that libvirt does not have."""
        if any(nic.filter == libvirt_xml.NO_MAC_SPOOFING for nic in nics):
            self._connection.define_filter(libvirt_xml.NO_MAC_SPOOFING, libvirt_xml.no_mac_spoofing())

    def make_equal(self, domain: Domain, before: GuestSpec, after: GuestSpec) -> None:
        """Make a domain's vNICs equal to a specification, whatever it has now."""
        old = {nic.id: replace(nic, leases=()) for nic in before.nics}  # leases do not concern libvirt
        ovs = self.ovs_bridges()
        present = libvirt_xml.interfaces(domain.XMLDesc())
        self.define_filters(after.nics)
        desired = {nic.id for nic in after.nics}
        for vnic in present:
            if vnic not in desired:
                self._detach(domain, vnic)
        for nic in after.nics:
            like = present.get(nic.id)
            if like is None:
                domain.attachDeviceFlags(libvirt_xml.interface(nic, ovs), _LIVE)
            elif replace(nic, leases=()) != old.get(nic.id) and not nic.function:
                if ended := libvirt_xml.ended_limits(old.get(nic.id), nic):
                    domain.setInterfaceParameters(veth.host_end(nic.id), ended, _LIVE)
                domain.updateDeviceFlags(libvirt_xml.interface(nic, ovs, like), _LIVE)
        self.plug(after.nics)

    def device_removed(self, guest_id: str, alias: str) -> None:
        """Handle the event that a guest has released a device."""
        waiting = self._removed.get((guest_id, alias))
        if waiting:
            waiting.set()

    def _detach(self, domain: Domain, vnic: str) -> None:
        """Unplug a vNIC and wait until the guest has released it. Raises ValueError when it does not."""
        key = (domain.UUIDString(), libvirt_xml.alias_of(vnic))
        gone = self._removed.setdefault(key, Event())
        try:
            until = monotonic() + RELEASE_SECONDS
            while not gone.is_set() and vnic in libvirt_xml.interfaces(domain.XMLDesc()):
                if monotonic() > until:
                    raise ValueError(f"the guest has not released vNIC {vnic} within {RELEASE_SECONDS:g} s")
                try:
                    domain.detachDeviceAlias(key[1], _LIVE)
                except libvirt.libvirtError:
                    if vnic in libvirt_xml.interfaces(domain.XMLDesc()):
                        raise
                    break  # the guest released it just before the request was repeated
                gone.wait(_RETRY_SECONDS)
        finally:
            del self._removed[key]
        self.unplug([vnic])
