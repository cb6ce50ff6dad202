"""How many there are of what the entry point and the metrics tell."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.hosts import host_drifts, hosts
from netweft.engine.model.jobs import jobs
from netweft.engine.model.records import Record
from netweft.engine.model.users import users
from netweft.engine.model.vms import vms
from netweft.engine.statements import rows


def nothing(tx: Tx) -> None:
    """Only whether the database answers. Raises what SQLAlchemy raises when it does not."""
    tx.execute(sa.select(sa.literal(1)))


class Total(Record, frozen=True):
    """How many there are, and how many of them are up."""

    total: int
    active: int


def of_hosts(tx: Tx) -> Total:
    """Hosts."""
    return _total(tx, hosts, hosts.c.status == "up")


def of_vms(tx: Tx) -> Total:
    """Virtual machines."""
    return _total(tx, vms, vms.c.status == "up")


def of_users(tx: Tx) -> Total:
    """Users, who are all active; without groups."""
    return _total(tx, sa.select(users).where(users.c.is_group.is_(False)).subquery(), sa.true())


def _total(tx: Tx, table: sa.FromClause, is_active: sa.ColumnElement[bool]) -> Total:
    number = sa.func.count()
    columns: tuple[Any, ...] = number.label("total"), number.filter(is_active).label("active")
    return rows(tx, Total, sa.select(*columns).select_from(table))[0]


def hosts_by_status(tx: Tx) -> dict[str, int]:
    """Hosts of each status that one has."""
    return dict(tx.execute(sa.select(hosts.c.status, sa.func.count()).group_by(hosts.c.status)).all())


def hosts_out_of_sync(tx: Tx) -> int:
    """Hosts whose networking is not as configured."""
    return tx.scalar(sa.select(sa.func.count()).select_from(host_drifts)) or 0


def unfinished_jobs(tx: Tx) -> int:
    """Jobs that have not ended."""
    return tx.scalar(sa.select(sa.func.count()).select_from(jobs).where(jobs.c.status == "started")) or 0
