"""``POST /netweft/v1/requestplans``: what any other request would have hosts do, all of them, step by step, and what
that affects. Nothing is changed.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from netweft.api.host_plans import AffectedNetwork, HostName, Plan, show_plan
from netweft.api.routes import ADDITIONS, API, LOGIN, Call, Routes
from netweft.core.errors import MalformedError
from netweft.core.host import Loss
from netweft.engine.commands.host_plans import worst
from netweft.engine.commands.rehearsals import PlannedHost, RequestPlan

routes = Routes("request_plans", ADDITIONS)

_METHODS = ("POST", "PUT", "DELETE")


class PlannedRequest(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A request to plan: ``method`` (POST, PUT or DELETE), ``path`` with its query, from the engine's root
    (``/ovirt-engine/api/networks/ID``), ``body`` as JSON.
    """

    method: str
    path: str
    body: msgspec.Raw | UnsetType = UNSET


class HostOfPlan(msgspec.Struct, kw_only=True, frozen=True):
    """A host that would change. ``status``: of the host now; ``reason``: why it would; ``problem``: why it has no plan,
    null where it has one; ``wave``: the rollout wave in which it changes, null where it changes at once; ``canary``: it
    is watched before the next wave begins; ``evacuated``: the virtual machines that are moved away before, by name.
    """

    host: HostName
    status: str
    reason: str
    problem: str | None
    plan: Plan | None
    wave: int | None
    canary: bool
    evacuated: list[str]


class PlanSummary(msgspec.Struct, kw_only=True, frozen=True):
    """Over all hosts. ``hosts``: how many are concerned, ``changed``: those that would change, ``impossible``: those
    without a plan; ``loss``: the worst; ``networks`` and ``vms`` (by name) that lose traffic.
    """

    hosts: int
    changed: int
    impossible: int
    loss: str
    networks: list[AffectedNetwork]
    vms: list[str]


class PlanOfRequest(msgspec.Struct, kw_only=True, frozen=True):
    """What a request would have hosts do. ``id``: with the header ``Netweft-Plan: ID`` the request itself is executed
    only if its plan is still the same; ``others``: other work that it would start.
    """

    id: str
    summary: PlanSummary
    hosts: list[HostOfPlan]
    others: list[str]


@routes.post("/requestplans", PlannedRequest, gives=PlanOfRequest, needs=LOGIN)
def post_request_plan(call: Call[PlannedRequest]) -> PlanOfRequest:
    """Plan any request: it is checked and done as it would be, looked at, and undone. It takes the rights that the
    request itself takes, and is refused as that would be.
    """
    request = call.body
    method = request.method.upper()
    if method not in _METHODS:
        raise MalformedError(f"method: '{request.method[:20]}' is none of {', '.join(_METHODS)}.")
    if not request.path.startswith((f"{API}/", f"{ADDITIONS}/")):
        raise MalformedError(f"path: '{request.path[:100]}' begins with neither {API}/ nor {ADDITIONS}/.")
    plan = call.planned(method, request.path, b"" if request.body is UNSET else bytes(request.body))
    return PlanOfRequest(
        id=plan.id, summary=_summary(plan), hosts=[_host(one) for one in plan.hosts], others=[*plan.others]
    )


def _host(one: PlannedHost) -> HostOfPlan:
    return HostOfPlan(
        host=HostName(id=one.host_id, name=one.name),
        status=one.status,
        reason=one.reason,
        problem=one.problem or None,
        plan=show_plan(one.plan) if one.plan else None,
        wave=one.wave,
        canary=one.is_canary,
        evacuated=[*one.evacuated],
    )


def _summary(plan: RequestPlan) -> PlanSummary:
    plans = [one.plan for one in plan.hosts if one.plan]
    affected: dict[str, AffectedNetwork] = {}
    for network in (network for one in plans for network in one.networks):
        effect = affected.get(network.network_id)
        loss = worst([network.loss, Loss(effect.loss) if effect else Loss.NONE])
        affected[network.network_id] = AffectedNetwork(
            id=network.network_id, name=network.name, roles=list(network.roles), loss=loss.value
        )
    return PlanSummary(
        hosts=len(plan.hosts),
        changed=sum(bool(one.steps) for one in plans),
        impossible=sum(one.plan is None for one in plan.hosts),
        loss=plan.loss.value,
        networks=sorted(affected.values(), key=lambda one: one.name),
        vms=sorted({vnic.vm_name for one in plans for vnic in one.vnics}),
    )
