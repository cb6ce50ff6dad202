"""An engine: the program ``netweft serve``, started, killed and started again by tests and benchmarks."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx

from netweft.client import Client
from processes import children
from program import Forked, New, Program, Start

PASSWORD = "a long and unusual password"
_READY = 60.0
"""Seconds to start; generous, for machines with much to do."""


class EngineProcess:
    """One engine over one data folder. As a context manager it is started, and stopped at the end.

    ``descriptors``: files that it may have open, other than as many as the test may. ``anew``: Python starts for it as
    for a user's, where its memory is measured or its libraries are others; else it begins with its modules there.
    """

    def __init__(
        self,
        data: Path,
        *,
        listen: str = "127.0.0.1:0",
        options: tuple[str, ...] = (),
        descriptors: int = 0,
        environment: Mapping[str, str] | None = None,
        anew: bool = False,
    ) -> None:
        host, _, port = listen.rpartition(":")
        self.address = f"{host}:{port if port != '0' else free_port(host)}"
        self.url = f"{'http' if '--insecure-http' in options else 'https'}://{self.address}"
        self.data = data
        self._options = options
        self._descriptors = descriptors
        self._environment = environment or {}
        self._kind: type[Program] = New if anew else Forked
        self._process: Program | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            if self._process is not None:
                self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None, "the engine has not been started"
        return self._process.pid

    def children(self, word: str = "") -> list[int]:
        """The programs that it has begun; with ``word`` those that were told it on their command line."""
        return [one.pid for one in children(self.pid) if not word or word in one.command]

    @property
    def ca(self) -> Path:
        return self.data / "ca.pem"

    @property
    def log(self) -> Path:
        return self.data / "engine.log"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.data.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "NETWEFT_ADMIN_PASSWORD": PASSWORD,
            "PYTHONFAULTHANDLER": "1",
            "NETWEFT_ROLLOUT_SOAK": "0",
            **self._environment,
        }
        words = ("serve", "--data", str(self.data), "--listen", self.address, *self._options)
        self._process = self._kind(
            Start(words, environment, stdout=self.log, stderr=self.log, descriptors=self._descriptors)
        )
        deadline = time.monotonic() + _READY
        while not self._answers():
            assert self._process.status is None, f"the engine ended:\n{self.log.read_text()}"
            if time.monotonic() > deadline:
                self._process.send_signal(signal.SIGABRT)  # its log says then what its threads were about
                self._process.wait(30)
                raise AssertionError(f"the engine does not answer:\n{self.log.read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to end, and wait; one that does not end is killed, and that is an error."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            status = self._process.wait(30)
            if status is None:
                self.kill()
            self._process = None
            assert status is not None, f"the engine did not end:\n{self.log.read_text()}"

    def kill(self) -> None:
        """End it without asking."""
        assert self._process is not None, "the engine has not been started"
        self._process.kill()
        self._process = None

    def client(self) -> Client:
        """A client, logged in as the administrator."""
        return Client(self.url, "admin@internal", PASSWORD, ca_file=self.ca)

    def door(self) -> httpx.Client:
        """For requests that the client of the project does not make."""
        context = ssl.create_default_context(cafile=str(self.ca)) if self.ca.exists() else True
        return httpx.Client(base_url=self.url, verify=context, timeout=60, trust_env=False)

    def _answers(self) -> bool:
        if not self.ca.exists() and self.url.startswith("https"):
            return False
        try:
            with self.door() as door:
                return door.get("/health").is_success
        except httpx.TransportError:
            return False


def free_port(host: str) -> int:
    """A port that nobody listens at, just now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
