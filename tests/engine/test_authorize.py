"""Rights: where a permission reaches, and what a user sees of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

import rows
from databases import HASHER
from netweft.core.errors import DeniedError, NotFoundError
from netweft.engine.access import authorize, visibility
from netweft.engine.access.objects import SYSTEM_ID, SYSTEM_REF, ObjectRef, ObjectType
from netweft.engine.access.roles import EVERYONE, ActionGroup
from netweft.engine.actor import SYSTEM, Actor
from netweft.engine.bootstrap import ADMIN_ID, bootstrap
from netweft.engine.commands.clusters import AddCluster, add_cluster
from netweft.engine.commands.data_centers import AddDataCenter, add_data_center
from netweft.engine.commands.networks import AddNetwork, add_network
from netweft.engine.db import Database, Tx
from netweft.engine.model.mac_pools import mac_pools
from netweft.engine.model.users import permissions
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.queries.references import Ref

World = dict[str, ObjectRef]

PARENTS = {
    "system": "",
    "data_center": "system",
    "cluster": "data_center",
    "host": "cluster",
    "vm": "cluster",
    "network": "data_center",
    "profile": "network",
    "mac_pool": "system",
    "template": "system",
    "other_data_center": "system",
    "other_cluster": "other_data_center",
}


def build(tx: Tx, folder: Path) -> World:
    bootstrap(tx, folder, "secret", HASHER)
    data_center = add_data_center(tx, SYSTEM, AddDataCenter(name="one"))
    cluster = add_cluster(tx, SYSTEM, AddCluster(name="one", data_center=Ref(id=data_center)))
    other = add_data_center(tx, SYSTEM, AddDataCenter(name="two"))
    other_cluster = add_cluster(tx, SYSTEM, AddCluster(name="two", data_center=Ref(id=other)))
    network = add_network(tx, SYSTEM, AddNetwork(name="red", data_center=Ref(id=data_center), profile_public=False)).id
    profile = tx.execute(select(vnic_profiles.c.id).where(vnic_profiles.c.network_id == network)).scalar_one()
    return {
        "system": SYSTEM_REF,
        "data_center": ObjectRef(ObjectType.DATA_CENTER, data_center),
        "cluster": ObjectRef(ObjectType.CLUSTER, cluster),
        "host": ObjectRef(ObjectType.HOST, rows.add_host(tx, cluster, "host-1")),
        "vm": ObjectRef(ObjectType.VM, rows.add_vm(tx, cluster, "vm-1")),
        "network": ObjectRef(ObjectType.NETWORK, network),
        "profile": ObjectRef(ObjectType.VNIC_PROFILE, profile),
        "mac_pool": ObjectRef(ObjectType.MAC_POOL, tx.execute(select(mac_pools.c.id)).scalar_one()),
        "template": ObjectRef(ObjectType.TEMPLATE, "00000000-0000-0000-0000-000000000000"),
        "other_data_center": ObjectRef(ObjectType.DATA_CENTER, other),
        "other_cluster": ObjectRef(ObjectType.CLUSTER, other_cluster),
    }


@pytest.fixture
def world(db: Database, tmp_path: Path) -> Iterator[World]:
    return db.run(build, tmp_path)


def user(db: Database, name: str, role: str, on: ObjectRef) -> Actor:
    return db.run(rows.add_user, name, (role, on))


def above(name: str) -> set[str]:
    found = {name}
    while PARENTS[name]:
        name = PARENTS[name]
        found.add(name)
    return found


def test_a_permission_holds_on_its_object_and_all_below_and_nowhere_else(db: Database, world: World) -> None:
    for granted in PARENTS:
        actor = user(db, f"user-of-{granted}", "SuperUser", world[granted])
        group = ActionGroup.EDIT_VM_PROPERTIES
        with db.read() as tx:
            reached = {name for name, ref in world.items() if authorize.may(tx, actor, group, ref)}
        assert reached == {name for name in PARENTS if granted in above(name)}, granted


def is_visible(tx: Tx, actor: Actor, ref: ObjectRef) -> bool:
    try:
        visibility.require_visible(tx, actor, ref)
    except NotFoundError:
        return False
    return True


def test_a_user_sees_what_is_below_a_permission_and_the_way_to_it(db: Database, world: World) -> None:
    """Everybody sees template Blank, and the data centres whose management networks have profiles for everyone."""
    things = {name: ref for name, ref in world.items() if name != "system"}
    public = {"template", "data_center", "other_data_center"}
    for granted in things:
        actor = replace(user(db, f"user-of-{granted}", "UserRole", world[granted]), filtered=True)
        with db.read() as tx:
            seen = {name for name, ref in things.items() if is_visible(tx, actor, ref)}
        expected = {name for name in things if granted in above(name) or name in above(granted)}
        assert seen == expected | public, granted


def test_a_role_allows_its_groups_only(db: Database, world: World) -> None:
    actor = user(db, "nora", "NetworkAdmin", world["data_center"])
    with db.read() as tx:
        authorize.require(tx, actor, ActionGroup.CONFIGURE_HOST_NETWORK, world["host"])
        with pytest.raises(DeniedError, match=r"nora@internal is not authorized .* delete_host on the host"):
            authorize.require(tx, actor, ActionGroup.DELETE_HOST, world["host"])
        with pytest.raises(DeniedError):
            authorize.require(tx, actor, ActionGroup.CONFIGURE_HOST_NETWORK, world["other_cluster"])
        with pytest.raises(DeniedError):
            authorize.require(tx, actor, ActionGroup.CREATE_STORAGE_POOL)


def test_one_of_several_objects_is_enough(db: Database, world: World) -> None:
    actor = user(db, "nora", "NetworkAdmin", world["network"])
    with db.read() as tx:
        authorize.require(tx, actor, ActionGroup.CONFIGURE_CLUSTER_NETWORK, world["cluster"], world["network"])


def test_what_everyone_may_each_user_may(db: Database, world: World) -> None:
    actor = user(db, "anna", "UserRole", world["vm"])
    with db.read() as tx:
        assert not authorize.may(tx, actor, ActionGroup.CONFIGURE_VM_NETWORK, world["profile"])
    db.run(authorize.grant, EVERYONE, "VnicProfileUser", world["profile"])
    with db.read() as tx:
        authorize.require(tx, actor, ActionGroup.CONFIGURE_VM_NETWORK, world["profile"])


def test_the_engine_itself_and_its_administrator_may_all(db: Database, world: World) -> None:
    admin = Actor(user_id=ADMIN_ID, name="admin@internal")
    with db.read() as tx:
        for actor in (SYSTEM, admin, replace(admin, filtered=True)):
            for group in ActionGroup:
                authorize.require(tx, actor, group, world["host"])
            for ref in world.values():
                if ref.id != SYSTEM_ID:
                    visibility.require_visible(tx, actor, ref)


def test_without_the_filter_administrators_see_all_and_others_are_told_to_ask_for_theirs(
    db: Database, world: World
) -> None:
    reader = user(db, "rita", "ReadOnlyAdmin", world["cluster"])
    anna = user(db, "anna", "UserVmManager", world["vm"])
    with db.read() as tx:
        assert visibility.visible(tx, reader, ObjectType.NETWORK) is None
        visibility.require_visible(tx, reader, world["other_cluster"])
        with pytest.raises(DeniedError, match="Filter: true"):
            visibility.visible(tx, anna, ObjectType.NETWORK)
        with pytest.raises(NotFoundError):
            visibility.require_visible(tx, reader, ObjectRef(ObjectType.NETWORK, "none"))


def test_permissions_on_removed_things_are_forgotten(db: Database, world: World) -> None:
    user(db, "anna", "UserRole", world["vm"])
    db.run(authorize.forget, world["vm"].id, world["host"].id)
    with db.read() as tx:
        assert not tx.execute(select(permissions).where(permissions.c.object_id == world["vm"].id)).all()


def test_a_second_start_changes_nothing(db: Database, world: World, tmp_path: Path) -> None:
    assert world

    def everything(tx: Tx) -> list[object]:
        return [*tx.execute(select(permissions)), *tx.execute(select(mac_pools))]

    with db.read() as tx:
        before = everything(tx)
    db.run(bootstrap, tmp_path, "another")
    with db.read() as tx:
        assert everything(tx) == before
