"""The way by which a guest migrates, and the rules of migrations."""

from __future__ import annotations

import pytest

from netweft.core.host import Address
from netweft.core.migration import automatic_bandwidth, receiving_address
from netweft.core.rules import vm

V4, V6 = Address(ip="192.0.2.1", prefix=24), Address(ip="2001:db8::1", prefix=64)
LOCAL = Address(ip="fe80::1", prefix=64)


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [((), ""), ((LOCAL,), ""), ((LOCAL, V6), V6.ip), ((V6, V4), V4.ip), ((V4, V6), V4.ip)],
)
def test_the_address_that_takes_a_guest_in(addresses: tuple[Address, ...], expected: str) -> None:
    assert receiving_address(addresses) == expected


@pytest.mark.parametrize(
    ("rates", "expected"), [((), 0), ((0, 0), 0), ((1000, 0), 62), ((10000, 1000), 62), ((1, 1000), 1)]
)
def test_the_slower_host_decides_how_fast(rates: tuple[int, ...], expected: int) -> None:
    assert automatic_bandwidth(rates) == expected


def test_rules() -> None:
    refused = [
        vm.may_migrate("one", "down"),
        vm.target_is_another("one", "h", same=True),
    ]
    assert [problem and problem.code for problem in refused] == [
        "ACTION_TYPE_FAILED_VM_IS_NOT_UP",
        "ACTION_TYPE_FAILED_MIGRATION_TO_SAME_HOST",
    ]
    assert vm.may_migrate("one", "up") is None
    assert vm.target_is_another("one", "h", same=False) is None
