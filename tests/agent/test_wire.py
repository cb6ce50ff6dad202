"""Decoders are prepared when the programs start: two threads that use a type for the first time at once crash the
interpreter (seen with msgspec 0.22: one finds an incomplete schema of the other).
"""

from __future__ import annotations

import subprocess
import sys

import pytest

AGENT = """
from netweft.agent import main, simulated_machine, store
from netweft.core import guest_protocol, protocol
kinds = [*vars(guest_protocol).values(), *vars(protocol).values()]
kinds += [store.Record, simulated_machine.Machine, simulated_machine.Simulation]
"""
ENGINE = """
from netweft.core import guest_protocol, intent, protocol
from netweft import serve
from netweft.engine.model.host_networks import Candidate
kinds = [*vars(guest_protocol).values(), *vars(protocol).values(), Candidate, intent.AttachmentIntent]
"""
CHECK = """
from dataclasses import is_dataclass
met = [kind for kind in kinds if is_dataclass(kind)]
assert len(met) > 10
print(*[kind.__name__ for kind in met if "__msgspec_cache__" not in vars(kind)])
"""


@pytest.mark.parametrize("program", [AGENT, ENGINE], ids=["agent", "engine"])
def test_every_type_is_prepared_before_threads_start(program: str) -> None:
    command = [sys.executable, "-c", program + CHECK]
    assert subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split() == []
