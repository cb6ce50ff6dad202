"""The program ``netweft``, in processes that begin with its modules already there: the tests run hundreds of commands
and start a hundred engines, and Python's start with the modules would take longer than most of what they do.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Protocol

from netweft import cli

TIMEOUT = 120.0
_PROCESSES = get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    [
        "netweft.__main__",
        "netweft.serve",
        *(module.name for module in iter_modules(cli.__path__, "netweft.cli.")),
        "httpcore",
        "yaml",
    ]
)


@dataclass(frozen=True)
class Start:
    """How the program begins: words of the command line, variables, its standard streams, and how many files it may
    have open (0: as many as the test).
    """

    words: tuple[str, ...]
    environment: Mapping[str, str]
    stdin: Path = Path(os.devnull)
    stdout: Path = Path(os.devnull)
    stderr: Path = Path(os.devnull)
    descriptors: int = 0


class Program(Protocol):
    """The program, running."""

    def __init__(self, start: Start) -> None: ...

    @property
    def pid(self) -> int: ...

    @property
    def status(self) -> int | None:
        """Its exit status (negative: the signal that ended it); None while it runs."""

    def wait(self, timeout: float) -> int | None:
        """Wait until it has ended, at most so many seconds; its status, None if it runs yet."""

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it has not ended."""

    def kill(self) -> None:
        """End it, if it has not ended."""


class Forked:
    """It begins with its modules already there, and ends with the tests at the latest."""

    def __init__(self, start: Start) -> None:
        self._process = _PROCESSES.Process(target=_run, args=(start, str(Path.cwd())), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        pid = self._process.pid
        assert pid is not None
        return pid

    @property
    def status(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float) -> int | None:
        self._process.join(timeout)
        return self.status

    def send_signal(self, number: signal.Signals) -> None:
        if self.status is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()
        self._process.join()


class New:
    """A new Python begins for it, as for users. ``within``: a command that runs it."""

    def __init__(self, start: Start, within: tuple[str, ...] = ()) -> None:
        limit = ("prlimit", f"--nofile={start.descriptors}:{start.descriptors}") if start.descriptors else ()
        command = [*within, *limit, sys.executable, "-m", "netweft", *start.words]
        with start.stdin.open() as typed, start.stdout.open("ab") as out, start.stderr.open("ab") as err:
            self._process = subprocess.Popen(command, stdin=typed, stdout=out, stderr=err, env=dict(start.environment))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        return self._process.poll()

    def wait(self, timeout: float) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        return self.status

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


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


def run_forked(words: tuple[str, ...], environment: Mapping[str, str], typed: str) -> Done:
    """Run ``netweft`` with these words and variables, and ``typed`` on its standard input, which is a file."""
    with tempfile.TemporaryDirectory() as folder:
        typed_in, out, err = (Path(folder, name) for name in ("in", "out", "err"))
        typed_in.write_text(typed)
        program = Forked(Start(words, dict(environment), stdin=typed_in, stdout=out, stderr=err))
        code = program.wait(TIMEOUT)
        program.kill()
        assert code is not None, f"{words} did not end:\n{out.read_text()}{err.read_text()}"
        return Done(code, out.read_text(), err.read_text())


def _run(start: Start, cwd: str) -> None:
    """Be the program; its end is that of this process."""
    from netweft.__main__ import main  # noqa: PLC0415 - this runs in the other process

    writing = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, path in enumerate((start.stdin, start.stdout, start.stderr)):
        opened = os.open(path, writing if number else os.O_RDONLY)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(start.environment)
    os.chdir(cwd)
    if start.descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (start.descriptors, start.descriptors))
    if "PYTHONFAULTHANDLER" in start.environment:
        faulthandler.enable()
    if start.environment.get("PYTHONWARNINGS") == "error":
        warnings.simplefilter("error")
    sys.argv = ["netweft", *start.words]
    sys.exit(main())
