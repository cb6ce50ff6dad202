"""A change of many real hosts: a wrong VLAN of the management network cuts off at most one of them."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from e2e.site import Site, site, wait

HOSTS = 10
DEADLINE = 60.0
"""Seconds that a host waits to be confirmed."""


@pytest.fixture
def ten(tmp_path: Path) -> Iterator[Site]:
    lines = ["name: ten-hosts", "engine: {address: 198.51.109.1/24}", "hosts:"]
    for number in range(HOSTS):
        nics = "nics: {eth0: {access: 4094}, eth1: {}}"
        lines += [f"  host-{number}:", f"    address: 198.51.109.{11 + number}/24", f"    {nics}"]
    file = tmp_path / "ten-hosts.yaml"
    file.write_text("\n".join(lines))
    with site(tmp_path, file, "198.51.109.1") as whole:
        yield whole


_PING = ("ping", "-n", "-c", "1", "-W", "2")


class Pings:
    """Probes every host repeatedly, and records which did not answer."""

    def __init__(self, place: Site) -> None:
        self._addresses = {name: host.address.partition("/")[0] for name, host in place.place.hosts.items()}
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(name,)) for name in self._addresses]
        self.silences: dict[str, list[tuple[float, float]]] = {name: [] for name in self._addresses}

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, name: str) -> None:
        since = None
        while not self._over.wait(0.2):
            answers = subprocess.run((*_PING, self._addresses[name]), check=False, capture_output=True).returncode == 0
            now = time.monotonic()
            if answers and since is not None:
                self.silences[name].append((since, now))
            since = None if answers else since or now
        if since is not None:
            self.silences[name].append((since, time.monotonic()))

    def at_once(self) -> int:
        """How many hosts were silent at the same time, at most."""
        moments = sorted(start for found in self.silences.values() for start, _ in found)
        return max(
            (sum(any(a <= moment < b for a, b in found) for found in self.silences.values()) for moment in moments),
            default=0,
        )


def test_wrong_vlan_of_the_management_network_cuts_off_one_host_at_most(ten: Site) -> None:
    network = ten.client.find("networks", "ovirtmgmt")
    with Pings(ten) as pings:
        ten.client.update(f"networks/{network['id']}", {"vlan": {"id": 50}})

        def halted() -> bool:
            return bool(ten.client.addition("GET", "rollouts")[0]["status"] == "halted")

        wait("the rollout is halted", halted, 3 * DEADLINE)
        wait("all hosts are up", lambda: all(ten.status(name) == "up" for name in pings.silences), DEADLINE)
    one = ten.client.addition("GET", f"rollouts/{ten.client.addition('GET', 'rollouts')[0]['id']}")
    assert one["states"] == {"failed": 1, "waiting": HOSTS - 1}
    assert pings.at_once() == 1
    silent = {name: found for name, found in pings.silences.items() if found}
    assert list(silent) == ["host-0"]
    assert sum(end - start for start, end in silent["host-0"]) < DEADLINE + 15
    ten.client.addition("POST", f"rollouts/{one['id']}/revert", {})
    wait("the change is taken back", lambda: "vlan" not in ten.client.get(f"networks/{network['id']}"), DEADLINE)
    listed = ten.client.list("hosts")
    assert [host.get("networks_in_sync") for host in listed] == HOSTS * ["true"]
