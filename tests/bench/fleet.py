"""Cost of a fleet: an engine on SQLite with a number of simulated hosts, beside the same with 100 of them.

Each line must grow no faster than the fleet. A line that exceeds its limit is reported as not reached, and the next one
is measured anyway. Under each time is what the engine took of a processor for it, which other work on the machine
changes less.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import signal
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from api_rate import login
from figures import Figure
from memory import resident_mib

from engine_process import EngineProcess
from many_vnics import make_vnics

HOSTS, BESIDE = 1000, 100
CLIENTS = 8
NETWORKS, VNICS_PER_HOST, VNICS_PER_MACHINE = 20, 20, 20
SETUPS = 20
"""Of other hosts, while half of them do not answer."""
IDLE = 20.0
"""Seconds for which the idle engine is measured."""
PATIENCE = 3
"""The multiple of its goal at which a line is reported as not reached."""


@dataclass(frozen=True, slots=True)
class Line:
    """A measured value; ``reached``: within the limit."""

    value: float
    unit: str
    goal: str
    reached: bool = True


def measure(hosts: str = str(HOSTS)) -> list[Figure]:
    """The table for this number of hosts."""
    beside = lines(BESIDE)
    there = lines(int(hosts)) if int(hosts) != BESIDE else beside
    return [
        Figure(
            what=what.format(f"{int(hosts):,}"),
            ours=line.value,
            unit=line.unit,
            goal=line.goal,
            missed=not line.reached,
            floor=beside[what].value if what in beside else None,
            ratio=line.value / beside[what].value if beside.get(what, line).value else None,
            floor_is=f"the same with {BESIDE}" if what in beside else "",
        )
        for what, line in there.items()
    ]


def lines(count: int) -> dict[str, Line]:
    """All lines for a fleet of this size, by name."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("--insecure-http", "--simulated-hosts", str(count))
        engine = EngineProcess(Path(folder), options=options, anew=True)
        fleet = Fleet(engine, count)
        try:
            fleet.come_up()
            fleet.come_back()
            with fleet.watched():
                fleet.set_up()
                fleet.change_vlan()
            fleet.list()
            fleet.cut_power()
            fleet.fill()
            fleet.rest()
        finally:
            engine.stop()
        return fleet.found


@dataclass
class Fleet:
    """An engine with its hosts, and the figures so far."""

    engine: EngineProcess
    count: int
    found: dict[str, Line] = field(default_factory=dict)
    token: str = ""
    hosts: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)

    def come_up(self) -> None:
        """From an empty database until all hosts are up."""
        begun = time.monotonic()
        self.engine.start()
        self.token = login(self.engine.address)
        self._until("{} hosts up from nothing", 60, self._all_up, begun, 0.0)

    def come_back(self) -> None:
        """From a start with all hosts known until the API answers, and until each host has been seen again."""
        self.engine.stop()
        self._sql("UPDATE hosts SET status = 'non_responsive'")  # which the first report of a host sets to "up" again
        begun = time.monotonic()
        self.engine.start()
        self.token = login(self.engine.address)
        self._note("engine restarted, {} hosts known: first answer", time.monotonic() - begun, "s", "3 s")
        self._until("all {} seen", 30, self._all_up, begun, 0.0)
        self.hosts = [str(one["id"]) for one in self._get("/hosts")["host"] if one["status"] == "up"]

    def set_up(self) -> None:
        """A setup of one network on each host, by concurrent clients."""
        self.networks = [self._add_network(100)]
        begun, used = time.monotonic(), processor_seconds(self.engine.pid)
        end = begun + 60 * PATIENCE
        done = self._by_clients(lambda post, host: post(*_setup(host, self.networks)), end)
        self._sum_up(f"a setup of one network on each of {{}} hosts, {CLIENTS} clients", 60, begun, used, done=done)

    def change_vlan(self) -> None:
        """Another VLAN for the network, which reaches each host in its turn."""
        begun, used = time.monotonic(), processor_seconds(self.engine.pid)
        connection = http.client.HTTPConnection(self.engine.address, timeout=30 * PATIENCE)
        with closing(connection):
            ask(connection, self.token, "PUT", f"/networks/{self.networks[0]}", {"vlan": {"id": 200}})
        self._until("a rollout of another VLAN to {} hosts, ten at a time", 60, self._all_taken, begun, used)
        self._note("engine's memory after it", resident_mib(self.engine.pid), "MiB", "< 1024 MiB")

    def list(self) -> None:
        """Lists of the whole fleet."""
        for what, query, goal in (
            ("GET /hosts of {}", "", "0.3 s"),
            ("the same with follow=network_attachments,nics", "?follow=network_attachments,nics", "2 s"),
            ("the last 100 of {} hosts, by name", "?follow=cluster&max=100&search=sortby+name+desc", "0.2 s"),
        ):
            self._time_read(what, f"/hosts{query}", goal)

    def cut_power(self) -> None:
        """Half of the hosts do not answer until they count as lost, and then answer at once: the time of another host's
        setup during both phases.
        """
        spare = self._add_network(250)
        parts = self.engine.children()
        if len(parts) < 2:  # a machine with one processor simulates all hosts in one program
            return
        os.kill(parts[0], signal.SIGSTOP)
        try:
            assert self._wait_until(self._half_lost, time.monotonic() + 300)
            others = itertools.cycle([str(one["id"]) for one in self._get("/hosts?search=status%3Dup")["host"]])
            silent = [self._switch(next(others), spare) for _ in range(SETUPS)]
        finally:
            os.kill(parts[0], signal.SIGCONT)
        begun, meanwhile = time.monotonic(), list[float]()
        while not self._all_up() and time.monotonic() < begun + 30 * PATIENCE:
            meanwhile.append(self._switch(next(others), spare))
        self._note("half of {} hosts back at once: all seen", time.monotonic() - begun, "s", "30 s")
        self._note("a setup of another host while they are silent, p50", statistics.median(silent) * 1000, "ms", "")
        self._note("and while they come back, p50", statistics.median(meanwhile) * 1000, "ms", "")
        self._note("longest", max(meanwhile) * 1000, "ms", "")

    def _half_lost(self) -> bool:
        return self._count("non_responsive") >= self.count // 2

    def _switch(self, host: str, network: str) -> float:
        """Seconds that a setup takes: give a host a network, or take it away again."""
        there = self._get(f"/hosts/{host}/networkattachments")["network_attachment"]
        gone = [{"id": one["id"]} for one in there if one["network"]["id"] == network]
        path, body = _setup(host, [network])
        if gone:
            body = {"removed_network_attachments": {"network_attachment": gone}}
        with closing(http.client.HTTPConnection(self.engine.address, timeout=120)) as connection:
            return _timed(lambda: ask(connection, self.token, "POST", path, body))

    def fill(self) -> None:
        """The engine's memory with more networks on each host, and vNICs."""
        self.networks += [self._add_network(300 + number) for number in range(NETWORKS - 1)]
        end = time.monotonic() + 60 * PATIENCE
        done = self._by_clients(lambda post, host: post(*_setup(host, self.networks[1:])), end)
        desired = self.count * VNICS_PER_HOST
        profile = self._get("/vnicprofiles?max=1")["vnic_profile"][0]["id"]
        machines = [self._add_machine(number) for number in range(desired // VNICS_PER_MACHINE)]
        made = make_vnics(self.engine.address, self.token, profile, machines, desired, CLIENTS)
        what = f"engine's memory, {{}} hosts of {NETWORKS} networks, {VNICS_PER_HOST} vNICs for each"
        if done < len(self.hosts):
            what += f" ({done} hosts of {NETWORKS} within the time, the others of one)"
        assert len(made) == desired
        self._note(what, resident_mib(self.engine.pid), "MiB", "600 MiB")
        hosts = "/netweft/v1/rows/hosts?max=100&search="
        self._time_read("the last 100 of the hosts with what is on them, by name", f"{hosts}sortby+name+desc", "0.2 s")
        self._time_read("the 100 of them that carry most networks", f"{hosts}sortby+networks+desc", "0.2 s")
        rows = "/netweft/v1/rows/vnics?max=100&search="
        self._time_read("the last 100 of their vNICs, by virtual machine", f"{rows}sortby+vm+desc", "0.2 s")
        fields = ("vm", "name", "network", "profile", "mac", "address")
        search = quote(" or ".join(f'{field}="*1*"' for field in fields))
        self._time_read("100 of them that have a digit anywhere", f"{rows}{search}", "0.2 s")

    def rest(self) -> None:
        """The idle engine."""
        self._wait_until(lambda: self._open_jobs() == 0, time.monotonic() + 60)
        time.sleep(5)
        before = processor_seconds(self.engine.pid)
        time.sleep(IDLE)
        used = processor_seconds(self.engine.pid) - before
        self._note("idle engine with {} hosts, of one processor", used / IDLE * 100, "%", "3 %")

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Request a page of hosts repeatedly meanwhile."""
        over, taken = threading.Event(), list[float]()

        def get_page() -> None:
            with closing(http.client.HTTPConnection(self.engine.address, timeout=60)) as connection:
                while not over.wait(0.05):
                    taken.append(_timed(lambda: ask(connection, self.token, "GET", "/hosts?max=20")))

        thread = threading.Thread(target=get_page)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        parts = statistics.quantiles(taken, n=100)
        self._note("GET /hosts?max=20 meanwhile, {} hosts, p50", parts[49] * 1000, "ms", "20 ms")
        self._note("p99", parts[98] * 1000, "ms", "100 ms")

    def _time_read(self, what: str, path: str, goal: str) -> None:
        self._note(what, statistics.median(_timed(lambda: self._get(path)) for _ in range(5)), "s", goal)

    def _until(self, what: str, goal: float, is_over: Callable[[], bool], begun: float, used: float) -> None:
        reached = self._wait_until(is_over, begun + goal * PATIENCE)
        self._sum_up(what, goal, begun, used, done=self.count if reached else 0)

    def _sum_up(self, what: str, goal: float, begun: float, used: float, *, done: int) -> None:
        taken = time.monotonic() - begun
        self.found[what] = Line(taken, "s", f"{goal:g} s", reached=done == self.count)
        self._note(f"{what}: the engine's processor", processor_seconds(self.engine.pid) - used, "s", "")

    def _note(self, what: str, value: float, unit: str, goal: str) -> None:
        self.found[what] = Line(value, unit, goal)

    def _wait_until(self, is_over: Callable[[], bool], end: float) -> bool:
        while not is_over():
            if time.monotonic() > end:
                return False
            time.sleep(0.25)
        return True

    def _all_up(self) -> bool:
        return self._count("up") == self.count

    def _count(self, status: str) -> int:
        """The number of hosts in a status."""
        with closing(http.client.HTTPConnection(self.engine.address, timeout=60)) as connection:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        found = re.search(rf'netweft_hosts\{{status="{status}"\}} ([0-9.]+)', text)
        return int(float(found[1])) if found else 0

    def _all_taken(self) -> bool:
        """Whether every host has changed, and is in its desired state."""
        row = self._sql("SELECT status FROM rollouts ORDER BY number DESC LIMIT 1")[0]
        return str(row[0]) == "succeeded" and self._in_sync()

    def _in_sync(self) -> bool:
        hosts = self._get("/hosts?follow=network_attachments")["host"]
        carried = [
            one
            for host in hosts
            for one in host["network_attachments"]["network_attachment"]
            if one["network"]["id"] == self.networks[0]
        ]
        return len(carried) == len(self.hosts) and all(one["in_sync"] == "true" for one in carried)

    def _open_jobs(self) -> int:
        return int(self._sql("SELECT count(*) FROM jobs WHERE status = 'started'")[0][0])

    def _sql(self, statement: str) -> list[Any]:
        with closing(sqlite3.connect(self.engine.data / "netweft.db", timeout=60)) as database, database:
            return database.execute(statement).fetchall()

    def _get(self, path: str) -> Any:
        with closing(http.client.HTTPConnection(self.engine.address, timeout=120)) as connection:
            return ask(connection, self.token, "GET", path)

    def _add(self, path: str, body: Any) -> str:
        with closing(http.client.HTTPConnection(self.engine.address, timeout=120)) as connection:
            return str(ask(connection, self.token, "POST", path, body)["id"])

    def _add_network(self, vlan: int) -> str:
        default = {"name": "Default"}
        network = self._add("/networks", {"name": f"vlan{vlan}", "vlan": {"id": vlan}, "data_center": default})
        cluster = self._get("/clusters?search=name%3DDefault")["cluster"][0]["id"]
        self._add(f"/clusters/{cluster}/networks", {"id": network, "required": False})
        return network

    def _add_machine(self, number: int) -> str:
        where = {"cluster": {"name": "Default"}, "template": {"name": "Blank"}}
        return self._add("/vms", {"name": f"machine{number}", **where})

    def _by_clients(self, work: Callable[[Callable[..., Any], str], object], end: float) -> int:
        """Call a function for each host by concurrent clients, each with a connection of its own; returns the number of
        calls.
        """

        def client(mine: Sequence[str]) -> int:
            done = 0
            with closing(http.client.HTTPConnection(self.engine.address, timeout=180)) as connection:
                for host in mine:
                    if time.monotonic() > end:
                        break
                    work(lambda path, body: ask(connection, self.token, "POST", path, body), host)
                    done += 1
            return done

        shares = [list(islice(self.hosts, number, None, CLIENTS)) for number in range(CLIENTS)]
        with ThreadPoolExecutor(CLIENTS) as pool:
            return sum(pool.map(client, shares))


def _setup(host: str, networks: Sequence[str]) -> tuple[str, dict[str, Any]]:
    attachments = [{"network": {"id": network}, "host_nic": {"name": "eth1"}} for network in networks]
    return f"/hosts/{host}/setupnetworks", {"modified_network_attachments": {"network_attachment": attachments}}


def ask(connection: http.client.HTTPConnection, token: str, method: str, path: str, body: object = None) -> Any:
    """The answer to a request. ``path``: below oVirt's API, unless it is of our own."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json"}
    root = "" if path.startswith("/netweft/") else "/ovirt-engine/api"
    connection.request(method, f"{root}{path}", None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status < 300, content
    return json.loads(content or b"{}")


def _timed(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def processor_seconds(pid: int) -> float:
    """The processor time of a process so far."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")
