"""The engine's clients of agents, against the agent's own server: who is talked to, and what if nobody answers."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import ssl
import struct
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet import AgentsProcess
from netweft.core.errors import HostError
from netweft.core.guest_protocol import GuestSpec
from netweft.core.protocol import ChangeRequest, Phase
from netweft.engine.agent_answers import RefusedError, UnreachableError
from netweft.engine.agent_connections import Connection, Endpoint, parse_address
from netweft.engine.agent_lines import Line
from netweft.engine.agent_wire import NotReachedError
from netweft.engine.agents import Agents
from netweft.engine.bootstrap import bootstrap
from netweft.engine.db import Database
from netweft.engine.pki import Authority, open_authority
from netweft.engine.secrets import open_box

HANGS_UP = 1000
"""How often a host hangs up at once: once in a hundred times in the moment that matters."""


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """What is tested here has nothing to do with the database, so SQLite is enough."""
    db = Database(f"sqlite:///{tmp_path}/netweft.db")
    db.migrate()
    db.run(bootstrap, tmp_path, "secret")
    yield db
    db.close()


@pytest.fixture
def authority(db: Database, tmp_path: Path) -> Authority:
    return db.run(open_authority, open_box(tmp_path))


@pytest.fixture
def agents(authority: Authority) -> Iterator[Agents]:
    agents = Agents(authority)
    yield agents
    agents.close()


@pytest.fixture
def process(db: Database, authority: Authority, tmp_path: Path) -> Iterator[AgentsProcess]:
    process = AgentsProcess(tmp_path, authority, db, 2)
    yield process
    process.stop()


def url(process: AgentsProcess, name: str = "sim-1") -> str:
    return f"https://127.0.0.1:{process.port}/{name}"


def test_addresses_are_read_in_the_ways_people_write_them() -> None:
    assert parse_address("host.example.com") == Endpoint("host.example.com", 54322)
    assert parse_address("192.0.2.1:7000") == Endpoint("192.0.2.1", 7000)
    assert parse_address("2001:db8::1") == Endpoint("2001:db8::1", 54322)
    assert parse_address("[2001:db8::1]:7000") == Endpoint("2001:db8::1", 7000)
    assert parse_address("https://192.0.2.1:7000/sim-1/") == Endpoint("192.0.2.1", 7000, "/sim-1")
    assert [str(parse_address(text)) for text in ("h", "h:7", "::1", "[::1]:7")] == ["h", "h:7", "[::1]", "[::1]:7"]
    for text in ("", "http://h", "h:x", "h:99999", "https://u@h", "https://h?x", "a b"):
        with pytest.raises(ValueError, match=r"."):
            parse_address(text)


def test_a_change_is_asked_for_seen_and_confirmed(agents: Agents, process: AgentsProcess) -> None:
    agent = agents.of(process.ids["sim-1"], url(process))
    report = agent.report()
    assert report.capabilities.hostname == "sim-1"
    assert sorted(report.host.nics) == ["eth0", "eth1", "eth2", "eth3"]
    agent.put_host(ChangeRequest(generation=1, desired=report.host, confirm_within=60.0))
    after = 0
    while (change := agent.report().change) is None or change.phase != Phase.AWAITING:
        page = agent.events(after, 5.0)
        after = max([after, *(event.id for event in page.events)])
    assert agent.confirm(1).phase in {Phase.CONFIRMED, Phase.COMMITTED}
    assert agent.commit().phase == Phase.COMMITTED
    guest = GuestSpec(id="g", name="g", driver="simulated", memory=1 << 20)
    assert agent.put_guest(guest).status == "up"
    assert [state.id for state in agent.guests()] == ["g"]
    agent.delete_guest("g")
    agent.delete_guest("g")
    assert agent.guests() == []


def test_a_refusal_says_what_the_host_said(agents: Agents, process: AgentsProcess) -> None:
    agent = agents.of(process.ids["sim-1"], url(process))
    with pytest.raises(RefusedError, match="refused") as caught:
        agent.confirm(7)
    assert caught.value.host_status == 409
    assert caught.value.refusal.message in caught.value.text


def test_another_host_at_the_address_is_not_talked_to(agents: Agents, process: AgentsProcess) -> None:
    """Also when a connection to that address, opened for the host that is there, is still open."""
    agents.of(process.ids["sim-1"], url(process)).report()
    unknown = agents.of("11111111-1111-1111-1111-111111111111", url(process))
    with pytest.raises(UnreachableError, match="certificate"):
        unknown.report()


def test_a_host_of_another_engine_is_not_talked_to(process: AgentsProcess, tmp_path: Path) -> None:
    other = Database(f"sqlite:///{tmp_path}/other.db")
    other.migrate()
    foreign = Agents(other.run(open_authority, open_box(tmp_path)))
    with pytest.raises(UnreachableError, match="certificate"):
        foreign.of(process.ids["sim-1"], url(process)).report()
    foreign.close()
    other.close()


def watch(host_id: str, endpoint: Endpoint, context: ssl.SSLContext) -> None:
    asyncio.run(Line.open(host_id, endpoint, context))


@pytest.mark.parametrize("connect", [Connection, watch])
def test_no_socket_is_left_open_by_a_host_that_hangs_up_at_once(
    monkeypatch: pytest.MonkeyPatch, connect: Callable[[str, Endpoint, ssl.SSLContext], object]
) -> None:
    """Whenever it does so: before, while, or after the engine looks at the new connection."""
    left: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", left.append)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as host, warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        hanging_up = threading.Thread(target=hang_up, args=(host, HANGS_UP))
        hanging_up.start()
        endpoint, context = Endpoint("127.0.0.1", host.getsockname()[1]), ssl.create_default_context()
        for _ in range(HANGS_UP):
            with pytest.raises(NotReachedError):
                connect("host", endpoint, context)
        hanging_up.join()
        gc.collect()
    assert left == []


def hang_up(server: socket.socket, times: int) -> None:
    """Reset so many connections."""
    for _ in range(times):
        connection, _ = server.accept()
        with connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_host_that_moved_is_found_at_its_new_address(agents: Agents, process: AgentsProcess) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        old = agents.of(process.ids["sim-1"], f"127.0.0.1:{nobody.getsockname()[1]}")
        nobody.close()
        with pytest.raises(UnreachableError):
            old.report()
    assert agents.of(process.ids["sim-1"], url(process)).report()


def test_no_connection_is_kept_after_the_end(authority: Authority, process: AgentsProcess) -> None:
    """Whoever is still asking then closes the one that he has."""
    agents = Agents(authority)
    agent = agents.of(process.ids["sim-1"], url(process))
    agent.report()
    assert connections_to(process.port) == 1
    agents.close()
    agent.report()
    assert connections_to(process.port) == 0


def connections_to(port: int) -> int:
    """How many are established, on this machine."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(line[2].endswith(f":{port:04X}") and line[3] == "01" for line in lines)


def test_what_is_no_agent_or_hangs_up_is_unreachable(agents: Agents) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:

        def hang_up() -> None:
            connection, _ = door.accept()
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(UnreachableError):
            agents.of("11111111-1111-1111-1111-111111111111", f"127.0.0.1:{door.getsockname()[1]}").confirm(1)
        thread.join()
    with pytest.raises(HostError, match="no address"):
        agents.of("11111111-1111-1111-1111-111111111111", "http://nonsense")


class Doorman:
    """Stands before an agent and passes connections on, but for the first few of those asked for."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._door.getsockname()[1]}"
        self.breaks = 0
        """Connections still to be broken."""
        self.after = 0
        """Octets of the agent's that these let through."""
        self.seen = 0
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._door.accept()
            except OSError:
                return
            self.seen += 1
            breaks, self.breaks = self.breaks > 0, max(self.breaks - 1, 0)
            limit = self.after if breaks else None
            threading.Thread(target=self._stand_between, args=(connection, limit), daemon=True).start()

    def _stand_between(self, connection: socket.socket, limit: int | None) -> None:
        with connection, socket.create_connection(("127.0.0.1", self._port)) as agent:
            there = threading.Thread(target=self._pass, args=(connection, agent, None))
            there.start()
            self._pass(agent, connection, limit)
            there.join()

    def _pass(self, source: socket.socket, target: socket.socket, limit: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while (limit is None or passed < limit) and (part := source.recv(65536)):
                passed += len(part)
                target.sendall(part)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._door.close()


@pytest.fixture
def doorman(process: AgentsProcess) -> Iterator[Doorman]:
    doorman = Doorman(process.port)
    yield doorman
    doorman.close()


@pytest.mark.parametrize("after", [0, 1])
def test_a_connection_that_breaks_fails_no_change(
    agents: Agents, process: AgentsProcess, doorman: Doorman, after: int
) -> None:
    agent = agents.of(process.ids["sim-1"], f"{doorman.url}/sim-1")
    report = agent.report()
    doorman.after = after
    agents.connections.forget(process.ids["sim-1"])
    doorman.breaks = 2
    agent.put_host(ChangeRequest(generation=1, desired=report.host, confirm_within=60.0))
    while (change := agent.report().change) is None or change.phase != Phase.AWAITING:
        time.sleep(0.01)
    doorman.breaks = 2
    assert agent.confirm(1).phase in {Phase.CONFIRMED, Phase.COMMITTED}
    agents.connections.forget(process.ids["sim-1"])
    doorman.breaks = 2
    assert agent.commit().phase == Phase.COMMITTED
    assert doorman.seen >= 10
