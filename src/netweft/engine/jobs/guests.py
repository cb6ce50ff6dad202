"""Starting and stopping guests, and updating the vNICs of running ones. All safe to repeat: hosts apply the desired
state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import sqlalchemy as sa
from msgspec import UNSET
from msgspec.structs import asdict

from netweft.core.errors import HostError
from netweft.core.guest_protocol import GuestSpec, GuestState
from netweft.core.protocol import HostReport
from netweft.core.sync import Location, locate_networks
from netweft.engine import audit
from netweft.engine.agent_answers import RefusedError, UnreachableError
from netweft.engine.agents import Agent, Agents
from netweft.engine.audit import Severity
from netweft.engine.db import Tx, lock, utc_now
from netweft.engine.job_context import JobContext, PostponedError
from netweft.engine.jobs import ports
from netweft.engine.jobs.apply_host import actor_of, wait_for_report
from netweft.engine.jobs.outside import Outside
from netweft.engine.jobs.refresh_host import take_in_if_reachable
from netweft.engine.model.vms import VmRow, vms
from netweft.engine.model.vnics import filter_parameters, vnics
from netweft.engine.operations import functions, vnic_addresses, vnic_sync
from netweft.engine.operations import ports as port_operations
from netweft.engine.operations.mac_addresses import release_mac_of
from netweft.engine.payloads import OnVm, StopVm, SyncGuest, Undo, UpdateGuest
from netweft.engine.queries import host_networks as host_queries
from netweft.engine.queries import hosts
from netweft.engine.queries import mac_pools as mac_queries
from netweft.engine.queries import subnets as subnet_queries
from netweft.engine.queries import vms as queries
from netweft.engine.queries.guests import Wanted, but_unbound, guest_spec, wanted_of
from netweft.engine.queue import Result
from netweft.engine.reports.host_reports import record_guest
from netweft.providers.contract import ProviderError

STARTED, START_FAILED, STOPPED, STOPPED_SUSPENDED = 32, 54, 33, 111
"""Event codes (oVirt: USER_RUN_VM, USER_FAILED_RUN_VM, USER_STOP_VM, USER_STOP_SUSPENDED_VM)."""

VNIC_REMOVED = 930
"""Event code (oVirt: NETWORK_REMOVE_VM_INTERFACE) of a vNIC that its host, or a provider, refused."""

_AGAIN = 30.0


def start(outside: Outside, job: JobContext) -> Mapping[str, Any]:
    """The job ``start_vm``. Raises HostError when the host failed, ProviderError when a provider could not bind a
    port there; the virtual machine is then down (or still suspended), with the reason.
    """
    payload = OnVm.of(job.job)
    vm_id, host_id = payload.vm_id, payload.host_id
    try:
        applied = _run(outside, job, vm_id, host_id)
    except UnreachableError as error:
        job.write(_record_unknown, vm_id, error.text)
        raise
    except (HostError, ProviderError) as error:
        job.write(_record_not_started, vm_id, error.text)
        ports.remove_released(outside, job, vm_id)
        raise
    job.write(_record_up, vm_id, host_id, applied)
    refresh(outside.agents, job, host_id)
    return {}


def _run(outside: Outside, job: JobContext, vm_id: str, host_id: str) -> AppliedGuest:
    """Start a guest. One with ports on providers waits, paused, until all of them pass frames; one that was suspended
    does not, as it had them before. Raises HostError, ProviderError, with nothing left on the host.
    """
    on_providers = ports.prepare(outside, job, vm_id, host_id)
    with job.db.read() as tx:
        waits = bool(on_providers) and queries.get(tx, vm_id).saved_host_id is None
    applied = _put(outside.agents, job, vm_id, host_id, paused=waits)
    if not waits:
        return applied
    try:
        ports.wait_until_active(outside, job, vm_id, on_providers)
    except ProviderError:
        agent_of(outside.agents, job, host_id).delete_guest(vm_id)
        raise
    return _put(outside.agents, job, vm_id, host_id)


def update(outside: Outside, job: JobContext) -> Result:
    """The job ``update_guest``. Raises HostError when the host failed, ProviderError when a provider did; the vNIC is
    then restored. A guest that has ended meanwhile gets the change at its next start.
    """
    payload = UpdateGuest.of(job.job)
    vm_id, host_id = payload.vm_id, payload.host_id
    if not _runs(job, vm_id):
        return {}
    try:
        on_providers = ports.prepare_one(outside, job, vm_id, host_id, payload.vnic_id)
        applied = _put(outside.agents, job, vm_id, host_id, requires_ports=False)
    except (HostError, ProviderError) as error:
        job.write(_undo, vm_id, payload.undo, error.text)
        ports.remove_released(outside, job, vm_id)
        raise
    try:
        ports.wait_until_active(outside, job, vm_id, on_providers)
    except ProviderError as error:
        job.write(_undo, vm_id, payload.undo, error.text)
        job.write(_undo_on_host)
        raise
    job.write(_release_unused, vm_id)
    ports.remove_released(outside, job, vm_id)
    # The host sends an event of the change, after which the monitor stores its report.
    return partial(_record_synced, job=job, applied=applied)


def _runs(job: JobContext, vm_id: str) -> bool:
    with job.db.read() as tx:
        status = tx.scalar(sa.select(vms.c.status).where(vms.c.id == vm_id))
    return status not in {None, "down", "suspended"}


def sync(outside: Outside, job: JobContext) -> Result:
    """The job ``sync_guest``: apply changes of networks and profiles to the vNICs of a running guest, as far as
    possible. Raises HostError when the host failed; the vNICs stay out of sync. Failures of providers with their ports
    are retried.
    """
    payload = SyncGuest.of(job.job)
    vm_id, code = payload.vm_id, payload.code
    agents = outside.agents
    with job.db.read() as tx:
        host_id = tx.scalar(sa.select(vms.c.host_id).where(vms.c.id == vm_id, vms.c.status == "up"))
    if host_id is None:
        return {}
    ports.follow(outside, job, vm_id, host_id)
    applied = _put(agents, job, vm_id, host_id, requires_ports=False)
    job.write(_release_unused, vm_id)
    ports.remove_released(outside, job, vm_id)
    return partial(_record_synced, job=job, applied=applied, code=code)


def stop(outside: Outside, job: JobContext) -> Mapping[str, Any]:
    """The job ``stop_vm``. Raises HostError when the host does not answer: the virtual machine's status is unknown
    then.
    """
    payload = StopVm.of(job.job)
    vm_id = payload.vm_id
    with job.db.read() as tx:
        # Its current host: it may have migrated since the request.
        vm = queries.get(tx, vm_id)
    if not _is_anywhere(vm):  # it has ended meanwhile, or was stopped before the engine restarted
        if vm.status != "down":
            job.write(_record_stopped, vm_id)
        ports.remove_released(outside, job, vm_id)
        return {}
    host_id = vm.host_id or payload.host_id
    try:
        agent_of(outside.agents, job, host_id).delete_guest(vm_id)
    except HostError as error:
        job.write(_record_unknown, vm_id, error.text)
        raise
    job.write(_record_stopped, vm_id)
    ports.remove_released(outside, job, vm_id)
    refresh(outside.agents, job, host_id)
    return {}


def _is_anywhere(vm: VmRow) -> bool:
    """Whether a host has it, or its saved memory."""
    return bool(vm.host_id or vm.saved_host_id)


def clear(outside: Outside, job: JobContext) -> Mapping[str, Any]:
    """The job ``clear_guest``: remove the remains of a guest that ended by itself or was removed from its host.

    Raises HostError; PostponedError while the host does not answer.
    """
    payload = OnVm.of(job.job)
    vm_id, host_id = payload.vm_id, payload.host_id
    with job.db.read() as tx:
        row = tx.execute(sa.select(vms.c.host_id, vms.c.saved_host_id).where(vms.c.id == vm_id)).one_or_none()
    if row is None or host_id not in row:  # else it was started there again, which removed them too
        try:
            agent_of(outside.agents, job, host_id).delete_guest(vm_id)
        except UnreachableError as error:
            raise PostponedError(_AGAIN) from error
    ports.remove_released(outside, job, vm_id)
    return {}


def agent_of(agents: Agents, job: JobContext, host_id: str) -> Agent:
    """The agent of a host. Raises NotFoundError."""
    with job.db.read() as tx:
        return agents.of(host_id, hosts.plain(tx, host_id).agent_url, since=job.job.claimed_at)


def refresh(agents: Agents, job: JobContext, host_id: str) -> None:
    """Take in the host's report now, so that users see the guest's current state."""
    take_in_if_reachable(job, agent_of(agents, job, host_id), host_id)


def _put(
    agents: Agents, job: JobContext, vm_id: str, host_id: str, *, paused: bool = False, requires_ports: bool = True
) -> AppliedGuest:
    """Apply the guest's desired state on the host, as far as possible without unplugging a vNIC that is to stay.
    ``paused``: as in GuestSpec. ``requires_ports``: whether each vNIC on a provider must have its port; else those
    without one are left out.

    The locations of networks on the host come from its last report; only when the host refuses the guest, a new report
    is requested.
    """
    with job.db.read() as tx:
        host, known = host_queries.last_report(tx, host_id)
        wanted = wanted_of(tx, vm_id, host_id)
    wanted = wanted if requires_ports else but_unbound(wanted)
    agent = agents.of(host_id, host.agent_url, since=job.job.claimed_at)
    if known is None or all(guest.id != vm_id for guest in known.guests):
        known = wait_for_report(job, agent, job.patience.report)
    locations = locate_networks(known.host)
    spec = replace(_spec(wanted, known, locations), paused=paused)
    try:
        state = agent.put_guest(spec)
    except RefusedError:
        known = wait_for_report(job, agent, job.patience.report)
        locations = locate_networks(known.host)
        now = replace(_spec(wanted, known, locations), paused=paused)
        if now == spec:
            raise
        state = agent.put_guest(now)
    return AppliedGuest(host_id=host_id, guest=state, locations=locations)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedGuest:
    """The state of a guest after it was applied, and the locations of the networks on its host."""

    host_id: str
    guest: GuestState
    locations: Mapping[str, Location]


def _spec(wanted: Wanted, report: HostReport, locations: Mapping[str, Location]) -> GuestSpec:
    """The guest's specification for the host of that report. Raises HostError when the host has no driver or network
    for it.
    """
    vm = wanted.vm
    drivers = report.capabilities.guest_drivers
    running = next((guest.driver for guest in report.guests if guest.id == vm.id), "")
    driver = running or vm.custom_properties.get("driver") or next(iter(drivers), "")
    if driver not in drivers:
        what = f"no guest driver '{driver}'" if driver else "nothing to run guests with"
        raise HostError(f"Host {vm.host_name} has {what}.", code="HOST_HAS_NO_GUEST_DRIVER")
    return guest_spec(wanted, locations, driver)


def _record_up(tx: Tx, job: JobContext, vm_id: str, host_id: str, applied: AppliedGuest) -> None:
    vm = lock(tx, vms, vm_id)
    record_guest(tx, vm_id, "up", host_id)
    vnic_sync.record(tx, host_id, applied.guest, applied.locations)
    name = hosts.plain(tx, host_id).name
    text = f"VM {vm.name} was {'resumed' if vm.saved_host_id else 'started'} on Host {name}"
    audit.record(tx, actor_of(job), STARTED, text, vm=vm_id, host=host_id, cluster=vm.cluster_id, job=job.job.id)


def _record_synced(tx: Tx, *, job: JobContext, applied: AppliedGuest, code: int = 0) -> None:
    """Record which vNICs are in sync now. ``code``: of the event about the others; 0 for none."""
    stale = vnic_sync.record(tx, applied.host_id, applied.guest, applied.locations).stale
    functions.release(tx, applied.guest.id, unplugged_only=True)
    if stale and code:
        vm = lock(tx, vms, applied.guest.id)
        names = ", ".join(row.name for row in queries.vnics_of(tx, (vm.id,))[vm.id] if row.id in stale)
        text = (
            f"vNICs of VM {vm.name} keep their state from before the change: {names}. It takes effect when they are"
            " unplugged and plugged in again."
        )
        record_event(tx, job, vm, code, text, Severity.ALERT)


def _record_not_started(tx: Tx, job: JobContext, vm_id: str, reason: str) -> None:
    vm = lock(tx, vms, vm_id)
    record_guest(tx, vm_id, "suspended" if vm.saved_host_id else "down", vm.saved_host_id, reason)
    if vm.saved_host_id is None:
        functions.release(tx, vm_id)
        port_operations.release(tx, vm_id)
    text = f"Failed to {'resume' if vm.saved_host_id else 'run'} VM {vm.name}: {reason}"
    record_event(tx, job, vm, START_FAILED, text, Severity.ERROR)


def _record_stopped(tx: Tx, job: JobContext, vm_id: str) -> None:
    vm = lock(tx, vms, vm_id)
    record_guest(tx, vm_id, "down", reason=StopVm.of(job.job).reason)
    vnic_sync.write(tx, vm_id, ())
    functions.release(tx, vm_id)
    port_operations.release(tx, vm_id)
    if vm.saved_host_id:
        record_event(tx, job, vm, STOPPED_SUSPENDED, f"Suspended VM {vm.name} was stopped by {job.job.owner_name}.")
    else:
        record_event(tx, job, vm, STOPPED, f"VM {vm.name} powered off by {job.job.owner_name}.")


def record_event(
    tx: Tx, job: JobContext, vm: VmRow, code: int, text: str, severity: Severity = Severity.NORMAL
) -> None:
    """An event about a virtual machine and the host that has it, or its saved memory."""
    ids = audit.About(vm=vm.id, host=vm.host_id or vm.saved_host_id, cluster=vm.cluster_id, job=job.job.id)
    audit.record(tx, actor_of(job), code, text, severity, **ids)


def _release_unused(tx: Tx, _: JobContext, vm_id: str) -> None:
    port_operations.release(tx, vm_id, unused_only=True)


def _undo_on_host(tx: Tx, job: JobContext) -> None:
    """Revert a change on the host, which has applied it, after it was reverted here."""
    payload = UpdateGuest.of(job.job)
    vm = lock(tx, vms, payload.vm_id)
    vnic_sync.enqueue(tx, job.job.actor, vm.id, vm.name, 0)


def _record_unknown(tx: Tx, job: JobContext, vm_id: str, reason: str) -> None:
    """Its status is unknown until the next report of its host."""
    vm = lock(tx, vms, vm_id)
    if not _is_anywhere(vm):
        return
    values = {"status": "unknown", "status_reason": reason, "changed_at": utc_now()}
    tx.execute(sa.update(vms).where(vms.c.id == vm_id).values(**values))
    text = f"The Host of VM {vm.name} does not answer: {reason}"
    audit.record(tx, actor_of(job), START_FAILED, text, Severity.WARNING, vm=vm_id, host=vm.host_id, job=job.job.id)


def _undo(tx: Tx, job: JobContext, vm_id: str, undo: Undo, reason: str) -> None:
    """Restore the stored vNIC after its host refused the change."""
    vm = lock(tx, vms, vm_id)
    removed = ""
    if vnic_id := undo.remove:
        row = tx.execute(sa.select(vnics.c.name, vnics.c.mac).where(vnics.c.id == vnic_id)).one_or_none()
        if row is not None:
            name, mac = row
            removed = f"Interface {name} was removed from VM {vm.name} again, as it could not be plugged in."
            functions.release_vnic(tx, vnic_id)
            tx.execute(sa.delete(vnics).where(vnics.c.id == vnic_id))
            release_mac_of(tx, vm_id, mac_queries.of_cluster(tx, vm.cluster_id), mac)
    if vnic_id := undo.restore:
        tx.execute(sa.update(vnics).where(vnics.c.id == vnic_id).values(**undo.values.given()))
        profile_id = undo.values.profile_id
        if undo.addresses is not None and profile_id is not UNSET:
            found = subnet_queries.of_profiles(tx, (profile_id,))[profile_id] if profile_id else ()
            vnic_addresses.give_again(tx, vnic_id, found, undo.addresses)
    if vnic_id := undo.parameters_of:
        tx.execute(sa.delete(filter_parameters).where(filter_parameters.c.vnic_id == vnic_id))
        if undo.parameters:
            tx.execute(sa.insert(filter_parameters), [asdict(row) for row in undo.parameters])
    functions.release(tx, vm_id, unplugged_only=True)
    port_operations.release(tx, vm_id, unused_only=True)
    text = f"Failed to change interfaces of VM {vm.name}: {reason}"
    ids = audit.About(vm=vm_id, cluster=vm.cluster_id, job=job.job.id)
    audit.record(tx, actor_of(job), 1013, text, Severity.ERROR, **ids)
    if removed:
        audit.record(tx, actor_of(job), VNIC_REMOVED, removed, Severity.WARNING, **ids)
