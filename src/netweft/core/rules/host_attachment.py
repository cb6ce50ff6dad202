"""Rules on each attachment that a request adds, changes or removes (oVirt's HostSetupNetworks, groups D and E)."""

from __future__ import annotations

from collections.abc import Collection

from netweft.core.desired_linux import vlan_name
from netweft.core.desired_ovs import ovs_bridge_name
from netweft.core.errors import Problem
from netweft.core.host_labels import ADDRESSED_ROLES
from netweft.core.host_request import HostView, Ref, Resolved
from netweft.core.intent import AttachmentIntent, IpAssignment, network_mtu
from netweft.core.interface_cards import why_only_for_guests
from netweft.core.keep import KEEP
from netweft.core.limits import IPV6_MIN_MTU
from netweft.core.options import bridge_options, bridge_problem, repeated
from netweft.core.rules import provider_network
from netweft.core.rules.fields import name_server
from netweft.core.rules.network import NAME_SERVERS_MAX
from netweft.core.station_addresses import is_host_address, is_no_station_address, is_reached, network_of, parsed


def attachment_exists(host: HostView, attachment_id: str) -> Problem | None:
    """D2: the id of a changed attachment is one of this host's."""
    if not attachment_id or attachment_id in host.attachments:
        return None
    text = f"Host {host.name} has no network attachment with id {attachment_id}. Leave the id out to add a new one."
    return Problem("MODIFIED_NETWORK_ATTACHMENT_DOES_NOT_EXISTS", text)


def network_is_known(host: HostView, one: Resolved) -> Problem | None:
    """D3: the network is given, and exists."""
    if one.network:
        return None
    if one.change.network == Ref():
        text = "A network attachment names no network: give the id or the name of one."
        return Problem("NETWORK_ATTACHMENT_NETWORK_ID_OR_NAME_IS_NOT_SET", text)
    network = one.change.network
    text = f"There is no network '{network}' in the Cluster of Host {host.name}: attach it to the Cluster first."
    code = "NETWORK_HAVING_ID_NOT_EXISTS" if network.id else "NETWORK_HAVING_NAME_NOT_EXISTS"
    return Problem(code, text)


def nic_id_and_name_agree(host: HostView, ref: Ref) -> Problem | None:
    """D4: a NIC given by id and name is one and the same."""
    name = host.nics.get(ref.id, "")
    if not (ref.id and ref.name and name) or name == ref.name:
        return None
    text = f"The NIC with id {ref.id} is called '{name}', not '{ref.name}'. Give only one of the two."
    return Problem("NETWORK_ATTACHMENT_REFERENCES_NICS_INCOHERENTLY", text)


def network_id_and_name_agree(one: Resolved) -> Problem | None:
    """D5: a network given by id and name is one and the same."""
    ref = one.change.network
    if not (one.network and ref.id and ref.name) or one.network.name == ref.name:
        return None
    text = f"The network with id {ref.id} is called '{one.network.name}', not '{ref.name}'. Give only one of the two."
    return Problem("NETWORK_ATTACHMENT_REFERENCES_NETWORK_INCOHERENTLY", text)


def is_not_removed_as_well(one: Resolved, removed: Collection[str]) -> Problem | None:
    """D6: an attachment is not changed and removed by one request."""
    if not one.existing or one.existing.id not in removed:
        return None
    name = one.network.name if one.network else one.existing.id
    text = f"The attachment of network '{name}' is both changed and removed. Do one of the two."
    return Problem("NETWORK_ATTACHMENT_IN_BOTH_LISTS", text)


def nic_is_no_vlan_device(host: HostView, one: Resolved) -> Problem | None:
    """D7: networks are attached to the NIC or bond below a VLAN device; the device is made for them."""
    device = host.report.vlans.get(one.nic)
    if not device:
        return None
    text = (
        f"'{one.nic}' is a VLAN device. Attach the network to '{device.base}' instead; its VLAN device is made for it."
    )
    return Problem("ATTACHMENT_REFERENCE_VLAN_DEVICE", text)


def nic_is_for_hosts(host: HostView, one: Resolved) -> Problem | None:
    """A dynamic NIC of a virtual interface card belongs to guests."""
    text = why_only_for_guests(host.name, host.report, (one.nic,))
    return Problem("ACTION_TYPE_FAILED_NIC_IS_DYNAMIC", text) if text else None


def attachment_is_reused(host: HostView, one: Resolved) -> Problem | None:
    """D8: a network that is attached already is changed through its attachment, not through another one."""
    if not one.network or not (one.change.id or one.change.is_new):
        return None
    present = [a.id for a in host.intent.attachments if a.network_id == one.network.intent.id]
    if not present or (one.change.id in present and not one.change.is_new):
        return None
    text = f"Network '{one.network.name}' is attached to Host {host.name} already: use its attachment {present[0]}."
    return Problem("ATTACHMENT_IS_NOT_REUSED", text)


def network_is_in_cluster(host: HostView, one: Resolved) -> Problem | None:
    """D11: the network is attached to the host's cluster."""
    if not one.network or one.network.in_cluster:
        return None
    text = f"Network '{one.network.name}' is not attached to the Cluster of Host {host.name}. Attach it there first."
    return Problem("NETWORK_NOT_EXISTS_IN_CLUSTER", text)


def network_is_one_of_hosts(one: Resolved) -> Problem | None:
    """D10: no network of a provider is attached to NICs."""
    return (
        provider_network.is_not_for_hosts(one.network.name, is_provided=one.network.is_provided)
        if one.network
        else None
    )


def role_network_has_address(one: Resolved, attachment: AttachmentIntent) -> Problem | None:
    """D12: a network with a role that needs an address has a way to get one."""
    roles = [role for role in ADDRESSED_ROLES if one.network and role in one.network.roles]
    if not (one.network and roles) or any(ip.method != "none" for ip in attachment.assignments):
        return None
    text = (
        f"Network '{one.network.name}' has the role {' and '.join(roles)} in the Cluster, so it needs an address"
        " on the Host: give it a boot protocol (static, dhcp or autoconf) for IPv4 or IPv6."
    )
    return Problem("ACTION_TYPE_FAILED_ROLE_NETWORK_HAS_NO_BOOT_PROTOCOL", text)


def nic_is_given(one: Resolved) -> Problem | None:
    """D13: the attachment names its NIC."""
    if one.change.nic != Ref() or one.existing:
        return None
    text = f"The attachment of network '{one.change.network}' names no NIC: give the id or the name of a NIC or bond."
    return Problem("NETWORK_ATTACHMENT_NIC_NOT_SET", text)


def nic_exists(host: HostView, one: Resolved, new_bonds: Collection[str]) -> Problem | None:
    """D14: the NIC is reported by the host, is a desired bond, or a bond that the request adds."""
    known = {*host.report.nics, *host.report.vlans, *host.bonds, *new_bonds}
    if one.nic in known or (one.change.nic == Ref() and not one.existing):
        return None
    text = f"Host {host.name} has no NIC or bond '{one.nic or one.change.nic}'. It has: {', '.join(sorted(known))}."
    return Problem("HOST_NETWORK_INTERFACE_NOT_EXIST", text)


def network_is_kept(one: Resolved) -> Problem | None:
    """D15: an attachment keeps its network."""
    if not (one.existing and one.network) or one.existing.network_id == one.network.intent.id:
        return None
    text = (
        f"The network of an attachment cannot be changed to '{one.network.name}': remove the attachment and add "
        "another."
    )
    return Problem("CANNOT_CHANGE_ATTACHED_NETWORK", text)


def one_assignment_per_version(name: str, attachment: AttachmentIntent) -> Problem | None:
    """An attachment has at most one configuration for IPv4 and one for IPv6."""
    versions = [ip.version for ip in attachment.assignments]
    if len(versions) == len(set(versions)):
        return None
    text = f"Network '{name}' is given more than one address of one IP version on the Host. Give at most one of each."
    return Problem("NETWORK_ATTACHMENT_MORE_THAN_ONE_IP_ASSIGNMENT", text)


def static_is_complete(name: str, ip: IpAssignment) -> Problem | None:
    """D16: a static configuration has an address and a netmask or prefix."""
    if ip.method != "static" or (ip.address and ip.prefix > 0):
        return None
    what = "an address and a netmask" if ip.version == 4 else "an address and a prefix length"  # noqa: PLR2004 -- IP versions
    text = f"The static IPv{ip.version} configuration of network '{name}' needs {what}."
    return Problem("NETWORK_ATTACHMENT_IP_CONFIGURATION_STATIC_BOOT_PROTOCOL_MISSING_IP_ADDRESS_DETAILS", text)


def only_static_has_address(name: str, ip: IpAssignment) -> Problem | None:
    """D16: any other configuration has neither address nor gateway."""
    if ip.method == "static" or not (ip.address or ip.prefix or ip.gateway):
        return None
    text = (
        f"The IPv{ip.version} configuration of network '{name}' has an address, a netmask or a gateway, which"
        f" '{ip.method}' does not allow. Leave them out or use 'static'."
    )
    return Problem("NETWORK_ATTACHMENT_IP_CONFIGURATION_INCOMPATIBLE_BOOT_PROTOCOL_AND_IP_ADDRESS_DETAILS", text)


def method_fits_version(name: str, ip: IpAssignment) -> Problem | None:
    """D16: IPv4 has no autoconfiguration."""
    if ip.version != 4 or ip.method in {"none", "static", "dhcp"}:  # noqa: PLR2004 -- IP version
        return None
    text = f"Network '{name}': '{ip.method}' is for IPv6 only. Use none, static or dhcp for IPv4."
    return Problem("NETWORK_ATTACHMENT_IP_CONFIGURATION_MISSING_BOOT_PROTOCOL", text)


def address_is_usable(name: str, ip: IpAssignment) -> Problem | None:
    """The address is one that a host can have, of the given version, and so is the prefix."""
    if ip.method != "static":
        return None
    address, net = parsed(ip.address), network_of(ip)
    if address and net and address.version == ip.version and is_host_address(address, net):
        return None
    text = f"Network '{name}': {ip.address}/{ip.prefix} is not an IPv{ip.version} address that a host can have. "
    if ip.version == 4:  # noqa: PLR2004 -- IP version
        text += "Give a unicast address that is neither the subnet's first nor its broadcast address."
    else:
        text += "Give a global or unique local address, not the subnet's first, which is that of all its routers."
    return Problem("NETWORK_ATTACHMENT_ADDRESS_INVALID", text)


def gateway_is_reachable(name: str, ip: IpAssignment) -> Problem | None:
    """The gateway is another station's address in the subnet (or link-local, IPv6): a kernel takes no other.

    oVirt only warns of a gateway outside the subnet, and the host then refuses.
    """
    net = network_of(ip)
    if ip.method != "static" or not ip.gateway or not net:
        return None
    gateway = parsed(ip.gateway)
    if gateway and gateway.version == net.version and gateway != parsed(ip.address) and is_reached(gateway, net):
        return None
    text = f"Network '{name}': the gateway {ip.gateway} is not another station's address in the subnet {net}."
    return Problem("NETWORK_ATTACHMENT_GATEWAY_OUTSIDE_SUBNET", text)


def ipv6_gateway_only_with_default_route(one: Resolved, ip: IpAssignment) -> Problem | None:
    """D16: IPv6 has no routing table per network here, so that only the default-route network has a gateway.

    A gateway from when the network had the role stays when the role moves, and clients may send it back.
    """
    if ip.version != 6 or not ip.gateway or (one.network and "default_route" in one.network.roles):  # noqa: PLR2004
        return None
    if one.existing and _canonical(ip) in map(_canonical, one.existing.assignments):
        return None
    name = one.network.name if one.network else str(one.change.network)
    text = f"Network '{name}' does not have the default route role, so it cannot have an IPv6 gateway. Leave it out."
    return Problem("NETWORK_ATTACHMENT_IPV6_GATEWAY_WITHOUT_DEFAULT_ROUTE", text)


def ipv6_fits_into_mtu(one: Resolved, ip: IpAssignment) -> Problem | None:
    """Every link with IPv6 has an MTU of 1280 at least (RFC 8200, section 5); a kernel refuses IPv6 on any other."""
    if ip.version != 6 or ip.method == "none" or not one.network:  # noqa: PLR2004 -- IP version
        return None
    mtu = network_mtu(one.network.intent)
    if mtu >= IPV6_MIN_MTU:
        return None
    text = (
        f"Network '{one.network.name}' has an MTU of {mtu}, and IPv6 needs {IPV6_MIN_MTU} or more. Leave the IPv6"
        " configuration out, or give the network another MTU."
    )
    return Problem("NETWORK_ATTACHMENT_IPV6_MTU_TOO_SMALL", text)


def bridge_options_only_on_vm_network(one: Resolved, attachment: AttachmentIntent) -> Problem | None:
    """L: the only custom property is ``bridge_opts``, which the kernel has to take; a network without a bridge takes
    none.
    """
    if one.change.properties is KEEP or not one.network:
        return None
    network = one.network.intent
    wrong = sorted(set(attachment.properties) - {"bridge_opts"})
    text = attachment.properties.get("bridge_opts", "")
    options = bridge_options(text)
    problem = bridge_problem(network.host_side_name, options, stp=network.stp)
    if twice := repeated(pair.partition("=")[0] for pair in text.split()):
        problem = f"bridge_opts has {twice} twice"
    if wrong:
        problem = f"there is no custom property {', '.join(wrong)}, only bridge_opts"
    elif options and not network.vm:
        problem = "bridge_opts is for VM networks, which this is not"
    if not problem:
        return None
    reason = f"The custom properties of network '{network.name}' are not valid: {problem}."
    return Problem("ACTION_TYPE_FAILED_NETWORK_CUSTOM_PROPERTIES_BAD_INPUT", reason)


def name_servers_are_valid(one: Resolved, attachment: AttachmentIntent) -> Problem | None:
    """B: one to three resolvers, each once, each an address that the host can query."""
    if one.change.dns is KEEP or not attachment.dns:
        return None
    servers = [name_server(server) for server in attachment.dns]
    nets = [net for ip in attachment.assignments if (net := network_of(ip))]
    usable = all(server and not any(is_no_station_address(server, net) for net in nets) for server in servers)
    if len(servers) <= NAME_SERVERS_MAX and usable and not repeated(map(str, servers)):
        return None
    text = (
        f"The DNS servers {', '.join(attachment.dns)} are not valid: give one to {NAME_SERVERS_MAX} different IP"
        " addresses of servers."
    )
    return Problem("NETWORK_ATTACHMENT_NAME_SERVERS_INVALID", text)


def host_side_name_is_free(host: HostView, one: Resolved, taken: Collection[str] = ()) -> Problem | None:
    """No unmanaged link of the host, and no NIC, has the name of the network's bridge or port, or of a link between
    that and its NIC: a VLAN device, an Open vSwitch bridge. ``taken``: names of what is taken over.
    """
    if not one.network or (one.existing and one.existing.nic == one.nic):
        return None
    network, is_ovs = one.network.intent, host.intent.switch_type == "ovs"
    code = "NETWORK_NAME_USED_BY_LINK_OF_HOST"
    names = host.limits.names - set(taken)
    if (network.vm or is_ovs) and network.host_side_name in names:
        text = (
            f"Network '{network.name}' is called '{network.host_side_name}' on hosts, and Host {host.name} has a link"
            " of that name that Netweft does not manage. Rename one of the two."
        )
        return Problem(code, text)
    below = ovs_bridge_name(one.nic) if is_ovs else "" if network.vlan is None else vlan_name(one.nic, network.vlan)
    if below in names:
        text = (
            f"Network '{network.name}' needs a link called '{below}', and Host {host.name} has a link of that name that"
            " Netweft does not manage. Rename that link."
        )
        return Problem(code, text)
    return None


def removed_attachment_exists(host: HostView, attachment_id: str) -> Problem | None:
    """E: what is removed is there."""
    if attachment_id in host.attachments:
        return None
    text = f"Host {host.name} has no network attachment '{attachment_id}' that could be removed."
    return Problem("NETWORK_ATTACHMENTS_NOT_EXISTS", text)


def management_network_stays(host: HostView, attachment: AttachmentIntent) -> Problem | None:
    """E: the management network is never removed from a host."""
    view = host.networks.get(attachment.network_id)
    if not (view and view.is_management):
        return None
    text = f"The management network '{view.name}' cannot be removed from Host {host.name}. Move or change it instead."
    return Problem("NETWORK_CANNOT_REMOVE_MANAGEMENT_NETWORK", text)


def network_is_not_used_by_guests(host: HostView, attachment: AttachmentIntent) -> Problem | None:
    """E: no running guest of the host has a plugged vNIC on the network."""
    view = host.networks.get(attachment.network_id)
    if not (view and view.users):
        return None
    text = (
        f"Network '{view.name}' is used by running VMs on Host {host.name}: {', '.join(view.users)}. Unplug them first."
    )
    return Problem("NETWORK_CANNOT_DETACH_NETWORK_USED_BY_VMS", text)


def network_in_use_keeps_its_base(host: HostView, one: Resolved) -> Problem | None:
    """In an OVS cluster each base NIC has a bridge of its own, so that a network under running guests cannot move to
    another one.
    """
    if host.intent.switch_type != "ovs" or not (one.existing and one.network and one.network.users):
        return None
    if one.nic == one.existing.nic:
        return None
    text = (
        f"Network '{one.network.name}' cannot move from '{one.existing.nic}' to '{one.nic}' while running VMs use it:"
        f" {', '.join(one.network.users)}. Unplug their vNICs first."
    )
    return Problem("NETWORK_CANNOT_MOVE_NETWORK_USED_BY_VMS", text)


def is_in_sync(
    host: HostView, one: Resolved, attachment: AttachmentIntent, synchronized: Collection[str]
) -> Problem | None:
    """P: differences on the host are synchronized explicitly, before or by the request that changes the attachment."""
    differences = host.differences.get(attachment.id, ())
    if not (one.existing and differences) or attachment.id in synchronized or attachment == one.existing:
        return None
    name = one.network.name if one.network else attachment.id
    text = f"Network '{name}' is not in sync on Host {host.name} and has to be synchronized: {'; '.join(differences)}."
    return Problem("NETWORK_NOT_IN_SYNC", text)


def synchronized_exists(host: HostView, attachment_id: str) -> Problem | None:
    """What is to be put in sync is there."""
    if attachment_id in host.attachments:
        return None
    text = f"Host {host.name} has no network attachment with id {attachment_id} that could be synchronized."
    return Problem("NETWORK_ATTACHMENT_NOT_EXISTS", text)


def _canonical(ip: IpAssignment) -> tuple[object, ...]:
    """The meaning of an assignment, independent of the spelling of its addresses."""
    return ip.version, ip.method, parsed(ip.address), ip.prefix, parsed(ip.gateway)
