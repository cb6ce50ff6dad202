"""Databases for tests: SQLite files, and a real PostgreSQL that runs while the tests run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import argon2
import psycopg
import pytest

from netweft.engine.db import Database, new_id

TEMPLATE = "netweft_template"

HASHER = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""Passwords of tests are hashed at the lowest cost: every test logs in, and half a second each time proves nothing."""


_EMPTY = """
DO $$ DECLARE one record; used boolean; BEGIN
  SET LOCAL session_replication_role = replica;
  FOR one IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
    EXECUTE 'SELECT EXISTS (SELECT FROM ' || quote_ident(one.name) || ')' INTO used;
    IF used THEN EXECUTE 'DELETE FROM ' || quote_ident(one.name); END IF;
  END LOOP;
  FOR one IN SELECT sequencename AS name FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL LOOP
    EXECUTE 'ALTER SEQUENCE ' || quote_ident(one.name) || ' RESTART';
  END LOOP;
END $$
"""
"""Without references being looked after, all rows of all tables go, and counters begin anew."""


@dataclass(frozen=True)
class Databases:
    """Makes fresh databases that have all tables, by copying one that was made once."""

    folder: Path
    backend: str
    _spare: dict[str, Database | None] = field(default_factory=dict)
    """Databases that are empty and that no test has, by their name: open where its sessions were kept."""
    _open: dict[str, Database] = field(default_factory=dict)
    """Those of :attr:`_spare` that a test has now, and has not opened yet."""

    def url(self, name: str) -> str:
        if self.backend == "sqlite":
            return f"sqlite:///{self.folder}/{name}.db"
        return f"postgresql:///{name}?host={self.folder}&user=postgres"

    def prepare(self) -> None:
        if self.backend == "postgresql":
            self._sql(f"CREATE DATABASE {TEMPLATE}")
        db = Database(self.url(TEMPLATE))
        db.migrate()
        db.close()

    def create(self) -> str:
        """The URL of a new database."""
        if self._spare:
            name, kept = self._spare.popitem()
            if kept is not None:
                self._open[name] = kept
            return self.url(name)
        name = f"t{new_id().replace('-', '')}"
        if self.backend == "sqlite":
            shutil.copy(self.folder / f"{TEMPLATE}.db", self.folder / f"{name}.db")
        else:
            self._sql(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY WAL_LOG")  # the other waits for checkpoints
        return self.url(name)

    @contextmanager
    def fresh(self) -> Iterator[Database]:
        """A database with all tables and no rows, open until the block ends."""
        url = self.create()
        database = self.open(url)
        try:
            yield database
        finally:
            database.close()
            self.drop(url)

    def empty(self) -> str:
        """The URL of a new database without tables."""
        name = f"e{new_id().replace('-', '')}"
        if self.backend == "postgresql":
            self._sql(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url(name)

    def open(self, url: str) -> Database:
        """One that was created, open; on PostgreSQL with the sessions of an earlier test where they were kept."""
        return self._open.pop(_name(url), None) or Database(url)

    def keep(self, url: str, database: Database) -> None:
        """Empty it, and keep it with its sessions for a later test: a new session first learns what tables there are,
        which takes longer than most tests. To drop it then does nothing more.
        """
        with database.write() as tx:
            tx.exec_driver_sql(_EMPTY)
        self._spare[_name(url)] = database

    def close(self) -> None:
        for database in (*self._spare.values(), *self._open.values()):
            if database is not None:
                database.close()

    def drop(self, url: str) -> None:
        name = _name(url)
        if self.backend == "sqlite":
            for path in self.folder.glob(f"{name}*"):
                path.unlink()
        elif name.startswith("e"):
            self._sql(f"DROP DATABASE {name} WITH (FORCE)")
        elif name not in self._spare:  # a new one costs a quarter of a second, and what PostgreSQL knows of its tables
            if name in self._open:
                self._open.pop(name).close()
            self._sql(f"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '{name}'")
            self._sql(_EMPTY, name)
            self._spare[name] = None

    def _sql(self, statement: str, name: str = "postgres") -> None:
        with psycopg.connect(f"host={self.folder} user=postgres dbname={name}", autocommit=True) as connection:
            connection.execute(statement)


def _name(url: str) -> str:
    return url.split("?", 1)[0].rsplit("/", 1)[1]


@contextmanager
def sqlite_databases() -> Iterator[Databases]:
    with tempfile.TemporaryDirectory(prefix="nw-sqlite-", dir=_memory()) as folder:
        databases = Databases(Path(folder), "sqlite")
        databases.prepare()
        yield databases


def _memory() -> str | None:
    """A folder in memory, where a commit waits for no disk; None where there is none with room for many databases."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 2**30 else None


class PostgresServer:
    """A private PostgreSQL on a unix socket, whose data are in a folder. As a context manager it runs."""

    def __init__(self, binaries: Path, folder: Path, user: str | None) -> None:
        self.folder = folder
        self._binaries = binaries
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        options = ["-D", self.folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        command = [self._binaries / "initdb", *options, "--locale", "C.UTF-8"]
        subprocess.run(command, check=True, user=self._user, cwd="/", capture_output=True)
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Of the process that begins sessions."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it answers."""
        # A test's data may be lost in a power cut, and a test machine has little memory.
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "full_page_writes": "off",
            "shared_buffers": "32MB",
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = [self._binaries / "postgres", "-D", self.folder / "data", *arguments]
        with (self.folder / "log").open("a") as log:
            self._process = subprocess.Popen(command, user=self._user, cwd="/", stdout=log, stderr=log)
        _wait_until_ready(self.folder, self._process)

    def stop(self) -> None:
        """End it and all sessions ("fast shutdown")."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(timeout=30)
            finally:
                self._process.kill()
                self._process.wait()
                self._process = None


@contextmanager
def postgresql_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of its own, until the block ends. Fails where PostgreSQL is not installed: a skipped test
    would leave the engine on PostgreSQL untested without notice.
    """
    binaries = _postgresql_binaries()
    if binaries is None:
        pytest.fail("PostgreSQL is not installed (Debian: postgresql)")
    user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="nw-pg-", dir="/tmp"))  # the path of a socket is limited to 107 octets
    if user:
        shutil.chown(folder, user, user)
    try:
        with PostgresServer(binaries, folder, user) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@contextmanager
def postgresql_databases() -> Iterator[Databases]:
    """Databases in a PostgreSQL that runs until the block ends."""
    with postgresql_server() as server:
        databases = Databases(server.folder, "postgresql")
        databases.prepare()
        yield databases
        databases.close()


def _postgresql_binaries() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None, key=lambda path: int(path.parent.name))


def _wait_until_ready(folder: Path, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(f"host={folder} user=postgres dbname=postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "log").read_text()) from None
            time.sleep(0.1)
        else:
            return


@pytest.fixture(scope="session")
def sqlite() -> Iterator[Databases]:
    with sqlite_databases() as made:
        yield made


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Databases]:
    with postgresql_databases() as made:
        yield made


_KINDS = ("sqlite", "postgresql")
ON_POSTGRESQL = pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
"""Of what SQLite does not have: replicas, and writers at once."""
_MORE_THAN_A_DATABASE = {"fleet", "engine"}
"""Fixtures with hosts, and with the API through HTTP."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that use a database, directly or through ``db``, run on both. Those with hosts (the fixture ``fleet``, or
    the mark ``hosts`` where it has another name) or through HTTP run on one of the two each, which follows from their
    name, as the most of what they do is not the database's; on both with the mark ``both_databases``, and all of them
    with NETWEFT_DATABASES=both.
    """
    is_chosen = any("databases" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "databases" in metafunc.fixturenames and not is_chosen:
        test = metafunc.definition
        is_on_one = _MORE_THAN_A_DATABASE & set(metafunc.fixturenames) or test.get_closest_marker("hosts")
        is_asked_for = test.get_closest_marker("both_databases") or os.environ.get("NETWEFT_DATABASES") == "both"
        is_on_both = is_asked_for or not is_on_one
        kinds = _KINDS if is_on_both else [_KINDS[zlib.crc32(test.nodeid.encode()) % 2]]
        metafunc.parametrize("databases", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Databases:
    """What has parameters is made anew whenever the parameter changes, in every file, so the server itself is another
    fixture, which stays.
    """
    made: Databases = request.getfixturevalue(request.param)
    return made


_OTHERS = ("database-listener", "(process_request_thread)")
"""Threads that write nothing: that of the notifications, and the agents' for answers whose engine has gone."""


@pytest.fixture
def new_database(databases: Databases) -> Iterator[str]:
    """The URL of a database with all tables and no rows."""
    url = databases.create()
    yield url
    databases.drop(url)


@pytest.fixture
def database_url(new_database: str) -> str:
    """The same, for tests that have others use it as well: other engines, in processes of their own."""
    return new_database


@pytest.fixture
def db(databases: Databases, new_database: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with all tables and no rows, open."""
    before = threading.enumerate()
    database = databases.open(new_database)
    yield database
    left = [one for one in threading.enumerate() if one not in before and not one.name.endswith(_OTHERS)]
    if database.is_sqlite or left or "database_url" in request.fixturenames:  # somebody may write yet
        database.close()
    else:
        databases.keep(new_database, database)
