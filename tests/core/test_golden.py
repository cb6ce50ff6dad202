"""Whole cases as files: a machine, the desired state before and now, and the steps in words with what they
cost.

``before`` and ``intent`` are a HostIntent each; without ``intent`` the way leads back to the machine as it was.
``NETWEFT_GOLDEN=write`` writes the steps that come out into the files, to be read before they are believed.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
import yaml

from netweft.core.compare import differences
from netweft.core.desired import desired_host
from netweft.core.host import Host
from netweft.core.impact import explain
from netweft.core.intent import HostIntent
from netweft.core.plan import plan
from netweft.core.simulate import simulate_all

FOLDER = Path(__file__).parent / "golden"
CASES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    path = FOLDER / f"{name}.yaml"
    case = yaml.safe_load(path.read_text())
    machine = now = msgspec.convert(case["machine"], Host)
    if "before" in case:
        now = simulate_all(now, plan(now, desired_host(msgspec.convert(case["before"], HostIntent), now)))
    desired = desired_host(msgspec.convert(case["intent"], HostIntent), now) if "intent" in case else machine
    steps = plan(now, desired)
    impacts = explain(steps, now, management=["mgmt"])
    crossing = [" ".join((*impact.owners, *impact.vnics)) for impact in impacts]
    lines = [
        f"{impact.text} [{impact.loss}{'; ' if names else ''}{names}]"
        for impact, names in zip(impacts, crossing, strict=True)
    ]
    if os.environ.get("NETWEFT_GOLDEN") == "write":
        text = path.read_text().split("\nsteps:")[0].rstrip()
        path.write_text(text + "\n\nsteps:\n" + "".join(f"  - {line!r}\n" for line in lines))
    assert lines == yaml.safe_load(path.read_text())["steps"]
    assert differences(desired, simulate_all(now, steps)) == ()
