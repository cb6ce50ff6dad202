"""Requests per second through HTTP against bare inserts of the rows that such a request writes, in the same database,
with 1 and with 8 clients.
"""

from __future__ import annotations

import itertools
import json
import re
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from bare import Request, bare_request, network_rows, vnic_rows
from figures import Figure, in_turn, paired
from sqlalchemy import Engine, create_engine, select

from databases import postgresql_databases
from engine_process import PASSWORD, EngineProcess
from netweft.engine.bootstrap import ADMIN_ID
from netweft.engine.db import new_id
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.mac_pools import mac_pools

SECONDS = 2.0
"""How long each measurement runs; there are as many as there are pairs."""
CLIENTS = (1, 8)
VMS = 700
"""VMs that get the vNICs in turn; each takes 26, and none may be full before the end."""


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
        database = url or f"sqlite:///{folder}/netweft.db"
        token = login(engine.address)
        profile, vms = prepare(engine.address, token)
        bare_vm = vms.pop()
        with engine_of(database).connect() as tx:
            data_center = str(tx.scalar(select(data_centers.c.id).limit(1)))
            pool = str(tx.scalar(select(mac_pools.c.id).limit(1)))
        turn = itertools.count()
        kinds = {
            "POST /networks": (lambda: "/networks", network_body, network_rows(data_center, ADMIN_ID)),
            "POST /vms/ID/nics": (
                lambda: f"/vms/{vms[next(turn) % len(vms)]}/nics",
                lambda: nic_body(profile),
                vnic_rows(bare_vm, pool),
            ),
        }
        for what, (path, body, rows) in kinds.items():
            for clients in CLIENTS:
                label = f"{what}, {backend}, {clients} client{'s' if clients > 1 else ''}"
                bare, made = bare_request(database, rows), poster(engine.address, token, path, body)
                figures += rate(label, bare, made, clients)
    return figures


def rate(label: str, bare: Callable[[], Request], made: Callable[[], Request], clients: int) -> list[Figure]:
    """Requests per second and the 99th percentile of their time, of all pairs together."""
    late: list[float] = []

    def ours() -> float:
        reached, p99 = per_second(made, clients)
        late.append(p99)
        return reached

    pairs = in_turn(lambda: per_second(bare, clients)[0], ours)
    words = {"unit": "/s", "goal": "<= 3", "floor_is": "bare inserts of its rows"}
    p99 = Figure(what=f"{label}, p99", ours=statistics.median(late) * 1000, unit="ms", goal="< 50 ms")
    return [paired(label, pairs, per_second=True, **words), p99]


def per_second(make: Callable[[], Request], clients: int) -> tuple[float, float]:
    """Requests per second of this number of threads, and the 99th percentile of a request's seconds."""
    taken: list[list[float]] = [[] for _ in range(clients)]
    start = threading.Barrier(clients + 1, timeout=60)  # a failed client does not block the others

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
    """Makes a client with a connection of its own that posts a new body at each call. It implements HTTP itself: it
    shares the processors with the measured engine, and a library would use as much of them as the engine's HTTP.
    """
    host, _, port = address.rpartition(":")
    headers = (
        f"Host: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        "Accept: application/json\r\n"
    )

    def make() -> Request:
        connection = socket.create_connection((host, int(port)), timeout=30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def request() -> None:
            content = body()
            head = f"POST /ovirt-engine/api{path()} HTTP/1.1\r\n{headers}Content-Length: {len(content)}\r\n\r\n"
            connection.sendall((head + content).encode())
            answer = b""
            while not is_whole(answer):
                part = connection.recv(65536)
                assert part, answer
                answer += part
            assert answer.startswith(b"HTTP/1.1 201 "), answer

        return request

    return make


def is_whole(answer: bytes) -> bool:
    """Whether an answer is complete by its Content-Length."""
    head, end, content = answer.partition(b"\r\n\r\n")
    return bool(end) and len(content) >= int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]  # the engine always tells


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
