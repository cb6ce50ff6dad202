"""Test, then commit: applies a change, and keeps it only if the engine confirms that it still reaches the host.

``checkpointed -> applying -> awaiting_confirmation -> confirmed -> committed``; any failure, a missed deadline or a
request leads to ``rolling_back -> rolled_back``. Each phase is on the disk before it begins. So an agent that was
killed finds an unfinished change on its next start, and rolls it back before anything else. The rules are in
:mod:`netweft.agent.transitions` and :mod:`netweft.agent.change_requests`; this module carries them out.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from netweft.agent import change_requests, peers
from netweft.agent.change_state import ChangeState
from netweft.agent.chassis import CHASSIS_PATIENCE, leave_behind, try_chassis
from netweft.agent.committed import Committed
from netweft.agent.networking import NetworkingError
from netweft.agent.reconcile import NotConvergedError, reconcile, restore, wait_for_nics
from netweft.agent.store import StoreError
from netweft.agent.transitions import (
    AT_WORK,
    Start,
    Trigger,
    after_boot,
    after_steps,
    at_start,
    is_over,
    keep,
    transition,
)
from netweft.agent.wire import BROKEN, CONFLICT, RefusalError, encode, tag_of
from netweft.core.compare import differences, marked
from netweft.core.plan import PlanError, plan
from netweft.core.protocol import Change, Phase
from netweft.core.prune import leave_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from netweft.agent.events import Events
    from netweft.agent.networking import Networking
    from netweft.agent.store import Store
    from netweft.core.host import Host
    from netweft.core.protocol import ChangeRequest
    from netweft.core.steps import Step

log = logging.getLogger(__name__)


class StoppedError(Exception):
    """The change must be rolled back although nothing failed; the message says why."""


class Changes:
    """The changes of one host, one at a time. Call ``recover`` first; the other methods are thread-safe.

    ``changed`` is called after each change or rollback of the host; it raises nothing. ``chassis_wait``: seconds within
    which ovn-controller must connect to its southbound database.
    """

    def __init__(
        self,
        store: Store,
        driver: Networking,
        events: Events,
        changed: Callable[[], None] = lambda: None,
        chassis_wait: float = CHASSIS_PATIENCE,
    ) -> None:
        self._store = store
        self._committed = Committed(store)
        self._driver = driver
        self._events = events
        self._changed = changed
        self._chassis_wait = chassis_wait
        self._state = ChangeState(store, events)
        self._thread: Thread | None = None
        self._closed = False
        self._stop = ""
        self._applied = 0.0

    # Requests

    @property
    def generation(self) -> int:
        """The generation of the last accepted request, 0 for none."""
        return self._state.record.generation

    def current(self) -> Change | None:
        """The last change as it stands now; None when there was none."""
        with self._state.moved:
            return self._state.change() if self._state.record.change else None

    def is_dirty(self, running: Host) -> bool:
        """Whether the running configuration differs from the one that a boot restores. Raises StoreError."""
        return bool(differences(self._committed.host(self._state.record), running))

    def is_at_work(self) -> bool:
        """Whether steps are being executed."""
        change = self._state.record.change
        return bool(change and change.phase in AT_WORK)

    def put(self, request: ChangeRequest) -> Change:
        """Accept a request: when this returns, it and the checkpoint are on the disk, and the change has begun.

        Raises RefusalError: for an older generation, while another change is under way, when there is no plan, when
        the host cannot be observed or the disk is full. The host is unchanged then.
        """
        change_requests.require_in_range(request)
        with self._state.moved:
            repeated = self._state.repeated(request)
            if repeated:
                return repeated
            if self._state.is_busy or self._closed:
                raise change_requests.busy(self._state.record.generation)
            self._state.is_busy = True
        try:
            observed, steps = self._checkpoint(request)
        except BaseException:
            with self._state.moved:
                self._state.is_busy = False
            raise
        with self._state.moved:
            accepted = self._state.change()
            self._thread = Thread(
                target=self._run, args=(request, observed, steps), name=f"change-{request.generation}", daemon=True
            )
            self._thread.start()
        return accepted

    def await_news(self, generation: int, phase: str, wait: float) -> None:
        """See :meth:`netweft.agent.change_state.ChangeState.await_news`."""
        self._state.await_news(generation, phase, wait)

    def confirm(self, generation: int, opened: float) -> Change:
        """Keep the change; ``opened``: when the connection of the request was accepted (time.monotonic).

        Raises RefusalError when that was before the change was applied (it proves nothing), when the change does not
        wait for a confirmation, and when it cannot be stored.
        """
        with self._state.moved:
            change = change_requests.require_current(self._state.record.change, generation)
            window = change_requests.Window(
                applied=self._applied, deadline=self._state.deadline, is_stopped=bool(self._stop)
            )
            if not change_requests.may_confirm(change, window, opened=opened, now=monotonic()):
                return self._state.change()
            try:
                self._state.enter(keep(commit=self._state.record.commit))
            except StoreError as error:
                raise RefusalError(BROKEN, "failed", str(error)) from error
            return self._state.change()

    def roll_back(self, generation: int) -> Change:
        """Roll the change back now. Raises RefusalError (``wrong_phase``) when it was confirmed."""
        with self._state.moved:
            if change_requests.may_roll_back(change_requests.require_current(self._state.record.change, generation)):
                self._stop = self._stop or "a rollback was requested"
                self._state.moved.notify_all()
            return self._state.change()

    def commit(self) -> Change:
        """Make the running configuration the one that a boot restores.

        Raises RefusalError while a change is under way, and when it cannot be stored.
        """
        with self._state.moved:
            if self._state.is_busy:
                raise change_requests.busy(self._state.record.generation)
            try:
                running = self._driver.observe()
                record = replace(self._state.record, committed=self._committed.file_of(running, self._state.record))
                if record.change:
                    phase = transition(record.change.phase, Trigger.COMMIT).to
                    record = replace(record, change=replace(record.change, phase=phase))
                if record != self._state.record:
                    self._state.save(record)
                    self._events.change(record.generation, Phase.COMMITTED)
            except (NetworkingError, StoreError) as error:
                raise RefusalError(BROKEN, "failed", str(error)) from error
            self._state.sweep()
            change = record.change or Change(generation=record.generation, phase=Phase.COMMITTED, started=_now())
            return replace(change, phase=Phase.COMMITTED)

    def recover(self, patience: float = 0) -> None:
        """Read the state; roll back an unfinished change, or after a boot restore the committed configuration.

        Raises StoreError, NetworkingError.

        ``patience``: seconds to wait after a boot for missing NICs of the committed configuration.
        """
        self._state.load()
        boot, change = self._driver.boot(), self._state.record.change
        start = at_start(noted_boot=self._state.record.boot, boot=boot, phase=change.phase if change else None)
        if start is Start.NOTE_BOOT:
            self._state.save(replace(self._state.record, boot=boot))
        elif start is Start.RESTORE_COMMITTED:
            self._restore_at_boot(boot, patience)
        elif start is Start.ROLL_BACK:
            self._roll_back("the agent ended during the change")
        Thread(target=self._probe_peers, args=(self.generation,), name="peers", daemon=True).start()

    def close(self, patience: float) -> None:
        """Roll back an unconfirmed change because the agent ends. ``patience``: seconds to wait for that."""
        with self._state.moved:
            self._closed = True
            self._stop = self._stop or "the agent was stopped before the change was confirmed"
            thread = self._thread
            self._state.moved.notify_all()
        if thread:
            thread.join(patience)

    # A change, in its own thread

    def _checkpoint(self, request: ChangeRequest) -> tuple[Host, list[Step]]:
        """Observe the host, check that a plan exists, and store checkpoint and request.

        Returns the observed host and the plan. Raises RefusalError.
        """
        try:
            observed = self._driver.observe()
            if request.seen and request.seen != tag_of(encode(observed)):
                raise RefusalError(CONFLICT, "changed", "The host has changed since the change was planned.")
            desired, missing = leave_missing(request.desired, observed)
            steps = plan(observed, desired)
            record = replace(
                self._state.record,
                generation=request.generation,
                change=Change(
                    generation=request.generation,
                    phase=Phase.CHECKPOINTED,
                    started=_now(),
                    request=request.request,
                ),
                confirm_within=request.confirm_within,
                commit=request.commit,
                peers=(),
                checkpoint=self._store.keep(f"checkpoint-{request.generation}", observed),
                desired=self._store.keep(f"desired-{request.generation}", request.desired),
            )
            self._store.save(record)
        except PlanError as error:
            raise RefusalError(CONFLICT, "plan", str(error)) from error
        except (NetworkingError, StoreError) as error:
            raise RefusalError(BROKEN, "failed", f"The host was not changed: {error}") from error
        with self._state.moved:
            self._state.record, self._state.steps = record, (0, 0)
            self._stop = "the agent was stopped before the change began" if self._closed else ""
        self._events.change(request.generation, Phase.CHECKPOINTED)
        self._state.sweep()
        for line in missing:
            log.warning("change %d: %s", request.generation, line)
        return observed, steps

    def _run(self, request: ChangeRequest, observed: Host, steps: list[Step]) -> None:
        try:
            self._apply(request, observed, steps)
        except (NetworkingError, NotConvergedError, PlanError, StoreError, StoppedError) as error:
            self._roll_back(str(error))
        except Exception as error:  # the host must be rolled back in any case
            log.exception("change %d failed unexpectedly", request.generation)
            self._roll_back(f"the agent failed: {error!r}")
        else:
            self._probe_peers(request.generation)

    def _apply(self, request: ChangeRequest, observed: Host, steps: list[Step]) -> None:
        """Apply the change and await its confirmation. Returns when it is kept; raises when it must be rolled back."""

        def has_ended() -> bool:
            return is_over(self._state.record.change, request.generation)

        if steps:
            reachable = peers.answering_before(self._driver, observed, lambda: bool(self._stop))
            with self._state.moved:
                self._state.record = replace(self._state.record, peers=reachable)
        self._state.enter(Trigger.BEGIN)
        desired, _ = leave_missing(request.desired, observed)
        reconcile(self._driver, desired, self._report, observed, steps)
        self._changed()
        try_chassis(
            self._driver, steps, (observed, desired), self._chassis_wait, lambda: self._report(*self._state.steps)
        )
        with self._state.moved:
            self._applied = monotonic()
            self._state.deadline = self._applied + request.confirm_within
            self._state.enter(after_steps(confirm_within=request.confirm_within, commit=request.commit))
            self._state.moved.wait_for(lambda: self._stop or has_ended(), timeout=self._state.deadline - monotonic())
            if not has_ended():
                raise StoppedError(self._stop or f"the engine did not confirm it within {request.confirm_within:g} s")

    def _probe_peers(self, generation: int) -> None:
        """Once a change is kept, find peers that no longer answer and record them. A later change ends the probing; an
        agent that is stopped meanwhile repeats it when it starts.
        """

        def is_over() -> bool:
            return self._closed or self._state.record.generation != generation

        record = self._state.record
        if record.change is None or record.change.lost_peers is not None:
            return
        lost = peers.lost_after(self._driver, record.peers, is_over)
        with self._state.moved:
            change = self._state.record.change
            if change is None or is_over():
                return
            self._state.record = replace(self._state.record, change=replace(change, lost_peers=lost))
            if not self._state.is_busy:  # else a later request is about to be stored
                with suppress(StoreError):
                    self._store.save(self._state.record)
            self._events.change(generation, change.phase)

    def _report(self, done: int, total: int) -> None:
        self._state.steps = (done, total)
        if self._stop:
            raise StoppedError(self._stop)

    def _roll_back(self, reason: str) -> None:
        """Restore the checkpoint.

        A full disk does not prevent it: the change is still recorded as unfinished, so the next start rolls it back
        again.
        """
        log.warning("rolling back change %d: %s", self._state.record.generation, reason)
        self._state.enter(Trigger.FAIL, error=reason)
        try:
            desired, checkpoint = (
                self._store.host(file) for file in (self._state.record.desired, self._state.record.checkpoint)
            )
            difference = self._restore(checkpoint, marked(desired))
            leave_behind(self._driver, desired.chassis, checkpoint.chassis)
        except StoreError as error:
            difference = (str(error),)
        self._state.enter(Trigger.RESTORED, difference=difference)

    def _restore(self, host: Host, watch: Collection[str] = ()) -> tuple[str, ...]:
        try:
            difference = restore(self._driver, host, watch)
            self._changed()
        except Exception as error:  # the rollback must end and be reported in any case
            log.exception("the rollback failed")
            return (f"the rollback failed: {error}",)
        return difference

    # Boot

    def _restore_at_boot(self, boot: str, patience: float) -> None:
        """Restore the committed configuration, once per boot. A change that was not committed is lost."""
        committed = self._committed.host(self._state.record)
        wait_for_nics(self._driver, committed, patience)
        difference = self._restore(committed)
        for line in difference:
            log.error("not restored at boot: %s", line)
        change = self._state.record.change
        record = replace(self._state.record, boot=boot, change=after_boot(change, difference) if change else None)
        self._state.save(record)
        self._events.lose()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
