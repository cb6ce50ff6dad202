"""The engine's listener for clients: its certificate, and how it becomes another one while it is listening."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable, Sequence
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
        # At once: who waits for the file reads it as soon as it is there.
        _put(folder / "ca.pem", authority.certificate)
        self._current = self._new()
        self.context = self._current
        self.context.sni_callback = self._choose

    def renew(self) -> None:
        """Show a new certificate from the next connection on, if it is time; open ones stay as they are."""
        if self._authority.is_due(self._expires):
            self._current = self._new()
            log.info("clients see a new certificate of the engine", expires=self._expires.isoformat())

    def _new(self) -> ssl.SSLContext:
        pair = self._authority.server(self._names)
        self._expires = expiry(pair.certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _put(self._path, pair.certificate + pair.private_key, context.load_cert_chain)
        return context

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Called for each connection, with a name or without: whoever comes sees what is current."""
        connection.context = self._current


def _put(path: Path, content: str, use: Callable[[Path], None] = lambda _: None) -> None:
    """Put a file that only its owner can read in its place, whole, after it was used: several processes of an engine
    do so at the same time.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(content)
    use(draft)
    draft.replace(path)


def own_names() -> list[str]:
    """By which the machine's own programs reach it."""
    return ["localhost", "127.0.0.1", "::1", socket.gethostname(), socket.getfqdn()]
