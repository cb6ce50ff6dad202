"""Requests to an ovn-controller that answers wrongly; real ones are in the suite of providers."""

from __future__ import annotations

import socket
import tempfile
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from netweft.agent.ovn_controller import why_not_connected

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nl") as name:  # a socket's address is short
        yield Path(name)


@contextmanager
def answering(path: Path, *parts: bytes) -> Iterator[None]:
    """A server at a control socket that sends this to its first client and closes the connection."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer() -> None:
            with listener.accept()[0] as connection:
                connection.recv(4096)
                for part in parts:
                    connection.sendall(part)

        thread = Thread(target=answer)
        thread.start()
        yield
        thread.join()


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ((b'{"id":0,"result":"conn', b'ected\\n","error":null}'), ""),
        ((b'{"id":0,"result":"not connected\\n","error":null}',), "ovn-controller is not connected"),
        (
            (b'{"id":0,"result":null,"error":"\\"connection-status\\" is not a valid command\\n"}',),
            "not a valid command",
        ),
        ((b'{"id":0',), "ovn-controller does not answer (it closed the connection)"),
        ((), "ovn-controller does not answer (it closed the connection)"),
    ],
)
def test_answers(folder: Path, parts: tuple[bytes, ...], reason: str) -> None:
    with answering(folder / "ovn-controller.7.ctl", *parts):
        found = why_not_connected(folder)
    assert (reason in found) if reason else found == ""


def test_without_ovn_controller(folder: Path) -> None:
    """No folder, no control socket, or one that an ended process has left."""
    none = "ovn-controller does not run"
    assert why_not_connected(folder / "missing") == none
    assert why_not_connected(folder) == none
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / "ovn-controller.7.ctl"))
    assert why_not_connected(folder) == none
