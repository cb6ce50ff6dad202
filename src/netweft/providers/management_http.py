"""HTTP to the management system of a fabric: requests that end, with TLS that is verified."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Timer
from urllib.parse import urlsplit

from netweft.providers.contract import Account, CertificateError, ProviderError

ANSWER_MAX = 64 * 2**20
"""Octets of an answer at most."""


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
        self._host, self._port = parts.hostname or "", parts.port
        self._path = parts.path.rstrip("/")
        self._tls = _context(account.certificate) if parts.scheme == "https" else None

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """One request and its answer, whatever the status of that."""
        connection = self._connection()
        late = Event()
        timer = Timer(self._account.longest, _end, (connection, late))
        timer.daemon = True
        timer.start()
        try:
            connection.request(method, self._path + path, body or None, {"Connection": "close", **(headers or {})})
            answer = connection.getresponse()
            content = answer.read(ANSWER_MAX + 1)
        except (OSError, http.client.HTTPException) as error:
            raise _failure(error, late=late.is_set(), account=self._account) from error
        finally:
            timer.cancel()
            timer.join()
            connection.close()
        if late.is_set():  # an answer without a length ends with its connection, also where we ended it
            raise ProviderError(f"The provider's answer was not complete after {self._account.longest:g} seconds.")
        if len(content) > ANSWER_MAX:
            raise ProviderError(f"The provider's answer has more than {ANSWER_MAX} octets.")
        return Answer(answer.status, content, answer.headers.get("Location", ""))

    def _connection(self) -> http.client.HTTPConnection:
        timeout = self._account.timeout
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        return http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._tls)


def _context(certificate: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=certificate or None)
    except ssl.SSLError as error:
        raise CertificateError("The certificate that was imported cannot be read.") from error


def _end(connection: http.client.HTTPConnection, late: Event) -> None:
    """In the timer's thread: whoever waits for the connection is woken."""
    late.set()
    if connection.sock is not None:
        with suppress(OSError):  # it has ended by itself
            connection.sock.shutdown(socket.SHUT_RDWR)


def _failure(error: Exception, *, late: bool, account: Account) -> ProviderError:
    if late:
        return ProviderError(f"The provider's answer was not complete after {account.longest:g} seconds.")
    if isinstance(error, ssl.SSLCertVerificationError):
        return CertificateError(f"The TLS certificate of the provider is not trusted: {error.verify_message}")
    if isinstance(error, TimeoutError):
        return ProviderError(f"The provider did not answer within {account.timeout:g} seconds.")
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return ProviderError(f"The provider cannot be reached at {account.url}: {reason}")
