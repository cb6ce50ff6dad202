"""What concerns one host costs the same in a small fleet and in a large one: statements, rows, and what SQLite does for
them, which is more where it walks a table that grows.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from databases import Databases
from fleet import Fleet, running_fleet
from netweft.core.host_request import AttachmentChange, Ref, SetupRequest
from netweft.core.intent import IpAssignment
from netweft.engine import claims, queue
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network
from netweft.engine.commands.hosts import (
    UpdateHost,
    activate_host,
    deactivate_host,
    refresh_host,
    remove_host,
    update_host,
)
from netweft.engine.commands.networks import AddNetwork, add_network, label_network
from netweft.engine.commands.setup_networks import (
    commit_network_changes,
    label_nic,
    remove_attachment,
    sync_all_networks,
    unlabel_nic,
    update_attachment,
)
from netweft.engine.commands.vms import AddVm, StartVm, add_vm, start_vm, stop_vm
from netweft.engine.commands.vnics import AddVnic, add_vnic, plug_vnic
from netweft.engine.db import Tx, new_id, utc_now
from netweft.engine.job_context import JobContext
from netweft.engine.jobs.registry import job_functions
from netweft.engine.model.clusters import clusters
from netweft.engine.model.everything import metadata
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.patience import Patience
from netweft.engine.queries.references import Ref as ObjectName
from netweft.engine.reports.host_reports import TakeReport, lose_host, take_report
from netweft.engine.reports.host_sightings import stored_tag
from statements_seen import COUNTED

SMALL, LARGE = 10, 400
"""Hosts."""

ROOM = 1.1
"""How much more SQLite may do in the large fleet: ids are random, so not all orders are the same."""


@dataclass
class Cost:
    """``rows``: that the program got; ``steps``: instructions of SQLite's virtual machine."""

    statements: list[str] = field(default_factory=list)
    rows: int = 0
    steps: int = 0


class Ledger:
    """Counts on all connections to SQLite that are opened while it is open, in any thread."""

    def __init__(self) -> None:
        self._cost: Cost | None = None

    @contextmanager
    def entry(self) -> Iterator[Cost]:
        """What the block asks of the database."""
        self._cost = cost = Cost()
        try:
            yield cost
        finally:
            self._cost = None

    @contextmanager
    def open(self) -> Iterator[None]:
        sa.event.listen(sa.pool.Pool, "connect", self._watch)
        try:
            yield
        finally:
            sa.event.remove(sa.pool.Pool, "connect", self._watch)

    def _watch(self, connection: sqlite3.Connection, _record: object) -> None:
        connection.set_trace_callback(self._statement)
        connection.set_progress_handler(self._step, 1)
        connection.row_factory = self._row

    def _statement(self, text: str) -> None:
        if self._cost and COUNTED.match(text):
            self._cost.statements.append(text)

    def _step(self) -> int:
        if self._cost:
            self._cost.steps += 1
        return 0  # go on

    def _row(self, _cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> tuple[Any, ...]:
        if self._cost:
            self._cost.rows += 1
        return row


class Scene:
    """A simulated host with a machine on it, among others that are rows."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.db = fleet.db
        with self.db.read() as tx:
            self.cluster_id = tx.execute(sa.select(clusters.c.id)).scalar_one()
        self.storage = self.network("storage", vlan_id=100)
        self.network("tenants", vlan_id=200)
        self.db.run(label_network, SYSTEM, self.network("backup", vlan_id=300), "green")
        fleet.attach("storage", "eth1", assignments=static("10.1.0.1"))
        self.vm_id = self.db.run(add_vm, SYSTEM, AddVm(name="one", cluster=ObjectName(name="Default")))
        with self.db.read() as tx:
            query = sa.select(vnic_profiles.c.id).where(vnic_profiles.c.name == "storage")
            self.profile_id = tx.execute(query).scalar_one()
        spec = AddVnic(vm_id=self.vm_id, name="nic1", profile_id=self.profile_id)
        self.vnic_id = self.db.run(add_vnic, SYSTEM, spec).vnic_id
        fleet.done(self.db.run(start_vm, SYSTEM, StartVm(id=self.vm_id)))
        self.db.run(label_nic, SYSTEM, fleet.id(), self.nic_id("eth1"), "rack")
        self.network("lacked", required=True)  # by all hosts
        fleet.done(self.db.run(refresh_host, SYSTEM, fleet.id()))

    def network(self, name: str, *, required: bool = False, vlan_id: int | None = None) -> str:
        spec = AddNetwork(name=name, data_center=ObjectName(name="Default"), vlan_id=vlan_id)
        network_id = self.db.run(add_network, SYSTEM, spec).id
        attached = AttachNetwork(cluster_id=self.cluster_id, network=ObjectName(id=network_id), required=required)
        self.db.run(attach_network, SYSTEM, attached)
        return network_id

    def crowd(self, count: int) -> None:
        """Add this number of hosts like this one, each with a VM, a history, a change in progress and drift; and as
        many networks that no cluster has.
        """
        made: dict[str, list[dict[str, Any]]] = defaultdict(list)
        with self.db.write() as tx:
            parts = {table: copies(tx, table, "host_id", self.fleet.id()) for table in PARTS}
            (network,) = copies(tx, "networks", "id", self.storage)
            (host,) = copies(tx, "hosts", "id", self.fleet.id())
            (vm,) = copies(tx, "vms", "id", self.vm_id)
            (vnic,) = copies(tx, "vnics", "vm_id", self.vm_id)
            jobs = copies(tx, "jobs", "status", "finished")
            for number in range(1, count + 1):
                host_id, vm_id, name = new_id(), new_id(), f"other-{number}"
                made["networks"].append({**fresh(network), "name": name, "host_side_name": name})
                made["hosts"].append({**host, "id": host_id, "name": name, "address": name})
                for table, found in parts.items():
                    made[table] += [{**fresh(row), "host_id": host_id} for row in found]
                address = {"network_id": self.storage, "address": f"10.2.{number // 250}.{number % 250}"}
                made["host_addresses"].append({**address, "host_id": host_id})
                made["host_changes"][-1]["state"] = "pending"
                made["host_drifts"].append({"host_id": host_id, "since": utc_now(), "lines": ["something differs"]})
                made["jobs"] += [{**fresh(job), "lock_key": f"host:{host_id}"} for job in jobs]
                made["vms"].append({**vm, "id": vm_id, "name": name, "host_id": host_id})
                mac = f"02:00:00:00:{number // 256:02x}:{number % 256:02x}"
                made["vnics"].append({**fresh(vnic), "vm_id": vm_id, "mac": mac})
            for table, new in made.items():
                tx.execute(sa.insert(metadata.tables[table]), new)

    def claimed(self) -> queue.Job | None:
        """A job that waits, begun."""
        return claims.claim_next(self.db, "a worker", frozenset(job_functions(self.fleet.outside)))

    def do(self, job: queue.Job) -> None:
        # A slow host is not asked again, as what it says then is stored.
        patience = Patience(poll=60.0)
        context = JobContext(db=self.db, job=job, stop=threading.Event(), patience=patience)
        self.db.run(queue.finish, job, job_functions(self.fleet.outside)[job.kind](context))

    def take_report(self) -> None:
        report = self.fleet.report()
        self.db.run(take_report, TakeReport(host_id=self.fleet.id(), report=report, asked_at=utc_now()))

    def nic_id(self, name: str) -> str:
        return next(nic_id for nic_id, nic in self.fleet.data().nics.items() if nic == name)

    def rest(self) -> None:
        """Stop the machine, so that maintenance needs no other host."""
        self.db.run(stop_vm, SYSTEM, self.vm_id)
        while job := self.claimed():
            self.do(job)


PARTS = (
    "host_reports", "host_counters", "host_nics", "attachments", "nic_labels", "host_changes", "missing_networks",
    "events",
)  # fmt: skip
"""Tables with rows of a host."""


def copies(tx: Tx, table: str, column: str, value: str) -> list[dict[str, Any]]:
    found = metadata.tables[table]
    return [row._asdict() for row in tx.execute(sa.select(found).where(found.c[column] == value))]


def fresh(row: dict[str, Any]) -> dict[str, Any]:
    """A row as this one, with an id of its own; numbers that grow come by themselves."""
    values = {name: value for name, value in row.items() if name not in {"id", "number"}}
    if isinstance(row.get("id"), str):
        values["id"] = new_id()
    return values


def static(address: str) -> tuple[IpAssignment, ...]:
    return (IpAssignment(version=4, method="static", address=address, prefix=16, gateway=""),)


def attachment_of(network: str, nic: str, **values: Any) -> AttachmentChange:
    return AttachmentChange(network=Ref(name=network), nic=Ref(name=nic), **values)


def set_up(scene: Scene) -> None:
    desired = attachment_of("tenants", "eth2", assignments=static("10.3.0.1"))
    scene.fleet.setup(SetupRequest(attachments=(desired,)))


def update(scene: Scene) -> None:
    changed = replace(attachment_of("tenants", "eth3"), id=scene.fleet.attachment_id("tenants"))
    scene.db.run(update_attachment, SYSTEM, scene.fleet.id(), changed)


def label(scene: Scene) -> None:
    scene.db.run(label_nic, SYSTEM, scene.fleet.id(), scene.nic_id("eth2"), "green")


def unlabel(scene: Scene) -> None:
    scene.db.run(unlabel_nic, SYSTEM, scene.fleet.id(), scene.nic_id("eth2"), "green")


def remove(scene: Scene) -> None:
    scene.db.run(remove_attachment, SYSTEM, scene.fleet.id(), scene.fleet.attachment_id("tenants"))


def link_down(scene: Scene) -> None:
    scene.fleet.simulate(carrier={"eth3": False})
    scene.take_report()


def rename(scene: Scene) -> None:
    spec = UpdateHost(id=scene.fleet.id(), name="renamed", address="another.example")
    scene.db.run(update_host, SYSTEM, spec)


def add_another(scene: Scene) -> None:
    scene.db.run(add_vnic, SYSTEM, AddVnic(vm_id=scene.vm_id, name="nic2", profile_id=scene.profile_id))


def of_host(command: Callable[..., object]) -> Callable[[Scene], object]:
    """A command that takes nothing but the host."""
    return lambda scene: scene.db.run(command, SYSTEM, scene.fleet.id())


COMMANDS: dict[str, Callable[[Scene], object]] = {
    "set up": set_up,
    "update": update,
    "remove": remove,
    "label": label,
    "unlabel": unlabel,
    "synchronize": of_host(sync_all_networks),
    "commit": of_host(commit_network_changes),
    "refresh": of_host(refresh_host),
    "the same report": Scene.take_report,
    "no report": lambda scene: scene.db.run(stored_tag, scene.fleet.id()),
    "a link down": link_down,
    "lost": lambda scene: scene.db.run(lose_host, scene.fleet.id(), "it does not answer"),
    "back": Scene.take_report,
    "rename": rename,
    "unplug": lambda scene: scene.db.run(plug_vnic, SYSTEM, scene.vm_id, scene.vnic_id, plugged=False),
    "plug": lambda scene: scene.db.run(plug_vnic, SYSTEM, scene.vm_id, scene.vnic_id, plugged=True),
    "one vNIC more": add_another,
}
"""One after the other, each with its jobs."""

OUT_OF_SERVICE: dict[str, Callable[[Scene], object]] = {
    "maintenance": of_host(deactivate_host),
    "activate": of_host(activate_host),
    "maintenance again": of_host(deactivate_host),
    "forget": of_host(remove_host),
}
"""The same, once nothing runs on the host."""

Costs = dict[str, Cost]
"""By command, or by command and job."""


def measured(scene: Scene, ledger: Ledger, commands: Mapping[str, Callable[[Scene], object]]) -> Costs:
    costs: Costs = {}
    for name, command in commands.items():
        with ledger.entry() as costs[name]:
            command(scene)
        while job := scene.claimed():
            with ledger.entry() as costs[f"{name}: {job.kind}"]:
                scene.do(job)
    return costs


def costs_among(others: int, databases: Databases, folder: Path) -> Costs:
    """What things cost with so many other hosts."""
    ledger = Ledger()
    with ledger.open(), databases.fresh() as db, running_fleet(db, folder) as fleet:
        scene = Scene(fleet)
        fleet.stop_worker()
        scene.crowd(others)
        costs = measured(scene, ledger, COMMANDS)
        scene.rest()
        return costs | measured(scene, ledger, OUT_OF_SERVICE)


@pytest.fixture(scope="module")
def costs(sqlite: Databases, tmp_path_factory: pytest.TempPathFactory) -> tuple[Costs, Costs]:
    """In the small fleet and in the large one."""
    small, large = (costs_among(count, sqlite, tmp_path_factory.mktemp("fleet")) for count in (SMALL, LARGE))
    return small, large


def test_the_same_happens_in_both(costs: tuple[Costs, Costs]) -> None:
    small, large = costs
    assert list(small) == list(large)
    assert {"set up: apply_host", "label: apply_host", "plug: update_guest", "activate: activate_host"} <= set(small)


def test_what_concerns_one_host_asks_as_much_whatever_the_fleet(costs: tuple[Costs, Costs]) -> None:
    small, large = ({name: (len(c.statements), c.rows) for name, c in found.items()} for found in costs)
    assert large == small
    assert all(statements for statements, _ in small.values())


def test_what_concerns_one_host_takes_sqlite_as_many_steps_whatever_the_fleet(costs: tuple[Costs, Costs]) -> None:
    """An index that leads to all hosts of a cluster is no better than none."""
    small, large = costs
    grown = {
        name: (cost.steps, large[name].steps) for name, cost in small.items() if large[name].steps > ROOM * cost.steps
    }
    assert grown == {}
