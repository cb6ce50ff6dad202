"""Notifies systemd of the state of a service, as sd_notify(3) does."""

from __future__ import annotations

import logging
import os
import socket

log = logging.getLogger(__name__)


def notify_systemd(state: str) -> None:
    """``READY=1``, ``STOPPING=1`` and their like; nothing when no systemd asked.

    A failed notification is logged and not an error: whoever starts a program out of a service hands that service's
    socket on to it.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify:
            notify.connect("\0" + address[1:] if address.startswith("@") else address)
            notify.sendall(state.encode())
    except OSError as error:
        log.warning("systemd cannot be notified of %s: %s", state, error)
