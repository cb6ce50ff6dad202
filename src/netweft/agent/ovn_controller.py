"""The host's ovn-controller: which one there is, and whether it is connected to OVN's southbound database.

It is asked at its control socket (ovs-appctl(8)), in JSON-RPC. Which socket that is it says by its name,
``ovn-controller.PID.ctl``, in its run directory: OVN 23.03 lets nobody choose another.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec

RUN_DIRECTORY = "/run/ovn"
"""Of the system's own OVN."""

ANSWER_SECONDS = 5.0
"""For an answer: ovn-controller works out the flows of all guests between two looks at its control socket."""

VERSION_SECONDS = 10.0

_CONNECTED = "connected"
_PART = 4096
_QUESTION = msgspec.json.encode({"method": "connection-status", "params": [], "id": 0})


class _Answer(msgspec.Struct):
    result: str | None = None
    error: str | None = None


def ovn_version() -> str:
    """The version of the ovn-controller that is installed, empty for none."""
    program = shutil.which("ovn-controller")
    return _version(program, Path(program).stat().st_mtime_ns) if program else ""


@cache
def _version(program: str, _changed: int) -> str:
    """Asked once for each program: every report wants it, and a try costs a process."""
    done = subprocess.run([program, "--version"], check=False, timeout=VERSION_SECONDS, capture_output=True, text=True)  # noqa: S603  # a fixed program
    words = done.stdout.partition("\n")[0].split()
    return words[-1] if done.returncode == 0 and words else ""


def why_not_connected(run_directory: Path) -> str:
    """Why the ovn-controller of that run directory is not connected to its southbound database: a clause, empty when
    it is.
    """
    reason = "ovn-controller does not run"
    for path in sorted(run_directory.glob("ovn-controller.*.ctl")):
        try:
            answer = _ask(path)
        except ConnectionRefusedError:
            continue  # left by one that was killed
        except OSError as error:
            reason = f"ovn-controller does not answer ({error})"
            continue
        status = (answer.result or answer.error or "").strip()
        if status == _CONNECTED:
            return ""
        reason = f"ovn-controller is {status or 'silent'}"
    return reason


def _ask(path: Path) -> _Answer:
    """What it answers. Raises OSError."""
    received = b""
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.settimeout(ANSWER_SECONDS)
        endpoint.connect(str(path))
        endpoint.sendall(_QUESTION)
        while part := endpoint.recv(_PART):
            received += part
            with suppress(msgspec.DecodeError):  # not all of it yet
                return msgspec.json.decode(received, type=_Answer)
    raise ConnectionResetError("it hung up")
