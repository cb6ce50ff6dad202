"""HTTP to one engine: requests, answers and a stream of lines. httpcore rather than httpx, whose import alone takes
longer than most commands of the command line.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpcore

from netweft.client.errors import ApiError, CertificateFileError, UnreachableError

_ERRORS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; ``headers`` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON."""
        return "json" in self.headers.get("content-type", "")

    @property
    def is_error(self) -> bool:
        """Whether the request was refused."""
        return self.status >= HTTPStatus.BAD_REQUEST

    def json(self) -> Any:  # noqa: ANN401 (JSON is any value)
        """The body's value."""
        return json.loads(self.body)

    def refusal(self) -> ApiError:
        """The error in an answer."""
        return ApiError(self.status, self.fault(), self.headers.get("netweft-code", ""))

    def fault(self) -> str:
        """Why the request was refused, in the words of the engine."""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = ""
        plain = f"HTTP {self.status} {phrase}".rstrip()
        if not self.is_json:
            return plain
        fault = self.json()
        fault = fault.get("fault", fault)
        parts = [str(fault[key]) for key in ("reason", "detail", "error") if fault.get(key)]
        return ": ".join(parts) or plain


KEPT = 2.0
"""Seconds for which an unused connection is kept. The engine closes it after 5; what is sent at that moment is lost."""


class Connection:
    """To the engine at ``url``. ``ca_file``: the certificate of its authority (PEM); None trusts what the system
    trusts. ``headers`` go with every request; ``timeout`` in seconds, for each time that it waits for the engine.

    Raises CertificateFileError. Every method that sends something raises UnreachableError.
    """

    def __init__(self, url: str, *, ca_file: Path | None, headers: Mapping[str, str], timeout: float) -> None:
        self.url = url
        self._timeout = timeout
        self._headers = {"Host": urlsplit(url).netloc, **headers}
        context = None
        if url.startswith("https"):
            try:
                context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
            except ssl.SSLError as error:
                raise CertificateFileError(f"{ca_file} holds no certificate in PEM form") from error
        self._pool = httpcore.ConnectionPool(ssl_context=context, keepalive_expiry=KEPT)

    def close(self) -> None:
        """End it."""
        self._pool.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        content: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """One request and its answer. ``timeout`` replaces that of the connection."""
        with self._translated_errors(f"{self.url} did not answer"):
            answer = self._pool.request(
                method,
                self._address(path, query),
                headers=self._whole(headers or {}),
                content=None if content is None else content.encode(),
                extensions=_timeouts(self._timeout if timeout is None else timeout),
            )
        return Answer(answer.status, _names(answer.headers), answer.content)

    def lines(self, path: str, headers: Mapping[str, str]) -> Iterator[str]:
        """The lines of an answer that goes on for as long as the engine likes. Raises ApiError."""
        with (
            self._translated_errors(f"{self.url} ended the stream"),
            self._pool.stream(
                "GET", self._address(path, None), headers=self._whole(headers), extensions=_timeouts(None)
            ) as answer,
        ):
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise Answer(answer.status, _names(answer.headers), answer.read()).refusal()
            rest = b""
            for chunk in answer.iter_stream():
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    yield line.decode().rstrip("\r")

    def _whole(self, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
        return [(name.encode(), value.encode()) for name, value in {**self._headers, **headers}.items()]

    def _address(self, path: str, query: Mapping[str, str | int] | None) -> str:
        return f"{self.url}{path}?{urlencode(query)}" if query else f"{self.url}{path}"

    @contextmanager
    def _translated_errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except _ERRORS as error:
            raise UnreachableError(f"{what}: {str(error) or type(error).__name__}") from error


def _timeouts(seconds: float | None) -> dict[str, dict[str, float | None]]:
    return {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), seconds)}


def _names(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
