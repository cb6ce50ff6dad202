"""Two transactions at once, of which one waits for the other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import sqlalchemy as sa

from netweft.engine.db import Database, Tx

T = TypeVar("T")
_WAITING = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")


def meanwhile(db: Database, act: Callable[[Tx], object], other: Callable[[Tx], T]) -> Future[T]:
    """Do one in a transaction, and the other one in another that begins before the first is committed, and waits for
    it. Returns what came of the other one.
    """
    with ThreadPoolExecutor(1) as pool, db.write() as tx:
        act(tx)
        second = pool.submit(db.run, other)
        while not db.is_sqlite and not tx.scalar(_WAITING):
            assert not second.done(), "it did not wait"
    return second
