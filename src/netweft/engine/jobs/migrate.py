"""Migrating a running guest between hosts. Safe to repeat: first it is determined which host has the guest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from netweft.core.errors import HostError
from netweft.core.guest_protocol import GuestNic, GuestSpec, GuestState, Migration
from netweft.core.protocol import HostReport
from netweft.core.sync import locate_networks
from netweft.engine import audit, queue
from netweft.engine.agent_answers import UnreachableError
from netweft.engine.agent_connections import parse_address
from netweft.engine.agents import Agent
from netweft.engine.audit import Severity
from netweft.engine.db import Tx, lock, utc_now
from netweft.engine.job_context import JobContext, PostponedError
from netweft.engine.jobs import ports
from netweft.engine.jobs.apply_host import actor_of
from netweft.engine.jobs.guest_events import last_event, wait_for_end, wait_until
from netweft.engine.jobs.guests import agent_of
from netweft.engine.jobs.outside import Outside
from netweft.engine.jobs.refresh_host import take_in_if_reachable
from netweft.engine.model.vms import VmRow, vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.operations import functions
from netweft.engine.operations.unfinished import AbandonedError
from netweft.engine.payloads import MigrateVm
from netweft.engine.queries import hosts
from netweft.engine.queries.guests import guest_spec, wanted_of
from netweft.engine.queue import Status
from netweft.providers.contract import ProviderError

DONE, FAILED, NOT_PLUGGED_BACK = 63, 65, 12003
"""Event codes (oVirt: VM_MIGRATION_DONE, VM_MIGRATION_FAILED, VM_MIGRATION_NOT_ALL_VM_NICS_WERE_PLUGGED_BACK)."""

_AGAIN = 2.0


def run(outside: Outside, job: JobContext) -> Mapping[str, Any]:
    """The job ``migrate_vm``. Raises HostError when the guest stayed where it was, ProviderError when a provider could
    not bind its ports on the target; PostponedError while neither host can be reached.

    Its ports on providers are finally bound on the host that has it, whatever failed before.
    """
    agents = outside.agents
    payload = MigrateVm.of(job.job)
    vm_id, source_id, target_id = payload.vm_id, payload.host_id, payload.target_id
    source, target = agent_of(agents, job, source_id), agent_of(agents, job, target_id)
    try:
        _await_setup(job, payload.after)
        _move(outside, job, source, target)
    except UnreachableError as error:
        raise PostponedError(_AGAIN) from error
    except (HostError, ProviderError) as error:
        job.write(_record_stayed, vm_id, error.text)
        ports.follow(outside, job, vm_id, source_id)
        _plug_functions(job, source, source_id)
        take_in_if_reachable(job, source, source_id)  # it may have ended meanwhile
        raise
    job.write(_record_moved, vm_id, target_id)
    ports.follow(outside, job, vm_id, target_id)
    _plug_functions(job, target, target_id)
    take_in_if_reachable(job, source, source_id)
    take_in_if_reachable(job, target, target_id)
    return {}


def _await_setup(job: JobContext, job_id: str | None) -> None:
    """Wait for the networks that are brought to the target first. Raises HostError when they were not."""
    if job_id is None:
        return
    with job.db.read() as tx:
        ended = queue.outcome(tx, job_id)
    if ended is None:
        raise PostponedError(_AGAIN / 4)
    if ended.status is not Status.FINISHED:
        raise HostError(f"The networks could not be set up on the target: {ended.error}", code=ended.error_code)


def _move(outside: Outside, job: JobContext, source: Agent, target: Agent) -> None:
    """Bring the guest to the target. Raises HostError or ProviderError when it stayed, UnreachableError while that is
    unknown.
    """
    vm_id = MigrateVm.of(job.job).vm_id
    try:
        after = last_event(source)
        here = source.report()
        guest = _find(here, vm_id)
    except UnreachableError:
        # The two libvirts need no agents. What is left on the source is cleared up when it answers again.
        if _find(target.report(), vm_id):
            return
        raise
    if guest is None:
        if wait_until(job, lambda: _find(target.report(), vm_id) is not None):
            return
        raise HostError("The guest runs on neither host.")
    if not guest.migrating:
        if job.only_asks:
            raise AbandonedError(job.job.attempts)
        ports.admit(outside, job, vm_id, MigrateVm.of(job.job).target_id)
        _begin(job, source, target, here)
    wait_for_end(
        job,
        source,
        "migration",
        after,
        is_under_way=lambda: _is_leaving(source, vm_id),
        is_done=lambda: _find(target.report(), vm_id) is not None,
    )


def _begin(job: JobContext, source: Agent, target: Agent, here: HostReport) -> None:
    """Ask the source to send the guest, without the virtual functions that it has there."""
    payload = MigrateVm.of(job.job)
    vm_id = payload.vm_id
    there = target.report()
    with job.db.read() as tx:
        leaving = wanted_of(tx, vm_id, payload.host_id)
        wanted = wanted_of(tx, vm_id, payload.target_id)
        address = hosts.plain(tx, payload.target_id).address
    guest = next(one for one in here.guests if one.id == vm_id)
    if any(map(_stays, guest.nics)):
        source.put_guest(_without_functions(guest_spec(leaving, locate_networks(here.host), guest.driver)))
    spec = _without_functions(guest_spec(wanted, locate_networks(there.host), guest.driver))
    to = _target_of(guest.driver, there, address)
    way = Migration(target=to, name=payload.target_id, spec=spec, address=payload.address, bandwidth=payload.bandwidth)
    source.migrate_guest(vm_id, way)


def _without_functions(spec: GuestSpec) -> GuestSpec:
    """The guest without its virtual functions, which stay on their host; their failover vNICs migrate."""
    return replace(spec, nics=tuple(nic for nic in spec.nics if not _stays(nic)))


def _stays(nic: GuestNic) -> bool:
    """Whether a vNIC cannot migrate, as its guest drives the hardware directly; with macvtap it can."""
    return bool(nic.function) and not (nic.profile and nic.bridge)


def _plug_functions(job: JobContext, agent: Agent, host_id: str) -> None:
    """Give a guest that has moved, or stayed, the virtual functions that are reserved for it there. vNICs that cannot
    have one are unplugged, with an event.
    """
    vm_id = MigrateVm.of(job.job).vm_id
    with job.db.read() as tx:
        wanted = wanted_of(tx, vm_id, host_id)
    if not any(row.plugged and row.passthrough for row in wanted.vnics):
        return
    try:
        report = agent.report()
        guest = _find(report, vm_id)
        if guest:
            agent.put_guest(guest_spec(wanted, locate_networks(report.host), guest.driver))
    except HostError as error:
        job.write(_record_unplugged, vm_id, error.text)


def _find(report: HostReport, vm_id: str) -> GuestState | None:
    """The guest, where it runs. Raises UnreachableError when the host's libvirt does not answer: the guest may
    have ended.
    """
    found = next((one for one in report.guests if one.id == vm_id and one.status == "up"), None)
    if found and found.error:
        raise UnreachableError(found.error)
    return found


def _is_leaving(agent: Agent, vm_id: str) -> bool:
    guest = _find(agent.report(), vm_id)
    return guest is not None and guest.migrating


def _target_of(driver: str, there: HostReport, address: str) -> str:
    """The URI of the target's driver: libvirt by TLS, with the certificates of the hosts."""
    if driver == "simulated":
        return f"simulated:{there.capabilities.hostname}"
    host = parse_address(address).host
    return f"qemu+tls://{f'[{host}]' if ':' in host else host}/system"


def _record_moved(tx: Tx, job: JobContext, vm_id: str, host_id: str) -> None:
    vm = lock(tx, vms, vm_id)
    values = {"host_id": host_id, "target_host_id": None, "status_reason": "", "changed_at": utc_now()}
    tx.execute(sa.update(vms).where(vms.c.id == vm_id).values(status=_after(vm), **values))
    functions.release(tx, vm_id, host_id=MigrateVm.of(job.job).host_id)
    name = hosts.plain(tx, host_id).name
    text = f"Migration completed (VM: {vm.name}, Destination: {name})."
    audit.record(tx, actor_of(job), DONE, text, vm=vm_id, host=host_id, cluster=vm.cluster_id, job=job.job.id)


def _record_stayed(tx: Tx, job: JobContext, vm_id: str, reason: str) -> None:
    vm = lock(tx, vms, vm_id)
    values = {"status": _after(vm), "target_host_id": None, "changed_at": utc_now()}
    tx.execute(sa.update(vms).where(vms.c.id == vm_id).values(values))
    functions.release(tx, vm_id, host_id=MigrateVm.of(job.job).target_id)
    text = f"Migration failed (VM: {vm.name}): {reason}"
    audit.record(tx, actor_of(job), FAILED, text, Severity.ERROR, vm=vm_id, cluster=vm.cluster_id, job=job.job.id)


def _record_unplugged(tx: Tx, job: JobContext, vm_id: str, reason: str) -> None:
    vm = lock(tx, vms, vm_id)
    passed = sa.select(vnic_profiles.c.id).where(vnic_profiles.c.passthrough)
    mine = sa.and_(vnics.c.vm_id == vm_id, vnics.c.plugged, vnics.c.profile_id.in_(passed))
    names = sorted(tx.scalars(sa.select(vnics.c.name).where(mine)))
    tx.execute(sa.update(vnics).where(mine).values(plugged=False))
    functions.release(tx, vm_id, unplugged_only=True)
    text = f"After migration of VM {vm.name}, following vm nics failed to be plugged back: {', '.join(names)}. {reason}"
    code, severity = NOT_PLUGGED_BACK, Severity.WARNING
    audit.record(tx, actor_of(job), code, text, severity, vm=vm_id, cluster=vm.cluster_id, job=job.job.id)


def _after(vm: VmRow) -> str:
    """The status after the migration: a shutdown may have been requested meanwhile."""
    return "up" if vm.status == "migrating" else vm.status
