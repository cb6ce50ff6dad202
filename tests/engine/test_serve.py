"""``netweft serve`` as a program: started, asked, killed, started again."""

from __future__ import annotations

import os
import pwd
import re
import signal
import sqlite3
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import pytest

import waiting
from netweft.core.simulated_fleet import BLOCK
from netweft.engine.data_folder import FolderError, open_folder
from processes import children, is_running
from program import Done, Forked, New, Program, Start, run_forked

PATIENCE = 60.0


@dataclass
class Engine:
    """A running ``netweft serve``."""

    data: Path
    program: Program
    urls: list[str] = field(default_factory=list)
    fingerprint: str = ""

    def client(self, password: str | None = None) -> httpx.Client:
        context = ssl.create_default_context(cafile=self.data / "ca.pem")
        known = password or (self.data / "admin-password").read_text().strip()
        return httpx.Client(base_url=self.urls[0], verify=context, auth=("admin@internal", known), trust_env=False)

    def children(self) -> list[int]:
        return [one.pid for one in children(self.program.pid)]

    def read(self, said: str) -> bool:
        """Take over where it serves from what it has printed; whether that is all."""
        lines = [line.partition(" ")[::2] for line in said.splitlines()]
        self.urls = [rest.removesuffix("/ovirt-engine/api") for kind, rest in lines if kind == "serving"]
        self.fingerprint = next((rest for kind, rest in lines if kind == "ca-fingerprint"), "")
        return bool(self.fingerprint)


@contextmanager
def serve(
    data: Path, *options: str, within: tuple[str, ...] = (), is_killed: bool = False, **environment: str
) -> Iterator[Engine]:
    """``within``: a command that runs the engine; ``is_killed``: at the end of the block, instead of asked to end."""
    listen = () if "--listen" in options else ("--listen", "127.0.0.1:0")
    words = ("serve", "--data", str(data), *listen, *options)
    said, log = data.parent / "serve.out", data.parent / "serve.log"
    said.unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    with_warnings = {**os.environ, "PYTHONWARNINGS": "error", **environment}
    start = Start(words, with_warnings, stdout=said, stderr=log)
    program = New(start, within) if within else Forked(start)
    engine = Engine(data, program)
    try:
        until(lambda: program.status is not None or (said.exists() and engine.read(said.read_text())))
        assert engine.urls, log.read_text()
        yield engine
        if not is_killed:
            program.send_signal(signal.SIGTERM)
            status, told = program.wait(PATIENCE), log.read_text()
            assert status == 0, told
            assert "Traceback" not in told, told
    finally:
        program.kill()


until = partial(waiting.until, seconds=PATIENCE)


def test_a_new_engine_serves_over_tls_with_what_every_engine_has(tmp_path: Path, database_url: str) -> None:
    data = tmp_path / "data"
    with serve(data, "--database", database_url, "--listen", "127.0.0.1:0", "--listen", "[::1]:0") as engine:
        assert len(engine.urls) == 2
        for url in engine.urls:
            engine.urls[0] = url
            with engine.client() as client:
                assert client.get("/ovirt-engine/api").status_code == 200
                assert "ovirtmgmt" in client.get("/ovirt-engine/api/networks").text
                assert client.get("/health", auth=None).json() == {"status": "ok"}
                assert 'netweft_requests_total{method="GET"' in client.get("/metrics", auth=None).text
        with pytest.raises(httpx.HTTPStatusError), engine.client("wrong") as client:
            client.get("/ovirt-engine/api").raise_for_status()
        private = {path.name for path in data.iterdir() if not path.stat().st_mode & 0o077}
        assert {"admin-password", "secret.key", "server.pem"} <= private
        assert not data.stat().st_mode & 0o077
    log = (tmp_path / "serve.log").read_text()
    assert (data / "admin-password").read_text().strip() not in log


def test_an_engine_that_was_killed_is_the_same_after_the_next_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serve(data, NETWEFT_ADMIN_PASSWORD="from outside", is_killed=True) as engine:
        assert not (data / "admin-password").exists()
        fingerprint = engine.fingerprint
        with engine.client("from outside") as client:
            body = "<data_center><name>kept</name><local>false</local></data_center>"
            headers = {"Content-Type": "application/xml"}
            answer = client.post("/ovirt-engine/api/datacenters", content=body, headers=headers)
            assert answer.status_code == 201, answer.text
    with serve(data) as engine, engine.client("from outside") as client:
        assert engine.fingerprint == fingerprint
        assert "kept" in client.get("/ovirt-engine/api/datacenters").text


def test_streams_of_events_end_with_the_engine(tmp_path: Path) -> None:
    with ExitStack() as afterwards:
        with serve(tmp_path / "data") as engine:
            client = afterwards.enter_context(engine.client())
            events = afterwards.enter_context(client.stream("GET", "/netweft/v1/events"))
            lines = events.iter_lines()
            assert next(lines) == ": events follow"
        assert list(lines) == [""], "one that is cut off raises"


def test_simulated_hosts_are_kept_alive_and_end_with_the_engine(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serve(data, "--simulated-hosts", "2", is_killed=True) as engine, engine.client() as client:
        until(lambda: hosts_up(client) == 2)
        (agent,) = engine.children()
        os.kill(agent, signal.SIGKILL)
        until(lambda: engine.children() not in ([], [agent]))
        until(lambda: hosts_up(client) == 2)
        (agent,) = engine.children()
    until(lambda: not is_running(agent))
    with serve(data, "--simulated-hosts", "3") as engine, engine.client() as client:
        until(lambda: hosts_up(client) == 3)
        (agent,) = engine.children()
    assert not is_running(agent)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a network of its own")
@pytest.mark.parametrize("address", ["127.0.0.9", "[::1]", "198.51.100.7"])
def test_simulated_hosts_of_an_engine_that_listens_elsewhere(tmp_path: Path, address: str) -> None:
    data = tmp_path / "data"
    own_network = 'ip link set lo up; ip address add 198.51.100.7/32 dev lo; exec "$@"'
    within = ("unshare", "--net", "sh", "-e", "-c", own_network, "sh")
    with serve(data, "--simulated-hosts", "2", "--listen", f"{address}:0", within=within):
        until(lambda: statuses(data) == ["up", "up"])


def test_many_simulated_hosts_are_shared_by_programs_and_join_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    programs = min(2, len(os.sched_getaffinity(0)))
    with serve(data, "--simulated-hosts", str(BLOCK + 4)) as engine, engine.client() as client:
        until(lambda: hosts_up(client) == BLOCK + 4)
        agents = engine.children()
        assert len(agents) == programs
        os.kill(agents[-1], signal.SIGKILL)
        until(lambda: len(set(engine.children()) - set(agents)) == 1 and are_open(data, programs))
        agents = engine.children()
        assert len(agents) == programs
    assert not any(map(is_running, agents))
    with serve(data, "--simulated-hosts", str(BLOCK + 6)) as engine, engine.client() as client:
        until(lambda: hosts_up(client) == BLOCK + 6)
        assert len(engine.children()) == programs
    with serve(data, "--simulated-hosts", "3") as engine:
        until(lambda: len(engine.children()) == 1 and are_open(data, 1))
    assert installations(data) == BLOCK + 6


def statuses(data: Path) -> list[str]:
    with closing(sqlite3.connect(data / "netweft.db")) as database:
        return [str(row[0]) for row in database.execute("SELECT status FROM hosts")]


def are_open(data: Path, programs: int) -> bool:
    """Whether so many programs with simulated hosts listen."""
    doors = [path.read_text().split()[0] for path in (data / "simulated").glob("**/engine.txt")]
    listening = Path("/proc/net/tcp").read_text()
    return sum(f"0100007F:{int(port):04X} 00000000:0000 0A" in listening for port in doors) == programs


def installations(data: Path) -> int:
    """How many hosts were installed, again or for the first time."""
    with closing(sqlite3.connect(data / "netweft.db")) as database:
        return int(database.execute("SELECT count(*) FROM jobs WHERE kind = 'install_host'").fetchone()[0])


def hosts_up(client: httpx.Client) -> float:
    """As /metrics counts them."""
    found = re.search(r'netweft_hosts\{status="up"\} ([0-9.]+)', client.get("/metrics").text)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--listen", "0.0.0.0:0", "--insecure-http"], "loopback"),
        (["--listen", "nowhere"], "not HOST:PORT"),
        (["--listen", "192.0.2.1:1"], "cannot listen"),
        (["--database", "postgresql:///none?host=/nonexistent"], "nonexistent"),
        (["--database", "mysql://x/y"], "a postgresql:// URL"),
        (["--simulated-hosts", "x"], "--simulated-hosts: 'x' is no whole number"),
        (["--simulated-hosts", "2001"], "--simulated-hosts: it must be at most 2000, not 2001"),
        (["--certificate-days", "inf"], "--certificate-days: it must be at most 36500, not inf"),
        (["--log-level", "loud"], "'loud' is none of debug, info, warning, error"),
        (["--name", "a b"], "'a b' is neither a name in DNS nor an IP address"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(tmp_path: Path, options: list[str], problem: str) -> None:
    ended = run_forked(("serve", "--data", str(tmp_path), *options), os.environ, "")
    assert ended.code in {1, 2}
    assert problem in ended.err
    assert "Traceback" not in ended.err


def test_a_foreign_key_file_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serve(data):
        pass
    (data / "secret.key").unlink()
    assert "secret.key is not the one" in refused(data)


def refused(data: Path, *options: str, within: tuple[str, ...] = ()) -> str:
    """What ``netweft serve`` says that does not start. ``within``: a command that runs it."""
    words = ("serve", "--data", str(data), "--listen", "127.0.0.1:0", *options)
    if within:
        command = [*within, sys.executable, "-W", "error", "-m", "netweft", *words]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        ended = Done(ran.returncode, ran.stdout, ran.stderr)
    else:
        ended = run_forked(words, {**os.environ, "PYTHONWARNINGS": "error"}, "")
    assert ended.code == 1, ended.out + ended.err
    assert "Traceback" not in ended.err
    return ended.err.splitlines()[-1]


def test_a_folder_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serve(data):
        pass
    for path in (data, *data.iterdir()):
        path.chmod(path.stat().st_mode | 0o055)
    with serve(data):
        names = {path.name for path in data.iterdir()}
        assert {path.name for path in data.iterdir() if not path.stat().st_mode & 0o077} >= names - {"ca.pem"}
        assert not data.stat().st_mode & 0o077
    log = (tmp_path / "serve.log").read_text()
    assert log.count("others could read this") >= 4
    assert "secret.key" in log


def test_what_is_damaged_is_told_in_a_sentence(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with (
        serve(data, NETWEFT_ADMIN_PASSWORD="from outside", is_killed=True) as engine,
        engine.client("from outside") as client,
    ):
        for number in range(4):
            body = f"<data_center><name>dc{number}</name><local>false</local></data_center>"
            client.post("/ovirt-engine/api/datacenters", content=body, headers={"Content-Type": "application/xml"})
    key, database, wal = data / "secret.key", data / "netweft.db", data / "netweft.db-wal"
    whole = {path: path.read_bytes() for path in (key, database, wal)}
    assert len(whole[wal]) > 100_000
    broken = {
        "secret.key is damaged": (key, b"not a key"),
        "netweft.db is damaged": (database, b"not a database".ljust(len(whole[database]), b"!")),
        "netweft.db-wal is damaged": (wal, b"!" * 32 + whole[wal][32:]),
        "wal is damaged": (wal, whole[wal][:5000] + b"!" * 100 + whole[wal][5100:]),
    }
    for said, (path, content) in broken.items():
        path.write_bytes(content)
        if path == database:
            wal.unlink()  # which has it all so far
        told = refused(data)
        assert said in told
        assert "restore" in told
        for each, before in whole.items():
            each.write_bytes(before)
    wal.write_bytes(whole[wal][:-2000])  # what a power cut leaves is no damage
    with serve(data) as engine, engine.client("from outside") as client:
        assert "dc0" in client.get("/ovirt-engine/api/datacenters").text


def test_a_folder_of_somebody_else_is_refused() -> None:
    """One of root, for whoever runs the tests, or for nobody where that is root, who may do everything."""
    runs_as = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
    before = os.geteuid()
    os.seteuid(runs_as)
    try:
        with pytest.raises(
            FolderError, match=f"belongs to root, and the engine runs as {pwd.getpwuid(runs_as).pw_name}"
        ):
            open_folder(Path("/usr"))
    finally:
        os.seteuid(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    small_disk = 'mount -t tmpfs -o size=64k tmpfs $0; exec "$@"'
    told = refused(data, within=("unshare", "--mount", "sh", "-e", "-c", small_disk, str(data)))
    assert "disk of" in told
    assert "is full" in told


def test_a_second_engine_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serve(data):
        assert "another engine is running" in refused(data)


def test_plain_http_on_loopback(tmp_path: Path) -> None:
    with serve(tmp_path / "data", "--insecure-http") as engine:
        assert engine.urls[0].startswith("http://")
        assert httpx.get(f"{engine.urls[0]}/health", trust_env=False).json() == {"status": "ok"}
