"""Endpoints of statistics: a collection, and each of its members."""

from __future__ import annotations

from collections.abc import Callable

from netweft.api.routes import READ, Call, Routes, many
from netweft.api.types import Statistic
from netweft.api.values import find_statistic
from netweft.engine.db import Tx


def add_statistics(
    routes: Routes, path: str, read: Callable[[Tx, Call[None]], list[Statistic]], *, summary: str, one: str
) -> None:
    """Add the endpoints of the statistics at ``path``, which ``read`` reads. ``summary``, ``one``: their summaries."""

    def list_statistics(call: Call[None]) -> list[Statistic]:
        with call.read() as tx:
            return read(tx, call)

    def get_statistic(call: Call[None]) -> Statistic:
        with call.read() as tx:
            return find_statistic(read(tx, call), call.ids["statistic_id"])

    list_statistics.__doc__, get_statistic.__doc__ = summary, one
    routes.get(path, many(Statistic), needs=READ)(list_statistics)
    routes.get(f"{path}/{{statistic_id}}", Statistic, needs=READ)(get_statistic)
