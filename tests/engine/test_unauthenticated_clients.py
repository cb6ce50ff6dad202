"""A thousand clients that never log in hardly slow the engine down for its users."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import unauthenticated_clients
from engine_process import PASSWORD, EngineProcess
from netweft.client import Client

IDLE, SLOW, ENDLESS = 1000, 500, 5
CROWD = (
    f"silent={IDLE // 2}", f"idle={IDLE // 2}", f"slow-head={SLOW // 2}", f"slow-body={SLOW // 2}",
    f"endless={ENDLESS}", "many=5", "pipeline=5", "large-body=50",
)  # fmt: skip
DESCRIPTORS = 1024
"""Files that the engine may have open, as many as most systems let it; fewer than there are unauthenticated clients."""
ROUNDS = 20
LONGEST, PAUSE = 1.0, 5.0
"""Seconds that a request of a user may take (most take 10 ms), and for how long the machine may stand still once
meanwhile, which is no matter of the engine's.
"""
GROWTH = 200
"""MiB by which the engine may grow for unauthenticated clients. A body of each would be far more."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineProcess]:
    with EngineProcess(tmp_path / "data", options=("--simulated-hosts", "1"), descriptors=DESCRIPTORS) as engine:
        yield engine


@contextmanager
def crowd(address: str, *counts: str) -> Iterator[None]:
    """Run so many unauthenticated clients meanwhile. Some must have been cut off, or the test proves nothing."""
    command = [sys.executable, str(unauthenticated_clients.__file__), address, *counts]
    program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        yield
        cut, _ = program.communicate(timeout=60)
        assert int(cut) > 0
    finally:
        program.kill()
        program.communicate()


def test_users_hardly_notice_a_thousand_unauthenticated_clients(engine: EngineProcess) -> None:
    with engine.client() as client:
        host = host_that_is_up(client)
        network = client.add("networks", {"name": "blue", "data_center": {"name": "Default"}, "vlan": {"id": 7}})
        cluster = client.list("clusters")[0]["id"]
        client.add(f"clusters/{cluster}/networks", {"id": network["id"], "required": False})
        before = resident(engine.pid)
        with crowd(engine.address, *CROWD):
            taken = times(engine, client)
            client.action(f"hosts/{host}/setupnetworks", attachment(client, host, network["id"]))
            assert attached(client, host, network["id"])
            assert descriptors(engine.pid) < DESCRIPTORS // 2 + 100
            grown = resident(engine.pid) - before
        *usual, longest = sorted(taken)
        assert max(usual) < LONGEST, taken
        assert longest < PAUSE, taken
        assert grown < GROWTH, f"{before} MiB, then {grown} MiB more"
    assert "Traceback" not in engine.log.read_text()
    assert "Too many open files" not in engine.log.read_text()


def times(engine: EngineProcess, client: Client) -> list[float]:
    """Seconds that reads take, over a kept connection and over a new one for each."""
    taken = []
    trust = ssl.create_default_context(cafile=str(engine.ca))
    token = httpx.post(
        f"{engine.url}/ovirt-engine/sso/oauth/token",
        data={"grant_type": "password", "username": "admin@internal", "password": PASSWORD},
        verify=trust, trust_env=False, timeout=30,
    ).json()["access_token"]  # fmt: skip
    for _ in range(ROUNDS):
        begun = time.monotonic()
        client.list("networks")
        taken.append(time.monotonic() - begun)
        begun = time.monotonic()
        headers = {"Authorization": f"Bearer {token}"}
        httpx.get(
            f"{engine.url}/ovirt-engine/api/hosts", headers=headers, verify=trust, trust_env=False, timeout=30
        ).raise_for_status()
        taken.append(time.monotonic() - begun)
        time.sleep(0.2)
    return taken


def host_that_is_up(client: Client) -> str:
    deadline = time.monotonic() + 60
    while True:
        found = [host["id"] for host in client.list("hosts") if host["status"] == "up"]
        if found:
            return str(found[0])
        assert time.monotonic() < deadline, "the simulated host did not come up"
        time.sleep(0.2)


def attachment(client: Client, host: str, network: str) -> dict[str, object]:
    nic = next(nic for nic in client.list(f"hosts/{host}/nics") if nic["name"] == "eth1")
    return {
        "modified_network_attachments": [{"network": {"id": network}, "host_nic": {"id": nic["id"]}}],
        "check_connectivity": True,
        "connectivity_timeout": 60,
    }


def attached(client: Client, host: str, network: str) -> bool:
    return network in {found["network"]["id"] for found in client.list(f"hosts/{host}/networkattachments")}


def resident(pid: int) -> int:
    """MiB of memory that a process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
