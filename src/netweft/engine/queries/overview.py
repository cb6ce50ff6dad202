"""What an overview tells of the fleet: what is wrong, what is under way, how its hosts stand, what was done last. With
as many queries in any fleet.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from netweft.core.rollout import OPEN, Status
from netweft.engine.db import Tx, utc_now
from netweft.engine.model.cluster_networks import missing_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.events import events
from netweft.engine.model.host_networks import attachments
from netweft.engine.model.hosts import host_drifts, host_nics, host_reports, hosts
from netweft.engine.model.jobs import jobs
from netweft.engine.model.mac_pools import mac_addresses, mac_pools, mac_ranges
from netweft.engine.model.networks import networks
from netweft.engine.model.providers import providers
from netweft.engine.model.records import Record
from netweft.engine.model.rollouts import RolloutRow, rollouts
from netweft.engine.model.vms import vms
from netweft.engine.noun import Narrow, ObjectType
from netweft.engine.statements import rows

ERROR, WARNING = "error", "warning"
_FAILING: Final = ("down", "install_failed", "non_operational", "non_responsive")
"""Statuses of hosts that need somebody."""
_CHANGES_AMONG: Final = 10_000
"""So many of the newest events are looked through for what users did: most tell what happened by itself."""
_LOCK_OF_HOST: Final = "host:"
NEARLY_FULL: Final = 90
"""Usage of a MAC pool, in per cent, from which on it is reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetProblem:
    """Something that is wrong. ``code``: what kind of thing; ``kind``, ``id``, ``name``: what it is about; ``since``:
    None where nobody noted it.
    """

    code: str
    severity: str
    kind: str
    id: str
    name: str
    text: str
    since: datetime | None


class _Trouble(Record, frozen=True):
    """A thing that is in trouble. ``total``: how many are in the same."""

    id: str
    name: str
    detail: Any
    more: Any
    since: datetime | None
    total: int


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of trouble: the object type by whose rights its rows are seen (None: by who began it), the statement,
    and the sentence that tells a row.
    """

    code: str
    severity: str
    about: str
    type: ObjectType | None
    statement: Callable[[], sa.Select[Any]]
    text: Callable[[_Trouble], str]


def _select(table: sa.Table, detail: Any, more: Any, since: Any, name: Any = None) -> sa.Select[Any]:  # noqa: ANN401 - of SQLAlchemy
    return sa.select(
        table.c.id,
        (table.c.name if name is None else name).label("name"),
        detail.label("detail"),
        more.label("more"),
        since.label("since"),
        sa.func.count().over().label("total"),
    )


_NEVER = sa.cast(sa.null(), hosts.c.created_at.type)
_NOTHING = sa.literal("")


def _failing_hosts() -> sa.Select[Any]:
    query = _select(hosts, hosts.c.status, hosts.c.status_reason, host_reports.c.asked_at)
    query = query.outerjoin(host_reports, host_reports.c.host_id == hosts.c.id)
    return query.where(hosts.c.status.in_(_FAILING)).order_by(hosts.c.name)


def _missing() -> sa.Select[Any]:
    query = _select(networks, clusters.c.name, sa.func.count(missing_networks.c.host_id), _NEVER)
    query = query.join(missing_networks, missing_networks.c.network_id == networks.c.id)
    query = query.join(clusters, clusters.c.id == missing_networks.c.cluster_id)
    return query.group_by(networks.c.id, networks.c.name, clusters.c.name).order_by(networks.c.name, clusters.c.name)


def _links_down() -> sa.Select[Any]:
    is_used = sa.exists().where(attachments.c.host_id == host_nics.c.host_id, attachments.c.nic == host_nics.c.name)
    query = _select(hosts, host_nics.c.name, _NOTHING, host_nics.c.down_since)
    query = query.join(host_nics, host_nics.c.host_id == hosts.c.id)
    return query.where(host_nics.c.down_since.is_not(None), is_used).order_by(host_nics.c.down_since.desc())


def _halted() -> sa.Select[Any]:
    query = _select(
        rollouts, rollouts.c.reason, rollouts.c.error, rollouts.c.created_at, sa.cast(rollouts.c.number, sa.String)
    )
    return query.where(rollouts.c.status == Status.HALTED).order_by(rollouts.c.number.desc())


def _silent_providers() -> sa.Select[Any]:
    query = _select(providers, providers.c.status_reason, _NOTHING, _NEVER)
    return query.where(providers.c.status == "error").order_by(providers.c.name)


def _drifts() -> sa.Select[Any]:
    query = _select(hosts, host_drifts.c.lines, _NOTHING, host_drifts.c.since)
    return query.join(host_drifts, host_drifts.c.host_id == hosts.c.id).order_by(host_drifts.c.since.desc())


def _uncommitted() -> sa.Select[Any]:
    query = _select(hosts, _NOTHING, _NOTHING, _NEVER)
    return query.where(hosts.c.dirty, hosts.c.status == "up").order_by(hosts.c.name)


def _drift_text(row: _Trouble) -> str:
    first, others = row.detail[0] if row.detail else "", len(row.detail) - 1
    return f"Out of sync. {first}{f', and {others} more' if others > 0 else ''}"


_KINDS = (
    _Kind(
        "host_status",
        ERROR,
        "host",
        ObjectType.HOST,
        _failing_hosts,
        lambda row: f"Host is {row.detail.replace('_', ' ')}. {row.more}".strip(),
    ),
    _Kind(
        "network_missing",
        ERROR,
        "network",
        ObjectType.NETWORK,
        _missing,
        lambda row: f"Required in cluster {row.detail}; {_hosts(row.more)} not have it.",
    ),
    _Kind(
        "link_down",
        ERROR,
        "host",
        ObjectType.HOST,
        _links_down,
        lambda row: f"{row.detail} is down, and networks are on it.",
    ),
    _Kind("rollout_halted", ERROR, "rollout", None, _halted, lambda row: f"Halted: {row.detail}. {row.more}".strip()),
    _Kind(
        "provider_away",
        ERROR,
        "provider",
        ObjectType.PROVIDER,
        _silent_providers,
        lambda row: f"Does not answer. {row.detail}".strip(),
    ),
    _Kind("drift", WARNING, "host", ObjectType.HOST, _drifts, _drift_text),
    _Kind(
        "uncommitted",
        WARNING,
        "host",
        ObjectType.HOST,
        _uncommitted,
        lambda _row: "Not committed: its next boot brings back what was before.",
    ),
)


def _hosts(count: int) -> str:
    return f"{count} {'host does' if count == 1 else 'hosts do'}"


def problems(tx: Tx, narrow: Narrow, owner: str | None, most: int) -> tuple[list[FleetProblem], dict[str, int]]:
    """What is wrong, the errors first, and how many there are of each severity. ``owner``: whose rollouts are meant,
    None for all; ``most``: of each kind.
    """
    found: list[FleetProblem] = []
    counts = {ERROR: 0, WARNING: 0}
    for kind in _KINDS:
        statement = kind.statement().limit(most)
        if kind.type is not None:
            statement = narrow(kind.type, statement)
        elif owner is not None:
            statement = statement.where(rollouts.c.owner_id == owner)
        troubles = rows(tx, _Trouble, statement)
        counts[kind.severity] += troubles[0].total if troubles else 0
        found += [
            FleetProblem(
                code=kind.code,
                severity=kind.severity,
                kind=kind.about,
                id=row.id,
                name=row.name,
                text=kind.text(row),
                since=row.since,
            )
            for row in troubles
        ]
    return found, counts


class StatusCount(Record, frozen=True):
    """So many hosts have a status."""

    status: str
    number: int


def host_statuses(tx: Tx, narrow: Narrow) -> list[StatusCount]:
    """How many hosts have each status."""
    query = sa.select(hosts.c.status, sa.func.count().label("number")).group_by(hosts.c.status)
    return rows(tx, StatusCount, narrow(ObjectType.HOST, query.order_by(hosts.c.status)))


class ClusterDrift(Record, frozen=True):
    """A cluster, how many hosts it has, and how many of them are not as wanted."""

    id: str
    name: str
    hosts: int
    out_of_sync: int


def drift_by_cluster(tx: Tx, narrow: Narrow) -> list[ClusterDrift]:
    """Of each cluster with hosts how many of them are not as wanted."""
    query = (
        sa.select(
            clusters.c.id,
            clusters.c.name,
            sa.func.count(hosts.c.id).label("hosts"),
            sa.func.count(host_drifts.c.host_id).label("out_of_sync"),
        )
        .select_from(hosts)
        .join(clusters, clusters.c.id == hosts.c.cluster_id)
        .outerjoin(host_drifts, host_drifts.c.host_id == hosts.c.id)
        .group_by(clusters.c.id, clusters.c.name)
        .order_by(clusters.c.name)
    )
    return rows(tx, ClusterDrift, narrow(ObjectType.HOST, query))


class PoolUse(Record, frozen=True):
    """A MAC pool, how many addresses it has, and how many of them are in use."""

    id: str
    name: str
    size: int
    used: int


def pool_uses(tx: Tx, narrow: Narrow) -> list[PoolUse]:
    """How full each MAC pool is."""
    of_pool = mac_ranges.c.pool_id == mac_pools.c.id
    size = sa.select(sa.func.sum(mac_ranges.c.last - mac_ranges.c.first + 1)).where(of_pool)
    is_inside = mac_addresses.c.address.between(mac_ranges.c.first, mac_ranges.c.last)
    used = (
        sa.select(sa.func.count())
        .select_from(
            mac_addresses.join(mac_ranges, sa.and_(mac_addresses.c.pool_id == mac_ranges.c.pool_id, is_inside))
        )
        .where(of_pool)
    )
    query = sa.select(
        mac_pools.c.id,
        mac_pools.c.name,
        sa.cast(sa.func.coalesce(size.correlate(mac_pools).scalar_subquery(), 0), sa.BigInteger).label("size"),
        used.correlate(mac_pools).scalar_subquery().label("used"),
    )
    return rows(tx, PoolUse, narrow(ObjectType.MAC_POOL, query.order_by(mac_pools.c.name)))


def is_nearly_full(pool: PoolUse) -> bool:
    """Whether somebody should give the pool another range."""
    return 0 < pool.size * NEARLY_FULL <= pool.used * 100


def open_rollouts(tx: Tx, owner: str | None, most: int) -> list[RolloutRow]:
    """Rollouts that may go on, the last first."""
    query = sa.select(rollouts).where(rollouts.c.status.in_(OPEN)).order_by(rollouts.c.number.desc()).limit(most)
    return rows(tx, RolloutRow, query if owner is None else query.where(rollouts.c.owner_id == owner))


class RunningJob(Record, frozen=True):
    """A job that is being done. ``lock_key``: what it works on alone."""

    id: str
    description: str
    lock_key: str
    owner_name: str
    start_time: datetime
    progress: Any

    @property
    def host_id(self) -> str | None:
        """The host that it changes."""
        _, found, host_id = self.lock_key.partition(_LOCK_OF_HOST)
        return host_id if found else None


def running_jobs(tx: Tx, owner: str | None, most: int) -> list[RunningJob]:
    """Jobs that are being done, or wait for others, the last first."""
    query = sa.select(*(jobs.c[name] for name in RunningJob.__struct_fields__))
    query = query.where(jobs.c.status == "started", jobs.c.not_before <= utc_now())
    query = query if owner is None else query.where(jobs.c.owner_id == owner)
    return rows(tx, RunningJob, query.order_by(jobs.c.number.desc()).limit(most))


class LastChange(Record, frozen=True):
    """What a user did. Names: of the things that it is about, None for those that are gone."""

    id: int
    time: datetime
    user_name: str
    severity: str
    description: str
    network_id: str | None
    host_id: str | None
    vm_id: str | None
    cluster_id: str | None
    network_name: str | None
    host_name: str | None
    vm_name: str | None
    cluster_name: str | None

    @property
    def about(self) -> tuple[str, str, str] | None:
        """The kind, id and name of what it is about, as far as that is still there."""
        things = (
            ("network", self.network_id, self.network_name),
            ("host", self.host_id, self.host_name),
            ("vm", self.vm_id, self.vm_name),
            ("cluster", self.cluster_id, self.cluster_name),
        )
        return next(((kind, one, name) for kind, one, name in things if one and name), None)


def last_changes(tx: Tx, owner: str | None, besides: Collection[int], most: int) -> list[LastChange]:
    """What users did last. ``owner``: who is meant, None for all users; ``besides``: codes of events that change
    nothing.
    """
    about = (("network", networks), ("host", hosts), ("vm", vms), ("cluster", clusters))
    newest = sa.select(sa.func.max(events.c.id)).scalar_subquery()
    query = sa.select(
        *(events.c[name] for name in ("id", "time", "user_name", "severity", "description")),
        *(events.c[f"{noun}_id"] for noun, _ in about),
        *(
            sa.select(table.c.name).where(table.c.id == events.c[f"{noun}_id"]).scalar_subquery().label(f"{noun}_name")
            for noun, table in about
        ),
    ).where(events.c.id > newest - _CHANGES_AMONG, events.c.removed.is_(False), events.c.code.not_in(besides))
    query = query.where(events.c.user_id.is_not(None) if owner is None else events.c.user_id == owner)
    return rows(tx, LastChange, query.order_by(events.c.id.desc()).limit(most))
