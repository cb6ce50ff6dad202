"""The host's ovn-controller: its version, and whether it is connected to OVN's southbound database.

Its status is queried at its control socket (ovs-appctl(8)) by JSON-RPC. The socket is ``ovn-controller.PID.ctl`` in its
run directory; OVN 23.03 has no option for another.
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
"""The run directory of the system's own OVN."""

ANSWER_SECONDS = 5.0
"""Time limit for an answer: ovn-controller may be computing the flows of all guests meanwhile."""

VERSION_SECONDS = 10.0

_CONNECTED = "connected"
_PART = 4096
_REQUEST = msgspec.json.encode({"method": "connection-status", "params": [], "id": 0})


class _Answer(msgspec.Struct):
    result: str | None = None
    error: str | None = None


def ovn_version() -> str:
    """The version of the installed ovn-controller, empty for none."""
    program = shutil.which("ovn-controller")
    return _version(program, Path(program).stat().st_mtime_ns) if program else ""


@cache
def _version(program: str, _changed: int) -> str:
    """Cached, as every report needs it and each call starts a process."""
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
            continue  # left behind by a process that was killed
        except OSError as error:
            reason = f"ovn-controller does not answer ({error})"
            continue
        status = (answer.result or answer.error or "").strip()
        if status == _CONNECTED:
            return ""
        reason = f"ovn-controller is {status or 'silent'}"
    return reason


def _ask(path: Path) -> _Answer:
    """Query the connection status. Raises OSError."""
    received = b""
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.settimeout(ANSWER_SECONDS)
        endpoint.connect(str(path))
        endpoint.sendall(_REQUEST)
        while part := endpoint.recv(_PART):
            received += part
            with suppress(msgspec.DecodeError):  # incomplete
                return msgspec.json.decode(received, type=_Answer)
    raise ConnectionResetError("it closed the connection")
