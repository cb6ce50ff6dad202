"""What of Neutron as a provider is its own: how its HTTP may fail."""

from __future__ import annotations

import time

import pytest

from netweft.providers.contract import Account, ProviderError
from netweft.providers.neutron import connect
from providers.faults import LONGEST, TRICKLES, FaultyProxy


@pytest.mark.parametrize("where", TRICKLES)
def test_an_answer_that_never_ends_is_given_up(where: str) -> None:
    with FaultyProxy("http://127.0.0.1:1") as proxy:
        proxy.fail("GET", TRICKLES[where], times=100)
        began = time.monotonic()
        with (
            connect(Account(url=proxy.url, timeout=0.5)) as provider,
            pytest.raises(ProviderError, match="cannot be reached"),
        ):
            provider.test()
        assert time.monotonic() - began < LONGEST / 4
