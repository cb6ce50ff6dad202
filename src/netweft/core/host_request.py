"""A user's request for a host's networking (SetupNetworks), what the engine knows of the host, and the final set that
results from both.

A request names objects by id, by name, or by both; :func:`resolve` finds them without checking. The rules check
(:mod:`netweft.core.rules.setup_networks`), then :func:`final_set` is what the host's attachments and bonds would be
after the request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import TypeAlias, TypeVar

from netweft.core.host import Host
from netweft.core.host_limits import HostLimits
from netweft.core.inherited import still_inherited
from netweft.core.intent import (
    AttachmentIntent,
    BondIntent,
    HostIntent,
    HostQos,
    HostSetup,
    Inherited,
    IpAssignment,
    NetworkIntent,
)
from netweft.core.keep import KEEP, Keep, or_current
from netweft.core.kept import kept_names
from netweft.core.ovs_bonds import kernel_bond_mode, kernel_bond_options

T = TypeVar("T")

Claim: TypeAlias = tuple[str, str]
"""A static address on a network: the network's id, and the address as :func:`written`."""

DEFAULT_BOND_OPTIONS: Mapping[str, str] = {"mode": "4", "miimon": "100", "xmit_hash_policy": "2"}
"""Options of a new bond when the request gives none, as in oVirt."""

CONNECTIVITY_TIMEOUT = 120
"""Seconds within which the engine confirms a change, by default (NetworkConnectivityCheckTimeoutInSeconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A thing by id, by name or by both, as a request names it."""

    id: str = ""
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentChange:
    """A new attachment, or changes of one that exists (found by its id, else by its network; ``is_new``: there must
    be none).
    """

    id: str = ""
    is_new: bool = False
    network: Ref = field(default_factory=Ref)
    nic: Ref = field(default_factory=Ref)
    assignments: tuple[IpAssignment, ...] | Keep = KEEP
    properties: Mapping[str, str] | Keep = KEEP
    dns: tuple[str, ...] | Keep | None = KEEP
    qos: HostQos | Keep | None = KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class BondChange:
    """A new bond, or changes of one that exists. ``slaves`` and ``options`` replace what was, where they are given."""

    bond: Ref
    slaves: tuple[Ref, ...] | Keep = KEEP
    options: Mapping[str, str] | Keep = KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelChange:
    """A label for a NIC or bond; when another one of the host has it, it moves."""

    label: str
    nic: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupRequest:
    """A request for SetupNetworks. ``synchronized``: ids of attachments to be synchronized. ``inherited``: what is
    taken over, as in :class:`~netweft.core.intent.HostSetup`. ``connectivity_timeout`` in seconds.
    """

    attachments: tuple[AttachmentChange, ...] = ()
    removed: tuple[Ref, ...] = ()
    synchronized: tuple[str, ...] = ()
    bonds: tuple[BondChange, ...] = ()
    removed_bonds: tuple[Ref, ...] = ()
    removed_unmanaged: tuple[str, ...] = ()
    inherited: Mapping[str, Inherited] = field(default_factory=dict)
    labels: tuple[LabelChange, ...] = ()
    removed_labels: tuple[str, ...] = ()
    check_connectivity: bool = True
    connectivity_timeout: int = CONNECTIVITY_TIMEOUT
    commit_on_success: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkView:
    """A network as the rules need it. ``roles``: those in the host's cluster; ``users``: running guests of this host
    with a vNIC plugged into it. ``label``: empty for none. ``is_provided``: a provider has it, and not the hosts.
    """

    intent: NetworkIntent
    in_cluster: bool
    roles: frozenset[str] = frozenset()
    is_management: bool = False
    users: tuple[str, ...] = ()
    label: str = ""
    is_provided: bool = False

    @property
    def name(self) -> str:
        """Its name, for sentences."""
        return self.intent.name


@dataclass(frozen=True, slots=True, kw_only=True)
class HostView:
    """A host as the rules need it.

    ``nics``: names by id of the NICs, bonds and VLAN devices that it reports. ``differences``: for each attachment that
    is out of sync, its differences as sentences. ``is_drifting``: whether anything differs from the desired state.
    ``addresses_elsewhere``: for static addresses that are, or may become, this host's: the other host that has it.
    ``labels``: the NIC or bond of each label. ``limits``: those that follow from its report.
    """

    id: str
    name: str
    status: str
    intent: HostIntent
    report: Host
    nics: Mapping[str, str]
    networks: Mapping[str, NetworkView]
    differences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_drifting: bool = False
    addresses_elsewhere: Mapping[Claim, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    limits: HostLimits = field(default_factory=HostLimits)

    @property
    def attachments(self) -> Mapping[str, AttachmentIntent]:
        """Its attachments by id."""
        return {attachment.id: attachment for attachment in self.intent.attachments}

    @property
    def bonds(self) -> Mapping[str, BondIntent]:
        """Its bonds by name: the desired ones, and unmanaged ones that it reports."""
        reported = {
            name: self._adopted(name, self.report.ports_of(name), {"mode": bond.mode, **bond.options})
            for name, bond in self.report.bonds.items()
        }
        switched = {
            port.name: self._adopted(
                port.name, port.interfaces, {"mode": kernel_bond_mode(port), **kernel_bond_options(port)}
            )
            for port in self.report.ovs_ports.values()
            if len(port.interfaces) > 1 and port.owner
        }
        return reported | switched | {bond.name: bond for bond in self.intent.bonds}

    def _adopted(self, name: str, ports: Sequence[str], options: Mapping[str, str]) -> BondIntent:
        nic_id = next((nic_id for nic_id, nic in self.nics.items() if nic == name), name)
        return BondIntent(id=nic_id, name=name, slaves=tuple(ports), options=options)

    def nic_name(self, ref: Ref) -> str:
        """The name of the NIC or bond that is meant; empty when the id is unknown and no name is given."""
        if ref.name:
            return ref.name
        desired = {bond.id: bond.name for bond in self.intent.bonds}
        return self.nics.get(ref.id) or desired.get(ref.id, "")

    def network(self, ref: Ref) -> NetworkView | None:
        """The network that is meant; by name only among those of the cluster, since names repeat in other data
        centres.
        """
        if ref.id:
            return self.networks.get(ref.id)
        return next((view for view in self.networks.values() if view.in_cluster and view.name == ref.name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A requested change with what it refers to: the existing attachment, the network, the name of the NIC (empty: not
    given or unknown).
    """

    change: AttachmentChange
    existing: AttachmentIntent | None
    network: NetworkView | None
    nic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalSet(HostSetup):
    """What the host's attachments and bonds would be. ``touched``: ids of attachments that are new, changed or to be
    put in sync. ``labels``: the NIC or bond of each label. ``needs_host``: more than labels changes. ``puts_right``:
    nothing changes, but the host drifts.
    """

    touched: frozenset[str]
    touched_bonds: frozenset[str]
    labels: Mapping[str, str] = field(default_factory=dict)
    needs_host: bool = True
    puts_right: bool = False

    def bond(self, name: str) -> BondIntent | None:
        """The bond of that name."""
        return next((bond for bond in self.bonds if bond.name == name), None)

    def on(self, nic: str) -> list[AttachmentIntent]:
        """The attachments on a NIC or bond."""
        return [attachment for attachment in self.attachments if attachment.nic == nic]


def resolve(host: HostView, change: AttachmentChange) -> Resolved:
    """Find what a change refers to. What does not exist is left empty; the rules report it."""
    existing = host.attachments.get(change.id)
    network = host.network(change.network) if change.network != Ref() else None
    if change.network == Ref() and existing:
        network = host.networks.get(existing.network_id)
    if not change.id and network:
        existing = next((a for a in host.intent.attachments if a.network_id == network.intent.id), None)
    nic = host.nic_name(change.nic) if change.nic != Ref() else (existing.nic if existing else "")
    return Resolved(change=change, existing=existing, network=network, nic=nic)


def removed_ids(host: HostView, request: SetupRequest) -> list[str]:
    """The ids of the attachments to be removed, each found by its own id or by its network's name; unknown ones as
    they were given.
    """
    by_network = {
        host.networks[a.network_id].name: a.id for a in host.intent.attachments if a.network_id in host.networks
    }
    return [ref.id or by_network.get(ref.name, ref.name) for ref in request.removed]


def final_set(host: HostView, request: SetupRequest, new_id: Callable[[], str]) -> FinalSet:
    """The attachments and bonds as they would be, for a request that names only what exists. ``new_id`` gives ids to
    what is new.
    """
    resolved = [resolve(host, change) for change in request.attachments]
    desired = [_attachment(one, new_id) for one in resolved]
    gone = set(removed_ids(host, request)) | {attachment.id for attachment in desired}
    kept = [attachment for attachment in host.intent.attachments if attachment.id not in gone]
    changed = {a.id for a in desired if host.attachments.get(a.id) != a}
    bonds = _bonds(host, request, new_id)
    before = {bond.name: bond for bond in host.intent.bonds}
    attachments = (*kept, *desired)
    used = {attachment.nic for attachment in attachments}
    adopted = [bond for name, bond in host.bonds.items() if name in used and name not in bonds and name not in before]
    final = (*bonds.values(), *adopted)
    touched = frozenset(changed | set(request.synchronized))
    touched_bonds = frozenset(bond.name for bond in final if before.get(bond.name) != bond)
    labels = final_labels(host, request)
    needs_host = bool(touched or touched_bonds or request.removed or request.removed_bonds or request.removed_unmanaged)
    had = {**host.intent.inherited, **request.inherited}
    known = {network_id: view.intent for network_id, view in host.networks.items()}
    inherited = still_inherited(HostSetup(attachments=attachments, bonds=final, inherited=had), known)
    return FinalSet(
        attachments=attachments,
        bonds=final,
        touched=touched,
        touched_bonds=touched_bonds,
        labels=labels,
        needs_host=needs_host,
        puts_right=host.is_drifting and not needs_host and labels == dict(host.labels),
        kept=_kept(host, request, attachments),
        inherited=inherited,
    )


def taken_names(host: HostView, request: SetupRequest) -> set[str]:
    """The names of what is, or will be, taken over on the host."""
    return {one.name for one in (*host.intent.inherited.values(), *request.inherited.values())}


def _kept(host: HostView, request: SetupRequest, attachments: Sequence[AttachmentIntent]) -> tuple[str, ...]:
    """The kept networks of the host, except removed ones, and those that a network of the same name replaces."""
    names = kept_names(host.report, host.intent.kept)
    attached = {host.networks[one.network_id].intent.host_side_name for one in attachments}
    gone = {owner for name, owner in names.items() if name in request.removed_unmanaged or name in attached}
    return tuple(owner for owner in host.intent.kept if owner not in gone)


def final_labels(host: HostView, request: SetupRequest) -> dict[str, str]:
    """The NIC or bond of each label after the request. Removing a bond removes its labels."""
    removed = {host.nic_name(ref) for ref in request.removed_bonds}
    kept = {
        label: nic for label, nic in host.labels.items() if nic not in removed and label not in request.removed_labels
    }
    return kept | {change.label: host.nic_name(change.nic) for change in request.labels}


def _attachment(one: Resolved, new_id: Callable[[], str]) -> AttachmentIntent:
    change, network = one.change, one.network
    base = one.existing or AttachmentIntent(id=new_id(), network_id=network.intent.id if network else "", nic=one.nic)
    return replace(
        base,
        nic=one.nic,
        assignments=_assignments(change, one.existing),
        properties=or_current(change.properties, base.properties),
        dns=or_current(change.dns, base.dns),
        qos=or_current(change.qos, base.qos),
    )


def _assignments(change: AttachmentChange, existing: AttachmentIntent | None) -> tuple[IpAssignment, ...]:
    """Clients read "none" for an IP version without settings, and IPv4 before IPv6, and send that back: it is no
    change.
    """
    old = existing.assignments if existing else ()
    had = {ip.version for ip in old}
    new = or_current(change.assignments, old)
    desired = tuple(ip for ip in new if not existing or ip.method != "none" or ip.version in had)
    return old if len(desired) == len(old) and set(desired) == set(old) else desired


def _bonds(host: HostView, request: SetupRequest, new_id: Callable[[], str]) -> dict[str, BondIntent]:
    bonds = {bond.name: bond for bond in host.intent.bonds}
    for ref in request.removed_bonds:
        bonds.pop(host.nic_name(ref), None)
    for change in request.bonds:
        name = host.nic_name(change.bond)
        old = host.bonds.get(name)
        base = old or BondIntent(id=new_id(), name=name, slaves=(), options=DEFAULT_BOND_OPTIONS)
        slaves = base.slaves if change.slaves is KEEP else _slaves(host, base, change.slaves)
        options = or_current(change.options, base.options) or DEFAULT_BOND_OPTIONS
        bonds[name] = replace(base, slaves=slaves, options=options)
    return bonds


def _slaves(host: HostView, base: BondIntent, refs: Sequence[Ref]) -> tuple[str, ...]:
    """The NICs of a bond. Clients read those that exist, and send them back: for a bond with fewer than two left that
    is no change, as requests cannot create a bond with so few.
    """
    slaves = tuple(sorted(host.nic_name(ref) for ref in refs))
    left = tuple(sorted(set(base.slaves) & host.report.nics.keys()))
    return base.slaves if slaves == left and len(left) <= 1 else slaves


def written(address: str) -> str:
    """An address as it is always written (``2001:DB8::05`` is ``2001:db8::5``); empty when it is none."""
    try:
        return str(ip_address(address))
    except ValueError:
        return ""


def claims(attachments: Sequence[AttachmentIntent]) -> frozenset[Claim]:
    """Every static address with the id of its network. Invalid addresses are left out; the rules report them."""
    return frozenset((a.network_id, text) for a, ip in static_assignments(attachments) if (text := written(ip.address)))


def static_assignments(attachments: Sequence[AttachmentIntent]) -> list[tuple[AttachmentIntent, IpAssignment]]:
    """Every static address with the attachment that it belongs to."""
    return [(a, ip) for a in attachments for ip in a.assignments if ip.method == "static" and ip.address]
