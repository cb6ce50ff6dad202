"""Adding, changing and removing QoS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from netweft.core.errors import Problem
from netweft.core.keep import KEEP, Keep
from netweft.core.rules import check, fields
from netweft.core.rules import qos as rules
from netweft.engine import audit
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.changes import Texts, changes, made, updated
from netweft.engine.commands.hosts import follow
from netweft.engine.db import Tx, lock, new_id
from netweft.engine.model.data_centers import DataCenterRow, data_centers
from netweft.engine.model.qos import QosRow, qoss
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.operations import host_rules, vnic_sync
from netweft.engine.operations.races import translate_constraint_errors
from netweft.engine.queries import qos as queries
from netweft.engine.queries.qos import QOSS
from netweft.engine.statements import add

ADDED = {rules.NETWORK: 10100, rules.HOST_NETWORK: 10110}
REMOVED = {rules.NETWORK: 10102, rules.HOST_NETWORK: 10112}
UPDATED = {rules.NETWORK: 10104, rules.HOST_NETWORK: 10114}
"""Event codes (oVirt: USER_ADDED_NETWORK_QOS, USER_ADDED_QOS ...)."""

_ADD = "Cannot add QoS."
_UPDATE = "Cannot edit QoS."
_REMOVE = "Cannot remove QoS."


@dataclass(frozen=True, slots=True, kw_only=True)
class AddQos(Texts):
    """A QoS to be. ``limits`` by their names in :data:`netweft.core.rules.qos.LIMITS`; one that is left out or None
    does not limit.
    """

    data_center_id: str
    name: str
    type: str
    limits: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateQos(Texts):
    """What changes of a QoS. A limit that is left out stays; None takes it away."""

    data_center_id: str
    id: str
    type: str | Keep = KEEP
    limits: Mapping[str, int | None] = field(default_factory=dict)


def add_qos(tx: Tx, actor: Actor, spec: AddQos) -> str:
    """Add a QoS to a data centre; returns its id.

    Needs CONFIGURE_STORAGE_POOL_NETWORK on the data centre. Raises NotFoundError, DeniedError, ValidationError.
    """
    data_center = _begin(tx, actor, spec.data_center_id)
    qos = made(QosRow, spec, id=new_id(), **spec.limits)
    _check(_ADD, qos)
    check(_ADD, _name_is_free(tx, qos))
    with translate_constraint_errors(_ADD, lambda _: rules.name_is_free(qos.name, is_taken=True)):
        add(tx, qoss, qos)
    text = f"QoS {spec.name} was added to data centre {data_center.name} by {actor.name}."
    audit.record(tx, actor, ADDED[spec.type], text, data_center=spec.data_center_id)
    return qos.id


def update_qos(tx: Tx, actor: Actor, spec: UpdateQos) -> None:
    """Change a QoS. Hosts follow for the networks that have it; vNICs of running VMs that have it by their profile
    take it over.

    Needs CONFIGURE_STORAGE_POOL_NETWORK on the data centre. Raises NotFoundError, DeniedError, ValidationError.
    """
    data_center = _begin(tx, actor, spec.data_center_id)
    before = queries.get(tx, spec.data_center_id, spec.id)
    after = updated(before, spec, **spec.limits)
    check(_UPDATE, rules.type_is_kept(before.type, after.type))
    _check(_UPDATE, after)
    check(_UPDATE, _name_is_free(tx, after))
    changed = changes(before, after)
    if not changed:
        return
    watched = host_rules.watch(tx, _UPDATE, queries.networks_with(tx, spec.id))
    with translate_constraint_errors(_UPDATE, lambda _: rules.name_is_free(after.name, is_taken=True)):
        tx.execute(sa.update(qoss).where(qoss.c.id == spec.id).values(changed))
    if changed.keys() & set(rules.LIMITS):
        _refresh(tx, actor, spec.id)
        follow(tx, actor, watched, f"QoS {after.name} has changed")
    text = f"QoS {after.name} of data centre {data_center.name} was changed by {actor.name}."
    audit.record(tx, actor, UPDATED[before.type], text, data_center=spec.data_center_id)


def remove_qos(tx: Tx, actor: Actor, data_center_id: str, qos_id: str) -> None:
    """Remove a QoS; profiles and networks that have it are without one then, and hosts follow.

    Needs CONFIGURE_STORAGE_POOL_NETWORK on the data centre. Raises NotFoundError, DeniedError.
    """
    data_center = _begin(tx, actor, data_center_id)
    qos = queries.get(tx, data_center_id, qos_id)
    _refresh(tx, actor, qos_id)
    watched = host_rules.watch(tx, _REMOVE, queries.networks_with(tx, qos_id))
    tx.execute(sa.delete(qoss).where(qoss.c.id == qos_id))
    follow(tx, actor, watched, f"QoS {qos.name} was removed")
    text = f"QoS {qos.name} was removed from data centre {data_center.name} by {actor.name}."
    audit.record(tx, actor, REMOVED[qos.type], text, data_center=data_center_id)


def _begin(tx: Tx, actor: Actor, data_center_id: str) -> DataCenterRow:
    data_center = lock(tx, data_centers, data_center_id)
    ref = ObjectRef(ObjectType.DATA_CENTER, data_center_id)
    authorize.require(tx, actor, ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK, ref)
    return data_center


def _check(action: str, qos: QosRow) -> None:
    """The rules that look at the QoS alone."""
    check(action, rules.type_is_known(qos.type), *fields.texts_are_valid("QoS", qos))
    limits = {name: getattr(qos, name) for name in rules.LIMITS}
    check(
        action,
        rules.limits_fit_type(qos.type, limits),
        rules.limits_are_complete(qos.type, limits),
        rules.limits_are_in_range(qos.type, limits),
    )
    check(action, rules.limits_are_consistent(qos.type, limits))


def _name_is_free(tx: Tx, qos: QosRow) -> Problem | None:
    here = qoss.c.data_center_id == qos.data_center_id
    return rules.name_is_free(qos.name, is_taken=QOSS.is_taken(tx, qos.name, here, besides=qos.id))


def _refresh(tx: Tx, actor: Actor, qos_id: str) -> None:
    """Running vNICs that have it by their profile get it as it is now."""
    profiles = sa.select(vnic_profiles.c.id).where(vnic_profiles.c.qos_id == qos_id)
    vnic_sync.mark(tx, vnics.c.profile_id.in_(profiles))
    vnic_sync.sync_guests(tx, actor, vnic_sync.ON_PROFILE_UPDATE, vnics.c.profile_id.in_(profiles))
