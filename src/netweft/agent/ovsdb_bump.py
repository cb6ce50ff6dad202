"""How ovs-vswitchd is asked to say that it has done what a transaction wants (ovs-vswitchd.conf.db(5), next_cfg)."""

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
"""The end of a transaction that ovs-vswitchd shall confirm (ovs-vswitchd.conf.db(5), next_cfg)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A change that ovs-vswitchd shall make: the number at which it was applied last, and the one to wait for."""

    target: int
    applied: int


def bump(session: Session) -> Asked:
    """Ask ovs-vswitchd for nothing but a sign. Raises OvsdbError."""
    return asked(session, session.transact(BUMP))


def asked(session: Session, results: Sequence[Row]) -> Asked:
    """What was asked for, by the answers to a transaction that ends with :data:`BUMP`."""
    row = only_row(session.rows(results[-1]))
    return Asked(target=int(str(row["next_cfg"])), applied=int(str(row["cur_cfg"])))
