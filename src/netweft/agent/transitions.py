"""The state machine of a change: which phase follows which, and what an agent that starts does about it.

Pure: no host, disk, thread or clock. :mod:`netweft.agent.change` does what is decided here.
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
    """What moves a change to another phase."""

    BEGIN = auto()
    """The first step is about to be done."""
    APPLIED = auto()
    """All steps are done, and somebody has to confirm them."""
    KEEP = auto()
    """It was confirmed, or applied without a confirmation being due."""
    KEEP_FOR_BOOT = auto()
    """Likewise, and the request said that this also commits."""
    COMMIT = auto()
    """What runs became what boot restores."""
    FAIL = auto()
    """A step failed, nobody confirmed in time, somebody asked for the rollback, or the agent ended."""
    RESTORED = auto()
    """The rollback is over; it may have left a difference."""
    BOOT = auto()
    """The host was started again, and restored what was committed."""


@dataclass(frozen=True, slots=True)
class Transition:
    """``needs_disk``: whether the phase begins only when the disk has taken it. A rollback goes on without: the disk
    still says that the change is unfinished, so the next start goes back again. ``keeps``: whether the host has what
    was wanted from now on, and asks its peers. ``commits``: whether that becomes what boot restores, in the same write,
    so that no crash falls between the two.
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
    # What runs is committed then; the change that was rolled back is still rolled back.
    (Phase.ROLLED_BACK, Trigger.COMMIT): Transition(Phase.ROLLED_BACK),
    (Phase.ROLLED_BACK, Trigger.BOOT): Transition(Phase.ROLLED_BACK),
}
"""All that can happen to a change. What is not here cannot, and would be a fault of the agent."""

KEPT = frozenset({Phase.CONFIRMED, Phase.COMMITTED})
"""Phases in which the host runs what was wanted, and nothing takes it back by itself."""

AT_WORK = frozenset({Phase.APPLYING, Phase.ROLLING_BACK})
"""Phases in which steps are done."""


def transition(phase: Phase, trigger: Trigger) -> Transition:
    """What a trigger leads to. Raises RuntimeError when it cannot happen in that phase."""
    found = TRANSITIONS.get((phase, trigger))
    if found is None:
        raise RuntimeError(f"{trigger.name} cannot happen to a change that is {in_words(phase)}")
    return found


def keep(*, commit: bool) -> Trigger:
    """How a change is kept, by what its request said."""
    return Trigger.KEEP_FOR_BOOT if commit else Trigger.KEEP


def after_steps(*, confirm_within: float, commit: bool) -> Trigger:
    """What happens once all steps are done: a change that gives no time to confirm is kept at once."""
    return Trigger.APPLIED if confirm_within else keep(commit=commit)


def after_boot(change: Change, difference: tuple[str, ...]) -> Change:
    """A change as it stands once its host was started again, and what was committed restored but for a difference."""
    phase = transition(change.phase, Trigger.BOOT).to
    if phase is not change.phase:
        why = "the host was started again before the change was committed"
        change = replace(change, phase=phase, error=why, difference=difference)
    return replace(change, lost_peers=())  # whoever is silent now may be so because of the boot


class Start(Enum):
    """What an agent does when it starts, before it answers anybody."""

    NOTE_BOOT = auto()
    """It runs for the first time: only the boot is written down."""
    RESTORE_COMMITTED = auto()
    """The host was started again."""
    ROLL_BACK = auto()
    """The agent ended in the middle of a change."""
    GO_ON = auto()
    """Nothing was left unfinished."""


def at_start(*, noted_boot: str, boot: str, phase: Phase | None) -> Start:
    """What to do. ``noted_boot``: the boot that the disk speaks of, empty on a new host; ``phase``: None without a
    change.
    """
    if not noted_boot:
        return Start.NOTE_BOOT
    if noted_boot != boot:
        return Start.RESTORE_COMMITTED
    return Start.GO_ON if phase is None or phase.is_final else Start.ROLL_BACK


def is_over(change: Change | None, generation: int) -> bool:
    """Whether nothing more will happen to that change: it has ended, and perhaps another has begun since."""
    return change is None or change.generation != generation or change.phase.is_final


def is_news(change: Change, *, generation: int, phase: str) -> bool:
    """Whether who knows of that change in that phase should hear at once: it awaits its confirmation, or is over."""
    if change.generation != generation:
        return True
    return change.phase != phase and (change.phase is Phase.AWAITING or change.phase.is_final)


def in_words(phase: Phase) -> str:
    """The phase as sentences have it."""
    return phase.replace("_", " ")
