"""Responses to a host's drift besides synchronizing it: adopt its differences, or ignore them for a while."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from netweft.core.drift import Drift, first_of
from netweft.core.drift_adoption import adopt_drift
from netweft.core.rules import check
from netweft.core.rules import host_drift as rule
from netweft.core.setup_history import restore_request
from netweft.engine import audit
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.commands.setup_networks import SetupHostNetworks, setup_host_networks
from netweft.engine.db import Tx, lock, utc_now
from netweft.engine.model.hosts import hosts
from netweft.engine.operations import host_changes, host_drifts
from netweft.engine.queries import host_networks as queries
from netweft.engine.queries.cluster_networks import lock_to_use
from netweft.engine.queries.host_drifts import differences_of
from netweft.engine.queries.host_networks import HostData

IGNORED, COUNTED, ADOPTED = 20_031, 20_032, 20_033
"""Event codes of our own."""

_IGNORE = "Cannot ignore drift."
_COUNT = "Cannot end ignoring drift."
_ADOPT = "Cannot adopt drift."


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreDrift:
    """``names``: of networks, NICs and bonds, of fields (``eth1.mtu``), or whole sentences; none for all that differs.
    ``until``: None for as long as they stay as they are.
    """

    host_id: str
    names: tuple[str, ...] = ()
    until: datetime | None = None
    reason: str = ""


def ignore_drift(tx: Tx, actor: Actor, spec: IgnoreDrift) -> None:
    """Set differences of a host aside: they do not count until they change, or the time is over.

    Needs CONFIGURE_HOST_NETWORK on the host. Raises NotFoundError, DeniedError, ValidationError.
    """
    data = _load(tx, actor, spec.host_id)
    check(_IGNORE, rule.drift_is_ignored_until_later(spec.until, utc_now()))
    texts = _texts(data, spec.names)
    check(_IGNORE, rule.drift_is_there(data.row.name, _wrong(data, spec.names), _there(data)))
    host_drifts.ignore(tx, actor, spec.host_id, texts, spec.until, spec.reason)
    host_drifts.record_drift(tx, spec.host_id)
    until = f"until {spec.until:%Y-%m-%d %H:%M:%S %Z}" if spec.until else "until it changes"
    why = f" ({spec.reason})" if spec.reason else ""
    text = f"Differences on Host {data.row.name} are ignored {until} by {actor.name}{why}: {first_of(texts)}."
    audit.record(tx, actor, IGNORED, text, host=spec.host_id, cluster=data.row.cluster_id)


def count_drift(tx: Tx, actor: Actor, host_id: str, names: Sequence[str] = ()) -> None:
    """Stop ignoring differences; ``names`` as of :class:`IgnoreDrift`.

    Needs CONFIGURE_HOST_NETWORK on the host. Raises NotFoundError, DeniedError, ValidationError.
    """
    data = _load(tx, actor, host_id)
    wanted = set(_texts(data, names))
    keys = {text: row.key for text, row in differences_of(tx, host_id).items() if row.ignored_at and text in wanted}
    check(_COUNT, rule.drift_is_ignored(data.row.name, keys))
    host_drifts.count_again(tx, host_id, keys.values())
    host_drifts.record_drift(tx, host_id)
    text = f"Differences on Host {data.row.name} are no longer ignored: {first_of(list(keys))}."
    audit.record(tx, actor, COUNTED, text, host=host_id, cluster=data.row.cluster_id)


def adopt_host_drift(tx: Tx, actor: Actor, host_id: str, names: Sequence[str] = ()) -> str | None:
    """Adopt a host's differences as its desired state, as far as attachments and bonds can express them: an ordinary
    setup, which is committed. It synchronizes all other differences.

    ``names``: of networks, NICs and bonds; none for all that differs. Returns the job's id, None when nothing differs.
    Needs CONFIGURE_HOST_NETWORK on the host. Raises NotFoundError, DeniedError, BusyError, ValidationError.
    """
    data = _load(tx, actor, host_id)
    host_changes.require_idle(tx, host_id, data.row.name)
    if data.drift.is_empty and not names:
        return None
    unknown = [name for name in names if not _groups(data, (name,))]
    check(_ADOPT, rule.drift_is_there(data.row.name, unknown, set(_named(data).values()) or _there(data)))
    chosen = _groups(data, names) if names else None
    found = adopt_drift(data.intent, data.host, data.drift, chosen)
    check(_ADOPT, rule.drift_can_be_adopted(found.left))
    request = restore_request(found.setup, data.intent, (None, {}), commit=True)
    adopted = [one.text for one in (data.drift.differences() if chosen is None else data.drift.on(chosen))]
    text = f"Differences on Host {data.row.name} were adopted by {actor.name}: {first_of(adopted)}."
    audit.record(tx, actor, ADOPTED, text, host=host_id, cluster=data.row.cluster_id)
    request = replace(request, synchronized=tuple(data.differences()))
    return setup_host_networks(tx, actor, SetupHostNetworks(host_id=host_id, request=request), _ADOPT)


def _load(tx: Tx, actor: Actor, host_id: str) -> HostData:
    host = lock(tx, hosts, host_id)
    lock_to_use(tx, host.cluster_id)
    authorize.require(tx, actor, ActionGroup.CONFIGURE_HOST_NETWORK, ObjectRef(ObjectType.HOST, host_id))
    return queries.load_one(tx, host_id)


def _groups(data: HostData, names: Collection[str]) -> list[str]:
    """The keys in a drift of networks, NICs and bonds by their names."""
    return [key for key, name in _named(data).items() if name in names]


def _named(data: HostData) -> Mapping[str, str]:
    """The names of the attachments and bases that differ, by their keys in the drift."""
    drift: Drift = data.drift
    networks = {one.id: data.networks[one.network_id].name for one in data.intent.attachments}
    return {key: networks.get(key, key) for key in (*drift.attachments, *drift.bases)}


def _texts(data: HostData, names: Collection[str]) -> list[str]:
    """The texts of the differences that have one of the names."""
    here = {one.text for one in data.drift.on(_groups(data, names))}
    return [
        one.text
        for one in data.drift.differences()
        if not names or one.text in here or one.what in names or one.text in names
    ]


def _wrong(data: HostData, names: Sequence[str]) -> list[str]:
    """The names without differences."""
    return [name for name in names if not _texts(data, (name,))]


def _there(data: HostData) -> set[str]:
    """The names that have differences."""
    return {*_named(data).values(), *(one.what for one in data.drift.differences())}
