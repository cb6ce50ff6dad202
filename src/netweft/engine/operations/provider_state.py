"""Whether a provider answers, by its last request. Parts of commands and jobs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
import structlog

from netweft.engine import audit
from netweft.engine.actor import SYSTEM
from netweft.engine.audit import Severity
from netweft.engine.db import Tx, utc_now
from netweft.engine.model.provider_objects import provider_objects
from netweft.engine.model.providers import providers
from netweft.engine.operations import provider_objects as objects

AWAY, BACK = 20_164, 20_165
"""Event codes of our own: a provider does not answer, or refuses the login; it answers again."""

log = structlog.get_logger(__name__)


def answered(tx: Tx, provider_id: str, latency: int) -> bool:
    """Record that a provider answered, after so many milliseconds, and retry what has failed there. False when it was
    removed meanwhile.
    """
    before = _record(tx, provider_id, {"status": "ok", "status_reason": "", "latency": latency})
    if before is None:
        return False
    name, status = before
    if status == "error":
        audit.record(tx, SYSTEM, BACK, f"Provider {name} answers again.")
        objects.try_now(tx, provider_objects.c.provider_id == provider_id)
    return True


def failed(tx: Tx, provider_id: str, reason: str, *, has_event: bool = False) -> bool:
    """Record that a provider does not answer, or refuses the login. ``has_event``: whether the caller records the
    event. False when it was removed meanwhile.
    """
    before = _record(tx, provider_id, {"status": "error", "status_reason": reason, "latency": None})
    if before is None:
        return False
    name, status = before
    if status != "error" and not has_event:
        audit.record(tx, SYSTEM, AWAY, f"Provider {name} cannot be used: {reason}", Severity.ERROR)
        log.warning("provider does not answer", provider=name, reason=reason)
    return True


def _record(tx: Tx, provider_id: str, values: dict[str, Any]) -> tuple[str, str] | None:
    """Returns its name and former status; of several concurrent writers one sees a change."""
    here = providers.c.id == provider_id
    query = sa.select(providers.c.name, providers.c.status).where(here).with_for_update(key_share=True)
    before = tx.execute(query).one_or_none()
    if before is not None:
        tx.execute(sa.update(providers).where(here).values(**values, checked_at=utc_now()))
    return before
