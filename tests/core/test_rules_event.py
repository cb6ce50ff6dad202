"""The rules on events that clients add."""

from __future__ import annotations

import pytest

from core.problems import assert_fails
from netweft.core.errors import Problem
from netweft.core.rules import event

HOLDS: list[Problem | None] = [
    event.origin_is_valid("backup"),
    event.description_is_valid("done"),
    event.custom_id_is_valid(None),
    event.custom_id_is_valid(2**31 - 1),
]

FAILS: list[tuple[Problem | None, str, str]] = [
    (event.origin_is_valid(""), "ACTION_TYPE_FAILED_EXTERNAL_EVENT_ILLEGAL", "255"),
    (event.origin_is_valid("x" * 256), "ACTION_TYPE_FAILED_EXTERNAL_EVENT_ILLEGAL", "255"),
    (event.origin_is_valid("OVIRT"), "ACTION_TYPE_FAILED_EXTERNAL_EVENT_ILLEGAL_ORIGIN", "oVirt"),
    (event.description_is_valid(" "), "ACTION_TYPE_FAILED_EMPTY_DESCRIPTION", "4000"),
    (event.description_is_valid("x" * 4001), "ACTION_TYPE_FAILED_EMPTY_DESCRIPTION", "4000"),
    (event.custom_id_is_valid(-1), "ACTION_TYPE_FAILED_EXTERNAL_EVENT_ILLEGAL", "custom id"),
    (event.custom_id_is_valid(2**31), "ACTION_TYPE_FAILED_EXTERNAL_EVENT_ILLEGAL", "custom id"),
]


@pytest.mark.parametrize("problem", HOLDS)
def test_holds(problem: Problem | None) -> None:
    assert problem is None


@pytest.mark.parametrize(("problem", "code", "words"), FAILS)
def test_fails(problem: Problem | None, code: str, words: str) -> None:
    assert_fails(problem, code, words)


@pytest.mark.parametrize(("origin", "is_valid"), [("x", True), ("", False), ("x" * 256, False), ("OVIRT", False)])
def test_origins(origin: str, is_valid: bool) -> None:
    assert (event.origin_is_valid(origin) is None) == is_valid


@pytest.mark.parametrize(("text", "is_valid"), [("x", True), ("", False), (" ", False), ("x" * 4001, False)])
def test_descriptions(text: str, is_valid: bool) -> None:
    assert (event.description_is_valid(text) is None) == is_valid


@pytest.mark.parametrize(("custom_id", "is_valid"), [(None, True), (0, True), (-1, False), (2**31, False)])
def test_custom_ids(custom_id: int | None, is_valid: bool) -> None:
    assert (event.custom_id_is_valid(custom_id) is None) == is_valid
