"""The site of the end-to-end tests: a lab of two hosts, the engine that manages them, and queries of both."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine_process import EngineProcess
from netweft import lab
from netweft.cli.labs import add_host, join_of
from netweft.client import ApiError, Client, UnreachableError

EXAMPLE = Path(__file__).parents[2] / "examples" / "two-hosts.yaml"
CLUSTER = "racks"
HOST = "alpha"


@dataclass
class Site:
    """The lab, the engine, and a client that is logged in."""

    place: lab.Lab
    engine: EngineProcess
    client: Client

    def host_id(self, name: str = HOST) -> str:
        return str(self.client.find("hosts", name)["id"])

    def status(self, name: str = HOST) -> str:
        return str(self.client.find("hosts", name)["status"])

    def add_network(self, name: str, vlan: int) -> None:
        """Add a network of the cluster, unless it exists."""
        try:
            self.client.find("networks", name)
        except ApiError:
            body = {"name": name, "vlan": {"id": vlan}, "data_center": {"name": "Default"}}
            network = self.client.add("networks", body)
            cluster = self.client.find("clusters", CLUSTER)["id"]
            self.client.add(f"clusters/{cluster}/networks", {"id": network["id"], "required": False})

    def attached(self, name: str = HOST) -> set[str]:
        """Names of the networks that are attached to the host according to the engine."""
        names = {network["id"]: network["name"] for network in self.client.list("networks")}
        return {
            names[item["network"]["id"]] for item in self.client.list(f"hosts/{self.host_id(name)}/networkattachments")
        }

    def attach(self, *networks: str, nic: str = "eth1", host: str = HOST, **options: Any) -> str:
        """Request networks on a NIC; returns the job at once."""
        body = {
            "modified_network_attachments": [
                {"network": {"name": name}, "host_nic": {"name": nic}} for name in networks
            ],
            "check_connectivity": True,
            "connectivity_timeout": 5,
            "async": True,
            **options,
        }
        return str(self.client.action(f"hosts/{self.host_id(host)}/setupnetworks", body)["job"]["id"])

    def detach(self, *networks: str, host: str = HOST) -> None:
        """Detach networks from a host, and wait for the outcome."""
        names = {network["id"]: network["name"] for network in self.client.list("networks")}
        found = self.client.list(f"hosts/{self.host_id(host)}/networkattachments")
        gone = [{"id": item["id"]} for item in found if names[item["network"]["id"]] in networks]
        if gone:
            self.client.action(f"hosts/{self.host_id(host)}/setupnetworks", {"removed_network_attachments": gone})

    def outcome(self, job: str, seconds: float = 90) -> dict[str, Any]:
        """The outcome of a job; polled also while the engine is unreachable."""

        def ended() -> dict[str, Any] | None:
            progress = self.client.addition("GET", f"jobs/{job}")
            return progress if progress["status"] != "started" else None

        return wait(f"the end of job {job}", ended, seconds)

    def on_host(self, name: str = HOST) -> set[str]:
        """Names of the networks in the host's kernel: internal ports are links with their names."""
        listed = json.loads(self.place.run(name, "ip", "-j", "link").stdout)
        return {link["ifname"] for link in listed}

    def phase(self, name: str = HOST) -> str:
        """The phase of the host's last change, as stored by its agent."""
        return self.change(name)[1]

    def change(self, name: str = HOST) -> tuple[int, str]:
        """The generation and the phase of the host's last change."""
        path = self.place.folder / "hosts" / name / "state" / "state.json"
        try:
            change = json.loads(path.read_bytes())["change"]
        except (OSError, ValueError):
            return 0, ""
        return (change["generation"], change["phase"]) if change else (0, "")

    def agent_pid(self, name: str = HOST) -> int:
        return self.place.agent_pid(name)


def wait(what: str, holds: Callable[[], Any], seconds: float = 60) -> Any:
    """Poll until a condition holds; an engine or host may be unreachable meanwhile."""
    deadline = time.monotonic() + seconds
    last: Exception | None = None
    while time.monotonic() < deadline:
        try:
            found = holds()
        except (UnreachableError, ApiError) as error:
            found, last = None, error
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}; last error: {last}")


@contextmanager
def site(
    folder: Path,
    file: Path = EXAMPLE,
    address: str = "198.51.100.1",
    switch_type: str = "ovs",
    options: tuple[str, ...] = (),
) -> Iterator[Site]:
    """Build everything; the hosts are up in a cluster that switches with Open vSwitch, or (``legacy``) Linux bridges.

    ``address``: the engine's, as the lab's file has it; ``options``: more for the engine.
    """
    place = lab.up(file, folder / "lab")
    try:
        with (
            EngineProcess(folder / "engine", listen=f"{address}:0", options=options) as engine,
            engine.client() as client,
        ):
            whole = Site(place, engine, client)
            client.add("clusters", {"name": CLUSTER, "switch_type": switch_type, "data_center": {"name": "Default"}})
            for name, host in place.hosts.items():
                place.start_agent(name, join_of(client, add_host(client, name, host.address, CLUSTER)))
            for name in place.hosts:
                wait(f"host {name} is up", lambda name=name: whole.status(name) == "up")
            yield whole
    finally:
        place.down()


@contextmanager
def stopped_in_phase(whole: Site, desired: str, pid: int) -> Iterator[threading.Event]:
    """Stop a process as soon as the host's next change is in a phase; the event tells whether that succeeded.

    A phase may end before it is detected; then the process continues and is observed further.
    """
    caught, end = threading.Event(), threading.Event()
    before, _ = whole.change()

    def is_there() -> bool:
        generation, phase = whole.change()
        return generation > before and phase == desired

    def watch() -> None:
        while not end.is_set():
            if is_there():
                os.kill(pid, signal.SIGSTOP)
                if is_there():
                    caught.set()
                    return
                os.kill(pid, signal.SIGCONT)
            time.sleep(0.0005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield caught
    finally:
        end.set()
        watcher.join()
