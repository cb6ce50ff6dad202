"""Where the management network of a new host is attached: where the address is at which the engine reaches the host.

That may be a NIC or a bond, a VLAN device over one, or our links over these: a Linux bridge, or an internal port of
Open vSwitch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from ipaddress import ip_address
from typing import Literal

from netweft.core.errors import HostError
from netweft.core.host import MARK, Host, Link, Nic, OvsPort, Vlan
from netweft.core.host_request import AttachmentChange, NetworkView, Ref, SetupRequest
from netweft.core.intent import IpAssignment, Method
from netweft.core.kept import SHARED


def management_attachment(host: Host, network: NetworkView, addresses: Collection[str], name: str) -> SetupRequest:
    """The request that attaches the management network without changing the host's address. Raises HostError when that
    is impossible.

    ``addresses``: those of the host that the engine uses. None, or a loopback address (an agent on the engine's own
    machine), identify no link, so the link with the default route is used, or the first with an address, or the first.
    A network of another engine in that place is removed.
    """
    link = management_link(host, addresses)
    if link is None:
        text = (
            f"None of the NICs of Host {name}, nor a bridge over one, has its address"
            f" ({', '.join(sorted(addresses))}), so none can carry the management network."
        )
        raise HostError(text, code="NETWORK_NOT_FOUND_ON_HOST_NIC")
    check_vlan(host, link, network, name)
    _check_is_ours(host, link, name)
    assignments = tuple(one for one in (_assignment(host, link, 4), _assignment(host, link, 6)) if one)
    if not assignments:
        assignments = (IpAssignment(version=4, method="dhcp"),)
    base, _ = _stands_on(host, link)
    change = AttachmentChange(network=Ref(id=network.intent.id), nic=Ref(name=base), assignments=assignments)
    is_anothers = link.owner not in {"", SHARED, network.intent.id} and link.name != network.intent.host_side_name
    gone = (link.name,) if is_anothers else ()
    return SetupRequest(attachments=(change,), removed_unmanaged=gone, commit_on_success=True)


def management_link(host: Host, addresses: Collection[str]) -> Link | None:
    """The link at which the engine reaches the host, None when it has none of the addresses; by the host's routes when
    there are none but loopback addresses.
    """
    links = [link for link in _candidates(host) if _stands_on(host, link)[0]]
    for link in links:
        if any(address.ip in addresses for address in (*link.addresses, *link.dynamic)):
            return link
    if not all(ip_address(address).is_loopback for address in addresses):
        return None
    links = [link for link in links if not _foreign(host, link)]
    routed = {route.link for route in host.routes if route.is_default}
    return next(
        (link for link in links if link.name in routed),
        next((link for link in links if link.addresses or link.dynamic), links[0] if links else None),
    )


def check_vlan(host: Host, link: Link, network: NetworkView, name: str) -> None:
    """Raise HostError when the management network has another VLAN than the link with the host's address."""
    _, tag = _stands_on(host, link)
    if tag == network.intent.vlan:
        return
    text = (
        f"The address of Host {name} is on '{link.name}' (VLAN {tag or 'none'}), but the management network"
        f" '{network.name}' has VLAN {network.intent.vlan or 'none'}. Make the two equal."
    )
    raise HostError(text, code="NETWORK_VLAN_DIFFERENT_THAN_MANAGEMENT_NETWORK")


def _check_is_ours(host: Host, link: Link, name: str) -> None:
    """Raise HostError when the address is on a link that we do not manage: we must not change it, and cannot create a
    second bridge on its NIC.
    """
    foreign = _foreign(host, link)
    if not foreign:
        return
    base, _ = _stands_on(host, link)
    given = "; ".join(f"ip link set dev {one} alias {MARK}{SHARED}" for one in foreign)
    hand_over = f", or hand it over by running on the host: {given}" if not isinstance(link, OvsPort) else ""
    text = (
        f"The address of Host {name} is on '{link.name}' over {base}, but Netweft does not manage"
        f" {', '.join(foreign)}. Put the address on the NIC itself{hand_over}. Then activate the Host."
    )
    raise HostError(text, code="MANAGEMENT_ADDRESS_ON_UNMANAGED_LINK")


def _foreign(host: Host, link: Link) -> list[str]:
    """The unmanaged links among a link and those below it."""
    return [one.name for one in _stack(host, link) if not isinstance(one, Nic) and not one.owner]


def _stack(host: Host, link: Link) -> Iterator[Link]:
    """A link and those below it, down to NICs."""
    links = host.links()
    yield link
    lower = [link.base] if isinstance(link, Vlan) else host.ports_of(link.name)
    for name in lower:
        if name in links:
            yield from _stack(host, links[name])


def _stands_on(host: Host, link: Link) -> tuple[str, int | None]:
    """The NIC or bond below a link (empty: none) and its VLAN there."""
    if link.name in host.nics or link.name in host.bonds:
        return link.name, None
    if isinstance(link, Vlan):
        return (link.base if link.base in host.nics or link.base in host.bonds else ""), link.tag
    if isinstance(link, OvsPort):
        uplinks = [port for port in host.ovs_ports.values() if port.bridge == link.bridge and port.interfaces]
        names = [port.name if len(port.interfaces) > 1 else port.interfaces[0] for port in uplinks]
        return min(names, default=""), link.tag
    links = host.links()
    below = [_stands_on(host, links[port]) for port in host.ports_of(link.name)]
    return next((one for one in below if one[0]), ("", None))


def _candidates(host: Host) -> list[Link]:
    """All links, by name; ports of other links come last, as they normally have no address."""
    return sorted(host.links().values(), key=lambda link: (bool(link.master), link.name))


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
