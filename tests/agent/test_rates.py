"""Rates of links, computed from their counters of about a minute before."""

from __future__ import annotations

from netweft.agent.rates import Rates
from netweft.core.protocol import LinkCounters


def counted(rx: int, tx: int) -> dict[str, LinkCounters]:
    return {"eth0": LinkCounters(rx_bytes=rx, tx_bytes=tx, rx_errors=0, tx_errors=0, rx_dropped=0, tx_dropped=0)}


def rates(found: dict[str, LinkCounters]) -> tuple[int, int]:
    return found["eth0"].rx_rate, found["eth0"].tx_rate


def test_the_average_of_about_the_last_minute() -> None:
    measured = Rates()
    assert rates(measured.measure(counted(0, 0), 100)) == (0, 0)
    assert rates(measured.measure(counted(900, 900), 101)) == (0, 0), "a second says little"
    assert rates(measured.measure(counted(1000, 2000), 110)) == (100, 200)
    assert rates(measured.measure(counted(1000, 2000), 160)) == (round(1000 / 60), round(2000 / 60))
    assert rates(measured.measure(counted(1000, 2000), 170)) == (0, 0), "what it carried was a minute ago"
    assert rates(measured.measure(counted(7000, 2000), 290)) == (50, 0), "the last look was two minutes ago"


def test_a_new_or_recreated_link_has_no_rate_yet() -> None:
    measured = Rates()
    measured.measure({}, 0)
    assert rates(measured.measure(counted(1000, 1000), 10)) == (0, 0)
    assert rates(measured.measure(counted(2000, 500), 61)) == (0, 0)
    assert rates(measured.measure(counted(3000, 600), 80)) == (0, 0)
