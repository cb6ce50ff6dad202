"""The ports of virtual machines on network providers: created and bound before a guest runs, bound again where it
migrates, removed when it no longer runs.

Jobs change the ports of a machine under the machine's lock key, so never two at once. What a provider refused is
retried by the job ``sync_ports``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ParamSpec, TypeAlias, TypeVar

import sqlalchemy as sa

from netweft.core.errors import HostError, NotFoundError
from netweft.engine.db import Tx, lock
from netweft.engine.job_context import JobContext, PostponedError
from netweft.engine.jobs.outside import Outside
from netweft.engine.jobs.provider_faults import OF_ONE_OBJECT
from netweft.engine.jobs.providers import connected_to
from netweft.engine.model.vms import vms
from netweft.engine.operations import ports
from netweft.engine.payloads import SyncPorts
from netweft.engine.queries import host_networks as host_queries
from netweft.engine.queries import ports as queries
from netweft.engine.queries.ports import PortNeeds, Released
from netweft.engine.queries.provider_objects import NETWORK
from netweft.providers.contract import (
    BindingError,
    MissingError,
    NetworkProvider,
    PortSpec,
    ProviderError,
    ProviderPort,
)

P = ParamSpec("P")
T = TypeVar("T")
Port = TypeVar("Port", PortNeeds, Released)
_Use: TypeAlias = Callable[[NetworkProvider, Port], None]

_AGAIN = 1.0
"""Seconds until a retry while a provider is creating a network."""
_POLL = 0.2
"""Seconds between two polls whether a port passes frames."""


def prepare(outside: Outside, job: JobContext, vm_id: str, host_id: str) -> frozenset[str]:
    """Create and bind a port on the host for each plugged vNIC on a provider's network. Returns the ids of these vNICs.

    Raises ProviderError, HostError when the provider failed to create a network, PostponedError while it is creating
    it.
    """
    wanted = job.write(_want, vm_id)
    _require(_have(outside, job, wanted, host_id))
    return frozenset(need.vnic_id for need in wanted)


def prepare_one(outside: Outside, job: JobContext, vm_id: str, host_id: str, vnic_id: str) -> frozenset[str]:
    """:func:`prepare` for one vNIC of a running guest; problems of other ports do not affect it.

    A port that is bound already stays as it is while its provider, or its network there, is unavailable: its changes
    are stored, to be retried later.
    """
    with job.db.read() as tx:
        is_bound = vnic_id in queries.bound(tx, vm_id)
    wanted = job.write(_want_all if is_bound else _want, vm_id, vnic_id)
    if is_bound:
        wanted = [need for need in wanted if need.network_id]  # a network that comes has its ports made anew
    for failure in _have(outside, job, wanted, host_id):
        if not is_bound or isinstance(failure.error, OF_ONE_OBJECT):
            raise failure.error
        job.write(_postpone, failure)
    return frozenset() if is_bound else frozenset(need.vnic_id for need in wanted)


def _have(outside: Outside, job: JobContext, wanted: Sequence[PortNeeds], host_id: str) -> Iterator[_Failure]:
    """Create and bind these ports on the host, except those that fail."""
    if not wanted:
        return
    try:
        host = _name_of_host(job, host_id)
    except HostError as error:
        yield from (_Failure(need.provider_id, (need.vnic_id,), error) for need in wanted)
        return

    def ensure(there: NetworkProvider, need: PortNeeds) -> None:
        _ask(job, there.ensure_port, _spec(need))
        found = _ask(job, there.bind_port, need.vnic_id, host)
        job.write(_record, need.provider_id, found)

    yield from _each(outside, job, wanted, ensure)


def admit(outside: Outside, job: JobContext, vm_id: str, host_id: str) -> None:
    """Prepare the ports of a running guest on the host that it is about to migrate to. Raises ProviderError."""
    wanted = _needs(job, vm_id)
    if not wanted:
        return
    host = _name_of_host(job, host_id)

    def admit_one(there: NetworkProvider, need: PortNeeds) -> None:
        _ask(job, there.admit_port, need.vnic_id, host)

    _require(_each(outside, job, wanted, admit_one))


def wait_until_active(outside: Outside, job: JobContext, vm_id: str, vnic_ids: Collection[str]) -> None:
    """Wait until these vNICs' ports pass frames. Raises ProviderError on a timeout."""
    deadline = time.monotonic() + job.patience.port

    def wait_for(there: NetworkProvider, need: PortNeeds) -> None:
        while not _is_active(_ask(job, there.port, need.vnic_id), need):
            if time.monotonic() > deadline:
                seconds = f"{job.patience.port:g} s"
                raise BindingError(f"The port of vNIC '{need.vnic_name}' passes no frames after {seconds}.")
            job.pause(_POLL)

    _require(_each(outside, job, [need for need in _needs(job, vm_id) if need.vnic_id in vnic_ids], wait_for))


def _is_active(port: ProviderPort | None, need: PortNeeds) -> bool:
    """Raises ProviderError when the port is gone."""
    if port is None:
        raise MissingError(f"Somebody removed the port of vNIC '{need.vnic_name}' from its provider.")
    return port.is_active


def follow(outside: Outside, job: JobContext, vm_id: str, host_id: str) -> None:
    """Create and bind the ports of a running guest on its host; failures are stored, to be retried."""
    _note(job, _have(outside, job, job.write(_want_all, vm_id), host_id))


def remove_released(outside: Outside, job: JobContext, vm_id: str) -> None:
    """Remove the unwanted ports of a machine; failures are stored, to be retried."""
    with job.db.read() as tx:
        released = queries.released(tx, vm_id)

    def remove(there: NetworkProvider, port: Released) -> None:
        _ask(job, there.remove_port, port.vnic_id)
        job.write(_forget, port)

    _note(job, _each(outside, job, released, remove))


def sync(outside: Outside, job: JobContext) -> Mapping[str, str]:
    """The job ``sync_ports``: synchronize the ports of a machine on its current host."""
    vm_id = SyncPorts.of(job.job).vm_id
    with job.db.read() as tx:
        row = tx.execute(sa.select(vms.c.status, vms.c.host_id).where(vms.c.id == vm_id)).one_or_none()
    status, host_id = row or ("down", None)
    job.write(_put_off, vm_id, status)
    if status == "up" and host_id is not None:
        follow(outside, job, vm_id, host_id)
    remove_released(outside, job, vm_id)
    return {}


def _needs(job: JobContext, vm_id: str) -> list[PortNeeds]:
    with job.db.read() as tx:
        return queries.needs(tx, vm_id)


def _spec(need: PortNeeds) -> PortSpec:
    return PortSpec(
        id=need.vnic_id,
        network_id=need.network_id,
        name=f"{need.vm_name}/{need.vnic_name}",
        mac_address=need.mac,
        device_id=need.vm_id,
        addresses=need.addresses,
        security_groups=need.security_groups,
    )


@dataclass(frozen=True, slots=True)
class _Failure:
    """A failure of a provider, or of its binding to a host, with the ports of these vNICs."""

    provider_id: str
    vnic_ids: tuple[str, ...]
    error: ProviderError | HostError


def _each(outside: Outside, job: JobContext, ports: Sequence[Port], use: _Use[Port]) -> Iterator[_Failure]:
    """Run an action for each port, with one connection for each provider; yields the failures. A failure of one
    provider does not affect the others.
    """
    for provider_id in dict.fromkeys(port.provider_id for port in ports):
        yield from _each_of(outside, job, provider_id, [one for one in ports if one.provider_id == provider_id], use)


def _each_of(outside: Outside, job: JobContext, provider_id: str, ports: list[Port], use: _Use[Port]) -> list[_Failure]:
    """A failure of one port does not affect the others; when the provider is away, all remaining ones fail."""
    failures = []
    if provider_id in job.kept_waiting:
        error = ProviderError(job.kept_waiting[provider_id])
        return [_Failure(provider_id, tuple(port.vnic_id for port in ports), error)]
    began = time.monotonic()
    try:
        with connected_to(outside.providers, job, provider_id) as there:
            while ports:
                try:
                    began = time.monotonic()
                    use(there, ports[0])
                except OF_ONE_OBJECT as error:
                    failures.append(_Failure(provider_id, (ports[0].vnic_id,), error))
                del ports[0]
    except ProviderError as error:
        if time.monotonic() - began > job.patience.provider:
            job.kept_waiting[provider_id] = error.text
        failures.append(_Failure(provider_id, tuple(port.vnic_id for port in ports), error))
    return failures


def _require(failures: Iterator[_Failure]) -> None:
    """Raises the first failure, without calling further providers."""
    for failure in failures:
        raise failure.error


def _note(job: JobContext, failures: Iterator[_Failure]) -> None:
    """Store the failures of ports, to be retried."""
    for failure in failures:
        job.write(_postpone, failure)


def _ask(job: JobContext, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of a call to a provider; other jobs may run meanwhile."""
    with job.waiting():
        return call(*args, **kwargs)


def _name_of_host(job: JobContext, host_id: str) -> str:
    """The host's own name. Raises HostError when it has never reported."""
    with job.db.read() as tx:
        host, report = host_queries.last_report(tx, host_id)
    if report is None:
        raise HostError(f"Host {host.name} has not reported its name yet.")
    return report.capabilities.hostname


def _want(tx: Tx, _: JobContext, vm_id: str, vnic_id: str = "") -> list[PortNeeds]:
    """Those of one vNIC or of all. Raises HostError when a provider failed to create a network or its subnet,
    PostponedError while it is creating it.
    """
    if not _may_have_ports(tx, vm_id):
        return []
    for one in queries.not_there(tx, vm_id):
        if vnic_id not in {"", one.vnic_id}:
            continue
        if one.state == "locked":
            raise PostponedError(_AGAIN)
        what = "Network" if one.kind == NETWORK else "A subnet of network"
        text = f"{what} '{one.network_name}' is not on provider '{one.provider_name}': {one.error}"
        raise HostError(text, code="PROVIDER_NETWORK_NOT_READY")
    return _want_all(tx, _, vm_id, vnic_id)


def _may_have_ports(tx: Tx, vm_id: str) -> bool:
    """Whether a machine is neither down nor removed; locks it until the transaction ends. Setting it down releases its
    ports, which must not be wanted again afterwards.
    """
    try:
        return lock(tx, vms, vm_id).status != "down"
    except NotFoundError:
        return False


def _want_all(tx: Tx, _: JobContext, vm_id: str, vnic_id: str = "") -> list[PortNeeds]:
    if not _may_have_ports(tx, vm_id):
        return []
    wanted = [need for need in queries.needs(tx, vm_id) if vnic_id in {"", need.vnic_id}]
    ports.want(tx, wanted)
    return wanted


def _put_off(tx: Tx, _: JobContext, vm_id: str, status: str) -> None:
    """Release unwanted ports. Ports of a machine that is neither running nor down cannot be synchronized now: retry
    later.
    """
    if status == "down":
        ports.release(tx, vm_id)
    elif status == "up":
        ports.release(tx, vm_id, unused_only=True)
    else:
        ports.put_off(tx, vm_id)


def _record(tx: Tx, job: JobContext, provider_id: str, found: ProviderPort) -> None:
    facts = {"external_id": found.id, "host": found.host, "bridge": found.bridge, "mtu": found.mtu}
    ports.record(tx, job.job.actor, found.owner, provider_id, **facts)


def _forget(tx: Tx, _: JobContext, port: Released) -> None:
    ports.forget(tx, port.vnic_id, port.provider_id)


def _postpone(tx: Tx, _: JobContext, failure: _Failure) -> None:
    ports.postpone(tx, failure.provider_id, failure.vnic_ids, failure.error.text)
