"""Messages of the kernel are decoded independently of earlier ones."""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from netweft.agent.netlink import attribute, attributes
from properties import examples

NESTED = 0x8000

Message: TypeAlias = tuple[bytes, list[tuple[int, bytes]], bool, bool]
"""The header, kinds and contents, whether they are nested, and whether the last one lacks its padding."""

# Few kinds and sizes, so that lengths are often equal, and layouts sometimes.
contents = st.sampled_from((0, 1, 4, 6)).flatmap(lambda size: st.binary(min_size=size, max_size=size))
parts = st.lists(st.tuples(st.integers(1, 3), contents), max_size=12)
messages = st.lists(st.tuples(st.binary(min_size=16, max_size=16), parts, st.booleans(), st.booleans()), max_size=30)


def test_messages_of_the_same_length_differ_by_their_headers() -> None:
    seen: Counter[int] = Counter()

    @examples(300)
    @given(messages)
    def are_told_apart(messages: list[Message]) -> None:
        for head, drawn, is_nested, is_cut in messages:
            held = {kind + 10 * at: payload for at, (kind, payload) in enumerate(drawn)}
            data = head + b"".join(attribute(kind | NESTED * is_nested, payload) for kind, payload in held.items())
            if held and is_cut:
                data = data[: len(data) - -len(drawn[-1][1]) % 4]  # as the kernel leaves it in nested attributes
            assert attributes(data, len(head)) == held
            assert attributes(data[len(head) :]) == held
            seen[len(data)] += 1

    are_told_apart()
    assert max(seen.values()) > 50, "no length came again: this proves nothing"
