"""10,000 vNICs made through HTTP by 8 clients at once, against bare inserts of the very rows that one request writes.

Afterwards the books must agree: no row lost, no MAC address given twice, the pool's list equal to what the vNICs have.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from api_rate import engine_of, login, per_second, prepare
from bare import bare_request, vnic_rows
from figures import Figure

from databases import postgresql_databases
from engine_process import EngineProcess
from many_vnics import make_vnics
from netweft.engine.model.mac_pools import mac_addresses
from vnic_books import check_books

COUNT, CLIENTS = 10_000, 8


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, postgresql_databases() as postgres:
        return [
            rate(name, Path(folder) / name, url) for name, url in (("SQLite", ""), ("PostgreSQL", postgres.empty()))
        ]


def rate(backend: str, folder: Path, url: str) -> Figure:
    """All of them on one database, whose books are checked; then the bare inserts on the same database."""
    options = ("--insecure-http", *(("--database", url) if url else ()))
    database = url or f"sqlite:///{folder}/netweft.db"
    with EngineProcess(folder, options=options) as engine:
        token = login(engine.address)
        profile, machines = prepare(engine.address, token)
        start = time.perf_counter()
        names = make_vnics(engine.address, token, profile, machines, COUNT, CLIENTS)
        took = time.perf_counter() - start
        with engine_of(database).connect() as tx:
            check_books(tx, names)
            pool = tx.scalar(mac_addresses.select().with_only_columns(mac_addresses.c.pool_id).limit(1))
        floor, _ = per_second(bare_request(database, vnic_rows(machines[0], str(pool))), CLIENTS)
    return Figure(
        what=f"{COUNT:,} vNICs by {CLIENTS} clients, {backend}, nothing lost or doubled",
        ours=COUNT / took,
        floor=floor,
        unit="/s",
        per_second=True,
        goal="<= 3",
        floor_is="bare inserts of a request's rows",
    )
