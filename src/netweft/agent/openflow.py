"""Sends a frame through an Open vSwitch bridge as if it had come from one of its ports.

The bridge learns the sender, tags the frame with the port's VLAN and selects a member of a bond, as for every frame of
that port. Each bridge of ovs-vswitchd serves OpenFlow at a Unix socket named after it (ovs-vswitchd.conf.db(5), table
Controller); OpenFlow 1.0 (section 5) is sufficient.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEADER = struct.Struct("!BBHI")
_PACKET_OUT = struct.Struct("!IHH")
_OUTPUT = struct.Struct("!HHHH")

_VERSION, _HELLO, _PACKET_OUT_TYPE, _BARRIER_REQUEST, _BARRIER_REPLY, _ERROR = 1, 0, 13, 18, 19, 1
_NO_BUFFER = 0xFFFFFFFF
_NORMAL = 0xFFFA
"""The reserved port for normal switching (OFPP_NORMAL)."""
_TIMEOUT = 2.0
"""Seconds for each answer of ovs-vswitchd."""


def send_as_ports(socket_path: str | os.PathLike[str], frames: Iterable[tuple[int, bytes]]) -> None:
    """Send each frame as if the port with that OpenFlow number had. Raises OSError."""
    out = b"".join(_message(_PACKET_OUT_TYPE, _packet_out(port, frame)) for port, frame in frames)
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.settimeout(_TIMEOUT)
        endpoint.connect(os.fspath(socket_path))
        endpoint.sendall(_message(_HELLO) + out + _message(_BARRIER_REQUEST))
        with endpoint.makefile("rb") as answers:
            _await_barrier(answers)


def _await_barrier(answers: BinaryIO) -> None:
    while True:
        header = answers.read(_HEADER.size)
        if len(header) < _HEADER.size:
            raise ConnectionError("ovs-vswitchd closed the connection")
        _, kind, length, _ = _HEADER.unpack(header)
        body = answers.read(length - _HEADER.size)
        if kind == _ERROR:
            raise OSError(f"ovs-vswitchd refused an OpenFlow message: {body.hex()}")
        if kind == _BARRIER_REPLY:
            return


def _message(kind: int, body: bytes = b"") -> bytes:
    return _HEADER.pack(_VERSION, kind, _HEADER.size + len(body), 0) + body


def _packet_out(port: int, frame: bytes) -> bytes:
    action = _OUTPUT.pack(0, _OUTPUT.size, _NORMAL, 0)
    return _PACKET_OUT.pack(_NO_BUFFER, port, len(action)) + action + frame
