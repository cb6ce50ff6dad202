"""Updating running vNICs after a change of their network, their profile, or its QoS.

Changes that are possible in a running guest are applied by the job ``sync_guest``; a vNIC is out of sync (``synced``
false) from the change until the running guest has it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

import sqlalchemy as sa

from netweft.core.guest_protocol import GuestState
from netweft.core.protocol import HostReport
from netweft.core.sync import Location, locate_networks
from netweft.engine import queue
from netweft.engine.actor import SYSTEM, Actor
from netweft.engine.db import Tx, utc_now
from netweft.engine.model.jobs import jobs
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.payloads import SyncGuest
from netweft.engine.queries import guests
from netweft.engine.statements import Statement

ON_NETWORK_UPDATE, ON_PROFILE_UPDATE = 11291, 11292
"""Event codes (oVirt: VNICS_OUT_OF_SYNC_ON_NETWORK_UPDATE, VNICS_OUT_OF_SYNC_ON_PROFILE_UPDATE)."""

_AGAIN = timedelta(seconds=60)
"""How long after a failed attempt a report triggers the next."""


def mark(tx: Tx, *which: sa.ColumnElement[bool]) -> None:
    """Mark these vNICs out of sync, where they are plugged into a running guest."""
    running = sa.select(vms.c.id).where(vms.c.status != "down")
    tx.execute(sa.update(vnics).where(vnics.c.plugged, vnics.c.vm_id.in_(running), *which).values(synced=False))


def mark_on(tx: Tx, network_ids: Collection[str], *which: sa.ColumnElement[bool]) -> None:
    """:func:`mark` those of ``which`` that are on one of the networks, or would be when they fail over."""
    profiles = sa.select(vnic_profiles.c.id).where(vnic_profiles.c.network_id.in_(network_ids))
    standing_by = sa.select(vnic_profiles.c.id).where(vnic_profiles.c.failover_id.in_(profiles))
    mark(tx, sa.or_(vnics.c.profile_id.in_(profiles), vnics.c.profile_id.in_(standing_by)), *which)


def sync_guests(tx: Tx, actor: Actor, code: int, *which: sa.ColumnElement[bool]) -> None:
    """Update the guests of these vNICs as far as possible. ``code``: of the event about the rest."""
    query = sa.select(vms.c.id, vms.c.name).distinct().join(vnics, vnics.c.vm_id == vms.c.id)
    for vm_id, name in tx.execute(query.where(vms.c.status == "up", vnics.c.plugged, ~vnics.c.synced, *which)):
        enqueue(tx, actor, vm_id, name, code)


def sync_guests_on(tx: Tx, actor: Actor, host_id: str) -> None:
    """:func:`sync_guests` for the vNICs on a host whose networks have changed."""
    for vm_id, name in _STALE.all(tx, host_id=host_id):
        enqueue(tx, actor, vm_id, name, ON_NETWORK_UPDATE)


def review(tx: Tx, host_id: str, report: HostReport) -> None:
    """Update the sync state of vNICs from a host's report; retry changes that are possible."""
    states = {guest.id: guest for guest in report.guests if guest.status == "up"}
    locations = None
    for vm_id, name in _STALE.all(tx, host_id=host_id):
        if guest := states.get(vm_id):
            locations = locate_networks(report.host) if locations is None else locations
            drift = record(tx, host_id, guest, locations)
            if drift.live and not _was_tried(tx, vm_id):
                enqueue(tx, SYSTEM, vm_id, name, 0)


_STALE = Statement(
    sa.select(vms.c.id, vms.c.name)
    .distinct()
    .join(vnics, vnics.c.vm_id == vms.c.id)
    .where(vms.c.host_id == sa.bindparam("host_id"), vms.c.status == "up", vnics.c.plugged, ~vnics.c.synced)
)


def record(tx: Tx, host_id: str, guest: GuestState, locations: Mapping[str, Location]) -> guests.Drift:
    """Store which vNICs of a guest, in its host's state, are out of sync with the desired state.

    vNICs may be marked by others while their rows are written: a second read detects that.
    """
    while True:
        desired = guests.wanted_of(tx, guest.id, host_id)
        drift = guests.drift_of(desired, guest, locations)
        known = {row.id for row in desired.vnics if not row.synced}
        if known == drift.stale or not write(tx, guest.id, drift.stale):
            return drift


def write(tx: Tx, vm_id: str, stale: Collection[str]) -> bool:
    """Store that exactly these of a machine's vNICs are out of sync; returns whether that has changed."""
    here = vnics.c.vm_id == vm_id
    fresh = sa.update(vnics).where(here, ~vnics.c.synced, vnics.c.id.not_in(stale)).values(synced=True)
    old = sa.update(vnics).where(here, vnics.c.synced, vnics.c.id.in_(stale)).values(synced=False)
    return bool(tx.execute(fresh).rowcount + tx.execute(old).rowcount)


def _was_tried(tx: Tx, vm_id: str) -> bool:
    """Whether it is being tried, or was recently."""
    recent = sa.or_(jobs.c.status == queue.Status.STARTED, jobs.c.start_time > utc_now() - _AGAIN)
    query = sa.select(jobs.c.id).where(jobs.c.kind == "sync_guest", jobs.c.lock_key == f"vm:{vm_id}", recent)
    return tx.execute(query.limit(1)).first() is not None


def enqueue(tx: Tx, actor: Actor, vm_id: str, name: str, code: int) -> None:
    """Enqueue the update of a guest's vNICs. ``code``: of the event about what is impossible, 0 for none."""
    payload = SyncGuest(vm_id=vm_id, code=code)
    queue.enqueue(tx, actor, "sync_guest", f"vm:{vm_id}", f"Updating interfaces of VM {name}", payload)
