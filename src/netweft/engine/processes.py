"""Several engine processes behind one address (``netweft serve --processes N``), as one process uses one processor.

A program that serves nobody itself holds the sockets, and starts the engines, which all accept from them: what waits in
a socket is taken by whoever has time, and is not lost with an engine that dies. Among each other they are replicas like
any others (:mod:`netweft.engine.leases`); one that ends by itself is started again.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

_LISTENERS = "NETWEFT_DOORS"
"""Variable of the environment: the descriptors of the sockets, separated by commas."""
_READY = "NETWEFT_READY"
"""The same: the descriptor to write to once requests are answered."""
_PATIENCE = 80.0
"""Seconds in which an engine ends; requests and jobs end first."""
_PAUSE = 1.0
"""Seconds before one that ended by itself is started again."""

log = structlog.get_logger(__name__)


class EndedError(Exception):
    """An engine process could not start; its output has the reason."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one of several engine processes got from the program that started it: sockets that listen, and where it
    tells that it answers.
    """

    listeners: list[socket.socket]
    ready: int

    def report_ready(self) -> None:
        """Requests are answered from now on."""
        os.write(self.ready, b"1")
        os.close(self.ready)


def own_share() -> Share | None:
    """What this process was given; None when it is not one of several."""
    listeners, ready = os.environ.pop(_LISTENERS, ""), os.environ.pop(_READY, "")
    if not listeners:
        return None
    numbers = [int(number) for number in listeners.split(",")]
    for number in (*numbers, int(ready)):
        os.set_inheritable(number, False)
    return Share([socket.socket(fileno=number) for number in numbers], int(ready))


@dataclass
class _Engine:
    program: subprocess.Popen[bytes]
    ready: int
    is_ready: bool = False
    ended: float | None = None

    def check_on(self) -> None:
        """See how it is getting on."""
        if self.ended is None and self.program.poll() is not None:
            self.ended = time.monotonic()
        if not self.is_ready:
            with suppress(BlockingIOError):
                self.is_ready = os.read(self.ready, 1) != b""

    def close(self) -> None:
        self.program.wait()
        os.close(self.ready)


@dataclass
class Processes:
    """The engine processes. ``arguments``: of ``netweft serve``; ``listeners``: sockets that listen.

    To be used from the main thread, since the kernel ends the engines with the thread that started them.
    """

    arguments: Sequence[str]
    listeners: Sequence[socket.socket]
    count: int
    _engines: list[_Engine] = field(default_factory=list)
    _were_ready: bool = False

    def start(self) -> None:
        """Start them. Raises OSError."""
        self._engines.extend(self._start() for _ in range(self.count))

    def watch(self) -> bool:
        """Look after them, every now and then; whether all have answered at some time. Raises EndedError when one ends
        before that, and OSError.
        """
        for number, engine in enumerate(self._engines):
            engine.check_on()
            if engine.ended is None:
                continue
            if not self._were_ready:
                raise EndedError("an engine process ended before it served; its last output shows why")
            if time.monotonic() - engine.ended >= _PAUSE:
                log.warning("an engine process ended by itself: another is started", status=engine.program.returncode)
                engine.close()
                self._engines[number] = self._start()
        self._were_ready = self._were_ready or all(engine.is_ready for engine in self._engines)
        return self._were_ready

    def stop(self) -> None:
        """Ask all to end, and wait for them."""
        for engine in self._engines:
            engine.program.terminate()
        deadline = time.monotonic() + _PATIENCE
        for engine in self._engines:
            try:
                engine.program.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                log.warning("an engine process does not end: it is killed", process=engine.program.pid)
                engine.program.kill()
            engine.close()
        self._engines.clear()

    def _start(self) -> _Engine:
        ours, theirs = os.pipe()
        os.set_blocking(ours, False)
        numbers = [listener.fileno() for listener in self.listeners]
        # systemd hears from us alone.
        inherited = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
        try:
            program = subprocess.Popen(  # noqa: S603 - ourselves, no shell
                [sys.executable, "-m", "netweft.engine.with_parent", str(os.getpid()), "serve", *self.arguments],
                env={**inherited, _LISTENERS: ",".join(map(str, numbers)), _READY: str(theirs)},
                pass_fds=(*numbers, theirs),
                stdin=subprocess.DEVNULL,
            )
        finally:
            os.close(theirs)
        return _Engine(program, ours)
