"""Jobs that no engine will finish: the reports of hosts show their outcome."""

from __future__ import annotations

import sqlalchemy as sa

from netweft.core.errors import HostError
from netweft.engine import audit, queue
from netweft.engine.audit import Severity
from netweft.engine.db import Tx, utc_now
from netweft.engine.model.vms import vms
from netweft.engine.payloads import Somewhere

GIVEN_UP = 20_156
"""An event code of our own."""

_STABLE = ("up", "down", "suspended", "unknown")


class AbandonedError(HostError):
    """Too many engines ended in the middle of a job, so it was not tried again; it is known not to have been done."""

    code = queue.LostError.code

    def __init__(self, attempts: int) -> None:
        super().__init__(f"Gave up after {attempts - 1} engines ended while running it.")


def give_up(tx: Tx, job: queue.Job) -> None:
    """Fail a job during which too many engines have died. The status of its virtual machine is unknown until its host
    reports. Raises LostError.
    """
    error = AbandonedError(job.attempts)
    queue.fail(tx, job, error.text, error.code)
    about = Somewhere.of(job)
    leave(tx, vms.c.id == about.vm_id, error.text)
    text = f"{job.description}: {error.text}"
    audit.record(tx, job.actor, GIVEN_UP, text, Severity.ERROR, vm=about.vm_id, host=about.host_id, job=job.id)


def leave(tx: Tx, which: sa.ColumnElement[bool], reason: str) -> None:
    """Set the status of virtual machines that were in transition to unknown, until their hosts report."""
    between = sa.and_(which, vms.c.status.not_in(_STABLE))
    values = {"target_host_id": None, "status_reason": reason, "changed_at": utc_now()}
    somewhere = vms.c.host_id.is_not(None)
    tx.execute(sa.update(vms).where(between, somewhere).values(status="unknown", **values))
    tx.execute(sa.update(vms).where(between, ~somewhere).values(status="down", **values))
