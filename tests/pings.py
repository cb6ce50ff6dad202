"""Pings that go on while a test does something, none of which may be lost."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryFile

_COUNT = 100
"""Packets before, and after, at 10 ms from one to the next."""

_PATIENCE = 30.0
"""Seconds that ping has to end."""


@contextmanager
def no_ping_lost(namespace: str, *addresses: str) -> Iterator[None]:
    """Ping addresses from a namespace every 10 ms; raises AssertionError when one was not answered."""
    command = ["ip", "netns", "exec", namespace, "ping", "-n", "-i", "0.01"]
    with ExitStack() as stack:
        files = [stack.enter_context(TemporaryFile("w+")) for _ in addresses]
        running = [subprocess.Popen([*command, to], stdout=file) for to, file in zip(addresses, files, strict=True)]
        try:
            for address in addresses:
                subprocess.run([*command, "-c", str(_COUNT), address], check=True, capture_output=True)
            yield
            for address in addresses:  # while the others go on
                subprocess.run([*command, "-c", str(_COUNT), address], check=True, capture_output=True)
        finally:
            for ping in running:
                ping.send_signal(signal.SIGINT)
            for ping in running:
                ping.wait(_PATIENCE)
        for file in files:
            file.seek(0)
            text = file.read()
            replies = [int(number) for number in re.findall(r"bytes from .* icmp_seq=(\d+)", text)]
            assert len(replies) >= _COUNT, text
            assert replies == list(range(replies[0], replies[0] + len(replies))), text
