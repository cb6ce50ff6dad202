"""Requests of HTTP as values: what is read of one before its handler is called."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.datastructures import URL, QueryParams
from starlette.types import Scope

from netweft.api import codec, elements, json_codec
from netweft.api.auth import report_login
from netweft.api.codec import Form
from netweft.api.routes import ADDITIONS, API, Query, Route
from netweft.api.types import Action
from netweft.core.errors import MalformedError
from netweft.engine.access.tokens import User
from netweft.engine.db import new_id

_UNWANTED = re.compile("[^0-9A-Za-z_-]")
_CORRELATION_MAX = 36
_VERSIONED = re.compile(rf"{API}/v(?P<version>[0-9]+)(?P<rest>/.*)?")


@dataclass(slots=True)
class Incoming:
    """A request with all that is read of it before its handler is known to succeed. ``base``: the root that hrefs in
    the answer begin with. ``proved``: whose password it brought.
    """

    method: str
    path: str
    base: str
    address: str
    origin: Callable[[], str]
    headers: Mapping[str, str]
    query: Query
    correlation_id: str
    form: Form
    report_login: Callable[[], None]
    body: bytes = b""
    proved: User | None = None

    @property
    def is_async(self) -> bool:
        """Whether the client asks not to wait for a job."""
        return self.query.flag("async") or self.headers.get("expect", "").lower() == "202-accepted"


def parsed(incoming: Incoming, route: Route) -> Any:  # noqa: ANN401 (what the route takes)
    """The body as a value, None where the endpoint takes none. Raises MalformedError."""
    if route.takes is None:
        return None
    if not incoming.body.strip():
        if route.is_action:
            return Action()
        what = f"'{route.takes.meta.tag}'" if route.root == API else "a JSON object"
        raise MalformedError(f"The request has no body; {what} is expected.")
    if route.root == ADDITIONS:
        codec.check_charset(incoming.headers.get("content-type", ""))
        return json_codec.read_plain(incoming.body, route.takes)
    form = codec.request_form(incoming.headers.get("content-type", ""))
    body = codec.read(form, incoming.body, route.takes)
    elements.check_body(body, route.path.rpartition("/")[2])
    return body


def check_version(incoming: Incoming) -> None:
    """Raise MalformedError when the request is for another version of the API."""
    version = incoming.headers.get("version", "4")
    if version != "4":
        raise MalformedError(f"Version '{version[:20]}' of the API is not supported; use 4.")


def incoming_of(scope: Scope) -> Incoming:
    """A request as ASGI brings it, its body not read yet."""
    path, base = scope["path"], API
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(QueryParams(scope["query_string"])) if scope["query_string"] else {}
    versioned = _VERSIONED.fullmatch(path)
    if versioned:
        headers["version"] = versioned["version"]
        base = f"{API}/v{versioned['version']}"
        path = API + (versioned["rest"] or "")
    client = scope["client"]
    return Incoming(
        method=scope["method"],
        path=path,
        base=base,
        address=client[0] if client else "",
        origin=partial(_origin, scope),
        headers=headers,
        query=Query(query),
        correlation_id=_correlation_id(headers.get("correlation-id") or query.get("correlation_id") or ""),
        form=codec.answer_form(headers.get("accept", "")),
        report_login=partial(report_login, scope),
    )


def _origin(scope: Scope) -> str:
    url = URL(scope=scope)
    return f"{url.scheme}://{url.netloc}"


def _correlation_id(given: str) -> str:
    """The client's own id for what it does, made harmless, or a new one."""
    return (given and _UNWANTED.sub("", given)[:_CORRELATION_MAX]) or new_id()
