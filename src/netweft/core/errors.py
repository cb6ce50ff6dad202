"""Errors, sorted by who must act. Each kind has one HTTP status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Problem:
    """A violated rule: oVirt's message code, and a sentence with the problem and its remedy. ``causes``: the problems
    behind it, which the sentence already includes.
    """

    code: str
    text: str
    causes: tuple[Problem, ...] = ()


class NetweftError(Exception):
    """Base of all errors that callers receive. ``code`` is a message code as oVirt has them."""

    status = 500
    reason = "Operation Failed"
    code = "INTERNAL"

    def __init__(self, text: str, *, code: str = "") -> None:
        super().__init__(text)
        self.text = text
        if code:
            self.code = code

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of everything that is wrong, each once, the first as ``code``."""
        return (self.code,)


class MalformedError(NetweftError):
    """The request cannot be understood: the caller's program must change."""

    status = 400
    reason = "Incomplete parameters"
    code = "MALFORMED"


class NotFoundError(NetweftError):
    """No such thing, or none that the caller may see."""

    status = 404
    code = "NOT_FOUND"


class DeniedError(NetweftError):
    """The caller may not: an administrator must grant it."""

    status = 403
    code = "USER_NOT_AUTHORIZED_TO_PERFORM_ACTION"


class BusyError(NetweftError):
    """Another operation is in progress on it: retry later."""

    status = 409
    code = "ACTION_TYPE_FAILED_OBJECT_LOCKED"


@dataclass
class ValidationError(NetweftError):
    """Rules refuse the request: the caller has to change it.

    ``action`` opens the sentence, for example ``Cannot add Network.``
    """

    action: str
    problems: Sequence[Problem] = field(default_factory=tuple)

    status = 409
    code = "VALIDATION"

    def __post_init__(self) -> None:
        text = " ".join(f"{problem.text}" for problem in self.problems)
        NetweftError.__init__(self, f"{self.action} {text}", code=self.problems[0].code if self.problems else "")

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of each violated rule, then those of their causes."""
        found = [*self.problems, *(cause for problem in self.problems for cause in problem.causes)]
        return tuple(dict.fromkeys(problem.code for problem in found)) or (self.code,)


class HostError(NetweftError):
    """A host refused or could not be reached: its administrator must look. The engine's intent is as it was before."""

    status = 409
    code = "ACTION_TYPE_FAILED_HOST"
