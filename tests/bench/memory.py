"""Resident memory: the engine idle, the engine with 200 simulated hosts, an agent idle."""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path

from figures import Figure

from engine_process import EngineProcess
from netweft import lab
from netweft.cli.labs import add_host, join_of

SETTLE = 10
"""Seconds after the start until a process counts as idle."""
SIMULATED = 200
EXAMPLE = Path(__file__).parents[2] / "examples" / "two-hosts.yaml"


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found, status
    return int(found[1]) / 1024


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        return [idle_engine(Path(folder) / "idle"), engine_with_hosts(Path(folder) / "hosts"), agent(Path(folder))]


def idle_engine(data: Path) -> Figure:
    with EngineProcess(data, anew=True) as engine:
        time.sleep(SETTLE)
        return Figure(what="engine idle", ours=resident_mib(engine.pid), unit="MiB", goal="< 150 MiB")


def engine_with_hosts(data: Path) -> Figure:
    with (
        EngineProcess(data, options=("--simulated-hosts", str(SIMULATED)), anew=True) as engine,
        engine.client() as client,
    ):
        deadline = time.monotonic() + 900  # seconds, on a machine that is busy with other things
        while sum(host["status"] == "up" for host in client.list("hosts", max=SIMULATED)) < SIMULATED:
            assert time.monotonic() < deadline, "the simulated hosts did not come up"
            time.sleep(1)
        time.sleep(SETTLE)
        used = resident_mib(engine.pid)
    return Figure(what=f"engine with {SIMULATED} simulated hosts", ours=used, unit="MiB", goal="< 300 MiB")


def agent(folder: Path) -> Figure:
    place = lab.up(EXAMPLE, folder / "lab")
    try:
        with EngineProcess(folder / "engine", listen="198.51.100.1:0", anew=True) as engine, engine.client() as client:
            name, host = next(iter(place.hosts.items()))
            client.add("clusters", {"name": "racks", "switch_type": "ovs", "data_center": {"name": "Default"}})
            place.start_agent(name, join_of(client, add_host(client, name, host.address, "racks")))
            time.sleep(SETTLE)
            used = resident_mib(place.agent_pid(name))
    finally:
        place.down()
    return Figure(what="agent idle", ours=used, unit="MiB", goal="< 60 MiB")
