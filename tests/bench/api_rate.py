"""Requests per second through HTTP against bare inserts into a table of the same columns in a database of the same
kind, with 1 and with 8 clients.
"""

from __future__ import annotations

import http.client
import itertools
import json
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
from figures import Figure
from sqlalchemy import Engine, Table, create_engine, select

from databases import postgresql_databases
from engine_process import PASSWORD, EngineProcess
from netloom.engine.db import new_id
from netloom.engine.model.networks import networks
from netloom.engine.model.vnics import vnics

SECONDS = 5.0
"""How long each measurement runs."""
CLIENTS = (1, 8)
VMS = 400
"""Virtual machines that take the vNICs by turns; each has room for 26."""

Request = Callable[[], None]


def measure() -> list[Figure]:
    figures = []
    with tempfile.TemporaryDirectory() as folder, postgresql_databases() as postgres:
        for name, url in (("SQLite", ""), ("PostgreSQL", postgres.empty())):
            figures += rates(name, Path(folder) / name, url)
    return figures


def rates(backend: str, folder: Path, url: str) -> list[Figure]:
    """Both kinds of request, with each number of clients, on one database."""
    options = ("--insecure-http", *(("--database", url) if url else ()))
    figures = []
    with EngineProcess(folder, options=options) as engine:
        database = url or f"sqlite:///{folder}/netloom.db"
        token = login(engine.address)
        profile, vms = prepare(engine.address, token)
        bare_vm = vms.pop()
        turn = itertools.count()
        kinds = {
            "POST /networks": (lambda: "/networks", network_body, bare_network(database)),
            "POST /vms/ID/nics": (
                lambda: f"/vms/{vms[next(turn) % len(vms)]}/nics",
                lambda: nic_body(profile),
                bare_vnic(database, bare_vm),
            ),
        }
        for what, (path, body, bare) in kinds.items():
            for clients in CLIENTS:
                floor = per_second(bare, clients)[0]
                ours, p99 = per_second(poster(engine.address, token, path, body), clients)
                label = f"{what}, {backend}, {clients} client{'s' if clients > 1 else ''}"
                rate = {"unit": "/s", "per_second": True, "goal": "<= 3", "floor_is": "bare inserts"}
                figures.append(Figure(what=label, ours=ours, floor=floor, **rate))
                figures.append(Figure(what=f"{label}, p99", ours=p99 * 1000, unit="ms", goal="< 50 ms"))
    return figures


def per_second(make: Callable[[], Request], clients: int) -> tuple[float, float]:
    """Requests per second of so many threads, and the 99th percentile of one request's seconds."""
    taken: list[list[float]] = [[] for _ in range(clients)]
    start = threading.Barrier(clients + 1, timeout=60)  # a client that failed does not keep the others waiting

    def work(mine: list[float]) -> None:
        request = make()
        request()  # connected and warm before the clock starts
        start.wait()
        end = time.perf_counter() + SECONDS
        before = time.perf_counter()
        while before < end:
            request()
            now = time.perf_counter()
            mine.append(now - before)
            before = now

    threads = [threading.Thread(target=work, args=(mine,)) for mine in taken]
    for thread in threads:
        thread.start()
    start.wait()
    for thread in threads:
        thread.join()
    everything = [seconds for mine in taken for seconds in mine]
    return len(everything) / SECONDS, statistics.quantiles(everything, n=100)[98]


def poster(address: str, token: str, path: Callable[[], str], body: Callable[[], str]) -> Callable[[], Request]:
    """Makes a client with a connection of its own that posts a fresh body at each call."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json"}

    def make() -> Request:
        connection = http.client.HTTPConnection(address, timeout=30)

        def request() -> None:
            connection.request("POST", f"/ovirt-engine/api{path()}", body(), headers)
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 201, content

        return request

    return make


def bare(database: str, table: Table, row: Callable[[], dict[str, Any]]) -> Callable[[], Request]:
    """Makes a client with a database connection of its own that inserts one fresh row, alone in its transaction, by
    the bare driver.
    """
    columns = [column.name for column in table.columns]
    lock = threading.Lock()
    if database.startswith("sqlite"):
        path = database.removeprefix("sqlite:///")
        statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"

        def make() -> Request:
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA synchronous=FULL")

            def request() -> None:
                values = row()
                with (
                    lock
                ):  # SQLite has one writer; threads that wait in line do better than threads that sleep and retry
                    connection.execute(statement, [values[column] for column in columns])

            return request

        return make

    statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"

    def make_postgres() -> Request:
        connection = psycopg.connect(database, autocommit=True)

        def request() -> None:
            values = row()
            connection.execute(statement, [values[column] for column in columns])

        return request

    return make_postgres


def bare_network(database: str) -> Callable[[], Request]:
    with engine_of(database).connect() as tx:
        data_center = tx.execute(select(networks.c.data_center_id)).scalars().first()

    def row() -> dict[str, Any]:
        new = new_id()
        flags = {"vm_network": True, "stp": False, "port_isolation": False}
        rest = {"description": "", "comment": "", "vlan_id": None, "mtu": 0, "label": None, "name_servers": "[]"}
        names = {"name": f"bare{new}", "host_side_name": f"on{new.replace('-', '')[:13]}"}
        return {"id": new, "data_center_id": data_center, **names, **flags, **rest}

    return bare(database, networks, row)


def bare_vnic(database: str, vm: str) -> Callable[[], Request]:
    counter = itertools.count()

    def row() -> dict[str, Any]:
        number = next(counter)
        mac = ":".join(f"{byte:02x}" for byte in (0x0A00 << 32 | number).to_bytes(6, "big"))
        flags = {"plugged": True, "linked": True, "synced": True, "interface": "virtio", "description": ""}
        return flags | {"id": new_id(), "vm_id": vm, "name": f"bare{number}", "profile_id": None, "mac": mac}

    return bare(database, vnics, row)


def engine_of(database: str) -> Engine:
    return create_engine(database.replace("postgresql://", "postgresql+psycopg://"))


def network_body() -> str:
    return json.dumps({"name": f"n{new_id()}", "data_center": {"name": "Default"}})


def nic_body(profile: str) -> str:
    return json.dumps({"name": f"n{new_id()}", "vnic_profile": {"id": profile}})


def login(address: str) -> str:
    form = {"grant_type": "password", "scope": "ovirt-app-api", "username": "admin@internal", "password": PASSWORD}
    answer = httpx.post(
        f"http://{address}/ovirt-engine/sso/oauth/token", data=form, headers={"Accept": "application/json"}
    )
    return str(answer.json()["access_token"])


def prepare(address: str, token: str) -> tuple[str, list[str]]:
    """A vNIC profile and virtual machines for the requests."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    base = f"http://{address}/ovirt-engine/api"
    profile = httpx.get(f"{base}/vnicprofiles", headers=headers).raise_for_status().json()["vnic_profile"][0]["id"]
    common = {"cluster": {"name": "Default"}, "template": {"name": "Blank"}}
    with httpx.Client(headers=headers, trust_env=False) as client:
        made = [client.post(f"{base}/vms", json={"name": f"bench{n}", **common}).raise_for_status() for n in range(VMS)]
    return profile, [answer.json()["id"] for answer in made]
