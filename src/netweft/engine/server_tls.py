"""The engine's door for clients: its certificate, and how it becomes another one while the door is open."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

import structlog

from netweft.engine.pki import Authority, expiry

log = structlog.get_logger(__name__)


class ServerTls:
    """``names``: host names and addresses that the engine is reached under; ``folder``: where ``server.pem`` (key and
    certificate) and ``ca.pem`` are put.
    """

    def __init__(self, authority: Authority, names: Sequence[str], folder: Path) -> None:
        self._authority = authority
        self._names = names
        self._path = folder / "server.pem"
        new = folder / "ca.pem.new"
        new.write_text(authority.certificate)
        new.replace(folder / "ca.pem")  # at once: who waits for the file reads it as soon as it is there
        self._current = self._new()
        self.door = self._current
        self.door.sni_callback = self._choose

    def renew(self) -> None:
        """Show a new certificate from the next connection on, if it is time; open ones stay as they are."""
        if self._authority.is_due(self._expires):
            self._current = self._new()
            log.info("clients see a new certificate of the engine", expires=self._expires.isoformat())

    def _new(self) -> ssl.SSLContext:
        pair = self._authority.server(self._names)
        self._expires = expiry(pair.certificate)
        self._path.touch(mode=0o600)
        self._path.chmod(0o600)
        self._path.write_text(pair.certificate + pair.private_key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._path)
        return context

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _door: ssl.SSLContext) -> None:
        """Called for each connection, with a name or without: whoever comes sees what is current."""
        connection.context = self._current


def own_names() -> list[str]:
    """By which the machine's own programs reach it."""
    return ["localhost", "127.0.0.1", "::1", socket.gethostname(), socket.getfqdn()]
