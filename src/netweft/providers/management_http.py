"""HTTP to the management system of a fabric: requests that end, with TLS that is verified."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Timer
from typing import Self
from urllib.parse import urlsplit

from netweft.providers.contract import Account, CertificateError, ProviderError

ANSWER_MAX = 64 * 2**20
"""Octets of an answer at most."""

NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"})
"""OpenSSL's reasons for an answer that is not TLS."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; ``location``: of one that points elsewhere."""

    status: int
    body: bytes
    location: str = ""


class ManagementHttp:
    """To the system of an account. Each request has a connection of its own and takes at most ``Account.longest``
    seconds as a whole. Raises CertificateError, ProviderError.
    """

    def __init__(self, account: Account) -> None:
        parts = urlsplit(account.url)
        self._account = account
        self._tls = _context(account.certificate) if parts.scheme == "https" else None
        self._host = parts.hostname or ""
        self._port = parts.port or (http.client.HTTPS_PORT if self._tls else http.client.HTTP_PORT)
        self._path = parts.path.rstrip("/")

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """One request and its answer, whatever the status of that."""
        timeout = self._account.timeout
        connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        with _Deadline(self._account.longest) as deadline:
            try:
                wire = socket.create_connection((self._host, self._port), timeout)
                deadline.watch(wire)
                connection.sock = self._tls.wrap_socket(wire, server_hostname=self._host) if self._tls else wire
                connection.request(method, self._path + path, body or None, {"Connection": "close", **(headers or {})})
                answer = connection.getresponse()
                content = answer.read(ANSWER_MAX + 1)
            except (OSError, http.client.HTTPException) as error:
                raise _failure(error, late=deadline.is_over, account=self._account) from error
            finally:
                connection.close()
        if deadline.is_over:  # an answer without a length ends with its connection, also where we ended it
            raise ProviderError(f"The provider's answer was not complete after {self._account.longest:g} seconds.")
        if len(content) > ANSWER_MAX:
            raise ProviderError(f"The provider's answer has more than {ANSWER_MAX} octets.")
        return Answer(answer.status, content, answer.headers.get("Location", ""))


def _context(certificate: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=certificate or None)
    except ssl.SSLError as error:
        raise CertificateError("The certificate that was imported cannot be read.") from error


class _Deadline:
    """Closes a connection after so many seconds, which ends every wait for it."""

    def __init__(self, seconds: float) -> None:
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True
        self._wire: socket.socket | None = None
        self.is_over = False

    def watch(self, wire: socket.socket) -> None:
        """By a duplicate: TLS makes another object of a socket, and HTTP lets go of it before the answer has ended."""
        self._wire = socket.socket(fileno=os.dup(wire.fileno()))
        if self.is_over:
            self._end()

    def _end(self) -> None:
        self.is_over = True
        if self._wire is not None:
            with suppress(OSError):  # it has ended by itself
                self._wire.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()
        if self._wire is not None:
            self._wire.close()


def _failure(error: Exception, *, late: bool, account: Account) -> ProviderError:
    if late:
        return ProviderError(f"The provider's answer was not complete after {account.longest:g} seconds.")
    if isinstance(error, ssl.SSLCertVerificationError):
        return CertificateError(f"The TLS certificate of the provider is not trusted: {error.verify_message}")
    if isinstance(error, TimeoutError):
        return ProviderError(f"The provider did not answer within {account.timeout:g} seconds.")
    if isinstance(error, ssl.SSLError) and error.reason in NO_TLS:
        text = f"{account.url} does not use TLS. Use http:// or the port that serves TLS."
        return ProviderError(text)
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return ProviderError(f"The provider cannot be reached at {account.url}: {reason}")
