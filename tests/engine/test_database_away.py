"""PostgreSQL goes away while the engine works, and comes back: everybody is told, nothing is lost, nobody helps."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

import waiting
from databases import Databases, PostgresServer, postgresql_server
from engine_process import PASSWORD, EngineProcess

PATIENCE = 60.0
LOGIN = {"grant_type": "password", "username": "admin@internal", "password": PASSWORD, "scope": "ovirt-app-api"}
TOKEN, LOGOUT = "/ovirt-engine/sso/oauth/token", "/ovirt-engine/services/sso-logout"
API = "/ovirt-engine/api"


until = partial(waiting.until, seconds=PATIENCE)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with postgresql_server() as server:
        yield server


@pytest.fixture
def engine(server: PostgresServer, tmp_path: Path) -> Iterator[EngineProcess]:
    databases = Databases(server.folder, "postgresql")
    options = ("--database", databases.empty(), "--simulated-hosts", "1")
    with EngineProcess(tmp_path / "data", options=options) as engine:
        yield engine


@contextmanager
def away(server: PostgresServer) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


def agent_of(engine: EngineProcess) -> int:
    """Its process, 0 when there is none."""
    return next(iter(engine.children()), 0)


def event_stream(door: httpx.Client, headers: dict[str, str], seen: list[dict[str, Any]]) -> None:
    """Follow events until the engine ends."""
    try:
        with door.stream("GET", "/netweft/v1/events?after=0", headers=headers, timeout=None) as answer:
            seen.extend(json.loads(line[5:]) for line in answer.iter_lines() if line.startswith("data:"))
    except httpx.TransportError:
        return


def test_the_database_goes_away_and_comes_back(server: PostgresServer, engine: EngineProcess) -> None:
    with engine.door() as door, engine.door() as other, engine.client() as client:
        token = door.post(TOKEN, data=LOGIN).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        until(lambda: client.list("hosts", search="name=sim-1 and status=up"))
        seen: list[dict[str, Any]] = []
        follower = threading.Thread(target=event_stream, args=(other, headers, seen), daemon=True)
        follower.start()
        until(lambda: seen)
        agent = agent_of(engine)
        job_id = ask_for_a_change(client, agent)
        with away(server):
            is_told_everywhere(door, headers)
            os.kill(agent, signal.SIGCONT)  # the host answers, and the end of the job cannot be stored
            watches_go_on(door)
        until(lambda: door.get("/health").status_code == 200)
        until(lambda: door.get(f"{API}/networks", headers=headers).status_code == 200)
        ended = until(lambda: finished(door, headers, job_id))
        assert ended["status"] == "finished", ended
        until(lambda: any(event["job_id"] == job_id for event in seen))
        assert follower.is_alive(), "the stream went on"
        waits_for_jobs_by_notification(door, headers)
        assert "netweft_database_up 1.0" in door.get("/metrics").text
        assert "Traceback" not in engine.log.read_text()


def ask_for_a_change(client: Any, agent: int) -> str:
    """A change of the host, whose job is running and hears nothing of the host yet."""
    client.add("networks", {"name": "storage", "vlan": {"id": 100}, "data_center": {"name": "Default"}})
    cluster = client.find("clusters", "Default")["id"]
    client.add(f"clusters/{cluster}/networks", {"name": "storage", "required": False})
    attachment = {"network": {"name": "storage"}, "host_nic": {"name": "eth1"}}
    host = client.find("hosts", "sim-1")["id"]
    os.kill(agent, signal.SIGSTOP)
    body = {"async": True, "modified_network_attachments": [attachment]}
    return str(client.action(f"hosts/{host}/setupnetworks", body)["job"]["id"])


def is_told_everywhere(door: httpx.Client, headers: dict[str, str]) -> None:
    body = {"Content-Type": "application/json"}
    answers = [
        door.get(API, headers=headers),
        door.get(f"{API}/networks", headers=headers | {"Accept": "application/json"}),
        door.post(
            f"{API}/networks", headers=headers | body, content=b'{"name": "x", "data_center": {"name": "Default"}}'
        ),
        door.get(f"{API}/networks", auth=("admin@internal", PASSWORD)),
        door.get(f"{API}/networks", auth=("admin@internal", "something else")),
        door.get(f"{API}/networks", headers={"Cookie": "JSESSIONID=abc"}),
        door.get("/netweft/v1/events", headers=headers),
        door.get("/netweft/v1/events?after=0", headers=headers),
    ]
    for answer in answers:
        assert answer.status_code == 503, (answer.request.url, answer.text)
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers["Netweft-Code"] == "DATABASE"
        assert "Database Failed" in answer.text
        assert "database is unavailable" in answer.text
        assert "psycopg" not in answer.text
    for path, form in ((TOKEN, LOGIN), (TOKEN, LOGIN | {"password": "wrong"}), (LOGOUT, {"token": "abc"})):
        answer = door.post(path, data=form)
        assert answer.status_code == 503, (path, answer.text)
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json()["error_code"] == "temporarily_unavailable"
    assert door.get(f"{API}/openapi.json").status_code == 200, "what needs no database is there"


def watches_go_on(door: httpx.Client) -> None:
    health = door.get("/health")
    assert (health.status_code, health.json()["status"]) == (503, "failed")
    figures = door.get("/metrics")
    assert figures.status_code == 200
    assert "netweft_database_up 0.0" in figures.text
    assert "netweft_jobs_unfinished NaN" in figures.text
    assert 'status="503"' in figures.text


def finished(door: httpx.Client, headers: dict[str, str], job_id: str) -> Any:
    job = door.get(f"{API}/jobs/{job_id}", headers=headers | {"Accept": "application/json"}).json()
    return job if job["status"] != "started" else None


def waits_for_jobs_by_notification(door: httpx.Client, headers: dict[str, str]) -> None:
    """Whoever waits for a job is woken by the database again."""
    host = door.get(f"{API}/hosts", headers=headers | {"Accept": "application/json"}).json()["host"][0]["id"]
    answer = door.post(
        f"{API}/hosts/{host}/refresh", headers=headers | {"Content-Type": "application/json"}, content=b"{}"
    )
    assert answer.status_code == 200, answer.text


def test_a_database_that_hangs_does_not_take_the_watches_along(server: PostgresServer, engine: EngineProcess) -> None:
    """Stopped, not ended: connections are open, and nothing comes back."""
    with engine.door() as door, engine.client() as client:
        until(lambda: client.list("hosts", search="name=sim-1 and status=up"))
        with hanging(server):
            assert door.get("/health").status_code == 503
            assert "netweft_database_up 0.0" in door.get("/metrics").text
        until(lambda: door.get("/health").status_code == 200)


def test_simulated_hosts_that_end_while_the_database_is_away_are_started_when_it_is_back(
    server: PostgresServer, engine: EngineProcess
) -> None:
    """To start them takes a token out of the database."""
    with engine.client() as client:
        until(lambda: client.list("hosts", search="name=sim-1 and status=up"))
    with away(server):
        os.kill(agent_of(engine), signal.SIGKILL)
        until(lambda: "simulated hosts could not be started" in engine.log.read_text())
    until(lambda: agent_of(engine))


@contextmanager
def hanging(server: PostgresServer) -> Iterator[None]:
    """The server first, as it may begin a session at any moment; then all sessions that it has begun."""
    stopped: list[int] = []

    def stop(pids: list[int]) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):  # a session that has just ended
                os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)

    try:
        stop([server.pid])
        sessions = [int(pid.name) for pid in Path("/proc").glob("[0-9]*") if is_session(pid, server)]
        assert sessions
        stop(sessions)
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def is_session(process: Path, server: PostgresServer) -> bool:
    """Whether a process is one of the server's, by where it works."""
    try:
        return int(process.name) != server.pid and (process / "cwd").resolve() == server.folder / "data"
    except OSError:
        return False
