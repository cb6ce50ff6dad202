"""``GET /netweft/v1/hosts/{id}/drift``: how a host differs from what is wanted of it, by who has it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from sqlalchemy import select

from netweft.api.network_attachments import seen
from netweft.api.routes import ADDITIONS, READ, Call, Routes
from netweft.core.compare import Difference
from netweft.engine.access import visibility
from netweft.engine.access.objects import ObjectType
from netweft.engine.db import Tx
from netweft.engine.model.hosts import host_drifts
from netweft.engine.model.vms import vms
from netweft.engine.model.vnics import vnics

routes = Routes("hosts", ADDITIONS)


class Differs(msgspec.Struct, kw_only=True, frozen=True):
    """One difference. ``what``: the thing and its field; ``wanted``, ``found``: null for nothing; ``text``: a line."""

    what: str
    wanted: str | None
    found: str | None
    text: str


class DriftOf(msgspec.Struct, kw_only=True, frozen=True):
    """What differs of one network, NIC or bond, or guest's vNIC; ``id``: of the attachment or vNIC, empty for a NIC."""

    id: str
    name: str
    differences: list[Differs]


class HostDrift(msgspec.Struct, kw_only=True, frozen=True):
    """How a host differs from what is wanted of it, by its last report.

    ``networks``: what is of one network alone. ``nics``: what all networks on a NIC or bond stand on. ``guest_ports``:
    where guests are plugged in. ``host``: the rest. ``obstacle``: why no setup can put it right as it is, empty when
    one can. ``since``: when it was first seen.
    """

    in_sync: bool
    since: datetime | None
    reported_at: datetime | None
    networks: list[DriftOf]
    nics: list[DriftOf]
    guest_ports: list[DriftOf]
    host: list[Differs]
    obstacle: str


@routes.get("/hosts/{host_id}/drift", HostDrift, needs=READ)
def get_drift(call: Call[None]) -> HostDrift:
    """How the host differs from what is wanted of it."""
    with call.read() as tx:
        data = seen(tx, call)
        since = tx.scalar(select(host_drifts.c.since).where(host_drifts.c.host_id == call.ids["host_id"]))
        drift = data.drift
        guests = _vnics(tx, call, drift.guest_ports)
    names = {one.id: data.networks[one.network_id].name for one in data.intent.attachments}
    return HostDrift(
        in_sync=drift.is_empty,
        since=since,
        reported_at=data.reported_at,
        networks=[_of(one, names[one], found) for one, found in drift.attachments.items()],
        nics=[_of("", name, found) for name, found in drift.bases.items()],
        guest_ports=[_of(one, name, drift.guest_ports[one]) for one, name in guests.items()],
        host=_shown(drift.host),
        obstacle=drift.obstacle,
    )


def _vnics(tx: Tx, call: Call[None], ids: Iterable[str]) -> dict[str, str]:
    """Names (``vm/vnic``) of those of the vNICs whose machines the actor may see."""
    query = select(vnics.c.id, vnics.c.name, vms.c.name.label("vm_name")).join(vms, vms.c.id == vnics.c.vm_id)
    query = query.where(vnics.c.id.in_(list(ids))).order_by(vms.c.name, vnics.c.name)
    rows = tx.execute(visibility.only_visible(tx, call.actor, ObjectType.VM, query))
    return {row.id: f"{row.vm_name}/{row.name}" for row in rows}


def _of(one: str, name: str, found: Iterable[Difference]) -> DriftOf:
    return DriftOf(id=one, name=name, differences=_shown(found))


def _shown(found: Iterable[Difference]) -> list[Differs]:
    return [Differs(what=one.what, wanted=one.expected, found=one.actual, text=one.text) for one in found]
