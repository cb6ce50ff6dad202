"""Runs ``netweft ...`` so that it is asked to end when its parent ends, however that ends.

``python -m netweft.engine.with_parent PID agent ...``, where PID is the parent's.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""prctl(2)"""


def main(parent: int, arguments: list[str]) -> None:
    """Become the program. Raises OSError; ends at once when the parent has already gone, as no signal would come."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        sys.exit(1)
    os.execv(sys.executable, [sys.executable, "-m", "netweft", *arguments])  # noqa: S606 - ourselves, no shell


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
