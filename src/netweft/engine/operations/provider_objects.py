"""The desired and the actual state of objects on providers. Parts of commands and jobs.

The pause after a failure doubles each time, so that providers that are away or refuse do not get requests all the time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from netweft.engine.db import Tx, insert_if_absent, utc_now
from netweft.engine.model.provider_objects import provider_objects
from netweft.engine.operations.provider_object_events import report
from netweft.engine.statements import Statement

PAUSE, PAUSE_MAX = 5.0, 600.0
"""Seconds until the retry after the first failure, and their maximum."""
WORKING = 120.0
"""Seconds without progress after which an object that a job has begun with is free for other jobs."""

_REPORTED = frozenset({"network", "subnet", "profile", "member"})
"""Kinds of objects that have events of their own."""

_WANTED = {"state": "locked", "error": "", "attempts": 0}
_KEY = (
    provider_objects.c.kind == sa.bindparam("a_kind"),
    provider_objects.c.object_id == sa.bindparam("an_object"),
    provider_objects.c.provider_id == sa.bindparam("a_provider"),
)
_WANT = Statement(
    sa.update(provider_objects).where(*_KEY).values(wanted="present", next_try=sa.bindparam("now"), **_WANTED)
)


def begin(tx: Tx, kind: str, object_id: str, provider_id: str, parent_id: str) -> None:
    """A job begins to create or check an object; without a result it is due again after :data:`WORKING` seconds."""
    later = utc_now() + timedelta(seconds=WORKING)
    at = _at(kind, object_id, provider_id)
    is_wanted = provider_objects.c.wanted == "present"
    if not tx.execute(sa.update(provider_objects).where(is_wanted, *at).values(next_try=later)).rowcount:
        want(tx, kind, object_id, provider_id, parent_id)
        tx.execute(sa.update(provider_objects).where(*at).values(next_try=later))


def want(tx: Tx, kind: str, object_id: str, provider_id: str, parent_id: str) -> None:
    """Want the object on the provider, with its current definition."""
    key = {"kind": kind, "object_id": object_id, "provider_id": provider_id}
    now = utc_now()
    values: dict[str, Any] = {"parent_id": parent_id, "wanted": "present", "next_try": now, **_WANTED}
    unset = {"external_id": "", "owned": True, "host": "", "bridge": "", "mtu": 0}
    if not insert_if_absent(tx, provider_objects, **key, **values, **unset):
        _WANT.run(tx, a_kind=kind, an_object=object_id, a_provider=provider_id, now=now)


def want_again(tx: Tx, *which: sa.ColumnElement[bool]) -> bool:
    """Update these objects on their providers, if they are wanted there; returns whether there are any."""
    still = provider_objects.c.wanted == "present"
    values = {"next_try": utc_now(), **_WANTED}
    return bool(tx.execute(sa.update(provider_objects).where(still, *which).values(values)).rowcount)


def try_now(tx: Tx, *which: sa.ColumnElement[bool]) -> None:
    """Retry those of these objects that have failed at once: the cause may be gone."""
    failed = provider_objects.c.state == "error", provider_objects.c.next_try.is_not(None)
    tx.execute(sa.update(provider_objects).where(*failed, *which).values(next_try=utc_now()))


def lose(tx: Tx, *which: sa.ColumnElement[bool]) -> None:
    """These objects of ours are missing on the provider: create them again, and drop their ids there."""
    if want_again(tx, *which):
        tx.execute(sa.update(provider_objects).where(*which).values(external_id=""))


def done(
    tx: Tx,
    kind: str,
    object_id: str,
    provider_id: str,
    *seen: sa.ColumnElement[bool],
    **facts: Any,  # noqa: ANN401 - values of columns
) -> None:
    """The provider has the wanted object. ``facts``: its properties there, by column. ``seen``: conditions that must
    still hold: else the desired state has changed meanwhile.
    """
    values = {"state": "ok", "error": "", "attempts": 0, "next_try": None, **facts}
    still = provider_objects.c.wanted == "present"
    here = (still, *_at(kind, object_id, provider_id), *seen)
    if tx.execute(sa.update(provider_objects).where(*here).values(values)).rowcount and kind in _REPORTED:
        report(tx, "", *_at(kind, object_id, provider_id))


def show_imported(tx: Tx, kind: str, object_id: str, provider_id: str, *, error: str) -> None:
    """Record the state of an imported object; ``error``: empty when it exists."""
    values = {"state": "error" if error else "ok", "error": error}
    here = _at(kind, object_id, provider_id)
    tx.execute(sa.update(provider_objects).where(*here).values(values))
    report(tx, error, *here)


def release(tx: Tx, *which: sa.ColumnElement[bool]) -> bool:
    """Want these objects removed; returns whether there are any."""
    values = {"wanted": "absent", "next_try": utc_now(), **_WANTED}
    still = provider_objects.c.wanted == "present"
    return bool(tx.execute(sa.update(provider_objects).where(still, *which).values(values)).rowcount)


def forget(tx: Tx, kind: str, object_id: str, provider_id: str) -> None:
    """The provider has removed an unwanted object; one that is wanted again meanwhile stays."""
    gone = (provider_objects.c.wanted == "absent", *_at(kind, object_id, provider_id))
    if kind in _REPORTED:
        report(tx, "", *gone)
    tx.execute(sa.delete(provider_objects).where(*gone))


def leave(tx: Tx, provider_id: str) -> None:
    """Drop all pending removals on a provider."""
    here = provider_objects.c.provider_id == provider_id, provider_objects.c.wanted == "absent"
    tx.execute(sa.delete(provider_objects).where(*here))


def postpone(tx: Tx, reason: str, *which: sa.ColumnElement[bool]) -> None:
    """The provider failed with these objects: retry later, after a growing pause."""
    keys = provider_objects.c.kind, provider_objects.c.object_id, provider_objects.c.provider_id
    # Locked, as a command may just be changing the desired state, which is due at once.
    query = sa.select(*keys, provider_objects.c.attempts).where(*which).with_for_update()
    for kind, object_id, provider_id, attempts in tx.execute(query).all():
        pause = min(PAUSE * 2 ** min(attempts, 16), PAUSE_MAX)
        values = {
            "state": "error",
            "error": reason,
            "attempts": attempts + 1,
            "next_try": utc_now() + timedelta(seconds=pause),
        }
        at = _at(kind, object_id, provider_id)
        tx.execute(sa.update(provider_objects).where(*at).values(values))
        if kind in _REPORTED:
            report(tx, reason, *at)


def _at(kind: str, object_id: str, provider_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        provider_objects.c.kind == kind,
        provider_objects.c.object_id == object_id,
        provider_objects.c.provider_id == provider_id,
    )
