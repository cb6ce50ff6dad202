"""One connection to an engine, and the verbs of its API.

Entities travel as plain dictionaries, in the shape of :mod:`netweft.client.tree`: the API knows its types, the client
need not know them again.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from netweft.client.tree import Tree, Trees, from_wire, to_wire

API = "/ovirt-engine/api"
ADDITIONS = "/netweft/v1"
TOKEN = "/ovirt-engine/sso/oauth/token"  # noqa: S105 (a path, not a secret)
HEALTH = "/health"
LOGOUT = "/ovirt-engine/services/sso-logout"
POLL = 0.3
"""Seconds between two looks at a job."""

UNAUTHORIZED = 401

_LOGOUT_SECONDS = 5.0
"""How long an engine may take to take a token back."""


class ApiError(Exception):
    """The engine refused. ``status`` is HTTP's, the text is the fault's reason and detail, ``codes`` are the message
    codes of what is wrong.
    """

    def __init__(self, status: int, text: str, codes: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.codes = codes


class UnreachableError(Exception):
    """The engine did not answer, or its certificate is not the one that was promised."""


class Client:
    """Speaks to one engine.

    ``url`` is scheme, host and port, for example ``https://192.0.2.1:8443``. ``ca_file``: the engine's CA certificate
    (PEM); None trusts what the system trusts. ``filtered``: see only what the user has permissions on, which is all
    that users who are no administrators may ask for. Logs in on the first call, and again when a token has expired.
    Raises ApiError and UnreachableError from every method that calls the engine.
    """

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        *,
        ca_file: Path | None = None,
        filtered: bool = False,
        timeout: float = 180.0,
    ) -> None:
        parts = urlsplit(url)
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._user, self._password, self._token = user, password, ""
        verify: ssl.SSLContext | bool = True
        if ca_file is not None:
            verify = ssl.create_default_context(cafile=str(ca_file))
        self._correlation = str(uuid4())
        headers = {"Correlation-Id": self._correlation, **({"Filter": "true"} if filtered else {})}
        self._http = httpx.Client(base_url=self.url, verify=verify, timeout=timeout, trust_env=False, headers=headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the token back, if one was taken and the engine still answers, and close the connection."""
        token, self._token = self._token, ""
        if token:
            form = {"scope": "ovirt-app-api", "token": token}
            with suppress(UnreachableError):  # what was done is done, and what went wrong is told; tokens expire
                self._send("POST", LOGOUT, data=form, timeout=_LOGOUT_SECONDS)
        self._http.close()

    def illness(self) -> str:
        """Why the engine cannot work as it is, although it answers; empty when it can. Needs no login."""
        answer = self._send("GET", HEALTH)
        if answer.is_success:
            return ""
        reason = answer.json().get("reason", "") if "json" in answer.headers.get("Content-Type", "") else ""
        return f"{self.url} answers with HTTP {answer.status_code}{reason and f' ({reason})'}"

    def list(self, path: str, **query: str | int) -> Trees:
        """The entities of a collection, for example ``list("networks", search="name=storage")``."""
        found = self._call("GET", f"{API}/{path}", query=query)
        return [] if isinstance(found, dict) else found  # an empty collection is an empty object on the wire

    def get(self, path: str, **query: str | int) -> Tree:
        """One entity."""
        return self._entity("GET", f"{API}/{path}", query=query)

    def add(self, path: str, entity: Tree, **query: str | int) -> Tree:
        """Add an entity to a collection; returns it as it is then."""
        return self._entity("POST", f"{API}/{path}", body=entity, query=query)

    def update(self, path: str, changes: Tree) -> Tree:
        """Change what ``changes`` mentions; returns the entity as it is then."""
        return self._entity("PUT", f"{API}/{path}", body=changes)

    def remove(self, path: str, **query: str | int) -> None:
        """Remove an entity."""
        self._call("DELETE", f"{API}/{path}", query=query)

    def action(self, path: str, body: Tree | None = None) -> Tree:
        """Call an action, for example ``action("hosts/ID/setupnetworks", {...})``; returns the action's answer."""
        return self._entity("POST", f"{API}/{path}", body=body or {})

    def told(self, condition: str) -> tuple[str, ...]:
        """What events say, oldest first, that this client's requests have caused; ``condition``: in the search
        language.
        """
        found = self.list("events", search=f"correlation_id={self._correlation} and {condition}")
        return tuple(event["description"] for event in reversed(found))

    def find(self, path: str, name: str) -> Tree:
        """The entity with that name or id in a collection. Raises ApiError(404) when there is none."""
        for entity in self.list(path):
            if name in (entity.get("name"), entity.get("id")):
                return entity
        raise ApiError(404, f"There is no {name!r} in {path}.")

    def addition(self, method: str, path: str, body: Any = None, **query: str | int) -> Any:  # noqa: ANN401 (JSON is any value)
        """Call one of Netweft's additions; plain JSON both ways."""
        answer = self._authorised(method, f"{ADDITIONS}/{path}", query, None if body is None else json.dumps(body))
        return answer.json() if answer.content else None

    def follow(self, job_id: str, seen: Callable[[Tree], None]) -> Tree:
        """Wait for the end of a job; ``seen`` is called with its progress at every look. Returns the last progress."""
        while True:
            progress: Tree = self.addition("GET", f"jobs/{job_id}")
            seen(progress)
            if progress["status"] != "started":
                return progress
            time.sleep(POLL)

    def set_password(self, user: Tree, password: str) -> None:
        """Give a user a new password; one's own present one is sent along. All that the old one opened ends."""
        mine = self._user if "@" in self._user else f"{self._user}@internal"
        current = {"current": self._password} if user["user_name"] == mine else {}
        self.addition("PUT", f"users/{user['id']}/password", {"password": password, **current})

    def events(self, after: int | None = None) -> Iterator[Tree]:
        """The engine's event stream, from after the event with that id; goes on until the connection ends."""
        headers: dict[str, str] = {} if after is None else {"Last-Event-ID": str(after)}
        self._login_once()
        headers |= {"Authorization": f"Bearer {self._token}", "Accept": "text/event-stream"}
        try:
            with self._http.stream("GET", f"{ADDITIONS}/events", timeout=None, headers=headers) as answer:
                if answer.is_error:
                    answer.read()
                    raise _refusal(answer)
                for line in answer.iter_lines():
                    if line.startswith("data:"):
                        yield json.loads(line[5:])
        except httpx.HTTPError as error:
            raise UnreachableError(f"{self.url} ended the stream: {str(error) or type(error).__name__}") from error

    def _entity(self, method: str, path: str, **rest: Any) -> Tree:  # noqa: ANN401 (handed on)
        found = self._call(method, path, **rest)
        return found if isinstance(found, dict) else {}

    def _call(
        self, method: str, path: str, *, body: Tree | None = None, query: dict[str, str | int] | None = None
    ) -> Tree | Trees:
        content = None if body is None else json.dumps(to_wire(body))
        answer = self._authorised(method, path, query or {}, content)
        found: Tree | Trees = from_wire(answer.json()) if answer.content else {}
        return found

    def _authorised(self, method: str, path: str, query: dict[str, str | int], content: str | None) -> httpx.Response:
        self._login_once()
        answer = self._with_token(method, path, query, content)
        if answer.status_code == UNAUTHORIZED:  # the token has expired
            self._token = ""
            self._login_once()
            answer = self._with_token(method, path, query, content)
        if answer.is_error:
            raise _refusal(answer)
        return answer

    def _with_token(self, method: str, path: str, query: dict[str, str | int], content: str | None) -> httpx.Response:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self._token}"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        return self._send(method, path, params=query, content=content, headers=headers)

    def _login_once(self) -> None:
        if self._token:
            return
        form = {"grant_type": "password", "scope": "ovirt-app-api", "username": self._user, "password": self._password}
        answer = self._send("POST", TOKEN, data=form, headers={"Accept": "application/json"})
        if answer.is_server_error:
            raise _refusal(answer)  # it says nothing of who logs in
        if answer.is_error:
            raise ApiError(UNAUTHORIZED, f"{self._user} could not log in: {_fault(answer)}")
        if "json" not in answer.headers.get("Content-Type", ""):
            raise UnreachableError(f"What answers at {self.url} is no engine.")
        self._token = answer.json()["access_token"]

    def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:  # noqa: ANN401 (handed on to httpx)
        try:
            return self._http.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise UnreachableError(f"{self.url} did not answer: {str(error) or type(error).__name__}") from error


def _refusal(answer: httpx.Response) -> ApiError:
    return ApiError(answer.status_code, _fault(answer), answer.headers.get("Netweft-Code", ""))


def _fault(answer: httpx.Response) -> str:
    if "json" not in answer.headers.get("Content-Type", ""):
        return f"HTTP {answer.status_code} {answer.reason_phrase}"
    fault = answer.json()
    fault = fault.get("fault", fault)
    told = [str(fault[key]) for key in ("reason", "detail", "error") if fault.get(key)]
    return ": ".join(told) or f"HTTP {answer.status_code} {answer.reason_phrase}"
