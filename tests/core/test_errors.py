"""The codes of errors."""

from __future__ import annotations

from netweft.core.errors import NotFoundError, Problem, ValidationError


def test_an_error_has_the_codes_of_all_that_is_wrong() -> None:
    problems = (Problem("A", "a.", (Problem("C", "c."),)), Problem("B", "b."), Problem("A", "c."))
    assert ValidationError("Cannot do.", problems).codes == ("A", "B", "C")
    assert ValidationError("Cannot do.").codes == ("VALIDATION",)
    assert NotFoundError("gone", code="GONE").codes == ("GONE",)
