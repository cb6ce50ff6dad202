"""The program ``netweft``, in a process of its own that begins with the program's modules already there: hundreds of
commands are run by the tests, and the start of Python would take longer than most of them.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import warnings
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from netweft import cli

TIMEOUT = 120.0
_PROCESSES = get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["netweft.__main__", *(module.name for module in iter_modules(cli.__path__, "netweft.cli.")), "httpcore", "yaml"]
)
_STREAMS = ("in", "out", "err")


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def tree(self) -> Any:
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        """The cells of a table, heading first."""
        return [line.split() for line in self.out.splitlines()]


def run_forked(words: tuple[str, ...], environment: dict[str, str], typed: str) -> Done:
    """Run ``netweft`` with these words and variables, and ``typed`` on its standard input, which is a file."""
    with tempfile.TemporaryDirectory() as folder:
        streams = {name: Path(folder, name) for name in _STREAMS}
        streams["in"].write_text(typed)
        process = _PROCESSES.Process(target=_run, args=(words, environment, str(Path.cwd()), folder))
        process.start()
        process.join(TIMEOUT)
        code = process.exitcode
        process.kill()
        process.join()
        out, err = streams["out"].read_text(), streams["err"].read_text()
        assert code is not None, f"{words} did not end:\n{out}{err}"
        return Done(code, out, err)


def _run(words: tuple[str, ...], environment: dict[str, str], cwd: str, folder: str) -> None:
    """Be the program; its end is that of this process."""
    from netweft.__main__ import main  # noqa: PLC0415 - this runs in the other process

    for number, name in enumerate(_STREAMS):
        opened = os.open(Path(folder, name), os.O_RDWR | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.argv = ["netweft", *words]
    warnings.simplefilter("error")
    sys.exit(main())
