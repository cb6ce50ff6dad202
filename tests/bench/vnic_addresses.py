"""vNICs with an address per second beside those without: through HTTP by 8 clients at once, on two networks that differ
only in a subnet of 4,096 addresses. Afterwards the rows are checked: one address for each vNIC of the one network, none
twice.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import httpx
from api_rate import engine_of, login, prepare
from figures import PAIRS, Figure, in_turn, paired
from sqlalchemy import select

from databases import postgresql_databases
from engine_process import EngineProcess
from many_vnics import make_vnics
from netweft.engine.model.subnets import vnic_addresses

COUNT, CLIENTS, CIDR = 2_000, 8, "10.0.0.0/20"


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, postgresql_databases() as postgres:
        return [
            rate(name, Path(folder) / name, url) for name, url in (("SQLite", ""), ("PostgreSQL", postgres.empty()))
        ]


def rate(backend: str, folder: Path, url: str) -> Figure:
    """Both on one database, in alternating parts."""
    options = ("--insecure-http", *(("--database", url) if url else ()))
    with EngineProcess(folder, options=options) as engine:
        token = login(engine.address)
        _, machines = prepare(engine.address, token)
        profiles = {cidr: network_with(engine.address, token, cidr) for cidr in ("", CIDR)}
        made = 0

        def per_second(cidr: str) -> float:
            nonlocal made
            start, part = time.perf_counter(), COUNT // PAIRS
            make_vnics(engine.address, token, profiles[cidr], machines, part, CLIENTS, made)
            made += part
            return part / (time.perf_counter() - start)

        pairs = in_turn(lambda: per_second(""), lambda: per_second(CIDR))
        with engine_of(url or f"sqlite:///{folder}/netweft.db").connect() as tx:
            given = list(tx.scalars(select(vnic_addresses.c.address)))
        assert len(set(given)) == len(given) == COUNT, "addresses were given twice, or not at all"
    what = f"{COUNT:,} vNICs with an address by {CLIENTS} clients, {backend}, none given twice"
    return paired(what, pairs, unit="/s", per_second=True, goal="<= 1.2", floor_is="the same without a subnet")


def network_with(address: str, token: str, cidr: str) -> str:
    """A network of the default cluster, with a subnet if one is given; returns the id of its profile."""
    api, name = f"http://{address}/ovirt-engine/api", "with" if cidr else "without"
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    with httpx.Client(headers=headers, trust_env=False) as client:
        body = {"name": name, "data_center": {"name": "Default"}}
        network = client.post(f"{api}/networks", json=body).raise_for_status().json()["id"]
        cluster = client.get(f"{api}/clusters").raise_for_status().json()["cluster"][0]["id"]
        client.post(f"{api}/clusters/{cluster}/networks", json={"id": network, "required": "false"}).raise_for_status()
        if cidr:
            subnets = f"http://{address}/netweft/v1/networks/{network}/subnets"
            client.post(subnets, json={"name": name, "cidr": cidr}).raise_for_status()
        profiles = client.get(f"{api}/networks/{network}/vnicprofiles").raise_for_status().json()
    return str(profiles["vnic_profile"][0]["id"])
