"""Reads of hosts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.core.guest_protocol import GuestState
from netweft.core.protocol import Capabilities
from netweft.engine.db import Tx
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.host_networks import host_changes
from netweft.engine.model.hosts import HostRow, host_drifts, host_reports, hosts
from netweft.engine.model.vms import vms
from netweft.engine.noun import Noun, ObjectType, searched
from netweft.engine.queries.tags import having
from netweft.engine.statements import Statement


class _Seen(msgspec.Struct):
    """What a stored report says of guests alone."""

    guests: tuple[GuestState, ...] = ()
    guest_addresses: dict[str, tuple[str, ...]] = {}


_SEEN = msgspec.json.Decoder(_Seen)


class HostDetails(HostRow, frozen=True, kw_only=True):
    """A host, the names of its cluster and data centre, what it can do (None before its first report), whether its
    ovn-controller has a database of OVN configured (``ovn_configured``), whether its networks are being changed
    (``is_changing``), since when it is not as wanted (``drifts_since``), and numbers of virtual machines.
    """

    cluster_name: str
    data_center_id: str
    data_center_name: str
    capabilities: Capabilities | None
    ovn_configured: bool
    drifts_since: datetime | None
    is_changing: bool
    vms_total: int
    vms_active: int


def _select() -> sa.Select[Any]:
    changing = sa.exists().where(host_changes.c.host_id == hosts.c.id, host_changes.c.state == "pending")
    here = sa.select(sa.func.count()).select_from(vms).where(vms.c.host_id == hosts.c.id)
    return sa.select(
        hosts,
        clusters.c.name.label("cluster_name"),
        clusters.c.data_center_id,
        data_centers.c.name.label("data_center_name"),
        host_reports.c.capabilities,
        (sa.func.coalesce(host_reports.c.ovn_remote, "") != "").label("ovn_configured"),
        host_drifts.c.since.label("drifts_since"),
        changing.label("is_changing"),
        here.correlate(hosts).scalar_subquery().label("vms_total"),
        here.where(vms.c.status == "up").correlate(hosts).scalar_subquery().label("vms_active"),
    ).select_from(
        hosts.join(clusters, clusters.c.id == hosts.c.cluster_id)
        .join(data_centers, data_centers.c.id == clusters.c.data_center_id)
        .outerjoin(host_reports, host_reports.c.host_id == hosts.c.id)
        .outerjoin(host_drifts, host_drifts.c.host_id == hosts.c.id)
    )


HOSTS = Noun(
    hosts,
    HostDetails,
    "host",
    _select(),
    searched(
        hosts,
        address=hosts.c.address,
        status=hosts.c.status,
        cluster=clusters.c.name,
        datacenter=data_centers.c.name,
        tag=having("host", hosts.c.id),
        cluster__name=clusters.c.name,
        host__name=hosts.c.name,
    ),
    object_type=ObjectType.HOST,
    parent="cluster_id",
)
get = HOSTS.get


def called(tx: Tx, text: str) -> str:
    """The id of the host with that id or name, empty for none."""
    return tx.scalar(sa.select(hosts.c.id).where(sa.or_(hosts.c.id == text, hosts.c.name == text))) or ""


def plain(tx: Tx, host_id: str) -> HostRow:
    """The host's own columns; raises NotFoundError."""
    row = _PLAIN.first(tx, id=host_id)
    if row is None:
        raise NotFoundError(f"There is no host with the id {host_id}.")
    return row


_PLAIN = Statement(sa.select(hosts).where(hosts.c.id == sa.bindparam("id")), record=HostRow)


def guests_on(tx: Tx, host_ids: Collection[str]) -> dict[str, GuestState]:
    """The guests that hosts reported last, by id."""
    query = sa.select(host_reports.c.report).where(host_reports.c.host_id.in_(host_ids))
    return {guest.id: guest for report in tx.scalars(query) for guest in _SEEN.decode(report).guests}


def last_guest(tx: Tx, host_id: str, guest_id: str) -> tuple[GuestState | None, dict[str, tuple[str, ...]]]:
    """A guest as its host reported it last, None when it did not; and the addresses seen in guests, by vNIC."""
    report = tx.scalar(sa.select(host_reports.c.report).where(host_reports.c.host_id == host_id))
    seen = _SEEN.decode(report) if report else _Seen()
    return next((guest for guest in seen.guests if guest.id == guest_id), None), seen.guest_addresses
