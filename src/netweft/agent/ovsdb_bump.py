"""Requests ovs-vswitchd's confirmation that it has applied a transaction (ovs-vswitchd.conf.db(5), next_cfg)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netweft.agent.ovsdb_session import Operation, Row, Session, only_row

if TYPE_CHECKING:
    from collections.abc import Sequence

BUMP: Sequence[Operation] = (
    {"op": "mutate", "table": "Open_vSwitch", "where": [], "mutations": [["next_cfg", "+=", 1]]},
    {"op": "select", "table": "Open_vSwitch", "where": [], "columns": ["next_cfg", "cur_cfg"]},
)
"""The last operations of a transaction that ovs-vswitchd must confirm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingChange:
    """A change to be applied. ``applied``: the last number that was confirmed; ``target``: the one to wait for."""

    target: int
    applied: int


def bump(session: Session) -> PendingChange:
    """Request a confirmation without any other change. Raises OvsdbError."""
    return pending_change(session, session.transact(BUMP))


def pending_change(session: Session, results: Sequence[Row]) -> PendingChange:
    """The pending change of a transaction that ends with :data:`BUMP`, from its results."""
    row = only_row(session.rows(results[-1]))
    return PendingChange(target=int(str(row["next_cfg"])), applied=int(str(row["cur_cfg"])))
