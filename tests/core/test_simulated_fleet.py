"""Which simulated hosts which program serves."""

from __future__ import annotations

import pytest

from netweft.core.simulated_fleet import BLOCK, Part, parse_part, parts_of


@pytest.mark.parametrize("count", [1, BLOCK, BLOCK + 1, 4 * BLOCK, 1000])
@pytest.mark.parametrize("most", [1, 2, 7])
def test_each_host_is_in_one_part_and_stays_there_when_more_come(count: int, most: int) -> None:
    parts = parts_of(count, most)
    assert len(parts) == min(most, -(-count // BLOCK))
    assert sorted(one for part in parts for one in part.numbers(count)) == list(range(1, count + 1))
    for part in parts:
        assert part.numbers(count + BLOCK)[: len(part.numbers(count))] == part.numbers(count)


def test_a_part_is_written_as_a_fraction() -> None:
    assert parse_part("2/3") == Part(2, 3)
    for text in ("", "1", "0/2", "3/2", "a/b"):
        with pytest.raises(ValueError, match=r"int\(\)|not a part"):
            parse_part(text)
