"""Beginning rollouts: a change for several hosts reaches them one after the other; hosts that it has not reached keep
their former definitions.

A command calls :func:`snapshot` before, and :func:`begin` after it writes its rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from netweft.core.errors import BusyError
from netweft.core.intent import AttachmentIntent
from netweft.core.rollout import CONFIRM_WITHIN, OPEN, UNCERTAIN, Group, HostState, Member, Place, Status, places
from netweft.engine import queue
from netweft.engine.actor import Actor
from netweft.engine.db import Tx, announce, lock, new_id, utc_now
from netweft.engine.model.clusters import ClusterRow, clusters
from netweft.engine.model.hosts import hosts
from netweft.engine.model.rollouts import (
    NOTHING_HELD,
    Definitions,
    GuestMove,
    Held,
    NetworkInCluster,
    OfCluster,
    RolloutRow,
    rollout_hosts,
    rollouts,
)
from netweft.engine.operations import host_changes, host_labels
from netweft.engine.payloads import RollOut
from netweft.engine.queries import rollouts as queries
from netweft.engine.queries.cluster_hosts import HostInCluster, in_clusters
from netweft.engine.queries.host_rows import attachments_of
from netweft.engine.queries.network_views import networks_among
from netweft.engine.queries.rollouts import HostOfRollout
from netweft.engine.statements import Among, Statement, inserting

"""The columns of its cluster that a host depends on (:class:`netweft.engine.queries.cluster_hosts.HostInCluster`)."""

TOPIC = "rollouts"
"""The topic announced when a host may have come back."""

KEPT = timedelta(days=90)
"""How long rollouts that have ended are kept."""

_LATER = "Applying network changes to Hosts: "


@dataclass(frozen=True, slots=True, kw_only=True)
class HostInputs:
    """The definitions that hosts depend on, at one moment."""

    network_ids: frozenset[str] = frozenset()
    networks: tuple[NetworkInCluster, ...] = ()
    hosts: Mapping[str, HostInCluster]
    attachments: Mapping[str, Sequence[AttachmentIntent]]

    @classmethod
    def of(cls, parts: Sequence[HostInputs]) -> HostInputs:
        """Several snapshots of the same moment, merged."""
        networks = {(one.cluster_id, one.id): one for part in parts for one in part.networks}
        return cls(
            network_ids=frozenset().union(*(part.network_ids for part in parts)),
            networks=tuple(networks.values()),
            hosts={key: row for part in parts for key, row in part.hosts.items()},
            attachments={key: some for part in parts for key, some in part.attachments.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a host must do: apply its desired state (``applies``), or propagate its labels (``labels``), without the
    networks ``lost``.
    """

    applies: bool = True
    labels: bool = False
    lost: tuple[str, ...] = ()


APPLY = Task()


def snapshot(tx: Tx, host_ids: Collection[str], network_ids: Collection[str]) -> HostInputs:
    """The definitions that are about to change: networks and columns of clusters, with the attachments that may be
    removed.
    """
    found = networks_among(tx, (), network_ids) if network_ids else ()
    carried = attachments_of(tx, host_ids) if host_ids and network_ids else {}
    return HostInputs(
        network_ids=frozenset(network_ids),
        networks=tuple(found),
        hosts={row.id: row for row in in_clusters(tx, host_ids)} if host_ids else {},
        attachments={
            host_id: [one for one in some if one.network_id in network_ids] for host_id, some in carried.items()
        },
    )


def begin(tx: Tx, actor: Actor, before: HostInputs, tasks: Mapping[str, Task], reason: str) -> str | None:
    """Roll the changes since ``before`` out to hosts; returns the id of the rollout, None for a single host, which is
    changed at once, or none. ``reason`` completes the sentence "Applied because ...".

    Needs no permission: the change itself did. Raises BusyError while an earlier change of the same objects is being
    reverted.
    """
    if not tasks:
        return None
    after = snapshot(tx, tasks, before.network_ids)
    changed = _besides(before, after), _besides(after, before)
    open_before = _overlapping(tx, changed)
    if len(tasks) == 1 and not open_before:
        for host_id, task in tasks.items():
            ask(tx, actor, host_id, task, reason)
        return None
    members = {host_id: _Member(held=_kept(host_id, before, after), task=task) for host_id, task in tasks.items()}
    irreversible = _why_irreversible(before, after)
    for earlier in open_before:
        _take_over(tx, earlier, members, reason)
        changed = changed[0].beside(earlier.before), changed[1].beside(earlier.after)
        irreversible = f"it replaced the unfinished Rollout '{earlier.reason}'."
    return _write(tx, actor, changed, members, reason, irreversible)


def _besides(one: HostInputs, other: HostInputs) -> Definitions:
    """The definitions of one snapshot that differ in the other."""
    columns, others = _cluster_columns(one), _cluster_columns(other)
    return Definitions(
        networks=tuple(row for row in one.networks if row not in other.networks),
        clusters={key: values for key, values in columns.items() if values != others.get(key, values)},
    )


def _cluster_columns(inputs: HostInputs) -> dict[str, OfCluster]:
    return {row.cluster_id: OfCluster.of(row) for row in inputs.hosts.values()}


def _overlapping(tx: Tx, changed: tuple[Definitions, Definitions]) -> list[RolloutRow]:
    """Open rollouts that change the same networks or clusters. Raises BusyError."""
    mine, found = {key for one in changed for key in one.ids()}, list[RolloutRow]()
    for row in queries.all_open(tx):
        if mine & (row.before.ids() | row.after.ids()):
            found.append(lock(tx, rollouts, row.id))
    for row in found:
        if row.status == Status.REVERTING:
            text = f"Related operation is currently in progress: the Rollout '{row.reason}' is being reverted."
            raise BusyError(f"{text} Try again later.")
    return [row for row in found if row.status in OPEN]


def _kept(host_id: str, before: HostInputs, after: HostInputs) -> Held:
    """What a host keeps of what was before: that which is another now."""
    row = after.hosts[host_id]
    had = OfCluster.of(before.hosts.get(host_id, row)).given()
    old, new = _of_cluster(before, row.cluster_id), _of_cluster(after, row.cluster_id)
    still = {one.network_id for one in after.attachments.get(host_id, ())}
    return Held(
        networks=tuple(one for network_id, one in old.items() if one != new.get(network_id)),
        cluster=OfCluster(**{name: value for name, value in had.items() if value != getattr(row, name)}),
        attachments=tuple(one for one in before.attachments.get(host_id, ()) if one.network_id not in still),
    )


def _of_cluster(inputs: HostInputs, cluster_id: str) -> dict[str, NetworkInCluster]:
    """The networks as a cluster has them; those that it does not have as they are without a cluster."""
    found: dict[str, NetworkInCluster] = {}
    for one in inputs.networks:
        if one.cluster_id == cluster_id:
            found[one.id] = one
        else:
            found.setdefault(one.id, _elsewhere(one))
    return found


def _elsewhere(one: NetworkInCluster) -> NetworkInCluster:
    roles = dict.fromkeys(("management", "display", "migration", "default_route", "gluster"))
    return msgspec.structs.replace(one, cluster_id=None, **roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A host that is to be reached. ``guests``: those that were moved away from it by an earlier rollout."""

    held: Held = NOTHING_HELD
    task: Task
    guests: tuple[GuestMove, ...] = ()


_Members = dict[str, _Member]


def _take_over(tx: Tx, earlier: RolloutRow, members: _Members, reason: str) -> None:
    """Hosts that an earlier rollout has not reached keep what they kept, and are reached by the new one; so are those
    with which it was not done.
    """
    for row in queries.hosts_of(tx, (earlier.id,)):
        own = members.get(row.host_id, _Member(task=Task(applies=row.applies, labels=row.labels)))
        if row.held:
            applies, labels = own.task.applies or row.applies, own.task.labels or row.labels
            members[row.host_id] = _Member(
                held=row.before.over(own.held),
                task=Task(applies=applies, labels=labels, lost=(*own.task.lost, *row.lost)),
                guests=row.guests,
            )
        elif row.state in UNCERTAIN:
            members[row.host_id] = replace(own, guests=row.guests)
    end(tx, earlier.id, Status.SUPERSEDED, f"A later change took its hosts over: {reason}.")


def _write(
    tx: Tx,
    actor: Actor,
    changed: tuple[Definitions, Definitions],
    members: _Members,
    reason: str,
    irreversible: str,
) -> str:
    rollout_id, now = new_id(), utc_now()
    before, after = changed
    _ADD.run(
        tx,
        id=rollout_id,
        status=Status.RUNNING,
        owner_name=actor.name,
        owner_id=actor.user_id,
        correlation_id=actor.correlation_id,
        created_at=now,
        reason=reason,
        ended_at=None,
        error="",
        irreversible=irreversible,
        before=before,
        after=after,
    )
    for place in _ordered(tx, members):
        one = members[place.host_id]
        values = host_row(rollout_id, place.host_id, place.wave, one.held, one.task, canary=place.canary)
        _ADD_HOST.run(tx, **{**values, "guests": one.guests})
    enqueue(tx, actor, rollout_id, reason)
    return rollout_id


def host_row(
    rollout_id: str,
    host_id: str,
    wave: int,
    held: Held,
    task: Task = APPLY,
    *,
    canary: bool = False,
    state: HostState = HostState.WAITING,
    is_held: bool = True,
) -> dict[str, Any]:
    """A host of a rollout as its row has it."""
    return {
        "rollout_id": rollout_id,
        "host_id": host_id,
        "wave": wave,
        "canary": canary,
        "state": state,
        "held": is_held,
        "before": held,
        "applies": task.applies,
        "labels": task.labels,
        "lost": task.lost,
        "guests": (),
        "job_id": None,
        "changed_at": None,
        "error": "",
        "health": None,
    }


def set_host(tx: Tx, one: HostOfRollout, **values: object) -> None:
    """Write down what has become of a host of a rollout."""
    _setting(tuple(values)).run(tx, of_rollout=one.rollout_id, of_host=one.host_id, **values)


@cache
def _setting(columns: tuple[str, ...]) -> Statement[Any]:
    """The change of these columns."""
    mine = (
        rollout_hosts.c.rollout_id == sa.bindparam("of_rollout"),
        rollout_hosts.c.host_id == sa.bindparam("of_host"),
    )
    return Statement(sa.update(rollout_hosts).where(*mine), columns)


_ADD_HOST = inserting(rollout_hosts)
_ADD = Statement(sa.insert(rollouts).inline(), tuple(name for name in RolloutRow.__struct_fields__ if name != "number"))


def _ordered(tx: Tx, members: _Members) -> tuple[Place, ...]:
    rows = in_clusters(tx, members)
    policies: dict[str, ClusterRow] = {row.id: row for row in _CLUSTERS.all(tx, ids={row.cluster_id for row in rows})}
    return places(
        [
            Group(
                name=policy.name,
                canaries=policy.rollout_canaries,
                wave=policy.rollout_wave,
                members=tuple(
                    Member(id=row.id, name=row.name, status=row.status) for row in rows if row.cluster_id == policy.id
                ),
            )
            for policy in policies.values()
        ]
    )


_CLUSTERS = Statement(sa.select(clusters).where(Among(clusters.c.id, "ids")), record=ClusterRow)


def _why_irreversible(before: HostInputs, after: HostInputs) -> str:
    """Why what was changed cannot be had back; empty where it can."""
    there = {(one.cluster_id, one.id): one for one in after.networks}
    if {(one.cluster_id, one.id) for one in before.networks} != there.keys():
        return "a network was attached to a cluster, detached or removed."
    if _besides(before, after).clusters:
        return "a cluster, or what its provider wants on hosts, was changed: change that back instead."
    for one in before.networks:
        now = there[one.cluster_id, one.id]
        if one.qos_id and not now.qos_id:
            return "a QoS was removed or removed from a network."
        if one.vm_network != now.vm_network:
            return "a network began or ceased to be for VMs, and its vNIC profiles were added or removed."
    return ""


def key_of(rollout_id: str) -> str:
    """The lock key of the job that goes on with a rollout."""
    return f"rollout:{rollout_id}"


def enqueue(tx: Tx, actor: Actor, rollout_id: str, reason: str) -> str:
    """The job that goes on with a rollout; returns its id."""
    payload = RollOut(rollout_id=rollout_id)
    return queue.enqueue_once(tx, actor, "roll_out", key_of(rollout_id), f"{_LATER}{reason}", payload)


def actor_of(row: RolloutRow) -> Actor:
    """Who began a rollout."""
    return Actor(user_id=row.owner_id, name=row.owner_name, correlation_id=row.correlation_id)


def ask(tx: Tx, actor: Actor, host_id: str, task: Task, reason: str, confirm_within: float = CONFIRM_WITHIN) -> str:
    """Ask a host for what has changed; returns the id of the job. ``confirm_within``: seconds."""
    if task.labels:
        host = lock(tx, hosts, host_id)
        return host_labels.request(tx, actor, host_id, host.name, list(task.lost), reason)
    return host_changes.request_apply(tx, actor, host_id, reason, confirm_within=confirm_within)


def bring_labels(
    tx: Tx, actor: Actor, before: HostInputs, hosts_lacking: Collection[str], reason: str, lost: Collection[str] = ()
) -> None:
    """Have hosts be given what their labels mean since ``before``, without the networks ``lost``."""
    task = Task(applies=False, labels=True, lost=tuple(lost))
    begin(tx, actor, before, dict.fromkeys(hosts_lacking, task), reason)


def end(tx: Tx, rollout_id: str, status: Status, error: str = "") -> None:
    """Store the status of a rollout. When it has ended, its hosts get their desired state."""
    ended = status in {Status.SUCCEEDED, Status.REVERTED, Status.SUPERSEDED}
    values = {"status": status, "error": error, "ended_at": utc_now() if ended else None}
    tx.execute(sa.update(rollouts).where(rollouts.c.id == rollout_id).values(values))
    if ended:
        tx.execute(sa.update(rollout_hosts).where(rollout_hosts.c.rollout_id == rollout_id).values(held=False))
    announce(tx, f"rollout:{rollout_id}", replicas=True)


def sweep(tx: Tx) -> int:
    """Remove those that ended long ago; returns how many."""
    return tx.execute(sa.delete(rollouts).where(rollouts.c.ended_at < utc_now() - KEPT)).rowcount
