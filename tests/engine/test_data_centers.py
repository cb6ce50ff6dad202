"""Data centres, and what a new engine has."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

import rows
from netweft.core.errors import DeniedError, NotFoundError, ValidationError
from netweft.engine import seed as bootstrap
from netweft.engine.access.objects import SYSTEM_REF
from netweft.engine.actor import SYSTEM
from netweft.engine.commands import data_centers as commands
from netweft.engine.commands.data_centers import AddDataCenter, UpdateDataCenter
from netweft.engine.db import Database
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.events import events
from netweft.engine.model.mac_pools import mac_pools
from netweft.engine.model.networks import networks
from netweft.engine.model.templates import templates
from netweft.engine.model.users import permissions
from netweft.engine.model.vnic_profiles import vnic_profiles


@pytest.fixture(autouse=True)
def seeded(db: Database) -> None:
    with db.write() as tx:
        rows.add_roles(tx)
        bootstrap.seed(tx, SYSTEM)


def add(db: Database, name: str = "north", version: str = "4.7") -> str:
    return db.run(commands.add_data_center, SYSTEM, AddDataCenter(name=name, version=version))


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(ValidationError) as refusal:
        act()
    return refusal.value.code


def test_a_new_engine_has_one_of_each_and_is_filled_once(db: Database) -> None:
    with db.write() as tx:
        for table in (data_centers, clusters, networks, vnic_profiles, templates, mac_pools):
            assert tx.scalar(select(func.count()).select_from(table)) == 1
        tx.execute(clusters.delete())
        bootstrap.seed(tx, SYSTEM)
        assert tx.scalar(select(func.count()).select_from(clusters)) == 0


def test_a_data_centre_begins_with_its_management_network(db: Database) -> None:
    data_center_id = add(db)
    with db.read() as tx:
        here = tx.execute(select(networks).where(networks.c.data_center_id == data_center_id)).one()
        codes = tx.scalars(select(events.c.code).where(events.c.data_center_id == data_center_id)).all()
    assert (here.name, here.vm_network) == ("ovirtmgmt", True)
    assert list(codes) == [950, 942]


def test_changes(db: Database) -> None:
    data_center_id = add(db)
    spec = UpdateDataCenter(id=data_center_id, name="south", description="d", comment="c", local=True, version="4.8")
    db.run(commands.update_data_center, SYSTEM, spec)
    db.run(commands.update_data_center, SYSTEM, spec)
    with db.read() as tx:
        row = tx.execute(select(data_centers).where(data_centers.c.id == data_center_id)).one()
        assert tx.scalar(select(func.count()).where(events.c.code == 952)) == 1
    assert (row.name, row.description, row.comment, row.local, row.version) == ("south", "d", "c", True, "4.8")


def test_removing_takes_networks_and_permissions_along(db: Database) -> None:
    data_center_id = add(db)
    db.run(commands.remove_data_center, SYSTEM, data_center_id)
    with db.read() as tx:
        assert tx.scalar(select(func.count()).select_from(networks)) == 1
        assert tx.scalar(select(func.count()).select_from(vnic_profiles)) == 1
        profiles = tx.scalars(select(vnic_profiles.c.id)).all()
        about = permissions.c.object_type == "vnic_profile"
        assert tx.scalars(select(permissions.c.object_id).where(about)).all() == profiles
    with pytest.raises(NotFoundError):
        db.run(commands.remove_data_center, SYSTEM, data_center_id)


def test_rights(db: Database) -> None:
    with db.write() as tx:
        reader = rows.add_user(tx, "reader", ("ReadOnlyAdmin", SYSTEM_REF))
        owner = rows.add_user(tx, "owner", ("DataCenterAdmin", SYSTEM_REF))
    with pytest.raises(DeniedError):
        db.run(commands.add_data_center, reader, AddDataCenter(name="north"))
    data_center_id = db.run(commands.add_data_center, owner, AddDataCenter(name="north"))
    with pytest.raises(DeniedError):
        db.run(commands.update_data_center, reader, UpdateDataCenter(id=data_center_id, name="south"))
    with pytest.raises(DeniedError):
        db.run(commands.remove_data_center, reader, data_center_id)
    db.run(commands.remove_data_center, owner, data_center_id)
