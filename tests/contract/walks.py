"""Random steps on a real host and on the simulation, which must agree on each of them."""

from __future__ import annotations

from pprint import pformat
from typing import TYPE_CHECKING

from contract.comparison import unlike
from hosts import simulate
from netweft.agent.networking import NetworkingError
from netweft.core.simulate import StepRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from netweft.agent.networking import Networking
    from netweft.core.host import Host
    from netweft.core.steps import Step


def walk(networking: Networking, choose: Callable[[Host], Step], count: int, half_done: tuple[type, ...] = ()) -> int:
    """Take ``count`` steps, and compare after each: both refuse it, or both are the same host then. Returns how many
    were accepted. ``half_done``: steps of which the real host does a part before it refuses.
    """
    now, accepted = networking.observe(), 0
    for number in range(count):
        step = choose(now)
        expected, why = _simulated(now, step)
        refusal = _executed(networking, step)
        after = networking.observe()
        story = f"step {number}: {step}\nbefore: {pformat(now)}\n"
        story += f"simulation: {why or 'accepts'}; host: {refusal or 'accepts'}"
        assert bool(why) == bool(refusal), story
        if not (why and isinstance(step, half_done)):
            left = unlike(expected, after)
            assert not left, "\n".join([story, *left])
        accepted += not why
        now = after
    return accepted


def _simulated(host: Host, step: Step) -> tuple[Host, str]:
    try:
        return simulate(host, step), ""
    except StepRefusedError as error:
        return host, error.text


def _executed(networking: Networking, step: Step) -> str:
    try:
        networking.execute([step], lambda _done: None)
    except NetworkingError as error:
        return str(error)
    return ""
