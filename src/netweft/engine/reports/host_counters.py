"""Stores the counters of the links of hosts."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from netweft.engine.db import Tx, utc_now
from netweft.engine.model.hosts import host_counters, hosts


def take_counters(tx: Tx, counted: Mapping[str, bytes]) -> None:
    """Store them by host, as JSON of a core.protocol.LinkCounters by name of the link. Hosts that are gone are left
    out.
    """
    here = sa.select(hosts.c.id).where(hosts.c.id.in_(counted)).with_for_update(read=True, key_share=True)
    known = sorted(tx.scalars(here))
    if not known:
        return
    tx.execute(sa.delete(host_counters).where(host_counters.c.host_id.in_(known)))
    now = utc_now()
    tx.execute(sa.insert(host_counters), [{"host_id": one, "counters": counted[one], "taken_at": now} for one in known])
