"""Who asks: HTTP Basic on every URL, bearer tokens, and sessions by cookie; and the endpoints at which tokens are got
and given back.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from netweft.api.faults import UnauthenticatedError
from netweft.api.routes import LOGIN, PUBLIC, READ, Needs
from netweft.core.errors import DeniedError
from netweft.engine.actor import Actor
from netweft.engine.commands import admission, tokens
from netweft.engine.commands.admission import Standing
from netweft.engine.commands.authorize import ActionGroup
from netweft.engine.commands.tokens import Credentials, LoginError, Purpose, User
from netweft.engine.db import Database, utc_now

COOKIE = "JSESSIONID"
SCOPE = "ovirt-app-api"
FORM_MAX = 16 * 1024
"""Octets of a login's form."""
_NOBODY = Actor(user_id="", name="nobody")


@dataclass(frozen=True, slots=True)
class Session:
    """Who asks, and what the answer must carry for it."""

    actor: Actor
    headers: dict[str, str] = field(default_factory=dict)


class Doorkeeper:
    """Finds out who sends a request and whether the endpoint is for them at all."""

    def __init__(self, db: Database, *, secure: bool) -> None:
        self.db = db
        self.secure = secure
        self.credentials = Credentials(db)

    def admit(self, headers: Mapping[str, str], address: str, correlation_id: str, needs: Needs) -> Session:
        """Raises UnauthenticatedError, and DeniedError for whoever has the needed right nowhere."""
        if needs is PUBLIC:
            return Session(_NOBODY)
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        answer_headers: dict[str, str] = {}
        user = self._of_cookie(headers)
        if user is None and scheme.lower() == "basic":
            user = self._of_password(secret, address, correlation_id)
            answer_headers = self._new_session(user) if _is_persistent(headers) else {}
        group = needs if isinstance(needs, ActionGroup) else None
        standing = None
        with self.db.look() as tx:
            if user is not None:
                standing = admission.of_user(tx, user.id, group)
            elif scheme.lower() == "bearer":
                standing = admission.of_token(tx, secret.strip(), group)
        if standing is None:
            raise UnauthenticatedError("Log in first.")
        is_filtered = headers.get("filter", "").lower() == "true"
        _check_right(standing, needs, is_filtered=is_filtered)
        actor = Actor(
            user_id=standing.user_id,
            name=standing.user_name,
            correlation_id=correlation_id,
            filtered=is_filtered,
            everywhere=frozenset({group} if group and standing.everywhere else ()),
        )
        return Session(actor, answer_headers)

    def _of_cookie(self, headers: Mapping[str, str]) -> User | None:
        """The user of a session; a request that does not ask for it to last ends it, as in oVirt."""
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

    def _of_password(self, secret: str, address: str, correlation_id: str) -> User:
        try:
            name, colon, password = base64.b64decode(secret, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise UnauthenticatedError("The Authorization header is not understood.") from error
        if not colon:
            raise UnauthenticatedError("The Authorization header has no password.")
        try:
            return self.credentials.check(name, password, address, correlation_id)
        except LoginError as error:
            raise UnauthenticatedError(error.text) from error

    def _new_session(self, user: User) -> dict[str, str]:
        token = self.db.run(tokens.issue, user, Purpose.SESSION)
        secure = "; Secure" if self.secure else ""
        return {"Set-Cookie": f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict{secure}"}


def _cookie(headers: Mapping[str, str]) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _is_persistent(headers: Mapping[str, str]) -> bool:
    return "persistent-auth" in headers.get("prefer", "").lower()


def _check_right(standing: Standing, needs: Needs, *, is_filtered: bool) -> None:
    """Refuse whoever may not use an endpoint on anything. The command asks about the very object."""
    if needs is LOGIN or standing.somewhere or (needs is READ and is_filtered):
        return
    name = standing.user_name
    if needs is READ:
        raise DeniedError(
            f"The user {name} may only see what permissions were granted on: send the header Filter: true."
        )
    raise DeniedError(f"The user {name} is not authorized to perform this action: it needs a role with {needs}.")


class TokenDesk:
    """The endpoints that answer in the words of OAuth (RFC 6749), as far as oVirt's clients speak it."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def token(self, request: Request) -> Response:
        """A password for a token: ``grant_type=password``."""
        form = await _form(request)
        if form.get("grant_type") != "password" or "username" not in form:
            return _refusal(form, 400, "unsupported_grant_type", "Send grant_type=password with username and password.")
        try:
            token, expires = await anyio.to_thread.run_sync(self._login, form, _address(request))
        except LoginError as error:
            answer = _refusal(form, 400, "access_denied", error.text)
            if error.wait:
                answer.headers["Retry-After"] = str(int(error.wait) + 1)
            return answer
        milliseconds = str(int(expires.timestamp() * 1000))
        return _json(
            {"access_token": token, "scope": form.get("scope") or SCOPE, "exp": milliseconds, "token_type": "bearer"}
        )

    def _login(self, form: Mapping[str, str], address: str) -> tuple[str, datetime]:
        user = tokens.login(self.db, form["username"], form.get("password", ""), address)
        return self.db.run(tokens.issue, user), utc_now() + tokens.TOKEN_LIFE

    async def kerberos(self, request: Request) -> Response:
        """The same by a Kerberos ticket, which nobody checks here."""
        return _refusal(
            await _form(request),
            400,
            "unsupported_grant_type",
            "Kerberos is not configured; log in with a user name and a password.",
        )

    async def logout(self, request: Request) -> Response:
        """Give a token back."""
        token = (await _form(request)).get("token", "")
        await anyio.to_thread.run_sync(lambda: self.db.run(tokens.revoke, token))
        return _json({})


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > FORM_MAX:
            return {}
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in fields.items()}


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _refusal(form: Mapping[str, str], status: int, code: str, text: str) -> Response:
    if form.get("scope", SCOPE) == SCOPE:
        return _json({"error_code": code, "error": text}, status)
    return _json({"error": code, "error_description": text}, status)


def _json(tree: Mapping[str, str], status: int = 200) -> Response:
    return JSONResponse(tree, status, headers={"Cache-Control": "no-store"})
