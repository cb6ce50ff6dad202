"""Parts of the program whose libraries come with an extra of the distribution: the missing one is named."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import NoReturn

STATUS = 2
"""What a program ends with when an extra is missing: as when its command line is wrong."""


@contextmanager
def needs_extra(program: str, extra: str, *later: str) -> Iterator[None]:
    """Import what ``program`` needs; where a library is missing, name the extra that brings it, and end the program.

    ``later``: libraries that it imports only when it uses them, which is no time to find out.

    What is imported stays: no garbage is searched for meanwhile, which would take a tenth of the time, and later
    searches leave it out, as to walk all of it takes longer than many a request.
    """
    gc.disable()
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == __name__.partition(".")[0]:
            raise
        _end(program, missing, extra)
    finally:
        gc.freeze()
        gc.enable()
    for name in later:
        if find_spec(name) is None:
            _end(program, name, extra)


def _end(program: str, missing: str, extra: str) -> NoReturn:
    print(f"{program}: there is no {missing} here. {how_to_get(extra)}", file=sys.stderr)  # noqa: T201 - for whoever started it
    sys.exit(STATUS)


def how_to_get(extra: str) -> str:
    """The sentence that says where the libraries of an extra come from."""
    package = {"agent": "netweft-agent", "libvirt": "python3-libvirt"}.get(extra, "netweft-engine")
    return f"Install netweft[{extra}]; see docs/install.md (for Debian: the package {package})."
