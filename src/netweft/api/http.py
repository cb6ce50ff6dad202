"""The server: from an HTTP request (:mod:`netweft.api.incoming`) to a handler's call and back to an answer
(:mod:`netweft.api.outgoing`).

Asynchronous code only reads the body and waits for jobs; parsing, handler and answer run in a thread. The rules that
clients of oVirt's API rely on (statuses, headers, empty bodies) are all in these modules and in
:mod:`netweft.api.faults`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, TypeVar, TypeVarTuple, Unpack

import anyio
import structlog
from argon2 import PasswordHasher
from prometheus_client import Counter, Histogram
from starlette.applications import Starlette
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from netweft.api import nouns, pki_resources
from netweft.api.auth import Authenticator, LoginQueue, Session, TokenEndpoints, UnprovedError
from netweft.api.bodies import BODIES, BodyLimits, is_small, read_body
from netweft.api.faults import (
    CODE_HEADER,
    RETRY_AFTER,
    Answer,
    OverloadError,
    UnauthenticatedError,
    UnavailableError,
    WrongMethodError,
    answer_of,
    as_netweft_error,
    failed_job,
)
from netweft.api.follow import follow
from netweft.api.health import REQUESTS, SECONDS, Watch
from netweft.api.incoming import Incoming, check_version, incoming_of, parsed
from netweft.api.outgoing import Outgoing, send_answer, written
from netweft.api.plan_runs import runner_of, sub_request
from netweft.api.routes import ADDITIONS, API, Call, Later, Many, Query, Raw, Route, Router, Services, Stream, ids_of
from netweft.api.schema import reference
from netweft.api.types import Action, Job
from netweft.core.errors import MalformedError, NotFoundError
from netweft.engine.access.tokens import HASHER
from netweft.engine.commands.rehearsals import RehearsedError, RequestPlan, explain, rehearse
from netweft.engine.db import Database, new_id
from netweft.engine.queue import outcome

WAIT_MAX = 300.0
"""The default number of seconds that a request waits for its job."""
THREADS = 40
"""Requests that are handled at the same time; the database has fewer connections."""
LARGE_BODIES = 16
"""Large bodies that are read at the same time (larger than anonymous clients may send)."""
_POLL_INTERVAL = 2.0

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A request whose answer waits for a job."""

    later: Later
    route: Route
    headers: dict[str, str]


class Server:
    """Serves the table of endpoints. One per process; its threads share the database.

    ``wait_max``: seconds that a request waits for its job before it is answered as if it had asked not to wait.
    """

    def __init__(
        self,
        db: Database,
        router: Router,
        services: Services,
        *,
        secure: bool,
        bodies: BodyLimits,
        wait_max: float,
        hasher: PasswordHasher,
    ) -> None:
        self._bodies = bodies
        self._wait_max = wait_max
        self.services = services
        self.db = db
        self.router = router
        self._authenticator = Authenticator(db, secure=secure, hasher=hasher)
        self.logins = LoginQueue()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")
        self._large = asyncio.Semaphore(LARGE_BODIES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI). Never raises for what a client did."""
        begun = time.monotonic()
        incoming = incoming_of(scope)
        try:
            done = await self._done_with(incoming, receive)
            if isinstance(done, _Waiting):
                done = await self._ended(incoming, done)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a fault
            done = self._fault(error, incoming, self._route_of_fault(incoming))
        noun = done.route.noun if done.route is not None else ""
        status = await send_answer(incoming, done, scope, receive, send)
        _requests(noun, incoming.method, status).inc()
        _seconds(noun, incoming.method).observe(time.monotonic() - begun)

    async def _done_with(self, incoming: Incoming, receive: Receive) -> Outgoing | _Waiting:
        if incoming.method not in {"POST", "PUT"}:
            return await self._proving(self._serve, incoming)
        if is_small(incoming.headers):
            incoming.body = await read_body(incoming.headers, receive, self._bodies.anonymous)
            return await self._proving(self._serve, incoming)
        session = await self._proving(self._admit, incoming)
        async with self._large:  # read only when it is known who sends it
            limit = self._bodies.of_user if session.is_user else self._bodies.anonymous
            incoming.body = await read_body(incoming.headers, receive, limit)
            return await self._in_thread(self._serve, incoming, session)

    async def _proving(self, work: Callable[[Incoming], T], incoming: Incoming) -> T:
        """Call ``work`` in a thread, and once more when a password had to be checked for it."""
        try:
            return await self._in_thread(work, incoming)
        except UnprovedError as unproved:
            check = partial(self._authenticator.prove, unproved, incoming.address, incoming.correlation_id)
            incoming.proved = await self.logins.run(incoming.address, check)
        return await self._in_thread(work, incoming)

    def _in_thread(self, work: Callable[[Unpack[Ts]], T], *arguments: *Ts) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def _route(self, incoming: Incoming) -> tuple[Route, list[str]]:
        """The endpoint, and the ids in the path. Raises NotFoundError, WrongMethodError."""
        methods, values = self.router.find(incoming.path)
        route = methods.get("GET" if incoming.method == "HEAD" else incoming.method)
        if route is None:
            allowed = _allowed(methods)
            text = f"{incoming.method} is not possible at {incoming.path[:200]}; {allowed} are."
            raise WrongMethodError(text, allowed=allowed)
        return route, values

    def _admit(self, incoming: Incoming) -> Session:
        """The session of a request, if there is an endpoint for it. Raises NetweftError, UnprovedError."""
        return self._session(incoming, self._route(incoming)[0])

    def _session(self, incoming: Incoming, route: Route) -> Session:
        check_version(incoming)
        session = self._authenticator.admit(incoming.headers, incoming.correlation_id, route.needs, incoming.proved)
        if session.is_user:
            incoming.report_login()
        return session

    def _serve(self, incoming: Incoming, session: Session | None = None) -> Outgoing | _Waiting:
        """``session``: of who is known already. Raises UnprovedError."""
        route = None
        try:
            if incoming.method == "OPTIONS":
                return Outgoing(Answer(200), {"Allow": _allowed(self.router.find(incoming.path)[0])})
            route, values = self._route(incoming)
            session = session or self._session(incoming, route)
            call = self._call(incoming, route, values, session)
            given = route.handler(call)
            if isinstance(given, Later) and not call.is_async:
                return _Waiting(given, route, session.headers)
            return written(incoming, Outgoing(self._answer(incoming, route, call, given), session.headers, route))
        except UnprovedError:
            raise
        except Exception as error:  # noqa: BLE001 - the same
            return self._fault(error, incoming, route)

    def _call(self, incoming: Incoming, route: Route, values: list[str], session: Session) -> Call[Any]:
        body = parsed(incoming, route)
        # What is read has nothing to say before its job has ended.
        is_async = (incoming.is_async or (isinstance(body, Action) and body.async_ is True)) and route.method != "GET"
        return Call(
            db=self.db,
            actor=session.actor,
            ids=ids_of(route, values),
            query=incoming.query,
            body=body,
            headers=incoming.headers,
            services=self.services,
            origin=incoming.origin,
            is_async=is_async,
            sub_get=lambda href: self._sub_get(session, href),
            planned=partial(self._planned, incoming, session),
            runner=runner_of(self.db, incoming, session.actor.correlation_id),
        )

    def _planned(self, incoming: Incoming, session: Session, method: str, path: str, body: bytes) -> RequestPlan:
        """The plan of another request of the same client. Raises its errors."""
        inner = sub_request(incoming, method, path, body)
        route, values = self._route(inner)
        if route.method == "GET":
            raise MalformedError(f"{method} {path[:200]} changes nothing, so there is nothing to plan.")
        actor = self._authenticator.allowed(session.actor, route.needs)
        actor = replace(actor, correlation_id=new_id())
        call = self._call(inner, route, values, Session(actor))
        try:
            route.handler(replace(call, runner=partial(rehearse, self.db, actor.correlation_id)))
        except RehearsedError as ended:
            with self.db.read() as tx:
                return explain(tx, ended.rehearsed)
        raise MalformedError(f"{method} {path[:200]} changes no hosts, so there is nothing to plan.")

    def _sub_get(self, session: Session, href: str) -> Any:  # noqa: ANN401 (whatever that endpoint gives)
        methods, values = self.router.find(API + href)
        route = methods["GET"]
        call: Call[None] = Call(
            db=self.db,
            actor=session.actor,
            ids=ids_of(route, values),
            query=Query({}),
            body=None,
            headers={},
            services=self.services,
            origin=str,
            sub_get=lambda deeper: self._sub_get(session, deeper),
        )
        return route.handler(call)

    def _answer(self, incoming: Incoming, route: Route, call: Call[Any], given: Any) -> Answer | Raw | Stream:  # noqa: ANN401 (whatever the handler gave)
        if isinstance(given, Raw | Stream):
            return given
        if isinstance(given, Later):
            return _pending(route, given)
        if route.is_action:
            return Answer(_done(route), _complete(given))
        wanted = incoming.query.text("follow")
        if wanted and route.root == ADDITIONS:
            raise MalformedError(f"follow: the answers below {ADDITIONS} have no links. Leave it out.")
        if wanted and route.method == "GET" and route.gives is not None:
            kind = route.gives.of if isinstance(route.gives, Many) else route.gives
            follow(call, kind, given if isinstance(given, list) else [given], wanted)
        return Answer(_done(route), given)

    def _finish(self, incoming: Incoming, waiting: _Waiting, is_late: bool) -> Outgoing | None:
        """The answer of a job that has ended, or for which no more time is left (``is_late``); else None."""
        route = waiting.route
        try:
            with self.db.read_once() as tx:
                ended = outcome(tx, waiting.later.job_id)
            if ended is None and not is_late:
                return None
            if ended is None:
                return written(incoming, Outgoing(_pending(route, waiting.later), waiting.headers, route))
            if ended.status != "finished" and not waiting.later.may_fail:
                return self._fault(failed_job(ended, is_action=route.is_action), incoming, route)
            value = waiting.later.show()
            if route.is_action:
                value = _complete(value if isinstance(value, Action) else None)
                value.job = reference(Job, ended.job_id)
            return written(incoming, Outgoing(Answer(_done(route), value), waiting.headers, route))
        except Exception as error:  # noqa: BLE001 - the same
            return self._fault(error, incoming, route)

    async def _ended(self, incoming: Incoming, waiting: _Waiting) -> Outgoing:
        """Wait for a job without holding a thread."""
        news = asyncio.Event()
        loop = asyncio.get_running_loop()

        def notify() -> None:
            loop.call_soon_threadsafe(news.set)

        stop = self.db.subscribe(f"job:{waiting.later.job_id}", notify)
        deadline = loop.time() + self._wait_max
        try:
            while True:
                news.clear()
                left = deadline - loop.time()
                is_late = left <= 0 or self.services.ending.is_set()
                done = await self._in_thread(self._finish, incoming, waiting, is_late)
                if done is not None:
                    return done
                with anyio.move_on_after(min(left, _POLL_INTERVAL)):
                    await news.wait()
        finally:
            stop()

    def _route_of_fault(self, incoming: Incoming) -> Route | None:
        """The endpoint, for errors before it was called."""
        try:
            return self._route(incoming)[0]
        except (NotFoundError, WrongMethodError):
            return None

    def _fault(self, error: Exception, incoming: Incoming, route: Route | None) -> Outgoing:
        failure = as_netweft_error(error, incoming.correlation_id)
        is_action = route is not None and route.is_action
        is_ours = incoming.path.startswith(ADDITIONS)
        answer = answer_of(failure, is_action=is_action, tells_missing=is_ours or incoming.method in {"POST", "PUT"})
        headers = {CODE_HEADER: ", ".join(failure.codes)}
        if failure.status == UnavailableError.status:
            headers |= RETRY_AFTER
        if isinstance(failure, UnauthenticatedError):
            # A browser that meets the challenge of Basic asks by itself; the script of a page asks better.
            scheme = "Bearer" if incoming.headers.get("sec-fetch-dest") == "empty" else "Basic"
            headers["WWW-Authenticate"] = f'{scheme} realm="RESTAPI"'
        if isinstance(failure, WrongMethodError):
            headers["Allow"] = failure.allowed
        if isinstance(failure, OverloadError):
            headers["Retry-After"] = str(failure.wait)
        return written(incoming, Outgoing(answer, headers, route))


@cache
def _requests(noun: str, method: str, status: int) -> Counter:
    return REQUESTS.labels(noun, method, status)


@cache
def _seconds(noun: str, method: str) -> Histogram:
    return SECONDS.labels(noun, method)


def _complete(action: Action | None) -> Action:
    action = action or Action()
    action.status = "complete"
    return action


def _done(route: Route) -> int:
    return 201 if route.method == "POST" and not route.is_action else 200


def _pending(route: Route, later: Later) -> Answer:
    if route.is_action:
        return Answer(202, Action(status="pending", job=reference(Job, later.job_id)))
    return Answer(202 if route.method == "POST" else 200, later.show())


def _allowed(methods: Mapping[str, Route]) -> str:
    return ", ".join(sorted({*methods, "OPTIONS", *(["HEAD"] if "GET" in methods else [])}))


def _pages(server: Server, desk: TokenEndpoints, watch: Watch) -> Starlette:
    """The pages beside the API, and the API's answer for unknown paths."""
    return Starlette(
        routes=[
            StarletteRoute("/health", watch.health),
            StarletteRoute("/metrics", watch.metrics),
            StarletteRoute("/ovirt-engine/sso/oauth/token", desk.token, methods=["POST"]),
            StarletteRoute("/ovirt-engine/sso/oauth/token-http-auth", desk.kerberos, methods=["POST"]),
            StarletteRoute("/ovirt-engine/services/sso-logout", desk.logout, methods=["POST"]),
            StarletteRoute(pki_resources.PATH, pki_resources.pki_resource(server.services.authority)),
            StarletteRoute(
                "/{path:path}", server, methods=["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]
            ),
        ]
    )


def end_answers(db: Database, services: Services) -> None:
    """End what waits, as the engine ends: streams of events, and requests whose job another engine goes on with."""
    services.ending.set()
    db.notifications.notify_all()


def create_app(
    db: Database,
    services: Services,
    *,
    secure: bool = True,
    router: Router | None = None,
    bodies: BodyLimits = BODIES,
    wait_max: float = WAIT_MAX,
    hasher: PasswordHasher = HASHER,
) -> ASGIApp:
    """The engine's web application. ``secure``: it is reached by HTTPS.

    ``router``: other endpoints than those of all nouns; ``wait_max``: as :class:`Server` has it; ``hasher``: what
    passwords are hashed with anew that are stored at another cost.
    """
    table = router or nouns.router()
    server = Server(db, table, services, secure=secure, bodies=bodies, wait_max=wait_max, hasher=hasher)
    desk = TokenEndpoints(db, server.logins, bodies.anonymous, hasher)
    pages = _pages(server, desk, Watch(db))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        """The API goes straight to its server: Starlette's layers would take as long as many a command."""
        if scope["type"] == "http" and scope["path"].startswith((API, ADDITIONS)):
            await server(scope, receive, send)
        else:
            await pages(scope, receive, send)

    return app
