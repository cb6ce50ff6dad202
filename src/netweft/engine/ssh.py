"""SSH connections to hosts as root, to install the agent.

A host is identified by the fingerprint of its key (``SHA256:...``, as ssh-keygen -l prints it), which is compared
before credentials are sent. paramiko is imported when it is first used: few engines install agents, and it is large.
"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from netweft.core.errors import HostError

if TYPE_CHECKING:
    import paramiko

CONNECT_WITHIN = 20.0
"""Seconds for a host to accept a connection, and for each part of the handshake."""
OUTPUT_MAX = 64 * 1024
"""How much of a command's output is kept, in octets: the end of it."""
_BLOCK = 32 * 1024
_POLL = 0.5
"""Seconds between checks whether the engine stops or the time is over."""
_SILENCES = 20
"""Polls without output after the end of a command after which its output counts as complete."""
_ALIVE = 5
"""Seconds between keepalives; ``_SILENT_MAX``: milliseconds without an answer until the connection is lost."""
_SILENT_MAX = 30_000
_NO_STATUS = -1
"""What paramiko returns when the exit status is unknown."""
_KINDS: tuple[tuple[str, ...], ...] = (
    (),
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-512", "rsa-sha2-256"),
)
"""Kinds of host keys to try; first whichever the host prefers. The expected fingerprint may be of another."""


class SshError(HostError):
    """The host cannot be reached by SSH, or the connection was lost."""

    code = "VDS_CANNOT_CONNECT_TO_SERVER"


class HostKeyError(HostError):
    """The host presents another key than expected."""

    code = "VDS_SSH_HOST_KEY_CHANGED"


class LoginError(HostError):
    """The host refuses the login."""

    code = "VDS_CANNOT_AUTHENTICATE_TO_SERVER"


class StoppedError(Exception):
    """The engine stops: the command must be repeated later."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command's exit status, and the end of its output (stdout and stderr)."""

    status: int
    output: str


class Line:
    """An encrypted connection to a host whose key has been compared; made by :func:`connected`. ``fingerprint``: of the
    key.
    """

    def __init__(self, transport: paramiko.Transport, where: str, stop: threading.Event) -> None:
        self.fingerprint = fingerprint_of(transport.get_remote_server_key().asbytes())
        self._transport = transport
        self._where = where
        self._stop = stop

    def log_in(self, *, password: str, key: str) -> None:
        """Log in as root, with the password, or if that is empty with a private key (OpenSSH's format). Raises
        LoginError, SshError.
        """
        import paramiko  # noqa: PLC0415 - see above

        way = "root's password" if password else "the engine's key"
        try:
            if password:
                self._transport.auth_password("root", password)
            else:
                self._transport.auth_publickey("root", paramiko.Ed25519Key.from_private_key(io.StringIO(key)))
        except paramiko.BadAuthenticationType as error:
            allowed = ", ".join(error.allowed_types)
            raise LoginError(f"{self._where} allows root login by {allowed} only, not with {way}.") from error
        except paramiko.AuthenticationException as error:
            raise LoginError(f"{self._where} refuses root login with {way}.") from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._lost(error) from error

    def run(self, command: str, *, seconds: float, feed: BinaryIO | None = None) -> Ran:
        """Run a command of the shell, with ``feed`` as its input, until its end. Raises SshError when that does not
        come within ``seconds`` or the connection is lost, StoppedError.
        """
        import paramiko  # noqa: PLC0415 - see above

        deadline = time.monotonic() + seconds
        try:
            with closing(self._transport.open_session(timeout=CONNECT_WITHIN)) as channel:
                channel.set_combine_stderr(True)
                channel.settimeout(_POLL)
                channel.exec_command(command)
                while feed is not None and (block := feed.read(_BLOCK)):
                    self._send(channel, block, deadline)
                channel.shutdown_write()
                output = self._read(channel, deadline)
                status = self._status(channel, deadline)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._lost(error) from error
        if status == _NO_STATUS:
            raise SshError(f"The connection to {self._where} was lost.")
        return Ran(status, output.decode(errors="replace"))

    def _lost(self, error: Exception) -> SshError:
        return SshError(f"The connection to {self._where} was lost: {str(error) or type(error).__name__}.")

    def _send(self, channel: paramiko.Channel, block: bytes, deadline: float) -> None:
        while block and not channel.exit_status_ready():  # a command that has ended need not read its input
            self._require_time(deadline)
            try:
                block = block[channel.send(block) :]
            except TimeoutError:
                continue

    def _read(self, channel: paramiko.Channel, deadline: float) -> bytes:
        """The output of the command until it closes it. Background processes may keep it open, and its end may arrive
        after the exit status.
        """
        kept, silences = bytearray(), 0
        while silences < _SILENCES:
            self._require_time(deadline)
            try:
                block = channel.recv(_BLOCK)
            except TimeoutError:
                silences = silences + 1 if channel.exit_status_ready() else 0
                continue
            if not block:
                break
            kept += block
            del kept[:-OUTPUT_MAX]
            silences = 0
        return bytes(kept)

    def _status(self, channel: paramiko.Channel, deadline: float) -> int:
        while not channel.status_event.wait(_POLL):
            self._require_time(deadline)
        return channel.recv_exit_status()

    def _require_time(self, deadline: float) -> None:
        if self._stop.is_set():
            raise StoppedError
        if time.monotonic() > deadline:
            raise SshError(f"{self._where} did not end the command in time.")


def fingerprint_of(key: bytes) -> str:
    """The fingerprint of a public key in SSH's binary format."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


@contextmanager
def connected(host: str, port: int, *, fingerprint: str, stop: threading.Event) -> Iterator[Line]:
    """A connection to the SSH server of a host, whose key has this fingerprint; any key when it is empty. ``stop``:
    ends what takes long.

    Raises SshError, HostKeyError.
    """
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # it logs each lost connection with its trace
    where = f"{host} (SSH port {port})"
    presented: list[str] = []
    for kinds in _KINDS if fingerprint else _KINDS[:1]:
        transport = _transport(host, port, kinds, where)
        if transport is None:
            continue
        with closing(transport):
            line = Line(transport, where, stop)
            if fingerprint in {"", line.fingerprint}:
                yield line
                return
            presented.append(line.fingerprint)
    raise HostKeyError(
        f"{where} presents another host key than expected: {presented[0]}, not {fingerprint}. No credentials were sent."
        f" If the machine was reinstalled, run 'netweft host set HOST --ssh-fingerprint {presented[0]}'; otherwise this"
        " may be another machine."
    )


def _transport(host: str, port: int, kinds: tuple[str, ...], where: str) -> paramiko.Transport | None:
    """A connection on which keys were exchanged; None when the host has no key of these kinds. Raises SshError."""
    import paramiko  # noqa: PLC0415 - see above

    try:
        connection = socket.create_connection((host, port), timeout=CONNECT_WITHIN)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENT_MAX)
    except OSError as error:
        raise SshError(f"{where} cannot be reached: {error.strerror or error}.") from error
    transport = paramiko.Transport(connection)
    transport.banner_timeout = transport.auth_timeout = CONNECT_WITHIN
    transport.set_keepalive(_ALIVE)
    if kinds:
        transport.get_security_options().key_types = kinds
    try:
        transport.start_client(timeout=CONNECT_WITHIN)
        transport.get_remote_server_key()  # raises when the time was over before keys were exchanged
    except paramiko.ssh_exception.IncompatiblePeer:
        transport.close()
        return None
    except (paramiko.SSHException, OSError, EOFError) as error:
        transport.close()
        raise SshError(f"{where} answers, but not as an SSH server does: {error}.") from error
    return transport
