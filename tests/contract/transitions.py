"""From one state of a host to another through the agent's networking driver, checked against the simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.comparison import unlike
from netweft.core.compare import differences
from netweft.core.plan import plan
from netweft.core.simulate import simulate_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netweft.agent.networking import Networking
    from netweft.core.host import Host
    from netweft.core.steps import Step


def reach(networking: Networking, now: Host, desired: Host) -> Host:
    """Apply the desired host in one pass: the result equals the simulated one, and the next plan is empty."""
    after = do(networking, now, plan(now, desired))
    assert differences(desired, after) == ()
    assert plan(after, desired) == []
    return after


def interrupt(networking: Networking, now: Host, desired: Host, cut: float) -> Host:
    """Go part of the way."""
    steps = plan(now, desired)
    return do(networking, now, steps[: round(cut * len(steps))])


def do(networking: Networking, now: Host, steps: Sequence[Step]) -> Host:
    """Execute the steps; the host is then what was simulated."""
    expected = simulate_all(now, steps)
    networking.execute(steps, lambda _done: None)
    after = networking.observe()
    left = unlike(expected, after)
    assert not left, "\n".join([*map(str, steps), *left])
    return after
