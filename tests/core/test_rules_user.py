"""Rules on users: names that can be typed, passwords that cannot be guessed."""

from __future__ import annotations

import pytest

from netweft.core.rules import user as rules


@pytest.mark.parametrize("name", ["ann@internal", "ann.b-c_d@internal", "ärger@internal", "a@b@internal"])
def test_names_that_can_be_typed(name: str) -> None:
    assert rules.user_name_is_valid(name) is None


@pytest.mark.parametrize(
    "name", ["", "@internal", "a b@internal", "a:b@internal", "a\x00@internal", "a" * 247 + "@internal"]
)
def test_names_that_cannot(name: str) -> None:
    problem = rules.user_name_is_valid(name)
    assert problem is not None
    assert problem.code == "VALIDATION_NAME_INVALID"


def test_users_are_of_the_known_domain() -> None:
    assert rules.domain_is_known("internal", "internal") is None
    problem = rules.domain_is_known("example.org", "internal")
    assert problem is not None
    assert "ann@internal" in problem.text


def test_a_name_is_one_users() -> None:
    assert rules.user_name_is_free("ann@internal", is_used=False) is None
    assert rules.user_name_is_free("ann@internal", is_used=True) is not None


def test_details_fit_on_a_line() -> None:
    assert rules.detail_is_valid("email", "ann@example.org") is None
    for text in ("a\nb", "a" * 256):
        assert rules.detail_is_valid("email", text) is not None


@pytest.mark.parametrize(("length", "is_good"), [(0, False), (11, False), (12, True), (1024, True), (1025, False)])
def test_passwords_are_long_but_not_endless(length: int, is_good: bool) -> None:
    assert (rules.password_is_good("x" * length) is None) == is_good
    assert rules.password_is_good(" " * length) is not None


def test_nobody_removes_themselves() -> None:
    assert rules.is_another_user("ann@internal", is_oneself=False) is None
    assert rules.is_another_user("ann@internal", is_oneself=True) is not None
