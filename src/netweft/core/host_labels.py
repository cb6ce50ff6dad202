"""Labels of NICs: a NIC with a label carries every network of the cluster that has the same one.

A request for labels becomes one for attachments before the rules judge it (oVirt's HostSetupNetworks, pre-processing).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from netweft.core.host_request import (
    AttachmentChange,
    HostView,
    LabelChange,
    NetworkView,
    Ref,
    SetupRequest,
    removed_ids,
    resolve,
)
from netweft.core.intent import AttachmentIntent, IpAssignment
from netweft.core.keep import KEEP
from netweft.core.roles import ROLES

ADDRESSED_ROLES = ROLES
"""A network that has one of these roles in the cluster needs an address on every host."""

_DHCP = (IpAssignment(version=4, method="dhcp"),)


def expand(host: HostView, request: SetupRequest) -> SetupRequest:
    """The request with what its labels mean: networks come with a label that is added, and go with one that is removed,
    those that the request mentions itself aside. NICs that are not known are left out, for the rules to tell.
    """
    mentioned = _mentioned(host, request)
    added = [
        _attach(host, view, nic)
        for change in request.labels
        if (nic := host.nic_name(change.nic))
        for view in _labelled(host, change.label)
        if view.intent.id not in mentioned and not _is_there(host, view, nic)
    ]
    removed = [
        Ref(id=attachment.id)
        for label in request.removed_labels
        for attachment in attached_by(host, label)
        if attachment.network_id not in mentioned
    ]
    return replace(request, attachments=(*request.attachments, *added), removed=(*request.removed, *removed))


def attached_by(host: HostView, label: str) -> list[AttachmentIntent]:
    """The attachments that are on a NIC by this label; the management network, which stays on the host, aside."""
    networks = {view.intent.id for view in host.networks.values() if view.label == label and not view.is_management}
    return [one for one in host.intent.attachments if one.nic == host.labels.get(label) and one.network_id in networks]


def propagation(host: HostView, lost: Collection[str]) -> SetupRequest:
    """The request that brings the networks to a host that its labels mean, and takes those with the ids ``lost`` off.

    Labels of NICs that the host has no more are left alone.
    """
    nics = {*host.report.nics, *host.bonds}
    return SetupRequest(
        labels=tuple(LabelChange(label=label, nic=Ref(name=nic)) for label, nic in host.labels.items() if nic in nics),
        removed=tuple(Ref(id=one.id) for one in host.intent.attachments if one.network_id in lost),
        commit_on_success=True,
    )


def _mentioned(host: HostView, request: SetupRequest) -> set[str]:
    """Ids of the networks that a request says something of by itself."""
    resolved = [resolve(host, change) for change in request.attachments]
    gone = set(removed_ids(host, request))
    removed = {one.network_id for one in host.intent.attachments if one.id in gone}
    return {one.network.intent.id for one in resolved if one.network} | removed


def _labelled(host: HostView, label: str) -> list[NetworkView]:
    views = [view for view in host.networks.values() if view.in_cluster and view.label == label]
    return sorted(views, key=lambda view: view.name)


def _is_there(host: HostView, view: NetworkView, nic: str) -> bool:
    return any(one.network_id == view.intent.id and one.nic == nic for one in host.intent.attachments)


def _attach(host: HostView, view: NetworkView, nic: str) -> AttachmentChange:
    """A network comes as it was on another NIC; one that needs an address and has no way to one asks for it (DHCP)."""
    before = next((one for one in host.intent.attachments if one.network_id == view.intent.id), None)
    has_address = before is not None and any(ip.method != "none" for ip in before.assignments)
    needs_address = not view.roles.isdisjoint(ADDRESSED_ROLES) and not has_address
    return AttachmentChange(
        network=Ref(id=view.intent.id), nic=Ref(name=nic), assignments=_DHCP if needs_address else KEEP
    )
