"""Telling systemd how a service is getting on, as sd_notify(3) does."""

from __future__ import annotations

import os
import socket


def tell_systemd(state: str) -> None:
    """``READY=1``, ``STOPPING=1`` and their like; nothing when no systemd asked. Raises OSError."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify:
        notify.connect("\0" + address[1:] if address.startswith("@") else address)
        notify.sendall(state.encode())
