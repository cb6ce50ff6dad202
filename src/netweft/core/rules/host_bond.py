"""Rules on the bonds that a request makes, changes or removes (oVirt's HostSetupNetworks, groups F, G, H and N)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from netweft.core.errors import Problem
from netweft.core.host_request import BondChange, FinalSet, HostView, Ref
from netweft.core.intent import BondIntent
from netweft.core.interface_cards import why_only_for_guests
from netweft.core.limits import LINK_NAME_MAX
from netweft.core.options import MODES, bond_mode, bond_option_name, bond_options, bond_problem, repeated
from netweft.core.ovs_bonds import OVS_MODES, ovs_bond_problem
from netweft.core.rules.fields import listed

NAME = re.compile(r"bond\w+", re.ASCII)

BRIDGED_MODES = frozenset({"active-backup", "balance-xor", "broadcast", "802.3ad"})
"""Modes for a VM network: the others send frames of one guest through several ports or rewrite its address."""

SLAVES_MIN = 2


def mode_of(bond: BondIntent) -> str:
    """The kernel's name of a bond's mode; empty when there is no such mode."""
    mode = bond_mode(bond.options.get("mode", ""))
    return mode if mode in MODES else ""


def bond_is_named(host: HostView, ref: Ref) -> Problem | None:
    """F1, F2: a bond is given by a known id, or by a name."""
    if host.nic_name(ref):
        return None
    text = f"Host {host.name} has no bond '{ref}'." if ref.id else "A bond has neither id nor name: give its name."
    return Problem("BOND_DOES_NOT_EXIST" if ref.id else "BOND_DOES_NOT_HAVE_NEITHER_ID_NOR_NAME_SPECIFIED", text)


def bond_id_and_name_agree(host: HostView, ref: Ref) -> Problem | None:
    """F3: a bond given by id and name is one and the same."""
    known = host.nic_name(Ref(id=ref.id)) if ref.id else ""
    if not (known and ref.name) or known == ref.name:
        return None
    text = f"The bond with id {ref.id} is called '{known}', not '{ref.name}'. Give only one of the two."
    return Problem("BOND_REFERENCES_NICS_INCOHERENTLY", text)


def bond_name_is_valid(name: str) -> Problem | None:
    """F4: ``bond`` and at least one letter, digit or underscore, as long as the kernel allows."""
    if NAME.fullmatch(name) and len(name) <= LINK_NAME_MAX:
        return None
    text = f"The bond name '{name}' is not valid: 'bond' and letters, digits or '_', {LINK_NAME_MAX} characters in all."
    return Problem("NETWORK_BOND_NAME_BAD_FORMAT", text)


def bond_name_is_free(host: HostView, name: str) -> Problem | None:
    """F5: nothing that is no bond has the name."""
    if name not in (set(host.report.links()) | host.limits.names) - set(host.report.bonds):
        return None
    text = f"Host {host.name} already has a link '{name}' that is not a bond. Choose another name."
    return Problem("NETWORK_BOND_NAME_EXISTS", text)


def options_are_known(bond: BondIntent) -> Problem | None:
    """The mode exists, and the kernel takes every option in that mode; oVirt leaves the options to the host."""
    if not bond.options.get("mode"):
        text = f"The options of bond {bond.name} name no mode. Give the option mode, 0 to 6 or the kernel's name, too."
        return Problem("INVALID_BOND_MODE", text)
    if not mode_of(bond):
        text = (
            f"Bond {bond.name} has the unknown mode '{bond.options.get('mode', '')}'. Use 0 to 6 or the kernel's name."
        )
        return Problem("INVALID_BOND_MODE", text)
    twice = repeated(bond_option_name(key) for key in bond.options)
    problem = f"{bond.name}: {twice} is given twice, by two of its names" if twice else None
    problem = problem or bond_problem(bond.name, mode_of(bond), bond_options(bond.options))
    return Problem("NETWORK_BOND_INVALID_OPTION", f"The options of bond {problem}.") if problem else None


def options_can_work(bond: BondIntent) -> Problem | None:
    """Options that the kernel accepts, and with which the bond would never have a carrier: more required links than
    slaves, ARP monitoring without targets.
    """
    options = bond_options(bond.options)
    links = int(options.get("min_links", "0"))
    problem = ""
    if links > len(bond.slaves):
        problem = f"min_links is {links}, and it has {len(bond.slaves)} slaves"
    elif options.get("arp_interval", "0") != "0" and not options.get("arp_ip_target"):
        problem = "arp_interval needs arp_ip_target, the addresses to ask for"
    if not problem:
        return None
    return Problem("NETWORK_BOND_INVALID_OPTION", f"Bond {bond.name} would never carry traffic: {problem}.")


def primary_is_slave(bond: BondIntent) -> Problem | None:
    """The NIC that the bond prefers is one of its slaves; the kernel takes any name, and then prefers none."""
    primary = bond_options(bond.options).get("primary", "")
    if not primary or primary in bond.slaves:
        return None
    text = f"The primary of bond {bond.name} is '{primary}', which is not one of its slaves: {listed(bond.slaves)}."
    return Problem("NETWORK_BOND_INVALID_OPTION", text)


def options_are_known_to_ovs(host: HostView, bond: BondIntent) -> Problem | None:
    """In an OVS cluster a bond has only options that Open vSwitch has a counterpart of."""
    if host.intent.switch_type != "ovs":
        return None
    problem = ovs_bond_problem(bond.name, mode_of(bond), bond_options(bond.options))
    return (
        Problem("BOND_OPTION_NOT_SUPPORTED_BY_OVS", f"The options of bond {problem}. Leave it out.")
        if problem
        else None
    )


def mode_is_known_to_ovs(host: HostView, bond: BondIntent) -> Problem | None:
    """In an OVS cluster a bond has a mode that Open vSwitch has too."""
    if host.intent.switch_type != "ovs" or mode_of(bond) in OVS_MODES:
        return None
    text = f"Bond {bond.name} has mode {mode_of(bond)}, which Open vSwitch does not have. Use mode 1, 2 or 4."
    return Problem("BOND_MODE_NOT_SUPPORTED_BY_OVS", text)


def has_enough_slaves(bond: BondIntent) -> Problem | None:
    """F6: a bond has at least two slaves."""
    if len(set(bond.slaves)) >= SLAVES_MIN:
        return None
    text = f"Bond {bond.name} must have at least {SLAVES_MIN} slaves, and it would have {len(set(bond.slaves))}."
    return Problem("NETWORK_BONDS_INVALID_SLAVE_COUNT", text)


def slaves_are_different(bond: BondIntent) -> Problem | None:
    """F9: no slave is named twice."""
    twice = repeated(slave for slave in bond.slaves if slave)
    if not twice:
        return None
    text = f"NIC {twice} is named twice among the slaves of bond {bond.name}. Name it once."
    return Problem("NETWORK_INTERFACE_ALREADY_IN_BOND", text)


def slave_exists(host: HostView, change: BondChange, bond: BondIntent) -> Problem | None:
    """F7: every slave is a NIC of the host."""
    unknown = sorted(slave or "(unknown id)" for slave in bond.slaves if slave not in host.report.links())
    if not unknown:
        return None
    text = f"Host {host.name} has no NIC {', '.join(unknown)} that could join bond {change.bond}."
    return Problem("HOST_NETWORK_INTERFACE_NOT_EXIST", text)


def slave_is_nic(host: HostView, bond: BondIntent) -> Problem | None:
    """F8: no slave is a VLAN device, a bond or a bridge."""
    wrong = sorted(slave for slave in bond.slaves if slave not in host.report.nics)
    if not wrong:
        return None
    text = f"Bond {bond.name} can only have NICs as slaves, which {', '.join(wrong)} is not."
    return Problem("NETWORK_INTERFACE_IS_NOT_A_NIC", text)


def slave_is_for_hosts(host: HostView, bond: BondIntent) -> Problem | None:
    """A dynamic NIC of a virtual interface card belongs to guests."""
    text = why_only_for_guests(host.name, host.report, bond.slaves)
    return Problem("ACTION_TYPE_FAILED_NIC_IS_DYNAMIC", text) if text else None


def slave_is_free(host: HostView, bond: BondIntent, final: FinalSet) -> Problem | None:
    """F9 and F12: no slave is in another bond of the final set, nor in one that is not ours."""
    for slave in bond.slaves:
        others = [other.name for other in final.bonds if slave in other.slaves and other.name != bond.name]
        master = host.report.nics[slave].master
        theirs = host.report.bonds.get(master)
        if theirs is not None and not theirs.owner and final.bond(master) is None:
            others.append(master)
        if others:
            text = f"NIC {slave} is in bond {others[0]} already: remove it there, or leave it out of bond {bond.name}."
            return Problem("NETWORK_INTERFACE_ALREADY_IN_BOND", text)
    return None


def slave_carries_no_network(host: HostView, bond: BondIntent, final: FinalSet) -> Problem | None:
    """F10: no slave carries an attachment in the final set; one code for a new attachment, one for an existing one."""
    for slave in bond.slaves:
        for attachment in final.on(slave):
            name = host.networks[attachment.network_id].name
            if attachment.id in host.attachments:
                text = (
                    f"Network '{name}' is on NIC {slave}, which is to join bond {bond.name}. Move the network to "
                    "the bond."
                )
                return Problem("NETWORK_INTERFACE_ATTACHED_TO_NETWORK_CANNOT_BE_SLAVE", text)
            text = (
                f"Network '{name}' cannot be attached to NIC {slave}, which is to join bond {bond.name}. Use the bond."
            )
            return Problem("NETWORK_CANNOT_BE_ATTACHED_TO_SLAVE", text)
    return None


def slave_carries_no_unmanaged(bond: BondIntent, unmanaged: Mapping[str, str]) -> Problem | None:
    """F11: neither a slave nor a VLAN on it carries an unmanaged network (``unmanaged``: their NICs by their names)."""
    for slave in bond.slaves:
        names = sorted(name for name, nic in unmanaged.items() if nic == slave)
        if names:
            text = (
                f"NIC {slave} carries {', '.join(names)}, which Netweft does not manage, so it cannot join {bond.name}."
            )
            return Problem("NETWORK_BOND_SLAVE_HAS_UNMANAGED_NETWORK", text)
    return None


def removed_bond_exists(host: HostView, ref: Ref) -> Problem | None:
    """G1, G2: what is removed is a bond of the host."""
    if host.nic_name(ref) in host.bonds:
        return None
    text = f"Host {host.name} has no bond '{ref}' that could be removed."
    return Problem("NETWORK_BOND_NOT_EXISTS", text)


def removed_bond_is_unused(host: HostView, name: str, final: FinalSet) -> Problem | None:
    """G3: no attachment of the final set sits on a bond that is removed."""
    users = sorted(host.networks[attachment.network_id].name for attachment in final.on(name))
    if not users:
        return None
    text = f"Bond {name} is used by networks: {', '.join(users)}. Remove or move them with the same request."
    return Problem("BOND_USED_BY_NETWORK_ATTACHMENTS", text)


def bond_is_not_changed_and_removed(changed: Collection[str], removed: Collection[str]) -> Problem | None:
    """H: a bond is not both changed and removed."""
    both = sorted(set(changed) & set(removed))
    if not both:
        return None
    return Problem(
        "BONDS_UPDATED_AND_REMOVED_SIMULTANEOUSLY",
        f"These bonds are both changed and removed: {', '.join(both)}. Do one of the two.",
    )


def mode_carries_vm_networks(
    host: HostView, bond: BondIntent, final: FinalSet, skipped: Collection[str]
) -> Problem | None:
    """N: under a VM network a bond has mode 1, 2, 3 or 4; one code for a network that is attached by its label, one for
    others. ``skipped``: attachments that are out of sync and not touched.
    """
    views = [host.networks[a.network_id] for a in final.on(bond.name) if a.id not in skipped]
    bridged = [view for view in views if view.intent.vm]
    names = sorted(view.name for view in bridged)
    if not names or mode_of(bond) in BRIDGED_MODES:
        return None
    by_label = any(final.labels.get(view.label) == bond.name for view in bridged)
    text = (
        f"Bond {bond.name} has mode {mode_of(bond) or bond.options.get('mode')}, which cannot carry the VM networks"
        f" {', '.join(names)}. Use mode 1, 2, 3 or 4."
    )
    if by_label:
        return Problem("INVALID_BOND_MODE_FOR_BOND_WITH_LABELED_VM_NETWORK", text)
    return Problem("INVALID_BOND_MODE_FOR_BOND_WITH_VM_NETWORK", text)
