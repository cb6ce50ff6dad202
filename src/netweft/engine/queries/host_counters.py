"""The counters of hosts' links, as last reported."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec
import sqlalchemy as sa

from netweft.core.protocol import LinkCounters
from netweft.engine.db import Tx
from netweft.engine.model.hosts import host_counters
from netweft.engine.statements import Among, Statement

NOTHING_COUNTED = LinkCounters(rx_bytes=0, tx_bytes=0, rx_errors=0, tx_errors=0, rx_dropped=0, tx_dropped=0)
"""For a link that the host has not reported yet."""

_COUNTERS = msgspec.json.Decoder(dict[str, LinkCounters])


def counters_of(tx: Tx, host_ids: Collection[str]) -> dict[str, Mapping[str, LinkCounters]]:
    """By host and name of the link, without hosts that have not reported yet."""
    return {host_id: _COUNTERS.decode(counters) for host_id, counters in _COUNTED.all(tx, ids=host_ids)}


_COUNTED = Statement(
    sa.select(host_counters.c.host_id, host_counters.c.counters).where(Among(host_counters.c.host_id, "ids"))
)
