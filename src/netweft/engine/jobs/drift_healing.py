"""Automatic synchronization of hosts, by the policies of their clusters (:mod:`netweft.core.drift_healing`)."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import sqlalchemy as sa

from netweft.core.drift import first_of
from netweft.core.drift_healing import Attempts, Healing, attempts_now, next_attempt, verdict
from netweft.core.errors import HostError, NotFoundError
from netweft.core.host import Loss
from netweft.core.rollout import OPEN, UNCERTAIN
from netweft.engine import audit
from netweft.engine.actor import SYSTEM
from netweft.engine.audit import Severity
from netweft.engine.commands.host_plans import plan_of
from netweft.engine.commands.setup_networks import sync_all_networks
from netweft.engine.db import Tx, lock, utc_now
from netweft.engine.model.clusters import clusters
from netweft.engine.model.hosts import HostHealingRow, host_differences, host_drifts, host_healings, hosts
from netweft.engine.model.records import Record
from netweft.engine.model.rollouts import rollout_hosts, rollouts
from netweft.engine.operations import host_changes
from netweft.engine.queries import host_networks as queries
from netweft.engine.statements import add, first_row, rows

HEALED, LEFT_ALONE, NOT_HEALED = 20_034, 20_035, 20_036
"""Event codes of our own."""

_REACHABLE = ("up", "non_operational")
"""Statuses of hosts that are synchronized; hosts in maintenance are left to administrators."""


class Drifting(Record, frozen=True):
    """A host that is out of sync, with its cluster's policy."""

    id: str
    name: str
    cluster_id: str
    cluster_name: str
    drift_healing: str
    lines: list[str]


_IN_ROLLOUTS = (
    sa.select(rollout_hosts.c.host_id)
    .join(rollouts, rollouts.c.id == rollout_hosts.c.rollout_id)
    .where(rollouts.c.status.in_(sorted(OPEN)), rollout_hosts.c.state.in_(sorted(UNCERTAIN)))
)
"""Hosts that an open rollout has not finished with: the rollout changes them itself."""


def hosts_to_heal(tx: Tx) -> list[str]:
    """The ids of hosts that are out of sync and due by their clusters' policies. Hosts with ignored differences are
    left out: synchronizing a host would revert those as well.
    """
    return [one.id for one in _drifting(tx, None)]


def begin_attempt(tx: Tx, host_id: str, healing: Healing) -> bool:
    """Count an attempt to synchronize a host, unless it is too early, or there were too many; returns whether to make
    it. An event is recorded when attempts pause.
    """
    one, now = _locked(tx, host_id), utc_now()
    if one is None or host_changes.pending(tx, host_id):
        return False
    row = first_row(tx, HostHealingRow, sa.select(host_healings).where(host_healings.c.host_id == host_id))
    known = Attempts(count=row.attempts, last=row.tried_at) if row else None
    count = attempts_now(known, now, healing)
    match verdict(known, now, healing):
        case "give up" if known is not None:
            _record_pause(tx, one, count, healing)
            calm = known.last + timedelta(seconds=healing.calm)
            _write(tx, HostHealingRow(host_id=host_id, attempts=count, tried_at=known.last, next_at=calm))
            return False
        case "try" if _is_for(tx, one):
            later = next_attempt(count + 1, now, healing)
            _write(tx, HostHealingRow(host_id=host_id, attempts=count + 1, tried_at=now, next_at=later))
            return True
        case "try":
            last, later = known.last if known else now, now + timedelta(seconds=healing.look)
            _write(tx, HostHealingRow(host_id=host_id, attempts=count, tried_at=last, next_at=later))
    return False


def _write(tx: Tx, row: HostHealingRow) -> None:
    tx.execute(sa.delete(host_healings).where(host_healings.c.host_id == row.host_id))
    add(tx, host_healings, row)


def heal_host(tx: Tx, host_id: str) -> str | None:
    """Synchronize a host by its cluster's policy, with an event; returns the job's id, None when it is in sync by now.

    Raises NotFoundError, BusyError, ValidationError.
    """
    one = _locked(tx, host_id)
    if one is None:
        return None
    job_id = sync_all_networks(tx, SYSTEM, host_id)
    text = f"Host {one.name} is synchronized by {_policy(one)}: {first_of(one.lines)}."
    audit.record(tx, SYSTEM, HEALED, text, host=host_id, cluster=one.cluster_id, job=job_id)
    return job_id


def record_not_healed(tx: Tx, host_id: str, reason: str) -> None:
    """Record an event for a host that cannot be synchronized by its cluster's policy."""
    one = _locked(tx, host_id)
    if one is not None:
        text = f"Host {one.name} could not be synchronized by {_policy(one)}: {reason}"
        audit.record(tx, SYSTEM, NOT_HEALED, text, Severity.WARNING, host=host_id, cluster=one.cluster_id)


def _policy(one: Drifting) -> str:
    return f"the policy of Cluster {one.cluster_name} ({one.drift_healing})"


def _locked(tx: Tx, host_id: str) -> Drifting | None:
    """A host to synchronize, its row locked; None when it is in sync by now."""
    with suppress(NotFoundError):
        lock(tx, hosts, host_id)
        return next(iter(_drifting(tx, host_id)), None)
    return None


def _drifting(tx: Tx, host_id: str | None) -> list[Drifting]:
    ignoring = sa.exists().where(host_differences.c.host_id == hosts.c.id, host_differences.c.ignored_at.is_not(None))
    query = (
        sa.select(
            hosts.c.id,
            hosts.c.name,
            hosts.c.cluster_id,
            clusters.c.name.label("cluster_name"),
            clusters.c.drift_healing,
            host_drifts.c.lines,
        )
        .join(clusters, clusters.c.id == hosts.c.cluster_id)
        .join(host_drifts, host_drifts.c.host_id == hosts.c.id)
        .where(clusters.c.drift_healing != "off", hosts.c.status.in_(_REACHABLE), ~ignoring)
        .where(hosts.c.id.not_in(_IN_ROLLOUTS))
    )
    if host_id is not None:
        query = query.where(hosts.c.id == host_id)
    else:
        later = sa.exists().where(host_healings.c.host_id == hosts.c.id, host_healings.c.next_at > utc_now())
        query = query.where(~later)
    return rows(tx, Drifting, query.order_by(hosts.c.name))


def _is_for(tx: Tx, one: Drifting) -> bool:
    """Whether a plan synchronizes the host, at no greater loss than the policy allows."""
    data = queries.load_one(tx, one.id)
    try:
        loss = plan_of(tx, data, queries.intent_to_bring(data, data.intent)).loss
    except HostError:
        return False
    return one.drift_healing == "always" or loss is Loss.NONE


def _record_pause(tx: Tx, one: Drifting, attempts: int, healing: Healing) -> None:
    text = (
        f"Host {one.name} is out of sync again after {attempts} synchronizations by the policy of Cluster"
        f" {one.cluster_name}. Something reverts it. Automatic synchronization pauses for {healing.calm / 60:.0f}"
        f" minutes; adopt the differences, or ignore them: {first_of(one.lines)}."
    )
    audit.record(tx, SYSTEM, LEFT_ALONE, text, Severity.WARNING, host=one.id, cluster=one.cluster_id)
