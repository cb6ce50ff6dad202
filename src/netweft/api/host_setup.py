"""Requests for a host's networks as parameters of commands, and waiting for a busy host."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

from msgspec import UnsetType

from netweft.api.routes import Call
from netweft.api.schema import Entity, or_default
from netweft.api.types import (
    Action,
    DnsResolverConfiguration,
    HostNic,
    Ip,
    IpAddressAssignment,
    NetworkAttachment,
    Property,
    Qos,
)
from netweft.api.values import by_name
from netweft.core.errors import BusyError, MalformedError
from netweft.core.host_request import CONNECTIVITY_TIMEOUT, AttachmentChange, BondChange, LabelChange, Ref, SetupRequest
from netweft.core.intent import HostQos, IpAssignment
from netweft.core.keep import KEEP, Keep
from netweft.core.rules.fields import netmask_prefix
from netweft.engine.operations.host_changes import IN_PROGRESS, key_of
from netweft.engine.queue import busy_with, wait_for

PATIENCE = 20.0
"""Seconds that a request waits for another change of the same host to end (oVirt: SetupNetworksWaitTimeoutSeconds)."""

_POLL_INTERVAL = 0.2


def setup_request(action: Action) -> SetupRequest:
    """The request that a ``setupnetworks`` action makes. Raises MalformedError."""
    return SetupRequest(
        attachments=tuple(attachment_change(one) for one in or_default(action.modified_network_attachments, [])),
        removed=tuple(_removed(one) for one in or_default(action.removed_network_attachments, [])),
        synchronized=tuple(or_default(one.id, "") for one in or_default(action.synchronized_network_attachments, [])),
        bonds=tuple(bond_change(one) for one in or_default(action.modified_bonds, [])),
        removed_bonds=tuple(ref_of(one) for one in or_default(action.removed_bonds, [])),
        labels=tuple(
            LabelChange(label=or_default(one.id, ""), nic=ref_of(one.host_nic))
            for one in or_default(action.modified_labels, [])
        ),
        removed_labels=tuple(or_default(one.id, "") for one in or_default(action.removed_labels, [])),
        check_connectivity=or_default(action.check_connectivity, True),
        connectivity_timeout=or_default(action.connectivity_timeout, CONNECTIVITY_TIMEOUT),
        commit_on_success=or_default(action.commit_on_success, False),
    )


def ref_of(entity: Entity | UnsetType) -> Ref:
    """The reference in a request: id, name, both or nothing."""
    if isinstance(entity, UnsetType):
        return Ref()
    return Ref(id=or_default(entity.id, ""), name=or_default(entity.name, ""))


def _removed(attachment: NetworkAttachment) -> Ref:
    if not isinstance(attachment.id, UnsetType):
        return Ref(id=attachment.id)
    return Ref(name=ref_of(attachment.network).name)


def attachment_change(attachment: NetworkAttachment) -> AttachmentChange:
    """The change of an attachment in a request. Raises MalformedError."""
    return AttachmentChange(
        id=or_default(attachment.id, ""),
        network=ref_of(attachment.network),
        nic=ref_of(attachment.host_nic),
        assignments=_assignments(attachment.ip_address_assignments),
        properties=_properties(attachment.properties),
        dns=_resolvers(attachment.dns_resolver_configuration),
        qos=_own_qos(attachment.qos),
    )


def bond_change(nic: HostNic) -> BondChange:
    """The change of a bond in a request."""
    if isinstance(nic.bonding, UnsetType):
        return BondChange(bond=ref_of(nic))
    options: dict[str, str] | Keep = KEEP
    if not isinstance(nic.bonding.options, UnsetType):
        pairs = [(or_default(one.name, ""), or_default(one.value, "")) for one in nic.bonding.options]
        options = by_name("option of a bond", pairs)
    slaves: tuple[Ref, ...] | Keep = KEEP
    if not isinstance(nic.bonding.slaves, UnsetType):
        slaves = tuple(ref_of(slave) for slave in nic.bonding.slaves)
    return BondChange(bond=ref_of(nic), slaves=slaves, options=options)


def _assignments(given_ones: list[IpAddressAssignment] | UnsetType) -> tuple[IpAssignment, ...] | Keep:
    return KEEP if isinstance(given_ones, UnsetType) else tuple(_assignment(one) for one in given_ones)


def _assignment(one: IpAddressAssignment) -> IpAssignment:
    ip = Ip() if isinstance(one.ip, UnsetType) else one.ip
    version: Literal[4, 6] = 6 if _version(ip) == "v6" else 4
    method = or_default(one.assignment_method, "none")
    if version == 6 and or_default(ip.gateway, "") == "::":  # noqa: PLR2004 -- IP version; "::" is how VDSM writes no gateway
        ip.gateway = ""
    return IpAssignment(
        version=version,
        method=method,  # type: ignore[arg-type]  # the API's choices are these very words
        address=or_default(ip.address, ""),
        prefix=prefix_of(or_default(ip.netmask, "")),
        gateway=or_default(ip.gateway, ""),
    )


def _version(ip: Ip) -> str:
    """The given version, else that of the address, else 4."""
    return or_default(ip.version, "v6" if ":" in or_default(ip.address, "") else "v4")


def prefix_of(netmask: str) -> int:
    """The length of a netmask given as ``255.255.255.0`` or as ``24``; 0 for none. Raises MalformedError."""
    if not netmask:
        return 0
    if netmask.isascii() and netmask.isdigit() and len(netmask) <= 3:  # noqa: PLR2004 -- digits of 128
        return int(netmask)
    prefix = netmask_prefix(netmask)
    if prefix is None:
        raise MalformedError(f"'{netmask[:60]}' is no netmask: give 255.255.255.0 or 24.")
    return prefix


def _properties(properties: list[Property] | UnsetType) -> dict[str, str] | Keep:
    if isinstance(properties, UnsetType):
        return KEEP
    return by_name("custom property", [(or_default(one.name, ""), or_default(one.value, "")) for one in properties])


def _own_qos(qos: Qos | UnsetType) -> HostQos | None | Keep:  # noqa: RUF036 -- read as said
    """An attachment's own QoS by its limits (oVirt: AnonymousHostNetworkQos); without any, the network's serves.

    Raises MalformedError for the id of a QoS, which only networks have.
    """
    if isinstance(qos, UnsetType):
        return KEEP
    limits = HostQos(
        link_share=or_default(qos.outbound_average_linkshare, None),
        upper_limit=or_default(qos.outbound_average_upperlimit, None),
        real_time=or_default(qos.outbound_average_realtime, None),
    )
    if limits != HostQos():
        return limits
    if or_default(qos.id, ""):
        raise MalformedError("The qos of an attachment has limits and no id: give a qos with an id to the network.")
    return None


def _resolvers(dns: DnsResolverConfiguration | UnsetType) -> tuple[str, ...] | None | Keep:  # noqa: RUF036 -- read as said
    if isinstance(dns, UnsetType):
        return KEEP
    return tuple(or_default(dns.name_servers, [])) or None


def when_idle(call: Call[Any], host_id: str, command: Callable[[], Any]) -> Any:  # noqa: ANN401 -- what the command returns
    """Run a command on a host's networks, after another change of them in progress has ended.

    Raises BusyError when that takes too long, and whatever the command raises.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return command()
        except BusyError as error:
            left = deadline - time.monotonic()
            if error.code != IN_PROGRESS or left <= 0:
                raise
            with call.read() as tx:
                job_id = busy_with(tx, key_of(host_id))
            if job_id is None:  # it has just ended, or nobody knows how it ended until the host reports
                time.sleep(_POLL_INTERVAL)
            else:
                wait_for(call.db, job_id, left)
