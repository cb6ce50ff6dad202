"""What constraints say when two commands met: the loser's rules looked before the winner had written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from netweft.core.errors import BusyError, Problem, ValidationError
from netweft.core.rules import fields
from netweft.engine.db import violated

_FOREIGN_KEY_VIOLATION = "23503"
"""SQLSTATE (PostgreSQL, appendix A)."""


@contextmanager
def translate_constraint_errors(action: str, problems: Callable[[str], Problem | None]) -> Iterator[None]:
    """Turn a violated constraint into the refusal that its rule would have given.

    ``problems`` gives the problem for the name of a constraint. Raises ValidationError; BusyError when a row that is
    referred to is gone, or is still referred to; any other violation is a defect of ours and passes.
    """
    try:
        yield
    except IntegrityError as error:
        problem = problems(violated(error))
        if problem is not None:
            raise ValidationError(action, (problem,)) from error
        if getattr(error.orig, "sqlstate", "") == _FOREIGN_KEY_VIOLATION or "FOREIGN KEY" in str(error.orig):
            raise BusyError(
                "Related operation is currently in progress: an object of this request has just been added or"
                " removed. Refresh and repeat the request."
            ) from error
        raise


def name_taken(noun: str, name: str, code: str = "ACTION_TYPE_FAILED_NAME_ALREADY_USED") -> Problem | None:
    """The problem of a name that another object of the same kind has."""
    return fields.name_is_free(noun, name, (name,), code=code)
