"""``python -m netweft.lab.reap COMMAND ...``: run a daemon whose own daemons are buried at once when they die.

A process that detached itself is waited for by the machine's first process. Where that one (of a container, mostly)
only looks around every few seconds, libvirt sees a dead QEMU as alive for as long; here it is the child of one who
waits.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main() -> int:
    """Run the command to its end and give its status; ask it to end when we are asked to."""
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
