"""Validations, one file per noun.

A rule is a small function of plain values that returns a :class:`Problem`, or None when it is satisfied.
"""

from __future__ import annotations

from netweft.core.errors import Problem, ValidationError


def check(action: str, *problems: Problem | None) -> None:
    """Raise ValidationError with every problem given; ``action`` opens the sentence ("Cannot add Network.").

    Rules that depend on others belong in a later call.
    """
    found = tuple(problem for problem in problems if problem)
    if found:
        raise ValidationError(action, found)
