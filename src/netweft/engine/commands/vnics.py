"""vNICs of virtual machines: adding, changing, removing them, plugging them in and out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from netweft.core.errors import NotFoundError, Problem
from netweft.core.keep import KEEP, Keep
from netweft.core.rules import check, fields
from netweft.core.rules import port_profile as profile_rules
from netweft.core.rules import provider_network as provider_rules
from netweft.core.rules import vm as vm_rules
from netweft.core.rules import vnic as rules
from netweft.core.rules.mac_pool import MacRange
from netweft.engine import queue
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.changes import made, updated
from netweft.engine.db import Tx, new_id
from netweft.engine.model.clusters import clusters
from netweft.engine.model.vms import VmRow, vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import SETTINGS, VnicRow, VnicSettings, vnics
from netweft.engine.operations import functions, ports, vnic_addresses
from netweft.engine.operations.mac_addresses import allocate_mac, release_mac_of, take_mac_for
from netweft.engine.operations.profile_use import check_found_profile, check_profile, check_type
from netweft.engine.operations.races import translate_constraint_errors
from netweft.engine.operations.vm_events import record_event
from netweft.engine.operations.vnic_addresses import AUTO, Moved, RequestedAddresses
from netweft.engine.operations.vnic_hosting import RUNNING, Needs, check_network_on_host, network_of, reserve
from netweft.engine.payloads import Undo, UpdateGuest
from netweft.engine.queries import functions as function_queries
from netweft.engine.queries import mac_pools as mac_queries
from netweft.engine.queries import subnets as subnet_queries
from netweft.engine.queries import vms as queries
from netweft.engine.queries import vnic_profiles as profile_queries
from netweft.engine.queries.vms import VnicDetails
from netweft.engine.statements import Statement, add, pipelined

ADDED, UPDATED, REMOVED, PLUGGED, UNPLUGGED = 932, 934, 930, 1012, 1014
"""Event codes (oVirt: NETWORK_ADD_VM_INTERFACE, NETWORK_UPDATE_VM_INTERFACE, NETWORK_REMOVE_VM_INTERFACE,
NETWORK_ACTIVATE_VM_INTERFACE_SUCCESS ...).
"""

_ADD = "Cannot add Interface."
_UPDATE = "Cannot edit Interface."
_REMOVE = "Cannot remove Interface."
_PLUG = "Cannot activate/deactivate Interface."


@dataclass(frozen=True, slots=True, kw_only=True)
class AddVnic:
    """A new vNIC. ``profile_id``: None for no network. ``mac``: empty to take one from the cluster's pool.
    ``addresses``: of its network's subnets.
    """

    vm_id: str
    name: str
    profile_id: str | None = None
    description: str = ""
    mac: str = ""
    interface: str = "virtio"
    plugged: bool = True
    linked: bool = True
    addresses: RequestedAddresses = AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateVnic:
    """What changes of a vNIC."""

    vm_id: str
    id: str
    name: str | Keep = KEEP
    profile_id: str | Keep | None = KEEP
    description: str | Keep = KEEP
    mac: str | Keep = KEEP
    interface: str | Keep = KEEP
    plugged: bool | Keep = KEEP
    linked: bool | Keep = KEEP
    addresses: RequestedAddresses | Keep = KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The result of a command: the vNIC's id, and the job that updates the running guest (None when it need not be
    updated).
    """

    vnic_id: str
    job_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Added(Change):
    """A new vNIC. ``row``: its row."""

    row: VnicRow


class VmInPool(VmRow, frozen=True, kw_only=True):
    """The machine, with the pool of its addresses."""

    mac_pool_id: str


def add_vnic(tx: Tx, actor: Actor, spec: AddVnic) -> Added:
    """Add a vNIC, plugged in at once when the guest runs.

    Needs CONFIGURE_VM_NETWORK on the VM and on the profile. Raises NotFoundError, DeniedError, ValidationError.
    """
    with pipelined(tx):
        locked = _LOCK.ask(tx, id=spec.vm_id)
        named = queries.VNIC_NAMES.ask(tx, vm_id=spec.vm_id, besides="")
        profile_rows = profile_queries.FOR_VM.ask(tx, id=spec.profile_id, vm_id=spec.vm_id)
        ranges = mac_queries.RANGES_FOR_VM.ask(tx, vm_id=spec.vm_id)
    vm = _may_change(tx, actor, spec.vm_id, locked.first())
    others = [name for (name,) in named.all()]
    check(
        _ADD,
        rules.vm_may_change(vm.status),
        rules.name_is_valid(spec.name),
        rules.name_is_free(spec.name, others),
        rules.count_is_within_limit(len(others) + 1),
        rules.interface_is_supported(spec.interface),
        fields.text_is_valid("vNIC", "description", spec.description),
    )
    passthrough = check_found_profile(tx, actor, _ADD, spec.profile_id, profile_rows.first())
    check_type(_ADD, spec.interface, passthrough=passthrough, linked=spec.linked)
    needs = Needs.FUNCTION if passthrough else Needs.NETWORK
    if spec.plugged and not passthrough:
        needs = check_network_on_host(tx, _ADD, vm, spec.profile_id, or_on_card=True)
    known = [MacRange(one.first, one.last) for one in ranges.all()]
    vnic = made(VnicRow, spec, id=new_id(), mac=_take_mac(tx, vm, spec.mac, known), synced=True)
    text = f"Interface {vnic.name} ({vnic.interface}) was added to VM {vm.name}. (User: {actor.name})"
    with translate_constraint_errors(_ADD, lambda broken: _name_problem(broken, vnic.name)), pipelined(tx):
        add(tx, vnics, vnic)
        record_event(tx, actor, ADDED, text, vm)
        giving = vnic_addresses.begin(tx, vnic.id, profile_rows.all(), spec.addresses)
    vnic_addresses.finish(tx, _ADD, giving)
    if vnic.plugged:
        reserve(tx, _ADD, vm, vnic.id, needs)
    job_id = update_guest(tx, actor, vm, vnic.id, Undo(remove=vnic.id)) if vnic.plugged else None
    return Added(vnic_id=vnic.id, job_id=job_id, row=vnic)


def _take_mac(tx: Tx, vm: VmInPool, mac: str, ranges: Sequence[MacRange]) -> str:
    """The MAC address for a new vNIC: the requested one, else one of the ranges of the machine's pool."""
    if mac:
        return take_mac_for(tx, vm.id, vm.mac_pool_id, mac, action=_ADD)
    return allocate_mac(tx, vm.mac_pool_id, action=_ADD, ranges=ranges)


def update_vnic(tx: Tx, actor: Actor, spec: UpdateVnic) -> Change:
    """Change a vNIC; a running guest is rewired. Needs CONFIGURE_VM_NETWORK on the VM, and on the profile when that
    is another one.

    Raises NotFoundError, DeniedError, ValidationError.
    """
    vm = begin(tx, actor, spec.vm_id)
    old = queries.get_vnic(tx, spec.vm_id, spec.id)
    after = updated(old, spec)
    after = replace(after, mac=after.mac.lower() or old.mac)
    needs = _check_update(tx, actor, vm, old, after)
    if after.mac != old.mac:
        take_mac_for(tx, vm.id, vm.mac_pool_id, after.mac, action=_UPDATE)
    _write(tx, _UPDATE, spec.id, {name: getattr(after, name) for name in (*SETTINGS, "mac")})
    moved = Moved(vnic_id=spec.id, network_id=old.network_id, before=old.profile_id, after=after.profile_id)
    leases = {} if spec.addresses is KEEP else subnet_queries.leases_of(tx, (spec.id,))
    had = vnic_addresses.follow(tx, _UPDATE, moved, spec.addresses)
    if after.mac != old.mac:
        release_mac_of(tx, vm.id, vm.mac_pool_id, old.mac)
    if after.name != old.name:
        ports.want_again(tx, ports.of_vnics(vnics.c.id == spec.id))
    if after.plugged and not old.plugged:
        reserve(tx, _UPDATE, vm, spec.id, needs)
    record_event(tx, actor, UPDATED, f"Interface {after.name} was updated for VM {vm.name}. (User: {actor.name})", vm)
    # The port of a network's provider has the addresses; on a network of hosts the leases that they serve do.
    has_other_leases = spec.addresses is not KEEP and (
        old.provider_id is not None or subnet_queries.leases_of(tx, (spec.id,)) != leases
    )
    if not (old.plugged or after.plugged) or (_wiring(old) == _wiring(after) and not has_other_leases):
        return Change(vnic_id=spec.id, job_id=None)
    before = VnicSettings.of(old)
    undo = Undo(restore=spec.id, values=before, addresses=had) if after.mac == old.mac else Undo()
    return Change(vnic_id=spec.id, job_id=update_guest(tx, actor, vm, spec.id, undo))


def _check_update(tx: Tx, actor: Actor, vm: VmInPool, old: VnicDetails, after: VnicDetails) -> Needs:
    """Whether a vNIC may become that; returns what its host has to give for it when it is plugged in thereby. Raises
    ValidationError, DeniedError.
    """
    moves, readdressed = after.profile_id != old.profile_id, after.mac != old.mac
    hot = {
        "The MAC address": readdressed,
        "The interface type": after.interface != old.interface,
        "The profile": old.interface == rules.PASSTHROUGH and moves,
    }
    running, stays = vm.status == RUNNING, old.plugged and after.plugged
    check(
        _UPDATE,
        rules.vm_may_change(vm.status),
        rules.name_is_valid(after.name),
        rules.name_is_free(after.name, queries.vnic_names(tx, vm.id, besides=old.id)),
        rules.interface_is_supported(after.interface),
        fields.text_is_valid("vNIC", "description", after.description),
        rules.may_change_while_running(running, stays, [what for what, changed in hot.items() if changed]),
    )
    passthrough = bool(old.passthrough)
    if moves:
        passthrough = check_profile(tx, actor, _UPDATE, vm.cluster_id, after.profile_id)
    check_type(_UPDATE, after.interface, passthrough=passthrough, linked=after.linked)
    if running and stays and (moves or after.linked != old.linked):
        _check_rewired(tx, old, after)
    if after.plugged and (not old.plugged or readdressed):
        check(_UPDATE, rules.mac_is_not_plugged_elsewhere(after.mac, _others_with_mac(tx, vm, old.id, after.mac)))
    if passthrough:
        return Needs.FUNCTION
    if after.plugged and (moves or not old.plugged):
        return check_network_on_host(tx, _UPDATE, vm, after.profile_id, or_on_card=not old.plugged)
    return Needs.NETWORK


def _check_rewired(tx: Tx, old: VnicDetails, after: VnicDetails) -> None:
    """Whether a vNIC may come onto another network, or get another state of its link, while a guest has it. Raises
    ValidationError.
    """
    moves = after.profile_id != old.profile_id
    on_card = not old.passthrough and function_queries.has_one(tx, old.id)
    check(
        _UPDATE,
        rules.may_be_rewired(hot=True, mirroring=_mirroring(tx, old, after.profile_id)),
        provider_rules.is_not_rewired(
            after.name, rewired=True, is_provided=moves and _is_provided(tx, old, after.profile_id)
        ),
        profile_rules.vnic_stays_on_card(after.name, rewired=True, on_card=on_card),
    )


def _is_provided(tx: Tx, old: VnicDetails, profile_id: str | None) -> bool:
    """Whether a vNIC leaves a network of a provider, or gets onto one: its port's name on the host does not change."""
    return bool(old.provider_id or (profile_id and network_of(tx, profile_id).provider_id))


def _wiring(vnic: VnicRow) -> tuple[str | None, bool, bool]:
    """The settings of a vNIC that a running guest must be updated with."""
    return vnic.profile_id, vnic.plugged, vnic.linked


def remove_vnic(tx: Tx, actor: Actor, vm_id: str, vnic_id: str) -> None:
    """Remove a vNIC; its MAC address is free again. Needs CONFIGURE_VM_NETWORK on the VM.

    Raises NotFoundError, DeniedError, ValidationError while it is plugged into a running guest.
    """
    vm = begin(tx, actor, vm_id)
    old = queries.get_vnic(tx, vm_id, vnic_id)
    check(_REMOVE, rules.vm_may_change(vm.status), rules.may_be_removed(vm.status == RUNNING, old.plugged))
    functions.release_vnic(tx, vnic_id)
    tx.execute(sa.delete(vnics).where(vnics.c.id == vnic_id))
    release_mac_of(tx, vm.id, vm.mac_pool_id, old.mac)
    record_event(tx, actor, REMOVED, f"Interface {old.name} was removed from VM {vm.name}. (User: {actor.name})", vm)


def plug_vnic(tx: Tx, actor: Actor, vm_id: str, vnic_id: str, *, plugged: bool) -> str | None:
    """Plug a vNIC in or out; returns the id of the job that updates the running guest, None when it does not run.

    Needs CONFIGURE_VM_NETWORK on the VM. Raises NotFoundError, DeniedError, ValidationError.
    """
    vm = begin(tx, actor, vm_id)
    old = queries.get_vnic(tx, vm_id, vnic_id)
    check(_PLUG, rules.vm_may_change(vm.status))
    if old.plugged == plugged:
        return None
    on_card = vm.status == RUNNING and function_queries.has_one(tx, old.id)
    needs = Needs.FUNCTION if old.passthrough else Needs.NETWORK
    if vm.status == RUNNING and not old.passthrough and not on_card:
        needs = check_network_on_host(tx, _PLUG, vm, old.profile_id, or_on_card=plugged)
    if plugged:
        check(_PLUG, rules.mac_is_not_plugged_elsewhere(old.mac, _others_with_mac(tx, vm, vnic_id, old.mac)))
    _write(tx, _PLUG, vnic_id, {"plugged": plugged, "synced": True})
    if plugged:
        reserve(tx, _PLUG, vm, vnic_id, needs)
    code, what = (PLUGGED, "plugged") if plugged else (UNPLUGGED, "unplugged")
    record_event(tx, actor, code, f"Network Interface {old.name} was {what} to VM {vm.name}. (User: {actor.name})", vm)
    undo = Undo(restore=vnic_id, values=VnicSettings(plugged=old.plugged, synced=old.synced))
    return update_guest(tx, actor, vm, vnic_id, undo)


def reorder_macs(tx: Tx, actor: Actor, vm_id: str) -> None:
    """Give the MAC addresses of a machine that is down to its vNICs anew: the lowest to the first by name, and so on.

    Needs CONFIGURE_VM_NETWORK on the VM. Raises NotFoundError, DeniedError, ValidationError.
    """
    vm = begin(tx, actor, vm_id)
    check("Cannot reorder Interfaces.", vm_rules.is_down(vm.name, vm.status))
    rows = queries.vnics_of(tx, (vm_id,))[vm_id]
    for row, mac in zip(rows, sorted(row.mac for row in rows), strict=True):
        tx.execute(sa.update(vnics).where(vnics.c.id == row.id).values(mac=mac))
    record_event(tx, actor, UPDATED, f"MAC addresses of VM {vm.name} were reordered. (User: {actor.name})", vm)


def begin(tx: Tx, actor: Actor, vm_id: str) -> VmInPool:
    """The machine with the pool of its addresses, locked until the transaction ends."""
    return _may_change(tx, actor, vm_id, _LOCK.first(tx, id=vm_id))


def _may_change(tx: Tx, actor: Actor, vm_id: str, vm: VmInPool | None) -> VmInPool:
    if vm is None:
        raise NotFoundError(f"There is no VM with the id {vm_id}.")
    authorize.require(tx, actor, ActionGroup.CONFIGURE_VM_NETWORK, ObjectRef(ObjectType.VM, vm_id))
    return vm


_LOCK = Statement(
    sa.select(vms, clusters.c.mac_pool_id)
    .join(clusters, clusters.c.id == vms.c.cluster_id)
    .where(vms.c.id == sa.bindparam("id"))
    .with_for_update(key_share=True, of=vms),
    record=VmInPool,
)


def _mirroring(tx: Tx, old: VnicRow, profile_id: str | None) -> list[str]:
    """Names of those of a vNIC's profiles, the one that it has and the one that it gets, that mirror."""
    profiles = sa.select(vnic_profiles.c.name).where(vnic_profiles.c.id.in_((old.profile_id, profile_id)))
    return list(tx.scalars(profiles.where(vnic_profiles.c.port_mirroring)))


def _others_with_mac(tx: Tx, vm: VmInPool, vnic_id: str, mac: str) -> list[str]:
    """Virtual machines with another plugged vNIC of that address; none where the pool allows duplicates."""
    pool = mac_queries.get(tx, vm.mac_pool_id)
    if pool.allow_duplicates:
        return []
    query = sa.select(vms.c.name).join(vnics, vnics.c.vm_id == vms.c.id)
    return list(tx.scalars(query.where(vnics.c.mac == mac, vnics.c.id != vnic_id, vnics.c.plugged)))


def _name_problem(constraint: str, name: str) -> Problem | None:
    """The problem for a violated unique constraint: the name was used concurrently."""
    return rules.name_is_free(name, (name,)) if constraint.startswith("uq_vnics_") else None


def _write(tx: Tx, action: str, vnic_id: str, values: dict[str, Any]) -> None:
    name = values.get("name", "")
    with translate_constraint_errors(action, lambda _: rules.name_is_free(name, (name,))):
        tx.execute(sa.update(vnics).where(vnics.c.id == vnic_id).values(**values))


def update_guest(tx: Tx, actor: Actor, vm: VmRow, vnic_id: str, undo: Undo) -> str | None:
    """Let a changed vNIC of the running guest be made as it should be; ``undo`` is done when the host refuses."""
    if vm.status != RUNNING or vm.host_id is None:
        return None
    payload = UpdateGuest(vm_id=vm.id, host_id=vm.host_id, undo=undo, vnic_id=vnic_id)
    return queue.enqueue(tx, actor, "update_guest", f"vm:{vm.id}", f"Changing interfaces of VM {vm.name}", payload)
