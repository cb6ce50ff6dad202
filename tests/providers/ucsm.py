"""The emulator of the UCS Manager as tests use it: a program of its own, since its schema is Cisco's SDK's."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from netweft.providers.contract import Account
from providers.service import Service

HERE = Path(__file__).parent
SDK = HERE.parents[1] / ".cache" / "ucsmsdk" / "bin" / "python"
"""A Python that has Cisco's SDK (make ucsmsdk)."""
USER, PASSWORD = "netweft", "only this one"
READER, READERS_PASSWORD = "reader", "only reads"
PATIENCE = 60.0


class Emulator(Service):
    """One domain. ``certificate``: a PEM file with its key, to speak TLS."""

    def __init__(self, certificate: Path | None = None, host: str = "127.0.0.1") -> None:
        self._certificate = certificate
        self._host = host
        self._program: subprocess.Popen[str] | None = None
        self.port = 0

    def start(self) -> None:
        command: list[str | Path] = [SDK, HERE / "ucsm_emulator.py"]
        if self._certificate:
            command += ["--certificate", self._certificate]
        self._program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._program.stdout is not None
        self.port = int(self._program.stdout.readline())

    def stop(self) -> None:
        if self._program is None:
            return
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        with suppress(BrokenPipeError):
            self._program.stdin.close()  # which ends it
        self._program.stdout.close()
        try:
            self._program.wait(PATIENCE)
        finally:
            self._program.kill()
            self._program.wait()

    @property
    def url(self) -> str:
        return f"{'https' if self._certificate else 'http'}://{self._host}:{self.port}"

    def account(self, **values: Any) -> Account:
        return Account(**{"url": self.url, "username": USER, "password": PASSWORD, "timeout": 60.0, **values})

    def control(self, **told: Any) -> dict[str, Any]:
        """Control the emulator; returns its whole state. Only without TLS."""
        request = urllib.request.Request(f"{self.url}/control", json.dumps(told).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return dict(json.load(answer))

    def fail(self, kind: str, method: str = "", times: int = 1) -> None:
        """Let the next requests for a method fail."""
        self.control(faults=[{"kind": kind, "method": method, "times": times}])

    def mend(self) -> None:
        self.control(faults=[])

    def put(self, class_id: str, dn: str, **values: str) -> None:
        """Create a foreign object."""
        self.control(put=[(class_id, dn, values)])

    def drop(self, dn: str) -> None:
        self.control(drop=[dn])

    def objects(self) -> dict[str, dict[str, str]]:
        """All objects, by name."""
        return dict(self.control()["objects"])

    def view(self) -> list[str]:
        return [f"{dn} {sorted(values.items())}" for dn, values in self.objects().items()]
