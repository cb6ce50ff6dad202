"""Commands on a whole fabric: list its classes of traffic, and raise their MTU."""

from __future__ import annotations

from netweft.core.rules import check
from netweft.core.rules import port_profile as rules
from netweft.engine import queue
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.db import Tx
from netweft.engine.payloads import OnProvider, RaiseMtu
from netweft.engine.queries.providers import CONFIGURATION_PROVIDERS

_RAISE = "Cannot raise the MTU."


def list_system_classes(tx: Tx, actor: Actor, provider_id: str) -> str:
    """List the classes of traffic of a fabric; returns the id of the job, whose result they are. Raises
    NotFoundError.
    """
    row = CONFIGURATION_PROVIDERS.get(tx, provider_id)
    text = f"Listing the classes of traffic of Provider {row.name}"
    return queue.enqueue(
        tx, actor, "list_system_classes", f"provider:{row.id}", text, OnProvider(provider_id=provider_id)
    )


def raise_mtu(tx: Tx, actor: Actor, request: RaiseMtu, *, interrupts_fabric: bool) -> str:
    """Let a class of traffic of a whole fabric carry longer frames; returns the id of the job. It is never lowered.
    ``interrupts_fabric``: whether the user has confirmed that all its traffic may be interrupted; a plan does not
    need that.

    Needs CREATE_STORAGE_POOL on the provider. Raises NotFoundError, DeniedError, ValidationError.
    """
    row = CONFIGURATION_PROVIDERS.get(tx, request.provider_id)
    authorize.require(tx, actor, ActionGroup.CREATE_STORAGE_POOL, ObjectRef(ObjectType.PROVIDER, row.id))
    check(
        _RAISE,
        rules.mtu_can_be_raised(request.mtu),
        rules.interruption_is_accepted(row.name, accepted=request.plan or interrupts_fabric),
    )
    what = "Finding out what is interrupted when" if request.plan else "Raising"
    text = f"{what} the MTU of class {request.system_class[:60]} of Provider {row.name}" + (
        " is raised" if request.plan else ""
    )
    return queue.enqueue(tx, actor, "raise_mtu", f"provider:{row.id}", text, request)
