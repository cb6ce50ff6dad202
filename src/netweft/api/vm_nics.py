"""vNICs of virtual machines, at ``/vms/{id}/nics``."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from netweft.api.collections import Collection, same_fields
from netweft.api.request_fields import ref, required
from netweft.api.routes import READ, Call, Later, Routes, many
from netweft.api.schema import keep, or_default, or_unset, reference
from netweft.api.types import (
    Action,
    Mac,
    NetworkFilterParameter,
    Nic,
    ReportedDevice,
    Statistic,
    Vm,
    VnicProfile,
)
from netweft.api.values import find_statistic, measured
from netweft.api.vms import reported
from netweft.api.vnic_addresses import QUERY, wishes
from netweft.core.keep import KEEP, Keep
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.vnic_filters import FilterParameter, put_filter_parameter, remove_filter_parameter
from netweft.engine.commands.vnics import (
    AddVnic,
    UpdateVnic,
    add_vnic,
    plug_vnic,
    remove_vnic,
    reorder_macs,
    update_vnic,
)
from netweft.engine.db import Tx
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import FilterParameterRow, VnicRow
from netweft.engine.operations.vnic_addresses import AUTO
from netweft.engine.queries import host_networks
from netweft.engine.queries import vms as queries
from netweft.engine.queries.host_counters import NOTHING_COUNTED, counters_of
from netweft.engine.queries.references import resolve

routes = Routes("vms")


def show(row: VnicRow) -> Nic:
    """A vNIC."""
    return Nic(
        **same_fields(Nic, row, "description"),
        href=f"/vms/{row.vm_id}/nics/{row.id}",
        description=row.description or UNSET,
        mac=Mac(address=row.mac),
        vm=reference(Vm, row.vm_id),
        vnic_profile=or_unset(reference(VnicProfile, row.profile_id) if row.profile_id else None),
    )


NICS = Collection(routes, queries.VNICS, Nic, "/vms/{vm_id}/nics/{nic_id}", show=show)
NICS.reads("The vNICs of a virtual machine by name.", "One vNIC.")
NICS.follows(Vm, "nics")
NICS.removes(ActionGroup.CONFIGURE_VM_NETWORK, remove_vnic, "Remove a vNIC.")


def profile_of(call: Call[Any], body: Nic) -> str | Keep | None:
    """The profile that a request means: None for none, KEEP when it says nothing. An unknown id goes on to the rule
    that says so.
    """
    if isinstance(body.vnic_profile, UnsetType):
        return KEEP
    profile = ref(body.vnic_profile)
    if profile is None or profile.id:
        return profile.id if profile else None
    with call.read() as tx:
        return resolve(tx, vnic_profiles, profile, "vNIC profile")


def _mac(body: Nic) -> str | UnsetType:
    return UNSET if isinstance(body.mac, UnsetType) else body.mac.address


def _answer(call: Call[Any], vnic_id: str, job_id: str | None) -> Nic | Later:
    """The vNIC as it is, once the guest's host has been told."""
    return Later(job_id, lambda: NICS.one(call, vnic_id)) if job_id else NICS.one(call, vnic_id)


@routes.post("/vms/{vm_id}/nics", Nic, needs=ActionGroup.CONFIGURE_VM_NETWORK, queries=(QUERY,))
def post_nic(call: Call[Nic]) -> Nic | Later:
    """Add a vNIC; a running guest gets it at once."""
    body = call.body
    profile_id = profile_of(call, body)
    spec = AddVnic(
        vm_id=call.ids["vm_id"],
        name=required(body.name, "Nic [name]"),
        profile_id=None if profile_id is KEEP else profile_id,
        description=or_default(body.description, ""),
        mac=or_default(_mac(body), ""),
        interface=or_default(body.interface, "virtio"),
        plugged=or_default(body.plugged, True),
        linked=or_default(body.linked, True),
        addresses=AUTO if (wished := wishes(call)) is KEEP else wished,
    )

    added = call.run(add_vnic, call.actor, spec)
    return _answer(call, added.vnic_id, added.job_id) if added.job_id else show(added.row)


@routes.put("/vms/{vm_id}/nics/{nic_id}", Nic, needs=ActionGroup.CONFIGURE_VM_NETWORK, queries=(QUERY,))
def put_nic(call: Call[Nic]) -> Nic | Later:
    """Change a vNIC; a ``vnic_profile`` without id and name takes it off its network."""
    body = call.body
    profile_id = profile_of(call, body)
    spec = UpdateVnic(
        vm_id=call.ids["vm_id"],
        id=call.ids["nic_id"],
        name=keep(body.name),
        profile_id=profile_id,
        description=keep(body.description),
        mac=keep(_mac(body)),
        interface=keep(body.interface),
        plugged=keep(body.plugged),
        linked=keep(body.linked),
        addresses=wishes(call),
    )
    change = call.run(update_vnic, call.actor, spec)
    return _answer(call, spec.id, change.job_id)


def _plug(call: Call[Action], *, plugged: bool) -> Later | None:
    job_id = call.run(plug_vnic, call.actor, call.ids["vm_id"], call.ids["nic_id"], plugged=plugged)
    return Later(job_id) if job_id else None


@routes.action("/vms/{vm_id}/nics/{nic_id}/activate", needs=ActionGroup.CONFIGURE_VM_NETWORK)
def activate(call: Call[Action]) -> Later | None:
    """Plug a vNIC in."""
    return _plug(call, plugged=True)


@routes.action("/vms/{vm_id}/nics/{nic_id}/deactivate", needs=ActionGroup.CONFIGURE_VM_NETWORK)
def deactivate(call: Call[Action]) -> Later | None:
    """Unplug a vNIC."""
    return _plug(call, plugged=False)


@routes.get("/vms/{vm_id}/nics/{nic_id}/reporteddevices", many(ReportedDevice), needs=READ)
def list_reported_devices(call: Call[None]) -> list[ReportedDevice]:
    """The vNIC as the host sees it in the running guest."""
    with call.read() as tx:
        NICS.row(tx, call)
        return [device for vnic_id, device in reported(tx, call) if vnic_id == call.ids["nic_id"]]


def show_parameter(row: FilterParameterRow, vm_id: str) -> NetworkFilterParameter:
    """A parameter of a vNIC's network filter."""
    nic = f"/vms/{vm_id}/nics/{row.vnic_id}"
    return NetworkFilterParameter(
        **same_fields(NetworkFilterParameter, row),
        href=f"{nic}/networkfilterparameters/{row.id}",
        nic=reference(Nic, row.vnic_id, nic),
    )


@routes.get("/vms/{vm_id}/nics/{nic_id}/networkfilterparameters", many(NetworkFilterParameter), needs=READ)
def list_filter_parameters(call: Call[None]) -> list[NetworkFilterParameter]:
    """Values for the network filter of a vNIC, by name."""
    nic_id = call.ids["nic_id"]
    with call.read() as tx:
        NICS.row(tx, call)
        return [show_parameter(row, call.ids["vm_id"]) for row in queries.parameters_of(tx, (nic_id,))[nic_id]]


@routes.get("/vms/{vm_id}/nics/{nic_id}/networkfilterparameters/{parameter_id}", NetworkFilterParameter, needs=READ)
def get_filter_parameter(call: Call[None]) -> NetworkFilterParameter:
    """One of them."""
    with call.read() as tx:
        NICS.row(tx, call)
        return _parameter(tx, call, call.ids["parameter_id"])


def _parameter(tx: Tx, call: Call[Any], parameter_id: str) -> NetworkFilterParameter:
    return show_parameter(queries.get_parameter(tx, call.ids["nic_id"], parameter_id), call.ids["vm_id"])


@routes.post(
    "/vms/{vm_id}/nics/{nic_id}/networkfilterparameters",
    NetworkFilterParameter,
    needs=ActionGroup.CONFIGURE_VM_NETWORK,
)
def post_filter_parameter(call: Call[NetworkFilterParameter]) -> NetworkFilterParameter | Later:
    """Add a value for the network filter; a name may occur several times."""
    return _put_parameter(call, "", required(call.body.name, "NetworkFilterParameter [name]"))


@routes.put(
    "/vms/{vm_id}/nics/{nic_id}/networkfilterparameters/{parameter_id}",
    NetworkFilterParameter,
    needs=ActionGroup.CONFIGURE_VM_NETWORK,
)
def put_parameter(call: Call[NetworkFilterParameter]) -> NetworkFilterParameter | Later:
    """Change a value for the network filter."""
    return _put_parameter(call, call.ids["parameter_id"], keep(call.body.name))


def _put_parameter(
    call: Call[NetworkFilterParameter], parameter_id: str, name: str | Keep
) -> NetworkFilterParameter | Later:
    spec = FilterParameter(
        vm_id=call.ids["vm_id"],
        vnic_id=call.ids["nic_id"],
        id=parameter_id,
        name=name,
        value=keep(call.body.value),
    )
    change = call.run(put_filter_parameter, call.actor, spec)

    def current() -> NetworkFilterParameter:
        with call.read() as tx:
            return _parameter(tx, call, change.vnic_id)

    return Later(change.job_id, current) if change.job_id else current()


@routes.delete(
    "/vms/{vm_id}/nics/{nic_id}/networkfilterparameters/{parameter_id}", needs=ActionGroup.CONFIGURE_VM_NETWORK
)
def delete_filter_parameter(call: Call[None]) -> Later | None:
    """Remove a value for the network filter."""
    ids = call.ids
    command = remove_filter_parameter
    job_id = call.run(command, call.actor, ids["vm_id"], ids["nic_id"], ids["parameter_id"])
    return Later(job_id) if job_id else None


@routes.action("/vms/{vm_id}/reordermacaddresses", needs=ActionGroup.CONFIGURE_VM_NETWORK)
def reorder_mac_addresses(call: Call[Action]) -> None:
    """Reassign the MAC addresses of a virtual machine that is down in the order of its vNICs' names."""
    call.run(reorder_macs, call.actor, call.ids["vm_id"])


@routes.get("/vms/{vm_id}/nics/{nic_id}/statistics", many(Statistic), needs=READ)
def list_statistics(call: Call[None]) -> list[Statistic]:
    """What the host counted of a running guest's vNIC, as the guest sees it: what it received the host sent."""
    vm_id, nic_id = call.ids["vm_id"], call.ids["nic_id"]
    with call.read() as tx:
        nic = show(NICS.row(tx, call))
        host_id = queries.get(tx, vm_id).host_id
        report = host_networks.load_one(tx, host_id).report if host_id else None
        counters = counters_of(tx, (host_id,)).get(host_id, {}) if host_id else {}
    ports = report.host.guest_ports.values() if report else ()
    link = next((port.name for port in ports if port.vnic == nic_id), "")
    if not link:
        return []
    counted = counters.get(link, NOTHING_COUNTED)
    values = {
        "data.total.rx": (counted.tx_bytes, "bytes"),
        "data.total.tx": (counted.rx_bytes, "bytes"),
        "errors.total.rx": (counted.tx_errors, "none"),
        "errors.total.tx": (counted.rx_errors, "none"),
    }
    owner = reference(Nic, nic_id, str(nic.href))
    href = f"{nic.href}/statistics"
    return [measured(name, value, href, unit, kind="counter", nic=owner) for name, (value, unit) in values.items()]


@routes.get("/vms/{vm_id}/nics/{nic_id}/statistics/{statistic_id}", Statistic, needs=READ)
def get_statistic(call: Call[None]) -> Statistic:
    """One of them."""
    return find_statistic(list_statistics(call), call.ids["statistic_id"])
