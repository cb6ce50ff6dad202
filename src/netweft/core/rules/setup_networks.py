"""The rules of setting up a host's networks: every validation of oVirt's HostSetupNetworks in its order, and some that
oVirt lacks.

Commands call :func:`validate`; it raises on the first group of rules that is violated. Letters in docstrings name the
groups: A the host, B fields, C labels, D attachments, E removals, F to H bonds, I to N the final set, O unmanaged
networks, P what is out of sync.

Violations that exist before the request and that it does not touch are ignored: one misconfigured NIC must not block
the setup of the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from itertools import groupby
from typing import TypeAlias

from netweft.core.desired import desired_host
from netweft.core.errors import Problem
from netweft.core.host_labels import expand
from netweft.core.host_request import (
    FinalSet,
    HostView,
    NetworkView,
    Resolved,
    SetupRequest,
    claims,
    final_labels,
    final_set,
    removed_ids,
    resolve,
    static_assignments,
    taken_names,
)
from netweft.core.intent import AttachmentIntent, HostIntent
from netweft.core.kept import displaced
from netweft.core.limits import DEFAULT_MTU
from netweft.core.rules import check, host_ability, host_bond, host_label, host_qos
from netweft.core.rules import host_attachment as rule
from netweft.core.rules.host import is_reachable_for_work
from netweft.core.rules.host_addresses import address_is_unique, subnets_do_not_overlap
from netweft.core.rules.host_unmanaged import nic_carries_no_unmanaged, unmanaged_may_be_removed, unmanaged_networks
from netweft.core.rules.network import label_is_valid

ACTION = "Cannot setup Networks."
Violation: TypeAlias = tuple[str, str]
"""A violated rule on final sets: its name, and the NIC, bond or address that violates it."""

TIMEOUT_MAX = 120
"""Seconds: the longest that a host may wait for its confirmation, as in oVirt."""


def validate(
    host: HostView, request: SetupRequest, new_id: Callable[[], str], action: str = ACTION, *, installs: bool = False
) -> FinalSet:
    """The final set that the request results in. Raises ValidationError when a rule is violated. ``installs``: the
    request is part of installing the host.
    """
    check(action, is_reachable_for_work(host.status, installs=installs))
    check(action, timeout_is_in_range(request.connectivity_timeout))
    _check_labels(action, host, request)
    request = expand(host, request)
    resolved = [resolve(host, change) for change in request.attachments]
    removed = removed_ids(host, request)
    for one in resolved:
        _check_attachment_change(action, host, one, request, removed)
    final = final_set(host, request, new_id)
    for one in resolved:
        if _result(one, final) != one.existing:  # clients may send back what they read
            _check_attachment(action, host, one, _result(one, final))
    _check_removals(action, host, removed, request)
    _check_labelled(action, host, request, final)
    _check_bonds(action, host, request, final)
    _check_final(action, host, request, final)
    for one in resolved:
        check(action, rule.is_in_sync(host, one, _result(one, final), request.synchronized))
    return final


def _unmanaged(host: HostView, request: SetupRequest) -> dict[str, str]:
    """The unmanaged networks of the host, each with its NIC, except those that the request takes over."""
    taken = taken_names(host, request)
    found = unmanaged_networks(host.report, set(host.bonds))
    return {name: nic for name, nic in found.items() if name not in taken}


def _check_labels(action: str, host: HostView, request: SetupRequest) -> None:
    """The rules on labels that need no knowledge of the networks that they attach."""
    for change in request.labels:
        check(action, label_is_valid(change.label))
        check(action, host_label.labelled_nic_id_and_name_agree(host, change))
        check(action, host_label.labelled_nic_exists(host, change, request))
    check(action, *(host_label.removed_label_exists(host, label) for label in request.removed_labels))
    check(action, host_label.labels_are_given_once(request))


def _check_labelled(action: str, host: HostView, request: SetupRequest, final: FinalSet) -> None:
    """The rules on the NICs that labels are on after the request."""
    check(action, *(host_label.labelled_nic_is_for_hosts(host, change) for change in request.labels))
    check(action, *(host_label.labelled_nic_is_proper(host, change, final) for change in request.labels))
    check(action, *(host_label.labelled_bond_has_slaves(host, final, label) for label in final.labels))


def _result(one: Resolved, final: FinalSet) -> AttachmentIntent:
    """The attachment that a change results in."""
    network_id = one.network.intent.id if one.network else ""
    return next(attachment for attachment in final.attachments if attachment.network_id == network_id)


def _check_attachment_change(
    action: str, host: HostView, one: Resolved, request: SetupRequest, removed: list[str]
) -> None:
    new_bonds = {host.nic_name(change.bond) for change in request.bonds}
    labels, added = final_labels(host, request), {change.label for change in request.labels}
    for problem in (
        rule.attachment_exists(host, one.change.id),
        rule.network_is_known(host, one),
        rule.nic_id_and_name_agree(host, one.change.nic),
        rule.network_id_and_name_agree(one),
        rule.is_not_removed_as_well(one, removed),
        rule.nic_is_no_vlan_device(host, one),
        rule.nic_is_for_hosts(host, one),
        rule.attachment_is_reused(host, one),
        rule.network_is_one_of_hosts(one),
        rule.network_is_in_cluster(host, one),
        rule.nic_is_given(one),
        rule.nic_exists(host, one, new_bonds),
        rule.network_is_kept(one),
        rule.host_side_name_is_free(host, one, taken_names(host, request)),
        host_label.network_follows_its_label(one, labels, added),
    ):
        check(action, problem)


def _check_attachment(action: str, host: HostView, one: Resolved, attachment: AttachmentIntent) -> None:
    name = one.network.name if one.network else ""
    check(action, rule.role_network_has_address(one, attachment), rule.one_assignment_per_version(name, attachment))
    for ip in attachment.assignments:
        check(action, rule.method_fits_version(name, ip), rule.only_static_has_address(name, ip))
        check(action, rule.static_is_complete(name, ip))
        check(action, rule.address_is_usable(name, ip))
        check(action, rule.gateway_is_reachable(name, ip), rule.ipv6_gateway_only_with_default_route(one, ip))
        check(action, rule.ipv6_fits_into_mtu(one, ip))
    check(
        action,
        rule.name_servers_are_valid(one, attachment),
        rule.bridge_options_only_on_vm_network(one, attachment),
        host_qos.own_qos_is_valid(one, attachment),
        rule.network_in_use_keeps_its_base(host, one),
    )


def _check_removals(action: str, host: HostView, removed: list[str], request: SetupRequest) -> None:
    check(action, *(rule.removed_attachment_exists(host, attachment_id) for attachment_id in removed))
    for attachment_id in removed:
        attachment = host.attachments[attachment_id]
        check(
            action,
            rule.management_network_stays(host, attachment),
            host_label.network_stays_with_its_label(host, attachment, final_labels(host, request)),
            rule.network_is_not_used_by_guests(host, attachment),
        )
    check(action, *(rule.synchronized_exists(host, attachment_id) for attachment_id in request.synchronized))


def _check_bonds(action: str, host: HostView, request: SetupRequest, final: FinalSet) -> None:
    unmanaged = _unmanaged(host, request)
    for change in request.bonds:
        check(action, host_bond.bond_is_named(host, change.bond), host_bond.bond_id_and_name_agree(host, change.bond))
        name = host.nic_name(change.bond)
        if final.bond(name) == host.bonds.get(name):
            continue  # clients may send back what they read
        check(action, host_bond.bond_name_is_valid(name), host_bond.bond_name_is_free(host, name))
        bond = next(bond for bond in final.bonds if bond.name == name)
        for problem in (
            host_bond.options_are_known(bond),
            host_bond.mode_is_known_to_ovs(host, bond),
            host_bond.options_are_known_to_ovs(host, bond),
            host_bond.slaves_are_different(bond),
            host_bond.has_enough_slaves(bond),
            host_bond.options_can_work(bond),
            host_bond.slave_exists(host, change, bond),
            host_bond.slave_is_nic(host, bond),
            host_bond.slave_is_for_hosts(host, bond),
            host_bond.primary_is_slave(bond),
        ):
            check(action, problem)
        check(
            action,
            host_bond.slave_is_free(host, bond, final),
            host_bond.slave_carries_no_network(host, bond, final),
            host_bond.slave_carries_no_unmanaged(bond, unmanaged),
        )
    check(action, *(host_label.slave_keeps_no_label(final, label) for label in final.labels))
    check(action, *(host_bond.removed_bond_exists(host, ref) for ref in request.removed_bonds))
    removed = [host.nic_name(ref) for ref in request.removed_bonds]
    changed = [host.nic_name(change.bond) for change in request.bonds]
    check(action, host_bond.bond_is_not_changed_and_removed(changed, removed))
    check(action, *(host_bond.removed_bond_is_unused(host, name, final) for name in removed))


def _check_final(action: str, host: HostView, request: SetupRequest, final: FinalSet) -> None:
    before = final_set(host, SetupRequest(), str)
    has = final_set_violations(host, before, skipped=set(host.differences))
    would = final_set_violations(host, final, skipped=set(host.differences) - final.touched)
    rechecked = _checked_again(before, final, request)
    new = [(key, problem) for key, problem in would.items() if key not in has or key[1] in rechecked]
    for _, group in groupby(new, key=lambda one: one[0][0]):
        check(action, *(problem for _, problem in group))
    check(action, *(unmanaged_may_be_removed(host, name) for name in request.removed_unmanaged))
    unmanaged = _unmanaged(host, request)
    touched = [attachment for attachment in final.attachments if attachment.id in final.touched]
    check(action, *(nic_carries_no_unmanaged(host, attachment, unmanaged) for attachment in touched))
    check(action, *(host_label.labelled_nic_carries_no_unmanaged(host, change, unmanaged) for change in request.labels))
    _check_abilities(action, host, final, touched)
    check(action, management_is_attached(host, final), kept_networks_stay(host, final))


def _check_abilities(action: str, host: HostView, final: FinalSet, touched: Sequence[AttachmentIntent]) -> None:
    """The rules on what the host reports that it supports."""
    bonds = [bond for bond in final.bonds if bond.name in final.touched_bonds]
    check(action, *(host_ability.host_can_bond(host, bond) for bond in bonds))
    on_bonds = [one for bond in bonds for one in final.on(bond.name)]
    check(action, *(host_ability.nic_can_be_shaped(host, attachment, final) for attachment in on_bonds))
    for attachment in touched:
        check(
            action,
            host_ability.host_has_its_switch(host, attachment),
            host_ability.host_can_tag(host, attachment),
            host_ability.nic_can_be_shaped(host, attachment, final),
            host_ability.nic_has_ipv6(host, attachment),
        )


def final_set_violations(host: HostView, final: FinalSet, skipped: Collection[str] = ()) -> dict[Violation, Problem]:
    """The rules that a final set violates. ``skipped``: attachments that are out of sync and not touched."""
    found: dict[Violation, Problem | None] = {("network_occurs_once", ""): network_occurs_once(host, final)}
    for rule_of_nic in (only_one_untagged, vlan_occurs_once, mtu_is_the_same, host_qos.all_or_none_have_qos):
        found |= {(rule_of_nic.__name__, nic): rule_of_nic(host, final, nic) for nic in _nics(final)}
    for bond in final.bonds:
        problem = host_bond.mode_carries_vm_networks(host, bond, final, skipped)
        found["mode_carries_vm_networks", bond.name] = problem
    for attachment in final.attachments:
        found.setdefault(("nic_is_no_slave", attachment.nic), nic_is_no_slave(host, final, attachment))
    names = {network_id: view.name for network_id, view in host.networks.items()}
    found["subnets_do_not_overlap", ""] = subnets_do_not_overlap(names, static_assignments(final.attachments))
    for claim in sorted(claims(final.attachments)):
        found["address_is_unique", str(claim)] = address_is_unique(names[claim[0]], claim, host.addresses_elsewhere)
    return {key: problem for key, problem in found.items() if problem}


def _checked_again(before: FinalSet, final: FinalSet, request: SetupRequest) -> set[str]:
    """NICs and bonds whose existing violations count as well: the request attaches something to them, synchronizes
    something there, or changes the bond itself. An empty name stands for the addresses: one is new.
    """
    had = {(one.nic, one.network_id, one.qos) for one in before.attachments}
    nics = {
        one.nic
        for one in final.attachments
        if (one.nic, one.network_id, one.qos) not in had or one.id in request.synchronized
    }
    bonds = {bond.name for bond in final.bonds if before.bond(bond.name) != bond}
    return nics | bonds | ({""} if claims(final.attachments) - claims(before.attachments) else set())


def _nics(final: FinalSet) -> list[str]:
    return sorted({attachment.nic for attachment in final.attachments})


def timeout_is_in_range(seconds: int) -> Problem | None:
    """B: 1 to 120 seconds."""
    if 1 <= seconds <= TIMEOUT_MAX:
        return None
    text = f"The connectivity timeout of {seconds} seconds is not possible: give 1 to {TIMEOUT_MAX}."
    return Problem("VALIDATION_CONNECTIVITY_TIMEOUT_INVALID", text)


def network_occurs_once(host: HostView, final: FinalSet) -> Problem | None:
    """I: a network is on one NIC of a host only."""
    counts = Counter(attachment.network_id for attachment in final.attachments)
    twice = sorted(host.networks[network_id].name for network_id, count in counts.items() if count > 1)
    if not twice:
        return None
    text = (
        f"These networks are attached to more than one NIC of Host {host.name}: {', '.join(twice)}. Attach each once."
    )
    return Problem("NETWORKS_ALREADY_ATTACHED_TO_IFACES", text)


def only_one_untagged(host: HostView, final: FinalSet, nic: str) -> Problem | None:
    """J: a NIC carries at most one untagged network; frames of VLAN 0 are untagged ones with a priority (IEEE
    802.1Q).
    """
    names = sorted(view.name for view in _views(host, final, nic) if not view.intent.vlan)
    if len(names) <= 1:
        return None
    text = f"'{nic}' would carry several untagged networks: {', '.join(names)}. Give all but one a VLAN or another NIC."
    return Problem("NETWORK_INTERFACES_NOT_EXCLUSIVELY_USED_BY_UNTAGGED_NETWORK", text)


def vlan_occurs_once(host: HostView, final: FinalSet, nic: str) -> Problem | None:
    """A NIC has each VLAN once; oVirt leaves that to the host."""
    by_tag: dict[int, list[str]] = {}
    for view in _views(host, final, nic):
        if view.intent.vlan is not None:
            by_tag.setdefault(view.intent.vlan, []).append(view.name)
    for tag, names in sorted(by_tag.items()):
        if len(names) > 1:
            text = f"VLAN {tag} would be on '{nic}' more than once, for networks {', '.join(sorted(names))}."
            return Problem("NETWORK_VLAN_ALREADY_ON_NIC", f"{text} Put one of them on another NIC.")
    return None


def mtu_is_the_same(host: HostView, final: FinalSet, nic: str) -> Problem | None:
    """K: below an untagged network all networks of the NIC have its MTU."""
    views = _views(host, final, nic)
    mtus = {view.name: view.intent.mtu or DEFAULT_MTU for view in views}
    if len(set(mtus.values())) <= 1 or all(view.intent.vlan is not None for view in views):
        return None
    listed = ", ".join(f"{name} ({mtu})" for name, mtu in sorted(mtus.items()))
    text = f"Networks on '{nic}' have different MTUs, which an untagged network among them forbids: {listed}."
    return Problem("NETWORK_MTU_DIFFERENCES", f"{text} Make the MTUs equal or use another NIC.")


def nic_is_no_slave(host: HostView, final: FinalSet, attachment: AttachmentIntent) -> Problem | None:
    """No attachment is on a NIC that is a slave of a bond in the final set."""
    bonds = [bond.name for bond in final.bonds if attachment.nic in bond.slaves]
    if not bonds:
        return None
    name = host.networks[attachment.network_id].name
    text = f"Network '{name}' is on NIC {attachment.nic}, which is in bond {bonds[0]}. Attach it to the bond."
    return Problem("NETWORK_CANNOT_BE_ATTACHED_TO_SLAVE", text)


def management_is_attached(host: HostView, final: FinalSet) -> Problem | None:
    """The management network has to be attached before anything else on the host changes. Otherwise a change could
    remove the links that the management connection uses.
    """
    management = next((view for view in host.networks.values() if "management" in view.roles), None)
    if management is None or management.intent.id in {one.network_id for one in final.attachments}:
        return None
    text = (
        f"Management network '{management.name}' is not attached to Host {host.name}, so the links of its"
        " management are unknown. Attach it in the same request, or install the Host again: with a new token, or by"
        " activating it when its installation failed."
    )
    return Problem("MANAGEMENT_NETWORK_NOT_ON_HOST", text)


def kept_networks_stay(host: HostView, final: FinalSet) -> Problem | None:
    """Networks of the host's previous engine are removed only on request."""
    if not final.kept:
        return None
    intent = HostIntent(
        switch_type=host.intent.switch_type,
        networks=tuple(host.networks[one.network_id].intent for one in final.attachments),
        attachments=final.attachments,
        bonds=final.bonds,
    )
    lost = displaced(desired_host(intent, host.report), host.report, final.kept)
    if not lost:
        return None
    text = (
        f"Host {host.name} has networks of another engine that this change would displace: {', '.join(lost)}. Remove"
        " them from the Host first as unmanaged networks, or attach networks of the same names there."
    )
    return Problem("NETWORKS_OF_ANOTHER_ENGINE_IN_THE_WAY", text)


def _views(host: HostView, final: FinalSet, nic: str) -> list[NetworkView]:
    return [host.networks[attachment.network_id] for attachment in final.on(nic)]
