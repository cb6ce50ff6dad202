"""Virtual machines, at ``/vms``."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from netweft.api import hardware
from netweft.api.collections import Collection, same_fields, spec_fields
from netweft.api.request_fields import kept_ref, ref, require_visible, required, required_ref
from netweft.api.routes import READ, Call, Later, Routes, many
from netweft.api.schema import fields_of, or_default, or_unset, reference
from netweft.api.search import LISTED
from netweft.api.types import (
    Action,
    Bios,
    BootMenu,
    Cluster,
    Display,
    Enabled,
    HighAvailability,
    Host,
    Initialization,
    Mac,
    MemoryPolicy,
    MigrationOptions,
    NicConfiguration,
    ReportedDevice,
    Statistic,
    Template,
    TimeZone,
    Vm,
    VmPlacementPolicy,
)
from netweft.api.values import ip, named_id
from netweft.core.errors import NotFoundError
from netweft.core.host import Address
from netweft.core.keep import KEEP, Keep
from netweft.engine.access.objects import ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.migrations import MigrateVm, migrate_vm
from netweft.engine.commands.vm_states import reboot_vm, shut_down_vm, suspend_vm
from netweft.engine.commands.vms import AddVm, StartVm, UpdateVm, add_vm, remove_vm, start_vm, stop_vm, update_vm
from netweft.engine.db import Tx
from netweft.engine.model.vms import GuestAddress, VmRow
from netweft.engine.queries import hosts as host_queries
from netweft.engine.queries import vms as queries
from netweft.engine.queries.vms import VmDetails

routes = Routes("vms")


def show(row: VmDetails) -> Vm:
    """A virtual machine.

    Disks, consoles and migration are not ours; clients read those parts without asking, so they say "none".
    """
    return Vm(
        **same_fields(Vm, row),
        href=f"/vms/{row.id}",
        bios=Bios(boot_menu=BootMenu(enabled=False), type="q35_sea_bios"),
        console=Enabled(enabled=row.console),
        cpu=hardware.cpu(row),
        cpu_shares=0,
        creation_time=row.created_at,
        custom_properties=hardware.properties(row.custom_properties),
        display=Display(monitors=1, type="vnc"),
        has_illegal_images=False,
        high_availability=HighAvailability(enabled=False, priority=0),
        initialization=_initialization(row),
        memory_policy=MemoryPolicy(ballooning=False, guaranteed=row.memory, max=row.memory),
        migration=MigrationOptions(auto_converge="inherit", compressed="inherit", encrypted="inherit"),
        multi_queues_enabled=False,
        next_run_configuration_exists=False,
        origin="ovirt",
        os=hardware.operating_system(row),
        placement_policy=VmPlacementPolicy(affinity="migratable"),
        run_once=bool(row.this_run.given()),
        start_paused=False,
        start_time=row.changed_at if row.status == "up" else UNSET,
        stop_reason=row.status_reason,
        stop_time=row.changed_at if row.status == "down" else UNSET,
        time_zone=TimeZone(name="Etc/GMT"),
        cluster=reference(Cluster, row.cluster_id),
        host=or_unset(reference(Host, row.host_id) if row.host_id else None),
        original_template=reference(Template, row.original_template_id or row.template_id),
        template=reference(Template, row.template_id),
    )


def _initialization(row: VmRow) -> Initialization | UnsetType:
    """What cloud-init reads in oVirt: the addresses of its vNICs, and what else was given."""
    if not row.addresses and not row.initialization:
        return UNSET
    result: Initialization = msgspec.convert(row.initialization, Initialization)
    if row.addresses:
        result.nic_configurations = [_nic_configuration(one) for one in row.addresses]
    return result


def _nic_configuration(guest: GuestAddress) -> NicConfiguration:
    own = _address(guest.address)
    result = ip(own.version, own.ip, own.prefix)
    result.gateway = guest.gateway or UNSET
    if own.version == 4:  # noqa: PLR2004 -- IP version
        return NicConfiguration(name=guest.nic, boot_protocol="static", ip=result, on_boot=True)
    return NicConfiguration(name=guest.nic, ipv6_boot_protocol="static", ipv6=result, on_boot=True)


def _address(text: str) -> Address:
    name, _, prefix = text.partition("/")
    return Address(ip=name, prefix=int(prefix or (128 if ":" in name else 32)))


def addresses_of(body: Vm) -> tuple[GuestAddress, ...] | Keep:
    """The addresses that a request wants for its vNICs."""
    if isinstance(body.initialization, UnsetType) or isinstance(body.initialization.nic_configurations, UnsetType):
        return KEEP
    found = []
    for one in body.initialization.nic_configurations:
        for address in (one.ip, one.ipv6):
            if not isinstance(address, UnsetType) and or_default(address.address, ""):
                mask = or_default(address.netmask, "")
                text = f"{or_default(address.address, '')}/{mask}" if mask else or_default(address.address, "")
                gateway = or_default(address.gateway, "")
                found.append(GuestAddress(nic=or_default(one.name, ""), address=text, gateway=gateway))
    return tuple(found)


def initialization_of(body: Vm) -> dict[str, Any]:
    """What a request says of the initialization besides addresses, by the names of its elements."""
    requested = or_default(body.initialization, Initialization())
    names = (field.attribute for field in fields_of(Initialization) if not field.struct)
    return {name: value for name in names if (value := getattr(requested, name)) is not UNSET}


VMS = Collection(routes, queries.VMS, Vm, "/vms/{vm_id}", show=show)
VMS.reads(
    "Virtual machines of all clusters.",
    "One virtual machine.",
    queries=((*LISTED, "all_content"), ("all_content", "next_run")),
)


@routes.post("/vms", Vm, needs=ActionGroup.CREATE_VM, queries=("clone", "clone_permissions"))
def post_vm(call: Call[Vm]) -> Vm:
    """Add a virtual machine."""
    body = call.body
    addresses = addresses_of(body)
    required(body.name, "Vm [name]")
    spec = AddVm(
        cluster=required_ref(body.cluster, "Vm [cluster"),
        template=ref(body.template),
        **spec_fields(body, AddVm),
        hardware=hardware.wanted(body),
        addresses=() if addresses is KEEP else addresses,
        initialization=initialization_of(body),
        architecture=hardware.architecture(body),
        clone=call.query.flag("clone"),
        clone_permissions=call.query.flag("clone_permissions"),
    )
    return VMS.one(call, call.run(add_vm, call.actor, spec))


@VMS.changes(ActionGroup.EDIT_VM_PROPERTIES, queries=("next_run",))
def change_vm(call: Call[Vm]) -> None:
    """Change a virtual machine."""
    body = call.body
    spec = UpdateVm(
        id=VMS.id(call),
        cluster=kept_ref(body.cluster, "Vm [cluster"),
        **spec_fields(body, UpdateVm),
        hardware=hardware.wanted(body),
        addresses=addresses_of(body),
        initialization=initialization_of(body),
        architecture=hardware.architecture(body),
    )
    call.run(update_vm, call.actor, spec)


VMS.removes(
    ActionGroup.DELETE_VM, remove_vm, "Remove a virtual machine that is down.", queries=("force", "detach_only")
)


@routes.action("/vms/{vm_id}/start", needs=ActionGroup.RUN_VM)
def start(call: Call[Action]) -> Later:
    """Start a virtual machine, on the host that ``vm/placement_policy`` or ``host`` names, or on any that fits. What
    else ``vm`` says counts for this run alone.
    """
    vm = or_default(call.body.vm, Vm())
    places = or_default(or_default(vm.placement_policy, VmPlacementPolicy()).hosts, [])
    spec = StartVm(
        id=call.ids["vm_id"],
        host=ref(call.body.host) or next((named for one in places if (named := ref(one))), None),
        hardware=hardware.wanted(vm),
        addresses=addresses_of(vm),
        initialization=initialization_of(vm),
    )
    return Later(call.run(start_vm, call.actor, spec))


@routes.action("/vms/{vm_id}/stop", needs=ActionGroup.STOP_VM)
def stop(call: Call[Action]) -> Later:
    """Stop a virtual machine at once."""
    return Later(call.run(stop_vm, call.actor, call.ids["vm_id"], or_default(call.body.reason, "")))


@routes.action("/vms/{vm_id}/shutdown", needs=ActionGroup.SHUT_DOWN_VM)
def shut_down(call: Call[Action]) -> Later:
    """Request a graceful shutdown of a virtual machine."""
    return Later(call.run(shut_down_vm, call.actor, call.ids["vm_id"], or_default(call.body.reason, "")))


@routes.action("/vms/{vm_id}/reboot", needs=ActionGroup.REBOOT_VM)
def reboot(call: Call[Action]) -> Later:
    """Reboot a virtual machine."""
    return Later(call.run(reboot_vm, call.actor, call.ids["vm_id"]))


@routes.action("/vms/{vm_id}/suspend", needs=ActionGroup.HIBERNATE_VM)
def suspend(call: Call[Action]) -> Later:
    """Suspend a virtual machine: save its memory on its host and stop it; its next start resumes it."""
    return Later(call.run(suspend_vm, call.actor, call.ids["vm_id"]))


@routes.action("/vms/{vm_id}/migrate", needs=ActionGroup.MIGRATE_VM)
def migrate(call: Call[Action]) -> Later:
    """Migrate a running virtual machine to ``host``, or to the best one. With ``force``, networks that are missing
    there are set up first (an addition of Netweft; what would be done: ``/netweft/v1/vms/{id}/migration``).
    """
    spec = MigrateVm(id=call.ids["vm_id"], host=ref(call.body.host), set_up=or_default(call.body.force, False))
    return Later(call.run(migrate_vm, call.actor, spec))


@routes.get("/vms/{vm_id}/statistics", many(Statistic), needs=READ)
def list_statistics(call: Call[None]) -> list[Statistic]:
    """Statistics of a virtual machine: none so far."""
    with call.read() as tx:
        require_visible(tx, call, ObjectType.VM, call.ids["vm_id"])
    return []


def reported(tx: Tx, call: Call[Any]) -> list[tuple[str, ReportedDevice]]:
    """The NICs that the host sees in a running guest, each with the id of its vNIC. Addresses are there as far as the
    host sees them: it looks into namespaces, and knows of virtual machines those that it has talked to itself.
    """
    vm_id = call.ids["vm_id"]
    row = VMS.row(tx, call)
    guest, guest_addresses = host_queries.last_guest(tx, row.host_id, vm_id) if row.host_id else (None, {})
    found = []
    for nic in guest.nics if guest else ():
        device_id = named_id("reporteddevice", nic.id)
        addresses = [_address(text) for text in guest_addresses.get(nic.id, ())]
        device = ReportedDevice(
            id=device_id,
            href=f"/vms/{vm_id}/reporteddevices/{device_id}",
            name=nic.name,
            description="guest reported data",
            ips=[ip(one.version, one.ip) for one in addresses] if addresses else UNSET,
            mac=Mac(address=nic.mac),
            type="network",
            vm=reference(Vm, vm_id),
        )
        found.append((nic.id, device))
    return found


@routes.get("/vms/{vm_id}/reporteddevices", many(ReportedDevice), needs=READ)
def list_reported_devices(call: Call[None]) -> list[ReportedDevice]:
    """The NICs that the host sees in a running guest."""
    with call.read() as tx:
        return [device for _, device in reported(tx, call)]


@routes.get("/vms/{vm_id}/reporteddevices/{device_id}", ReportedDevice, needs=READ)
def get_reported_device(call: Call[None]) -> ReportedDevice:
    """One of them."""
    for device in list_reported_devices(call):
        if device.id == call.ids["device_id"]:
            return device
    raise NotFoundError(f"VM {call.ids['vm_id']} has no such device.")
