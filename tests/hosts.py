"""Hosts as values, changed for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from netweft.core.host import PART_OF, Host
from netweft.core.simulate import simulate_all
from netweft.core.steps import Step


def without_link(host: Host, *names: str) -> Host:
    """The same host without the links of these names; unchanged when there are none."""
    parts: dict[str, Any] = {
        part: {name: link for name, link in getattr(host, part).items() if name not in names}
        for part in PART_OF.values()
    }
    return replace(host, **parts)


def simulate(host: Host, step: Step) -> Host:
    """The host after the step. Raises StepRefusedError where the real thing refuses it."""
    return simulate_all(host, (step,))
