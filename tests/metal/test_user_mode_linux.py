"""The contract on a kernel with 802.1Q, bonding, HFSC and Open vSwitch: User-Mode Linux over this machine's own files.

A boot for each part runs all of it. NETWEFT_UML may name a folder that tests/metal/uml/prepare.sh made ready; else it
is .cache/uml, made ready by the first run.
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
WALKS, OVS_WALKS = 3, 6
"""Of random steps, of which there are more without a virtual kernel."""
EXAMPLES, OVS_EXAMPLES = 15, 4
"""Two tests with four transitions for each: 120 and 32."""

SCRIPT = """\
set -e
for module in 8021q "bonding max_bonds=0" openvswitch; do modprobe $module; done
read -r up _ </proc/uptime
[ "${{up%.*}}" -ge {old_enough} ] || sleep $(({old_enough} - ${{up%.*}}))
cd {root}
export PYTHONDONTWRITEBYTECODE=1 {settings}
exec {python} -m pytest -p no:cacheprovider --timeout 900 --junitxml /out/report.xml {files}
"""

OLD_ENOUGH = 11
"""Seconds a kernel must be up: ovs-vswitchd counts processors at most once in 10 s of the monotonic clock, beginning at
0, so that in the first 10 s it finds none and starts no handler: its datapath drops each frame without a flow."""

DRIFT = "NETWEFT_DRIFT_EXAMPLES=5"
"""Hosts that somebody meddles with."""
KINDS = 'NETWEFT_KERNEL_KINDS="bridge bond vlan hfsc"'
KERNEL = f"NETWEFT_KERNEL_EXAMPLES={EXAMPLES} NETWEFT_KERNEL_WALKS={WALKS} {DRIFT} {KINDS}"
KERNEL_FILES = (
    "tests/contract/test_kernel_kinds.py tests/contract/test_kernel_plans.py tests/contract/test_kernel_steps.py"
    " tests/contract/test_drift.py::test_on_a_kernel"
)
DRIFT_FILES = "tests/metal/drift.py"
TRUNK_FILES = "tests/metal/trunks.py"
SHAPING_FILES = "tests/metal/shaping.py tests/agent/test_machine.py::test_traffic_is_shaped_or_nothing_changes"
SILENCE_FILES = "tests/metal/silence.py"
OVS = f"NETWEFT_OVS_EXAMPLES={OVS_EXAMPLES} NETWEFT_OVS_WALKS={OVS_WALKS} {DRIFT} NETWEFT_OVS_DATAPATH=system"
OVS_FILES = (
    "tests/contract/test_ovs_plans.py tests/contract/test_ovs_steps.py"
    " tests/contract/test_drift.py::test_on_open_vswitch"
)


@pytest.fixture(scope="module")
def folder() -> Path:
    """Where the kernel and its modules are."""
    folder = Path(os.environ.get("NETWEFT_UML", ROOT / ".cache" / "uml"))
    subprocess.run([UML / "prepare.sh", folder], check=True)
    return folder


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("settings", "files", "least"),
    [
        pytest.param(KERNEL, KERNEL_FILES, 9, id="kernel"),
        pytest.param("", f"{SHAPING_FILES} {TRUNK_FILES}", 10, id="shaping-and-trunks"),
        pytest.param("", f"{DRIFT_FILES} tests/metal/brown_field.py", 11, id="drift"),
        pytest.param("", SILENCE_FILES, 6, id="silence"),
        pytest.param(OVS, OVS_FILES, 4, id="ovs"),
    ],
)
def test_the_contract_holds_on_a_kernel_with_all_modules(
    folder: Path, tmp_path: Path, settings: str, files: str, least: int
) -> None:
    script, out = tmp_path / "script", tmp_path / "out"
    out.mkdir()
    script.write_text(
        SCRIPT.format(
            root=quote(str(ROOT)),
            python=quote(sys.executable),
            settings=settings,
            files=files,
            old_enough=OLD_ENOUGH,
        )
    )
    done = subprocess.run([UML / "boot.sh", folder, script, out], check=False, text=True, capture_output=True)
    print(done.stdout, done.stderr)  # noqa: T201 -- the report of the inner run
    assert done.returncode == 0, f"status {done.returncode}; what it said is above"
    suite = ET.parse(out / "report.xml").getroot().find("testsuite")
    assert suite is not None
    assert int(suite.get("tests", "0")) >= least
    assert suite.get("skipped") == "0"
