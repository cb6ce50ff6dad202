"""What a request for a host's networks would do, computed by the very functions that will do it; nothing is sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from netweft.core.desired import desired_host
from netweft.core.errors import HostError
from netweft.core.host import Loss
from netweft.core.host_request import SetupRequest
from netweft.core.impact import StepImpact, explain
from netweft.core.intent import HostIntent
from netweft.core.neighbours import Neighbours
from netweft.core.plan import plan
from netweft.core.prune import leave_missing
from netweft.core.rules.setup_networks import validate
from netweft.core.steps import Step
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.db import Tx, new_id
from netweft.engine.model.vms import VmRow, vms
from netweft.engine.model.vnics import vnics
from netweft.engine.queries import host_history as history
from netweft.engine.queries import host_networks as queries
from netweft.engine.queries.host_networks import HostData
from netweft.engine.statements import rows

_ACTION = "Cannot plan Networks."


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedNetwork:
    """A network that loses traffic: with its roles in the cluster, and the guests' vNICs on it that do."""

    network_id: str
    name: str
    roles: tuple[str, ...]
    loss: Loss


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedVnic:
    """A guest's vNIC that loses traffic."""

    vnic_id: str
    name: str
    vm_id: str
    vm_name: str
    loss: Loss


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlan:
    """The steps in order, what the worst of them costs, and what it affects. ``reported_at``: of the report that it
    starts from; ``network_names``: by id, of all networks that a step may name; ``neighbours``: of the host's NICs.
    """

    host_id: str
    host_name: str
    reported_at: datetime
    steps: tuple[StepImpact, ...]
    loss: Loss
    networks: tuple[AffectedNetwork, ...]
    vnics: tuple[AffectedVnic, ...]
    network_names: Mapping[str, str]
    neighbours: Neighbours


def plan_host_networks(tx: Tx, actor: Actor, host_id: str, request: SetupRequest) -> HostPlan:
    """The plan of a request, by the host's last report; a transaction to read in is enough.

    Needs CONFIGURE_HOST_NETWORK on the host. Raises NotFoundError, DeniedError, ValidationError as the request itself
    would,
    HostError when the host has never reported or no plan leads there.
    """
    data = queries.load_one(tx, host_id)
    authorize.require(tx, actor, ActionGroup.CONFIGURE_HOST_NETWORK, ObjectRef(ObjectType.HOST, host_id))
    _reported_at(data)
    final = validate(queries.view(tx, host_id, request), request, new_id, _ACTION)
    asks = final.needs_host or final.puts_right
    return plan_of(tx, data, queries.intent_to_bring(data, final) if asks else None)


def plan_of(tx: Tx, data: HostData, intent: HostIntent | None) -> HostPlan:
    """The plan that brings an intent to a host, by its last report. ``intent``: None for nothing to do.

    Raises HostError when the host has never reported or no plan leads there.
    """
    reported_at = _reported_at(data)
    management = [network_id for network_id, view in data.networks.items() if view.is_management]
    todo: Sequence[Step] = ()
    if intent is not None:
        desired, _ = leave_missing(desired_host(intent, data.host), data.host)
        todo = plan(data.host, desired)
    steps = explain(todo, data.host, management=management)
    names = _names(tx, data, steps)
    return HostPlan(
        host_id=data.row.id,
        host_name=data.row.name,
        reported_at=reported_at,
        steps=steps,
        loss=worst(step.loss for step in steps),
        networks=_networks(data, steps, names),
        vnics=_vnics(tx, steps),
        network_names=names,
        neighbours=data.neighbours or {},
    )


def cut_off_by(tx: Tx, found: HostPlan) -> list[VmRow]:
    """The guests that run on the host and lose traffic for longer than a moment, by name."""
    affected = {vnic.vm_id for vnic in found.vnics if vnic.loss is Loss.OUTAGE}
    here = vms.c.id.in_(affected), vms.c.host_id == found.host_id, vms.c.status == "up"
    return rows(tx, VmRow, sa.select(vms).where(*here).order_by(vms.c.name))


def _reported_at(data: HostData) -> datetime:
    if data.reported_at is None:
        raise HostError(f"Host {data.row.name} has not reported its networking yet.", code="HOST_NEVER_REPORTED")
    return data.reported_at


def worst(losses: Iterable[Loss]) -> Loss:
    """The worst of losses, none where there are none."""
    order = list(Loss)
    return max(losses, key=order.index, default=Loss.NONE)


def _names(tx: Tx, data: HostData, steps: Collection[StepImpact]) -> Mapping[str, str]:
    """The names, by id, of the networks of a host's cluster, and of those that steps are about and which are leaving it
    or are gone.
    """
    names = {network_id: view.name for network_id, view in data.networks.items()}
    others = {owner for step in steps for owner in step.owners} - names.keys()
    return names | history.names_of(tx, data.row.id, others) if others else names


def _networks(data: HostData, steps: Collection[StepImpact], names: Mapping[str, str]) -> tuple[AffectedNetwork, ...]:
    losses = _by_subject((owner, step.loss) for step in steps for owner in step.owners)
    return tuple(
        AffectedNetwork(network_id=owner, name=names[owner], roles=_roles(data, owner), loss=losses[owner])
        for owner in sorted(losses.keys() & names.keys(), key=lambda owner: names[owner])
    )


def _roles(data: HostData, network_id: str) -> tuple[str, ...]:
    view = data.networks.get(network_id)
    return tuple(sorted(view.roles)) if view else ()


def _by_subject(pairs: Any) -> Mapping[str, Loss]:  # noqa: ANN401 - any iterable of pairs
    """The worst loss of each; those that lose nothing are left out."""
    found: dict[str, Loss] = {}
    for subject, loss in pairs:
        if loss is not Loss.NONE:
            found[subject] = worst((loss, found.get(subject, Loss.NONE)))
    return found


def _vnics(tx: Tx, steps: Collection[StepImpact]) -> tuple[AffectedVnic, ...]:
    losses = _by_subject((vnic, step.loss) for step in steps for vnic in step.vnics)
    query = sa.select(vnics.c.id, vnics.c.name, vnics.c.vm_id, vms.c.name)
    query = query.join(vms, vms.c.id == vnics.c.vm_id).where(vnics.c.id.in_(list(losses)))
    return tuple(
        AffectedVnic(vnic_id=vnic_id, name=name, vm_id=vm_id, vm_name=vm_name, loss=losses[vnic_id])
        for vnic_id, name, vm_id, vm_name in tx.execute(query.order_by(vms.c.name, vnics.c.name))
    )
