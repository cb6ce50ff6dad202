"""Applying one generation of a host's intent on the host: send it, confirm it over the network, and record whether the
host kept it or rolled it back.

Safe to repeat at any point: the host's progress of the generation decides where to continue. When the outcome is
unknown, the change stays pending, and the host's next report decides
(:func:`netweft.engine.reports.host_reports.take_report`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from msgspec.structs import replace

from netweft.core.desired import desired_host
from netweft.core.errors import HostError, NotFoundError
from netweft.core.intent import HostIntent
from netweft.core.protocol import Change, ChangeRequest, HostReport, Phase, Progress
from netweft.engine import audit
from netweft.engine.actor import Actor
from netweft.engine.agent_answers import RefusedError, UnreachableError
from netweft.engine.agents import Agent, Agents
from netweft.engine.audit import Severity
from netweft.engine.db import Tx, lock, utc_now
from netweft.engine.job_context import JobContext, PostponedError
from netweft.engine.model.hosts import hosts
from netweft.engine.operations import host_changes, host_drifts, network_status, vnic_sync
from netweft.engine.operations.host_changes import (
    LOST,
    PERSIST_FAILED,
    PERSISTED,
    ROLLED_BACK,
    SETUP,
    SETUP_FAILED,
    UNKNOWN_END,
    Kept,
)
from netweft.engine.operations.unfinished import AbandonedError
from netweft.engine.payloads import ApplyHost
from netweft.engine.queries import host_networks as queries
from netweft.engine.reports.adoption import take_over
from netweft.engine.reports.host_reports import TakeReport, take_report

_BUSY_FOR = 30.0
"""Seconds that another change on the host may take to end."""
T = TypeVar("T")

_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.5)
"""Seconds between polls, the last one repeated."""


class RolledBackError(HostError):
    """The host rolled the change back; the host and the engine's intent are as before."""

    code = ROLLED_BACK


class UnknownOutcomeError(HostError):
    """The host does not answer. It rolls back an unconfirmed change by itself; its next report has the outcome."""

    code = LOST


def run(agents: Agents, job: JobContext) -> Mapping[str, Any]:
    """The job ``apply_host``. Raises HostError when the host did not apply it."""
    return apply(agents, job, ApplyHost.of(job.job))


def apply(agents: Agents, job: JobContext, task: ApplyHost) -> Mapping[str, Any]:
    """Apply a generation on its host and record the outcome. Starts from the change that the caller has stored.

    Raises RolledBackError, UnknownOutcomeError, PostponedError when the engine stops.
    """
    with job.db.read() as tx:
        row = host_changes.find(tx, task.host_id, task.generation)
        data = queries.load(tx, (task.host_id,)).get(task.host_id)
        if row is None or data is None:
            raise NotFoundError("The host was removed meanwhile.")
        if row.state == "applied":
            return {"generation": task.generation}
        if row.state == "refused":
            raise RolledBackError(row.error)
        task = replace(task, request=row.job_id)
        candidate = row.candidate
    agent = agents.of(task.host_id, data.row.agent_url)
    intent = queries.intent_to_bring(data, candidate or data.intent)
    is_setup = candidate is not None
    try:
        try:
            change = _bring(job, agent, task, intent, data.report)
        except UnreachableError:
            raise
        except HostError as error:
            job.write(_record_refused, task, data.row.name, error, Kept(intent=intent), is_setup=is_setup)
            raise
        return _record(job, agent, task, change, data.row.name, intent, is_setup=is_setup)
    except UnreachableError as error:
        text = f"Host {data.row.name} does not answer, so the outcome is not known yet: {error.text}"
        job.write(_record_unknown, task, text)
        raise UnknownOutcomeError(text) from error


class _LaterError(HostError):
    """The host has a later generation than this engine ever assigned."""

    code = "HOST_HAS_LATER_GENERATION"

    def __init__(self, report: HostReport) -> None:
        super().__init__(
            f"The host already has change {report.generation}, which this engine has no record of. Its present "
            "networks were adopted: check them, and repeat the request."
        )
        self.report = report


def _bring(
    job: JobContext, agent: Agent, task: ApplyHost, intent: HostIntent, last_report: HostReport | None
) -> Change:
    """Send the change unless the host has it, and poll it until it has ended; confirm it as soon as the host waits for
    that. ``last_report``: the host's last report.

    A job that may only query waits until the host has ended it by itself. Raises UnreachableError, RefusedError,
    AbandonedError when the host never got it, and other HostErrors.
    """
    progress = _wait_for_progress(job, agent, task) if job.only_asks else _ask(job, agent, task, intent, last_report)
    published: dict[str, Any] = {}
    for looks, pause in enumerate(_pauses()):
        change = progress.change
        is_anothers = change is not None and change.generation == task.generation and change.request != task.request
        if progress.generation > task.generation or is_anothers:
            raise _LaterError(wait_for_report(job, agent, job.patience.silence))
        if progress.generation < task.generation or change is None:
            if job.only_asks:
                raise AbandonedError(job.job.attempts)
            progress = _ask(job, agent, task, intent, None)
            continue
        if change.phase.is_final:
            return change
        if change.phase is Phase.AWAITING and not job.only_asks and (confirmed := _confirm(agent, task)):
            return confirmed
        if looks:  # the first poll is skipped: most changes end before users could read it
            published = _publish(job, change, published)
        progress = _next_progress(job, agent, task, change, pause)
    raise AssertionError("unreachable: the pauses never end")


def _ask(
    job: JobContext, agent: Agent, task: ApplyHost, intent: HostIntent, last_report: HostReport | None
) -> Progress:
    """Send the desired host, based on its last report unless the host has changed since; returns the progress. Raises
    UnreachableError when it is unknown whether the request arrived, RefusedError.
    """
    host_tag = last_report.host_tag if last_report else ""
    patience = task.confirm_within + job.patience.silence
    report = last_report if last_report and host_tag else wait_for_report(job, agent, patience)
    deadline = time.monotonic() + _BUSY_FOR
    while True:
        try:
            change = agent.put_host(_request(task, intent, report, host_tag))
        except UnreachableError:
            progress = _wait_for_progress(job, agent, task)
            if progress.generation >= task.generation:
                return progress  # it had arrived, its reply was lost
            if time.monotonic() > deadline:
                raise
        except RefusedError as error:
            code = error.refusal.code
            if code == "stale_generation" and (progress := _wait_for_progress(job, agent, task)).change:
                return progress
            if code == "changed":
                report, host_tag = wait_for_report(job, agent, patience), ""
                continue
            if code != "busy" or time.monotonic() > deadline:
                raise
        else:
            return Progress(generation=task.generation, change=change)
        job.pause(_PAUSES[-1])


def _request(task: ApplyHost, intent: HostIntent, report: HostReport, host_tag: str) -> ChangeRequest:
    return ChangeRequest(
        generation=task.generation,
        desired=desired_host(intent, report.host),
        confirm_within=task.confirm_within,
        commit=task.commit,
        request=task.request,
        seen=host_tag,
    )


def _confirm(agent: Agent, task: ApplyHost) -> Change | None:
    """Confirm the change, on a new connection. Returns the confirmed change, None when the confirmation failed: the
    host is cut off or it came too late, and the host rolls the change back.
    """
    with suppress(UnreachableError, RefusedError):
        return agent.confirm(task.generation)
    return None


def _next_progress(job: JobContext, agent: Agent, task: ApplyHost, change: Change, pause: float) -> Progress:
    """The next progress of the change, by a long poll. A change whose confirmation failed is polled after a pause."""
    if change.phase is Phase.AWAITING:
        job.pause(pause)
        return _wait_for_progress(job, agent, task)
    if job.stop.is_set():
        raise PostponedError
    ask = partial(agent.next_progress, change.generation, change.phase, job.patience.poll)
    return _wait_for(job, ask, task.confirm_within + job.patience.silence)


def _publish(job: JobContext, change: Change, published: Mapping[str, Any]) -> dict[str, Any]:
    """Publish the progress of the change, if it differs from ``published``."""
    now = {"phase": change.phase.value, "steps_done": change.steps_done, "steps_total": change.steps_total}
    if now != {key: published.get(key) for key in now}:
        left = change.seconds_left
        deadline = (utc_now() + timedelta(seconds=left)).isoformat() if left is not None else None
        job.progress(**now, seconds_left=left, deadline=deadline)
    return now


def wait_for_report(job: JobContext, agent: Agent, patience: float) -> HostReport:
    """The host's report, retried for ``patience`` seconds while it does not answer. Raises UnreachableError."""
    return _wait_for(job, agent.report, patience)


def _wait_for_progress(job: JobContext, agent: Agent, task: ApplyHost) -> Progress:
    return _wait_for(job, agent.progress, task.confirm_within + job.patience.silence)


def _wait_for(job: JobContext, ask: Callable[[], T], patience: float) -> T:
    deadline = time.monotonic() + patience
    for pause in _pauses():
        try:
            return ask()
        except UnreachableError:
            if time.monotonic() > deadline:
                raise
        job.pause(pause)
    raise AssertionError("unreachable: the pauses never end")


def _pauses() -> Iterator[float]:
    yield from _PAUSES
    while True:
        yield _PAUSES[-1]


def _record(
    job: JobContext, agent: Agent, task: ApplyHost, change: Change, name: str, intent: HostIntent, *, is_setup: bool
) -> Mapping[str, Any]:
    """Record the outcome of the change, with the host's report after it."""
    if change.phase is Phase.CONFIRMED and task.commit:
        agent.commit()
    asked_at = utc_now()
    report = wait_for_report(job, agent, job.patience.silence)
    spec = TakeReport(host_id=task.host_id, report=report, asked_at=asked_at)
    kept = Kept(intent=intent, observed=report.host)
    if change.phase is Phase.ROLLED_BACK:
        error = RolledBackError(_why_rolled_back(name, change))
        job.write(_record_refused, task, name, error, kept, is_setup=is_setup, spec=spec)
        raise error
    job.write(_record_applied, task, spec, name, kept, is_setup=is_setup)
    return {"generation": task.generation, "phase": change.phase.value}


def _why_rolled_back(name: str, change: Change) -> str:
    """The message for a change that the host rolled back."""
    reason = change.error.rstrip(".")
    if not change.difference:
        return f"Host {name} rolled the change back completely: {reason}."
    return f"Host {name} rolled the change back partly: {reason}. It could not restore: {'; '.join(change.difference)}."


def _record_applied(
    tx: Tx, job: JobContext, task: ApplyHost, spec: TakeReport, name: str, kept: Kept, *, is_setup: bool
) -> None:
    changed = host_changes.record_applied(tx, task.host_id, task.generation, kept)
    take_report(tx, spec)
    vnic_sync.sync_guests_on(tx, actor_of(job), task.host_id)
    text = f"Network changes were applied on host {name}."
    audit.record(tx, actor_of(job), SETUP if is_setup else PERSISTED, text, host=task.host_id, job=job.job.id)
    if changed:
        network_status.attachments_changed(tx, task.host_id)


def _record_refused(
    tx: Tx,
    job: JobContext,
    task: ApplyHost,
    name: str,
    error: HostError,
    kept: Kept,
    *,
    is_setup: bool,
    spec: TakeReport | None = None,
) -> None:
    host_changes.record_refused(tx, task.host_id, task.generation, error.text, kept)
    if spec:
        take_report(tx, spec)
    if isinstance(error, _LaterError):
        take_over(tx, lock(tx, hosts, task.host_id), error.report)
    host_drifts.record_drift(tx, task.host_id)
    code = SETUP_FAILED if is_setup else PERSIST_FAILED
    text = f"Failed to apply changes on host {name}. {error.text}"
    audit.record(tx, actor_of(job), code, text, Severity.ERROR, host=task.host_id, job=job.job.id)


def _record_unknown(tx: Tx, job: JobContext, task: ApplyHost, text: str) -> None:
    message = f"{job.job.description}: {text} The host reports the outcome when it answers again."
    audit.record(tx, actor_of(job), UNKNOWN_END, message, Severity.WARNING, host=task.host_id, job=job.job.id)


def actor_of(job: JobContext) -> Actor:
    """The user who requested the job."""
    return job.job.actor
