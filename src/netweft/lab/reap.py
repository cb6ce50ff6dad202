"""``python -m netweft.lab.reap COMMAND ...``: run a daemon and reap its detached children at once.

Detached processes are reaped by process 1. In containers that often happens only every few seconds, and until then
libvirt takes a dead QEMU for a running one. Here this program is the subreaper (prctl(2)).
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main() -> int:
    """Run the command to its end and return its status. Passes SIGTERM on to it."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = subprocess.Popen(sys.argv[1:])  # noqa: S603 - the lab's own command
    signal.signal(signal.SIGTERM, lambda number, _frame: os.kill(child.pid, number))
    while True:
        pid, status = os.wait()
        if pid == child.pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return abs(child.returncode)


if __name__ == "__main__":
    sys.exit(main())
