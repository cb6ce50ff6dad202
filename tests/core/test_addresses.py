"""Which addresses of a subnet are given out, and which is next."""

from __future__ import annotations

import random
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import overload

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.strategies import sources
from netweft.core.addresses import AddressRange, drawn, given_out, host_range, next_free, server_address


def texts(cidr: str, *numbers: int) -> list[str]:
    kind = type(ip_network(cidr).network_address)
    return [str(kind(number)) for number in numbers]


@pytest.mark.parametrize(
    ("cidr", "first", "last"),
    [
        ("192.0.2.0/24", "192.0.2.1", "192.0.2.254"),
        ("192.0.2.0/30", "192.0.2.1", "192.0.2.2"),
        ("192.0.2.0/31", "192.0.2.0", "192.0.2.1"),
        ("192.0.2.7/32", "192.0.2.7", "192.0.2.7"),
        ("2001:db8::/64", "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"),
        ("2001:db8::/127", "2001:db8::", "2001:db8::1"),
    ],
)
def test_what_hosts_can_have(cidr: str, first: str, last: str) -> None:
    found = host_range(ip_network(cidr))
    assert texts(cidr, found.first, found.last) == [first, last]


@pytest.mark.parametrize(
    ("cidr", "reserved", "pools", "shown"),
    [
        ("192.0.2.0/29", "", [], ["192.0.2.1-192.0.2.6"]),
        ("192.0.2.0/29", "192.0.2.1", [], ["192.0.2.2-192.0.2.6"]),
        ("192.0.2.0/29", "192.0.2.6", [], ["192.0.2.1-192.0.2.5"]),
        ("192.0.2.0/29", "192.0.2.3", [], ["192.0.2.1-192.0.2.2", "192.0.2.4-192.0.2.6"]),
        ("192.0.2.9/32", "192.0.2.9", [], []),
        ("2001:db8::/126", "fe80::1", [], ["2001:db8::1-2001:db8::3"]),
        ("192.0.2.0/29", "192.0.2.1 192.0.2.2", [], ["192.0.2.3-192.0.2.6"]),
        ("192.0.2.0/24", "192.0.2.2", [("192.0.2.2", "192.0.2.9")], ["192.0.2.3-192.0.2.9"]),
        (
            "192.0.2.0/24",
            "192.0.2.1",
            [("192.0.2.20", "192.0.2.29"), ("192.0.2.10", "192.0.2.10")],
            ["192.0.2.10-192.0.2.10", "192.0.2.20-192.0.2.29"],
        ),
    ],
)
def test_what_is_given_out(cidr: str, reserved: str, pools: list[tuple[str, str]], shown: list[str]) -> None:
    found = given_out(cidr, tuple(reserved.split()), tuple(pools))
    assert ["-".join(texts(cidr, one.first, one.last)) for one in found] == shown


@pytest.mark.parametrize(
    ("cidr", "taken", "expected"),
    [
        ("192.0.2.0/24", [], "192.0.2.1"),
        ("192.0.2.0/24", ["192.0.2.2", "192.0.2.1"], "192.0.2.3"),
        ("192.0.2.0/30", ["192.0.2.2", "192.0.2.1"], ""),
        ("2001:db8::/64", [], ""),
    ],
)
def test_where_dhcp_is_served_from(cidr: str, taken: list[str], expected: str) -> None:
    assert server_address(cidr, taken) == expected


@st.composite
def ranges_of(draw: st.DrawFn) -> list[AddressRange]:
    found, place = [], draw(st.integers(0, 1 << 120))
    for _ in range(draw(st.integers(1, 4))):
        first = place + draw(st.integers(0, 5))
        place = first + draw(st.integers(1, 12))
        found.append(AddressRange(first, place - 1))
    return found


def members(ranges: list[AddressRange]) -> list[int]:
    return [address for one in ranges for address in range(one.first, one.last + 1)]


@given(ranges_of(), st.data())
def test_the_next_free_address(ranges: list[AddressRange], data: st.DataObject) -> None:
    """As whoever goes through all of them finds it."""
    everything = members(ranges)
    around = [*everything, ranges[0].first - 1, ranges[-1].last + 1]
    taken = sorted(data.draw(st.sets(st.sampled_from(around))))
    start = data.draw(st.integers(0, len(everything)))
    turned = everything[start:] + everything[:start]
    assert next_free(ranges, taken, start) == next((one for one in turned if one not in taken), None)


@given(ranges_of(), st.integers(1, 40), sources)
def test_what_is_drawn_is_of_the_ranges(ranges: list[AddressRange], count: int, source: random.Random) -> None:
    everything = members(ranges)
    found = drawn(ranges, count, source.randrange)
    assert set(found) <= set(everything)
    if len(everything) <= count:
        assert sorted(found) == everything
    else:
        assert len(found) == count


def test_nothing_is_drawn_of_nothing() -> None:
    assert drawn((), 16, random.randrange) == []
    assert next_free((), (), 0) is None


def test_the_search_looks_at_few() -> None:
    class Counted(Sequence[int]):
        def __init__(self, numbers: range) -> None:
            self.numbers, self.looks = numbers, 0

        def __len__(self) -> int:
            return len(self.numbers)

        @overload
        def __getitem__(self, index: int) -> int: ...
        @overload
        def __getitem__(self, index: slice) -> Sequence[int]: ...
        def __getitem__(self, index: int | slice) -> int | Sequence[int]:
            self.looks += 1
            return self.numbers[index]

    base = int(ip_address("10.0.0.0"))
    ranges = (AddressRange(base + 1, base + 65534),)
    taken = Counted(range(base + 1, base + 65000))
    assert next_free(ranges, taken, 0) == base + 65000
    assert 0 < taken.looks < 100
