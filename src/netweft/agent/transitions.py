"""The state machine of a change: its phases, and what an agent does with an unfinished one when it starts.

Pure: no host, disk, thread or clock. :mod:`netweft.agent.change` carries out the decisions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from netweft.core.protocol import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netweft.core.protocol import Change


class Trigger(Enum):
    """Causes of a phase change."""

    BEGIN = auto()
    """The first step is about to be executed."""
    APPLIED = auto()
    """All steps are done and need a confirmation."""
    KEEP = auto()
    """The change was confirmed, or needs no confirmation."""
    KEEP_FOR_BOOT = auto()
    """Likewise, and the request demanded that this also commits it."""
    COMMIT = auto()
    """The running configuration was made the one that a boot restores."""
    FAIL = auto()
    """A step failed, no confirmation came in time, a rollback was requested, or the agent ended."""
    RESTORED = auto()
    """The rollback is over; it may have left a difference."""
    BOOT = auto()
    """The host was rebooted, and the committed configuration restored."""


@dataclass(frozen=True, slots=True)
class Transition:
    """``needs_disk``: whether the phase must be stored before it begins. A rollback goes on without that: the change is
    still stored as unfinished, so the next start rolls it back again. ``keeps``: whether the change is kept from now
    on; peers are probed then. ``commits``: whether the change also becomes what a boot restores, in the same write, so
    that no crash can come between the two.
    """

    to: Phase
    needs_disk: bool = True
    keeps: bool = False
    commits: bool = False


_BACK = Transition(Phase.ROLLING_BACK, needs_disk=False)
_LOST = Transition(Phase.ROLLED_BACK)
_KEPT = Transition(Phase.CONFIRMED, keeps=True)
_KEPT_FOR_BOOT = Transition(Phase.COMMITTED, keeps=True, commits=True)

TRANSITIONS: Mapping[tuple[Phase, Trigger], Transition] = {
    (Phase.CHECKPOINTED, Trigger.BEGIN): Transition(Phase.APPLYING),
    (Phase.CHECKPOINTED, Trigger.FAIL): _BACK,
    (Phase.CHECKPOINTED, Trigger.BOOT): _LOST,
    (Phase.APPLYING, Trigger.APPLIED): Transition(Phase.AWAITING),
    (Phase.APPLYING, Trigger.KEEP): _KEPT,
    (Phase.APPLYING, Trigger.KEEP_FOR_BOOT): _KEPT_FOR_BOOT,
    (Phase.APPLYING, Trigger.FAIL): _BACK,
    (Phase.APPLYING, Trigger.BOOT): _LOST,
    (Phase.AWAITING, Trigger.KEEP): _KEPT,
    (Phase.AWAITING, Trigger.KEEP_FOR_BOOT): _KEPT_FOR_BOOT,
    (Phase.AWAITING, Trigger.FAIL): _BACK,
    (Phase.AWAITING, Trigger.BOOT): _LOST,
    (Phase.CONFIRMED, Trigger.COMMIT): Transition(Phase.COMMITTED),
    (Phase.CONFIRMED, Trigger.BOOT): _LOST,
    (Phase.COMMITTED, Trigger.COMMIT): Transition(Phase.COMMITTED),
    (Phase.COMMITTED, Trigger.BOOT): Transition(Phase.COMMITTED),
    (Phase.ROLLING_BACK, Trigger.FAIL): _BACK,
    (Phase.ROLLING_BACK, Trigger.RESTORED): Transition(Phase.ROLLED_BACK, needs_disk=False),
    (Phase.ROLLING_BACK, Trigger.BOOT): _LOST,
    # The running configuration is committed; the change remains rolled back.
    (Phase.ROLLED_BACK, Trigger.COMMIT): Transition(Phase.ROLLED_BACK),
    (Phase.ROLLED_BACK, Trigger.BOOT): Transition(Phase.ROLLED_BACK),
}
"""All transitions. Any other one is a defect of the agent."""

KEPT = frozenset({Phase.CONFIRMED, Phase.COMMITTED})
"""Phases in which the change is applied and is not rolled back by itself."""

AT_WORK = frozenset({Phase.APPLYING, Phase.ROLLING_BACK})
"""Phases in which steps are executed."""


def transition(phase: Phase, trigger: Trigger) -> Transition:
    """What a trigger leads to. Raises RuntimeError when it cannot happen in that phase."""
    found = TRANSITIONS.get((phase, trigger))
    if found is None:
        raise RuntimeError(f"{trigger.name} cannot happen to a change that is {in_words(phase)}")
    return found


def keep(*, commit: bool) -> Trigger:
    """The trigger that keeps a change. ``commit``: of its request."""
    return Trigger.KEEP_FOR_BOOT if commit else Trigger.KEEP


def after_steps(*, confirm_within: float, commit: bool) -> Trigger:
    """The trigger once all steps are done: a change without time for a confirmation is kept at once."""
    return Trigger.APPLIED if confirm_within else keep(commit=commit)


def after_boot(change: Change, difference: tuple[str, ...]) -> Change:
    """A change after a reboot, at which the committed configuration was restored except for ``difference``."""
    phase = transition(change.phase, Trigger.BOOT).to
    if phase is not change.phase:
        why = "the host was rebooted before the change was committed"
        change = replace(change, phase=phase, error=why, difference=difference)
    return replace(change, lost_peers=())  # peers may be silent because of the reboot


class Start(Enum):
    """What an agent does when it starts, before it serves requests."""

    NOTE_BOOT = auto()
    """First start: only store the boot id."""
    RESTORE_COMMITTED = auto()
    """The host was rebooted."""
    ROLL_BACK = auto()
    """The agent ended during a change."""
    GO_ON = auto()
    """Nothing is unfinished."""


def at_start(*, noted_boot: str, boot: str, phase: Phase | None) -> Start:
    """What to do. ``noted_boot``: the stored boot id, empty on a new host; ``phase``: None without a change."""
    if not noted_boot:
        return Start.NOTE_BOOT
    if noted_boot != boot:
        return Start.RESTORE_COMMITTED
    return Start.GO_ON if phase is None or phase.is_final else Start.ROLL_BACK


def is_over(change: Change | None, generation: int) -> bool:
    """Whether that change has ended; another one may have begun since."""
    return change is None or change.generation != generation or change.phase.is_final


def is_news(change: Change, *, generation: int, phase: str) -> bool:
    """Whether a client that knows that phase must be answered at once: the change awaits its confirmation or ended."""
    if change.generation != generation:
        return True
    return change.phase != phase and (change.phase is Phase.AWAITING or change.phase.is_final)


def in_words(phase: Phase) -> str:
    """The phase as it is written in sentences."""
    return phase.replace("_", " ")
