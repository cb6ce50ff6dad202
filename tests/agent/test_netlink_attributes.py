"""Messages of the kernel are taken apart the same, whatever was taken apart before."""

from __future__ import annotations

from random import Random

from netweft.agent.netlink import attribute, attributes

NESTED = 0x8000


def test_messages_of_the_same_length_are_told_apart_by_their_headers() -> None:
    chance = Random(1)
    seen: dict[int, int] = {}
    for _ in range(3000):
        count = chance.randint(0, 12)
        # Few kinds and sizes, so that lengths are the same often, and layouts now and then.
        parts = [(chance.randint(1, 3) + 10 * at, chance.randbytes(chance.choice((0, 1, 4, 6)))) for at in range(count)]
        head = chance.randbytes(16)
        data = head + b"".join(attribute(kind | NESTED * chance.randint(0, 1), payload) for kind, payload in parts)
        if parts and chance.randint(0, 1):
            data = data[: len(data) - -len(parts[-1][1]) % 4]  # as the kernel leaves it in nested attributes
        assert attributes(data, len(head)) == dict(parts)
        assert attributes(data[len(head) :]) == dict(parts)
        seen[len(data)] = seen.get(len(data), 0) + 1
    assert max(seen.values()) > 50, "no length came again: this proves nothing"
