"""10,000 vNICs made through HTTP by 8 clients at once, against bare inserts of the rows that one request writes.
Afterwards the rows are checked: none lost, no MAC address twice, the pool's list equal to the vNICs' addresses.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from api_rate import engine_of, login, per_second, prepare
from bare import bare_request, forget_vnics, vnic_rows
from figures import PAIRS, Figure, in_turn, paired
from sqlalchemy import select

from databases import postgresql_databases
from engine_process import EngineProcess
from many_vnics import make_vnics
from netweft.engine.model.mac_pools import mac_pools
from vnic_books import check_books

COUNT, CLIENTS = 10_000, 8


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, postgresql_databases() as postgres:
        return [
            rate(name, Path(folder) / name, url) for name, url in (("SQLite", ""), ("PostgreSQL", postgres.empty()))
        ]


def rate(backend: str, folder: Path, url: str) -> Figure:
    """All of them on one database, in parts that alternate with bare rows; then the rows are checked."""
    options = ("--insecure-http", *(("--database", url) if url else ()))
    database = url or f"sqlite:///{folder}/netweft.db"
    with EngineProcess(folder, options=options) as engine:
        token = login(engine.address)
        profile, machines = prepare(engine.address, token)
        bare_machine = machines.pop()
        with engine_of(database).connect() as tx:
            pool = str(tx.scalar(select(mac_pools.c.id).limit(1)))
        names: list[str] = []

        def ours() -> float:
            start, part = time.perf_counter(), COUNT // PAIRS
            names.extend(make_vnics(engine.address, token, profile, machines, part, CLIENTS, len(names)))
            return part / (time.perf_counter() - start)

        bare = bare_request(database, vnic_rows(bare_machine, pool))
        pairs = in_turn(lambda: per_second(bare, CLIENTS)[0], ours)
        with engine_of(database).begin() as tx:
            forget_vnics(tx)
            check_books(tx, names)
    what = f"{COUNT:,} vNICs by {CLIENTS} clients, {backend}, nothing lost or doubled"
    return paired(what, pairs, unit="/s", per_second=True, goal="<= 3", floor_is="bare inserts of a request's rows")
