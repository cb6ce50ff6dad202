"""The kinds of links that a run of this suite covers: one without VLANs is not to be taken for one with them."""

from __future__ import annotations

import os

from contract.namespaces import kernel_kinds


def test_the_kernel_makes_the_kinds_that_this_ring_is_about() -> None:
    expected = frozenset(os.environ.get("NETWEFT_KERNEL_KINDS", "bridge").split())
    assert expected <= kernel_kinds(), f"this kernel makes {sorted(kernel_kinds())}"
