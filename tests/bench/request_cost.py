"""Processor time of a request: the engine's, on SQLite and PostgreSQL, and its agent's where a host is involved.

On a busy machine it is more meaningful than wall time; the clients' share is not included.
"""

from __future__ import annotations

import http.client
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from api_rate import login, network_body, nic_body
from figures import PAIRS, Figure, paired

from databases import postgresql_databases
from engine_process import EngineProcess
from fleet import ask as ask_engine
from fleet import processor_seconds

REQUESTS = 400
"""Requests of one measurement; there is one for each pair."""
MACHINES, NICS = 100, 10
"""The numbers of listed objects, and the VMs that vNICs are added to: enough for all."""
HOSTS = 4
RUNNING = 40
"""Running VMs on all hosts, at first without vNICs."""
PLUGS = 80
"""vNICs plugged into running machines in one measurement."""
CLIENTS = 8

Ask = Callable[[str, str, object], Any]


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, postgresql_databases() as postgres:
        hosts = ("--simulated-hosts", str(HOSTS))
        database = ("--database", postgres.empty())
        with (
            EngineProcess(Path(folder) / "sqlite", options=("--insecure-http", *hosts)) as sqlite,
            EngineProcess(Path(folder) / "postgresql", options=("--insecure-http", *database)) as postgresql,
        ):
            on_sqlite, on_postgresql = _Bench(sqlite, NICS), _Bench(postgresql, 0)
            return [
                *_changes(on_sqlite, on_postgresql),
                *on_sqlite.lists(),
                *on_sqlite.plugs(),
            ]


def _changes(on_sqlite: _Bench, on_postgresql: _Bench) -> list[Figure]:
    """Requests that only add rows, on both databases, alternating."""
    figures = []
    for what, add in (("POST /networks", _Bench.add_network), ("POST /vms/ID/nics, stopped VM", _Bench.add_nic)):
        pairs = [(on_sqlite.cost(add), on_postgresql.cost(add)) for _ in range(PAIRS)]
        ours = statistics.median(one for one, _ in pairs)
        figures.append(Figure(what=f"{what}, SQLite, processor of the engine", ours=ours, unit="ms", goal="1 ms"))
        words = {"unit": "ms", "goal": "<= 1.5", "floor_is": "on SQLite"}
        figures.append(paired(f"{what}, PostgreSQL, processor of the engine", pairs, **words))
    return figures


class _Bench:
    """Requests to one engine, with VMs of this number of vNICs."""

    def __init__(self, engine: EngineProcess, nics: int) -> None:
        self.engine, self.nics = engine, nics
        self.token = login(engine.address)
        with self.connection() as ask:
            self.profile = ask("GET", "/vnicprofiles?max=1", None)["vnic_profile"][0]["id"]
            self.machines = [_add_machine(ask, f"machine{number}") for number in range(MACHINES)]
            self.running = [_add_machine(ask, f"running{number}") for number in range(RUNNING)]
            self.turn = itertools.cycle(self.machines)
            for machine in self.machines:
                for _ in range(nics):
                    ask("POST", f"/vms/{machine}/nics", json.loads(nic_body(self.profile)))

    def connection(self) -> closing[_Asking]:
        """A connection of its own, as a function that sends a request and returns the answer."""
        return closing(_Asking(self.engine.address, self.token))

    def add_network(self, ask: Ask) -> None:
        ask("POST", "/networks", json.loads(network_body()))

    def add_nic(self, ask: Ask) -> None:
        """Add vNICs to a VM with few of them; they are removed again outside of the measurement."""
        ask("POST", f"/vms/{next(self.turn)}/nics", json.loads(nic_body(self.profile)))

    def cost(self, add: Callable[[_Bench, Ask], None]) -> float:
        """Milliseconds of the engine's processor for one request."""
        with self.connection() as ask:
            before = processor_seconds(self.engine.pid)
            for _ in range(REQUESTS):
                add(self, ask)
            used = processor_seconds(self.engine.pid) - before
            self._tidy(ask)
        return used / REQUESTS * 1000

    def _tidy(self, ask: Ask) -> None:
        """Restore the vNICs of the VMs."""
        for machine in self.machines:
            for nic in ask("GET", f"/vms/{machine}/nics", None).get("nic", [])[self.nics :]:
                ask("DELETE", f"/vms/{machine}/nics/{nic['id']}", None)

    def _unplug(self, ask: Ask) -> None:
        """Leave the running machines without vNICs."""
        for machine in self.running:
            for nic in ask("GET", f"/vms/{machine}/nics", None).get("nic", []):
                ask("POST", f"/vms/{machine}/nics/{nic['id']}/deactivate", {})
                ask("DELETE", f"/vms/{machine}/nics/{nic['id']}", None)

    def lists(self) -> list[Figure]:
        """All machines with their vNICs."""

        def get_lists(ask: Ask) -> None:
            found = ask("GET", "/vms?follow=nics&search=name%3Dmachine*", None)["vm"]
            assert len(found) == MACHINES
            assert all(len(vm["nics"]["nic"]) == NICS for vm in found)

        figures = []
        for clients in (1, CLIENTS):
            used, _ = self._by_clients(get_lists, 10, clients)
            what = f"GET /vms?follow=nics, {MACHINES} VMs of {NICS} vNICs, {_said(clients)}"
            figures.append(Figure(what=what, ours=used, unit="ms", goal="30 ms"))
        return figures

    def plugs(self) -> list[Figure]:
        """For machines that run on simulated hosts."""
        with self.connection() as ask:
            while len([one for one in ask("GET", "/hosts", None).get("host", []) if one["status"] == "up"]) < HOSTS:
                time.sleep(0.2)
            running = itertools.cycle(self.running)
            for machine in self.running:
                ask("POST", f"/vms/{machine}/start", {})

        def plug(ask: Ask) -> None:
            ask("POST", f"/vms/{next(running)}/nics", json.loads(nic_body(self.profile)))

        taken: dict[int, list[tuple[float, float]]] = {1: [], CLIENTS: []}
        for _, clients in itertools.product(range(PAIRS), taken):
            taken[clients].append(self._by_clients(plug, PLUGS, clients))
            with self.connection() as ask:
                self._unplug(ask)
        what = "POST /vms/ID/nics, running VM"
        pairs = [(few, many) for (_, few), (_, many) in zip(taken[1], taken[CLIENTS], strict=True)]
        ratio = [many / few for few, many in pairs]
        return [
            *(
                Figure(
                    what=f"{what}, {_said(clients)}, processor of engine and agent",
                    ours=statistics.median(used for used, _ in taken[clients]),
                    unit="ms",
                    goal="8 ms",
                )
                for clients in taken
            ),
            Figure(
                what=f"{what}, {CLIENTS} clients",
                ours=statistics.median(many for _, many in pairs),
                unit="/s",
                floor=statistics.median(few for few, _ in pairs),
                floor_is="one client",
                ratio=statistics.median(ratio),
                spread=(min(ratio), max(ratio)),
                goal=">= 1.7",
            ),
        ]

    def _by_clients(self, request: Callable[[Ask], None], count: int, clients: int) -> tuple[float, float]:
        """Milliseconds of processor of one request, engine and simulated hosts together; and requests per second."""

        def client(_: int) -> None:
            with self.connection() as ask:
                for _ in range(count // clients):
                    request(ask)

        done = count // clients * clients
        with ThreadPoolExecutor(clients) as pool:
            before, begun = self._used(), time.monotonic()
            list(pool.map(client, range(clients)))
            seconds, used = time.monotonic() - begun, self._used() - before
        return used / done * 1000, done / seconds

    def _used(self) -> float:
        return sum(map(processor_seconds, (self.engine.pid, *self.engine.children())))


class _Asking:
    """A connection of one client; calling it asks."""

    def __init__(self, address: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=60)
        self._token = token

    def __call__(self, method: str, path: str, body: object) -> Any:
        return ask_engine(self._connection, self._token, method, path, body)

    def close(self) -> None:
        self._connection.close()


def _add_machine(ask: Ask, name: str) -> str:
    where = {"cluster": {"name": "Default"}, "template": {"name": "Blank"}}
    return str(ask("POST", "/vms", {"name": name, **where})["id"])


def _said(clients: int) -> str:
    return "1 client" if clients == 1 else f"{clients} clients"
