"""Where the management network of a new host goes: onto the NIC that carries the address at which the engine reaches
the host.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from typing import Literal

from netweft.core.desired import IpAssignment, Method
from netweft.core.errors import HostError
from netweft.core.host import Host, Link, Vlan
from netweft.core.host_request import AttachmentWish, NetworkView, Ref, SetupRequest


def management_attachment(host: Host, network: NetworkView, addresses: Collection[str], name: str) -> SetupRequest:
    """The request that attaches the management network without changing the host's address. Raises HostError when it
    cannot be.

    ``addresses``: those of the host as the engine knows them. A loopback address (an agent on the engine's own
    machine, or a simulated one)
    tells nothing, so the link with the default route is taken then, or the first with an address, or the first.
    """
    link = _link_with(host, addresses)
    if link is None and all(ip_address(address).is_loopback for address in addresses):
        link = _best_link(host)
    if link is None:
        text = (
            f"None of the NICs of Host {name} has its address ({', '.join(sorted(addresses))}), so none can carry "
            "the management network."
        )
        raise HostError(text, code="NETWORK_NOT_FOUND_ON_HOST_NIC")
    base, tag = (link.base, link.tag) if isinstance(link, Vlan) else (link.name, None)
    if tag != network.intent.vlan:
        text = (
            f"The address of Host {name} is on '{link.name}' (VLAN {tag or 'none'}), but the management network"
            f" '{network.name}' has VLAN {network.intent.vlan or 'none'}. Make the two equal."
        )
        raise HostError(text, code="NETWORK_VLAN_DIFFERENT_THAN_MANAGEMENT_NETWORK")
    assignments = tuple(one for one in (_assignment(host, link, 4), _assignment(host, link, 6)) if one)
    if not assignments:
        assignments = (IpAssignment(version=4, method="dhcp"),)
    wish = AttachmentWish(network=Ref(id=network.intent.id), nic=Ref(name=base), assignments=assignments)
    return SetupRequest(attachments=(wish,), commit_on_success=True)


def _link_with(host: Host, addresses: Collection[str]) -> Link | None:
    for link in _candidates(host):
        if any(address.ip in addresses for address in (*link.addresses, *link.dynamic)):
            return link
    return None


def _best_link(host: Host) -> Link | None:
    links = _candidates(host)
    routed = {route.link for route in host.routes if route.is_default}
    return next(
        (link for link in links if link.name in routed),
        next((link for link in links if link.addresses or link.dynamic), links[0] if links else None),
    )


def _candidates(host: Host) -> list[Link]:
    """NICs, bonds and VLAN devices over them, by name."""
    bases = {**host.nics, **host.bonds}
    vlans = {name: vlan for name, vlan in host.vlans.items() if vlan.base in bases}
    return sorted((*bases.values(), *vlans.values()), key=lambda link: link.name)


def _assignment(host: Host, link: Link, version: Literal[4, 6]) -> IpAssignment | None:
    """How the link gets its address of one version; None when it has none."""
    if version == 4 and link.dhcp4:  # noqa: PLR2004 -- IP version
        return IpAssignment(version=4, method="dhcp")
    if version == 6 and (link.dhcp6 or link.autoconf):  # noqa: PLR2004 -- IP version
        method: Method = "poly_dhcp_autoconf" if link.dhcp6 and link.autoconf else "dhcp" if link.dhcp6 else "autoconf"
        static = [address for address in link.addresses if address.version == version]
        if not static and (link.dynamic or link.dhcp6):
            return IpAssignment(version=6, method=method)
    address = next((address for address in link.addresses if address.version == version), None)
    if address is None:
        return None
    gateways = [route.via for route in host.routes if route.link == link.name and route.is_default and route.via]
    gateway = next((via for via in gateways if ip_address(via).version == version), "")
    return IpAssignment(version=version, method="static", address=address.ip, prefix=address.prefix, gateway=gateway)
