"""Labels of NICs: a NIC with a label carries every network of the cluster with the same label.

A request for labels is expanded to one for attachments before the rules check it (oVirt's HostSetupNetworks,
pre-processing).
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
    """The request with the attachments that its labels imply: a new label attaches its networks and a removed one
    detaches them, except those that the request names itself. Unknown NICs are left out; the rules report them.
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
    """The request that attaches the networks that a host's labels imply, and detaches those with the ids ``lost``.

    Labels of NICs that the host no longer has are left alone.
    """
    nics = {*host.report.nics, *host.bonds}
    return SetupRequest(
        labels=tuple(LabelChange(label=label, nic=Ref(name=nic)) for label, nic in host.labels.items() if nic in nics),
        removed=tuple(Ref(id=one.id) for one in host.intent.attachments if one.network_id in lost),
        commit_on_success=True,
    )


def _mentioned(host: HostView, request: SetupRequest) -> set[str]:
    """Ids of the networks that a request names itself."""
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
    """A network keeps its settings from another NIC. One that needs an address and has none uses DHCP."""
    before = next((one for one in host.intent.attachments if one.network_id == view.intent.id), None)
    has_address = before is not None and any(ip.method != "none" for ip in before.assignments)
    needs_address = not view.roles.isdisjoint(ADDRESSED_ROLES) and not has_address
    return AttachmentChange(
        network=Ref(id=view.intent.id), nic=Ref(name=nic), assignments=_DHCP if needs_address else KEEP
    )
