"""Halting, resuming and taking back what goes out to hosts, by hand."""

from __future__ import annotations

import sqlalchemy as sa

from netweft.core.rollout import HostState, Status
from netweft.core.rules import check
from netweft.core.rules import rollout as rules
from netweft.engine import audit
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.db import Tx, lock
from netweft.engine.model.hosts import hosts
from netweft.engine.model.rollouts import RolloutRow, rollout_hosts, rollouts
from netweft.engine.operations import rollouts as operations
from netweft.engine.operations.rollout_undo import changed_again
from netweft.engine.queries import rollouts as queries

HALTED, RESUMED, REVERTING = 20_191, 20_192, 20_193
"""Event codes of our own."""

_HALT = "Cannot halt Rollout."
_RESUME = "Cannot resume Rollout."
_REVERT = "Cannot revert Rollout."


def halt_rollout(tx: Tx, actor: Actor, rollout_id: str) -> None:
    """Let a rollout reach no more hosts; those that are changing go on.

    Needs CONFIGURE_CLUSTER_NETWORK on the clusters of its hosts. Raises NotFoundError, DeniedError, ValidationError.
    """
    row = _begin(tx, actor, rollout_id)
    check(_HALT, rules.may_be_halted(Status(row.status)))
    operations.end(tx, rollout_id, Status.HALTED, f"It was halted by {actor.name}.")
    audit.record(tx, actor, HALTED, f"The rollout '{row.reason}' was halted by {actor.name}.")


def resume_rollout(tx: Tx, actor: Actor, rollout_id: str) -> None:
    """Let a halted rollout go on; hosts that failed are tried again first.

    Needs CONFIGURE_CLUSTER_NETWORK on the clusters of its hosts. Raises NotFoundError, DeniedError, ValidationError.
    """
    row = _begin(tx, actor, rollout_id)
    check(_RESUME, rules.may_be_resumed(Status(row.status)))
    here = rollout_hosts.c.rollout_id == rollout_id
    failed = rollout_hosts.c.state.in_((HostState.FAILED, HostState.SILENT))
    tx.execute(sa.update(rollout_hosts).where(here, failed).values(state=HostState.WAITING, error="", health=None))
    operations.end(tx, rollout_id, Status.RUNNING)
    operations.enqueue(tx, actor, rollout_id, row.reason)
    audit.record(tx, actor, RESUMED, f"The rollout '{row.reason}' was resumed by {actor.name}.")


def revert_rollout(tx: Tx, actor: Actor, rollout_id: str) -> None:
    """Take a rollout back: from the hosts that have changed, the last ones first, and then the change itself.

    Needs CONFIGURE_CLUSTER_NETWORK on the clusters of its hosts. Raises NotFoundError, DeniedError, ValidationError,
    also where what it changed was changed again.
    """
    row = _begin(tx, actor, rollout_id)
    check(_REVERT, rules.may_be_reverted(Status(row.status), row.irreversible))
    check(_REVERT, rules.is_still_so(row.reason, changed_again(tx, row)))
    operations.end(tx, rollout_id, Status.REVERTING, f"It is taken back by {actor.name}.")
    operations.enqueue(tx, actor, rollout_id, row.reason)
    audit.record(tx, actor, REVERTING, f"The rollout '{row.reason}' is taken back by {actor.name}.")


def _begin(tx: Tx, actor: Actor, rollout_id: str) -> RolloutRow:
    row = lock(tx, rollouts, queries.get(tx, rollout_id).id)
    there = sa.select(rollout_hosts.c.host_id).where(rollout_hosts.c.rollout_id == rollout_id)
    for cluster_id in sorted(set(tx.scalars(sa.select(hosts.c.cluster_id).where(hosts.c.id.in_(there))))):
        ref = ObjectRef(ObjectType.CLUSTER, cluster_id)
        authorize.require(tx, actor, ActionGroup.CONFIGURE_CLUSTER_NETWORK, ref)
    return row
