"""Hosts: joining, changing, leaving, and going in and out of service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from netweft.core.errors import Problem
from netweft.core.keep import KEEP, Keep
from netweft.core.rules import check, fields
from netweft.core.rules import host as rules
from netweft.core.rules import vm as vm_rules
from netweft.core.rules.host_consistency import NIC_WIDE_RULES
from netweft.engine import audit, queue
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import SYSTEM, Actor
from netweft.engine.audit import Severity
from netweft.engine.changes import Texts, changes, made, updated
from netweft.engine.db import Tx, lock, new_id, utc_now
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.host_networks import attachments
from netweft.engine.model.hosts import HostRow, hosts
from netweft.engine.model.networks import networks
from netweft.engine.model.vms import vms
from netweft.engine.operations import host_addresses, host_changes, host_labels, rollouts
from netweft.engine.operations.host_rules import Watch, check_hosts, watch_hosts
from netweft.engine.operations.network_status import host_changed
from netweft.engine.operations.races import translate_constraint_errors
from netweft.engine.payloads import OnHost, RemoveHost
from netweft.engine.queries.cluster_networks import lock_to_use
from netweft.engine.queries.hosts import guests_on
from netweft.engine.queries.references import Ref, resolve
from netweft.engine.queries.rollouts import held_of
from netweft.engine.queries.vms import vnics_of
from netweft.engine.statements import Statement, add

ADDED, UPDATED, REMOVED = 42, 43, 44
MAINTENANCE, ACTIVATED = 15, 16
LEFT_AS_IT_IS = 10904
"""Event codes (oVirt: USER_ADD_VDS, USER_UPDATE_VDS, USER_REMOVE_VDS, VDS_MAINTENANCE, VDS_ACTIVATE,
PERSIST_SETUP_NETWORK_ON_HOST_FAILED).
"""

PREPARING = "preparing_for_maintenance"
"""The status of a host whose guests are to leave: it gets no new ones."""

_ADD = "Cannot add Host."
_UPDATE = "Cannot update Host."
_REMOVE = "Cannot remove Host."
_ACTIVATE = "Cannot activate Host."
_DEACTIVATE = "Cannot switch Host to Maintenance mode."
_REFRESH = "Cannot refresh Host."


@dataclass(frozen=True, slots=True, kw_only=True)
class AddHost(Texts):
    """A new host. ``address``: the machine, as users call it; the agent sends its own address when it joins."""

    name: str
    address: str
    cluster: Ref
    ssh_port: int | Keep = KEEP
    ssh_fingerprint: str | Keep = KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateHost(Texts):
    """What changes of a host."""

    id: str
    address: str | Keep = KEEP
    cluster: Ref | Keep = KEEP
    ssh_port: int | Keep = KEEP
    ssh_fingerprint: str | Keep = KEEP


def add_host(tx: Tx, actor: Actor, spec: AddHost) -> str:
    """Add a host, which is being installed until its agent has joined with an enrolment token; returns its id.

    Needs CREATE_HOST on the cluster. Raises NotFoundError, DeniedError, ValidationError.
    """
    cluster_id = resolve(tx, clusters, spec.cluster, "cluster")
    authorize.require(tx, actor, ActionGroup.CREATE_HOST, ObjectRef(ObjectType.CLUSTER, cluster_id))
    cluster = lock(tx, clusters, cluster_id)
    host = new_row(spec, cluster_id)
    check(_ADD, *_problems(host))
    check(_ADD, *_clashes(tx, host))
    with translate_constraint_errors(_ADD, lambda _: rules.name_is_free(host.name, (host.name,))):
        add(tx, hosts, host)
    text = f"Host {host.name} was added to cluster {cluster.name} by {actor.name}."
    audit.record(tx, actor, ADDED, text, host=host.id, cluster=cluster_id, data_center=cluster.data_center_id)
    return host.id


def new_row(spec: AddHost, cluster_id: str) -> HostRow:
    """The row of a host to be."""
    return made(
        HostRow,
        spec,
        id=new_id(),
        cluster_id=cluster_id,
        status="installing",
        status_reason="Waits for its agent to join.",
        dirty=False,
        created_at=utc_now(),
    )


def host_joined(tx: Tx, host_id: str, agent_url: str, actor: Actor = SYSTEM) -> str:
    """The agent of a host has enrolled: remember where it listens, and install the host; returns the job's id."""
    host = lock(tx, hosts, host_id)
    tx.execute(sa.update(hosts).where(hosts.c.id == host_id).values(joined_values(agent_url)))
    if host.status == "up":
        host_changed(tx, host_id, host.cluster_id)
    return enqueue_install(tx, actor, host_id, host.name)


def joined_values(agent_url: str) -> dict[str, str]:
    """What the row of a host says whose agent has enrolled."""
    return {"agent_url": agent_url, "status": "installing", "status_reason": "Its networks are being set up."}


def enqueue_install(tx: Tx, actor: Actor, host_id: str, name: str) -> str:
    """Install a host whose agent has enrolled; returns the job's id."""
    description = f"Installing Host {name}"
    return queue.enqueue(tx, actor, "install_host", host_changes.key_of(host_id), description, OnHost(host_id=host_id))


def update_host(tx: Tx, actor: Actor, spec: UpdateHost) -> None:
    """Change a host. Needs EDIT_HOST_CONFIGURATION on it, and CREATE_HOST on the cluster that it moves to.

    Raises NotFoundError, DeniedError, ValidationError.
    """
    host = lock(tx, hosts, spec.id)
    authorize.require(tx, actor, ActionGroup.EDIT_HOST_CONFIGURATION, ObjectRef(ObjectType.HOST, spec.id))
    after = updated(host, spec)
    check(_UPDATE, *_problems(after))
    check(_UPDATE, *_clashes(tx, after))
    cluster_id = host.cluster_id if spec.cluster is KEEP else resolve(tx, clusters, spec.cluster, "cluster")
    if cluster_id != host.cluster_id:
        _move(tx, actor, host, cluster_id)
    values = {**changes(host, after), "cluster_id": cluster_id}
    if after.address != host.address:  # by which other hosts' libvirt knows this one's: the certificate is to name it
        values["certificate_expires"] = None
    with translate_constraint_errors(_UPDATE, lambda _: rules.name_is_free(after.name, (after.name,))):
        tx.execute(sa.update(hosts).where(hosts.c.id == spec.id).values(values))
    if cluster_id != host.cluster_id:
        host_labels.propagate(tx, actor, "the host moved to another cluster", spec.id)
    audit.record(
        tx, actor, UPDATED, f"Host {after.name} was updated by {actor.name}.", host=spec.id, cluster=cluster_id
    )


def _move(tx: Tx, actor: Actor, host: HostRow, cluster_id: str) -> None:
    """Move a host to another cluster; its attachments go over to the networks of the same names there."""
    authorize.require(tx, actor, ActionGroup.CREATE_HOST, ObjectRef(ObjectType.CLUSTER, cluster_id))
    cluster = lock(tx, clusters, cluster_id)
    lock_to_use(tx, cluster_id)
    host_changes.require_idle(tx, host.id, host.name)
    watched, addresses = watch_hosts(tx, _UPDATE, {host.id: host.name}), host_addresses.stored(tx, host.id)
    there = {name: network_id for network_id, name in tx.execute(_networks_of(cluster_id))}
    query = sa.select(attachments.c.id, networks.c.name).join(networks, networks.c.id == attachments.c.network_id)
    carried = tx.execute(query.where(attachments.c.host_id == host.id)).all()
    missing = [name for _, name in carried if name not in there]
    check(
        _UPDATE,
        rules.may_move_to_cluster(host.status),
        rules.networks_known_in_cluster(host.name, cluster.name, missing),
        rules.waits_for_no_rollout(host.name, waits=bool(held_of(tx, (host.id,)))),
    )
    tx.execute(sa.update(hosts).where(hosts.c.id == host.id).values(cluster_id=cluster_id))
    for attachment_id, name in carried:
        tx.execute(sa.update(attachments).where(attachments.c.id == attachment_id).values(network_id=there[name]))
    check_hosts(tx, watched)
    host_addresses.reserve(tx, _UPDATE, host.id, addresses)
    if carried:
        host_changes.request_apply(tx, actor, host.id, f"the host moved to cluster {cluster.name}")


def _networks_of(cluster_id: str) -> sa.Select[Any]:
    joined = sa.select(networks.c.id, networks.c.name).join(
        cluster_networks, cluster_networks.c.network_id == networks.c.id
    )
    return joined.where(cluster_networks.c.cluster_id == cluster_id)


def remove_host(tx: Tx, actor: Actor, host_id: str, *, clean: bool = False, force: bool = False) -> str | None:
    """Forget a host that is out of service; what is on it stays as it is, and an event names it. Needs DELETE_HOST on
    it.

    ``clean``: first take its networks off it, but for that for its management; returns the id of the job that does so.
    ``force``: remove it also when that is not possible. Raises NotFoundError, DeniedError, BusyError, ValidationError.
    """
    host = lock(tx, hosts, host_id)
    authorize.require(tx, actor, ActionGroup.DELETE_HOST, ObjectRef(ObjectType.HOST, host_id))
    check(_REMOVE, rules.may_be_removed(host.status))
    check(_REMOVE, rules.runs_no_vms_to_remove(vms_on(tx, host_id, suspended=True)))
    host_changes.require_idle(tx, host_id, host.name)
    if clean and not force:
        check(_REMOVE, rules.has_joined(host.name, host.agent_url))
        check(_REMOVE, rules.may_be_cleaned(host.status))
    if clean and host.agent_url and rules.may_be_cleaned(host.status) is None:
        payload = RemoveHost(host_id=host_id, force=force)
        description = f"Removing Host {host.name} and its networks"
        return queue.enqueue(tx, actor, "remove_host", host_changes.key_of(host_id), description, payload)
    forget_host(tx, actor, host)
    return None


def forget_host(tx: Tx, actor: Actor, host: HostRow) -> None:
    """Remove a host's rows, with an event of what is left on it."""
    carried = sa.select(networks.c.name).join(attachments, attachments.c.network_id == networks.c.id)
    names = sorted(tx.scalars(carried.where(attachments.c.host_id == host.id)))
    tx.execute(sa.delete(hosts).where(hosts.c.id == host.id))
    authorize.forget(tx, host.id)
    host_changed(tx, host.id, host.cluster_id)
    text = f"Host {host.name} was removed by {actor.name}."
    if names:
        text += f" These networks stay on it: {', '.join(names)}. 'netweft agent --leave' there takes them off."
    audit.record(tx, actor, REMOVED, text, cluster=host.cluster_id)


def activate_host(tx: Tx, actor: Actor, host_id: str) -> str:
    """Take a host into service: its report decides whether it comes up. Needs MANIPULATE_HOST on it; returns the
    job's id.

    Raises NotFoundError, DeniedError, ValidationError.
    """
    host = lock(tx, hosts, host_id)
    authorize.require(tx, actor, ActionGroup.MANIPULATE_HOST, ObjectRef(ObjectType.HOST, host_id))
    check(_ACTIVATE, rules.may_be_activated(host.status), rules.has_joined(host.name, host.agent_url))
    if host.status == "install_failed":
        return host_joined(tx, host_id, host.agent_url, actor)
    set_status(tx, host, "unassigned", "Waiting for the agent's report.")
    description = f"Activating Host {host.name}"
    return queue.enqueue(tx, actor, "activate_host", host_changes.key_of(host_id), description, OnHost(host_id=host_id))


def deactivate_host(tx: Tx, actor: Actor, host_id: str) -> str | None:
    """Take a host out of service, once its guests have been moved to other hosts; returns the id of the job that does
    that, None when there are none. A host that prepares for it already tries again.

    Needs MANIPULATE_HOST on it. Raises NotFoundError, DeniedError, ValidationError, also when guests can never move.
    """
    host = lock(tx, hosts, host_id)
    authorize.require(tx, actor, ActionGroup.MANIPULATE_HOST, ObjectRef(ObjectType.HOST, host_id))
    check(_DEACTIVATE, rules.may_be_deactivated(host.status))
    check(_DEACTIVATE, rules.is_reachable_with_guests(host.status, vms_on(tx, host_id)))
    check(_DEACTIVATE, rules.guests_can_leave(why_guests_stay(tx, host_id)))
    set_status(tx, host, PREPARING, "Its guests are moved to other hosts.")
    if finish_maintenance(tx, actor, lock(tx, hosts, host_id)):
        return None
    key = f"evacuate:{host_id}"
    description = f"Moving the guests off Host {host.name}, which goes into maintenance"
    return queue.busy_with(tx, key) or queue.enqueue(
        tx, actor, "evacuate_host", key, description, OnHost(host_id=host_id)
    )


def finish_maintenance(tx: Tx, actor: Actor, host: HostRow) -> bool:
    """A host that prepares for maintenance is in it once no guest is there or on its way; returns whether it is. Its
    row must be locked.
    """
    if host.status != PREPARING:
        return False
    there = sa.or_(vms.c.host_id == host.id, vms.c.target_host_id == host.id)
    if tx.execute(sa.select(vms.c.id).where(there).limit(1)).first() is not None:
        return False
    set_status(tx, host, "maintenance", "")
    text = f"Host {host.name} was switched to Maintenance mode by {actor.name}."
    audit.record(tx, actor, MAINTENANCE, text, host=host.id, cluster=host.cluster_id)
    return True


def why_guests_stay(tx: Tx, host_id: str) -> dict[str, str]:
    """The names of the guests of a host that cannot move to any other, each with the reason."""
    there = tx.execute(sa.select(vms.c.id, vms.c.name).where(vms.c.host_id == host_id)).all()
    running = guests_on(tx, (host_id,)) if there else {}
    vnics = vnics_of(tx, [vm_id for vm_id, _ in there])
    found = {}
    for vm_id, name in there:
        driver = running[vm_id].driver if vm_id in running else ""
        fixed = [one.name for one in vnics[vm_id] if one.plugged and one.passthrough and not one.migratable]
        problem = vm_rules.driver_moves_guests(name, driver) or vm_rules.passthrough_may_migrate(name, fixed)
        if problem:
            found[name] = problem.text
    return found


def refresh_host(tx: Tx, actor: Actor, host_id: str) -> str:
    """Ask the host for its report now. Needs MANIPULATE_HOST on it; returns the job's id. Raises NotFoundError,
    DeniedError, ValidationError.
    """
    host = lock(tx, hosts, host_id)
    authorize.require(tx, actor, ActionGroup.MANIPULATE_HOST, ObjectRef(ObjectType.HOST, host_id))
    check(_REFRESH, rules.is_reachable_for_work(host.status), rules.has_joined(host.name, host.agent_url))
    description = f"Refreshing Host {host.name}"
    return queue.enqueue_once(
        tx, actor, "refresh_host", host_changes.key_of(host_id), description, OnHost(host_id=host_id)
    )


def follow(tx: Tx, actor: Actor, watched: Watch, reason: str) -> None:
    """Have hosts follow what has changed (:mod:`netweft.engine.operations.host_rules`), several of them one after
    the other (:mod:`netweft.engine.operations.rollouts`).

    Raises ValidationError when a rule does not hold on one any more. An event tells of those whose networks do not fit
    together until another request has made them: they keep the MTU and QoS that they have.
    """
    for (host_id, problem), name in check_hosts(tx, watched, NIC_WIDE_RULES).items():
        text = f"Host {name} keeps MTU and QoS as they are, although {reason}. {problem.text}"
        audit.record(tx, actor, LEFT_AS_IT_IS, text, Severity.WARNING, host=host_id)
    rollouts.begin(tx, actor, watched.inputs, dict.fromkeys(watched.names, rollouts.Task()), reason)


def set_status(tx: Tx, host: HostRow, status: str, reason: str) -> bool:
    """Write a host's status, and what it means for its cluster's networks; returns whether it is another one."""
    if (host.status, host.status_reason) == (status, reason):
        return False
    _SET_STATUS.run(tx, id=host.id, status=status, status_reason=reason)
    if host.status != status and "up" in {host.status, status}:
        host_changed(tx, host.id, host.cluster_id)
    return bool(host.status != status)


_SET_STATUS = Statement(sa.update(hosts).where(hosts.c.id == sa.bindparam("id")), ["status", "status_reason"])


def vms_on(tx: Tx, host_id: str, *, suspended: bool = False) -> list[str]:
    """Names of the virtual machines that run on a host or are on their way to it; and of those suspended there."""
    there = vms.c.host_id == host_id
    if suspended:
        there = sa.or_(there, vms.c.saved_host_id == host_id)
    return list(tx.scalars(sa.select(vms.c.name).where(there).order_by(vms.c.name)))


def _problems(host: HostRow) -> tuple[Problem | None, ...]:
    """The rules that look at the host alone."""
    return (
        rules.name_is_valid(host.name),
        rules.address_is_valid(host.address),
        rules.ssh_port_is_valid(host.ssh_port),
        rules.ssh_fingerprint_is_valid(host.ssh_fingerprint),
        fields.text_is_valid("host", "description", host.description),
        fields.text_is_valid("host", "comment", host.comment),
    )


def _clashes(tx: Tx, host: HostRow) -> tuple[Problem | None, ...]:
    """The rules that look at other hosts."""

    def taken(column: sa.ColumnElement[str], value: str) -> list[str]:
        return list(tx.scalars(sa.select(column).where(column == value, hosts.c.id != host.id)))

    return (
        rules.name_is_free(host.name, taken(hosts.c.name, host.name)),
        rules.address_is_free(host.address, taken(hosts.c.address, host.address)),
    )
