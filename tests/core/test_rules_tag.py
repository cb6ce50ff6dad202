"""The rules on tags."""

from __future__ import annotations

import pytest

from core.problems import assert_fails
from netweft.core.errors import Problem
from netweft.core.rules import tag

HOLDS: list[Problem | None] = [
    tag.name_is_valid("web-1_a"),
    tag.name_is_free("web", ("db",)),
    tag.is_not_root(is_root=False),
    tag.parent_is_elsewhere("web", is_below=False),
]

FAILS: list[tuple[Problem | None, str, str]] = [
    (tag.name_is_valid("a b"), "TAGS_SPECIFIED_TAG_NAME_IS_INVALID", "'a b'"),
    (tag.name_is_valid("x" * 51), "TAGS_SPECIFIED_TAG_NAME_IS_INVALID", "1 to 50"),
    (tag.name_is_free("web", ("web",)), "TAGS_SPECIFY_TAG_IS_IN_USE", "'web'"),
    (tag.name_is_free("root", ()), "TAGS_SPECIFY_TAG_IS_IN_USE", "'root'"),
    (tag.is_not_root(is_root=True), "TAGS_CANNOT_EDIT_ROOT", "root of all tags"),
    (tag.parent_is_elsewhere("web", is_below=True), "TAGS_SPECIFIED_TAG_CANNOT_BE_THE_PARENT", "Tag web"),
]


@pytest.mark.parametrize("problem", HOLDS)
def test_holds(problem: Problem | None) -> None:
    assert problem is None


@pytest.mark.parametrize(("problem", "code", "words"), FAILS)
def test_fails(problem: Problem | None, code: str, words: str) -> None:
    assert_fails(problem, code, words)
