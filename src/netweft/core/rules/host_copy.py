"""Copying a host's networks to another one (oVirt's CopyHostNetworks): what may be copied, and the request that does
it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from netweft.core.errors import Problem
from netweft.core.host import Host
from netweft.core.host_request import AttachmentChange, BondChange, Ref, SetupRequest
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, IpAssignment
from netweft.core.interface_cards import is_dynamic


def is_another_host(source: str, target: str) -> Problem | None:
    """A host is not its own model."""
    if source != target:
        return None
    return Problem("INVALID_HOST_ID", "A Host's networks cannot be copied from the Host itself: name another one.")


def is_in_same_cluster(source: str, source_cluster: str, target_cluster: str) -> Problem | None:
    """Both hosts are in one cluster."""
    if source_cluster == target_cluster:
        return None
    text = f"Host {source} is in another Cluster. Networks are copied between Hosts of one Cluster."
    return Problem("ACTION_TYPE_FAILED_DESTINATION_AND_SOURCE_CLUSTER_ARE_NOT_THE_SAME", text)


def has_enough_nics(source: Sequence[str], target: Sequence[str]) -> Problem | None:
    """The host has a NIC for each of the other one's, those under the management network aside."""
    if len(source) <= len(target):
        return None
    text = (
        f"The source Host has {len(source)} NICs besides that of the management network, and this Host only "
        f"{len(target)}."
    )
    return Problem("ACTION_TYPE_FAILED_INTERFACE_COUNT_DOES_NOT_MATCH", text)


def free_nics(host: Host, intent: HostIntent, management: Collection[str]) -> list[str]:
    """The NICs of a host by name, without the one below its management network, or the slaves of that bond, and without
    those that only guests can have.
    """
    base = {a.nic for a in intent.attachments if a.network_id in management}
    below = {slave for bond in intent.bonds if bond.name in base for slave in bond.slaves}
    of_guests = {name for name, nic in host.nics.items() if is_dynamic(nic.facts)}
    return sorted(set(host.nics) - base - below - of_guests)


def copy_request(
    source: HostIntent,
    target: HostIntent,
    management: Collection[str],
    nics: Sequence[str],
    own: Sequence[str],
    labels: Mapping[str, str],
) -> SetupRequest:
    """The request that makes the networks on ``own`` NICs of the target equal to those on ``nics`` of the source.

    ``labels``: NICs of the target by label; they are removed, as the copied networks may have other labels.
    """
    pairs = dict(zip(nics, own, strict=False))
    kept = {a.nic for a in target.attachments if a.network_id in management}
    bonds = [bond for bond in source.bonds if all(slave in pairs for slave in bond.slaves)]
    pairs |= {bond.name: bond.name for bond in bonds}
    changes = tuple(
        _attachment_change(one, pairs[one.nic])
        for one in source.attachments
        if one.nic in pairs and one.network_id not in management
    )
    copied = {change.network.id for change in changes}
    removed = [a for a in target.attachments if a.network_id not in {*copied, *management}]
    names = {bond.name for bond in bonds}
    return SetupRequest(
        attachments=changes,
        removed=tuple(Ref(id=one.id) for one in removed),
        bonds=tuple(_bond_change(bond, pairs) for bond in bonds),
        removed_bonds=tuple(Ref(name=bond.name) for bond in target.bonds if bond.name not in names | kept),
        removed_labels=tuple(sorted(label for label, nic in labels.items() if nic not in kept)),
        commit_on_success=True,
    )


def _attachment_change(attachment: AttachmentIntent, nic: str) -> AttachmentChange:
    return AttachmentChange(
        network=Ref(id=attachment.network_id),
        nic=Ref(name=nic),
        assignments=_without_static(attachment),
        qos=attachment.qos,
    )


def _bond_change(bond: BondIntent, pairs: Mapping[str, str]) -> BondChange:
    slaves = tuple(Ref(name=pairs[slave]) for slave in bond.slaves)
    return BondChange(bond=Ref(name=bond.name), slaves=slaves, options=bond.options)


def _without_static(attachment: AttachmentIntent) -> tuple[IpAssignment, ...]:
    """An address belongs to one host only."""
    return tuple(one for one in attachment.assignments if one.method != "static")
