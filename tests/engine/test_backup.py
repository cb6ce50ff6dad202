"""``netweft backup`` and ``netweft restore``: while the engine works, on both databases; and what cannot be."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from databases import ON_POSTGRESQL, Databases
from engine_process import EngineProcess
from netweft.engine import queue
from netweft.engine.actor import SYSTEM
from netweft.engine.backup.archive import FORMAT, MAGIC
from netweft.engine.backup.main import backup_main, restore_main
from netweft.engine.backup.make import back_up
from netweft.engine.backup.restored import RESTORED
from netweft.engine.bootstrap import bootstrap
from netweft.engine.db import Database
from netweft.engine.model.events import events
from netweft.engine.model.jobs import jobs
from netweft.engine.model.networks import networks
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.pki import open_authority
from netweft.engine.secrets import open_box

WRITERS = 3


def netweft(*arguments: str | Path) -> None:
    """The program as users run it."""
    command = [sys.executable, "-W", "error", "-m", "netweft", *map(str, arguments)]
    subprocess.run(command, check=True, timeout=120)


class Load:
    """Clients that add networks all the time: each its own, numbered, one after the other."""

    def __init__(self, engine: EngineProcess) -> None:
        self._engine = engine
        self._stop = threading.Event()
        self.done = [0] * WRITERS
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]

    def _write(self, writer: int) -> None:
        with self._engine.client() as client:
            while not self._stop.is_set():
                number = self.done[writer]
                center = {"name": "Default"}
                client.add("networks", {"name": f"n{writer}-{number}", "data_center": center})
                self.done[writer] += 1

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def reaches(self, more: int) -> None:
        """Wait until each has added so many more."""
        aim = [done + more for done in self.done]
        while any(done < desired for done, desired in zip(self.done, aim, strict=True)):
            assert all(thread.is_alive() for thread in self._threads), "a client could not write"
            self._stop.wait(0.01)


@pytest.mark.parametrize(
    ("databases", "passphrase"), [("sqlite", "a secret of many words"), ("postgresql", "")], indirect=["databases"]
)
def test_a_backup_under_load_is_one_moment_of_the_engine(databases: Databases, tmp_path: Path, passphrase: str) -> None:
    data, file, again = tmp_path / "data", tmp_path / "backup", tmp_path / "again"
    url, new = (databases.create(), databases.empty()) if databases.backend == "postgresql" else ("", "")
    encryption: tuple[str | Path, ...] = ()
    if passphrase:
        encryption = ("--passphrase-file", tmp_path / "passphrase")
        (tmp_path / "passphrase").write_text(f"{passphrase}\n")
    with EngineProcess(data, options=("--database", url) if url else ()) as engine:
        load = Load(engine)
        with load.running():
            load.reaches(10)
            before = list(load.done)
            netweft("backup", file, "--data", data, "--database", url, *encryption)
            after = [done + 1 for done in load.done]  # one more may be stored and not yet answered
            load.reaches(5)
    assert file.stat().st_mode & 0o777 == 0o600
    assert (b"secret.key" in file.read_bytes()) is False
    netweft("restore", file, "--data", again, "--database", new, *encryption)
    assert again.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in again.iterdir()} == {"secret.key", *(() if url else ("netweft.db",))}
    is_whole(new or f"sqlite:///{again}/netweft.db", before, after)
    with EngineProcess(again, options=("--database", new) if url else ()) as engine, engine.client() as client:
        assert [event["code"] for event in client.list("events", search=f"type={RESTORED}")] == [str(RESTORED)]
        client.add("networks", {"name": "after", "data_center": {"name": "Default"}})


def is_whole(url: str, before: list[int], after: list[int]) -> None:
    """All that was answered before the backup is there, nothing that was asked for after it, and nothing by halves."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    db = Database(url)
    with db.read() as tx:
        names = set(tx.scalars(sa.select(networks.c.name).where(networks.c.name.like("n%-%"))))
        with_profile = set(
            tx.scalars(sa.select(networks.c.name).join(vnic_profiles, vnic_profiles.c.network_id == networks.c.id))
        )
    db.close()
    for writer in range(WRITERS):
        count = sum(1 for name in names if name.startswith(f"n{writer}-"))
        assert before[writer] <= count <= after[writer]
        assert {f"n{writer}-{number}" for number in range(count)} <= names, "a prefix of what each wrote"
    assert names <= with_profile, "a network comes with its profile in one transaction"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of an engine that is not running."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    db = Database(f"sqlite:///{folder}/netweft.db")
    db.migrate()
    with db.write() as tx:
        bootstrap(tx, folder, None)
        open_authority(tx, open_box(folder))
        queue.enqueue(tx, SYSTEM, "apply_host", "host:x", "Setting up networks")
    db.close()
    return folder


@pytest.fixture
def passphrase(tmp_path: Path) -> str:
    (tmp_path / "passphrase").write_text("right\n")
    return str(tmp_path / "passphrase")


def made(data: Path, *options: str) -> Path:
    file = data.parent / "backup"
    assert backup_main([str(file), "--data", str(data), *options]) == 0
    return file


def refusal(capsys: pytest.CaptureFixture[str], main: Callable[[list[str]], int], *arguments: str | Path) -> str:
    """What a program says that ends with an error."""
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


def test_what_was_under_way_is_not_done_again(data: Path, tmp_path: Path) -> None:
    file = made(data)
    assert restore_main([str(file), "--data", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "admin-password").read_text() == (data / "admin-password").read_text()
    db = Database(f"sqlite:///{tmp_path}/again/netweft.db")
    with db.read() as tx:
        job = tx.execute(sa.select(jobs)).one()
        assert (job.status, job.error_code) == ("failed", "JOB_LOST")
        assert "backup of" in job.error
        assert tx.scalar(sa.select(events.c.id).where(events.c.code == RESTORED))
    db.close()


def test_a_folder_that_is_not_empty_stays_as_it_is(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = made(data)
    before = {path: path.read_bytes() for path in data.iterdir()}
    assert "is not empty" in refusal(capsys, restore_main, file, "--data", data)
    assert {path: path.read_bytes() for path in data.iterdir()} == before
    (tmp_path / "file").touch()
    assert "is not empty" in refusal(capsys, restore_main, file, "--data", tmp_path / "file")


def test_a_passphrase_is_needed_right_and_not_too_much(
    data: Path, tmp_path: Path, passphrase: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file, again = made(data, "--passphrase-file", passphrase), tmp_path / "again"
    assert "is encrypted: give --passphrase-file" in refusal(capsys, restore_main, file, "--data", again)
    (tmp_path / "other").write_text("wrong\n")
    wrong = refusal(capsys, restore_main, file, "--data", again, "--passphrase-file", tmp_path / "other")
    assert "passphrase is not the one" in wrong
    (tmp_path / "empty").write_text("\n")
    empty = refusal(capsys, restore_main, file, "--data", again, "--passphrase-file", tmp_path / "empty")
    assert "no passphrase in its first line" in empty
    assert not again.exists(), "nothing is left of what failed"
    made(data)
    plain = refusal(capsys, restore_main, file, "--data", again, "--passphrase-file", passphrase)
    assert "is not encrypted" in plain


@pytest.mark.parametrize("options", [False, True])
def test_every_damage_is_told(
    data: Path, tmp_path: Path, passphrase: str, capsys: pytest.CaptureFixture[str], options: bool
) -> None:
    secret = ("--passphrase-file", passphrase) if options else ()
    file, again = made(data, *secret), tmp_path / "again"
    whole = file.read_bytes()
    header = whole.index(b"\n", whole.index(b"\n") + 1)
    for position in (header - 5, header + 50, len(whole) // 2, len(whole) - 1):
        broken = bytearray(whole)
        broken[position] ^= 1
        file.write_bytes(broken)
        assert "is damaged or incomplete" in refusal(capsys, restore_main, file, "--data", again, *secret)
    for size in (header + 10, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:size])
        assert "is damaged or incomplete" in refusal(capsys, restore_main, file, "--data", again, *secret)
    for strange in (b"", b"PK\x03\x04 something else", bytes(100)):
        file.write_bytes(strange)
        assert "is no backup of Netweft" in refusal(capsys, restore_main, file, "--data", again, *secret)
    assert not again.exists()


def test_what_a_newer_version_made_is_told(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, again = made(data), tmp_path / "again"
    whole = file.read_bytes()
    file.write_bytes(whole.replace(f"{MAGIC} {FORMAT}\n".encode(), f"{MAGIC} {FORMAT + 1}\n".encode(), 1))
    assert "which this version cannot read" in refusal(capsys, restore_main, file, "--data", again)
    with closing(sqlite3.connect(data / "netweft.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    newer = refusal(capsys, restore_main, made(data), "--data", again)
    assert "revision 9999" in newer
    assert "newer" in newer


def test_an_encrypted_backup_shows_nothing_but_what_it_is(data: Path, passphrase: str) -> None:
    file = made(data, "--passphrase-file", passphrase)
    content = file.read_bytes()
    first, second, rest = content.split(b"\n", 2)
    assert first == b"netweft-backup 1"
    assert json.loads(second)["database"] == "sqlite"
    assert (data / "secret.key").read_bytes().strip() not in content
    assert b"SQLite format" not in rest
    again = made(data, "--passphrase-file", passphrase).read_bytes()
    assert content.split(b"\n", 2)[2][:64] != again.split(b"\n", 2)[2][:64], "each has a key of its own"


def test_a_backup_that_could_not_be_restored_is_not_made(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = made(data)
    good = file.read_bytes()
    assert "is no file" in refusal(capsys, backup_main, tmp_path, "--data", data)
    assert "There is no netweft.db" in refusal(capsys, backup_main, file, "--data", tmp_path)
    for inside in ("netweft.db", "secret.key", "further"):
        assert "in the engine's data folder" in refusal(capsys, backup_main, data / inside, "--data", data)
    assert not (data / "further").exists()
    assert "There is no folder" in refusal(capsys, backup_main, tmp_path / "none" / "file", "--data", data)
    assert "postgresql://" in refusal(capsys, backup_main, file, "--data", data, "--database", "sqlite:///x")
    (data / "noise").write_bytes(bytes(range(128, 256)))
    noise = ("--passphrase-file", data / "noise")
    assert "it is no text" in refusal(capsys, backup_main, file, "--data", data, *noise)
    (data / "noise").unlink()
    key = (data / "secret.key").read_bytes()
    (data / "secret.key").write_bytes(b"damaged")
    assert "secret.key is damaged" in refusal(capsys, backup_main, file, "--data", data)
    (data / "secret.key").unlink()
    assert "no secret.key" in refusal(capsys, backup_main, file, "--data", data)
    open_box(data)
    assert "is not the one" in refusal(capsys, backup_main, file, "--data", data)
    (data / "secret.key").write_bytes(key)
    content = bytearray((data / "netweft.db").read_bytes())
    for page in range(20, 40):
        content[page * 4096 : page * 4096 + 200] = bytes(200)
    (data / "netweft.db").write_bytes(content)
    said = refusal(capsys, backup_main, file, "--data", data)
    assert "damaged" in said or "malformed" in said, said
    assert file.read_bytes() == good, "the earlier one is still there"
    assert {path.name for path in tmp_path.iterdir()} == {"data", "backup"}
    assert not (data / ".backup").exists()


@ON_POSTGRESQL
def test_a_backup_goes_into_the_kind_of_database_that_it_is_of(
    databases: Databases, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, url, again = made(data), databases.create(), tmp_path / "again"
    other = refusal(capsys, restore_main, file, "--data", again, "--database", url)
    assert "leave out --database" in other
    shutil.copytree(data, tmp_path / "replica")
    db = Database(url)
    with db.write() as tx:
        bootstrap(tx, data, None)
        open_authority(tx, open_box(data))
    db.close()
    made(data, "--database", url)
    assert "give the URL of an empty database" in refusal(capsys, restore_main, file, "--data", again)
    assert "is not empty" in refusal(capsys, restore_main, file, "--data", again, "--database", url)
    away = "postgresql:///none?host=/nonexistent"
    assert "cannot be reached" in refusal(capsys, restore_main, file, "--data", again, "--database", away)
    assert not again.exists()
    databases.drop(url)


def test_another_backup_of_the_same_folder_waits_for_nobody(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = []

    def progress(_what: str, _part: float) -> None:
        refused.append(refusal(capsys, backup_main, tmp_path / "second", "--data", data))

    back_up(tmp_path / "first", data, "", "", progress)
    assert refused
    assert all("Another backup" in text for text in refused)
    assert made(data).exists()
