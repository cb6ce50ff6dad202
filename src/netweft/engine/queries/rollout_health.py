"""The health of a rollout's hosts, which decides whether it may continue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from netweft.core.rollout import Health
from netweft.engine.db import Tx
from netweft.engine.model.hosts import host_drifts, host_nics, hosts
from netweft.engine.queries.host_counters import counters_of
from netweft.engine.queries.rollouts import HostOfRollout
from netweft.engine.statements import Among, Statement


def health_of(tx: Tx, members: Sequence[HostOfRollout]) -> dict[str, Health]:
    """The health of each host, by its id."""
    ids = [one.host_id for one in members]
    lost = _lost(tx, ids)
    return {
        host_id: Health(status=status, drifting=drifting is not None, lost=lost.get(host_id, {}))
        for host_id, status, drifting in _STATUSES.all(tx, ids=ids)
    }


_STATUSES = Statement(
    sa.select(hosts.c.id, hosts.c.status, host_drifts.c.host_id)
    .outerjoin(host_drifts, host_drifts.c.host_id == hosts.c.id)
    .where(Among(hosts.c.id, "ids"))
)


def _lost(tx: Tx, host_ids: Sequence[str]) -> dict[str, Mapping[str, int]]:
    """Frames that the links of hosts have lost, by host and link."""
    links: dict[str, set[str]] = {}
    for host_id, name in _LINKS.all(tx, ids=host_ids):
        links.setdefault(host_id, set()).add(name)
    return {
        host_id: {
            name: one.rx_errors + one.tx_errors + one.tx_dropped
            for name, one in counters.items()
            if name in links.get(host_id, ())
        }
        for host_id, counters in counters_of(tx, host_ids).items()
    }


_LINKS = Statement(sa.select(host_nics.c.host_id, host_nics.c.name).where(Among(host_nics.c.host_id, "ids")))
