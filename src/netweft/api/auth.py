"""Authentication: HTTP Basic on every URL, bearer tokens and session cookies; and the endpoints that issue and revoke
tokens.
"""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from typing import TypeVar
from urllib.parse import parse_qs

import anyio.to_thread
from argon2 import PasswordHasher
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from netweft.api.bodies import BodyLimit, read_body
from netweft.api.faults import RETRY_AFTER, OverloadError, UnauthenticatedError, UnavailableError, as_netweft_error
from netweft.api.routes import LOGIN, PUBLIC, READ, Needs
from netweft.core.errors import DeniedError, NetweftError
from netweft.engine.access import admission, tokens
from netweft.engine.access.admission import AuthContext
from netweft.engine.access.roles import ActionGroup
from netweft.engine.access.tokens import Credentials, LoginError, Purpose, User
from netweft.engine.actor import Actor
from netweft.engine.connections import KNOWN, site_of
from netweft.engine.db import Database, new_id, utc_now

T = TypeVar("T")

COOKIE = "JSESSIONID"
SCOPE = "ovirt-app-api"
LOGINS = 256
"""Passwords that wait to be checked, altogether."""
LOGINS_PER_ADDRESS = 32
"""Of these, from one address: checking them takes a second or two."""
_NOBODY = Actor(user_id="", name="nobody")


@dataclass(frozen=True, slots=True)
class Session:
    """The authenticated actor of a request, and headers that its answer must have."""

    actor: Actor
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_user(self) -> bool:
        """Whether a user has logged in; public endpoints do not require it."""
        return self.actor is not _NOBODY


class UnprovedError(Exception):
    """A name and a password that have to be checked, which takes long."""

    def __init__(self, name: str, password: str) -> None:
        super().__init__(name)
        self.name = name
        self.password = password


class LoginQueue:
    """Checks passwords, two at a time, outside the threads that answer requests, so that requests with a token never
    wait for guessed passwords. Addresses with too many waiting logins are refused. To be used in the event loop's
    thread.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(tokens.HASHES, thread_name_prefix="login")
        self._waiting: Counter[str] = Counter()

    async def run(self, address: str, check: Callable[[], T]) -> T:
        """Call ``check`` when it is its turn. Raises OverloadError, and what it raises."""
        site = site_of(address)
        if self._waiting[site] >= LOGINS_PER_ADDRESS or self._waiting.total() >= LOGINS:
            raise OverloadError("Too many logins at once; try again in a moment.")
        self._waiting[site] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, check)
        finally:
            self._waiting[site] -= 1
            if not self._waiting[site]:
                del self._waiting[site]


class Authenticator:
    """Authenticates requests and checks whether their users may use the endpoint at all."""

    def __init__(self, db: Database, *, secure: bool, hasher: PasswordHasher) -> None:
        self.db = db
        self.secure = secure
        self.credentials = Credentials(db, hasher=hasher)

    def admit(
        self, headers: Mapping[str, str], correlation_id: str, needs: Needs, proved: User | None = None
    ) -> Session:
        """Raises UnauthenticatedError, DeniedError for users without the right on any object, and UnprovedError when a
        password has to be checked first; ``proved`` is then the user whose it was.
        """
        if needs is PUBLIC:
            return Session(_NOBODY)
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        answer_headers: dict[str, str] = {}
        user = self._of_cookie(headers)
        if user is None and scheme.lower() == "basic":
            user = proved or self._of_password(secret)
            answer_headers = self._new_session(user) if _is_persistent(headers) else {}
        group = needs if isinstance(needs, ActionGroup) else None
        context = None
        with self.db.read_once() as tx:
            if user is not None:
                context = admission.of_user(tx, user.id, group)
            elif scheme.lower() == "bearer":
                context = admission.of_token(tx, secret.strip(), group)
        if context is None:
            raise UnauthenticatedError("Log in first.")
        is_filtered = headers.get("filter", "").lower() == "true"
        _check_right(context, needs, is_filtered=is_filtered)
        actor = Actor(
            user_id=context.user_id,
            name=context.user_name,
            correlation_id=correlation_id,
            filtered=is_filtered,
            everywhere=frozenset({group} if group and context.everywhere else ()),
        )
        return Session(actor, answer_headers)

    def allowed(self, actor: Actor, needs: Needs) -> Actor:
        """The actor for another request of theirs. Raises UnauthenticatedError, DeniedError as :meth:`admit`."""
        if needs is PUBLIC or actor.user_id is None:
            return actor
        group = needs if isinstance(needs, ActionGroup) else None
        with self.db.read_once() as tx:
            context = admission.of_user(tx, actor.user_id, group)
        if context is None:
            raise UnauthenticatedError("Log in first.")
        _check_right(context, needs, is_filtered=actor.filtered)
        return replace(actor, everywhere=frozenset({group} if group and context.everywhere else ()))

    def _of_cookie(self, headers: Mapping[str, str]) -> User | None:
        """The user of a session; a request without ``Prefer: persistent-auth`` ends it, as in oVirt."""
        cookie, ends = _cookie(headers), not _is_persistent(headers)
        if not cookie:
            return None
        with self.db.read() as tx:
            user = tokens.user_of(tx, cookie, Purpose.SESSION)
            is_touched = user is not None and not ends and tokens.needs_touch(tx, cookie)
        if user is not None and ends:
            self.db.run(tokens.revoke, cookie)
        elif is_touched:
            self.db.run(tokens.touch, cookie)
        return user

    def _of_password(self, secret: str) -> User:
        """The user whose name and password these are, if they were checked recently. Raises UnprovedError otherwise."""
        try:
            name, colon, password = base64.b64decode(secret, validate=True).decode().partition(":")
        except ValueError as error:  # no base64, or no UTF-8 in it
            raise UnauthenticatedError("The Authorization header is invalid.") from error
        if not colon:
            raise UnauthenticatedError("The Authorization header has no password.")
        user = self.credentials.recent(name, password)
        if user is None:
            raise UnprovedError(name, password)
        return user

    def prove(self, unproved: UnprovedError, address: str, correlation_id: str) -> User:
        """Check a password. Raises UnauthenticatedError."""
        try:
            return self.credentials.check(unproved.name, unproved.password, address, correlation_id)
        except LoginError as error:
            raise UnauthenticatedError(error.text) from error

    def _new_session(self, user: User) -> dict[str, str]:
        token = self.db.run(tokens.issue, user, Purpose.SESSION)
        secure = "; Secure" if self.secure else ""
        return {"Set-Cookie": f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict{secure}"}


def _cookie(headers: Mapping[str, str]) -> str:
    """The session of a request; empty when a page of another origin sent it (Fetch Metadata)."""
    if "cookie" not in headers or headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        return ""
    try:
        found = SimpleCookie(headers["cookie"]).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _is_persistent(headers: Mapping[str, str]) -> bool:
    return "persistent-auth" in headers.get("prefer", "").lower()


def _check_right(context: AuthContext, needs: Needs, *, is_filtered: bool) -> None:
    """Raise DeniedError for users without the right on any object. The command checks the object itself."""
    if needs is LOGIN or context.somewhere or (needs is READ and is_filtered):
        return
    name = context.user_name
    if needs is READ:
        raise DeniedError(
            f"The user {name} may only see what permissions were granted on: send the header Filter: true."
        )
    raise DeniedError(f"The user {name} is not authorized to perform this action: it needs a role with {needs}.")


class TokenEndpoints:
    """The OAuth endpoints (RFC 6749) that oVirt's clients use. ``limit``: of the
    forms that they read.
    """

    def __init__(self, db: Database, logins: LoginQueue, limit: BodyLimit, hasher: PasswordHasher) -> None:
        self.db = db
        self.logins = logins
        self._hasher = hasher
        self._limit = limit

    async def token(self, request: Request) -> Response:
        """A password for a token: ``grant_type=password``."""
        return await self._answered(self._token, request)

    async def _answered(self, answer: Callable[..., Awaitable[Response]], *arguments: object) -> Response:
        """An endpoint's answer, or a refusal while the engine is unavailable. Other errors pass."""
        try:
            return await answer(*arguments)
        except (SQLAlchemyError, NetweftError) as error:
            failure = as_netweft_error(error, new_id())
            if failure.status != UnavailableError.status:
                raise
            refusal = _json({"error_code": "temporarily_unavailable", "error": failure.text}, failure.status)
            refusal.headers.update(RETRY_AFTER)
            return refusal

    async def _token(self, request: Request) -> Response:
        form = await self._form(request)
        if form.get("grant_type") != "password" or "username" not in form:
            return _refusal(form, 400, "unsupported_grant_type", "Send grant_type=password with username and password.")
        address = _address(request)
        try:
            token, expires = await self.logins.run(address, lambda: self._login(form, address))
        except LoginError as error:
            answer = _refusal(form, 400, "access_denied", error.text)
            if error.wait:
                answer.headers["Retry-After"] = str(int(error.wait) + 1)
            return answer
        except OverloadError as error:
            answer = _refusal(form, error.status, "temporarily_unavailable", error.text)
            answer.headers["Retry-After"] = str(error.wait)
            return answer
        report_login(request.scope)
        milliseconds = str(int(expires.timestamp() * 1000))
        return _json(
            {"access_token": token, "scope": form.get("scope") or SCOPE, "exp": milliseconds, "token_type": "bearer"}
        )

    def _login(self, form: Mapping[str, str], address: str) -> tuple[str, datetime]:
        user = tokens.login(self.db, form["username"], form.get("password", ""), address, hasher=self._hasher)
        return self.db.run(tokens.issue, user), utc_now() + tokens.TOKEN_LIFE

    async def kerberos(self, request: Request) -> Response:
        """The same by a Kerberos ticket, which is not supported."""
        return _refusal(
            await self._form(request),
            400,
            "unsupported_grant_type",
            "Kerberos is not configured; log in with a user name and a password.",
        )

    async def logout(self, request: Request) -> Response:
        """Revoke a token."""
        return await self._answered(self._logout, (await self._form(request)).get("token", ""))

    async def _logout(self, token: str) -> Response:
        await anyio.to_thread.run_sync(lambda: self.db.run(tokens.revoke, token))
        return _json({})

    async def _form(self, request: Request) -> dict[str, str]:
        try:
            body = await read_body(request.headers, request.receive, self._limit)
            fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=20)
        except (NetweftError, ValueError):
            return {}
        return {name: values[-1] for name, values in fields.items()}


def report_login(scope: Scope) -> None:
    """Notify the server that a user has logged in on this connection, if it has a callback."""
    notify = scope.get("state", {}).get(KNOWN)
    if notify is not None:
        notify()


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _refusal(form: Mapping[str, str], status: int, code: str, text: str) -> Response:
    if form.get("scope", SCOPE) == SCOPE:
        return _json({"error_code": code, "error": text}, status)
    return _json({"error": code, "error_description": text}, status)


def _json(tree: Mapping[str, str], status: int = 200) -> Response:
    return JSONResponse(tree, status, headers={"Cache-Control": "no-store"})
