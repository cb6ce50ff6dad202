"""Reads of what hosts were set up with before."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa

from netweft.core.desired import desired_host
from netweft.core.errors import NotFoundError
from netweft.core.host import Host
from netweft.core.intent import HostIntent, HostSetup
from netweft.core.setup_history import Labels, differences
from netweft.engine.db import Tx
from netweft.engine.model.host_networks import Candidate, HostChangeRow, host_changes
from netweft.engine.queries.host_networks import HostData, load_one
from netweft.engine.queries.networks import NETWORKS
from netweft.engine.statements import rows

_INTENT, _HOST = msgspec.json.Decoder(HostIntent), msgspec.json.Decoder(Host)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A generation of a host: its reason, user and outcome. ``changes``: of the host's setup, a line each; for one that
    the host did not apply, those it would have made.
    """

    generation: int
    reason: str
    user_name: str
    state: str
    error: str
    created_at: datetime
    ended_at: datetime | None
    changes: tuple[str, ...]


def revisions(tx: Tx, host_id: str, most: int | None = None, before: datetime | None = None) -> list[Revision]:
    """The stored generations, newest first. ``before``: only those requested before that time."""
    found = rows(
        tx,
        HostChangeRow,
        sa.select(host_changes).where(host_changes.c.host_id == host_id).order_by(host_changes.c.generation),
    )
    setups = _setups(found)
    names = network_names(tx, host_id, *(setup for setup in setups if setup))
    revisions, before_it = [], Candidate()
    for row, setup in zip(found, setups, strict=True):
        revisions.append(_revision(row, _between(before_it, setup, names) if setup else ()))
        before_it = setup if setup and row.state == "applied" else before_it
    return [one for one in revisions[::-1] if before is None or one.created_at < before][:most]


def _setups(found: Sequence[HostChangeRow]) -> list[Candidate | None]:
    """The setup that each of a host's changes, in their order, was to apply. For a change that applied the stored setup
    again it is derived from the intent; None where that is unknown.
    """
    setups: list[Candidate | None] = []
    labels: Mapping[str, str] | None = None
    for row in found:
        setup = row.candidate
        if setup is None and row.intent:
            setup = Candidate.of(_INTENT.decode(row.intent), labels)
        if setup and row.state == "applied":
            labels = setup.labels if setup.labels is not None else labels
        setups.append(setup)
    return setups


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The record of a host's change: the requested intent, the desired host, and the networking observed after it. None
    where unknown.
    """

    intent: HostIntent | None
    desired: Host | None
    observed: Host | None


def facts(tx: Tx, host_id: str, generation: int) -> Facts:
    """The record of one generation. Raises NotFoundError when there is none."""
    here = host_changes.c.host_id == host_id, host_changes.c.generation <= generation
    query = sa.select(host_changes).where(*here).order_by(host_changes.c.generation.desc()).limit(2)
    found = rows(tx, HostChangeRow, query)
    if not found or found[0].generation != generation:
        raise NotFoundError(f"The host has no record of generation {generation}.")
    row = found[0]
    intent = _INTENT.decode(row.intent) if row.intent else None
    observed = _HOST.decode(row.observed) if row.observed else None
    before = next((one.observed for one in found[1:] if one.observed), row.observed)
    known = _HOST.decode(before) if before else None
    desired = desired_host(intent, known) if intent and known else None
    return Facts(intent=intent, desired=desired, observed=observed)


def setup_at(tx: Tx, host_id: str, generation: int) -> Candidate:
    """The setup of a host at an applied generation. Raises NotFoundError when it is not stored."""
    here = host_changes.c.host_id == host_id, host_changes.c.generation <= generation
    found = rows(tx, HostChangeRow, sa.select(host_changes).where(*here).order_by(host_changes.c.generation))
    if not found or found[-1].generation != generation or found[-1].state != "applied":
        raise NotFoundError(f"The host has no record of generation {generation}.")
    applied = [setup for row, setup in zip(found, _setups(found), strict=True) if setup and row.state == "applied"]
    if applied:
        return applied[-1]
    raise NotFoundError(f"The host's setup at generation {generation} is no longer stored.")


def compare(tx: Tx, host_id: str, generation: int, other: int | None = None) -> tuple[str, ...]:
    """How a host was set up at one generation and at another (None: now), a line each. Raises NotFoundError."""
    before = setup_at(tx, host_id, generation)
    after = setup_at(tx, host_id, other) if other is not None else now(load_one(tx, host_id))
    return _between(before, after, network_names(tx, host_id, before, after))


def now(data: HostData) -> Candidate:
    """What a host is set up with."""
    return Candidate.of(data.intent, data.labels)


def network_names(tx: Tx, host_id: str, *setups: HostSetup) -> dict[str, str]:
    """The networks of setups of a host by their ids. One that is gone has the name that the host last knew it by."""
    return names_of(tx, host_id, {one.network_id for setup in setups for one in setup.attachments})


def names_of(tx: Tx, host_id: str, network_ids: Collection[str]) -> dict[str, str]:
    """Networks by their ids; one that is gone by the name that the host last knew it by."""
    names = NETWORKS.names(tx, network_ids)
    gone = set(network_ids) - names.keys()
    here = host_changes.c.host_id == host_id, host_changes.c.intent.is_not(None)
    changes = sa.select(host_changes.c.intent).where(*here)
    earlier = tx.scalars(changes.order_by(host_changes.c.generation.desc())) if gone else ()
    for intent in earlier:
        for network in _INTENT.decode(intent).networks:
            if network.id in gone:
                names.setdefault(network.id, network.name)
        if gone <= names.keys():
            break
    return names


def _between(before: HostSetup, after: HostSetup, names: dict[str, str]) -> tuple[str, ...]:
    return differences(before, after, names, (_labels(before), _labels(after, before)))


def _labels(setup: HostSetup, otherwise: HostSetup | None = None) -> Labels:
    """Those of a setup; one that says nothing of them has those of the one before."""
    labels = setup.labels if isinstance(setup, Candidate) else None
    if labels is None:
        return _labels(otherwise) if otherwise is not None else {}
    return labels


def _revision(row: HostChangeRow, changes: tuple[str, ...]) -> Revision:
    return Revision(
        generation=row.generation,
        reason=row.reason,
        user_name=row.user_name,
        state=row.state,
        error=row.error,
        created_at=row.created_at,
        ended_at=row.ended_at,
        changes=changes,
    )
