"""Cost of the file of a fleet: exporting and planning, from the command to its end, by an engine on SQLite whose hosts
have a bond, a label and ten networks each. Engine and command line share one processor, and what both take of it is
measured: as long as it takes when the machine has nothing else to do.

The floor is what libyaml takes to write, or to read, the same file. Each is also measured with a tenth of the hosts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import sqlalchemy as sa
import yaml
from figures import Figure, in_turn, paired

import rows
from api.served import PASSWORD, serving
from netweft.agent.simulated import capabilities, hardware
from netweft.core.protocol import HostReport
from netweft.engine.commands.cluster_networks import add_cluster_network
from netweft.engine.db import Database, Tx, new_id, utc_now
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.host_networks import host_bonds, nic_labels
from netweft.engine.model.hosts import host_nics, host_reports
from netweft.engine.model.networks import networks

HOSTS, NETWORKS, GOAL, PAIRS = 1000, 10, "10 s", 3


def measure(hosts: str = str(HOSTS)) -> list[Figure]:
    """The figures for this number of hosts, and for a tenth of it."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    return [*_figures(int(hosts) // 10, "a tenth"), *_figures(int(hosts), GOAL)]


def _figures(count: int, goal: str) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        db = Database(f"sqlite:///{folder / 'netweft.db'}")
        db.migrate()
        with serving(db, folder) as engine:
            fill(db, count)
            file = folder / "fleet.yaml"
            run = _runner(engine.url, folder)
            file.write_text(run("export"))
            assert run("plan", "-f", str(file), "-o", "json") == '{\n  "changes": []\n}\n'
            tree = yaml.load(file.read_text(), Loader=yaml.CSafeLoader)
            written = in_turn(lambda: _seconds(lambda: _write(tree)), lambda: _seconds(lambda: run("export")), PAIRS)
            read = in_turn(
                lambda: _seconds(lambda: yaml.compose(file.read_text(), Loader=yaml.CSafeLoader)),
                lambda: _seconds(lambda: run("plan", "-f", str(file))),
                PAIRS,
            )
        db.close()
    floor = "libyaml alone, the same file"
    return [
        paired(f"netweft export, {count:,} hosts", written, unit="s", goal=goal, floor_is=floor),
        paired(f"netweft plan -f, {count:,} hosts", read, unit="s", goal=goal, floor_is=floor),
    ]


def fill(db: Database, count: int) -> None:
    """Add this number of hosts that have reported, each with a desired state."""

    def add(tx: Tx) -> None:
        cluster = tx.scalars(sa.select(clusters.c.id)).one()
        center = tx.scalars(sa.select(data_centers.c.id)).one()
        made = [(new_id(), f"net{number}", number + 1) for number in range(NETWORKS)]
        values = [
            {"id": one, "data_center_id": center, "name": name, "host_side_name": name, "vlan_id": vlan}
            | {"description": "", "comment": "", "mtu": 0, "vm_network": True, "stp": False, "port_isolation": False}
            | {"name_servers": []}
            for one, name, vlan in made
        ]
        tx.execute(sa.insert(networks), values)
        for one, _, _ in made:
            add_cluster_network(tx, cluster, one, required=False)
        for number in range(1, count + 1):
            host = rows.add_host(tx, cluster, f"h{number}")
            for at, (network, _, _) in enumerate(made):
                address = f"10.{at}.{number // 250}.{number % 250 + 1}"
                rows.attach(tx, host, network, _static(address), nic="bond0")
            tx.execute(sa.insert(host_bonds).values(_bond(host)))
            tx.execute(sa.insert(nic_labels).values(host_id=host, label="red", nic="bond0"))
            nics = [{"id": new_id(), "host_id": host, "name": name} for name in hardware(number).nics]
            tx.execute(sa.insert(host_nics), nics)
            tx.execute(sa.insert(host_reports).values(_report(host, number)))

    db.run(add)


def _static(address: str) -> dict[str, object]:
    return {"version": 4, "method": "static", "address": address, "prefix": 8, "gateway": ""}


def _report(host: str, number: int) -> dict[str, object]:
    told = HostReport(capabilities=capabilities(f"h{number}"), host=hardware(number), generation=0, dirty=False)
    return {"host_id": host, "report": msgspec.json.encode(told), "taken_at": utc_now()}


def _bond(host: str) -> dict[str, object]:
    return {"id": new_id(), "host_id": host, "name": "bond0", "slaves": ["eth1", "eth2"], "options": {"mode": "4"}}


def _runner(url: str, folder: Path) -> Callable[..., str]:
    """A function that runs the command line as administrator, and returns its output."""
    environment = {**os.environ, "NETWEFT_URL": url, "NETWEFT_PASSWORD": PASSWORD, "XDG_CACHE_HOME": str(folder)}

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "netweft", *words]
        return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout

    return run


def _write(tree: object) -> None:
    yaml.dump(tree, Dumper=yaml.CSafeDumper, sort_keys=False, default_flow_style=None)


def _seconds(work: Callable[[], object]) -> float:
    """Of the processor, for this program and those that it waited for."""
    begun = os.times()
    work()
    return sum(os.times()[:4]) - sum(begun[:4])
