"""The kernel half of the contract on a kernel with 802.1Q and bonding: User-Mode Linux over this machine's own files.

One boot runs it all. NETLOOM_UML may name a folder that tests/metal/uml/prepare.sh made ready; else it is .cache/uml.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from shlex import quote
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parents[2]
UML = Path(__file__).parent / "uml"
SEEDS = 30
"""Two tests with four transitions for each: 240."""

SCRIPT = """\
set -e
modprobe 8021q
modprobe bonding max_bonds=0
cd {root}
export NETLOOM_KERNEL_SEEDS={seeds} NETLOOM_KERNEL_KINDS="bridge bond vlan" PYTHONDONTWRITEBYTECODE=1
exec {python} -m pytest -p no:cacheprovider --timeout 600 --junitxml /out/report.xml \\
    tests/contract/test_kernel_kinds.py tests/contract/test_kernel_plans.py tests/contract/test_kernel_steps.py
"""


@pytest.fixture(scope="module")
def folder() -> Path:
    """Where the kernel and its modules are."""
    folder = Path(os.environ.get("NETLOOM_UML", ROOT / ".cache" / "uml"))
    subprocess.run([UML / "prepare.sh", folder], check=True)
    return folder


@pytest.mark.timeout(900)
def test_the_kernel_contract_holds_with_vlans_and_bonds(folder: Path, tmp_path: Path) -> None:
    script, out = tmp_path / "script", tmp_path / "out"
    out.mkdir()
    script.write_text(SCRIPT.format(root=quote(str(ROOT)), python=quote(sys.executable), seeds=SEEDS))
    done = subprocess.run([UML / "boot.sh", folder, script, out], check=False, text=True, capture_output=True)
    print(done.stdout, done.stderr)  # noqa: T201 -- the report of the inner run
    assert done.returncode == 0, f"status {done.returncode}; what it said is above"
    suite = ET.parse(out / "report.xml").getroot().find("testsuite")
    assert suite is not None
    assert int(suite.get("tests", "0")) >= 2 * SEEDS
    assert suite.get("skipped") == "0"
