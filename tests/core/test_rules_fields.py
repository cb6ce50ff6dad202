"""The rules on fields that several nouns share."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from core.problems import assert_fails
from netweft.core.errors import Problem
from netweft.core.rules import fields

FAILS: list[tuple[Problem | None, str, str]] = [
    (fields.element_is_known("vm.lease"), "ACTION_TYPE_FAILED_ELEMENT_NOT_SUPPORTED", "vm.lease"),
    (
        fields.element_is_fixed("vm.cpu_shares", "5", "0"),
        "ACTION_TYPE_FAILED_ELEMENT_IS_FIXED",
        "'5': it is always '0' here",
    ),
    (
        fields.element_is_fixed("vm.cpu_shares", "5", ""),
        "ACTION_TYPE_FAILED_ELEMENT_IS_FIXED",
        "'5': there is none here",
    ),
]


@pytest.mark.parametrize(("problem", "code", "words"), FAILS)
def test_fails(problem: Problem | None, code: str, words: str) -> None:
    assert_fails(problem, code, words)


def test_each_text_of_a_thing_is_looked_at() -> None:
    thing = SimpleNamespace(name=" padded", description="\x00", comment="fine")
    problems = fields.texts_are_valid("Data Center", thing)
    assert [problem is None for problem in problems] == [False, False, True]
