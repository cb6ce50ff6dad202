"""Starting and stopping guests, and making a running guest's vNICs as they should be. All safe to repeat: the host
makes equal, it does not add.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa

from netloom.core.errors import HostError
from netloom.core.network_filters import FILTERS
from netloom.core.protocol import GuestNic, GuestSpec, HostReport, Rate
from netloom.core.sync import Location, locate_networks
from netloom.core.trunks import parse_trunk
from netloom.engine import queue
from netloom.engine.agents import Agents, RefusedError, UnreachableError
from netloom.engine.commands import audit, functions
from netloom.engine.commands.audit import Severity
from netloom.engine.commands.mac_addresses import release_mac
from netloom.engine.db import Tx, lock, utc_now
from netloom.engine.jobs.apply_host import actor_of, wait_for_report
from netloom.engine.jobs.look_at_host import take_in
from netloom.engine.model.vms import vms
from netloom.engine.model.vnics import filter_parameters, vnics
from netloom.engine.queries import functions as function_queries
from netloom.engine.queries import host_networks as host_queries
from netloom.engine.queries import mac_pools as mac_queries
from netloom.engine.queries import vms as queries
from netloom.engine.queue import JobContext

STARTED, START_FAILED, STOPPED, STOP_FAILED = 32, 54, 33, 56
"""Event codes (oVirt: USER_RUN_VM, USER_FAILED_RUN_VM, USER_STOP_VM, USER_FAILED_STOP_VM)."""

_PATIENCE = 15.0
_DEFAULT_MTU = 1500


def start(agents: Agents, job: JobContext) -> Mapping[str, Any]:
    """The job ``start_vm``. Raises HostError when the host could not; the virtual machine is down then and says why."""
    vm_id, host_id = job.job.payload["vm_id"], job.job.payload["host_id"]
    try:
        _put(agents, job, vm_id, host_id)
    except UnreachableError as error:
        job.db.run(_record_unknown, job, vm_id, error.text)
        raise
    except HostError as error:
        job.db.run(_record_down, job, vm_id, error.text, START_FAILED)
        raise
    job.db.run(_record_up, job, vm_id, host_id)
    _look(agents, job, host_id)
    return {}


def update(agents: Agents, job: JobContext) -> Mapping[str, Any]:
    """The job ``update_guest``. Raises HostError when the host could not; the vNIC is then as it was before."""
    payload = job.job.payload
    try:
        _put(agents, job, payload["vm_id"], payload["host_id"])
    except HostError as error:
        job.db.run(_undo, job, payload["vm_id"], payload["undo"], error.text)
        raise
    job.db.run(_record_synced, job, payload["vm_id"])
    return {}  # the host tells that the guest was changed, upon which the monitor takes in its report


def stop(agents: Agents, job: JobContext) -> Mapping[str, Any]:
    """The job ``stop_vm``. Raises HostError when the host does not answer: the virtual machine's status is unknown
    then.
    """
    vm_id = job.job.payload["vm_id"]
    with job.db.read() as tx:
        # Where it is now: it may have migrated since it was asked to stop.
        host_id = queries.get(tx, vm_id).host_id or job.job.payload["host_id"]
    try:
        _agent(agents, job, host_id).delete_guest(vm_id)
    except HostError as error:
        job.db.run(_record_unknown, job, vm_id, error.text)
        raise
    job.db.run(_record_down, job, vm_id, "", STOPPED)
    _look(agents, job, host_id)
    return {}


def clear(agents: Agents, job: JobContext) -> Mapping[str, Any]:
    """The job ``clear_guest``: take away what is left on the host of a guest that ended by itself. Raises HostError."""
    vm_id, host_id = job.job.payload["vm_id"], job.job.payload["host_id"]
    with job.db.read() as tx:
        row = tx.execute(sa.select(vms.c.host_id).where(vms.c.id == vm_id)).one_or_none()
    if row is None or row.host_id != host_id:  # else it was started there again, which cleared up too
        _agent(agents, job, host_id).delete_guest(vm_id)
    return {}


def _agent(agents: Agents, job: JobContext, host_id: str) -> Any:  # noqa: ANN401 - an Agent
    with job.db.read() as tx:
        row = host_queries.load_one(tx, host_id).row
    return agents.of(host_id, row.agent_url)


def _look(agents: Agents, job: JobContext, host_id: str) -> None:
    """Take in what the host reports now, so that users see the guest as it is. The work is done: silence is for the
    monitor to judge.
    """
    with suppress(UnreachableError):
        take_in(job, _agent(agents, job, host_id), host_id)


def _put(agents: Agents, job: JobContext, vm_id: str, host_id: str) -> None:
    """Make the guest on the host what it should be.

    Where the host of a running guest has its networks is known from its last report; only when it refuses it is asked
    whether they are elsewhere now.
    """
    with job.db.read() as tx:
        data = host_queries.load_one(tx, host_id)
        wanted = wanted_of(tx, vm_id, host_id)
    agent = agents.of(host_id, data.row.agent_url)
    known = data.report
    if known is None or all(guest.id != vm_id for guest in known.guests):
        known = wait_for_report(job, agent, _PATIENCE)
    spec = _spec(wanted, known)
    try:
        agent.put_guest(spec)
    except RefusedError:
        now = _spec(wanted, wait_for_report(job, agent, _PATIENCE))
        if now == spec:
            raise
        agent.put_guest(now)


def _spec(wanted: Wanted, report: HostReport) -> GuestSpec:
    """The guest as the host of that report needs to know it. Raises HostError when it has no driver or network for
    it.
    """
    vm = wanted.vm
    drivers = report.capabilities.guest_drivers
    running = next((guest.driver for guest in report.guests if guest.id == vm.id), "")
    driver = running or vm.custom_properties.get("driver") or next(iter(drivers), "")
    if driver not in drivers:
        what = f"no guest driver '{driver}'" if driver else "nothing to run guests with"
        raise HostError(f"Host {vm.host_name} has {what}.", code="HOST_HAS_NO_GUEST_DRIVER")
    return guest_spec(wanted, locate_networks(report.host), driver)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is wanted of a machine on a host: its row, those of its vNICs, and their filter parameters by vNIC.

    ``functions``: PCI addresses of the virtual functions that the host holds ready, by vNIC; ``failovers``: the
    networks that take over for them, by their profiles.
    """

    vm: Any
    vnics: list[Any]
    parameters: Mapping[str, list[Any]]
    functions: Mapping[str, str]
    failovers: Mapping[str, Any]


def wanted_of(tx: Tx, vm_id: str, host_id: str) -> Wanted:
    """Read it. Raises NotFoundError."""
    rows = queries.vnics_of(tx, (vm_id,))[vm_id]
    parameters = queries.parameters_of(tx, [row.id for row in rows])
    held = function_queries.held(tx, (host_id,))[host_id] if any(row.passthrough for row in rows) else {}
    return Wanted(
        vm=queries.get(tx, vm_id),
        vnics=rows,
        parameters=parameters,
        functions={vnic_id: address for address, vnic_id in held.items()},
        failovers=queries.failovers_of(tx, rows),
    )


def guest_spec(wanted: Wanted, locations: Mapping[str, Location], driver: str) -> GuestSpec:
    """The guest as its host needs to know it. Raises HostError when a network of a plugged vNIC is not there."""
    vm = wanted.vm
    addresses: dict[str, list[str]] = {}
    for one in vm.addresses:
        addresses.setdefault(one["nic"], []).append(one["address"])
    nics = tuple(
        replace(
            nic,
            addresses=tuple(addresses.get(row.name, ())),
            filter_parameters=tuple((one.name, one.value) for one in wanted.parameters.get(row.id, ())),
        )
        for row in wanted.vnics
        if row.plugged
        for nic in (_passed(row, wanted, locations) if row.passthrough else (_nic(row, locations),))
    )
    cpus = vm.sockets * vm.cores * vm.threads
    return GuestSpec(
        id=vm.id,
        name=vm.name,
        driver=driver,
        memory=vm.memory,
        cpus=cpus,
        nics=nics,
        properties=_driver_properties(vm),
    )


def _driver_properties(vm: Any) -> dict[str, str]:  # noqa: ANN401 - a row
    """What the driver is told of what the machine boots and has."""
    booted = {"kernel": vm.os_kernel, "initrd": vm.os_initrd, "cmdline": vm.os_cmdline}
    chosen = {name: value for name, value in vm.custom_properties.items() if name != "driver"}
    return {name: value for name, value in {**booted, **chosen}.items() if value}


def _passed(row: Any, wanted: Wanted, locations: Mapping[str, Location]) -> tuple[GuestNic, ...]:  # noqa: ANN401 - a row
    """A vNIC that is a virtual function, and before it the one that takes over while the function is away."""
    address = wanted.functions.get(row.id)
    if address is None:
        raise HostError(f"The host has no virtual function for vNIC '{row.name}'.", code="VAR__DETAIL__NO_SUITABLE_VF")
    mtu = row.mtu or _DEFAULT_MTU
    function = GuestNic(id=row.id, name=row.name, mac=row.mac, bridge="", function=address, tag=row.vlan_id, mtu=mtu)
    if not row.failover_id:
        return (function,)
    profile = wanted.failovers[row.failover_id]
    location = _location(profile, locations)
    standby = GuestNic(
        id=str(uuid5(UUID(row.id), "standby")),
        name=row.name,
        mac=row.mac,
        bridge=location.plug,
        tag=location.vlan if location.switch == "ovs" else None,
        mtu=profile.mtu or _DEFAULT_MTU,
        isolated=profile.port_isolation,
        filter=_filter(profile, location),
        stands_by=True,
    )
    return standby, replace(function, standby=standby.id)


def _location(row: Any, locations: Mapping[str, Location]) -> Location:  # noqa: ANN401 - a row
    """Where the row's network can be plugged into. Raises HostError."""
    location = locations.get(row.network_id)
    if location is None or not location.plug:
        raise HostError(
            f"Network '{row.network_name}' is not on the host.", code="ACTIVATE_DEACTIVATE_NETWORK_NOT_IN_VDS"
        )
    return location


def _filter(row: Any, location: Location) -> str:  # noqa: ANN401 - a row
    """The network filter by name; filters are libvirt's, which has them for Linux bridges only."""
    return FILTERS[row.network_filter_id].name if row.network_filter_id and location.switch != "ovs" else ""


def _nic(row: Any, locations: Mapping[str, Location]) -> GuestNic:  # noqa: ANN401 - a row
    if row.network_id is None:
        return GuestNic(id=row.id, name=row.name, mac=row.mac, bridge="", linked=False, model=row.interface)
    location = _location(row, locations)
    return GuestNic(
        id=row.id,
        name=row.name,
        mac=row.mac,
        bridge=location.plug,
        tag=location.vlan if location.switch == "ovs" else None,
        mtu=row.mtu or _DEFAULT_MTU,
        linked=row.linked,
        isolated=row.port_isolation,
        mirrored=row.port_mirroring,
        trunks=parse_trunk(row.profile_properties.get("trunk", "")),
        model=row.interface,
        filter=_filter(row, location),
        inbound=_rate(row, "inbound"),
        outbound=_rate(row, "outbound"),
        queues=int(row.profile_properties.get("queues", 0)),
    )


def _rate(row: Any, way: str) -> Rate | None:  # noqa: ANN401 - a row
    """A QoS of Mbit/s and MB, in libvirt's kilobytes."""
    average, peak, burst = (getattr(row, f"{way}_{kind}") or 0 for kind in ("average", "peak", "burst"))
    return Rate(average=average * 125, peak=peak * 125, burst=burst * 1000) if average else None


def _record_up(tx: Tx, job: JobContext, vm_id: str, host_id: str) -> None:
    queue.hold(tx, job.job)
    vm = lock(tx, vms, vm_id)
    tx.execute(sa.update(vms).where(vms.c.id == vm_id).values(status="up", status_reason="", changed_at=utc_now()))
    tx.execute(sa.update(vnics).where(vnics.c.vm_id == vm_id).values(synced=True))
    name = host_queries.load_one(tx, host_id).row.name
    text = f"VM {vm.name} started on Host {name}"
    audit.record(tx, actor_of(job), STARTED, text, vm=vm_id, host=host_id, cluster=vm.cluster_id, job=job.job.id)


def _record_synced(tx: Tx, job: JobContext, vm_id: str) -> None:
    """What runs is what is wanted, in every vNIC: the host was given the whole guest."""
    queue.hold(tx, job.job)
    tx.execute(sa.update(vnics).where(vnics.c.vm_id == vm_id).values(synced=True))
    functions.release(tx, vm_id, unplugged_only=True)


def _record_down(tx: Tx, job: JobContext, vm_id: str, reason: str, code: int) -> None:
    queue.hold(tx, job.job)
    vm = lock(tx, vms, vm_id)
    values = {"status": "down", "host_id": None, "status_reason": reason, "changed_at": utc_now()}
    tx.execute(sa.update(vms).where(vms.c.id == vm_id).values(**values))
    tx.execute(sa.update(vnics).where(vnics.c.vm_id == vm_id).values(synced=True))
    functions.release(tx, vm_id)
    failed = code == START_FAILED
    text = f"Failed to run VM {vm.name}: {reason}" if failed else f"VM {vm.name} powered off by {job.job.owner_name}."
    severity = Severity.ERROR if failed else Severity.NORMAL
    audit.record(
        tx, actor_of(job), code, text, severity, vm=vm_id, host=vm.host_id, cluster=vm.cluster_id, job=job.job.id
    )


def _record_unknown(tx: Tx, job: JobContext, vm_id: str, reason: str) -> None:
    """Nobody knows whether it runs; the host's next report tells."""
    queue.hold(tx, job.job)
    vm = lock(tx, vms, vm_id)
    values = {"status": "unknown", "status_reason": reason, "changed_at": utc_now()}
    tx.execute(sa.update(vms).where(vms.c.id == vm_id).values(**values))
    text = f"The Host of VM {vm.name} does not answer: {reason}"
    audit.record(tx, actor_of(job), START_FAILED, text, Severity.WARNING, vm=vm_id, host=vm.host_id, job=job.job.id)


def _undo(tx: Tx, job: JobContext, vm_id: str, undo: Mapping[str, Any], reason: str) -> None:
    """The host did not take the change of a vNIC: let the engine's intent be what it was."""
    queue.hold(tx, job.job)
    vm = lock(tx, vms, vm_id)
    if vnic_id := undo.get("remove"):
        row = tx.execute(sa.select(vnics.c.mac).where(vnics.c.id == vnic_id)).one_or_none()
        if row:
            release_mac(tx, mac_queries.of_cluster(tx, vm.cluster_id), row.mac)
            tx.execute(sa.delete(vnics).where(vnics.c.id == vnic_id))
    if vnic_id := undo.get("restore"):
        tx.execute(sa.update(vnics).where(vnics.c.id == vnic_id).values(**undo["values"]))
    if vnic_id := undo.get("parameters_of"):
        tx.execute(sa.delete(filter_parameters).where(filter_parameters.c.vnic_id == vnic_id))
        if undo["parameters"]:
            tx.execute(sa.insert(filter_parameters), undo["parameters"])
    functions.release(tx, vm_id, unplugged_only=True)
    text = f"Failed to change interfaces of VM {vm.name}: {reason}"
    audit.record(tx, actor_of(job), 1013, text, Severity.ERROR, vm=vm_id, cluster=vm.cluster_id, job=job.job.id)
