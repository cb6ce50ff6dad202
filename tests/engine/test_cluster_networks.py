"""Networks of clusters: attaching, roles, status, detaching."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

import rows
from meanwhile import meanwhile
from netweft.core.errors import BusyError, DeniedError, NotFoundError, ValidationError
from netweft.core.roles import Role
from netweft.engine import seed as bootstrap
from netweft.engine.access.objects import SYSTEM_REF, ObjectRef, ObjectType
from netweft.engine.actor import SYSTEM
from netweft.engine.commands import cluster_networks as commands
from netweft.engine.commands.cluster_networks import AttachNetwork, UpdateClusterNetwork
from netweft.engine.commands.clusters import AddCluster, add_cluster
from netweft.engine.commands.data_centers import AddDataCenter, add_data_center
from netweft.engine.commands.networks import AddNetwork, add_network
from netweft.engine.db import Database, Tx, lock, utc_now
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.events import events
from netweft.engine.model.host_networks import attachments, host_changes
from netweft.engine.model.networks import networks
from netweft.engine.operations import network_status
from netweft.engine.queries import cluster_networks as queries
from netweft.engine.queries.references import Ref

STATIC = {"version": 4, "method": "static", "address": "192.0.2.1", "prefix": 24, "gateway": ""}
NOTHING = {"version": 4, "method": "none", "address": "", "prefix": 0, "gateway": ""}


@pytest.fixture(autouse=True)
def seeded(db: Database) -> None:
    with db.write() as tx:
        rows.add_roles(tx)
        bootstrap.seed(tx, SYSTEM)


@pytest.fixture
def cluster_id(db: Database) -> str:
    with db.read() as tx:
        return tx.execute(select(clusters.c.id)).scalar_one()


@pytest.fixture
def management(db: Database) -> str:
    with db.read() as tx:
        return tx.execute(select(networks.c.id)).scalar_one()


def network(db: Database, name: str = "tenants", data_center: str = "Default", **values: object) -> str:
    spec = replace(AddNetwork(name=name, data_center=Ref(name=data_center)), **values)  # type: ignore[arg-type] # the test's names and types
    return db.run(add_network, SYSTEM, spec).id


def attach(db: Database, cluster_id: str, network_id: str, *roles: Role, required: bool = True) -> None:
    spec = AttachNetwork(cluster_id=cluster_id, network=Ref(id=network_id), required=required, roles=frozenset(roles))
    db.run(commands.attach_network, SYSTEM, spec)


def change(db: Database, cluster_id: str, network_id: str, **values: object) -> None:
    spec = UpdateClusterNetwork(cluster_id=cluster_id, network_id=network_id)
    db.run(commands.update_cluster_network, SYSTEM, replace(spec, **values))  # type: ignore[arg-type] # the same


def roles(db: Database, cluster_id: str, network_id: str) -> set[str]:
    with db.read() as tx:
        return {str(role) for role in queries.roles_of(queries.get(tx, cluster_id, network_id))}


def status(db: Database, cluster_id: str, network_id: str) -> str:
    with db.read() as tx:
        return str(queries.get(tx, cluster_id, network_id).status)


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(ValidationError) as refusal:
        act()
    return refusal.value.code


def test_a_role_moves_to_whoever_is_given_it_and_back(db: Database, cluster_id: str, management: str) -> None:
    network_id = network(db)
    attach(db, cluster_id, network_id, Role.DISPLAY, Role.GLUSTER)
    assert roles(db, cluster_id, network_id) == {"display", "gluster"}
    assert roles(db, cluster_id, management) == {"management", "migration", "default_route"}
    change(db, cluster_id, network_id, roles=frozenset({Role.MIGRATION, Role.DEFAULT_ROUTE}))
    assert roles(db, cluster_id, network_id) == {"migration", "default_route"}
    assert roles(db, cluster_id, management) == {"management", "display"}
    db.run(commands.detach_network, SYSTEM, cluster_id, network_id)
    assert roles(db, cluster_id, management) == {"management", "display", "migration", "default_route"}
    with db.read() as tx:
        codes = tx.scalars(select(events.c.code).where(events.c.cluster_id == cluster_id).order_by(events.c.id)).all()
    assert codes == [809, 946, 1112, 948]


def test_the_management_network_cannot_lose_what_falls_back_to_it(
    db: Database, cluster_id: str, management: str
) -> None:
    change(db, cluster_id, management, roles=frozenset({Role.MANAGEMENT}))
    assert roles(db, cluster_id, management) == {"management", "display", "migration", "default_route"}


def test_the_management_role_moves_while_there_are_no_hosts(db: Database, cluster_id: str, management: str) -> None:
    network_id = network(db)
    attach(db, cluster_id, network_id, Role.MANAGEMENT)
    assert roles(db, cluster_id, network_id) == {"management"}
    assert roles(db, cluster_id, management) == {"display", "migration", "default_route"}
    db.run(commands.detach_network, SYSTEM, cluster_id, management)
    assert roles(db, cluster_id, network_id) == {"management", "display", "migration", "default_route"}


@pytest.mark.parametrize("role", list(Role))
def test_the_database_knows_that_a_role_has_one_holder(
    db: Database, cluster_id: str, management: str, role: Role
) -> None:
    network_id = network(db)
    attach(db, cluster_id, network_id)
    with db.write() as tx:
        tx.execute(update(cluster_networks).where(cluster_networks.c.network_id == management).values({role: True}))
    with pytest.raises(IntegrityError), db.write() as tx:
        tx.execute(update(cluster_networks).where(cluster_networks.c.network_id == network_id).values({role: True}))


def test_an_unknown_network_or_cluster_is_not_found(db: Database, cluster_id: str) -> None:
    network_id = network(db)
    with pytest.raises(NotFoundError):
        attach(db, cluster_id, "11111111-1111-1111-1111-111111111111")
    with pytest.raises(NotFoundError):
        attach(db, "11111111-1111-1111-1111-111111111111", network_id)


def test_a_network_is_found_by_name_in_the_data_centre_of_the_cluster(db: Database, cluster_id: str) -> None:
    db.run(add_data_center, SYSTEM, AddDataCenter(name="north"))
    network(db, "tenants", "north")
    network_id = network(db)
    spec = AttachNetwork(cluster_id=cluster_id, network=Ref(name="tenants"))
    assert db.run(commands.attach_network, SYSTEM, spec) == network_id


def test_each_role_that_hosts_use_needs_an_address_on_them(db: Database, cluster_id: str) -> None:
    network_id = network(db)
    attach(db, cluster_id, network_id)
    with db.write() as tx:
        host_id = rows.add_host(tx, cluster_id, "h1")
        rows.attach(tx, host_id, network_id, NOTHING)
    for role in (Role.DISPLAY, Role.MIGRATION, Role.DEFAULT_ROUTE, Role.GLUSTER):
        with pytest.raises(ValidationError, match="eth1 of h1") as refusal:
            change(db, cluster_id, network_id, roles=frozenset({role}))
        assert refusal.value.code == "NETWORK_ADDR_MANDATORY_FOR_ROLE_NETWORK"


def test_hosts_hear_of_a_default_route_that_moves_and_of_nothing_else(db: Database, cluster_id: str) -> None:
    network_id = network(db)
    attach(db, cluster_id, network_id)
    with db.write() as tx:
        host_id = rows.add_host(tx, cluster_id, "h1")
        rows.add_host(tx, cluster_id, "bare")
        rows.attach(tx, host_id, network_id, STATIC)
    change(db, cluster_id, network_id, roles=frozenset({Role.DISPLAY}), required=False)
    with db.read() as tx:
        assert rows.applied_hosts(tx) == set()
    change(db, cluster_id, network_id, roles=frozenset({Role.DISPLAY, Role.DEFAULT_ROUTE}))
    with db.read() as tx:
        assert rows.applied_hosts(tx) == {f"host:{host_id}"}


def test_a_required_network_is_operational_when_every_host_that_is_up_has_it(db: Database, cluster_id: str) -> None:
    network_id = network(db)
    attach(db, cluster_id, network_id)
    assert status(db, cluster_id, network_id) == "operational"
    with db.write() as tx:
        host_id = rows.add_host(tx, cluster_id, "h1")
        rows.add_host(tx, cluster_id, "h2", "maintenance")
        network_status.host_changed(tx, host_id, cluster_id)
    assert status(db, cluster_id, network_id) == "non_operational"
    change(db, cluster_id, network_id, required=False)
    assert status(db, cluster_id, network_id) == "operational"
    change(db, cluster_id, network_id, required=True)
    assert status(db, cluster_id, network_id) == "non_operational"
    with db.write() as tx:
        tx.execute(update(rows.hosts).where(rows.hosts.c.id == host_id).values(status="maintenance"))
        network_status.host_changed(tx, host_id, cluster_id)
    assert status(db, cluster_id, network_id) == "non_operational"
    with db.write() as tx:
        tx.execute(update(rows.hosts).where(rows.hosts.c.id == host_id).values(status="up"))
        rows.attach(tx, host_id, network_id)
        network_status.host_changed(tx, host_id, cluster_id)
    assert status(db, cluster_id, network_id) == "operational"


def test_detaching_takes_the_network_off_the_hosts_of_that_cluster_only(db: Database, cluster_id: str) -> None:
    network_id = network(db)
    elsewhere = db.run(add_cluster, SYSTEM, AddCluster(name="racks", data_center=Ref(name="Default")))
    for each in (cluster_id, elsewhere):
        attach(db, each, network_id)
    with db.write() as tx:
        here, there = rows.add_host(tx, cluster_id, "h1"), rows.add_host(tx, elsewhere, "h2")
        for host_id in (here, there):
            rows.attach(tx, host_id, network_id)
    db.run(commands.detach_network, SYSTEM, cluster_id, network_id)
    with db.read() as tx:
        assert tx.scalars(select(attachments.c.host_id)).all() == [there]
        assert rows.applied_hosts(tx) == {f"host:{here}"}
    with pytest.raises(NotFoundError):
        db.run(commands.detach_network, SYSTEM, cluster_id, network_id)


def give(tx: Tx, host_id: str, network_id: str) -> None:
    """A change under way that gives a host a network."""
    candidate = {"attachments": [{"id": "a", "network_id": network_id, "nic": "eth1"}], "bonds": []}
    tx.execute(
        insert(host_changes).values(
            host_id=host_id, generation=1, candidate=candidate, reason="", job_id="j", state="pending",
            created_at=utc_now(),
        )
    )  # fmt: skip


def test_a_network_that_a_host_is_just_being_given_is_not_detached(db: Database, cluster_id: str) -> None:
    network_id = network(db)
    attach(db, cluster_id, network_id)
    with db.write() as tx:
        give(tx, rows.add_host(tx, cluster_id, "h1"), network_id)
    with pytest.raises(BusyError, match="Related operation is currently in progress"):
        db.run(commands.detach_network, SYSTEM, cluster_id, network_id)


def test_detaching_waits_for_whoever_is_about_to_give_the_network_to_a_host(db: Database, cluster_id: str) -> None:
    network_id = network(db)
    attach(db, cluster_id, network_id)
    with db.write() as tx:
        host_id = rows.add_host(tx, cluster_id, "h1")

    def set_up(tx: Tx) -> None:
        lock(tx, rows.hosts, host_id)
        queries.lock_to_use(tx, cluster_id)
        give(tx, host_id, network_id)

    detached = meanwhile(db, set_up, lambda tx: commands.detach_network(tx, SYSTEM, cluster_id, network_id))
    with pytest.raises(BusyError, match="is being set up on Host h1"):
        detached.result()


def test_people_are_told_when_the_display_network_changes_under_running_vms(db: Database, cluster_id: str) -> None:
    network_id = network(db)
    attach(db, cluster_id, network_id, Role.DISPLAY)
    with db.write() as tx:
        rows.add_vm(tx, cluster_id, "web", "up")
    change(db, cluster_id, network_id, roles=frozenset())
    change(db, cluster_id, network_id, roles=frozenset({Role.DISPLAY}))
    db.run(commands.detach_network, SYSTEM, cluster_id, network_id)
    with db.read() as tx:
        told = tx.execute(select(events.c.severity, events.c.description).where(events.c.code == 1099)).all()
    assert [(row.severity, "while 1 VMs run" in row.description) for row in told] == [("warning", True)] * 3


def test_rights(db: Database, cluster_id: str) -> None:
    network_id = network(db)
    with db.write() as tx:
        reader = rows.add_user(tx, "reader", ("ReadOnlyAdmin", SYSTEM_REF))
        owner = rows.add_user(tx, "owner", ("NetworkAdmin", ObjectRef(ObjectType.NETWORK, network_id)))
        admin = rows.add_user(tx, "admin", ("ClusterAdmin", ObjectRef(ObjectType.CLUSTER, cluster_id)))
    spec = AttachNetwork(cluster_id=cluster_id, network=Ref(id=network_id))
    update_spec = UpdateClusterNetwork(cluster_id=cluster_id, network_id=network_id, required=False)
    for who in (reader, admin):
        with pytest.raises(DeniedError):
            db.run(commands.attach_network, who, spec)
    db.run(commands.attach_network, owner, spec)
    with pytest.raises(DeniedError):
        db.run(commands.update_cluster_network, reader, update_spec)
    db.run(commands.update_cluster_network, admin, update_spec)
    db.run(commands.update_cluster_network, owner, replace(update_spec, required=True))
    for who in (reader, admin):
        with pytest.raises(DeniedError):
            db.run(commands.detach_network, who, cluster_id, network_id)
    db.run(commands.detach_network, owner, cluster_id, network_id)
    with db.read() as tx:
        assert tx.scalar(select(func.count()).select_from(cluster_networks)) == 1
