"""Adding, changing and removing data centres."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from netweft.core.errors import Problem
from netweft.core.keep import KEEP, Keep
from netweft.core.rules import check, fields
from netweft.core.rules import data_center as rules
from netweft.engine import audit
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.changes import Texts, changes, made, updated
from netweft.engine.commands.networks import AddNetwork, create_network
from netweft.engine.commands.vnic_profiles import remove_profiles
from netweft.engine.db import Tx, lock, new_id
from netweft.engine.model.data_centers import DataCenterRow, data_centers
from netweft.engine.model.networks import NetworkRow, networks
from netweft.engine.operations import port_profiles, provider_networks
from netweft.engine.operations.races import name_taken, translate_constraint_errors
from netweft.engine.queries import data_centers as queries
from netweft.engine.queries.references import Ref
from netweft.engine.statements import add, rows

MANAGEMENT_NETWORK = "ovirtmgmt"
"""The name of the network that a data centre begins with (oVirt: DefaultManagementNetwork)."""

_ADD = "Cannot add Data Center."
_UPDATE = "Cannot edit Data Center."
_REMOVE = "Cannot remove Data Center."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fields(Texts):
    local: bool | Keep = KEEP
    version: str | Keep = KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class AddDataCenter(_Fields):
    """A data centre to be."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDataCenter(_Fields):
    """What changes of a data centre."""

    id: str


def add_data_center(tx: Tx, actor: Actor, spec: AddDataCenter) -> str:
    """Add a data centre with its management network, whose vNIC profile everyone may use; returns its id.

    Needs CREATE_STORAGE_POOL on the system. Raises DeniedError, ValidationError.
    """
    authorize.require(tx, actor, ActionGroup.CREATE_STORAGE_POOL)
    data_center = made(DataCenterRow, spec, id=new_id())
    check(_ADD, *_problems(data_center))
    with translate_constraint_errors(_ADD, lambda _: name_taken("Data Center", spec.name)):
        add(tx, data_centers, data_center)
    audit.record(tx, actor, 950, f"Data Center {spec.name} was added by {actor.name}.", data_center=data_center.id)
    management = AddNetwork(
        name=MANAGEMENT_NETWORK, data_center=Ref(id=data_center.id), description="Management Network"
    )
    create_network(tx, actor, data_center.id, management)
    return data_center.id


def update_data_center(tx: Tx, actor: Actor, spec: UpdateDataCenter) -> None:
    """Change a data centre.

    Needs EDIT_STORAGE_POOL_CONFIGURATION on it. Raises NotFoundError, DeniedError, ValidationError.
    """
    before = lock(tx, data_centers, spec.id)
    authorize.require(
        tx, actor, ActionGroup.EDIT_STORAGE_POOL_CONFIGURATION, ObjectRef(ObjectType.DATA_CENTER, spec.id)
    )
    after = updated(before, spec)
    changed = changes(before, after)
    check(_UPDATE, *_problems(after))
    if "version" in changed:
        clusters = [(cluster.name, cluster.version) for cluster in queries.clusters_of(tx, spec.id)]
        check(_UPDATE, rules.version_is_not_above_clusters(after.version, clusters))
    if not changed:
        return
    with translate_constraint_errors(_UPDATE, lambda _: name_taken("Data Center", after.name)):
        tx.execute(sa.update(data_centers).where(data_centers.c.id == spec.id).values(changed))
    audit.record(tx, actor, 952, f"Data Center {after.name} was changed by {actor.name}.", data_center=spec.id)


def remove_data_center(tx: Tx, actor: Actor, data_center_id: str) -> None:
    """Remove a data centre without clusters, and its networks with it, also from the providers on which they were made.

    Needs DELETE_STORAGE_POOL on it. Raises NotFoundError, DeniedError, ValidationError.
    """
    data_center = lock(tx, data_centers, data_center_id)
    authorize.require(tx, actor, ActionGroup.DELETE_STORAGE_POOL, ObjectRef(ObjectType.DATA_CENTER, data_center_id))
    clusters = [cluster.name for cluster in queries.clusters_of(tx, data_center_id)]
    check(_REMOVE, rules.has_no_clusters(data_center.name, clusters))
    inside = networks.c.data_center_id == data_center_id
    with translate_constraint_errors(_REMOVE, lambda _: None):
        for network in rows(tx, NetworkRow, sa.select(networks).where(inside)):
            remove_profiles(tx, network.id)
            authorize.forget(tx, network.id)
            provider_networks.release(tx, actor, network)
            port_profiles.release_all(tx, actor, network.id)
        tx.execute(sa.delete(networks).where(inside))
        authorize.forget(tx, data_center_id)
        tx.execute(sa.delete(data_centers).where(data_centers.c.id == data_center_id))
    text = f"Data Center {data_center.name} was removed by {actor.name}."
    audit.record(tx, actor, 954, text, data_center=data_center_id)


def _problems(data_center: DataCenterRow) -> tuple[Problem | None, ...]:
    return (
        *fields.texts_are_valid("Data Center", data_center, fields.SHORT_NAME_MAX),
        rules.version_is_supported(data_center.version),
    )
