"""Errors as clients see them: a status and a fault, wrapped in an action where an action was asked for."""

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
"""The header of every refusal with the message codes of what is wrong, comma-separated: faults have no place for it."""


class WrongMethodError(NetweftError):
    """The path is right, the method is not; ``allowed`` are, as the Allow header has them."""

    status = 405
    code = "METHOD_NOT_ALLOWED"

    def __init__(self, text: str, *, allowed: str) -> None:
        super().__init__(text)
        self.allowed = allowed


class TooLargeError(NetweftError):
    """The request's body is larger than any that is meant."""

    status = 413
    code = "TOO_LARGE"


class SlowError(NetweftError):
    """The request's body was not received in time."""

    status = 408
    code = "TOO_SLOW"


class UnauthenticatedError(NetweftError):
    """Nobody knows who asks. Answered without a body, as clients of oVirt's API expect."""

    status = 401
    code = "UNAUTHENTICATED"


class OverloadError(NetweftError):
    """Too much is going on: ask again later."""

    status = 503
    code = "OVERLOADED"
    wait = 1
    """Seconds after which it may be worth to ask again."""


class UnavailableError(NetweftError):
    """The database cannot be asked: everything else waits for it, and goes on by itself when it is back."""

    status = 503
    reason = "Database Failed"
    code = "DATABASE"


RETRY_AFTER = {"Retry-After": "5"}
"""The header of every 503: seconds after which to ask again."""


class JobError(HostError):
    """What was asked for was begun, and its job failed."""

    code = "JOB_FAILED"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and what is said with it; None: no body."""

    status: int
    value: Value | list[Value] | None = None


def as_netweft_error(error: Exception, correlation_id: str) -> NetweftError:
    """The error to tell for any exception. What nobody foresaw is logged with its trace, and told without it."""
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
    """The error of a job that did not succeed. What it was to read or change, and is not there, is not found; an action
    fails with its reason.
    """
    if outcome.error_code == NotFoundError.code and not is_action:
        return NotFoundError(outcome.error)
    return JobError(outcome.error or "The job ended without a reason.", code=outcome.error_code or JobError.code)


def answer_of(error: NetweftError, *, is_action: bool, tells_missing: bool) -> Answer:
    """The answer to a request that ended with an error. ``tells_missing``: a 404 says what is not there; oVirt's says
    it to requests with a body only, where it may be something in that.
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
