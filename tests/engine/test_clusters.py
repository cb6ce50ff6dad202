"""Clusters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

import rows
from netweft.core.errors import DeniedError, NotFoundError, ValidationError
from netweft.core.roles import Role
from netweft.engine import seed as bootstrap
from netweft.engine.access.objects import SYSTEM_REF
from netweft.engine.actor import SYSTEM
from netweft.engine.commands import clusters as commands
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network
from netweft.engine.commands.clusters import AddCluster, UpdateCluster
from netweft.engine.commands.data_centers import AddDataCenter, add_data_center
from netweft.engine.commands.networks import AddNetwork, add_network, remove_network
from netweft.engine.db import Database
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.events import events
from netweft.engine.queries import cluster_networks as cluster_network_queries
from netweft.engine.queries import clusters as queries
from netweft.engine.queries import networks as network_queries
from netweft.engine.queries.references import Ref

DEFAULT = Ref(name="Default")


@pytest.fixture(autouse=True)
def seeded(db: Database) -> None:
    with db.write() as tx:
        rows.add_roles(tx)
        bootstrap.seed(tx, SYSTEM)


def add(db: Database, name: str = "racks", **values: object) -> str:
    spec = replace(AddCluster(name=name, data_center=DEFAULT), **values)  # type: ignore[arg-type] # the test's names and types
    return db.run(commands.add_cluster, SYSTEM, spec)


def change(db: Database, cluster_id: str, **values: object) -> None:
    db.run(commands.update_cluster, SYSTEM, replace(UpdateCluster(id=cluster_id), **values))  # type: ignore[arg-type] # the same


def network(db: Database, name: str, data_center: str = "Default", **values: object) -> str:
    spec = replace(AddNetwork(name=name, data_center=Ref(name=data_center)), **values)  # type: ignore[arg-type] # the same
    return db.run(add_network, SYSTEM, spec).id


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(ValidationError) as refusal:
        act()
    return refusal.value.code


def test_the_management_network_has_every_role_that_can_be_handed_back(db: Database) -> None:
    cluster_id = add(db, switch_type="ovs")
    with db.read() as tx:
        cluster = queries.get(tx, cluster_id)
        row = cluster_network_queries.get(tx, cluster_id, cluster.management_network_id)
        assert tx.scalar(select(events.c.code).where(events.c.cluster_id == cluster_id)) == 809
    assert cluster_network_queries.roles_of(row) == set(Role) - {Role.GLUSTER}
    assert (row.required, row.status, row.name, cluster.switch_type) == (True, "operational", "ovirtmgmt", "ovs")
    assert (cluster.mac_pool_name, cluster.version, cluster.data_center_name) == ("Default", "4.7", "Default")


def test_the_default_management_network_when_nobody_names_one(db: Database) -> None:
    db.run(add_data_center, SYSTEM, AddDataCenter(name="north"))
    here = Ref(name="north")
    other = network(db, "front", "north")
    with db.write() as tx:
        management = tx.execute(select(cluster_networks.c.network_id).where(cluster_networks.c.management)).scalar_one()
        assert management != other
        north = tx.execute(select(data_centers.c.id).where(data_centers.c.name == "north")).scalar_one()
        remove_network(tx, SYSTEM, str(network_queries.by_name(tx, north, "ovirtmgmt")))
    first = add(db, data_center=here)
    network(db, "back", "north")
    second = add(db, "more", data_center=here)
    with db.read() as tx:
        assert {queries.get(tx, each).management_network_name for each in (first, second)} == {"front"}
    db.run(commands.remove_cluster, SYSTEM, first)
    db.run(commands.remove_cluster, SYSTEM, second)
    refused = code_of(lambda: add(db, data_center=here))
    assert refused == "ACTION_TYPE_FAILED_DEFAULT_MANAGEMENT_NETWORK_NOT_FOUND"
    cluster_id = add(db, data_center=here, management_network=Ref(name="back"))
    with db.read() as tx:
        assert queries.get(tx, cluster_id).management_network_name == "back"


def test_changes(db: Database) -> None:
    cluster_id = add(db)
    values = {
        "name": "rows",
        "description": "d",
        "comment": "c",
        "cpu_type": "x",
        "version": "4.8",
        "switch_type": "ovs",
    }
    change(db, cluster_id, data_center=DEFAULT, mac_pool=DEFAULT, management_network=Ref(name="ovirtmgmt"), **values)
    change(db, cluster_id, **values)
    with db.read() as tx:
        row = queries.get(tx, cluster_id)
        assert tx.scalar(select(func.count()).where(events.c.code == 811)) == 1
    assert {name: getattr(row, name) for name in values} == values


def test_an_unknown_mac_pool_is_not_found(db: Database) -> None:
    cluster_id = add(db)
    with pytest.raises(NotFoundError):
        change(db, cluster_id, mac_pool=Ref(name="none"))


def test_the_switch_type_changes_only_under_hosts_in_maintenance(db: Database) -> None:
    cluster_id = add(db)
    with db.write() as tx:
        host_id = rows.add_host(tx, cluster_id, "h1")
        vm_id = rows.add_vm(tx, cluster_id, "web", "up")
    running = code_of(lambda: change(db, cluster_id, switch_type="ovs"))
    assert running == "CLUSTER_CANNOT_CHANGE_SWITCH_TYPE_WITH_RUNNING_VMS"
    with db.write() as tx:
        tx.execute(update(rows.vms).where(rows.vms.c.id == vm_id).values(status="down"))
    assert code_of(lambda: change(db, cluster_id, switch_type="ovs")) == "CLUSTER_HOSTS_MUST_BE_DOWN"
    with db.write() as tx:
        tx.execute(update(rows.hosts).where(rows.hosts.c.id == host_id).values(status="maintenance"))
    change(db, cluster_id, switch_type="ovs")
    with db.read() as tx:
        assert rows.applied_hosts(tx) == {f"host:{host_id}"}


def test_another_management_network(db: Database) -> None:
    cluster_id = add(db)
    network_id = network(db, "admin")
    with pytest.raises(NotFoundError):
        change(db, cluster_id, management_network=Ref(id=network_id))
    db.run(attach_network, SYSTEM, AttachNetwork(cluster_id=cluster_id, network=Ref(id=network_id), required=False))
    change(db, cluster_id, management_network=Ref(name="admin"))
    with db.read() as tx:
        assert queries.get(tx, cluster_id).management_network_id == network_id
        assert cluster_network_queries.get(tx, cluster_id, network_id).required


def test_removing(db: Database) -> None:
    cluster_id = add(db)
    with db.write() as tx:
        rows.add_vm(tx, cluster_id, "web")
    assert (
        code_of(lambda: db.run(commands.remove_cluster, SYSTEM, cluster_id)) == "VM_CANNOT_REMOVE_CLUSTER_VMS_DETECTED"
    )
    with db.write() as tx:
        rows.add_host(tx, cluster_id, "h1")
    assert (
        code_of(lambda: db.run(commands.remove_cluster, SYSTEM, cluster_id)) == "VDS_CANNOT_REMOVE_CLUSTER_VDS_DETECTED"
    )
    with db.write() as tx:
        tx.execute(rows.hosts.delete())
        tx.execute(rows.vms.delete())
    db.run(commands.remove_cluster, SYSTEM, cluster_id)
    with db.read() as tx:
        assert not tx.execute(select(cluster_networks).where(cluster_networks.c.cluster_id == cluster_id)).all()
        assert tx.scalar(select(func.count()).where(events.c.code == 813)) == 1
    with pytest.raises(NotFoundError):
        db.run(commands.remove_cluster, SYSTEM, cluster_id)


def test_rights(db: Database) -> None:
    cluster_id = add(db)
    with db.write() as tx:
        reader = rows.add_user(tx, "reader", ("ReadOnlyAdmin", SYSTEM_REF))
        owner = rows.add_user(tx, "owner", ("ClusterAdmin", SYSTEM_REF))
    with pytest.raises(DeniedError):
        db.run(commands.add_cluster, reader, AddCluster(name="more", data_center=DEFAULT))
    with pytest.raises(DeniedError):
        db.run(commands.update_cluster, reader, UpdateCluster(id=cluster_id, name="more"))
    with pytest.raises(DeniedError):
        db.run(commands.remove_cluster, reader, cluster_id)
    db.run(commands.add_cluster, owner, AddCluster(name="more", data_center=DEFAULT))
    db.run(commands.update_cluster, owner, UpdateCluster(id=cluster_id, name="rows"))
    db.run(commands.remove_cluster, owner, cluster_id)
