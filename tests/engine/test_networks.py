"""Networks of data centres: adding, changing, labelling, removing them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

import rows
from netweft.core.errors import DeniedError, NotFoundError, ValidationError
from netweft.engine import seed as bootstrap
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import EVERYONE, ActionGroup
from netweft.engine.actor import SYSTEM, Actor
from netweft.engine.commands import cluster_networks as cluster_network_commands
from netweft.engine.commands import networks as commands
from netweft.engine.commands.cluster_networks import AttachNetwork
from netweft.engine.commands.networks import AddNetwork, UpdateNetwork
from netweft.engine.db import Database, Tx
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.events import events
from netweft.engine.model.host_networks import attachments
from netweft.engine.model.networks import networks
from netweft.engine.model.users import permissions
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.queries import networks as queries
from netweft.engine.queries.references import Ref

DEFAULT = Ref(name="Default")


@pytest.fixture(autouse=True)
def seeded(db: Database) -> None:
    with db.write() as tx:
        rows.add_roles(tx)
        bootstrap.seed(tx, SYSTEM)


def add(db: Database, name: str = "tenants", actor: Actor = SYSTEM, **values: object) -> str:
    spec = replace(AddNetwork(name=name, data_center=DEFAULT), **values)  # type: ignore[arg-type] # the test's names and types
    return db.run(commands.add_network, actor, spec).id


def change(db: Database, network_id: str, **values: object) -> None:
    db.run(commands.update_network, SYSTEM, replace(UpdateNetwork(id=network_id), **values))  # type: ignore[arg-type] # the same


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(ValidationError) as refusal:
        act()
    return refusal.value.code


def cluster_id(tx: Tx) -> str:
    return tx.execute(select(clusters.c.id)).scalar_one()


def test_a_network_has_a_profile_of_its_name_that_everyone_may_use(db: Database) -> None:
    network_id = add(db, vlan_id=200)
    with db.read() as tx:
        row = queries.get(tx, network_id)
        profile = tx.execute(select(vnic_profiles).where(vnic_profiles.c.network_id == network_id)).one()
        anyone = Actor(user_id=EVERYONE, name="anyone")
        assert authorize.may(
            tx, anyone, ActionGroup.CONFIGURE_VM_NETWORK, ObjectRef(ObjectType.VNIC_PROFILE, profile.id)
        )
        assert tx.scalar(select(func.count()).where(events.c.code == 942, events.c.network_id == network_id)) == 1
    assert (row.name, row.host_side_name, row.vlan_id, row.mtu, row.vm_network) == ("tenants", "tenants", 200, 0, True)
    assert (row.data_center_name, profile.name, profile.is_default) == ("Default", "tenants", True)


@pytest.mark.parametrize("values", [{"vm_network": False}, {"profile_required": False}])
def test_no_profile_where_none_is_wanted(db: Database, values: dict[str, bool]) -> None:
    network_id = add(db, **values)
    with db.read() as tx:
        assert not tx.execute(select(vnic_profiles).where(vnic_profiles.c.network_id == network_id)).all()


@pytest.mark.parametrize("name", ["a network of many words", "שלום", "lo", "all", "nine.nine"])
def test_names_that_the_kernel_refuses_get_another_one_on_hosts(db: Database, name: str) -> None:
    network_id = add(db, name)
    with db.read() as tx:
        assert queries.get(tx, network_id).host_side_name == "on" + network_id.replace("-", "")[:13]


def test_a_name_may_not_be_what_another_network_is_called_on_hosts(db: Database) -> None:
    with db.read() as tx:
        network = tx.execute(select(networks)).one()
    other = add(db, "a network of many words")
    with db.read() as tx:
        name = queries.get(tx, other).host_side_name
    assert code_of(lambda: add(db, name)) == "NETWORK_NAME_USED_AS_VDSM_NETWORK_NAME"
    assert code_of(lambda: change(db, network.id, name=name)) == "NETWORK_NAME_USED_AS_VDSM_NETWORK_NAME"


def test_two_who_take_one_name_at_once(db: Database) -> None:
    outcomes: list[str] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        try:
            add(db)
            outcomes.append("added")
        except ValidationError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["ACTION_TYPE_FAILED_NETWORK_NAME_IN_USE"] * 3 + ["added"]


def test_the_data_centre_is_meant_by_id_or_name_and_both_agree(db: Database) -> None:
    with pytest.raises(NotFoundError):
        add(db, data_center=Ref(name="Nowhere"))
    with pytest.raises(NotFoundError):
        add(db, data_center=Ref(name="Default", id="11111111-1111-1111-1111-111111111111"))


def test_whoever_adds_a_network_is_its_administrator(db: Database) -> None:
    with db.write() as tx:
        data_center_id = tx.execute(select(networks.c.data_center_id)).scalar_one()
        ref = ObjectRef(ObjectType.DATA_CENTER, data_center_id)
        nobody = rows.add_user(tx, "nobody", ("VmCreator", ref))
        builder = rows.add_user(tx, "builder", ("NetworkAdmin", ref))
    with pytest.raises(DeniedError):
        add(db, actor=nobody)
    network_id = add(db, actor=builder)
    with db.write() as tx:
        tx.execute(permissions.delete().where(permissions.c.object_id == data_center_id))
    with pytest.raises(DeniedError):
        db.run(commands.update_network, nobody, UpdateNetwork(id=network_id, mtu=9000))
    db.run(commands.update_network, builder, UpdateNetwork(id=network_id, mtu=9000))


def test_a_change_reaches_the_hosts_that_carry_the_network(db: Database) -> None:
    network_id = add(db)
    with db.write() as tx:
        carrying = rows.add_host(tx, cluster_id(tx), "h1")
        rows.add_host(tx, cluster_id(tx), "h2")
        rows.attach(tx, carrying, network_id)
    change(db, network_id, description="said", comment="too", data_center=DEFAULT, name="tenants", mtu=0)
    with db.read() as tx:
        assert rows.applied_hosts(tx) == set()
    change(db, network_id, vlan_id=300)
    with db.read() as tx:
        assert rows.applied_hosts(tx) == {f"host:{carrying}"}


def test_vnics_of_running_vms_are_out_of_sync_after_a_change_of_mtu(db: Database) -> None:
    network_id = add(db)
    with db.write() as tx:
        profile_id = tx.execute(select(vnic_profiles.c.id).where(vnic_profiles.c.network_id == network_id)).scalar_one()
        up, down = (rows.add_vm(tx, cluster_id(tx), status, status) for status in ("up", "down"))
        running = rows.add_vnic(tx, up, profile_id, "02:00:00:00:00:01")
        rows.add_vnic(tx, up, profile_id, "02:00:00:00:00:02", plugged=False)
        rows.add_vnic(tx, down, profile_id, "02:00:00:00:00:03")
    change(db, network_id, stp=True)
    with db.read() as tx:
        assert tx.scalars(select(vnics.c.synced)).all() == [True, True, True]
    change(db, network_id, mtu=9000)
    with db.read() as tx:
        assert tx.scalars(select(vnics.c.id).where(~vnics.c.synced)).all() == [running]


def test_a_renamed_network_takes_its_profile_along(db: Database) -> None:
    network_id = add(db)
    change(db, network_id, name="customers")
    with db.read() as tx:
        assert tx.scalars(select(vnic_profiles.c.name).where(vnic_profiles.c.network_id == network_id)).all() == [
            "customers"
        ]
        assert queries.get(tx, network_id).host_side_name == "customers"


def test_a_network_that_is_no_vm_network_any_more_has_no_profiles(db: Database) -> None:
    network_id = add(db)
    change(db, network_id, vm_network=False)
    with db.read() as tx:
        assert not tx.scalars(select(vnic_profiles.c.id).where(vnic_profiles.c.network_id == network_id)).all()


def test_a_label_is_put_on_and_taken_off(db: Database) -> None:
    network_id = add(db)
    assert code_of(lambda: db.run(commands.label_network, SYSTEM, network_id, "a b")) == "NETWORK_LABEL_FORMAT_INVALID"
    db.run(commands.label_network, SYSTEM, network_id, "blue")
    assert (
        code_of(lambda: db.run(commands.label_network, SYSTEM, network_id, "red"))
        == "ACTION_TYPE_FAILED_NETWORK_ALREADY_LABELED"
    )
    with pytest.raises(NotFoundError):
        db.run(commands.unlabel_network, SYSTEM, network_id, "red")
    db.run(commands.unlabel_network, SYSTEM, network_id, "blue")
    with db.read() as tx:
        assert queries.get(tx, network_id).label is None
        assert tx.scalars(select(events.c.code).order_by(events.c.id.desc()).limit(2)).all() == [1134, 1132]


def test_a_removed_network_leaves_clusters_hosts_and_permissions(db: Database) -> None:
    network_id = add(db)
    with db.write() as tx:
        here = cluster_id(tx)
        cluster_network_commands.attach_network(
            tx, SYSTEM, AttachNetwork(cluster_id=here, network=Ref(id=network_id), roles=frozenset())
        )
        host_id = rows.add_host(tx, here, "h1")
        rows.attach(tx, host_id, network_id)
    db.run(commands.remove_network, SYSTEM, network_id)
    with db.read() as tx:
        for table in (cluster_networks, attachments, vnic_profiles):
            assert not tx.execute(select(table).where(table.c.network_id == network_id)).all()
        assert rows.applied_hosts(tx) == {f"host:{host_id}"}
        known = [*tx.scalars(select(networks.c.id)), *tx.scalars(select(vnic_profiles.c.id))]
        about = permissions.c.object_type.in_(("network", "vnic_profile"))
        assert set(tx.scalars(select(permissions.c.object_id).where(about))) <= set(known)
    with pytest.raises(NotFoundError):
        db.run(commands.remove_network, SYSTEM, network_id)


def test_removing_needs_the_right_to_remove(db: Database) -> None:
    network_id = add(db)
    with db.write() as tx:
        reader = rows.add_user(tx, "reader", ("ReadOnlyAdmin", ObjectRef(ObjectType.NETWORK, network_id)))
        owner = rows.add_user(tx, "owner", ("NetworkAdmin", ObjectRef(ObjectType.NETWORK, network_id)))
        tx.execute(update(networks).where(networks.c.id == network_id).values(description="theirs"))
    with pytest.raises(DeniedError):
        db.run(commands.remove_network, reader, network_id)
    db.run(commands.remove_network, owner, network_id)
