"""Shutting down, rebooting and suspending running guests. All safe to repeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from netweft.core.errors import HostError
from netweft.core.guest_protocol import GuestState
from netweft.engine import queue
from netweft.engine.agent_answers import RefusedError, UnreachableError
from netweft.engine.agents import Agent, Agents
from netweft.engine.audit import Severity
from netweft.engine.db import Tx, lock
from netweft.engine.job_context import JobContext, PostponedError
from netweft.engine.jobs.apply_host import actor_of
from netweft.engine.jobs.guest_events import last_event, wait_for_end
from netweft.engine.jobs.guests import agent_of, record_event, refresh
from netweft.engine.jobs.refresh_host import take_in
from netweft.engine.model.vms import vms
from netweft.engine.payloads import OnVm, ShutDownVm
from netweft.engine.reports.host_reports import record_guest

SHUTDOWN_FAILED, REBOOT_FAILED, SUSPENDED, SUSPEND_FAILED = 74, 158, 503, 502
"""Event codes (oVirt: USER_FAILED_SHUTDOWN_VM, USER_FAILED_REBOOT_VM, USER_SUSPEND_VM_OK, USER_FAILED_SUSPEND_VM)."""

_AGAIN = 2.0


def shut_down(agents: Agents, job: JobContext) -> Mapping[str, Any]:
    """The job ``shut_down_vm``: request the shutdown, and check the result later. Raises HostError."""
    payload = OnVm.of(job.job)
    try:
        _ask_to_end(job, agent_of(agents, job, payload.host_id))
    except HostError as error:
        job.write(_record_runs_on, SHUTDOWN_FAILED, "shut down", error.text)
        raise
    job.write(_watch)
    refresh(agents, job, payload.host_id)
    return {}


def _ask_to_end(job: JobContext, agent: Agent) -> None:
    """Request the guest's shutdown. One that no longer runs has ended already: by itself, or by an earlier attempt of
    this job. Raises HostError.
    """
    try:
        agent.shut_down_guest(OnVm.of(job.job).vm_id)
    except RefusedError:
        guest = _find(job, agent)
        if guest is not None and guest.status == "up":
            raise


def _watch(tx: Tx, job: JobContext) -> None:
    payload = ShutDownVm.of(job.job)
    name = lock(tx, vms, payload.vm_id).name
    # Without the machine's lock key, so that users may stop it meanwhile.
    key, text = f"shutdown:{payload.vm_id}", f"Waiting for VM {name} to shut down"
    queue.enqueue(tx, actor_of(job), "settle_shutdown", key, text, payload, delay=job.patience.shutdown)


def finish_shutdown(agents: Agents, job: JobContext) -> Mapping[str, Any]:
    """The job ``settle_shutdown``: fails when the guest still runs. Raises HostError."""
    host_id = OnVm.of(job.job).host_id
    if not _waits(job):
        return {}
    agent = agent_of(agents, job, host_id)
    try:
        take_in(job, agent, host_id)
    except UnreachableError as error:
        raise PostponedError(_AGAIN) from error
    if _waits(job):
        reason = f"it still runs after {job.patience.shutdown:g} s"
        job.write(_record_runs_on, SHUTDOWN_FAILED, "shut down", reason)
    return {}


def _waits(job: JobContext) -> bool:
    """Whether the machine has been powering down since this request."""
    payload = ShutDownVm.of(job.job)
    query = sa.select(vms.c.status, vms.c.changed_at).where(vms.c.id == payload.vm_id)
    with job.db.read() as tx:
        row = tx.execute(query).one_or_none()
    if row is None:
        return False
    status, changed_at = row
    return (status, changed_at.isoformat()) == ("powering_down", payload.since)


def reboot(agents: Agents, job: JobContext) -> Mapping[str, Any]:
    """The job ``reboot_vm``. Raises HostError."""
    payload = OnVm.of(job.job)
    try:
        agent_of(agents, job, payload.host_id).reboot_guest(payload.vm_id)
    except HostError as error:
        job.write(_record_runs_on, REBOOT_FAILED, "reboot", error.text)
        raise
    return {}


def suspend(agents: Agents, job: JobContext) -> Mapping[str, Any]:
    """The job ``suspend_vm``.

    Raises HostError when the guest runs on, PostponedError while its host does not answer.
    """
    host_id = OnVm.of(job.job).host_id
    try:
        _save(job, agent_of(agents, job, host_id))
    except UnreachableError as error:
        raise PostponedError(_AGAIN) from error
    except HostError as error:
        job.write(_record_runs_on, SUSPEND_FAILED, "suspend", error.text)
        raise
    job.write(_record_suspended)
    refresh(agents, job, host_id)
    return {}


def _save(job: JobContext, agent: Agent) -> None:
    after = last_event(agent)
    guest = _find(job, agent)
    if guest and guest.status == "suspended":
        return
    if not (guest and guest.saving):
        agent.suspend_guest(OnVm.of(job.job).vm_id)
    wait_for_end(
        job,
        agent,
        "suspend",
        after,
        is_under_way=lambda: (guest := _find(job, agent)) is not None and guest.saving,
        is_done=lambda: (guest := _find(job, agent)) is not None and guest.status == "suspended",
    )


def _find(job: JobContext, agent: Agent) -> GuestState | None:
    return next((one for one in agent.guests() if one.id == OnVm.of(job.job).vm_id), None)


def _record_suspended(tx: Tx, job: JobContext) -> None:
    vm = lock(tx, vms, OnVm.of(job.job).vm_id)
    record_guest(tx, vm.id, "suspended", vm.host_id)
    record_event(tx, job, vm, SUSPENDED, f"VM {vm.name} is suspended.", Severity.NORMAL)


def _record_runs_on(tx: Tx, job: JobContext, code: int, verb: str, reason: str) -> None:
    """Record that the guest still runs. If it has ended by itself instead, the host's next report shows it."""
    vm = lock(tx, vms, OnVm.of(job.job).vm_id)
    if vm.host_id is None:
        return
    record_guest(tx, vm.id, "up", vm.host_id)
    record_event(tx, job, vm, code, f"Failed to {verb} VM {vm.name}: {reason}", Severity.ERROR)
