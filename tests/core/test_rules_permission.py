"""The rules on permissions."""

from __future__ import annotations

import pytest

from core.problems import assert_fails
from netweft.core.errors import Problem
from netweft.core.rules import permission

HOLDS: list[Problem | None] = [
    permission.grants_only_own_permissions("UserRole", ()),
    permission.super_user_remains(is_super_user=False, others=0),
    permission.super_user_remains(is_super_user=True, others=1),
]

FAILS: list[tuple[Problem | None, str, str]] = [
    (
        permission.grants_only_own_permissions("SuperUser", ("login", "create_vm")),
        "PERMISSION_ADD_FAILED_ONLY_SYSTEM_SUPER_USER_CAN_GIVE_ADMIN_ROLES",
        "SuperUser here, because you lack create_vm, login",
    ),
    (
        permission.super_user_remains(is_super_user=True, others=0),
        "ACTION_TYPE_FAILED_LAST_SUPER_USER",
        "last super user",
    ),
]


@pytest.mark.parametrize("problem", HOLDS)
def test_holds(problem: Problem | None) -> None:
    assert problem is None


@pytest.mark.parametrize(("problem", "code", "words"), FAILS)
def test_fails(problem: Problem | None, code: str, words: str) -> None:
    assert_fails(problem, code, words)


def test_only_own_permissions_can_be_granted() -> None:
    assert permission.grants_only_own_permissions("r", []) is None
    problem = permission.grants_only_own_permissions("r", ["b", "a"])
    assert problem is not None
    assert "a, b" in problem.text


def test_a_super_user_remains() -> None:
    assert permission.super_user_remains(is_super_user=True, others=1) is None
    assert permission.super_user_remains(is_super_user=False, others=0) is None
    assert permission.super_user_remains(is_super_user=True, others=0) is not None
