"""``make bench``: every benchmark, each in a process of its own, so that none affects another, and one table at the
end.

Names of benchmarks on the command line run only those; arguments follow a name after a colon (``fleet:400``).
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import msgspec
from figures import Figure, print_table

BENCHMARKS = (
    "core_speed",
    "cli",
    "schedule_speed",
    "host_apply",
    "ovs_apply",
    "api_rate",
    "request_cost",
    "vnics_10000",
    "vnic_addresses",
    "hot_plug",
    "memory",
    "fleet",
    "fleet_file",
    "drift_seen",
    "replicas",
    "web_page",
)


def main(names: list[str]) -> None:
    """Run the benchmarks named, or all."""
    unknown = sorted({name.partition(":")[0] for name in names} - set(BENCHMARKS))
    if unknown:
        raise SystemExit(f"No such benchmark: {', '.join(unknown)}. There are: {', '.join(BENCHMARKS)}.")
    machine = f"{os.cpu_count()} processors, Linux {os.uname().release}, Python {sys.version.split()[0]}"
    sys.stdout.write(f"{machine}, load {os.getloadavg()[0]:.2f}\n")
    figures: list[Figure] = []
    for name in names or BENCHMARKS:
        done = subprocess.run([sys.executable, __file__, "--measure", name], stdout=subprocess.PIPE, check=True)
        figures += msgspec.json.decode(done.stdout, type=list[Figure])
    print_table(figures)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        sys.path.append(str(Path(__file__).parent.parent))  # after this folder: both have a fleet.py
        module, *arguments = sys.argv[2].split(":")
        sys.stdout.buffer.write(msgspec.json.encode(importlib.import_module(module).measure(*arguments)))
    else:
        main(sys.argv[1:])
