"""Renewing a host's certificates on request."""

from __future__ import annotations

from netweft.core.rules import check
from netweft.core.rules import host as rules
from netweft.engine import audit
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.db import Tx, lock
from netweft.engine.model.hosts import hosts
from netweft.engine.operations.certificates import STARTED, enqueue

_ENROLL = "Cannot enroll certificate for Host."


def enroll_certificate(tx: Tx, actor: Actor, host_id: str) -> str:
    """Give a host new keys and certificates, while it runs on; returns the job's id.

    Needs EDIT_HOST_CONFIGURATION on it. Raises NotFoundError, DeniedError, ValidationError.
    """
    host = lock(tx, hosts, host_id)
    authorize.require(tx, actor, ActionGroup.EDIT_HOST_CONFIGURATION, ObjectRef(ObjectType.HOST, host_id))
    check(_ENROLL, rules.has_joined(host.name, host.agent_url))
    check(_ENROLL, rules.may_enroll_certificate(host.name, host.status))
    text = f"Enrolling certificate for host {host.name} was started (User: {actor.name})."
    audit.record(tx, actor, STARTED, text, host=host.id, cluster=host.cluster_id)
    return enqueue(tx, actor, host)
