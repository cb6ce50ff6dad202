"""Rules on labels of NICs (oVirt's HostSetupNetworks, group C and the rules on labels in D, E, F and O; LabelNic and
UnlabelNic).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from netweft.core.errors import Problem
from netweft.core.host_request import FinalSet, HostView, LabelChange, Ref, Resolved, SetupRequest
from netweft.core.intent import AttachmentIntent
from netweft.core.interface_cards import why_only_for_guests
from netweft.core.rules.host_bond import SLAVES_MIN


def labelled_nic_id_and_name_agree(host: HostView, change: LabelChange) -> Problem | None:
    """C1: a NIC given by id and name is one and the same."""
    known = host.nic_name(Ref(id=change.nic.id)) if change.nic.id else ""
    if not (known and change.nic.name) or known == change.nic.name:
        return None
    text = (
        f"Label '{change.label}' is for the NIC with id {change.nic.id}, which is called '{known}', not"
        f" '{change.nic.name}'. Give only one of the two."
    )
    return Problem("NIC_LABEL_REFERENCES_NICS_INCOHERENTLY", text)


def labelled_nic_exists(host: HostView, change: LabelChange, request: SetupRequest) -> Problem | None:
    """C2: the NIC is there, or is a bond that the request makes, and not one that it removes."""
    name = host.nic_name(change.nic)
    new = {host.nic_name(bond.bond) for bond in request.bonds}
    removed = {host.nic_name(ref) for ref in request.removed_bonds}
    known = {*host.report.nics, *host.report.vlans, *host.bonds, *new} - removed
    if name in known:
        return None
    text = (
        f"Label '{change.label}' cannot be put on '{change.nic}':"
        f" Host {host.name} has or will have no such NIC or bond."
    )
    return Problem("INTERFACE_ON_NIC_LABEL_NOT_EXIST", text)


def labelled_nic_is_proper(host: HostView, change: LabelChange, final: FinalSet) -> Problem | None:
    """C3: a label is put on a NIC or bond, not on a VLAN device or on what is a slave after the request."""
    name = host.nic_name(change.nic)
    bonds = [bond.name for bond in final.bonds if name in bond.slaves]
    if name not in host.report.vlans and not bonds:
        return None
    what = f"a slave of bond {bonds[0]}" if bonds else "a VLAN device"
    better = bonds[0] if bonds else host.report.vlans[name].base
    text = f"Label '{change.label}' cannot be put on '{name}', which is {what}. Put it on '{better}'."
    return Problem("LABEL_ATTACH_TO_IMPROPER_INTERFACE", text)


def labelled_nic_is_for_hosts(host: HostView, change: LabelChange) -> Problem | None:
    """A dynamic NIC of a virtual interface card belongs to guests."""
    text = why_only_for_guests(host.name, host.report, (host.nic_name(change.nic),))
    return Problem("ACTION_TYPE_FAILED_NIC_IS_DYNAMIC", text) if text else None


def labelled_bond_has_slaves(host: HostView, final: FinalSet, label: str) -> Problem | None:
    """C4: a bond with a label has at least two slaves."""
    name = final.labels[label]
    bond = final.bond(name) or host.bonds.get(name)
    if bond is None or len(set(bond.slaves)) >= SLAVES_MIN:
        return None
    text = (
        f"Bond {name} has label '{label}' and would have {len(set(bond.slaves))} slaves: give it {SLAVES_MIN} or more."
    )
    return Problem("IMPROPER_BOND_IS_LABELED", text)


def removed_label_exists(host: HostView, label: str) -> Problem | None:
    """C5: a label that is removed is on the host."""
    if label in host.labels:
        return None
    text = f"No NIC of Host {host.name} has the label '{label}' that is to be removed."
    return Problem("LABEL_NOT_EXIST_IN_HOST", text)


def labels_are_given_once(request: SetupRequest) -> Problem | None:
    """C6: a label occurs once in all that is added and removed."""
    counts = Counter([*(change.label for change in request.labels), *request.removed_labels])
    twice = sorted(label for label, count in counts.items() if count > 1)
    if not twice:
        return None
    text = (
        f"These labels occur more than once in the request: {', '.join(twice)}. A label is on one NIC of a Host only."
    )
    return Problem("PARAMS_CONTAIN_DUPLICATE_LABELS", text)


def network_follows_its_label(one: Resolved, labels: Mapping[str, str], added: Collection[str]) -> Problem | None:
    """D9 and D17: a network whose label is on a NIC after the request is on that NIC. ``added``: labels that the
    request puts somewhere.
    """
    label = one.network.label if one.network else ""
    if not (one.network and label in labels) or labels[label] == one.nic:
        return None
    if one.existing and one.existing.nic == one.nic and label not in added:
        return None  # it is where it was: bringing it to its label has failed so far
    text = f"Network '{one.network.name}' has the label '{label}', which NIC '{labels[label]}' has"
    if one.existing and label not in added:
        text = f"{text}, so it cannot move to '{one.nic}'. Move the label instead, or remove it from the NIC first."
        return Problem("CANNOT_MOVE_LABELED_NETWORK_TO_ANOTHER_NIC", text)
    text = f"{text} or gets, so it cannot be put on '{one.nic}'. Leave the attachment out, or use that NIC."
    return Problem("NETWORK_SHOULD_BE_ATTACHED_VIA_LABEL_TO_ANOTHER_NIC", text)


def network_stays_with_its_label(
    host: HostView, attachment: AttachmentIntent, labels: Mapping[str, str]
) -> Problem | None:
    """E: a network is not removed from a NIC that keeps its label."""
    view = host.networks.get(attachment.network_id)
    if view is None or not view.label or labels.get(view.label) != attachment.nic:
        return None
    text = (
        f"Network '{view.name}' cannot be removed from NIC '{attachment.nic}', which has its label '{view.label}'."
        " Take the label off the NIC instead."
    )
    return Problem("CANNOT_REMOVE_LABELED_NETWORK_FROM_NIC", text)


def slave_keeps_no_label(final: FinalSet, label: str) -> Problem | None:
    """F: a NIC that joins a bond keeps no label."""
    nic = final.labels[label]
    bonds = [bond.name for bond in final.bonds if nic in bond.slaves]
    if not bonds:
        return None
    text = f"NIC {nic} will be a slave of bond {bonds[0]} and has the label '{label}'. Move the label to the bond."
    return Problem("NETWORK_BOND_SLAVE_IS_LABELED", text)


def labelled_nic_carries_no_unmanaged(
    host: HostView, change: LabelChange, unmanaged: Mapping[str, str]
) -> Problem | None:
    """O: no label is put on a NIC that carries a network which is not ours."""
    nic = host.nic_name(change.nic)
    names = sorted(name for name, below in unmanaged.items() if below == nic)
    if not names:
        return None
    text = f"Label '{change.label}' cannot be put on '{nic}', which carries {', '.join(names)}: not made by Netweft."
    return Problem("NIC_CARRIES_UNMANAGED_NETWORK", f"{text} Remove that on the host, or use another NIC.")


def nic_has_no_such_label(nic: str, label: str, labels: Mapping[str, str]) -> Problem | None:
    """LabelNic: the NIC does not have the label already, and neither does another one of the host."""
    if label not in labels:
        return None
    if labels[label] == nic:
        return Problem("INTERFACE_ALREADY_LABELED", f"NIC '{nic}' has the label '{label}' already.")
    text = f"The label '{label}' is on NIC '{labels[label]}' of this Host already. Remove it there first."
    return Problem("OTHER_INTERFACE_ALREADY_LABELED", text)
