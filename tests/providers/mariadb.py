"""A private MariaDB, the only database that Neutron's current migrations support."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from netweft.lab.processes import run
from providers.service import Service
from waiting import listens, until

_STOP = 60.0
"""Seconds for a shutdown; a server killed earlier has to be repaired at the next start."""
_OPTIONS = (
    "--no-defaults",
    "--user=root",
    "--skip-networking",
    "--character-set-server=utf8mb4",
    "--innodb-log-file-size=16M",
    "--innodb-flush-log-at-trx-commit=2",  # a test's data may be lost in a power cut
)


class MariaDB(Service):
    """A server over a data folder, which is created if necessary. As a context manager it runs, with one database in
    it.
    """

    def __init__(self, folder: Path, database: str) -> None:
        self.data = folder / "data"
        self.socket = folder / "mariadb.sock"
        self.url = f"mysql+pymysql://root@localhost/{database}?charset=utf8mb4&unix_socket={self.socket}"
        self._log = folder / "mariadb.log"
        self._database = database
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it accepts sessions."""
        if not self.data.exists():
            how = ("--auth-root-authentication-method=normal", "--skip-test-db")
            run(["mariadb-install-db", *_OPTIONS, *how, f"--datadir={self.data}"], timeout=120.0)
        begin = self.socket.with_name("begin.sql")
        begin.write_text(f"CREATE DATABASE IF NOT EXISTS {self._database};\n")
        places = (
            f"--datadir={self.data}",
            f"--socket={self.socket}",
            f"--pid-file={self.socket.with_name('mariadb.pid')}",
        )
        command = ["mariadbd", *_OPTIONS, *places, f"--init-file={begin}"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self._answers, f"MariaDB ({self._log})")

    def stop(self) -> None:
        """Ask it to end, and wait."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=_STOP)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise
            finally:
                self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"MariaDB ended:\n{self._log.read_text()}"
        return listens(self.socket)
