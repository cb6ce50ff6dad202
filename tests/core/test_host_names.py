"""Which of the names that a system knows means a host."""

from __future__ import annotations

import pytest

from netweft.core.host_names import HostNames


@pytest.mark.parametrize(
    ("known", "host", "found"),
    [
        (("h1", "h2"), "h1", "h1"),
        (("h1.lab.test", "h2.lab.test"), "h1", "h1.lab.test"),
        (("h1", "h2"), "h1.lab.test", "h1"),
        (("H1.Lab.Test.",), "h1.lab.test", "H1.Lab.Test."),
        (("h1", "h1.lab.test"), "h1", "h1"),
        (("h1.lab.test", "h1.other.test"), "h1.lab.test", "h1.lab.test"),
        (("h1.lab.test", "h1.other.test"), "h1", None),
        (("h1.lab.test",), "h1.other.test", None),
        (("h10",), "h1", None),
        ((), "h1", None),
    ],
)
def test_a_host_is_known_by_its_short_name_and_by_its_full_one(
    known: tuple[str, ...], host: str, found: str | None
) -> None:
    assert HostNames(known).find(host) == found
