"""Reads of where networks are not on hosts as they are wanted.

Only hosts that are known to differ in something (:class:`netweft.engine.model.hosts.HostDriftRow`) are looked at more
closely: in a fleet that is well there are none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from netweft.core.sync import Reported
from netweft.engine.db import Tx
from netweft.engine.model.host_networks import attachments
from netweft.engine.model.hosts import host_drifts, hosts
from netweft.engine.noun import Narrow, ObjectType
from netweft.engine.queries.host_networks import HostData, load


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfSync:
    """A network that is out of sync on a host that carries it, and the properties that differ there."""

    network_id: str
    host_id: str
    cluster_id: str
    properties: tuple[Reported, ...]


def out_of_sync(tx: Tx, narrow: Narrow, network_ids: Collection[str]) -> list[OutOfSync]:
    """Where the networks are out of sync, as attachments show it; of hosts all of whose differences are ignored
    nothing. Eleven queries at most.
    """
    differing = (
        sa.select(hosts.c.id)
        .distinct()
        .join(host_drifts, host_drifts.c.host_id == hosts.c.id)
        .join(attachments, attachments.c.host_id == hosts.c.id)
        .where(attachments.c.network_id.in_(network_ids))
    )
    ids = list(tx.scalars(narrow(ObjectType.HOST, differing)))
    found = load(tx, ids).values() if ids else ()
    return [one for data in found for one in _of(data) if one.network_id in network_ids]


def _of(data: HostData) -> Iterator[OutOfSync]:
    for one in data.intent.attachments:
        if not data.is_in_sync(one):
            wrong = tuple(each for each in data.compare(one) if not (each.in_sync or each.is_shared))
            yield OutOfSync(
                network_id=one.network_id, host_id=data.row.id, cluster_id=data.row.cluster_id, properties=wrong
            )
