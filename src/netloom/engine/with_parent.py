"""Runs ``netloom ...`` so that it is asked to end when its parent ends, however that ends: ``python -m
netloom.engine.with_parent agent ...``.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""prctl(2)"""

if __name__ == "__main__":
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    os.execv(sys.executable, [sys.executable, "-m", "netloom", *sys.argv[1:]])  # noqa: S606 - ourselves, no shell
