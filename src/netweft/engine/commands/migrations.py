"""Moving a running virtual machine to another host: what it needs there, the offer to bring that first, the request.

oVirt's commands: MigrateVm, MigrateVmToServer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from netweft.core.errors import Problem
from netweft.core.guest_protocol import GuestState
from netweft.core.host_request import AttachmentChange, SetupRequest
from netweft.core.host_request import Ref as Wished
from netweft.core.intent import effective_qos
from netweft.core.migration import automatic_bandwidth, receiving_address
from netweft.core.nic_view import nic_views
from netweft.core.rules import check
from netweft.core.rules import port_profile as profile_rules
from netweft.core.rules import vm as rules
from netweft.core.sync import locate_networks
from netweft.engine import audit, payloads, queue
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.commands.setup_networks import SetupHostNetworks, setup_host_networks
from netweft.engine.db import Tx, lock, utc_now
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.hosts import hosts
from netweft.engine.model.vms import vms
from netweft.engine.operations import functions
from netweft.engine.queries import host_networks as host_queries
from netweft.engine.queries import hosts as host_rows
from netweft.engine.queries import placements
from netweft.engine.queries import vms as queries
from netweft.engine.queries.host_networks import HostData
from netweft.engine.queries.references import Ref, resolve
from netweft.engine.queries.vms import VnicDetails

STARTED = 62
"""Event code (oVirt: VM_MIGRATION_START)."""

_MIGRATE = "Cannot migrate VM."
_MISSING = "VAR__DETAIL__NETWORK_MISSING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """What is in the way of a migration. ``problems``: all of it; ``lasting``: what is left of it when the networks of
    ``offer`` are on the target. ``host_id``: empty when no host fits.
    """

    host_id: str
    host_name: str
    problems: tuple[Problem, ...]
    lasting: tuple[Problem, ...]
    offer: tuple[AttachmentChange, ...] = ()
    address: str = ""
    bandwidth: int = 0
    functions: Mapping[str, str] = field(default_factory=dict)
    """The target's NIC whose virtual function each pass-through vNIC gets, by the vNIC's id."""


def preflight(tx: Tx, vm_id: str, host_id: str = "") -> Preflight:
    """Whether a machine can migrate to a host (to the best one, if none is given), and what it would take.

    Raises NotFoundError, ValidationError when the machine does not run.
    """
    vm = queries.get(tx, vm_id)
    check(_MIGRATE, rules.may_migrate(vm.name, vm.status))
    source_id = vm.host_id or ""
    check(_MIGRATE, rules.target_is_another(vm.name, vm.host_name or "", same=host_id == vm.host_id))
    rows = queries.vnics_of(tx, (vm_id,))[vm_id]
    staying = [row.name for row in rows if row.plugged and row.passthrough and not row.migratable]
    check(_MIGRATE, rules.passthrough_may_migrate(vm.name, staying))
    running = host_rows.guests_on(tx, (source_id,)).get(vm_id)
    check(_MIGRATE, rules.driver_moves_guests(vm.name, running.driver if running else ""))
    guest = running or GuestState(id=vm_id, name=vm.name, driver="", status="up")
    driven = placements.driven_by_guests(tx, rows)
    direct = [nic.name for nic in guest.nics if nic.profile and (not nic.bridge or nic.id in driven)]
    check(_MIGRATE, profile_rules.vnics_may_migrate(vm.name, direct))
    choice = placements.choice(tx, vm, rows, host_id, leaving=guest)
    chosen = host_id or choice.host or ""
    if not chosen:
        refusals = [problem for problems in choice.refusals.values() for problem in problems]
        nowhere = tuple(filter(None, [rules.a_host_fits(refusals, fit=False)]))
        return Preflight(host_id="", host_name="", problems=nowhere, lasting=nowhere)
    loaded = host_queries.load(tx, (source_id, chosen))
    source, target = loaded[source_id], loaded[chosen]
    problems = choice.refusals.get(chosen, ())
    offer, offered_all = _offer(rows, source, target)
    lasting = tuple(one for one in problems if one.code != _MISSING or not offered_all)
    address, bandwidth = _way(tx, vm.cluster_id, source, target)
    return Preflight(
        host_id=chosen,
        host_name=target.row.name,
        problems=problems,
        lasting=lasting,
        offer=offer,
        address=address,
        bandwidth=bandwidth,
        functions=next((one.functions for one in choice.ranking if one.host_id == chosen), {}),
    )


def _offer(rows: list[VnicDetails], source: HostData, target: HostData) -> tuple[tuple[AttachmentChange, ...], bool]:
    """The networks of plugged vNICs that the target has not, each on the NIC that is called as the source's; and
    whether that is all that is missing.
    """
    there, here = locate_networks(target.host), locate_networks(source.host)
    wanted = {row.network_id: row.network_name or "" for row in rows if row.network_id and row.plugged}
    missing = {network_id: name for network_id, name in wanted.items() if network_id not in there}
    nics = set(target.nics.values())
    found = {
        network_id: here[network_id].base
        for network_id in missing
        if network_id in here and here[network_id].base in nics
    }
    wishes = tuple(
        AttachmentChange(network=Wished(id=network_id, name=missing[network_id]), nic=Wished(name=nic))
        for network_id, nic in found.items()
    )
    return wishes, len(found) == len(missing)


def _way(tx: Tx, cluster_id: str, source: HostData, target: HostData) -> tuple[str, int]:
    """Address and bandwidth of the migration: of the cluster's migration network, where both hosts have it up."""
    of_cluster = sa.select(cluster_networks.c.network_id).where(
        cluster_networks.c.cluster_id == cluster_id, cluster_networks.c.migration
    )
    network_id = tx.execute(of_cluster).scalar()
    rates = []
    address = ""
    for data in (source, target):
        location = locate_networks(data.host).get(str(network_id))
        view = nic_views(data.host).get(location.base) if location else None
        if location is None or view is None or not view.is_up:
            return "", 0
        attachment = next((one for one in data.intent.attachments if one.network_id == network_id), None)
        qos = effective_qos(attachment, data.networks[attachment.network_id].intent) if attachment else None
        rates.append((qos and (qos.real_time or qos.upper_limit)) or view.speed)
        address = receiving_address(location.addresses)
    return address, automatic_bandwidth(rates)


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrateVm:
    """Move a machine to a host, or to the best one. ``set_up``: bring the networks that are missing there first."""

    id: str
    host: Ref | None = None
    set_up: bool = False


def migrate_vm(tx: Tx, actor: Actor, spec: MigrateVm) -> str:
    """Begin to move a running machine to another host; returns the job's id.

    Needs MIGRATE_VM on it, and CONFIGURE_HOST_NETWORK on the host for ``set_up``. Raises NotFoundError, DeniedError,
    ValidationError.
    """
    lock(tx, vms, spec.id)
    authorize.require(tx, actor, ActionGroup.MIGRATE_VM, ObjectRef(ObjectType.VM, spec.id))
    found = preflight(tx, spec.id, resolve(tx, hosts, spec.host, "host") if spec.host else "")
    check(_MIGRATE, *(found.lasting if spec.set_up else found.problems))
    first = None
    if spec.set_up and found.problems:
        request = SetupRequest(attachments=found.offer)
        first = setup_host_networks(tx, actor, SetupHostNetworks(host_id=found.host_id, request=request))
    return _begin(tx, actor, spec.id, found, first)


def move_away(tx: Tx, actor: Actor, vm_id: str, host_id: str = "") -> str:
    """Begin to move a running machine to a host, or to the one that fits best, as its own goes into maintenance or is
    changed; returns the job's id. Needs no permission: the command on the host was checked.

    Raises NotFoundError, ValidationError.
    """
    lock(tx, vms, vm_id)
    found = preflight(tx, vm_id, host_id)
    check(_MIGRATE, *found.problems)
    return _begin(tx, actor, vm_id, found, None)


def _begin(tx: Tx, actor: Actor, vm_id: str, found: Preflight, first: str | None) -> str:
    vm = queries.get(tx, vm_id)
    functions.reserve(tx, _MIGRATE, found.host_id, found.functions)
    values = {"status": "migrating", "target_host_id": found.host_id, "changed_at": utc_now()}
    tx.execute(sa.update(vms).where(vms.c.id == vm_id).values(values))
    text = f"Migration started (VM: {vm.name}, Destination: {found.host_name}, User: {actor.name})."
    audit.record(tx, actor, STARTED, text, vm=vm_id, host=vm.host_id, cluster=vm.cluster_id)
    payload = payloads.MigrateVm(
        vm_id=vm_id,
        host_id=vm.host_id or "",
        target_id=found.host_id,
        after=first,
        address=found.address,
        bandwidth=found.bandwidth,
    )
    description = f"Migrating VM {vm.name} to Host {found.host_name}"
    return queue.enqueue(tx, actor, "migrate_vm", f"vm:{vm_id}", description, payload)
