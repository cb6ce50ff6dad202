"""Two engines on one PostgreSQL manage a real host; the one that monitors it is killed during a change."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from databases import postgresql_databases
from e2e.site import Site, site, stopped_in_phase, wait
from engine_process import EngineProcess
from netweft.engine.db import Database
from netweft.engine.model.replicas import host_leases, replicas

LAB = """
name: replicas
engine:
  address: 10.{net}.1/24
hosts:
  alpha:
    address: 10.{net}.11/24
    nics:
      eth0: {{access: 4094}}
      eth1: {{}}
"""
MANY = 20
"""Networks in one change, so that it takes long enough to be interrupted."""


@dataclass(frozen=True)
class Pair:
    """The host in two engines, and their common database."""

    sites: tuple[Site, Site]
    db: Database

    def holder(self) -> int | None:
        """Wait until an engine monitors the host; returns its process id."""
        query = sa.select(replicas.c.name).join(host_leases)
        with self.db.read() as tx:
            name = tx.execute(query).scalar()
        return int(name.split()[-1]) if name else None

    def alive(self) -> int:
        """The number of live engines."""
        with self.db.read() as tx:
            return int(tx.execute(sa.select(sa.func.count()).select_from(replicas)).scalar_one())


@pytest.fixture
def pair() -> Iterator[Pair]:
    folder = Path(tempfile.mkdtemp(prefix="nl"))  # sockets in it need a short name
    net = f"{128 + secrets.randbelow(128)}.{secrets.randbelow(256)}"
    (folder / "lab.yaml").write_text(LAB.format(net=net))
    address = f"10.{net}.1"
    try:
        with postgresql_databases() as databases:
            url = databases.create()
            options = ("--database", url)
            with site(folder, folder / "lab.yaml", address, options=options) as one:
                (folder / "other").mkdir()
                shutil.copy(one.engine.data / "secret.key", folder / "other")
                engine = EngineProcess(folder / "other", listen=f"{address}:0", options=options)
                with engine, engine.client() as client:
                    db = Database(url)
                    yield Pair((one, replace(one, engine=engine, client=client)), db)
                    db.close()
    finally:
        shutil.rmtree(folder)


def test_the_engine_that_monitors_a_host_is_killed_during_a_change(pair: Pair) -> None:
    one, other = pair.sites
    wait("both engines are there, and one watches the host", lambda: pair.alive() == 2 and pair.holder())
    victim, survivor = (one, other) if pair.holder() == one.engine.pid else (other, one)
    names = [f"many{number}" for number in range(MANY)]
    for number, name in enumerate(names):
        survivor.add_network(name, 1000 + number)
    before, _ = survivor.change()

    with stopped_in_phase(survivor, "applying", victim.engine.pid) as caught:
        job = survivor.attach(*names, connectivity_timeout=60)
        assert caught.wait(timeout=30)
    victim.engine.kill()

    assert survivor.outcome(job)["status"] == "finished"
    assert survivor.change() == (before + 1, "confirmed"), "the host was asked once"
    assert survivor.on_host() >= set(names)
    assert survivor.attached() >= set(names)
    wait("the survivor watches the host", lambda: pair.holder() == survivor.engine.pid)
    assert (survivor.status(), pair.alive()) == ("up", 1)
