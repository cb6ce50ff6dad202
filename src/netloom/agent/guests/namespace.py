"""Guests that are network namespaces: for the lab, the demonstration and the tests.

The guest with id ID is the namespace ``nlg-ID``, so that ``ip netns exec nlg-ID ping ...`` runs a program in it. Each
of
its vNICs is a veth; the end on the host is a port of a Linux bridge or of an Open vSwitch bridge. Both ends carry the
vNIC's id as their alias, a port of Open vSwitch in its external_ids; what a guest was asked to be is a file in the
agent's state folder.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import msgspec

from netloom.agent import netlink as nl
from netloom.agent.guests import GuestError, veth
from netloom.agent.observe import dump_links
from netloom.agent.ovsdb import OvsdbError, OvsStepError, PlugGuest, UnplugGuest
from netloom.agent.store import StoreError, replace_file
from netloom.core.host import GuestPort
from netloom.core.protocol import GuestSpec, GuestState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from netloom.agent.guests import Ended
    from netloom.agent.observe import RawLink
    from netloom.agent.ovsdb import Ovsdb
    from netloom.core.protocol import GuestNic

PREFIX = "nlg-"
"""What the namespace of a guest is called, before its id."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Ids that can be part of a file's and a namespace's name."""

_FAILURES = (OSError, OvsdbError, OvsStepError, StoreError, ValueError)


class NamespaceGuests:
    """The driver ``namespace``. ``folder``: where it keeps the specifications, one file for each guest."""

    name = "namespace"

    def __init__(self, folder: Path, ovsdb: Ovsdb | None) -> None:
        self._folder = folder
        self._ovsdb = ovsdb
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def start(self, spec: GuestSpec) -> None:
        """See GuestDriver."""
        if not _ID.fullmatch(spec.id):
            raise GuestError(f"{spec.id!r} cannot be the id of a guest: letters, digits, dots, hyphens, underscores")
        try:
            self._save(spec)
            if not self._exists(spec.id):
                _ip_netns("add", spec.id)
            self._settle(spec)
        except _FAILURES as error:
            self.stop(spec.id)
            raise GuestError(f"Guest {spec.name} cannot be started: {error}") from error

    def update(self, spec: GuestSpec) -> None:
        """See GuestDriver."""
        before = self._load(self._file(spec.id))
        try:
            self._settle(spec)
            self._save(spec)
        except _FAILURES as error:
            reason = f"The vNICs of guest {spec.name} cannot be changed: {error}"
            try:
                self._settle(before)
            except _FAILURES as second:
                raise GuestError(f"{reason}; nor can they be put back: {second}") from error
            raise GuestError(reason) from error

    def stop(self, guest_id: str) -> None:
        """See GuestDriver."""
        if not _ID.fullmatch(guest_id) or not self._file(guest_id).exists():
            return
        try:
            vnics = {nic.id for nic in self._load(self._file(guest_id)).nics}
            if self._exists(guest_id):
                vnics |= veth.inside(_namespace(guest_id), veth.cables).keys()
            with nl.Netlink() as netlink:
                self._unplug(netlink, vnics)
            if self._exists(guest_id):
                _ip_netns("delete", guest_id)
            self._file(guest_id).unlink()
        except _FAILURES as error:
            raise GuestError(f"Guest {guest_id} cannot be stopped: {error}") from error

    def list(self) -> list[GuestState]:
        """See GuestDriver."""
        return [self._state(self._load(path)) for path in sorted(self._folder.glob("*.json"))]

    def watch(self, ended: Ended) -> None:
        """See GuestDriver. A namespace never ends by itself while the host runs, so there is nothing to watch."""

    def close(self) -> None:
        """See GuestDriver."""

    def repair(self) -> None:
        """Plug every running guest in again, as after a bridge was removed and made anew. Raises GuestError."""
        problems = []
        for state in self.list():
            if state.status == "up":
                try:
                    self._settle(self._load(self._file(state.id)))
                except _FAILURES as error:
                    problems.append(f"Guest {state.name} cannot be plugged in again: {error}")
        if problems:
            raise GuestError("; ".join(problems))

    def _state(self, spec: GuestSpec) -> GuestState:
        status = "up" if self._exists(spec.id) else "down"  # namespaces do not outlive the host's boot, files do
        return GuestState(id=spec.id, name=spec.name, driver=self.name, status=status, nics=spec.nics)

    def _settle(self, spec: GuestSpec) -> None:
        """Make the guest's vNICs equal to the specification, whatever they are now."""
        namespace = _namespace(spec.id)
        wanted = {nic.id: nic for nic in spec.nics}
        with nl.Netlink() as netlink:
            present = veth.inside(namespace, veth.cables)
            self._unplug(netlink, present.keys() - wanted.keys())
            ends = veth.cables(netlink)
            for nic in spec.nics:
                if nic.id not in ends:
                    veth.lay(netlink, nic, namespace)
            veth.inside(namespace, lambda inner: veth.settle_guest_ends(inner, spec.nics))
            self._plug(netlink, spec.nics)

    def _plug(self, netlink: nl.Netlink, nics: Iterable[GuestNic]) -> None:
        """Put the host's ends where they belong: out of the wrong switch first, for a link can be in one only."""
        ovs_bridges = self._ovsdb.observe()[0] if self._ovsdb else {}
        links = {link.name: link for link in dump_links(netlink)}
        on_ovs = [nic for nic in nics if nic.bridge in ovs_bridges]
        others = [nic for nic in nics if nic.bridge not in ovs_bridges]
        bridges = {nic.id: _linux_bridge(nic, links) for nic in others}
        self._ovs(UnplugGuest(veth.host_end(nic.id)) for nic in others)
        for nic in nics:
            veth.settle_host_end(netlink, links[veth.host_end(nic.id)], nic, bridges.get(nic.id))
        self._ovs(PlugGuest(_ovs_port(nic), nic.isolated) for nic in on_ovs)

    def _unplug(self, netlink: nl.Netlink, vnics: Iterable[str]) -> None:
        ends = veth.cables(netlink)
        vnics = list(vnics)
        self._ovs(UnplugGuest(veth.host_end(vnic)) for vnic in vnics)
        for vnic in vnics:
            if vnic in ends:
                veth.remove(netlink, ends[vnic])

    def _ovs(self, steps: Iterable[PlugGuest | UnplugGuest]) -> None:
        steps = list(steps)
        if steps and self._ovsdb:
            self._ovsdb.execute(steps)

    def _exists(self, guest_id: str) -> bool:
        return (veth.NAMESPACES / _namespace(guest_id)).exists()

    def _file(self, guest_id: str) -> Path:
        return self._folder / f"{guest_id}.json"

    def _save(self, spec: GuestSpec) -> None:
        replace_file(self._file(spec.id), msgspec.json.encode(spec))

    def _load(self, path: Path) -> GuestSpec:
        try:
            return msgspec.json.decode(path.read_bytes(), type=GuestSpec)
        except (OSError, msgspec.DecodeError) as error:
            raise GuestError(f"{path}: {error}") from error


def _namespace(guest_id: str) -> str:
    return f"{PREFIX}{guest_id}"


def _linux_bridge(nic: GuestNic, links: dict[str, RawLink]) -> RawLink | None:
    if not nic.bridge:
        return None
    bridge = links.get(nic.bridge)
    if bridge is None or bridge.kind != "bridge":
        raise ValueError(f"vNIC {nic.name} cannot be plugged in: this host has no bridge {nic.bridge}")
    if nic.tag is not None:
        raise ValueError(
            f"vNIC {nic.name} cannot be in VLAN {nic.tag}: {nic.bridge} is a Linux bridge, its VLAN is below"
        )
    return bridge


def _ovs_port(nic: GuestNic) -> GuestPort:
    return GuestPort(name=veth.host_end(nic.id), vnic=nic.id, bridge=nic.bridge, tag=nic.tag)


def _ip_netns(verb: str, guest_id: str) -> None:
    """Add or delete a guest's namespace, by the program whose names for namespaces everybody uses."""
    done = subprocess.run(["ip", "netns", verb, _namespace(guest_id)], check=False, capture_output=True, text=True)  # noqa: S603, S607 - the id was checked, and the host's own PATH is meant
    if done.returncode:
        raise OSError(done.stderr.strip())
