"""How a change reaches the hosts that it affects: a few first, the rest in waves; and what a rollout does next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from netweft.core.protocol import Peer

OnFailure: TypeAlias = Literal["keep", "revert"]
"""What happens to the changed hosts when one fails: they keep the change, or it is reverted on them."""

CANARIES: Final = 1
"""Hosts of a cluster that a change reaches first, by default."""
WAVE: Final = 10
"""Hosts of a cluster that change at the same time after those, by default."""
WAVE_MAX: Final = 1000
"""The maximum of both."""
SOAK_MAX: Final = 86_400
"""Seconds; the longest that the first hosts may be watched."""

CONFIRM_WITHIN: Final = 60.0
"""Seconds that a host waits for the confirmation of a change that the engine makes by itself."""

PROBING_MAX: Final = 30.0
"""Seconds after a change for which the rollout waits while a host still probes its peers; normally that takes a few."""

DEFAULT_SOAK: Final = -1
"""Stands for the soak time that the engine is configured with (``--rollout-soak``)."""

_HEALTHY = frozenset({"up", "maintenance", "preparing_for_maintenance"})
"""Statuses of hosts without a problem."""

REACHABLE: Final = _HEALTHY | {"non_operational"}
"""Statuses of hosts that can be changed now. Others are changed when they are back."""


class Status(StrEnum):
    """The state of a rollout. ``waiting``: for hosts that are not reachable now; ``superseded``: by a later change of
    the same networks, which took its hosts over.
    """

    RUNNING = "running"
    WAITING = "waiting"
    HALTED = "halted"
    REVERTING = "reverting"
    SUCCEEDED = "succeeded"
    REVERTED = "reverted"
    SUPERSEDED = "superseded"


OPEN: Final = frozenset({Status.RUNNING, Status.WAITING, Status.HALTED, Status.REVERTING})
"""Statuses of rollouts that may continue."""


class HostState(StrEnum):
    """The state of a host in a rollout. It has its old networking while it is ``waiting``, ``evacuating``,
    ``reverting`` or ``reverted``. ``evacuating``: guests that the change would cut off migrate to other hosts;
    ``watched``: it has changed, and is monitored; ``returning``: these guests migrate back; ``silent``: it is unknown
    whether it has changed; ``stuck``: the change could not be reverted.
    """

    WAITING = "waiting"
    EVACUATING = "evacuating"
    CHANGING = "changing"
    WATCHED = "watched"
    RETURNING = "returning"
    CHANGED = "changed"
    FAILED = "failed"
    SILENT = "silent"
    REVERTING = "reverting"
    REVERTED = "reverted"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A host that a change affects. ``status``: of the host."""

    id: str
    name: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The hosts of a cluster, and how many of them change at a time: first ``canaries``, then ``wave`` each time."""

    name: str
    canaries: int
    wave: int
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """When a host changes. Waves have numbers from 0 on; a ``canary`` is watched before the next wave."""

    host_id: str
    wave: int
    canary: bool


def places(groups: Sequence[Group]) -> tuple[Place, ...]:
    """The order in which hosts change: cluster by cluster, by their names; last of all those that are not up, which may
    not answer.
    """
    found: list[Place] = []
    wave = 0
    ordered = sorted(groups, key=lambda group: group.name)
    for group in ordered:
        up = sorted((one for one in group.members if one.status == "up"), key=lambda one: one.name)
        for is_canary, together in _waves(up, group.canaries, group.wave):
            found += [Place(host_id=one.id, wave=wave, canary=is_canary) for one in together]
            wave += 1
    for group in ordered:
        late = sorted((one for one in group.members if one.status != "up"), key=lambda one: one.name)
        has_canaries = any(one.status == "up" for one in group.members)
        for is_canary, together in _waves(late, 0 if has_canaries else group.canaries, group.wave):
            found += [Place(host_id=one.id, wave=wave, canary=is_canary) for one in together]
            wave += 1
    return tuple(found)


def _waves(members: Sequence[Member], canaries: int, size: int) -> Iterator[tuple[bool, Sequence[Member]]]:
    """Those that change together, and whether they are canaries."""
    first, rest = members[:canaries], members[canaries:]
    if first:
        yield True, first
    for start in range(0, len(rest), size):
        yield False, rest[start : start + size]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostProgress:
    """How far a host of a rollout is. ``status``: of the host."""

    host_id: str
    wave: int
    state: HostState
    status: str
    canary: bool = False


class Move(StrEnum):
    """What comes next. ``check_results``: find out how changes and migrations under way ended; ``watch``: monitor hosts
    that have changed, and go on when they have been healthy for long enough; ``change`` and ``take_back``: change
    hosts, or revert them; ``fail``: halt, or begin to revert; ``wait``: for hosts that are not reachable now; ``end``:
    nothing is left.
    """

    CHECK_RESULTS = "check_results"
    WATCH = "watch"
    CHANGE = "change"
    TAKE_BACK = "take_back"
    FAIL = "fail"
    WAIT = "wait"
    END = "end"


Next: TypeAlias = tuple[Move, tuple[str, ...]]
"""A move, and the ids of its hosts."""

_UNDER_WAY = frozenset({HostState.EVACUATING, HostState.CHANGING, HostState.RETURNING, HostState.REVERTING})
HAVE_CHANGED: Final = frozenset({HostState.WATCHED, HostState.CHANGED, HostState.FAILED, HostState.SILENT})
"""States of hosts that have the change, or may have it: a revert includes them."""
UNCERTAIN: Final = frozenset({HostState.FAILED, HostState.SILENT, HostState.CHANGING, HostState.WATCHED})
"""States of hosts of which it is unknown whether they have the change, or are healthy with it."""
TO_BE_REACHED: Final = frozenset({HostState.WAITING, HostState.EVACUATING, HostState.FAILED, HostState.SILENT})
"""States of hosts that the change, or a retry of it, has yet to reach."""


def decisive(status: Status) -> frozenset[HostState]:
    """States of hosts that decide what comes next, if there are any: the others need not be read."""
    return _UNDER_WAY | {HostState.WATCHED} if status is Status.RUNNING else _UNDER_WAY


def next_move(status: Status, hosts: Sequence[HostProgress]) -> Next:
    """What a rollout does next. Nothing new is begun while a wave is under way, nor after a host has failed."""
    if status not in OPEN:
        return Move.END, ()
    under_way = _those(hosts, _UNDER_WAY)
    if under_way:
        return Move.CHECK_RESULTS, under_way
    if status is Status.REVERTING:
        left = [one for one in hosts if one.state in HAVE_CHANGED]
        last = max((one.wave for one in left), default=0)
        together = tuple(one.host_id for one in left if one.wave == last)
        return (Move.TAKE_BACK, together) if together else (Move.END, ())
    if status is Status.HALTED:
        return Move.END, ()
    watched = _those(hosts, {HostState.WATCHED})
    if watched:
        return Move.WATCH, watched
    failed = _those(hosts, {HostState.FAILED})
    return (Move.FAIL, failed) if failed else _onward(hosts)


def _onward(hosts: Sequence[HostProgress]) -> Next:
    """What comes next where nothing is under way and nothing has failed. A host that has changed and no longer answers
    counts as failed while other hosts have yet to change.
    """
    last = _last_wave(hosts)
    ready = [one for one in hosts if one.state is HostState.WAITING and one.status in REACHABLE and one.wave <= last]
    if ready:
        gone = tuple(one.host_id for one in hosts if one.state is HostState.CHANGED and one.status not in REACHABLE)
        first = min(one.wave for one in ready)
        together = tuple(one.host_id for one in ready if one.wave == first)
        return (Move.FAIL, gone) if gone else (Move.CHANGE, together)
    missing = tuple(one.host_id for one in hosts if one.state is not HostState.CHANGED or one.status not in REACHABLE)
    return (Move.WAIT, missing) if missing else (Move.END, ())


def _last_wave(hosts: Sequence[HostProgress]) -> int:
    """The last wave that may change: no host changes before a canary of its cluster has, if there are canaries."""
    canaries: dict[int, bool] = {}
    for one in hosts:
        if one.canary:
            canaries[one.wave] = canaries.get(one.wave, False) or one.state is HostState.CHANGED
    held_up = [wave for wave, has_changed in canaries.items() if not has_changed]
    return min(held_up) if held_up else max((one.wave for one in hosts), default=0)


def _those(hosts: Sequence[HostProgress], states: frozenset[HostState] | set[HostState]) -> tuple[str, ...]:
    return tuple(one.host_id for one in hosts if one.state in states)


def counted(states: Mapping[str, int]) -> str:
    """The progress of a rollout in short: ``3 changed, 1 failed, 6 waiting``. ``states``: how many are in each."""
    return ", ".join(f"{states[state]} {state.value}" for state in _STATE_ORDER if states.get(state)) or "no hosts"


_STATE_ORDER = (
    HostState.CHANGED,
    HostState.WATCHED,
    HostState.RETURNING,
    HostState.CHANGING,
    HostState.EVACUATING,
    HostState.FAILED,
    HostState.SILENT,
    HostState.REVERTED,
    HostState.REVERTING,
    HostState.STUCK,
    HostState.WAITING,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What is monitored of a host that changes. ``drifting``: whether it differs from the desired state; ``lost``:
    frames that its uplinks received with errors, or did not send, since they were created, by name of the link. (Frames
    dropped on receipt do not count: the kernel counts those of unknown protocols there.) ``lost_peers``: peers that
    answered the host before the change and do not after it, with the names of their networks; None while the host still
    probes them.
    """

    status: str
    drifting: bool = False
    lost: Mapping[str, int] = field(default_factory=dict)
    lost_peers: tuple[Peer, ...] | None = ()


def new_problem(before: Health, after: Health) -> str:
    """A sentence on a problem of a host that it did not have before; empty without one."""
    if after.status != before.status and after.status not in _HEALTHY:
        return f"It was {before.status}, and is {after.status} after the change."
    if after.drifting and not before.drifting:
        return "Its networks are out of sync after the change."
    if after.lost_peers:
        return f"It cannot reach {_listed(after.lost_peers)} any more, which it could before the change."
    worse = [name for name, count in sorted(after.lost.items()) if count > before.lost.get(name, count)]
    return f"It has lost frames since the change, on {', '.join(worse)}." if worse else ""


def _listed(peers: Sequence[Peer]) -> str:
    """The first of them, and how many there are besides."""
    first = ", ".join(f"{peer.address} ({peer.network})" for peer in peers[:_LISTED_MAX])
    more = len(peers) - _LISTED_MAX
    return f"{first} and {more} more" if more > 0 else first


_LISTED_MAX = 5
