"""What a host was set up with before: how two setups differ, and the request that brings an earlier one back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from netweft.core.errors import Problem
from netweft.core.host_request import AttachmentChange, BondChange, LabelChange, Ref, SetupRequest
from netweft.core.intent import AttachmentIntent, BondIntent, HostQos, HostSetup
from netweft.core.rules.fields import listed, listed_facts

Labels = Mapping[str, str]
"""NICs or bonds by their labels."""

T = TypeVar("T")


def differences(
    before: HostSetup, after: HostSetup, names: Mapping[str, str], labels: tuple[Labels, Labels] = ({}, {})
) -> tuple[str, ...]:
    """What has changed from one setup to another, a line each. ``names``: of networks by their ids; without
    a name its id is used.
    """
    attachments = [{names.get(one.network_id, one.network_id): one for one in of.attachments} for of in (before, after)]
    bonds = [{one.name: one for one in of.bonds} for of in (before, after)]
    return (
        *_changed("network", attachments[0], attachments[1], _of_attachment),
        *_changed("bond", bonds[0], bonds[1], _of_bond),
        *_changed("label", labels[0], labels[1], _of_label),
    )


def _changed(
    what: str, before: Mapping[str, T], after: Mapping[str, T], facts_of: Callable[[T], Mapping[str, str]]
) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        old, new = (facts_of(of[name]) if name in of else {} for of in (before, after))
        if not old:
            yield f"{what} {name} was added: {listed_facts(new)}"
        elif not new:
            yield f"{what} {name} was removed: {listed_facts(old)}"
        elif old != new:
            changed = [f"{key} {old.get(key, 'none')} became {new.get(key, 'none')}" for key in _keys(old, new)]
            yield f"{what} {name}: {', '.join(changed)}"


def _keys(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    return [key for key in {**old, **new} if old.get(key) != new.get(key)]


def _of_attachment(one: AttachmentIntent) -> dict[str, str]:
    addresses = {
        f"IPv{ip.version}": f"static {ip.address}/{ip.prefix}{f' via {ip.gateway}' if ip.gateway else ''}"
        if ip.method == "static"
        else ip.method
        for ip in one.assignments
        if ip.method != "none"
    }
    properties = dict(sorted(one.properties.items()))
    resolvers = {} if one.dns is None else {"resolvers": " ".join(one.dns) or "none"}
    return {"on": one.nic, **addresses, **properties, **resolvers, **_of_qos(one.qos)}


def _of_qos(qos: HostQos | None) -> dict[str, str]:
    limits = {"share": qos.link_share, "upper limit": qos.upper_limit, "promised rate": qos.real_time} if qos else {}
    return {name: str(limit) for name, limit in limits.items() if limit is not None}


def _of_bond(one: BondIntent) -> dict[str, str]:
    return {"slaves": "+".join(sorted(one.slaves)), **dict(sorted(one.options.items()))}


def _of_label(nic: str) -> dict[str, str]:
    return {"on": nic}


def networks_are_there(generation: int, missing: list[str]) -> Problem | None:
    """``missing``: names or ids of networks of an earlier setup that the host's cluster has no more."""
    if not missing:
        return None
    text = (
        f"The setup of generation {generation} has networks that the Host's Cluster does not have any more:"
        f" {listed(sorted(missing))}."
    )
    return Problem("NETWORK_NOT_EXISTS_IN_CLUSTER", text)


def restore_request(
    desired: HostSetup, now: HostSetup, labels: tuple[Labels | None, Labels], *, commit: bool
) -> SetupRequest:
    """The request that changes the setup of a host from ``now`` to ``desired``. ``labels``: the desired ones (None:
    unchanged), and the present ones.
    """
    attached = {one.network_id: one for one in now.attachments}
    bonded = {one.name: one for one in now.bonds}
    kept = {one.network_id for one in desired.attachments}
    bonds = {one.name for one in desired.bonds}
    then, present = labels
    changed = {} if then is None else {label: nic for label, nic in then.items() if present.get(label) != nic}
    gone = set() if then is None else present.keys() - then.keys()
    return SetupRequest(
        attachments=tuple(
            AttachmentChange(
                network=Ref(id=one.network_id),
                nic=Ref(name=one.nic),
                assignments=one.assignments,
                properties=one.properties,
                dns=one.dns,
                qos=one.qos,
            )
            for one in desired.attachments
            if one.network_id not in attached or replace(attached[one.network_id], id=one.id) != one
        ),
        removed=tuple(Ref(id=one.id) for one in now.attachments if one.network_id not in kept),
        bonds=tuple(
            BondChange(bond=Ref(name=one.name), slaves=tuple(Ref(name=nic) for nic in one.slaves), options=one.options)
            for one in desired.bonds
            if one.name not in bonded or replace(bonded[one.name], id=one.id) != one
        ),
        removed_bonds=tuple(Ref(name=one.name) for one in now.bonds if one.name not in bonds),
        labels=tuple(LabelChange(label=label, nic=Ref(name=nic)) for label, nic in sorted(changed.items())),
        removed_labels=tuple(sorted(gone)),
        commit_on_success=commit,
    )
