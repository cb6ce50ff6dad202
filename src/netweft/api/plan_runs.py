"""Requests that are planned, and requests that are done only as planned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from netweft.api.incoming import Incoming
from netweft.api.routes import Query
from netweft.core.errors import MalformedError
from netweft.engine.commands.rehearsals import run_as_planned
from netweft.engine.db import Database

PLAN_HEADER = "netweft-plan"
"""Of a request that is to be done only if hosts would do what the plan of that id says."""

T = TypeVar("T")


def runner_of(db: Database, incoming: Incoming, correlation_id: str) -> Callable[..., Any] | None:
    """What runs the commands of a request that names a plan: the first is done only if the plan still holds. None for
    any other request. Raises MalformedError for the id of no plan.
    """
    plan_id = incoming.headers.get(PLAN_HEADER)
    if plan_id is None or incoming.method in {"GET", "HEAD"}:
        return None
    if not plan_id.strip():
        raise MalformedError("The header Netweft-Plan is empty: give the id of a plan, or leave it out.")
    first = iter((True,))

    def run(command: Callable[..., T], *arguments: Any, **named: Any) -> T:  # noqa: ANN401 (whatever it takes)
        if next(first, False):
            return run_as_planned(db, correlation_id, plan_id, command, *arguments, **named)
        return db.run(command, *arguments, **named)

    return run


def sub_request(incoming: Incoming, method: str, path: str, body: bytes) -> Incoming:
    """Another request of the same client, with a JSON body."""
    place, _, query = path.partition("?")
    headers = {name: value for name, value in incoming.headers.items() if name != PLAN_HEADER}
    return replace(
        incoming,
        method=method,
        path=place,
        query=Query(dict(parse_qsl(query))),
        headers={**headers, "content-type": "application/json"},
        body=body,
    )
