"""``POST /netweft/v1/plans``: what a setupnetworks request would do on its host, step by step, and what it affects.
Nothing is sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import cast

import msgspec

from netweft.api import codec
from netweft.api.codec import Form
from netweft.api.host_setup import setup_request
from netweft.api.routes import ADDITIONS, Call, Routes
from netweft.api.types import Action
from netweft.core.neighbours import Neighbours, text_of
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.host_plans import HostPlan, plan_host_networks
from netweft.engine.model.hosts import hosts
from netweft.engine.queries.references import Ref, resolve

routes = Routes("plans", ADDITIONS)


class HostName(msgspec.Struct, kw_only=True, frozen=True):
    """A host by its id, its name, or both."""

    id: str = ""
    name: str = ""


class PlanRequest(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """``setup`` is the body of the host's action ``setupnetworks``, as JSON."""

    host: HostName
    setup: msgspec.Raw


class PlannedStep(msgspec.Struct, kw_only=True, frozen=True):
    """A step as text. ``loss``: none, blip or outage. ``nics``: those that it names, each with its switch port where
    LLDP reports it (``eth1, port Gi1/0/7 of sw-a``). ``networks`` and ``vnics`` (``vm/vnic``): by name, those that lose
    traffic.
    """

    step: str
    kind: str
    loss: str
    nics: list[str]
    networks: list[str]
    vnics: list[str]


class AffectedNetwork(msgspec.Struct, kw_only=True, frozen=True):
    """A network that loses traffic, and the roles that it has in the cluster."""

    id: str
    name: str
    roles: list[str]
    loss: str


class AffectedVnic(msgspec.Struct, kw_only=True, frozen=True):
    """A running guest's vNIC that loses traffic."""

    id: str
    name: str
    vm_id: str
    vm_name: str
    loss: str


class Plan(msgspec.Struct, kw_only=True, frozen=True):
    """The steps in order, their worst loss, and what it affects; ``reported_at``: when the host last reported."""

    host: HostName
    reported_at: datetime
    loss: str
    steps: list[PlannedStep]
    networks: list[AffectedNetwork]
    vnics: list[AffectedVnic]


@routes.post("/plans", PlanRequest, gives=Plan, needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def post_plan(call: Call[PlanRequest]) -> Plan:
    """Plan a change of a host's networks: checked by the same rules and computed by the same functions as the change
    itself.
    """
    action = cast("Action", codec.read(Form.JSON, bytes(call.body.setup), Action))
    request = setup_request(action)
    named = Ref(id=call.body.host.id or None, name=call.body.host.name or None)
    with call.read() as tx:
        return show_plan(plan_host_networks(tx, call.actor, resolve(tx, hosts, named, "host"), request))


def show_plan(plan: HostPlan) -> Plan:
    """The plan of one host."""
    vnics = {vnic.vnic_id: f"{vnic.vm_name}/{vnic.name}" for vnic in plan.vnics}
    return Plan(
        host=HostName(id=plan.host_id, name=plan.host_name),
        reported_at=plan.reported_at,
        loss=plan.loss.value,
        steps=[
            PlannedStep(
                step=step.text,
                kind=type(step.step).__name__,
                loss=step.loss.value,
                nics=[_with_port(nic, plan.neighbours) for nic in step.nics],
                networks=sorted(plan.network_names.get(owner, owner) for owner in step.owners),
                vnics=sorted(vnics[vnic] for vnic in step.vnics if vnic in vnics),
            )
            for step in plan.steps
        ],
        networks=[
            AffectedNetwork(id=one.network_id, name=one.name, roles=list(one.roles), loss=one.loss.value)
            for one in plan.networks
        ],
        vnics=[
            AffectedVnic(id=one.vnic_id, name=one.name, vm_id=one.vm_id, vm_name=one.vm_name, loss=one.loss.value)
            for one in plan.vnics
        ],
    )


def _with_port(nic: str, neighbours: Neighbours) -> str:
    return ", ".join(filter(None, (nic, text_of(neighbours.get(nic, ())))))
