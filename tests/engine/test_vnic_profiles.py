"""vNIC profiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

import rows
from netweft.core.errors import DeniedError, MalformedError, NotFoundError, ValidationError
from netweft.core.network_filters import DEFAULT_FILTER, IDS
from netweft.engine import seed as bootstrap
from netweft.engine.access import authorize
from netweft.engine.access.objects import SYSTEM_REF, ObjectRef, ObjectType
from netweft.engine.access.roles import EVERYONE, ActionGroup
from netweft.engine.actor import SYSTEM, Actor
from netweft.engine.commands import vnic_profiles as commands
from netweft.engine.commands.data_centers import AddDataCenter, add_data_center
from netweft.engine.commands.networks import AddNetwork, add_network
from netweft.engine.commands.vnic_profiles import AddVnicProfile, UpdateVnicProfile
from netweft.engine.db import Database, new_id
from netweft.engine.model.clusters import clusters
from netweft.engine.model.events import events
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.queries import vnic_profiles as queries
from netweft.engine.queries.references import Ref


@pytest.fixture(autouse=True)
def network_id(db: Database) -> str:
    with db.write() as tx:
        rows.add_roles(tx)
        bootstrap.seed(tx, SYSTEM)
        return add_network(tx, SYSTEM, AddNetwork(name="tenants", data_center=Ref(name="Default"))).id


def add(db: Database, name: str = "gold", actor: Actor = SYSTEM, **values: object) -> str:
    spec = replace(AddVnicProfile(name=name, network=Ref(name="tenants")), **values)  # type: ignore[arg-type] # the test's names and types
    return db.run(commands.add_vnic_profile, actor, spec)


def change(db: Database, profile_id: str, **values: object) -> None:
    db.run(commands.update_vnic_profile, SYSTEM, replace(UpdateVnicProfile(id=profile_id), **values))  # type: ignore[arg-type] # the same


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(ValidationError) as refusal:
        act()
    return refusal.value.code


def filter_of(db: Database, profile_id: str) -> str | None:
    with db.read() as tx:
        found: str | None = queries.get(tx, profile_id).network_filter_id
        return found


def use(db: Database, profile_id: str) -> str:
    with db.write() as tx:
        cluster_id = tx.execute(select(clusters.c.id)).scalar_one()
        return rows.add_vnic(tx, rows.add_vm(tx, cluster_id, "web", "up"), profile_id, "02:00:00:00:00:01")


def test_a_profile_has_the_default_filter_unless_it_says_otherwise(db: Database) -> None:
    assert filter_of(db, add(db)) == DEFAULT_FILTER
    assert filter_of(db, add(db, "none", network_filter_id=None)) is None
    assert filter_of(db, add(db, "clean", network_filter_id=IDS["clean-traffic"])) == IDS["clean-traffic"]
    assert filter_of(db, add(db, "direct", passthrough=True, migratable=False)) is None


def test_a_public_profile_is_for_everyone(db: Database) -> None:
    private, public = add(db, custom_properties={"queues": "4"}), add(db, "open", public=True)
    anyone = Actor(user_id=EVERYONE, name="anyone")
    with db.read() as tx:
        for profile_id, allowed in ((private, False), (public, True)):
            ref = ObjectRef(ObjectType.VNIC_PROFILE, profile_id)
            assert authorize.may(tx, anyone, ActionGroup.CONFIGURE_VM_NETWORK, ref) is allowed
        assert queries.get(tx, private).custom_properties == {"queues": "4"}


def test_which_network_is_meant(db: Database) -> None:
    db.run(add_data_center, SYSTEM, AddDataCenter(name="north"))
    with pytest.raises(MalformedError):
        add(db, network=Ref())
    with pytest.raises(MalformedError, match="several"):
        add(db, network=Ref(name="ovirtmgmt"))
    with pytest.raises(NotFoundError):
        add(db, network=Ref(name="nothing"))


def test_changes(db: Database) -> None:
    profile_id = add(db)
    values = {
        "name": "silver",
        "description": "d",
        "comment": "c",
        "port_mirroring": True,
        "network_filter_id": None,
        "custom_properties": {"SecurityGroups": ""},
    }
    change(db, profile_id, network=Ref(name="tenants"), qos_id=None, **values)
    change(db, profile_id, **values)
    with db.read() as tx:
        row = queries.get(tx, profile_id)
        assert {name: getattr(row, name) for name in values} == values
        assert tx.scalars(select(events.c.code).order_by(events.c.id.desc()).limit(2)).all() == [1124, 1122]


def test_a_profile_that_vms_use_keeps_what_they_run_with(db: Database) -> None:
    profile_id = add(db)
    vnic_id = use(db, profile_id)
    in_use = "ACTION_TYPE_FAILED_VNIC_PROFILE_IN_ONE_USE"
    assert code_of(lambda: change(db, profile_id, port_mirroring=True)) == in_use
    assert code_of(lambda: change(db, profile_id, passthrough=True, network_filter_id=None)) == in_use
    assert code_of(lambda: change(db, profile_id, network=Ref(name="ovirtmgmt"))) == (
        "ACTION_TYPE_FAILED_CANNOT_CHANGE_VNIC_PROFILE_NETWORK"
    )
    refused = code_of(lambda: db.run(commands.remove_vnic_profile, SYSTEM, profile_id))
    assert refused == "ACTION_TYPE_FAILED_VNIC_PROFILE_IN_ONE_USE"
    change(db, profile_id, name="other")
    with db.read() as tx:
        assert tx.scalar(select(vnics.c.synced).where(vnics.c.id == vnic_id)) is True
    change(db, profile_id, network_filter_id=None)
    with db.read() as tx:
        assert tx.scalar(select(vnics.c.synced).where(vnics.c.id == vnic_id)) is False


def test_the_database_knows_that_a_network_has_one_default_profile(db: Database, network_id: str) -> None:
    with pytest.raises(IntegrityError), db.write() as tx:
        tx.execute(
            insert(vnic_profiles).values(
                id=new_id(), network_id=network_id, name="x", description="", comment="", is_default=True,
                port_mirroring=False, passthrough=False, migratable=True, custom_properties={},
            )
        )  # fmt: skip


def test_rights_and_removal(db: Database) -> None:
    with db.write() as tx:
        reader = rows.add_user(tx, "reader", ("ReadOnlyAdmin", SYSTEM_REF))
        owner = rows.add_user(tx, "owner", ("NetworkAdmin", SYSTEM_REF))
    with pytest.raises(DeniedError):
        add(db, actor=reader)
    profile_id = add(db, actor=owner)
    with pytest.raises(DeniedError):
        db.run(commands.update_vnic_profile, reader, UpdateVnicProfile(id=profile_id, name="x"))
    with pytest.raises(DeniedError):
        db.run(commands.remove_vnic_profile, reader, profile_id)
    db.run(commands.remove_vnic_profile, owner, profile_id)
    with pytest.raises(NotFoundError):
        db.run(commands.remove_vnic_profile, owner, profile_id)
    with db.read() as tx:
        assert tx.scalar(select(func.count()).where(events.c.code == 1126)) == 1
