"""The table of endpoints: what a noun's file declares, and what the server, OpenAPI and the tests that walk all
endpoints read.

    routes = Routes("networks")

    @routes.get("/networks/{network_id}", Network, needs=READ)
    def get_network(call: Call[None]) -> Network:
        \"\"\"One network.\"\"\"
        with call.read() as tx: ...

A handler is a plain synchronous function; it runs in a thread. It returns one value, a list (``many(Network)``), None
(DELETE, actions), or :class:`Later`.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast

import msgspec

from netweft.api.scalars import date_of
from netweft.api.types import Action
from netweft.core.errors import MalformedError, NotFoundError
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.commands.rehearsals import RequestPlan
from netweft.engine.db import Database, Tx
from netweft.engine.pki import Authority
from netweft.engine.secrets import SecretBox

API = "/ovirt-engine/api"
"""The root of oVirt's API."""
ADDITIONS = "/netweft/v1"
"""The root of Netweft's additions, which speak plain JSON."""


class Access(Enum):
    """Who may call what needs no action group. PUBLIC: anybody; LOGIN: any user; READ: administrators, and others for
    their own view (header ``Filter: true``).
    """

    PUBLIC = "public"
    LOGIN = "authenticated"
    READ = "read"


PUBLIC, LOGIN, READ = Access.PUBLIC, Access.LOGIN, Access.READ

Needs = Access | ActionGroup
"""An action group means: on the object that the command names, which asks again; the server refuses at once whoever has
it nowhere.
"""

_DIGITS = 15
"""Of a number that every database and JSON takes."""

B = TypeVar("B")
T = TypeVar("T")
P = ParamSpec("P")


def is_number(text: str) -> bool:
    """Whether a text is a number that is not negative and not too large for any use."""
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS


@dataclass(frozen=True, slots=True)
class Query:
    """The query of a request; a parameter without a value counts as absent (some clients send ``search=``)."""

    values: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        """A parameter as it is."""
        return self.values.get(name) or default

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean parameter. Raises MalformedError."""
        text = self.text(name, "true" if default else "false").lower()
        if text not in {"true", "false"}:
            raise MalformedError(f"Query parameter {name}: '{text[:60]}' is neither true nor false.")
        return text == "true"

    def size(self) -> int | None:
        """How many of a list at most: ``max``, None when it does not say, or says -1 (as oVirt does). Raises
        MalformedError.
        """
        return None if self.text("max") == "-1" else self.integer("max")

    def moment(self, name: str) -> datetime | None:
        """A moment (RFC 3339), None when absent. Raises MalformedError."""
        text = self.text(name)
        if not text:
            return None
        try:
            return date_of(text, needs_zone=True)
        except ValueError as error:
            raise MalformedError(
                f"Query parameter {name}: '{text[:60]}' is no date with a time and its zone."
            ) from error

    def integer(self, name: str) -> int | None:
        """A number that is not negative, None when absent. Raises MalformedError."""
        text = self.text(name)
        if not text:
            return None
        if not is_number(text):
            raise MalformedError(f"Query parameter {name}: '{text[:60]}' is not a number.")
        return int(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the process has besides its database. ``authority`` signs the certificates of hosts that join, ``box``
    encrypts passwords; ``provider_types``, ``configuration_provider_types``: the types of providers whose module is
    installed; ``has_agent_package``: whether the engine can install agents on hosts; ``ending``: set when the process
    ends, so that answers without an end of their own do.
    """

    authority: Authority
    box: SecretBox
    provider_types: frozenset[str]
    configuration_provider_types: frozenset[str] = frozenset()
    has_agent_package: bool = False
    ending: threading.Event = field(default_factory=threading.Event)


def _nothing_is_planned(*_: object) -> RequestPlan:
    raise AssertionError("unreachable: what is read below a link plans nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[B]):
    """One request: who asks (``actor``), for what (``ids`` from the path, ``query``), with what (``body``, None when
    the route takes none). ``origin`` tells scheme, host and port by which the client reached the engine. ``planned``:
    what another request (method, path with its query, body) would have hosts do. ``runner``: runs commands in another
    way than :meth:`Database.run`.
    """

    db: Database
    actor: Actor
    ids: Mapping[str, str]
    query: Query
    body: B
    headers: Mapping[str, str]
    services: Services
    origin: Callable[[], str]
    is_async: bool = False
    sub_get: Callable[[str], Any] = field(repr=False)
    planned: Callable[[str, str, bytes], RequestPlan] = field(default=_nothing_is_planned, repr=False)
    runner: Callable[..., Any] | None = field(default=None, repr=False)
    _made: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def read(self) -> AbstractContextManager[Tx]:
        """A transaction to read in."""
        return self.db.read()

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` gives, made once in this request: for what several links of an answer are shown from."""
        if key not in self._made:
            self._made[key] = make()
        return cast("T", self._made[key])

    def run(self, command: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A command in a transaction of its own."""
        if self.runner is not None:
            return cast("T", self.runner(command, *args, **kwargs))
        return self.db.run(command, *args, **kwargs)


@dataclass(frozen=True, slots=True)
class Later:
    """The answer comes when a job has ended (at once, with the job, when the client asked for that). ``show`` makes it;
    an action may leave it out. ``may_fail``: what was asked is done already, and the answer is the same when the job
    fails, as something else tells of it and it is tried again.
    """

    job_id: str
    show: Callable[[], Any] = lambda: None
    may_fail: bool = False


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is not made of the API's types."""

    content: bytes
    media: str


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer without end: server-sent events. ``parts`` is called once the request is accepted."""

    parts: Callable[[], AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True)
class Many:
    """The answer is a list."""

    of: type[Any]


def many(kind: type[Any]) -> Many:
    """An answer that is a list of ``kind``."""
    return Many(kind)


Handler = Callable[[Call[Any]], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One endpoint. ``takes`` and ``gives`` are types of :mod:`netweft.api.types`; for additions also any other that
    msgspec reads and writes. ``path``: below the root, with ``{names}`` for ids. ``gives`` None: nothing is answered
    but the status, or something of type ``media``.
    """

    method: str
    root: str
    path: str
    handler: Handler
    takes: type[Any] | None
    gives: type[Any] | Many | None
    needs: Needs
    noun: str
    queries: tuple[str, ...] = ()
    media: str = ""

    @property
    def is_action(self) -> bool:
        """Whether this is an action in oVirt's sense, whose answers and faults are wrapped in an ``action`` element."""
        return self.takes is Action

    @property
    def url(self) -> str:
        """The whole path."""
        return self.root + self.path


H = TypeVar("H", bound=Handler)


class Routes:
    """The endpoints of one noun."""

    def __init__(self, noun: str, root: str = API) -> None:
        self.noun = noun
        self.root = root
        self.table: list[Route] = []

    def get(self, path: str, gives: type[Any] | Many, *, needs: Needs, queries: Sequence[str] = ()) -> Callable[[H], H]:
        """A read. ``queries``: the parameters that it knows besides ``follow``."""
        return self._add("GET", path, None, gives, needs, queries)

    def raw(self, path: str, media: str, *, needs: Needs) -> Callable[[H], H]:
        """A read whose answer is :class:`Raw` or :class:`Stream`."""
        return self._add("GET", path, None, None, needs, (), media)

    def post(
        self,
        path: str,
        takes: type[Any],
        *,
        needs: Needs,
        gives: type[Any] | None = None,
        queries: Sequence[str] = (),
    ) -> Callable[[H], H]:
        """An addition; it answers with the same type unless ``gives`` says otherwise."""
        return self._add("POST", path, takes, gives or takes, needs, queries)

    def put(
        self,
        path: str,
        takes: type[Any],
        *,
        needs: Needs,
        gives: type[Any] | None = None,
        queries: Sequence[str] = (),
    ) -> Callable[[H], H]:
        """A change; it answers with the same type unless ``gives`` says otherwise."""
        return self._add("PUT", path, takes, gives or takes, needs, queries)

    def delete(self, path: str, *, needs: Needs, queries: Sequence[str] = ()) -> Callable[[H], H]:
        """A removal."""
        return self._add("DELETE", path, None, None, needs, queries)

    def action(self, path: str, *, needs: Needs) -> Callable[[H], H]:
        """An action; its path ends with its name."""
        return self._add("POST", path, Action, Action, needs, ())

    def _add(
        self,
        method: str,
        path: str,
        takes: type[Any] | None,
        gives: type[Any] | Many | None,
        needs: Needs,
        queries: Sequence[str],
        media: str = "",
    ) -> Callable[[H], H]:
        def declare(handler: H) -> H:
            self.table.append(
                Route(
                    method=method,
                    root=self.root,
                    path=path,
                    handler=handler,
                    takes=takes,
                    gives=gives,
                    needs=needs,
                    noun=self.noun,
                    queries=tuple(queries),
                    media=media,
                )
            )
            return handler

        return declare


class _Node:
    """One segment of all paths: fixed continuations, or one id."""

    def __init__(self) -> None:
        self.fixed: dict[str, _Node] = {}
        self.variable: _Node | None = None
        self.methods: dict[str, Route] = {}


class Router:
    """Finds the endpoint of a path. A fixed segment goes before an id."""

    def __init__(self, table: Sequence[Route]) -> None:
        self.table = tuple(table)
        self._top = _Node()
        for route in table:
            self._place(route)
            if route.root == ADDITIONS and route.takes is not None:
                msgspec.json.Decoder(route.takes)  # worked out before there are threads: two at once would crash it

    def __iter__(self) -> Iterator[Route]:
        return iter(self.table)

    def _place(self, route: Route) -> None:
        node = self._top
        for segment in _segments(route.url):
            if segment.startswith("{"):
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.fixed.setdefault(segment, _Node())
        if route.method in node.methods:
            raise ValueError(f"{route.method} {route.url} is declared twice")
        node.methods[route.method] = route

    def find(self, path: str) -> tuple[Mapping[str, Route], list[str]]:
        """The endpoints of a path by method, and the ids in it. Raises NotFoundError."""
        node, ids = self._top, []
        for segment in _segments(path):
            following = node.fixed.get(segment)
            if following is None:
                following = node.variable
                ids.append(segment)
            if following is None:
                raise NotFoundError(f"There is nothing at {path[:200]}.", code="NO_SUCH_PATH")
            node = following
        if not node.methods:
            raise NotFoundError(f"There is nothing at {path[:200]}.", code="NO_SUCH_PATH")
        return node.methods, ids


def ids_of(route: Route, values: Sequence[str]) -> dict[str, str]:
    """The ids of a path by the names that the route gives them."""
    return dict(zip(_id_names(route.url), values, strict=True))


@cache
def _id_names(url: str) -> list[str]:
    return [segment[1:-1] for segment in _segments(url) if segment.startswith("{")]


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]
