"""Hosts by their names."""

from __future__ import annotations

import pytest

from netweft.providers.names import named


@pytest.mark.parametrize(
    ("known", "host", "found"),
    [
        (["h1", "h2"], "h2", "h2"),
        (["h1", "h2"], "h2.example.com", "h2"),
        (["h1.example.com", "h2.example.com"], "h2", "h2.example.com"),
        (["H1.Example.com."], "h1.example.com", "H1.Example.com."),
        (["h1.example.com"], "h1.example.org", None),
        (["h1.example.com", "h1.example.org"], "h1", None),
        (["h1", "h1.example.com"], "h1", "h1"),
        (["h1", "h1.example.com"], "h1.example.com", "h1.example.com"),
        (["h1", "h1.example.com"], "h1.example.org", "h1"),
        ([], "h1", None),
    ],
)
def test_a_host_has_a_short_name_and_a_full_one(known: list[str], host: str, found: str | None) -> None:
    assert named(known, host) == found
