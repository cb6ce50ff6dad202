"""10,000 vNICs made through HTTP by 8 clients at once, against bare inserts of the very rows that one request writes.

Afterwards the books must agree: no row lost, no MAC address given twice, the pool's list equal to what the vNICs have.
"""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
from api_rate import Request, engine_of, login, per_second, prepare
from figures import Figure
from sqlalchemy import Table

from databases import postgresql_databases
from engine_process import EngineProcess
from many_vnics import make_vnics
from netloom.core.rules.mac_pool import mac_text
from netloom.engine.db import new_id, utc_now
from netloom.engine.model.events import events
from netloom.engine.model.mac_pools import mac_addresses
from netloom.engine.model.vnics import vnics
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
    database = url or f"sqlite:///{folder}/netloom.db"
    with EngineProcess(folder, options=options) as engine:
        token = login(engine.address)
        profile, machines = prepare(engine.address, token)
        start = time.perf_counter()
        names = make_vnics(engine.address, token, profile, machines, COUNT, CLIENTS)
        took = time.perf_counter() - start
        with engine_of(database).connect() as tx:
            check_books(tx, names)
            pool = tx.scalar(mac_addresses.select().with_only_columns(mac_addresses.c.pool_id).limit(1))
        floor, _ = per_second(bare_request(database, requests(machines[0], str(pool))), CLIENTS)
    return Figure(
        what=f"{COUNT:,} vNICs by {CLIENTS} clients, {backend}, nothing lost or doubled",
        ours=COUNT / took,
        floor=floor,
        unit="/s",
        per_second=True,
        goal="<= 3",
        floor_is="bare inserts of a request's rows",
    )


Row = tuple[Table, dict[str, Any]]


def requests(vm: str, pool: str) -> Iterator[Sequence[Row]]:
    """What one request after the other writes: the vNIC, its MAC address, the event."""
    for number in itertools.count():
        address = 0x0A00 << 32 | number
        flags = {"plugged": True, "linked": True, "synced": True, "interface": "virtio", "description": ""}
        vnic = {"id": new_id(), "vm_id": vm, "name": f"bare{number}", "profile_id": None, "mac": mac_text(address)}
        about = {"origin": "oVirt", "user_name": "admin@internal", "vm_id": vm, "correlation_id": new_id()}
        event = {"code": 932, "severity": "normal", "description": f"Interface bare{number} (virtio) was added to VM."}
        yield (
            (mac_addresses, {"pool_id": pool, "address": address, "uses": 1}),
            (vnics, {**vnic, **flags}),
            (events, {**event, **about, "time": str(utc_now()), "removed": False}),
        )


def bare_request(database: str, rows: Iterator[Sequence[Row]]) -> Callable[[], Request]:
    """Makes a client with a database connection of its own that inserts the rows of one request, in a transaction."""
    lock = threading.Lock()

    def next_rows() -> Sequence[Row]:
        with lock:
            return next(rows)

    if not database.startswith("sqlite"):

        def make_postgres() -> Request:
            connection = psycopg.connect(database)

            def request() -> None:
                for table, row in next_rows():
                    connection.execute(_insert(table, row, "%s"), list(row.values()))
                connection.commit()

            return request

        return make_postgres
    turn = (
        threading.Lock()
    )  # SQLite has one writer; threads that wait in line do better than those that sleep and retry

    def make() -> Request:
        connection = sqlite3.connect(database.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous=FULL")

        def request() -> None:
            values = next_rows()
            with turn:
                connection.execute("BEGIN IMMEDIATE")
                for table, row in values:
                    connection.execute(_insert(table, row, "?"), list(row.values()))
                connection.execute("COMMIT")

        return request

    return make


def _insert(table: Table, row: dict[str, Any], mark: str) -> str:
    return f"INSERT INTO {table.name} ({', '.join(row)}) VALUES ({', '.join([mark] * len(row))})"
