"""Setting up a host's networks: the one command behind every change of its attachments and bonds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import sqlalchemy as sa

from netweft.core.drift import first_of
from netweft.core.errors import NotFoundError
from netweft.core.host_request import AttachmentChange, HostView, LabelChange, Ref, SetupRequest
from netweft.core.rules import check
from netweft.core.rules import host_copy as copying
from netweft.core.rules.host import has_joined, is_reachable_for_work
from netweft.core.rules.host_label import nic_has_no_such_label
from netweft.core.rules.setup_networks import ACTION, validate
from netweft.core.setup_history import networks_are_there, restore_request
from netweft.engine import audit, queue
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.audit import Severity
from netweft.engine.db import Tx, lock, new_id
from netweft.engine.model.host_networks import Candidate
from netweft.engine.model.hosts import HostRow, host_drifts, hosts
from netweft.engine.operations import host_changes
from netweft.engine.operations.host_rules import check_hosts, watch_hosts
from netweft.engine.payloads import OnHost
from netweft.engine.queries import host_history as history
from netweft.engine.queries import host_networks as queries
from netweft.engine.queries.cluster_networks import lock_to_use
from netweft.engine.queries.references import Ref as ObjectName
from netweft.engine.queries.references import resolve
from netweft.engine.queries.rollouts import held_of

_COMMIT = "Cannot commit network changes."
_SYNC = "Cannot sync Networks."
_COPY = "Cannot copy Host networks."
_RESTORE = "Cannot restore Networks."
_LABEL = "Cannot label Host network interface."
_UNLABEL = "Cannot unlabel Host network interface."

UNWANTED = 20_012
"""An event code of our own."""

SAVED = 1102
"""Event code (oVirt: NETWORK_UPDATE_NETWORK_TO_VDS_INTERFACE), as for a change that a host took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupHostNetworks:
    """A request for the networks of one host."""

    host_id: str
    request: SetupRequest


def setup_host_networks(tx: Tx, actor: Actor, spec: SetupHostNetworks, action: str = ACTION) -> str | None:
    """Set up a host's networks; returns the id of the job that brings the change there, None when the host need not be
    asked: nothing changes and nothing drifts, or only labels change that bring and take no network.

    The host is sent all that is wanted of it, so what differs there from that is put right on the way; an attachment
    that the request changes has to be named for it.

    The engine's attachments change only when the host took it. Needs CONFIGURE_HOST_NETWORK on the host.
    Raises NotFoundError, DeniedError, BusyError while another change is under way, ValidationError.
    """
    request = spec.request
    host = _begin(tx, actor, spec.host_id)
    view = queries.view(tx, spec.host_id, request)
    final = validate(view, request, new_id, action)
    if not (final.needs_host or final.puts_right):
        if final.labels != view.labels:
            host_changes.store_labels(tx, spec.host_id, final.labels)
            text = f"Labels of NICs of host {host.name} were changed by {actor.name}."
            audit.record(tx, actor, SAVED, text, host=spec.host_id)
        return None
    watched = watch_hosts(tx, action, {spec.host_id: host.name} if held_of(tx, (spec.host_id,)) else {})
    job_id = host_changes.begin(
        tx,
        actor,
        spec.host_id,
        candidate=Candidate.of(final, final.labels),
        reason=describe(view, request),
        confirm_within=float(request.connectivity_timeout) if request.check_connectivity else 0.0,
        commit=request.commit_on_success,
        description=f"Setting up networks of Host {host.name}",
        action=action,
    )
    check_hosts(tx, watched)  # by what a rollout will make of its networks, too
    return job_id


def _begin(tx: Tx, actor: Actor, host_id: str) -> HostRow:
    """Lock the host and the networks of its cluster, check the right, and that no other change of them is under way."""
    host = lock(tx, hosts, host_id)
    lock_to_use(tx, host.cluster_id)
    authorize.require(tx, actor, ActionGroup.CONFIGURE_HOST_NETWORK, ObjectRef(ObjectType.HOST, host_id))
    host_changes.require_idle(tx, host_id, host.name)
    return host


def describe(view: HostView, request: SetupRequest) -> str:
    """What a request asks for, in a few words for people: by names, also where the request has ids."""
    networks = {network_id: network.name for network_id, network in view.networks.items()}
    attached = {one.id: networks[one.network_id] for one in view.intent.attachments if one.network_id in networks}
    known = {**networks, **attached, **view.nics}

    def named(ref: Ref) -> str:
        return known.get(ref.id, str(ref))

    parts = [
        (
            "set",
            [named(change.network if change.network != Ref() else Ref(id=change.id)) for change in request.attachments],
        ),
        ("remove", [named(ref) for ref in request.removed]),
        ("synchronize", [named(Ref(id=attachment_id)) for attachment_id in request.synchronized]),
        ("set bond", [named(change.bond) for change in request.bonds]),
        ("remove bond", [named(ref) for ref in request.removed_bonds]),
        ("remove unmanaged", list(request.removed_unmanaged)),
        ("label", [change.label for change in request.labels]),
        ("unlabel", list(request.removed_labels)),
    ]
    return "; ".join(f"{verb} {', '.join(what)}" for verb, what in parts if what) or "put right what differs"


def add_attachment(tx: Tx, actor: Actor, host_id: str, change: AttachmentChange) -> str | None:
    """Attach one network; as :func:`setup_host_networks`."""
    request = SetupRequest(attachments=(replace(change, id="", is_new=True),))
    return setup_host_networks(
        tx, actor, SetupHostNetworks(host_id=host_id, request=request), "Cannot add network attachment."
    )


def update_attachment(
    tx: Tx, actor: Actor, host_id: str, change: AttachmentChange, *, synchronize: bool = False
) -> str | None:
    """Change one attachment, given by its id; as :func:`setup_host_networks`. ``synchronize``: also when it is out of
    sync.
    """
    request = SetupRequest(attachments=(change,), synchronized=(change.id,) if synchronize else ())
    return setup_host_networks(
        tx, actor, SetupHostNetworks(host_id=host_id, request=request), "Cannot update network attachment."
    )


def remove_attachment(tx: Tx, actor: Actor, host_id: str, attachment_id: str) -> str | None:
    """Take one network off the host; as :func:`setup_host_networks`."""
    request = SetupRequest(removed=(Ref(id=attachment_id),))
    return setup_host_networks(
        tx, actor, SetupHostNetworks(host_id=host_id, request=request), "Cannot remove network attachment."
    )


def label_nic(tx: Tx, actor: Actor, host_id: str, nic_id: str, label: str) -> str | None:
    """Give a NIC or bond a label that no other one of the host has; as :func:`setup_host_networks`."""
    _begin(tx, actor, host_id)
    view = queries.view(tx, host_id)
    nic = view.nic_name(Ref(id=nic_id))
    if not nic:
        raise NotFoundError(f"Host {view.name} has no NIC with the id {nic_id}.")
    check(_LABEL, nic_has_no_such_label(nic, label, view.labels))
    request = SetupRequest(labels=(LabelChange(label=label, nic=Ref(name=nic)),))
    return setup_host_networks(tx, actor, SetupHostNetworks(host_id=host_id, request=request), _LABEL)


def unlabel_nic(tx: Tx, actor: Actor, host_id: str, nic_id: str, label: str) -> str | None:
    """Take a label off a NIC or bond, with the networks that it brought; as :func:`setup_host_networks`.

    Raises NotFoundError also when the NIC has no such label.
    """
    _begin(tx, actor, host_id)
    view = queries.view(tx, host_id)
    nic = view.nic_name(Ref(id=nic_id))
    if not nic or view.labels.get(label) != nic:
        raise NotFoundError(f"Host {view.name} has no NIC with the id {nic_id} and the label '{label}'.")
    request = SetupRequest(removed_labels=(label,))
    return setup_host_networks(tx, actor, SetupHostNetworks(host_id=host_id, request=request), _UNLABEL)


def commit_network_changes(tx: Tx, actor: Actor, host_id: str) -> str:
    """Make what runs on the host what boot restores; returns the job's id. Needs CONFIGURE_HOST_NETWORK on the host.

    Records an event when the committed state is out of sync. Raises NotFoundError, DeniedError, ValidationError.
    """
    host = lock(tx, hosts, host_id)
    authorize.require(tx, actor, ActionGroup.CONFIGURE_HOST_NETWORK, ObjectRef(ObjectType.HOST, host_id))
    check(_COMMIT, is_reachable_for_work(host.status), has_joined(host.name, host.agent_url))
    _record_unwanted(tx, actor, host)
    description = f"Committing network changes of Host {host.name}"
    return queue.enqueue(tx, actor, "commit_host", host_changes.key_of(host_id), description, OnHost(host_id=host_id))


def _record_unwanted(tx: Tx, actor: Actor, host: HostRow) -> None:
    """An event for a host that is committed while it is out of sync: it will boot with the differences."""
    lines = tx.scalar(sa.select(host_drifts.c.lines).where(host_drifts.c.host_id == host.id))
    if lines:
        text = f"What is committed on Host {host.name} is not what is wanted of it: {first_of(lines)}."
        audit.record(tx, actor, UNWANTED, text, Severity.WARNING, host=host.id, cluster=host.cluster_id)


def sync_all_networks(tx: Tx, actor: Actor, host_id: str) -> str | None:
    """Put right whatever differs on the host from what is wanted of it, networks that are out of sync above all, and
    commit; returns the job's id, None when nothing differs.

    Needs CONFIGURE_HOST_NETWORK on the host. Raises NotFoundError, DeniedError, BusyError, ValidationError.
    """
    _begin(tx, actor, host_id)
    data = queries.load_one(tx, host_id)
    check(_SYNC, is_reachable_for_work(data.row.status))
    if data.drift.is_empty:
        return None
    request = SetupRequest(synchronized=tuple(data.differences()), commit_on_success=True)
    return setup_host_networks(tx, actor, SetupHostNetworks(host_id=host_id, request=request), _SYNC)


def restore_host_networks(tx: Tx, actor: Actor, host_id: str, generation: int, *, commit: bool) -> str | None:
    """Set a host up as it was at an applied generation: an ordinary setup, with its rules, its trial and its way
    back. Networks are as they are defined now. Needs CONFIGURE_HOST_NETWORK on the host.

    Raises NotFoundError, DeniedError, BusyError, ValidationError; returns the job's id, None when there is nothing to
    do.
    """
    _begin(tx, actor, host_id)
    data = queries.load_one(tx, host_id)
    wanted = history.setup_at(tx, host_id, generation)
    names = history.network_names(tx, host_id, wanted)
    missing = [
        names.get(one.network_id, one.network_id) for one in wanted.attachments if not _has(data, one.network_id)
    ]
    check(_RESTORE, networks_are_there(generation, missing))
    request = restore_request(wanted, data.intent, (wanted.labels, data.labels), commit=commit)
    return setup_host_networks(tx, actor, SetupHostNetworks(host_id=host_id, request=request), _RESTORE)


def _has(data: queries.HostData, network_id: str) -> bool:
    """Whether the host's cluster has a network."""
    view = data.networks.get(network_id)
    return view is not None and view.in_cluster


def copy_host_networks(tx: Tx, actor: Actor, source: ObjectName, host_id: str) -> str | None:
    """Give a host the bonds and networks of another one, its own management network aside; committed when it works.

    NICs are paired by their names in order. DHCP and autoconfiguration are kept, static addresses are not. Needs
    CONFIGURE_HOST_NETWORK
    on both. Raises NotFoundError, DeniedError, BusyError, ValidationError; returns the job's id, None when there is
    nothing to do.
    """
    source_id = resolve(tx, hosts, source, "host")
    authorize.require(tx, actor, ActionGroup.CONFIGURE_HOST_NETWORK, ObjectRef(ObjectType.HOST, source_id))
    _begin(tx, actor, host_id)
    template, target = queries.load_one(tx, source_id), queries.load_one(tx, host_id)
    check(
        _COPY,
        copying.is_another_host(source_id, host_id),
        copying.is_in_same_cluster(template.row.name, template.row.cluster_id, target.row.cluster_id),
    )
    management = {network_id for network_id, view in template.networks.items() if "management" in view.roles}
    nics = (
        copying.free_nics(template.host, template.intent, management),
        copying.free_nics(target.host, target.intent, management),
    )
    check(_COPY, copying.has_enough_nics(*nics))
    request = copying.copy_request(template.intent, target.intent, management, *nics, labels=target.labels)
    return setup_host_networks(tx, actor, SetupHostNetworks(host_id=host_id, request=request), _COPY)
