"""Adopting drift: the intent for a host is changed to what the host has, as far as attachments and bonds can express
it.

What they cannot express (an MTU and a VLAN belong to the network, on all hosts; no setting has a link down) is refused
by name (:func:`netweft.core.rules.host_drift.drift_can_be_adopted`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from netweft.core.adoption import attachment_on
from netweft.core.compare import Difference
from netweft.core.drift import Drift, find_drift
from netweft.core.host import Host
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, HostSetup, IpAssignment
from netweft.core.nic_view import nic_views
from netweft.core.sync import Location, locate_networks

_LEAST = 2
"""NICs of a bond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptedDrift:
    """``setup``: the setup after adoption; ``left``: the differences that remain, as settings cannot express them."""

    setup: HostSetup
    left: tuple[Difference, ...]


def adopt_drift(intent: HostIntent, report: Host, drift: Drift, names: Collection[str] | None = None) -> AdoptedDrift:
    """The result of adopting differences. ``names``: of which attachments (their ids), NICs and bonds; None for all."""
    places, networks = locate_networks(report), {one.id: one for one in intent.networks}
    attachments: list[AttachmentIntent] = []
    for one in intent.attachments:
        place = places.get(one.network_id)
        if one.id not in drift.attachments or (names is not None and one.id not in names):
            attachments.append(one)
        elif place is not None:
            found = attachment_on(report, place, networks[one.network_id], one.id)
            attachments.append(_with_resolvers(_with_equals_kept(one, found, place), report, drift))
        elif not _is_gone(drift.attachments[one.id]):
            attachments.append(one)
    bonds = _bonds(intent, report, drift.bases.keys() if names is None else drift.bases.keys() & set(names))
    setup = HostSetup(attachments=tuple(attachments), bonds=bonds, kept=intent.kept, inherited=intent.inherited)
    after = find_drift(replace(intent, attachments=setup.attachments, bonds=bonds), report)
    after = replace(after, guest_ports=drift.guest_ports)  # which no setup changes
    left = _still(drift.differences() if names is None else drift.on(names), after)
    if len(attachments) == len(intent.attachments):  # else what carried a network is released
        left += _new(drift, after)
    return AdoptedDrift(setup=setup, left=tuple(left))


def _still(chosen: Iterable[Difference], after: Drift) -> list[Difference]:
    """Those of the differences that remain, even if with another desired value."""
    things = {_thing(one) for one in after.differences()}
    return [one for one in chosen if _thing(one) in things]


def _new(before: Drift, after: Drift) -> list[Difference]:
    """The differences that result from adopting what the host has. Remains of what is no longer desired do not count:
    they are removed.
    """
    things = {_thing(one) for one in before.differences()}
    return [one for one in after.differences() if one.expected is not None and _thing(one) not in things]


def _thing(one: Difference) -> tuple[object, ...]:
    """The subject of a difference, without its desired value."""
    return one.part, one.name, one.field, one.table, "" if one.field else one.expected or one.actual


def _is_gone(found: Iterable[Difference]) -> bool:
    """Whether a link that carries a network was removed."""
    return any(one.part in {"link", "OVS port"} and not one.field and one.actual is None for one in found)


def _with_equals_kept(before: AttachmentIntent, found: AttachmentIntent, place: Location) -> AttachmentIntent:
    """What was found, where it differs in meaning; otherwise the old value."""
    static = {ip.version for ip in found.assignments if ip.method != "none"}
    had = {ip.version for ip in before.assignments}
    assignments = tuple(ip for ip in found.assignments if ip.version in static | had)
    kept = tuple(_kept(ip, before.assignments, place) for ip in assignments)
    return replace(found, nic=found.nic or before.nic, assignments=kept, dns=before.dns)


def _kept(found: IpAssignment, before: Iterable[IpAssignment], place: Location) -> IpAssignment:
    """An address that is among several of its version stays the desired one."""
    for ip in before:
        is_there = any(str(address) == f"{ip.address}/{ip.prefix}" for address in place.permanent)
        if ip.version == found.version and ip.method == found.method == "static" and is_there:
            return replace(ip, gateway=found.gateway)
    return found


def _with_resolvers(one: AttachmentIntent, report: Host, drift: Drift) -> AttachmentIntent:
    differs = any(difference.part == "resolvers" for difference in drift.attachments[one.id])
    return replace(one, dns=report.dns) if differs and report.dns else one


def _bonds(intent: HostIntent, report: Host, chosen: Collection[str]) -> tuple[BondIntent, ...]:
    views = nic_views(report)
    found = []
    for bond in intent.bonds:
        view = views[bond.name].bond if bond.name in views else None
        if bond.name in chosen and view is not None and len(view.slaves) >= _LEAST:
            found.append(replace(bond, slaves=view.slaves, options={"mode": view.mode, **view.options}))
        else:
            found.append(bond)
    return tuple(found)
