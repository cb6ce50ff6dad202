"""Errors in answers: a status and a fault, wrapped in an action where an action was requested."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from netweft.api.schema import Value
from netweft.api.types import Action, Fault
from netweft.core.errors import BusyError, HostError, MalformedError, NetweftError, NotFoundError, ValidationError
from netweft.engine.db import violated
from netweft.engine.outages import first_line, is_away
from netweft.engine.queue import Outcome

log = structlog.get_logger(__name__)

CODE_HEADER = "Netweft-Code"
"""The header of every refusal with its message codes, comma-separated: faults have no field for them."""


class WrongMethodError(NetweftError):
    """The path exists, but not with this method. ``allowed``: the methods, as in the Allow header."""

    status = 405
    code = "METHOD_NOT_ALLOWED"

    def __init__(self, text: str, *, allowed: str) -> None:
        super().__init__(text)
        self.allowed = allowed


class TooLargeError(NetweftError):
    """The request's body is too large."""

    status = 413
    code = "TOO_LARGE"


class SlowError(NetweftError):
    """The request's body was not received in time."""

    status = 408
    code = "TOO_SLOW"


class UnauthenticatedError(NetweftError):
    """The request is not authenticated. Answered without a body, as clients of oVirt's API expect."""

    status = 401
    code = "UNAUTHENTICATED"


class OverloadError(NetweftError):
    """The server is overloaded: retry later."""

    status = 503
    code = "OVERLOADED"
    wait = 1
    """Seconds after which to retry."""


class UnavailableError(NetweftError):
    """The database is unavailable; the engine recovers by itself when it is back."""

    status = 503
    reason = "Database Failed"
    code = "DATABASE"


RETRY_AFTER = {"Retry-After": "5"}
"""The header of every 503: seconds after which to retry."""


class JobError(HostError):
    """The job of the request failed."""

    code = "JOB_FAILED"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and its body; None: no body."""

    status: int
    value: Value | list[Value] | None = None


def as_netweft_error(error: Exception, correlation_id: str) -> NetweftError:
    """The error of an answer for any exception. Unexpected ones are logged with their traceback, which the answer
    omits.
    """
    if isinstance(error, NetweftError):
        return error
    if isinstance(error, DataError | OverflowError):
        return MalformedError("A value of the request is too large or too long to be stored.")
    if is_away(error):
        log.warning("the database cannot be queried", correlation_id=correlation_id, reason=first_line(error))
        return UnavailableError(
            "The database is unavailable. Try again later; check whether the last change was saved."
        )
    if isinstance(error, IntegrityError):
        log.warning("constraint violated", constraint=violated(error), correlation_id=correlation_id)
        return BusyError(
            "Another request changed the same objects at the same moment. Read them again before you repeat it."
        )
    if isinstance(error, PoolTimeoutError):
        return OverloadError("Too many requests are under way; try again in a moment.")
    log.error("request failed", correlation_id=correlation_id, exc_info=error)
    return NetweftError(f"The engine failed. Its log has details: look for {correlation_id}.")


def failed_job(outcome: Outcome, *, is_action: bool) -> JobError | NotFoundError:
    """The error of a job that failed: 404 for a missing object; for an action its reason."""
    if outcome.error_code == NotFoundError.code and not is_action:
        return NotFoundError(outcome.error)
    return JobError(outcome.error or "The job ended without a reason.", code=outcome.error_code or JobError.code)


def answer_of(error: NetweftError, *, is_action: bool, tells_missing: bool) -> Answer:
    """The answer to a request that ended with an error. ``tells_missing``: a 404 names the missing object; oVirt does
    so only for requests with a body, which may refer to it.
    """
    if isinstance(error, UnauthenticatedError):
        return Answer(error.status)
    if isinstance(error, NotFoundError) and not tells_missing and error.code == NotFoundError.code:
        return Answer(error.status)
    reason = "Operation Failed" if isinstance(error, ValidationError | NotFoundError) else error.reason
    fault = Fault(reason=reason, detail=f"[{error.text}]")
    if is_action:
        return Answer(error.status, Action(status="failed", fault=fault))
    return Answer(error.status, fault)
