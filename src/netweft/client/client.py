"""One connection to an engine, and the verbs of its API.

Entities travel as plain dictionaries, in the shape of :mod:`netweft.client.tree`: the API knows its types, the client
need not know them again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from netweft.client.connection import Answer, Connection
from netweft.client.errors import ApiError, PlannedError, UnreachableError
from netweft.client.kept_token import KeptToken
from netweft.client.tree import ADDITIONS, Tree, Trees, from_wire, to_wire

API = "/ovirt-engine/api"
TOKEN = "/ovirt-engine/sso/oauth/token"  # noqa: S105 (a path, not a secret)
HEALTH = "/health"
LOGOUT = "/ovirt-engine/services/sso-logout"
POLL = 0.3
"""Seconds between two polls of a job."""

UNAUTHORIZED, SERVER_ERRORS = 401, 500

_LOGOUT_SECONDS = 5.0
"""How long an engine may take to take a token back."""


class Client:
    """A client of one engine.

    ``url`` is scheme, host and port, for example ``https://192.0.2.1:8443``. ``ca_file``: the engine's CA certificate
    (PEM); None trusts what the system trusts. ``filtered``: see only what the user has permissions on, which is all
    that users who are no administrators may ask for. ``kept``: where the token is kept for the next client; without
    it, or where it cannot be kept, the token is given back at the end. Logs in on the first call for which no token is
    kept, and again when a token is refused. Raises CertificateFileError, and ApiError and UnreachableError from every
    method that calls the engine.

    ``changed``: whether the engine has done, or begun, what changes something. ``planning``: nothing shall be: the
    first request that would raises PlannedError. ``plan_id``: the first request that changes something is made only if
    hosts would do by it what that plan says.
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
        kept: KeptToken | None = None,
    ) -> None:
        parts = urlsplit(url)
        self.url = f"{parts.scheme}://{parts.netloc}"
        self.changed = False
        self.planning = False
        self.plan_id = ""
        self._user, self._password = user, password
        self._kept, self._is_kept = kept, kept is not None
        self._token = kept.read() if kept else ""
        self._shown: set[str] = set()
        self.correlation_id = os.urandom(16).hex()
        headers = {"Correlation-Id": self.correlation_id, **({"Filter": "true"} if filtered else {})}
        self._http = Connection(self.url, ca_file=ca_file, headers=headers, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the token back if it is not kept and the engine still answers, and close the connection."""
        token, self._token = self._token, ""
        if token and not self._is_kept:
            with suppress(UnreachableError):  # all requests have ended, and errors were reported; tokens expire
                self._give_back(token)
        self._http.close()

    def logout(self) -> bool:
        """End the login that is kept, here and at the engine; whether there was one."""
        token, self._token = self._token, ""
        was_kept = self._kept is not None and self._kept.forget()
        if token:
            self._give_back(token)
        return was_kept

    def _give_back(self, token: str) -> None:
        self._post_form(LOGOUT, {"scope": "ovirt-app-api", "token": token}, timeout=_LOGOUT_SECONDS)

    def _post_form(self, path: str, form: Mapping[str, str], timeout: float | None = None) -> Answer:
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        return self._http.send("POST", path, content=urlencode(form), headers=headers, timeout=timeout)

    def illness(self) -> str:
        """Why the engine cannot work as it is, although it answers; empty when it can. Needs no login."""
        answer = self._http.send("GET", HEALTH)
        if not answer.is_error:
            return ""
        reason = answer.json().get("reason", "") if answer.is_json else ""
        return f"{self.url} answers with HTTP {answer.status}{reason and f' ({reason})'}"

    def list(self, path: str, **query: str | int) -> Trees:
        """The entities of a collection, for example ``list("networks", search="name=storage")``; a path that begins
        with that of Netweft's additions leads there, here and below.
        """
        found = self._call("GET", path, query=query)
        return [] if isinstance(found, dict) else found  # an empty collection is an empty object on the wire

    def get(self, path: str, **query: str | int) -> Tree:
        """One entity."""
        return self._entity("GET", path, query=query)

    def add(self, path: str, entity: Tree, **query: str | int) -> Tree:
        """Add an entity to a collection; returns it as it is then."""
        return self._entity("POST", path, body=entity, query=query)

    def update(self, path: str, changes: Tree, **query: str | int) -> Tree:
        """Change what ``changes`` mentions; returns the entity as it is then."""
        return self._entity("PUT", path, body=changes, query=query)

    def remove(self, path: str, **query: str | int) -> None:
        """Remove an entity."""
        self._call("DELETE", path, query=query)

    def action(self, path: str, body: Tree | None = None) -> Tree:
        """Call an action, for example ``action("hosts/ID/setupnetworks", {...})``; returns the action's answer."""
        return self._entity("POST", path, body=body or {})

    def event_texts(self, condition: str) -> tuple[str, ...]:
        """The texts of events, oldest first, that this client's requests have caused since the last call;
        ``condition``: in the search language.
        """
        found = self.list("events", search=f"correlation_id={self.correlation_id} and {condition}")
        news = [event for event in reversed(found) if event["id"] not in self._shown]
        self._shown |= {event["id"] for event in news}
        return tuple(event["description"] for event in news)

    def find(self, path: str, name: str) -> Tree:
        """The entity with that name or id in a collection. Raises ApiError(404) when there is none."""
        for entity in self.list(path):
            if name in (entity.get("name"), entity.get("id")):
                return entity
        raise ApiError(404, f"There is no {name!r} in {path}.")

    def addition(self, method: str, path: str, body: Any = None, **query: str | int) -> Any:  # noqa: ANN401 (JSON is any value)
        """Call one of Netweft's additions; plain JSON both ways."""
        answer = self._authorised(method, f"{ADDITIONS}/{path}", query, None if body is None else json.dumps(body))
        return answer.json() if answer.body else None

    def follow(self, job_id: str, on_progress: Callable[[Tree], None]) -> Tree:
        """Wait for the end of a job; ``on_progress`` gets the progress at every poll. Returns the last one."""
        while True:
            progress: Tree = self.addition("GET", f"jobs/{job_id}")
            on_progress(progress)
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
        headers = {"Accept": "text/event-stream", **({} if after is None else {"Last-Event-ID": str(after)})}
        for is_last in (False, True):
            self._login_once()
            try:
                for line in self._http.lines(f"{ADDITIONS}/events", headers | self._authorization()):
                    if line.startswith("data:"):
                        yield json.loads(line[5:])
            except ApiError as error:
                if error.status != UNAUTHORIZED or is_last:
                    raise
                self._token = ""
            else:
                return

    def _entity(self, method: str, path: str, **rest: Any) -> Tree:  # noqa: ANN401 (handed on)
        found = self._call(method, path, **rest)
        return found if isinstance(found, dict) else {}

    def _call(
        self, method: str, path: str, *, body: Tree | None = None, query: dict[str, str | int] | None = None
    ) -> Tree | Trees:
        is_plain = path.startswith(f"{ADDITIONS}/")
        content = None if body is None else json.dumps(body if is_plain else to_wire(body))
        answer = self._authorised(method, path if is_plain else f"{API}/{path}", query or {}, content)
        self.changed = self.changed or method != "GET"
        event_texts = answer.json() if answer.body else {}
        found: Tree | Trees = event_texts if is_plain else from_wire(event_texts)
        return found

    def _authorised(self, method: str, path: str, query: dict[str, str | int], content: str | None) -> Answer:
        if self.planning and method != "GET":
            self.planning = False
            whole = f"{path}?{urlencode(query)}" if query else path
            body = {} if content is None else {"body": json.loads(content)}
            raise PlannedError(self.addition("POST", "requestplans", {"method": method, "path": whole, **body}))
        self._login_once()
        answer = self._with_token(method, path, query, content)
        if answer.status == UNAUTHORIZED:  # the token has expired
            self._token = ""
            self._login_once()
            answer = self._with_token(method, path, query, content)
        if method != "GET":
            self.plan_id = ""
        if answer.is_error:
            raise answer.refusal()
        return answer

    def _with_token(self, method: str, path: str, query: dict[str, str | int], content: str | None) -> Answer:
        headers = {"Accept": "application/json", **self._authorization()}
        if content is not None:
            headers["Content-Type"] = "application/json"
        if self.plan_id and method != "GET":
            headers["Netweft-Plan"] = self.plan_id
        return self._http.send(method, path, query=query, content=content, headers=headers)

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def _login_once(self) -> None:
        if self._token:
            return
        form = {"grant_type": "password", "scope": "ovirt-app-api", "username": self._user, "password": self._password}
        answer = self._post_form(TOKEN, form)
        if answer.status >= SERVER_ERRORS:
            raise answer.refusal()  # it says nothing of who logs in
        if answer.is_error:
            raise ApiError(UNAUTHORIZED, f"{self._user} could not log in: {answer.fault()}")
        if not answer.is_json:
            raise UnreachableError(f"The server at {self.url} is not a Netweft engine.")
        self._token = answer.json()["access_token"]
        self._is_kept = self._kept is not None and self._kept.write(self._token)
