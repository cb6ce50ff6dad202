"""The payloads of jobs, as values: a command puts one into the queue, the job's function takes it out again.

They are stored as JSON, so a field that is added needs a default, for jobs that an earlier version has enqueued.
"""

from __future__ import annotations

from typing import Any, Self

import msgspec

from netweft.engine.model.jobs import JobRow
from netweft.engine.model.vnics import FilterParameterRow, VnicSettings
from netweft.engine.queue import Job


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all."""

    @classmethod
    def of(cls, job: Job | JobRow) -> Self:
        """The payload of a job, with the fields of this type. Raises msgspec.ValidationError when it is invalid."""
        return msgspec.convert(job.payload, cls)


class Somewhere(Payload, frozen=True, kw_only=True):
    """The host and the virtual machine that jobs of any kind may be about."""

    host_id: str | None = None
    vm_id: str | None = None


class OnHost(Payload, frozen=True, kw_only=True):
    """A job on a host."""

    host_id: str


class DeployAgent(OnHost, frozen=True, kw_only=True):
    """``password``: root's, encrypted; empty to log in with the engine's own key. ``engine_url``: where the host
    reaches the engine.
    """

    password: str
    engine_url: str


class ApplyHost(OnHost, frozen=True, kw_only=True):
    """The generation to bring to the host; ``request`` distinguishes it from another of the same number, which a host
    may have accepted before the engine's database was restored.
    """

    generation: int
    confirm_within: float
    commit: bool
    request: str = ""


class PropagateLabels(OnHost, frozen=True, kw_only=True):
    """Networks to remove from the host (``lost``: their ids), and the reason."""

    lost: tuple[str, ...]
    reason: str


class RollOut(Payload, frozen=True, kw_only=True):
    """Which rollout is to go on."""

    rollout_id: str


class RemoveHost(OnHost, frozen=True, kw_only=True):
    """``force``: the host is removed also when it cannot be cleared."""

    force: bool


class SetFunctions(OnHost, frozen=True, kw_only=True):
    """How many virtual functions a NIC is to have."""

    nic: str
    count: int


class OnVm(Payload, frozen=True, kw_only=True):
    """A job on a virtual machine on a host."""

    vm_id: str
    host_id: str


class SyncPorts(Payload, frozen=True, kw_only=True):
    """The ports of a virtual machine on providers are out of sync."""

    vm_id: str


class StopVm(OnVm, frozen=True, kw_only=True):
    """``reason``: the status reason of the machine when it is down."""

    reason: str = ""


class ShutDownVm(OnVm, frozen=True, kw_only=True):
    """``since``: the moment from which the machine is powering down."""

    since: str


class MigrateVm(OnVm, frozen=True, kw_only=True):
    """From ``host_id`` to ``target_id``, ``after`` the job that sets up its networks there. ``address`` and
    ``bandwidth``: of the way between them.
    """

    target_id: str
    after: str | None
    address: str
    bandwidth: int


class Undo(Payload, frozen=True, kw_only=True):
    """How to revert a change that a guest's host refuses: the vNIC to remove, or the columns to restore, and the
    addresses unless they are None, or the filter parameters.
    """

    remove: str = ""
    restore: str = ""
    values: VnicSettings = VnicSettings()
    addresses: tuple[str, ...] | None = None
    parameters_of: str = ""
    parameters: tuple[FilterParameterRow, ...] = ()


class UpdateGuest(OnVm, frozen=True, kw_only=True):
    """A vNIC of a running guest has changed; all of them when ``vnic_id`` is empty."""

    undo: Undo
    vnic_id: str = ""


class OnProvider(Payload, frozen=True, kw_only=True):
    """A job about a provider."""

    provider_id: str


class SaveProvider(OnProvider, frozen=True, kw_only=True):
    """``values``: the columns of a new provider, or those that change of one that is there; its password encrypted."""

    values: dict[str, Any]
    is_new: bool


class ListSubnets(OnProvider, frozen=True, kw_only=True):
    """``network_id``: the provider's own id."""

    network_id: str


class RemoveOrphan(OnProvider, frozen=True, kw_only=True):
    """``orphan_id``: the id in the mark of the object to remove."""

    orphan_id: str


class ImportNetwork(ListSubnets, frozen=True, kw_only=True):
    """Into which data centre."""

    data_center_id: str


class RaiseMtu(OnProvider, frozen=True, kw_only=True):
    """Of a class of traffic of a fabric, to so many octets. ``plan``: only find out what that would interrupt."""

    system_class: str
    mtu: int
    plan: bool = False


class SyncGuest(Payload, frozen=True, kw_only=True):
    """vNICs of a running guest are out of sync; ``code``: of the event that reports them as in sync again, 0
    for none.
    """

    vm_id: str
    code: int
