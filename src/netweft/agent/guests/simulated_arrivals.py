"""Migrations of guests to a simulated host of another program: one socket in each program's folder, one guest for each
connection.

The folders are in the same folder as those of the hosts (``--part``), whose permissions control the access.
"""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from netweft.agent.guests import GuestError
from netweft.core.guest_protocol import GuestSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Take: TypeAlias = Callable[[Path, GuestSpec], bool]
    """Starts a guest on the host of a folder; returns whether the program has that host. Raises GuestError."""

_SOCKET = "arrivals"
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Arrival:
    host: str
    spec: GuestSpec


@dataclass(frozen=True, slots=True)
class _Reply:
    """``is_here``: whether the program has the host; ``problem``: why the guest cannot run there, empty for none."""

    is_here: bool
    problem: str = ""


for _kind in (_Arrival, _Reply):
    msgspec.json.Decoder(_kind)  # creates the schema while there is one thread: two at once would crash the program


def send(hosts: Path, host: str, spec: GuestSpec) -> bool:
    """Start a guest on a host of another program. Whether there is one with that host. Raises GuestError."""
    for folder in sorted(hosts.glob("part-*")):
        try:
            reply = _ask(folder, _Arrival(host, spec))
        except (OSError, msgspec.DecodeError):  # it does not run, or has just ended
            continue
        if reply.problem:
            raise GuestError(reply.problem)
        if reply.is_here:
            return True
    return False


def receive(folder: Path, take: Take) -> None:
    """Accept guests from now on, in a thread. Raises OSError."""
    endpoint = socket.socket(socket.AF_UNIX)
    (folder / _SOCKET).unlink(missing_ok=True)
    with _short(folder) as path:
        endpoint.bind(path)
    endpoint.listen()
    Thread(target=_receive, args=(endpoint, folder.parent, take), name="arrivals", daemon=True).start()


def _receive(endpoint: socket.socket, hosts: Path, take: Take) -> None:
    while True:
        connection, _ = endpoint.accept()
        with connection:
            connection.settimeout(_SECONDS)
            try:
                connection.sendall(msgspec.json.encode(_arrive(hosts, take, _read(connection))))
            except (OSError, msgspec.DecodeError):
                continue  # the sender has ended


def _arrive(hosts: Path, take: Take, content: bytes) -> _Reply:
    arrival = msgspec.json.decode(content, type=_Arrival)
    try:
        return _Reply(take(hosts / arrival.host, arrival.spec))
    except GuestError as error:
        return _Reply(is_here=True, problem=str(error))


def _ask(folder: Path, arrival: _Arrival) -> _Reply:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_SECONDS)
        with _short(folder) as path:
            connection.connect(path)
        connection.sendall(msgspec.json.encode(arrival))
        connection.shutdown(socket.SHUT_WR)
        return msgspec.json.decode(_read(connection), type=_Reply)


def _read(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as stream:
        return stream.read()


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    """The socket's path, short enough for the 108 octets that it may have (unix(7))."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{_SOCKET}"
    finally:
        os.close(descriptor)
