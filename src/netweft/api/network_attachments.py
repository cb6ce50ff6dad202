"""Networks on hosts: attachments below their host and below their NIC, and what is there that Netweft does not
manage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from msgspec import UNSET

from netweft.api.follow import loads_link
from netweft.api.host_setup import attachment_change, when_idle
from netweft.api.request_fields import require_visible
from netweft.api.routes import READ, Call, Later, Routes, many
from netweft.api.schema import or_default, or_unset, reference
from netweft.api.types import (
    DnsResolverConfiguration,
    Host,
    HostNic,
    IpAddressAssignment,
    Network,
    NetworkAttachment,
    Property,
    Qos,
    ReportedConfiguration,
    UnmanagedNetwork,
)
from netweft.api.values import ip, named_id
from netweft.core.errors import NotFoundError
from netweft.core.host_request import AttachmentChange, Ref, SetupRequest
from netweft.core.intent import AttachmentIntent, HostQos, IpAssignment
from netweft.core.kept import kept_names
from netweft.core.rules.host_unmanaged import left_behind, unmanaged_networks
from netweft.core.rules.qos import HOST_NETWORK
from netweft.core.sync import locate_networks
from netweft.engine.access import visibility
from netweft.engine.access.objects import ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.setup_networks import (
    SetupHostNetworks,
    add_attachment,
    remove_attachment,
    setup_host_networks,
    update_attachment,
)
from netweft.engine.db import Tx
from netweft.engine.queries import host_networks as queries
from netweft.engine.queries.host_networks import HostData

routes = Routes("hosts")


def nic_reference(data: HostData, name: str) -> HostNic | None:
    """A reference to a NIC or bond of a host; None while it neither reports nor is to have it."""
    nic_id = next((nic_id for nic_id, nic in data.nics.items() if nic == name), "")
    nic_id = nic_id or next((bond.id for bond in data.intent.bonds if bond.name == name), "")
    return reference(HostNic, nic_id, f"/hosts/{data.row.id}/nics/{nic_id}") if nic_id else None


def show(data: HostData, attachment: AttachmentIntent, base: str = "") -> NetworkAttachment:
    """An attachment as wanted, and how it stands on the host. ``base``: the collection it is shown in."""
    compared = data.compare(attachment)
    return NetworkAttachment(
        id=attachment.id,
        href=f"{base or f'/hosts/{data.row.id}/networkattachments'}/{attachment.id}",
        dns_resolver_configuration=DnsResolverConfiguration(name_servers=list(attachment.dns))
        if attachment.dns
        else UNSET,
        in_sync=all(one.in_sync for one in compared),
        ip_address_assignments=[_assignment(attachment, 4), _assignment(attachment, 6)],
        properties=[Property(name=name, value=value) for name, value in sorted(attachment.properties.items())],
        reported_configurations=[
            ReportedConfiguration(
                name=one.name,
                actual_value=or_unset(one.actual),
                expected_value=or_unset(one.expected),
                in_sync=one.in_sync,
            )
            for one in compared
        ],
        host=reference(Host, data.row.id),
        host_nic=or_unset(nic_reference(data, attachment.nic)),
        network=reference(Network, attachment.network_id),
        qos=show_qos(attachment.qos) if attachment.qos else UNSET,
    )


def show_qos(qos: HostQos) -> Qos:
    """Limits that no QoS of the data centre has, but a network on a host."""
    return Qos(
        type=HOST_NETWORK,
        outbound_average_linkshare=or_unset(qos.link_share),
        outbound_average_upperlimit=or_unset(qos.upper_limit),
        outbound_average_realtime=or_unset(qos.real_time),
    )


def assignment_of(attachment: AttachmentIntent, version: int) -> IpAssignment:
    """How a network gets its address of one IP version; by no method where nothing is said."""
    none = IpAssignment(version=6 if version == 6 else 4)  # noqa: PLR2004 -- IP versions
    return next((one for one in attachment.assignments if one.version == version), none)


def _assignment(attachment: AttachmentIntent, version: int) -> IpAddressAssignment:
    """Clients compare both versions, so that one without address is shown too."""
    one = assignment_of(attachment, version)
    return IpAddressAssignment(assignment_method=one.method, ip=ip(version, one.address, one.prefix, one.gateway))


@loads_link(Host, "network_attachments")
def load_of_hosts(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, list[NetworkAttachment]]:
    """The attachments of hosts."""
    loaded = visible_hosts(tx, call, ids)
    return {host_id: [show(data, one) for one in data.intent.attachments] for host_id, data in loaded.items()}


def visible_hosts(tx: Tx, call: Call[Any], ids: Sequence[str]) -> Mapping[str, HostData]:
    """What is known of those of the hosts that the actor may see."""

    def load() -> Mapping[str, HostData]:
        return queries.load(tx, visibility.visible_among(tx, call.actor, ObjectType.HOST, ids))

    return call.once(("hosts", *ids), load)


def visible_host(tx: Tx, call: Call[Any]) -> HostData:
    """The host in the path. Raises NotFoundError when there is none or the actor may not see it."""
    require_visible(tx, call, ObjectType.HOST, call.ids["host_id"])
    return queries.load_one(tx, call.ids["host_id"])


def _on_nic(data: HostData, call: Call[Any]) -> str:
    """The name of the NIC in the path, empty for a path without one; for a VLAN device the NIC below it. Raises
    NotFoundError.
    """
    nic_id = call.ids.get("nic_id")
    if nic_id is None:
        return ""
    wanted = {bond.id: bond.name for bond in data.intent.bonds}
    name = data.nics.get(nic_id) or wanted.get(nic_id)
    if name is None:
        raise NotFoundError(f"Host {data.row.name} has no NIC with the id {nic_id}.")
    return name


def _here(data: HostData, call: Call[Any]) -> list[AttachmentIntent]:
    """The attachments of the host, or those on the NIC, in the path."""
    name = _on_nic(data, call)
    return [one for one in data.intent.attachments if not name or one.nic == name]


def _base(call: Call[Any]) -> str:
    host = f"/hosts/{call.ids['host_id']}"
    return (
        f"{host}/nics/{call.ids['nic_id']}/networkattachments" if "nic_id" in call.ids else f"{host}/networkattachments"
    )


def list_attachments(call: Call[None]) -> list[NetworkAttachment]:
    """The networks that are attached here, with their status."""
    with call.read() as tx:
        data = visible_host(tx, call)
        return [show(data, one, _base(call)) for one in _here(data, call)]


def _find(call: Call[Any], holds: Callable[[AttachmentIntent], bool]) -> NetworkAttachment:
    with call.read() as tx:
        data = visible_host(tx, call)
        for one in _here(data, call):
            if holds(one):
                return show(data, one, _base(call))
    raise NotFoundError(f"There is no such network attachment on the host {call.ids['host_id']}.")


def get_attachment(call: Call[None]) -> NetworkAttachment:
    """One network that is attached here."""
    return _find(call, lambda one: one.id == call.ids["attachment_id"])


def _wish(call: Call[NetworkAttachment]) -> AttachmentChange:
    """What the body wants; the NIC is the one in the path, unless the body names one."""
    change = attachment_change(call.body)
    if "nic_id" in call.ids and change.nic == Ref():
        return replace(change, nic=Ref(id=call.ids["nic_id"]))
    return change


def post_attachment(call: Call[NetworkAttachment]) -> NetworkAttachment | Later:
    """Attach a network here."""
    host_id, wanted = call.ids["host_id"], _wish(call)
    job_id = when_idle(call, host_id, lambda: call.run(add_attachment, call.actor, host_id, wanted))
    host_call = _of_host(call)

    def is_it(one: AttachmentIntent) -> bool:
        with call.read() as tx:
            view = queries.load_one(tx, host_id).networks.get(one.network_id)
        if view is None:
            return False
        return wanted.network.id == view.intent.id or (not wanted.network.id and wanted.network.name == view.name)

    return Later(job_id, lambda: _find(host_call, is_it)) if job_id else _find(host_call, is_it)


def _of_host(call: Call[Any]) -> Call[Any]:
    """The same call below the host alone: an attachment may leave the NIC that it is changed through."""
    return replace(call, ids={name: value for name, value in call.ids.items() if name != "nic_id"})


def put_attachment(call: Call[NetworkAttachment]) -> NetworkAttachment | Later:
    """Change a network here."""
    host_id, attachment_id = call.ids["host_id"], call.ids["attachment_id"]
    get_attachment(call)  # type: ignore[arg-type]  # it reads the path only
    wanted = replace(attachment_change(call.body), id=attachment_id)
    job_id = when_idle(call, host_id, lambda: call.run(update_attachment, call.actor, host_id, wanted))
    host_call = _of_host(call)

    def find() -> NetworkAttachment:
        return _find(host_call, lambda one: one.id == attachment_id)

    return Later(job_id, find) if job_id else find()


def delete_attachment(call: Call[None]) -> Later | None:
    """Detach a network from here."""
    host_id, attachment_id = call.ids["host_id"], call.ids["attachment_id"]
    get_attachment(call)
    job_id = when_idle(call, host_id, lambda: call.run(remove_attachment, call.actor, host_id, attachment_id))
    return Later(job_id) if job_id else None


for _base_path in ("/hosts/{host_id}/networkattachments", "/hosts/{host_id}/nics/{nic_id}/networkattachments"):
    _one_path = _base_path + "/{attachment_id}"
    routes.get(_base_path, many(NetworkAttachment), needs=READ)(list_attachments)
    routes.get(_one_path, NetworkAttachment, needs=READ)(get_attachment)
    routes.post(_base_path, NetworkAttachment, needs=ActionGroup.CONFIGURE_HOST_NETWORK)(post_attachment)
    routes.put(_one_path, NetworkAttachment, needs=ActionGroup.CONFIGURE_HOST_NETWORK)(put_attachment)
    routes.delete(_one_path, needs=ActionGroup.CONFIGURE_HOST_NETWORK)(delete_attachment)


def _unmanaged(data: HostData) -> list[UnmanagedNetwork]:
    bonds = {*data.host.bonds, *(bond.name for bond in data.intent.bonds)}
    found = dict(unmanaged_networks(data.host, bonds))
    managed_names = {view.intent.host_side_name for view in data.networks.values()}
    found.update(left_behind(data.host, managed_names | {one.name for one in data.intent.inherited.values()}))
    places = locate_networks(data.host)
    found.update({name: places[owner].base for name, owner in kept_names(data.host, data.intent.kept).items()})
    host_id = data.row.id
    return [
        UnmanagedNetwork(
            id=named_id(host_id, name),
            href=f"/hosts/{host_id}/unmanagednetworks/{named_id(host_id, name)}",
            name=name,
            host=reference(Host, host_id),
            host_nic=or_unset(nic_reference(data, nic)),
        )
        for name, nic in sorted(found.items())
    ]


@loads_link(Host, "unmanaged_networks")
def load_unmanaged(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, list[UnmanagedNetwork]]:
    """What hosts have that Netweft does not manage."""
    return {host_id: _unmanaged(data) for host_id, data in visible_hosts(tx, call, ids).items()}


@routes.get("/hosts/{host_id}/unmanagednetworks", many(UnmanagedNetwork), needs=READ)
def list_unmanaged(call: Call[None]) -> list[UnmanagedNetwork]:
    """What a host has that Netweft does not manage: made by others, or left behind by a network that was removed."""
    with call.read() as tx:
        return _unmanaged(visible_host(tx, call))


@routes.get("/hosts/{host_id}/unmanagednetworks/{network_id}", UnmanagedNetwork, needs=READ)
def get_unmanaged(call: Call[None]) -> UnmanagedNetwork:
    """One of them."""
    for one in list_unmanaged(call):
        if one.id == call.ids["network_id"]:
            return one
    raise NotFoundError(f"The host {call.ids['host_id']} has no such unmanaged network.")


@routes.delete("/hosts/{host_id}/unmanagednetworks/{network_id}", needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def delete_unmanaged(call: Call[None]) -> Later | None:
    """Remove a device that Netweft left behind; other devices are refused."""
    host_id, name = call.ids["host_id"], or_default(get_unmanaged(call).name, "")
    spec = SetupHostNetworks(host_id=host_id, request=SetupRequest(removed_unmanaged=(name,)))
    job_id = when_idle(call, host_id, lambda: call.run(setup_host_networks, call.actor, spec))
    return Later(job_id) if job_id else None
