"""How hosts join: a token that works once buys a certificate."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import and_, delete, insert, select, update

from netweft.core.errors import DeniedError, MalformedError
from netweft.core.protocol import Credentials
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.access.tokens import digest
from netweft.engine.actor import Actor
from netweft.engine.commands.hosts import host_joined
from netweft.engine.commands.simulated_hosts import record_joined, register_simulated_hosts
from netweft.engine.db import Tx, lock, new_id, utc_now
from netweft.engine.model.certificates import EnrollmentRow, enrollments
from netweft.engine.model.hosts import hosts as host_table
from netweft.engine.operations.certificates import note_expiry, sign_for
from netweft.engine.pki import Authority
from netweft.engine.statements import rows

VALID_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollRequest:
    """The request of an agent that joins. ``address``: the URL at which the engine reaches it; ``simulated``: names of
    hosts that it simulates.
    """

    token: str
    requests: Credentials
    address: str
    hostname: str
    simulated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollReply:
    """What it gets: its certificates and the authorities', and the ids of the host or (by name) of the simulated
    hosts.
    """

    certificates: Credentials
    authorities: Credentials
    host_id: str = ""
    host_ids: Mapping[str, str] = field(default_factory=dict)


def create_enrollment(tx: Tx, actor: Actor, host_id: str) -> str:
    """A token with which the agent of this host may join, once, within a day; earlier ones of the host end. It is
    stored as a hash only.

    Needs CREATE_HOST or EDIT_HOST_CONFIGURATION on the host. Raises NotFoundError, DeniedError.
    """
    lock(tx, host_table, host_id)
    ref = ObjectRef(ObjectType.HOST, host_id)
    if not authorize.may(tx, actor, ActionGroup.CREATE_HOST, ref):
        authorize.require(tx, actor, ActionGroup.EDIT_HOST_CONFIGURATION, ref)
    return issue_token(tx, host_id)


def issue_token(tx: Tx, host_id: str) -> str:
    """:func:`create_enrollment` for a job, without a permission check: the job's request was checked."""
    tx.execute(delete(enrollments).where(enrollments.c.host_id == host_id))
    return _issue(tx, host_id)


def create_simulated_enrollment(tx: Tx, actor: Actor) -> str:
    """A token with which one agent may join as any number of simulated hosts, which come to be by it. Needs CREATE_HOST
    on the system.
    """
    authorize.require(tx, actor, ActionGroup.CREATE_HOST)
    return _issue(tx, None)


def _issue(tx: Tx, host_id: str | None) -> str:
    token, now = secrets.token_hex(32), utc_now()  # which no program takes for an option, as one beginning with a dash
    tx.execute(delete(enrollments).where(enrollments.c.expires < now))
    tx.execute(
        insert(enrollments).values(
            id=new_id(),
            token_hash=digest(token),
            host_id=host_id,
            simulated=host_id is None,
            created=now,
            expires=now + VALID_FOR,
        )
    )
    return token


def enroll(tx: Tx, authority: Authority, request: EnrollRequest) -> EnrollReply:
    """Let an agent join: sign its key for the host (or the simulated hosts) that its token is for. The token is used
    up.

    Raises DeniedError for a token that is none or was used, MalformedError.
    """
    url = _agent_url(request.address)
    enrollment = _redeem(tx, request.token)
    if enrollment.host_id is None:
        ids = register_simulated_hosts(tx, request.simulated, url)
        signed = _sign(tx, authority, list(ids.values()), request)
        return EnrollReply(certificates=signed, authorities=authority.authorities, host_ids=ids)
    if request.simulated:
        raise DeniedError("This token is for one host, not for simulated ones.")
    signed = _sign(tx, authority, [enrollment.host_id], request)
    _joined(tx, enrollment.host_id, url)
    return EnrollReply(certificates=signed, authorities=authority.authorities, host_id=enrollment.host_id)


def _sign(tx: Tx, authority: Authority, host_ids: list[str], request: EnrollRequest) -> Credentials:
    signed = sign_for(tx, authority, host_ids, request.requests)
    note_expiry(tx, host_ids, signed)
    return signed


def _redeem(tx: Tx, token: str) -> EnrollmentRow:
    usable = and_(
        enrollments.c.token_hash == digest(token), enrollments.c.used.is_(None), enrollments.c.expires > utc_now()
    )
    for row in rows(tx, EnrollmentRow, select(enrollments).where(usable).with_for_update()):
        tx.execute(update(enrollments).where(enrollments.c.id == row.id).values(used=utc_now()))
        return row
    raise DeniedError("This enrolment token is not valid (any more): get a new one from the engine.")


def _joined(tx: Tx, host_id: str, url: str) -> None:
    host = lock(tx, host_table, host_id)
    host_joined(tx, host_id, url)
    record_joined(tx, host_id, host.name, url)


def _agent_url(text: str) -> str:
    """The URL of an agent, without a slash at its end. Raises MalformedError."""
    try:
        parts = urlsplit(text)
        is_fit = (
            parts.scheme == "https"
            and parts.hostname
            and (parts.port or 0) >= 0
            and not parts.username
            and not parts.query
        )
    except ValueError:
        is_fit = False
    if not is_fit:
        raise MalformedError(f"The agent's address must be https://HOST:PORT, not '{text}'.")
    return text.rstrip("/")
