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
from netweft.engine.model.rollouts import RolloutRow, rollout_hosts, rollouts
from netweft.engine.operations import rollouts as operations
from netweft.engine.operations.rollout_undo import add_newcomers, require_revertible
from netweft.engine.queries import rollouts as queries

HALTED, RESUMED, REVERTING = 20_191, 20_192, 20_193
"""Event codes of our own."""

_HALT = "Cannot halt Rollout."
_RESUME = "Cannot resume Rollout."
_REVERT = "Cannot revert Rollout."


def halt_rollout(tx: Tx, actor: Actor, rollout_id: str) -> None:
    """Let a rollout reach no more hosts; those that are changing go on.

    Needs the right to change what it brings (:func:`_begin`). Raises NotFoundError, DeniedError, ValidationError.
    """
    row = _begin(tx, actor, rollout_id)
    check(_HALT, rules.may_be_halted(Status(row.status)))
    operations.end(tx, rollout_id, Status.HALTED, f"It was halted by {actor.name}.")
    audit.record(tx, actor, HALTED, f"The rollout '{row.reason}' was halted by {actor.name}.")


def resume_rollout(tx: Tx, actor: Actor, rollout_id: str) -> None:
    """Let a halted rollout go on; hosts that failed are tried again first.

    Needs the right to change what it brings (:func:`_begin`). Raises NotFoundError, DeniedError, ValidationError.
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

    Needs the right to change what it brings (:func:`_begin`). Raises NotFoundError, DeniedError, ValidationError,
    also where what it changed was changed again.
    """
    row = _begin(tx, actor, rollout_id)
    require_revertible(tx, _REVERT, row)
    add_newcomers(tx, row)
    operations.end(tx, rollout_id, Status.REVERTING, f"Its revert was requested by {actor.name}.")
    operations.enqueue(tx, actor, rollout_id, row.reason)
    audit.record(tx, actor, REVERTING, f"The rollout '{row.reason}' is being reverted by {actor.name}.")


def _begin(tx: Tx, actor: Actor, rollout_id: str) -> RolloutRow:
    """Lock it. Needs CONFIGURE_STORAGE_POOL_NETWORK on each network that it changes, and EDIT_CLUSTER_CONFIGURATION on
    each cluster.
    """
    row = lock(tx, rollouts, queries.get(tx, rollout_id).id)
    changed = row.before, row.after
    networks = {one.id for part in changed for one in part.networks}
    clusters = {cluster_id for part in changed for cluster_id in part.clusters}
    for network_id in sorted(networks):
        ref = ObjectRef(ObjectType.NETWORK, network_id)
        authorize.require(tx, actor, ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK, ref)
    for cluster_id in sorted(clusters):
        ref = ObjectRef(ObjectType.CLUSTER, cluster_id)
        authorize.require(tx, actor, ActionGroup.EDIT_CLUSTER_CONFIGURATION, ref)
    if not (networks or clusters):
        authorize.require(tx, actor, ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK)
    return row
