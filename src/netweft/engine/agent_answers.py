"""Decoding agents' answers to values of core.protocol, and transport errors to errors for users."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass, replace
from typing import TypeVar

import msgspec

from netweft.core import guest_protocol, protocol
from netweft.core.errors import HostError
from netweft.core.protocol import HostReport, Refusal
from netweft.engine.agent_connections import Endpoint
from netweft.engine.agent_wire import Answer

T = TypeVar("T")

# msgspec analyses a type at its first use, and two threads that do so at once crash the program: all types of the
# protocol are analysed here, while there is one thread.
for _kind in filter(is_dataclass, [*vars(guest_protocol).values(), *vars(protocol).values()]):
    msgspec.json.Decoder(_kind)

_ERRORS = 400


class UnreachableError(HostError):
    """No answer from the host: it is off, cut off, or another machine answers in its place. The request may or may not
    have been executed.
    """

    code = "VDS_NETWORK_ERROR"


class RefusedError(HostError):
    """The host refused the request. ``refusal``: its answer."""

    def __init__(self, text: str, status: int, refusal: Refusal) -> None:
        super().__init__(text)
        self.host_status = status
        self.refusal = refusal


def decode_report(endpoint: object, content: bytes, tag: str) -> HostReport:
    """A report with its tag, from JSON. Raises UnreachableError when it is invalid."""
    return replace(decode(endpoint, HostReport, content), tag=tag)


def decode(endpoint: object, kind: type[T], content: bytes) -> T:
    """A value from its JSON. Raises UnreachableError when it is invalid. ``endpoint``: for the message."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UnreachableError(f"The agent at {endpoint} sent an invalid answer: {error}") from error


def accepted(endpoint: Endpoint, answer: Answer) -> Answer:
    """The answer, unless it is a refusal. Raises RefusedError."""
    if answer.status < _ERRORS:
        return answer
    refusal = _refusal(answer.status, answer.body)
    raise RefusedError(f"The agent at {endpoint} refused: {refusal.message}", answer.status, refusal)


@contextmanager
def explained(endpoint: Endpoint) -> Iterator[None]:
    """Turns transport errors into UnreachableError."""
    try:
        yield
    except OSError as error:
        raise UnreachableError(f"The agent at {endpoint} does not answer: {_reason(error)}") from error


def _refusal(status: int, content: bytes) -> Refusal:
    try:
        return msgspec.json.decode(content, type=Refusal)
    except msgspec.DecodeError:
        return Refusal(code="failed", message=f"status {status}")


def _reason(error: Exception) -> str:
    """A text for a transport error."""
    if isinstance(error, TimeoutError):
        return "it took too long"
    return str(error) or type(error).__name__
