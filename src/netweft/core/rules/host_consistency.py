"""The rules of setting up networks, applied to the desired state of a host: for requests that change what hosts depend
on (a network, its roles, a QoS, the host's cluster) and not the host itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from netweft.core.errors import Problem
from netweft.core.host import Host
from netweft.core.host_limits import HostLimits, limits_of
from netweft.core.host_request import (
    AttachmentChange,
    FinalSet,
    HostView,
    NetworkView,
    Ref,
    Resolved,
    SetupRequest,
    final_set,
)
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, NetworkIntent, effective_qos
from netweft.core.rules import host_ability, host_bond
from netweft.core.rules import host_attachment as rule
from netweft.core.rules.host_qos import all_or_none_have_qos
from netweft.core.rules.setup_networks import Violation, final_set_violations, management_is_attached, mtu_is_the_same
from netweft.core.sync import Location, locate_networks, reported_qos

_COMMON = (mtu_is_the_same, all_or_none_have_qos)
NIC_WIDE_RULES = frozenset(rule_of_nic.__name__ for rule_of_nic in _COMMON)
"""Rules on values that all networks of a NIC share. Changing such a value takes a request for each network, and between
the first and the last the networks differ: meanwhile hosts keep the old values (:func:`applicable`).
"""


def violations(host: HostView) -> dict[Violation, Problem]:
    """The violated rules, by rule and by the NIC, bond, address or attachment that violates it. Of the report, only
    bonds and limits are checked.
    """
    final = final_set(host, SetupRequest(), str)
    found = final_set_violations(host, final)
    if problem := management_is_attached(host, final):
        found["management_is_attached", ""] = problem
    for attachment in host.intent.attachments:
        for name, problem in _of_attachment(host, attachment, final):
            if problem:
                found.setdefault((name, attachment.id), problem)
    for bond in final.bonds:
        for name, problem in _of_bond(host, bond):
            if problem:
                found.setdefault((name, bond.name), problem)
    return found


def _of_attachment(
    host: HostView, attachment: AttachmentIntent, final: FinalSet
) -> Iterator[tuple[str, Problem | None]]:
    one = _sent_back(host, attachment)
    yield "role_network_has_address", rule.role_network_has_address(one, attachment)
    yield "bridge_options_only_on_vm_network", rule.bridge_options_only_on_vm_network(one, attachment)
    yield "host_side_name_is_free", rule.host_side_name_is_free(host, replace(one, existing=None))
    for ip in attachment.assignments:
        yield "ipv6_fits_into_mtu", rule.ipv6_fits_into_mtu(one, ip)
    yield "host_has_its_switch", host_ability.host_has_its_switch(host, attachment)
    yield "host_can_tag", host_ability.host_can_tag(host, attachment)
    yield "nic_can_be_shaped", host_ability.nic_can_be_shaped(host, attachment, final)
    yield "nic_has_ipv6", host_ability.nic_has_ipv6(host, attachment)


def _of_bond(host: HostView, bond: BondIntent) -> Iterator[tuple[str, Problem | None]]:
    unknown_mode = host_bond.mode_is_known_to_ovs(host, bond)
    yield "mode_is_known_to_ovs", unknown_mode
    if not unknown_mode:
        yield "options_are_known_to_ovs", host_bond.options_are_known_to_ovs(host, bond)
    yield "host_can_bond", host_ability.host_can_bond(host, bond)
    if host.intent.switch_type == "legacy":  # a bond of Open vSwitch is not a kernel link
        yield "bond_name_is_free", host_bond.bond_name_is_free(host, bond.name)


def _sent_back(host: HostView, attachment: AttachmentIntent) -> Resolved:
    """The attachment as a client that read it would send it."""
    change = AttachmentChange(
        id=attachment.id,
        network=Ref(id=attachment.network_id),
        nic=Ref(name=attachment.nic),
        assignments=attachment.assignments,
        properties=attachment.properties,
        dns=attachment.dns,
        qos=attachment.qos,
    )
    network = host.networks[attachment.network_id]
    return Resolved(change=change, existing=attachment, network=network, nic=attachment.nic)


def new_violations(before: Mapping[Violation, Problem], after: Mapping[Violation, Problem]) -> dict[Violation, Problem]:
    """The violations that a request adds. Violations from before must block neither other requests nor a repair in
    steps.
    """
    return {key: problem for key, problem in after.items() if key not in before}


def applicable(intent: HostIntent, report: Host) -> HostIntent:
    """The part of the intent that a host can apply now. While networks of a NIC violate :data:`NIC_WIDE_RULES`, those
    on the host keep their MTU and QoS, and new ones get values that fit them.

    What other software on the host prevents is left out: a QoS on a NIC whose traffic it shapes, IPv6 where it is
    disabled. Otherwise all other changes of the host would fail, too.
    """
    intent = _possible(intent, limits_of(report))
    networks = {network.id: NetworkView(intent=network, in_cluster=True) for network in intent.networks}
    view = HostView(id="", name="", status="", intent=intent, report=Host(), nics={}, networks=networks)
    final = final_set(view, SetupRequest(), str)
    nics = {attachment.nic for attachment in intent.attachments}
    unfit = {nic for nic in nics if any(rule_of_nic(view, final, nic) for rule_of_nic in _COMMON)}
    if not unfit:
        return intent
    places = locate_networks(report)
    fit: dict[str, NetworkIntent] = {}
    for nic in unfit:
        fit |= {network.id: network for network in _made_fit(intent, nic, places)}
    return replace(
        intent,
        networks=tuple(fit.get(network.id, network) for network in intent.networks),
        attachments=tuple(replace(one, qos=None) if one.network_id in fit else one for one in intent.attachments),
    )


def _possible(intent: HostIntent, limits: HostLimits) -> HostIntent:
    bonds, networks = {bond.name: bond for bond in intent.bonds}, {one.id: one for one in intent.networks}
    attachments = {one.network_id: one for one in intent.attachments}
    for one in intent.attachments:
        network = networks[one.network_id]
        links = host_ability.shaped_links(intent.switch_type, one.nic, bonds.get(one.nic))
        if limits.shaped_by_others.keys() & set(links):
            networks[network.id] = replace(network, qos=None)
            attachments[network.id] = replace(attachments[network.id], qos=None)
        if one.nic in limits.without_ipv6 and host_ability.is_directly_on_nic(intent.switch_type, network):
            left = tuple(ip for ip in one.assignments if ip.version != 6)  # noqa: PLR2004 -- of IP
            attachments[network.id] = replace(attachments[network.id], assignments=left)
    return replace(intent, attachments=tuple(attachments.values()), networks=tuple(networks.values()))


def _made_fit(intent: HostIntent, nic: str, places: Mapping[str, Location]) -> list[NetworkIntent]:
    """The networks of a NIC with the MTU and the QoS that each has on the host. One that is not on the host gets those
    of the untagged network, else of the first; where none is on the host, no QoS.
    """
    carried = {one.network_id: one for one in intent.attachments if one.nic == nic}
    networks = sorted((one for one in intent.networks if one.id in carried), key=lambda one: one.vlan is not None)
    there = [network for network in networks if network.id in places]
    mtu = places[there[0].id].mtu if there else networks[0].mtu
    others = reported_qos(places[there[0].id]) if there else None
    made = []
    for network in networks:
        if at := places.get(network.id):
            made.append(replace(network, mtu=at.mtu, qos=reported_qos(at)))
        else:
            own = effective_qos(carried[network.id], network)
            made.append(replace(network, mtu=mtu, qos=(own or others) if others else None))
    return made
