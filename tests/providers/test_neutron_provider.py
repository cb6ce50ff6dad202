"""What of Neutron as a provider is its own: how its HTTP may fail."""

from __future__ import annotations

import re
import time

import pytest

from engine_process import free_port
from netweft.providers.contract import Account, ProviderError
from netweft.providers.neutron import connect
from providers.faults import CLOSE, LONGEST, TRICKLES, FaultyProxy


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


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:{nobody}", r"The provider cannot be reached: Connection refused \(.*:{nobody}/\)\."),
        ("https://127.0.0.1:{nobody}", r"The provider cannot be reached: Connection refused \(.*:{nobody}/\)\."),
        ("http://no.host.invalid", r"The provider cannot be reached: [^()]+ \(http://no.host.invalid/\)\."),
        ("https://127.0.0.1:{plain}", r"What answers there speaks no TLS \(.*:{plain}/\)\. Write http://.*"),
        ("http://127.0.0.1:{plain}", r"The provider cannot be reached: [^()]+ \(http://127.0.0.1:{plain}/\)\."),
    ],
)
def test_why_nobody_answers_is_a_sentence(url: str, reason: str) -> None:
    with FaultyProxy("http://127.0.0.1:1") as proxy:
        proxy.fail("GET", CLOSE, times=100)
        ports = {"nobody": free_port("127.0.0.1"), "plain": proxy.url.rpartition(":")[2]}
        with (
            connect(Account(url=url.format(**ports), timeout=30.0)) as provider,
            pytest.raises(ProviderError) as caught,
        ):
            provider.test()
    assert re.fullmatch(reason.format(**ports), caught.value.text)
    assert type(caught.value) is ProviderError
