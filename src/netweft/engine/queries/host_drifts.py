"""Reads of how hosts differ from what is wanted of them."""

from __future__ import annotations

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.hosts import HostDifferenceRow, host_differences
from netweft.engine.statements import Statement


def differences_of(tx: Tx, host_id: str) -> dict[str, HostDifferenceRow]:
    """The differences of a host that are known, by their texts: since when, and whether somebody ignores them."""
    return {row.text: row for row in _DIFFERENCES.all(tx, host_id=host_id)}


_DIFFERENCES = Statement(
    sa.select(host_differences).where(host_differences.c.host_id == sa.bindparam("host_id")),
    record=HostDifferenceRow,
)
