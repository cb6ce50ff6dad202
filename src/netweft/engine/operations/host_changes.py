"""Giving out generations of a host's intent: what is to change is written down with its job, and becomes the host's
when the host took it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import sqlalchemy as sa

from netweft.core.errors import BusyError
from netweft.core.host import Host
from netweft.core.intent import HostIntent
from netweft.core.rollout import CONFIRM_WITHIN
from netweft.core.rules.setup_networks import ACTION
from netweft.engine import queue
from netweft.engine.actor import Actor
from netweft.engine.db import Tx, lock, utc_now
from netweft.engine.model.host_networks import (
    AttachmentRow,
    Candidate,
    HostBondRow,
    HostChangeRow,
    attachments,
    host_bonds,
    host_changes,
    nic_labels,
)
from netweft.engine.model.hosts import hosts
from netweft.engine.model.jobs import jobs
from netweft.engine.model.rollouts import NOTHING_HELD
from netweft.engine.operations import host_addresses
from netweft.engine.payloads import ApplyHost
from netweft.engine.queries.networks import known_among
from netweft.engine.queries.rollouts import held_of
from netweft.engine.statements import Statement, add, inserting

SETUP, SETUP_FAILED, PERSISTED, PERSIST_FAILED = 1102, 1103, 10903, 10904
"""Event codes (oVirt: NETWORK_UPDATE_NETWORK_TO_VDS_INTERFACE, PERSIST_SETUP_NETWORK_ON_HOST_FINISHED, and their
failures).
"""
ROLLED_BACK = "SETUP_NETWORKS_ROLLBACK"
"""The code of a change that the host rolled back."""
LOST = "VDS_NETWORK_ERROR"
"""The code of a change whose outcome is unknown, or that never reached the host."""
UNKNOWN_END = 20_157
"""An event code of our own."""

KEPT, KEPT_OF_EACH = timedelta(days=90), 20
"""How long changes that have ended are kept, and how many of each host at least."""

IN_PROGRESS = "ACTION_TYPE_FAILED_SETUP_NETWORKS_OR_REFRESH_IN_PROGRESS"
"""The code of a BusyError after which a caller may retry."""


def key_of(host_id: str) -> str:
    """The lock key of jobs that change a host."""
    return f"host:{host_id}"


def begin(
    tx: Tx,
    actor: Actor,
    host_id: str,
    *,
    candidate: Candidate | None,
    reason: str,
    confirm_within: float,
    commit: bool,
    description: str,
    action: str = ACTION,
) -> str:
    """The next generation of a host's intent, with the job that brings it there; returns the job's id. The host's row
    must be locked. Raises ValidationError, with ``action``, when another host has got one of its addresses meanwhile.

    ``candidate``: None to put what is stored on the host again. ``confirm_within``: seconds, 0 to let the host
    confirm by itself.
    """
    generation = _assign_generation(tx, host_id)
    payload = ApplyHost(host_id=host_id, generation=generation, confirm_within=confirm_within, commit=commit)
    job_id = queue.enqueue(tx, actor, "apply_host", key_of(host_id), description, payload)
    _write(tx, actor, host_id, generation, candidate, reason, job_id, action)
    return job_id


def request_apply(
    tx: Tx, actor: Actor, host_id: str, reason: str, *, commit: bool = True, confirm_within: float = CONFIRM_WITHIN
) -> str:
    """Apply a host's desired state again, after something that it depends on has changed; returns the job's id.

    ``reason`` completes the sentence "Applied because ...". Needs no permission: the change itself did.
    """
    host = lock(tx, hosts, host_id)
    return begin(
        tx,
        actor,
        host_id,
        candidate=None,
        reason=reason,
        confirm_within=confirm_within,
        commit=commit,
        description=f"Applying networks on Host {host.name}: {reason}",
    )


def lock_hosts(tx: Tx, host_ids: Collection[str]) -> None:
    """Lock several hosts, in the order of names, so that commands cannot deadlock."""
    if host_ids:
        query = sa.select(hosts.c.id).where(hosts.c.id.in_(host_ids)).order_by(hosts.c.name)
        tx.execute(query.with_for_update(key_share=True)).all()


def next_generation(
    tx: Tx, actor: Actor, host_id: str, candidate: Candidate, reason: str, job_id: str, action: str = ACTION
) -> int:
    """A generation for a job that is running already; returns it. Raises ValidationError as :func:`begin`."""
    lock(tx, hosts, host_id)
    generation = _assign_generation(tx, host_id)
    _write(tx, actor, host_id, generation, candidate, reason, job_id, action)
    return generation


def _assign_generation(tx: Tx, host_id: str) -> int:
    """The next generation of a host, whose row is locked from now on."""
    (generation,) = _NEXT.ask(tx, host_id=host_id).one()
    return int(generation)


def _write(
    tx: Tx,
    actor: Actor,
    host_id: str,
    generation: int,
    candidate: Candidate | None,
    reason: str,
    job_id: str,
    action: str,
) -> None:
    """Store a change as pending; its addresses are reserved for the host. Raises ValidationError as
    :func:`begin`.
    """
    _WRITE.run(
        tx,
        host_id=host_id,
        generation=generation,
        candidate=candidate,
        reason=reason,
        job_id=job_id,
        state="pending",
        error="",
        created_at=utc_now(),
        user_name="" if actor.is_system else actor.name,
        ended_at=None,
        intent=None,
        observed=None,
    )
    if candidate:
        host_addresses.reserve(tx, action, host_id, host_addresses.stored(tx, host_id))


def require_idle(tx: Tx, host_id: str, name: str) -> None:
    """Raise BusyError while a change of the host's attachments is under way: the next starts from its outcome."""
    if _COMING.first(tx, host_id=host_id):
        text = (
            f"Related operation is currently in progress: the networks of Host {name} are being set up. Try again "
            "later."
        )
        raise BusyError(text, code=IN_PROGRESS)


def pending(tx: Tx, host_id: str) -> list[HostChangeRow]:
    """The host's changes that have not ended, oldest first."""
    return _PENDING.all(tx, host_id=host_id)


def find(tx: Tx, host_id: str, generation: int) -> HostChangeRow | None:
    """One change, None when there is none."""
    return _CHANGE.first(tx, host_id=host_id, generation=generation)


def ended(tx: Tx, host_id: str, job_id: str) -> str:
    """How the change of a job ended: ``applied`` or ``refused``; empty while it has not, or where there is none."""
    here = host_changes.c.host_id == host_id, host_changes.c.job_id == job_id, host_changes.c.state != "pending"
    return tx.scalar(sa.select(host_changes.c.state).where(*here)) or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The record of a change: the requested state of the host, and its networking afterwards; None where unknown."""

    intent: HostIntent | None = None
    observed: Host | None = None


def record_applied(tx: Tx, host_id: str, generation: int, kept: Kept) -> bool:
    """The host applied it: the candidate becomes the host's intent. Returns whether it has other networks than before,
    for which the caller calls :mod:`netweft.engine.operations.network_status`.
    """
    row = find(tx, host_id, generation)
    candidate = row.candidate if row else None
    changed = bool(candidate and store(tx, host_id, candidate))
    _end(tx, host_id, generation, "applied", "", kept)
    return changed


def record_refused(tx: Tx, host_id: str, generation: int, error: str, kept: Kept) -> None:
    """The host did not apply it: its attachments stay as they were."""
    _end(tx, host_id, generation, "refused", error, kept)


def sweep(tx: Tx) -> int:
    """Remove old changes; returns how many."""
    newer = host_changes.alias("newer")
    last = sa.select(sa.func.count()).where(
        newer.c.host_id == host_changes.c.host_id, newer.c.generation > host_changes.c.generation
    )
    old = host_changes.c.state != "pending", host_changes.c.created_at < utc_now() - KEPT
    return tx.execute(sa.delete(host_changes).where(*old, last.scalar_subquery() >= KEPT_OF_EACH)).rowcount


def amend_job(tx: Tx, job_id: str, status: queue.Status, error: str = "", code: str = "") -> None:
    """Set the outcome of a change's job, if the job consists of the change alone."""
    if tx.scalar(sa.select(jobs.c.kind).where(jobs.c.id == job_id)) == "apply_host":
        queue.amend(tx, job_id, status, error, code)


def _end(tx: Tx, host_id: str, generation: int, state: str, error: str, kept: Kept) -> None:
    here = {"host_id": host_id, "generation": generation}
    written = {name: _json(getattr(kept, name)) for name in ("intent", "observed")}
    _END.run(tx, **here, state=state, error=error, ended_at=utc_now(), **written)
    host_addresses.align(tx, host_id)


def store(tx: Tx, host_id: str, candidate: Candidate) -> bool:
    """Make these the host's attachments, bonds and labels. A network that was removed meanwhile is left out, and so is
    one that the host is yet to lose by a rollout. Returns whether it has other networks than before.
    """
    leaving = {one.network_id for one in held_of(tx, (host_id,)).get(host_id, NOTHING_HELD).attachments}
    known = known_among(tx, [one.network_id for one in candidate.attachments]) - leaving
    before = set(_CLEAR_ATTACHMENTS.scalars(tx, host_id=host_id))
    _CLEAR_BONDS.run(tx, host_id=host_id)
    rows = [AttachmentRow.of(host_id, one) for one in candidate.attachments if one.network_id in known]
    for row in rows:
        add(tx, attachments, row)
    for bond in candidate.bonds:
        add(tx, host_bonds, HostBondRow.of(host_id, bond))
    _KEEP.run(tx, host_id=host_id, kept=candidate.kept, inherited=candidate.inherited)
    if candidate.labels is not None:
        store_labels(tx, host_id, candidate.labels)
    return before != {row.network_id for row in rows}


def store_labels(tx: Tx, host_id: str, labels: Mapping[str, str]) -> None:
    """Make these the labels of the host's NICs (``labels``: NICs by label)."""
    _CLEAR_LABELS.run(tx, host_id=host_id)
    rows = [{"host_id": host_id, "label": label, "nic": nic} for label, nic in labels.items()]
    if rows:
        tx.execute(sa.insert(nic_labels), rows)


def is_being_brought(tx: Tx, row: HostChangeRow) -> bool:
    """Whether the job of a change has not ended yet, so that it will record the outcome itself."""
    return tx.scalar(sa.select(jobs.c.status).where(jobs.c.id == row.job_id)) == queue.Status.STARTED


def catch_up(tx: Tx, host_id: str, generation: int) -> None:
    """Assign only generations above one that a host has applied, also if this database is older (after a restore)."""
    _CATCH_UP.run(tx, host_id=host_id, generation=generation)


def _json(value: HostIntent | Host | None) -> bytes | None:
    return None if value is None else msgspec.json.encode(value)


_HOST: sa.BindParameter[str] = sa.bindparam("host_id")
_GENERATION: sa.BindParameter[int] = sa.bindparam("generation")
_HERE = sa.and_(host_changes.c.host_id == _HOST, host_changes.c.generation == _GENERATION)

_NEXT = Statement(
    sa.update(hosts).where(hosts.c.id == _HOST).values(generation=hosts.c.generation + 1).returning(hosts.c.generation)
)
_CATCH_UP = Statement(
    sa.update(hosts).where(hosts.c.id == _HOST, hosts.c.generation < _GENERATION).values(generation=_GENERATION)
)
_KEEP = Statement(sa.update(hosts).where(hosts.c.id == _HOST), ["kept", "inherited"])
_WRITE = inserting(host_changes)
_CHANGE = Statement(sa.select(host_changes).where(_HERE), record=HostChangeRow)
_PENDING = Statement(
    sa.select(host_changes)
    .where(host_changes.c.host_id == _HOST, host_changes.c.state == "pending")
    .order_by(host_changes.c.generation),
    record=HostChangeRow,
)
_COMING = Statement(
    sa.select(host_changes.c.generation)
    .where(host_changes.c.host_id == _HOST, host_changes.c.state == "pending", host_changes.c.candidate.is_not(None))
    .limit(1)
)
_END = Statement(sa.update(host_changes).where(_HERE), ["state", "error", "ended_at", "intent", "observed"])
_CLEAR_ATTACHMENTS = Statement(
    sa.delete(attachments).where(attachments.c.host_id == _HOST).returning(attachments.c.network_id)
)
_CLEAR_LABELS = Statement(sa.delete(nic_labels).where(nic_labels.c.host_id == _HOST))
_CLEAR_BONDS = Statement(sa.delete(host_bonds).where(host_bonds.c.host_id == _HOST))
