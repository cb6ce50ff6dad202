"""Virtual machines: adding, changing, removing, starting and stopping them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from netweft.core.errors import Problem, ValidationError
from netweft.core.keep import KEEP, Keep
from netweft.core.rules import check, fields
from netweft.core.rules import vm as rules
from netweft.engine import audit, queue
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.changes import Texts, changes, made, updated
from netweft.engine.commands import snapshots
from netweft.engine.db import Tx, lock, new_id, utc_now
from netweft.engine.model.clusters import ClusterRow, clusters
from netweft.engine.model.hosts import hosts
from netweft.engine.model.templates import TemplateRow, templates
from netweft.engine.model.vms import GuestAddress, ThisRun, VmRow, vms
from netweft.engine.model.vnics import vnics
from netweft.engine.operations import functions, hardware, ports, vnic_addresses
from netweft.engine.operations.hardware import SAME, Hardware
from netweft.engine.operations.mac_addresses import allocate_mac, move_macs, release_mac
from netweft.engine.operations.races import translate_constraint_errors
from netweft.engine.payloads import OnVm, StopVm
from netweft.engine.queries import clusters as cluster_queries
from netweft.engine.queries import mac_pools as mac_queries
from netweft.engine.queries import network_views, placements
from netweft.engine.queries import subnets as subnet_queries
from netweft.engine.queries import templates as template_queries
from netweft.engine.queries import vms as queries
from netweft.engine.queries.references import Ref, resolve
from netweft.engine.queries.templates import BLANK_ID
from netweft.engine.queries.vms import VnicDetails
from netweft.engine.statements import add

ADDED, UPDATED, REMOVED, STARTED, STOPPED = 34, 35, 113, 32, 33
"""Event codes (oVirt: USER_ADD_VM, USER_UPDATE_VM, USER_REMOVE_VM_FINISHED, USER_RUN_VM, USER_STOP_VM)."""

_ADD = "Cannot add VM."
_UPDATE = "Cannot update VM."
_REMOVE = "Cannot remove VM."
_RUN = "Cannot run VM."
_STOP = "Cannot stop VM."


@dataclass(frozen=True, slots=True, kw_only=True)
class AddVm(Texts):
    """A new virtual machine; its hardware comes from its template, except for given values.

    ``architecture``: that its processors must have, ``undefined`` for any. ``initialization``: by the names of oVirt's
    elements, all but the addresses. ``clone``: it does not depend on its template from then on.
    """

    name: str
    cluster: Ref
    template: Ref | None = None
    hardware: Hardware = SAME
    addresses: tuple[GuestAddress, ...] = ()
    initialization: Mapping[str, str | bool] = field(default_factory=dict)
    architecture: str = "undefined"
    clone: bool = False
    clone_permissions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateVm(Texts):
    """What changes of a virtual machine; memory, CPUs and addresses count from its next start."""

    id: str
    cluster: Ref | Keep = KEEP
    hardware: Hardware = SAME
    addresses: tuple[GuestAddress, ...] | Keep = KEEP
    initialization: Mapping[str, str | bool] = field(default_factory=dict)
    architecture: str = "undefined"


def add_vm(tx: Tx, actor: Actor, spec: AddVm) -> str:
    """Add a virtual machine, down and without vNICs; its creator becomes its manager. Returns its id.

    Needs CREATE_VM on the cluster. Raises NotFoundError, DeniedError, ValidationError.
    """
    cluster_id = resolve(tx, clusters, spec.cluster, "cluster")
    authorize.require(tx, actor, ActionGroup.CREATE_VM, ObjectRef(ObjectType.CLUSTER, cluster_id))
    cluster = lock(tx, clusters, cluster_id)
    template_id = resolve(tx, templates, spec.template, "template") if spec.template else BLANK_ID
    if spec.clone:
        lock(tx, templates, template_id)  # so that it is not removed before this machine refers to it
    template = template_queries.get(tx, template_id)
    vm = _new(spec, cluster, template)
    check(
        _ADD,
        *_problems(tx, vm),
        rules.architecture_is_clusters(spec.architecture, cluster.name, cluster.cpu_architecture),
        rules.permissions_stay(requested=spec.clone_permissions),
    )
    with translate_constraint_errors(_ADD, lambda _: rules.name_is_free(spec.name, (spec.name,))):
        add(tx, vms, vm)
    if actor.user_id:
        authorize.grant(tx, actor.user_id, "UserVmManager", ObjectRef(ObjectType.VM, vm.id))
    lost = _copy_vnics(tx, template_id, vm.id, cluster)
    text = f"VM {spec.name} was created by {actor.name}."
    if lost:
        text += f" These vNICs are on no network, as Cluster {cluster.name} has not theirs: {', '.join(lost)}."
    audit.record(tx, actor, ADDED, text, vm=vm.id, cluster=cluster_id, data_center=cluster.data_center_id)
    return vm.id


def _new(spec: AddVm, cluster: ClusterRow, template: TemplateRow) -> VmRow:
    """The row of a machine to be. Raises ValidationError for an address that is none."""
    now = utc_now()
    return made(
        VmRow,
        spec,
        id=new_id(),
        cluster_id=cluster.id,
        template_id=BLANK_ID if spec.clone else template.id,
        original_template_id=template.id if spec.clone else None,
        **spec.hardware.over(template),
        addresses=_stored(_ADD, spec.addresses),
        status="down",
        created_at=now,
        changed_at=now,
    )


def _copy_vnics(tx: Tx, template_id: str, vm_id: str, cluster: ClusterRow) -> list[str]:
    """Give a new machine the vNICs of its template, with fresh MAC addresses and addresses of subnets; returns the
    names of those that lose their network, which the machine's cluster has not.
    """
    rows = template_queries.vnics_of(tx, (template_id,))[template_id]
    usable = template_queries.networks_for_vms(tx, cluster.id) if rows else set()
    lost = [row.name for row in rows if row.network_id and row.network_id not in usable]
    subnets = subnet_queries.of_profiles(tx, {row.profile_id for row in rows if row.profile_id})
    for row in rows:
        values = {name: getattr(row, name) for name in ("name", "description", "interface", "plugged", "linked")}
        profile_id = None if row.name in lost else row.profile_id
        if row.name in lost and row.passthrough:
            values["interface"] = "virtio"  # which needs no profile
        mac = allocate_mac(tx, cluster.mac_pool_id, action=_ADD)
        values |= {"id": new_id(), "vm_id": vm_id, "profile_id": profile_id, "mac": mac, "synced": True}
        tx.execute(sa.insert(vnics), values)
        vnic_addresses.give(tx, _ADD, values["id"], subnets[profile_id] if profile_id else ())
    return lost


def update_vm(tx: Tx, actor: Actor, spec: UpdateVm) -> None:
    """Change a virtual machine. Needs EDIT_VM_PROPERTIES on it, and CREATE_VM on the cluster that it moves to.

    Raises NotFoundError, DeniedError, ValidationError.
    """
    vm = lock(tx, vms, spec.id)
    authorize.require(tx, actor, ActionGroup.EDIT_VM_PROPERTIES, ObjectRef(ObjectType.VM, spec.id))
    after = updated(
        vm,
        spec,
        **spec.hardware.over(vm),
        addresses=vm.addresses if spec.addresses is KEEP else _stored(_UPDATE, spec.addresses),
        initialization={**vm.initialization, **spec.initialization},
    )
    cluster_id = vm.cluster_id if spec.cluster is KEEP else resolve(tx, clusters, spec.cluster, "cluster")
    cluster = cluster_queries.get(tx, cluster_id)
    check(
        _UPDATE,
        *_problems(tx, after),
        rules.architecture_is_clusters(spec.architecture, cluster.name, cluster.cpu_architecture),
    )
    if cluster_id != vm.cluster_id:
        _move(tx, actor, vm, cluster_id)
    values = {**changes(vm, after), "cluster_id": cluster_id}
    with translate_constraint_errors(_UPDATE, lambda _: rules.name_is_free(after.name, (after.name,))):
        tx.execute(sa.update(vms).where(vms.c.id == spec.id).values(values))
    if after.name != vm.name:
        ports.want_again(tx, ports.of_vnics(vnics.c.vm_id == spec.id))
    text = f"VM {after.name} configuration was updated by {actor.name}."
    audit.record(tx, actor, UPDATED, text, vm=spec.id, cluster=cluster_id)


def _move(tx: Tx, actor: Actor, vm: VmRow, cluster_id: str) -> None:
    """Check a move to another cluster; its MAC addresses move along to that cluster's pool."""
    authorize.require(tx, actor, ActionGroup.CREATE_VM, ObjectRef(ObjectType.CLUSTER, cluster_id))
    cluster = lock(tx, clusters, cluster_id)
    known = {*network_views.names_in_cluster(tx, cluster_id), None}
    rows = queries.vnics_of(tx, (vm.id,))[vm.id]
    missing = [row.network_name for row in rows if row.network_name and row.network_id not in known]
    check(_UPDATE, rules.is_down(vm.name, vm.status), rules.networks_in_cluster(cluster.name, missing))
    pool_id, former = cluster.mac_pool_id, mac_queries.of_cluster(tx, vm.cluster_id)
    if pool_id != former:
        held = mac_queries.macs_of_vms(tx, vms.c.id == vm.id)[vm.id]
        move_macs(tx, list(held.elements()), former, pool_id, action=_UPDATE)


def remove_vm(tx: Tx, actor: Actor, vm_id: str) -> None:
    """Remove a virtual machine that is down or suspended, with its vNICs and its saved memory.

    Needs DELETE_VM on it. Raises NotFoundError, DeniedError, ValidationError.
    """
    vm = lock(tx, vms, vm_id)
    authorize.require(tx, actor, ActionGroup.DELETE_VM, ObjectRef(ObjectType.VM, vm_id))
    check(
        _REMOVE,
        rules.is_down(vm.name, vm.status, or_suspended=True),
        rules.may_be_removed(f"VM {vm.name}", protected=vm.delete_protected),
    )
    if vm.saved_host_id:
        payload = OnVm(vm_id=vm_id, host_id=vm.saved_host_id)
        queue.enqueue(tx, actor, "clear_guest", f"vm:{vm_id}", f"Removing the saved memory of VM {vm.name}", payload)
    pool_id = mac_queries.of_cluster(tx, vm.cluster_id)
    for mac in mac_queries.macs_of_vms(tx, vms.c.id == vm_id)[vm_id].elements():
        release_mac(tx, pool_id, mac)
    ports.release(tx, vm_id)  # a suspended machine has them yet
    functions.release(tx, vm_id)
    tx.execute(sa.delete(vms).where(vms.c.id == vm_id))
    authorize.forget(tx, vm_id)
    audit.record(tx, actor, REMOVED, f"VM {vm.name} was successfully removed.", cluster=vm.cluster_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartVm:
    """Start a virtual machine, on that host or on any that fits. What is said of its hardware
    (:meth:`Hardware.for_one_run`), addresses and initialization counts for this run alone.

    One that is suspended goes on, on the host that it was suspended on.
    """

    id: str
    host: Ref | None = None
    hardware: Hardware = SAME
    addresses: tuple[GuestAddress, ...] | Keep = KEEP
    initialization: Mapping[str, str | bool] = field(default_factory=dict)


def start_vm(tx: Tx, actor: Actor, spec: StartVm) -> str:
    """Choose a host and start the virtual machine there; returns the job's id.

    Needs RUN_VM on it. Raises NotFoundError, DeniedError, ValidationError (with each host's reason when none fits).
    """
    vm = lock(tx, vms, spec.id)
    authorize.require(tx, actor, ActionGroup.RUN_VM, ObjectRef(ObjectType.VM, spec.id))
    check(_RUN, rules.is_down(vm.name, vm.status, or_suspended=True))
    this_run = _this_run(vm, spec)
    wanted = queries.as_it_runs(vm, this_run)
    rows = queries.vnics_of(tx, (spec.id,))[spec.id]
    _check_networks(queries.get(tx, spec.id).cluster_name, rows)
    host_id = _wanted_host(tx, vm, spec)
    if vm.saved_host_id:
        functions.release(tx, spec.id)  # what it was promised when it was suspended is there for it
    choice = placements.choice(tx, wanted, rows, host_id)
    refusals = [problem for problems in choice.refusals.values() for problem in problems]
    check(_RUN, rules.a_host_fits(refusals, choice.host is not None))
    if choice.host is None:
        raise ValidationError(_RUN)
    values: dict[str, Any] = {
        "status": "restoring_state" if vm.saved_host_id else "wait_for_launch",
        "host_id": choice.host,
        "status_reason": "",
        "changed_at": utc_now(),
        "this_run": this_run,
    }
    tx.execute(sa.update(vms).where(vms.c.id == spec.id).values(**values))
    functions.reserve(tx, _RUN, choice.host, choice.ranking[0].functions)
    if wanted.stateless and not vm.saved_host_id:
        snapshots.begin_stateless(tx, vm)
    payload = OnVm(vm_id=spec.id, host_id=choice.host)
    if vm.saved_host_id:
        return queue.enqueue(tx, actor, "start_vm", f"vm:{spec.id}", f"Resuming VM {vm.name}", payload)
    return queue.enqueue(tx, actor, "start_vm", f"vm:{spec.id}", f"Launching VM {vm.name}", payload)


def _check_networks(cluster: str, rows: Sequence[VnicDetails]) -> None:
    """Whether guests can be on the networks of a machine's vNICs. Raises ValidationError."""
    networked = [(row, row.network_name) for row in rows if row.network_name]
    check(
        _RUN,
        rules.networks_in_cluster(cluster, [name for row, name in networked if not row.in_cluster]),
        rules.networks_are_for_vms([name for row, name in networked if not row.vm_network]),
    )


def _this_run(vm: VmRow, spec: StartVm) -> ThisRun:
    """The columns that have another value in this run; those of a suspended machine stay. Raises ValidationError."""
    values = spec.hardware.for_one_run()
    if spec.addresses is not KEEP:
        values["addresses"] = _stored(_RUN, spec.addresses)
    if spec.initialization:
        values["initialization"] = {**vm.initialization, **spec.initialization}
    changed = ThisRun(**{column: value for column, value in values.items() if value != getattr(vm, column)})
    if vm.saved_host_id:
        check(_RUN, rules.resumes_as_it_was(vm.name, sorted(changed.given())))
        return vm.this_run
    check(_RUN, *hardware.problems(queries.as_it_runs(vm, changed)))
    return changed


def _wanted_host(tx: Tx, vm: VmRow, spec: StartVm) -> str:
    """The id of the host on which a machine has to be started, empty for any. Raises NotFoundError, ValidationError."""
    host_id = resolve(tx, hosts, spec.host, "host") if spec.host else ""
    if vm.saved_host_id is None:
        return host_id
    saved_on = tx.execute(sa.select(hosts.c.name).where(hosts.c.id == vm.saved_host_id)).scalar_one()
    is_there = host_id in {"", vm.saved_host_id}
    check(_RUN, rules.resumes_where_it_was_saved(vm.name, saved_on, same=is_there))
    return str(vm.saved_host_id)


def stop_vm(tx: Tx, actor: Actor, vm_id: str, reason: str = "") -> str:
    """Stop a virtual machine at once, a suspended one by forgetting its memory; returns the job's id. ``reason``: what
    the machine says from then on of why it is down.

    Needs STOP_VM on it. Raises NotFoundError, DeniedError, ValidationError.
    """
    vm = lock(tx, vms, vm_id)
    authorize.require(tx, actor, ActionGroup.STOP_VM, ObjectRef(ObjectType.VM, vm_id))
    check(_STOP, rules.may_stop(vm.status), fields.text_is_valid("VM", "reason", reason))
    return request_stop(tx, actor, vm, reason)


def request_stop(tx: Tx, actor: Actor, vm: VmRow, reason: str = "") -> str:
    """:func:`stop_vm` for a command that has checked its own permissions."""
    tx.execute(sa.update(vms).where(vms.c.id == vm.id).values(status="powering_down", changed_at=utc_now()))
    payload = StopVm(vm_id=vm.id, host_id=vm.host_id or vm.saved_host_id or "", reason=reason)
    return queue.enqueue(tx, actor, "stop_vm", f"vm:{vm.id}", f"Stopping VM {vm.name}", payload)


def _problems(tx: Tx, vm: VmRow) -> tuple[Problem | None, ...]:
    return (
        rules.name_is_valid(vm.name),
        rules.name_is_free(vm.name, (vm.name,) if queries.VMS.is_taken(tx, vm.name, besides=vm.id) else ()),
        fields.text_is_valid("VM", "description", vm.description),
        fields.text_is_valid("VM", "comment", vm.comment),
        *hardware.problems(vm),
    )


def _stored(action: str, addresses: Sequence[GuestAddress]) -> tuple[GuestAddress, ...]:
    """Addresses as the table has them, in one form. Raises ValidationError for what is no address."""
    check(action, rules.addresses_are_valid([one.address for one in addresses if not _is_address(one.address)]))
    check(action, rules.gateways_are_reachable([one.gateway for one in addresses if not _is_reachable(one)]))
    return tuple(replace(one, address=str(ip_interface(one.address))) for one in addresses)


def _is_reachable(one: GuestAddress) -> bool:
    """Whether a gateway, if there is one, is another address of the vNIC's network, or of the link (IPv6)."""
    try:
        gateway = ip_address(one.gateway) if one.gateway else None
    except ValueError:
        return False
    own = ip_interface(one.address)
    return gateway is None or gateway.is_link_local or (gateway in own.network and gateway != own.ip)


def _is_address(text: str) -> bool:
    try:
        ip_interface(text)
    except ValueError:
        return False
    mask = text.partition("/")[2]
    return "." not in mask or fields.netmask_prefix(mask) is not None
