"""Every kind of job, killed before each of its transactions and after the last: another worker does it to its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography import x509

import memory_fabric
import memory_provider
from deployments import deployments
from fleet import Fleet, running_fleet
from memory_provider import INSTALLED
from netweft.core.guest_protocol import GuestSpec
from netweft.core.host_request import AttachmentChange, SetupRequest
from netweft.core.host_request import Ref as NameRef
from netweft.engine import claims, queue
from netweft.engine.actor import SYSTEM
from netweft.engine.agent_answers import RefusedError
from netweft.engine.commands import fabrics, providers
from netweft.engine.commands.certificates import enroll_certificate
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network
from netweft.engine.commands.functions import UpdateFunctions, update_functions
from netweft.engine.commands.hosts import activate_host, deactivate_host, refresh_host, remove_host
from netweft.engine.commands.migrations import MigrateVm, migrate_vm
from netweft.engine.commands.networks import (
    AddNetwork,
    UpdateNetwork,
    add_network,
    label_network,
    remove_network,
    update_network,
)
from netweft.engine.commands.port_profiles import AddPortProfile, add_port_profile
from netweft.engine.commands.providers import AddProvider, insert_provider
from netweft.engine.commands.setup_networks import commit_network_changes, label_nic
from netweft.engine.commands.subnets import AddSubnet, add_subnet
from netweft.engine.commands.vm_states import reboot_vm, shut_down_vm, suspend_vm
from netweft.engine.commands.vms import AddVm, StartVm, add_vm, remove_vm, start_vm, stop_vm
from netweft.engine.commands.vnic_profiles import UpdateVnicProfile, update_vnic_profile
from netweft.engine.commands.vnics import AddVnic, add_vnic
from netweft.engine.db import Database, new_id
from netweft.engine.job_context import JobContext, PostponedError
from netweft.engine.jobs.guests import agent_of
from netweft.engine.jobs.registry import job_functions
from netweft.engine.model.clusters import clusters
from netweft.engine.model.hosts import hosts
from netweft.engine.model.jobs import jobs
from netweft.engine.model.providers import CONFIGURATION, NETWORKS, ProviderRow
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.operations import ports, provider_objects
from netweft.engine.payloads import OnProvider, RaiseMtu, SyncPorts
from netweft.engine.queries import port_profiles as profile_queries
from netweft.engine.queries import ports as port_queries
from netweft.engine.queries import provider_objects as object_queries
from netweft.engine.queries import vms as vm_queries
from netweft.engine.queries.providers import PROVIDERS
from netweft.engine.queries.references import Ref
from netweft.engine.worker import Worker
from netweft.providers.contract import ProviderNetwork, ProviderPort

Case = Callable[[Fleet], Iterator[str]]
"""Prepares what the job is about, asks for it of an engine that does nothing yet, yields the job's id, and says what
must hold when the job has ended.
"""


class Killed(BaseException):
    """The worker is no more."""


class MortalDatabase:
    """The database of a worker that is killed when it begins one transaction more than ``left``."""

    def __init__(self, db: Database, left: int) -> None:
        self._db, self._left = db, left

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def run(self, *arguments: Any, **named: Any) -> Any:
        self._live_on()
        return self._db.run(*arguments, **named)

    def read(self) -> AbstractContextManager[Any]:
        self._live_on()
        return self._db.read()

    def read_once(self) -> AbstractContextManager[Any]:
        self._live_on()
        return self._db.read_once()

    def write(self) -> AbstractContextManager[Any]:
        self._live_on()
        return self._db.write()

    def _live_on(self) -> None:
        if not self._left:
            raise Killed
        self._left -= 1


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    """Two hosts that have joined, and an engine that has not begun to install them."""
    with running_fleet(db, tmp_path, 2, installs=False) as fleet:
        yield fleet


def worked(fleet: Fleet, *asked: str | None) -> None:
    """Let a worker install the hosts and do jobs, and stop it."""
    fleet.start_worker()
    for number in (1, 2):
        fleet.until(lambda number=number: fleet.status(number) == "up")  # type: ignore[misc] # a default binds it
    for job_id in asked:
        fleet.done(job_id)
    fleet.stop_worker()


@contextmanager
def worker_of(fleet: Fleet, kind: str) -> Iterator[None]:
    """With a worker that does jobs of one kind."""
    worker = Worker(fleet.db, {kind: job_functions(fleet.outside)[kind]}, asking={kind}, patience=fleet.patience)
    worker.start()
    try:
        yield
    finally:
        worker.stop()


def waiting(fleet: Fleet, kind: str) -> str:
    """The job of a kind that is to be done next, now."""
    mine = sa.and_(jobs.c.kind == kind, jobs.c.status == "started")
    with fleet.db.write() as tx:
        tx.execute(
            sa.update(jobs).where(mine).values(not_before=sa.select(sa.func.min(jobs.c.not_before)).scalar_subquery())
        )
        return str(tx.execute(sa.select(jobs.c.id).where(mine).order_by(jobs.c.number).limit(1)).scalar_one())


def network(fleet: Fleet, name: str = "storage") -> str:
    """A network of the cluster."""
    made = fleet.db.run(add_network, SYSTEM, AddNetwork(name=name, data_center=Ref(name="Default"), vlan_id=100)).id
    with fleet.db.read() as tx:
        cluster_id = tx.execute(sa.select(clusters.c.id)).scalar_one()
    spec = AttachNetwork(cluster_id=cluster_id, network=Ref(id=made), required=False)
    fleet.db.run(attach_network, SYSTEM, spec)
    return str(made)


def set_up(fleet: Fleet, number: int = 1) -> str | None:
    attachment = AttachmentChange(network=NameRef(name="storage"), nic=NameRef(name="eth1"))
    return fleet.setup(SetupRequest(attachments=(attachment,)), number)


def running_vm(fleet: Fleet, *, with_vnic: bool = False) -> str:
    """A machine that runs on the first host."""
    vm_id = fleet.db.run(add_vm, SYSTEM, AddVm(name="one", cluster=Ref(name="Default")))
    if with_vnic:
        plug(fleet, vm_id)
    worked(fleet)
    worked(fleet, fleet.db.run(start_vm, SYSTEM, StartVm(id=vm_id, host=Ref(name="sim-1"))))
    return vm_id


def plug(fleet: Fleet, vm_id: str) -> str | None:
    """Give a machine a vNIC on the management network."""
    spec = AddVnic(vm_id=vm_id, name="nic1", profile_id=profile_id(fleet))
    return fleet.db.run(add_vnic, SYSTEM, spec).job_id


def profile_id(fleet: Fleet) -> str:
    """The profile of the management network."""
    with fleet.db.read() as tx:
        return str(tx.execute(sa.select(vnic_profiles.c.id)).scalar_one())


def vm_state(fleet: Fleet, vm_id: str) -> tuple[str, str | None]:
    """The status of a machine, and the name of its host."""
    with fleet.db.read() as tx:
        row = vm_queries.get(tx, vm_id)
    return row.status, row.host_name


def guests(fleet: Fleet, number: int = 1) -> list[tuple[str, str]]:
    """The guests that a host has."""
    return [(one.id, one.status) for one in fleet.agent(number).guests()]


def nic_id(fleet: Fleet, name: str) -> str:
    return next(key for key, one in fleet.data().nics.items() if one == name)


def install(fleet: Fleet) -> Iterator[str]:
    yield waiting(fleet, "install_host")
    fleet.until(lambda: fleet.status(2) == "up")
    assert (fleet.status(), fleet.carried()) == ("up", {"ovirtmgmt": "eth0"})
    assert set(fleet.change_states()) == {"applied"}
    assert not fleet.report().dirty


def deploy(fleet: Fleet) -> Iterator[str]:
    with TemporaryDirectory() as folder, deployments(fleet, Path(folder)) as site:
        host_id = site.add()
        yield waiting(fleet, "deploy_agent")
        site.joined(host_id)
        fleet.stop_worker()  # it waits for an agent that will not answer


def apply(fleet: Fleet) -> Iterator[str]:
    network(fleet)
    worked(fleet)
    yield str(set_up(fleet))
    assert fleet.carried() == {"ovirtmgmt": "eth0", "storage": "eth1"}
    assert fleet.data().differences() == {}
    assert set(fleet.change_states()) == {"applied"}


def enroll(fleet: Fleet) -> Iterator[str]:
    worked(fleet)
    before = fleet.process.identity.certificate.read_text()
    yield fleet.db.run(enroll_certificate, SYSTEM, fleet.id())
    shown = fleet.process.identity.certificate.read_text()
    assert shown != before
    assert fleet.agent().shows(shown)
    with fleet.db.read() as tx:
        (until,) = set(tx.scalars(sa.select(hosts.c.certificate_expires)))
    assert until == x509.load_pem_x509_certificate(shown.encode()).not_valid_after_utc


def remove(fleet: Fleet) -> Iterator[str]:
    network(fleet)
    worked(fleet)
    worked(fleet, set_up(fleet))
    fleet.db.run(deactivate_host, SYSTEM, fleet.id())
    yield str(fleet.db.run(remove_host, SYSTEM, fleet.id(), clean=True))
    with fleet.db.read() as tx:
        assert list(tx.scalars(sa.select(hosts.c.name))) == ["sim-2"]
    assert "storage" not in {*fleet.host().bridges, *fleet.host().vlans}


def activate(fleet: Fleet) -> Iterator[str]:
    worked(fleet)
    fleet.db.run(deactivate_host, SYSTEM, fleet.id())
    yield fleet.db.run(activate_host, SYSTEM, fleet.id())
    assert fleet.status() == "up"


def refresh(fleet: Fleet) -> Iterator[str]:
    worked(fleet)
    yield fleet.db.run(refresh_host, SYSTEM, fleet.id())
    assert 606 in fleet.codes()


def commit(fleet: Fleet) -> Iterator[str]:
    network(fleet)
    worked(fleet)
    worked(fleet, set_up(fleet))
    assert fleet.report().dirty
    yield fleet.db.run(commit_network_changes, SYSTEM, fleet.id())
    assert not fleet.report().dirty


def set_functions(fleet: Fleet) -> Iterator[str]:
    worked(fleet)
    spec = UpdateFunctions(host_id=fleet.id(), nic_id=nic_id(fleet, "eth3"), count=2)
    yield str(fleet.db.run(update_functions, SYSTEM, spec))
    assert len(fleet.host().nics["eth3"].facts.functions) == 2


def propagate(fleet: Fleet) -> Iterator[str]:
    network_id = network(fleet)
    worked(fleet)
    fleet.db.run(label_nic, SYSTEM, fleet.id(), nic_id(fleet, "eth1"), "rack")
    fleet.db.run(label_network, SYSTEM, network_id, "rack")
    yield waiting(fleet, "propagate_labels")
    assert fleet.carried() == {"ovirtmgmt": "eth0", "storage": "eth1"}
    assert fleet.data().differences() == {}
    assert set(fleet.change_states()) == {"applied"}


def roll_out(fleet: Fleet) -> Iterator[str]:
    """A VLAN of both hosts, whose own jobs another worker does meanwhile."""
    network_id = network(fleet)
    worked(fleet)
    fleet.start_worker()
    for number in (1, 2):
        fleet.attach("storage", "eth1", number)
    fleet.stop_worker()
    fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=network_id, vlan_id=200))
    with worker_of(fleet, "apply_host"):
        yield waiting(fleet, "roll_out")
    for number in (1, 2):
        assert {vlan.tag for vlan in fleet.host(number).vlans.values()} == {200}
        assert fleet.change_states(number) == ["applied", "applied", "applied"]


def start(fleet: Fleet) -> Iterator[str]:
    worked(fleet)
    vm_id = fleet.db.run(add_vm, SYSTEM, AddVm(name="one", cluster=Ref(name="Default")))
    yield fleet.db.run(start_vm, SYSTEM, StartVm(id=vm_id, host=Ref(name="sim-1")))
    assert vm_state(fleet, vm_id) == ("up", "sim-1")
    assert guests(fleet) == [(vm_id, "up")]


def stop(fleet: Fleet) -> Iterator[str]:
    vm_id = running_vm(fleet)
    yield fleet.db.run(stop_vm, SYSTEM, vm_id)
    assert vm_state(fleet, vm_id) == ("down", None)
    assert guests(fleet) == []


def reconcile(fleet: Fleet) -> Iterator[str]:
    """A network with a subnet that a provider is to have, and one that it is to have no more."""
    url = "http://reconciled.example"
    memory_provider.forget(url)
    provider = ProviderRow(id=new_id(), name="clouds", type="neutron", url=url)
    fleet.db.run(insert_provider, SYSTEM, provider)
    spec = AddNetwork(name="gone", data_center=Ref(name="Default"), provider=Ref(id=provider.id))
    gone = fleet.db.run(add_network, SYSTEM, spec).id
    worked(fleet)
    fleet.db.run(remove_network, SYSTEM, gone)
    network_id = fleet.db.run(add_network, SYSTEM, replace(spec, name="red")).id
    fleet.db.run(add_subnet, SYSTEM, AddSubnet(network_id=network_id, name="low", cidr="192.0.2.0/24"))
    yield waiting(fleet, "reconcile_provider")
    there = memory_provider.system(url)
    mine = [one for one in there.networks.values() if one.owner]
    assert [(one.owner, one.name) for one in mine] == [(network_id, "red")]
    assert [one.cidr for one in there.subnets[mine[0].id]] == ["192.0.2.0/24"]
    with fleet.db.read() as tx:
        states = [(row.wanted, row.state) for row in object_queries.of_provider(tx, provider.id)]
    assert states == [("present", "ok")] * 2


def sync_ports(fleet: Fleet) -> Iterator[str]:
    """Of a machine that was removed while its provider was away."""
    url, vm_id, vnic_id = "http://killed.example", new_id(), new_id()
    there = memory_provider.system(url)
    there.ports[vnic_id] = ProviderPort(id="p", network_id="1", mac_address="", owner=vnic_id)
    provider = ProviderRow(id=new_id(), name="clouds", type="neutron", url=url)
    fleet.db.run(insert_provider, SYSTEM, provider)
    fleet.db.run(provider_objects.want, "port", vnic_id, provider.id, vm_id)
    fleet.db.run(ports.release, vm_id)
    worked(fleet)
    yield fleet.db.run(queue.enqueue, SYSTEM, "sync_ports", f"vm:{vm_id}", "Following", SyncPorts(vm_id=vm_id))
    assert there.ports == {}
    with fleet.db.read() as tx:
        assert port_queries.released(tx, vm_id) == []


def shut_down(fleet: Fleet) -> Iterator[str]:
    vm_id = running_vm(fleet)
    yield fleet.db.run(shut_down_vm, SYSTEM, vm_id)
    fleet.until(lambda: vm_state(fleet, vm_id) == ("down", None))
    fleet.until(lambda: guests(fleet) == [])
    assert 74 not in fleet.codes()


def finish_shutdown(fleet: Fleet) -> Iterator[str]:
    vm_id = running_vm(fleet)
    fleet.simulate(deaf_guests=(vm_id,))
    worked(fleet, fleet.db.run(shut_down_vm, SYSTEM, vm_id))
    yield waiting(fleet, "settle_shutdown")
    assert vm_state(fleet, vm_id) == ("up", "sim-1")
    assert fleet.codes().count(74) == 1


def reboot(fleet: Fleet) -> Iterator[str]:
    vm_id = running_vm(fleet)
    yield fleet.db.run(reboot_vm, SYSTEM, vm_id)
    fleet.until(lambda: fleet.monitor.round(fleet.db) is None and vm_state(fleet, vm_id) == ("up", "sim-1"))
    assert guests(fleet) == [(vm_id, "up")]


def suspend(fleet: Fleet) -> Iterator[str]:
    vm_id = running_vm(fleet)
    yield fleet.db.run(suspend_vm, SYSTEM, vm_id)
    assert vm_state(fleet, vm_id)[0] == "suspended"
    assert guests(fleet) == [(vm_id, "suspended")]


def migrate(fleet: Fleet) -> Iterator[str]:
    vm_id = running_vm(fleet)
    yield fleet.db.run(migrate_vm, SYSTEM, MigrateVm(id=vm_id, host=Ref(name="sim-2")))
    assert vm_state(fleet, vm_id) == ("up", "sim-2")
    assert (guests(fleet), guests(fleet, 2)) == ([], [(vm_id, "up")])


def update(fleet: Fleet) -> Iterator[str]:
    vm_id = running_vm(fleet)
    yield str(plug(fleet, vm_id))
    (guest,) = fleet.agent().guests()
    assert [nic.bridge for nic in guest.nics] == ["ovirtmgmt"]


def sync(fleet: Fleet) -> Iterator[str]:
    running_vm(fleet, with_vnic=True)
    spec = UpdateVnicProfile(id=profile_id(fleet), network_filter_id=None)
    fleet.db.run(update_vnic_profile, SYSTEM, spec)
    yield waiting(fleet, "sync_guest")
    (guest,) = fleet.agent().guests()
    assert [nic.filter for nic in guest.nics] == [""]


def clear(fleet: Fleet) -> Iterator[str]:
    vm_id = running_vm(fleet)
    worked(fleet, fleet.db.run(suspend_vm, SYSTEM, vm_id))
    fleet.db.run(remove_vm, SYSTEM, vm_id)
    yield waiting(fleet, "clear_guest")
    assert guests(fleet) == []


def evacuate(fleet: Fleet) -> Iterator[str]:
    """Of a guest, whose migration another worker does meanwhile."""
    vm_id = running_vm(fleet)
    job_id = str(fleet.db.run(deactivate_host, SYSTEM, fleet.id()))
    with worker_of(fleet, "migrate_vm"):
        yield job_id
    assert fleet.outcome(job_id).result == {}
    assert fleet.status() == "maintenance"
    assert vm_state(fleet, vm_id) == ("up", "sim-2")
    assert (guests(fleet), guests(fleet, 2)) == ([], [(vm_id, "up")])


def save_provider(fleet: Fleet) -> Iterator[str]:
    spec = AddProvider(type="neutron", name="blue", url="http://up.example")
    yield fleet.db.run(providers.add_provider, SYSTEM, spec, box=fleet.box, types=INSTALLED.networks.types)
    with fleet.db.read() as tx:
        assert PROVIDERS.get(tx, spec.id).name == "blue"


def of_provider(ask: Callable[[Fleet, str], str]) -> Case:
    """A job about a provider that is there."""

    def case(fleet: Fleet) -> Iterator[str]:
        saved = save_provider(fleet)
        fleet.start_worker()
        fleet.done(next(saved))
        fleet.stop_worker()
        with fleet.db.read() as tx:
            (provider_id,) = tx.scalars(sa.select(PROVIDERS.table.c.id))
        yield ask(fleet, provider_id)

    return case


def remove_orphan(fleet: Fleet) -> Iterator[str]:
    memory_provider.forget("http://up.example")
    there = memory_provider.system("http://up.example")
    orphan = new_id()
    there.networks["lost"] = ProviderNetwork(id="lost", name="lost", owner=orphan)
    there.subnets["lost"] = []
    yield from of_provider(lambda fleet, one: fleet.db.run(providers.remove_provider_orphan, SYSTEM, one, orphan))(
        fleet
    )
    assert sorted(there.networks) == ["1", "2"]


def import_network(fleet: Fleet) -> Iterator[str]:
    memory_provider.forget("http://up.example")
    home = Ref(name="Default")
    yield from of_provider(lambda fleet, one: fleet.db.run(providers.import_provider_network, SYSTEM, one, "1", home))(
        fleet
    )
    with fleet.db.read() as tx:
        (provider_id,) = tx.scalars(sa.select(PROVIDERS.table.c.id))
        assert object_queries.networks_on(tx, provider_id) == ["red"]
        assert [(row.owned, row.state) for row in object_queries.of_provider(tx, provider_id)] == [(False, "ok")]


def sync_networks(fleet: Fleet) -> Iterator[str]:
    memory_provider.forget("http://up.example")

    def ask(fleet: Fleet, provider_id: str) -> str:
        with fleet.db.write() as tx:
            tx.execute(sa.update(clusters).where(clusters.c.name == "Default").values(provider_id=provider_id))
            payload = OnProvider(provider_id=provider_id)
            return queue.enqueue(tx, SYSTEM, "sync_provider_networks", f"provider:{provider_id}", "", payload)

    yield from of_provider(ask)(fleet)
    with fleet.db.read() as tx:
        (provider_id,) = tx.scalars(sa.select(PROVIDERS.table.c.id))
        assert object_queries.networks_on(tx, provider_id) == ["blue", "red"]


def fabric_provider(fleet: Fleet) -> str:
    """A fabric that carries nothing yet."""
    memory_fabric.forget("https://fabric.example")
    row = ProviderRow(
        id=new_id(),
        name="fabric",
        type="memory",
        url="https://fabric.example",
        username="netweft",
        password=fleet.box.encrypt(memory_fabric.PASSWORD),
        purpose=CONFIGURATION,
    )
    fleet.db.run(insert_provider, SYSTEM, row)
    return row.id


def reconcile_fabric(fleet: Fleet) -> Iterator[str]:
    """A port profile that a fabric is to have, and one that it is to have no more."""
    provider_id = fabric_provider(fleet)

    def carried(name: str, vlan_id: int) -> str:
        network = AddNetwork(name=name, data_center=Ref(name="Default"), vlan_id=vlan_id)
        network_id = fleet.db.run(add_network, SYSTEM, network).id
        fleet.db.run(add_port_profile, SYSTEM, AddPortProfile(network_id=network_id, provider=Ref(id=provider_id)))
        return network_id

    gone = carried("gone", 100)
    worked(fleet)
    fleet.db.run(remove_network, SYSTEM, gone)
    network_id = carried("red", 101)
    yield waiting(fleet, "reconcile_provider")
    there = memory_fabric.fabric("https://fabric.example").profiles.values()
    assert sorted(one.owner for one in there) == ["", network_id]
    with fleet.db.read() as tx:
        rows = object_queries.of_provider(tx, provider_id)
    assert [(row.object_id, row.wanted, row.state) for row in rows] == [(network_id, "present", "ok")]


def list_classes(fleet: Fleet) -> Iterator[str]:
    yield fleet.db.run(fabrics.list_system_classes, SYSTEM, fabric_provider(fleet))


def raise_mtu(fleet: Fleet) -> Iterator[str]:
    provider_id = fabric_provider(fleet)
    told = RaiseMtu(provider_id=provider_id, system_class="best-effort", mtu=9000)
    yield fleet.db.run(fabrics.raise_mtu, SYSTEM, told, interrupts_fabric=True)
    assert memory_fabric.fabric("https://fabric.example").classes["best-effort"] == 9000
    with fleet.db.read() as tx:
        assert [(row.before, row.mtu) for row in profile_queries.raised(tx, provider_id)] == [(1500, 9000)]


CASES: Mapping[str, Case] = {
    "install_host": install,
    "deploy_agent": deploy,
    "apply_host": apply,
    "enroll_certificate": enroll,
    "remove_host": remove,
    "activate_host": activate,
    "refresh_host": refresh,
    "commit_host": commit,
    "set_functions": set_functions,
    "propagate_labels": propagate,
    "roll_out": roll_out,
    "start_vm": start,
    "stop_vm": stop,
    "shut_down_vm": shut_down,
    "settle_shutdown": finish_shutdown,
    "reboot_vm": reboot,
    "suspend_vm": suspend,
    "migrate_vm": migrate,
    "sync_ports": sync_ports,
    "reconcile_provider": reconcile,
    "update_guest": update,
    "sync_guest": sync,
    "clear_guest": clear,
    "evacuate_host": evacuate,
    "save_provider": save_provider,
    "test_provider": of_provider(
        lambda fleet, one: fleet.db.run(providers.test_provider, SYSTEM, one, purpose=NETWORKS)
    ),
    "import_provider_network": import_network,
    "sync_provider_networks": sync_networks,
    "list_provider_networks": of_provider(
        lambda fleet, one: fleet.db.run(providers.list_provider_networks, SYSTEM, one)
    ),
    "list_provider_orphans": of_provider(lambda fleet, one: fleet.db.run(providers.list_provider_orphans, SYSTEM, one)),
    "remove_provider_orphan": remove_orphan,
    "reconcile_provider of a fabric": reconcile_fabric,
    "list_system_classes": list_classes,
    "raise_mtu": raise_mtu,
    "list_provider_subnets": of_provider(
        lambda fleet, one: fleet.db.run(providers.list_provider_subnets, SYSTEM, one, "1")
    ),
}


ALL_AT_ITS_END = {"save_provider"}
"""Kinds that write nothing before the transaction that ends the job."""
GO_ON = {"evacuate_host", "roll_out"}
"""Kinds that postpone until a job of another kind is done, which a worker beside does."""


def killed_everywhere(fleet: Fleet, kind: str, job_id: str) -> int:
    """Let worker after worker die over a job, each one transaction later than the one before, and the last when all is
    done but for the job's end; returns how many died. A job that goes on after it was postponed is killed everywhere
    in what is left of it, too.
    """
    function = job_functions(fleet.outside)[kind]
    died = 0
    lived = 0
    while True:
        job = claims.claim_next(fleet.db, f"worker {lived}", frozenset({kind}))
        assert job is not None
        assert (job.id, job.attempts) == (job_id, 1)
        context = JobContext(db=MortalDatabase(fleet.db, lived), job=job, stop=threading.Event())  # type: ignore[arg-type] # as a database
        is_last = True
        try:
            function(context)
        except Killed:
            is_last = False
        except PostponedError as postponed:
            if kind in GO_ON:
                is_last = False
                lived = -1
                time.sleep(postponed.delay)
        died += 1
        lived += 1
        fleet.db.run(claims.take_over, silent_for=0)
        with fleet.db.write() as tx:  # how often it is tried is another rule
            tx.execute(sa.update(jobs).where(jobs.c.id == job_id).values(attempts=0))
        if is_last:
            return died


@pytest.mark.parametrize("name", CASES)
def test_another_worker_does_it_to_its_end(fleet: Fleet, name: str) -> None:
    case, kind = CASES[name](fleet), name.partition(" ")[0]
    job_id = next(case)
    assert killed_everywhere(fleet, kind, job_id) > (kind not in ALL_AT_ITS_END)
    fleet.start_worker()
    fleet.done(job_id)
    assert next(case, "") == ""


def test_every_kind_of_job_is_killed(fleet: Fleet) -> None:
    assert job_functions(fleet.outside).keys() == {name.partition(" ")[0] for name in CASES}


def test_a_worker_that_hung_cannot_start_again_what_was_stopped_since(fleet: Fleet) -> None:
    """It had read what it was to start, and its question reaches the host when others have gone on: the guest would run
    there, and where it was started since.
    """
    vm_id = fleet.db.run(add_vm, SYSTEM, AddVm(name="one", cluster=Ref(name="Default")))
    worked(fleet)
    started = fleet.db.run(start_vm, SYSTEM, StartVm(id=vm_id, host=Ref(name="sim-1")))
    job = claims.claim_next(fleet.db, "hung", frozenset({"start_vm"}))
    assert job is not None
    hung = agent_of(fleet.agents, JobContext(db=fleet.db, job=job, stop=threading.Event()), fleet.id(1))
    fleet.db.run(claims.take_over, silent_for=0)
    worked(fleet, started)
    worked(fleet, fleet.db.run(stop_vm, SYSTEM, vm_id))
    with pytest.raises(RefusedError, match="A later order for guest"):
        hung.put_guest(GuestSpec(id=vm_id, name="one", driver="simulated", memory=2**20))
    assert fleet.report().guests == ()
