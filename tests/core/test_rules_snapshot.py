"""The rules on snapshots."""

from __future__ import annotations

import pytest

from core.problems import assert_fails
from netweft.core.errors import Problem
from netweft.core.rules import snapshot

HOLDS: list[Problem | None] = [
    snapshot.memory_is_not_requested(requested=False),
    snapshot.memory_is_not_restored(requested=False),
    snapshot.is_regular(regular=True),
    snapshot.shows_itself("web", in_preview=False),
    snapshot.shows_a_snapshot("web", in_preview=True),
    snapshot.keeps_its_state("web", stateless=False),
]

FAILS: list[tuple[Problem | None, str, str]] = [
    (
        snapshot.memory_is_not_requested(requested=True),
        "ACTION_TYPE_FAILED_SNAPSHOT_WITH_MEMORY_NOT_SUPPORTED",
        "persist_memorystate",
    ),
    (
        snapshot.memory_is_not_restored(requested=True),
        "ACTION_TYPE_FAILED_MEMORY_RESTORE_NOT_SUPPORTED",
        "restore_memory",
    ),
    (snapshot.is_regular(regular=False), "ACTION_TYPE_FAILED_VM_SNAPSHOT_TYPE_NOT_REGULAR", "type 'regular'"),
    (snapshot.shows_itself("web", in_preview=True), "ACTION_TYPE_FAILED_VM_IN_PREVIEW", "VM web is previewing"),
    (
        snapshot.shows_a_snapshot("web", in_preview=False),
        "ACTION_TYPE_FAILED_VM_NOT_IN_PREVIEW",
        "VM web is not previewing",
    ),
    (
        snapshot.keeps_its_state("web", stateless=True),
        "ACTION_TYPE_FAILED_VM_RUNNING_STATELESS",
        "VM web runs stateless",
    ),
]


@pytest.mark.parametrize("problem", HOLDS)
def test_holds(problem: Problem | None) -> None:
    assert problem is None


@pytest.mark.parametrize(("problem", "code", "words"), FAILS)
def test_fails(problem: Problem | None, code: str, words: str) -> None:
    assert_fails(problem, code, words)
