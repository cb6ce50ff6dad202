"""Notifications to systemd: to the socket in NOTIFY_SOCKET only."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import pytest

from netweft.systemd import notify_systemd


@pytest.mark.parametrize("name", ["{folder}/notify", "@netweft-{folder}"])
def test_the_named_socket_is_notified(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = name.format(folder=tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name.replace("@", "\0"))
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        notify_systemd("READY=1")
        assert systemd.recv(100) == b"READY=1"


def test_without_a_socket_nothing_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    with caplog.at_level(logging.WARNING):
        notify_systemd("READY=1")
        assert not caplog.records
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "of another service"))
        notify_systemd("READY=1")
    assert "systemd cannot be notified of READY=1" in caplog.text
