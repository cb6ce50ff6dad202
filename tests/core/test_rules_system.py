"""Rules on what belongs to the system itself: events and jobs from outside, permissions; and on texts of anything."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from netweft.core.errors import NotFoundError, Problem, ValidationError
from netweft.core.rules import event, fields, permission


@pytest.mark.parametrize(("origin", "is_valid"), [("x", True), ("", False), ("x" * 256, False), ("OVIRT", False)])
def test_origins(origin: str, is_valid: bool) -> None:
    assert (event.origin_is_valid(origin) is None) == is_valid


@pytest.mark.parametrize(("text", "is_valid"), [("x", True), ("", False), (" ", False), ("x" * 4001, False)])
def test_descriptions(text: str, is_valid: bool) -> None:
    assert (event.description_is_valid(text) is None) == is_valid


@pytest.mark.parametrize(("custom_id", "is_valid"), [(None, True), (0, True), (-1, False), (2**31, False)])
def test_custom_ids(custom_id: int | None, is_valid: bool) -> None:
    assert (event.custom_id_is_valid(custom_id) is None) == is_valid


def test_nobody_gives_what_they_lack() -> None:
    assert permission.gives_only_what_it_has("r", []) is None
    problem = permission.gives_only_what_it_has("r", ["b", "a"])
    assert problem is not None
    assert "a, b" in problem.text


def test_somebody_stays_who_may_all() -> None:
    assert permission.leaves_a_super_user(is_super_user=True, others=1) is None
    assert permission.leaves_a_super_user(is_super_user=False, others=0) is None
    assert permission.leaves_a_super_user(is_super_user=True, others=0) is not None


def test_an_error_has_the_codes_of_all_that_is_wrong() -> None:
    problems = (Problem("A", "a.", (Problem("C", "c."),)), Problem("B", "b."), Problem("A", "c."))
    assert ValidationError("Cannot do.", problems).codes == ("A", "B", "C")
    assert ValidationError("Cannot do.").codes == ("VALIDATION",)
    assert NotFoundError("gone", code="GONE").codes == ("GONE",)


def test_each_text_of_a_thing_is_looked_at() -> None:
    thing = SimpleNamespace(name=" padded", description="\x00", comment="fine")
    problems = fields.texts_are_valid("Data Center", thing)
    assert [problem is None for problem in problems] == [False, False, True]
