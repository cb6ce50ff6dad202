"""What a host has reported as unsupported is refused before it is tried.

Only what a request touches is checked: existing configuration of the host does not block other changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from netweft.core.errors import Problem
from netweft.core.host_request import FinalSet, HostView
from netweft.core.intent import AttachmentIntent, BondIntent, NetworkIntent, SwitchType, effective_qos
from netweft.core.protocol import Ability


def host_can_bond(host: HostView, bond: BondIntent) -> Problem | None:
    """A bond of the kernel needs its module; Open vSwitch has bonds of its own."""
    if host.intent.switch_type == "ovs" or Ability.BONDING not in host.limits.lacks:
        return None
    text = f"The kernel of Host {host.name} has no bonding, so bond {bond.name} cannot be created."
    return Problem("HOST_HAS_NO_BONDING", f"{text} Load the module bonding there, or use a NIC.")


def host_can_tag(host: HostView, attachment: AttachmentIntent) -> Problem | None:
    """A VLAN device needs the kernel's module; Open vSwitch tags frames itself."""
    network = host.networks[attachment.network_id]
    if host.intent.switch_type == "ovs" or network.intent.vlan is None or Ability.VLAN not in host.limits.lacks:
        return None
    text = f"The kernel of Host {host.name} has no VLANs, which network '{network.name}' needs."
    return Problem("HOST_HAS_NO_VLANS", f"{text} Load the module 8021q there.")


def host_has_its_switch(host: HostView, attachment: AttachmentIntent) -> Problem | None:
    """In a cluster that switches with Open vSwitch the host has one, and it runs."""
    if host.intent.switch_type != "ovs" or Ability.OPEN_VSWITCH not in host.limits.lacks:
        return None
    name = host.networks[attachment.network_id].name
    text = f"Network '{name}' cannot be put on Host {host.name}, which has no Open vSwitch, or none that answers."
    return Problem("HOST_HAS_NO_OPEN_VSWITCH", f"{text} Start it there, or install it and start the agent again.")


def nic_can_be_shaped(host: HostView, attachment: AttachmentIntent, final: FinalSet) -> Problem | None:
    """We do not shape a NIC whose traffic other software shapes. Of a bond, Open vSwitch shapes the NICs."""
    network = host.networks[attachment.network_id]
    if effective_qos(attachment, network.intent) is None:
        return None
    names = shaped_links(host.intent.switch_type, attachment.nic, final.bond(attachment.nic))
    shaped = host.limits.shaped_by_others
    others = sorted(f"{name} ({shaped[name]})" for name in names if name in shaped)
    if not others:
        return None
    links = ", ".join(others)
    text = f"The QoS of network '{network.name}' cannot be applied: other software shapes the traffic of {links}."
    return Problem("NIC_HAS_FOREIGN_QUEUEING", f"{text} Remove that on Host {host.name}, or remove the QoS.")


def shaped_links(switch_type: SwitchType, nic: str, bond: BondIntent | None) -> Sequence[str]:
    """Where the traffic of networks on a NIC, or on a bond, is shaped."""
    return bond.slaves if bond and switch_type == "ovs" else (nic,)


def nic_has_ipv6(host: HostView, attachment: AttachmentIntent) -> Problem | None:
    """A network directly on a NIC has IPv6 only where IPv6 is enabled."""
    network, nic = host.networks[attachment.network_id], attachment.nic
    wants = any(ip.version == 6 and ip.method != "none" for ip in attachment.assignments)  # noqa: PLR2004 -- of IP
    if not (wants and nic in host.limits.without_ipv6 and is_directly_on_nic(host.intent.switch_type, network.intent)):
        return None
    text = f"IPv6 is disabled on {nic} of Host {host.name}, so network '{network.name}' cannot use it there."
    return Problem("NIC_HAS_NO_IPV6", f"{text} Set net.ipv6.conf.{nic}.disable_ipv6 to 0 on the host.")


def is_directly_on_nic(switch_type: SwitchType, network: NetworkIntent) -> bool:
    """Whether the network's addresses are on its NIC or bond itself."""
    return switch_type == "legacy" and not network.vm and network.vlan is None
