"""What the programs decode is worked out when they start: two threads that meet a type for the first time at once crash
the interpreter.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

FRESH = """
import threading, sys
{imports}
sys.setswitchinterval(1e-6)
{kinds}
def decode(kind):
    ready.wait()
    try:
        msgspec.convert({{}}, kind)
    except msgspec.ValidationError:
        pass
for kind in kinds:
    ready = threading.Barrier(4)
    threads = [threading.Thread(target=decode, args=(kind,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""
AGENT = (
    "import msgspec; from netloom.agent import simulated, store, wire; from netloom.core import protocol",
    "kinds = [protocol.ChangeRequest, protocol.GuestSpec, protocol.Migration, store.Record, simulated.Machine]",
)
ENGINE = (
    (
        "import msgspec; from netloom.engine.jobs import registry; from netloom.core import desired, protocol\n"
        "from netloom.engine.queries.host_networks import Candidate"
    ),
    "kinds = [Candidate, desired.AttachmentIntent, protocol.HostReport, protocol.EventPage, protocol.Refusal]",
)


@pytest.mark.parametrize(("imports", "kinds"), [AGENT, ENGINE], ids=["agent", "engine"])
def test_threads_may_meet_a_type_at_once(imports: str, kinds: str) -> None:
    program = FRESH.format(imports=imports, kinds=kinds)
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
