"""What tests of rules expect of a rule that does not hold."""

from __future__ import annotations

from netweft.core.errors import Problem


def assert_fails(problem: Problem | None, code: str, words: str) -> None:
    """The rule does not hold: with this code, and a whole sentence that contains these words."""
    assert problem is not None
    assert problem.code == code, problem
    assert words in problem.text, problem
    assert problem.text.endswith("."), problem
