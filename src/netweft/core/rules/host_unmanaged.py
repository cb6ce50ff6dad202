"""Unmanaged networks of a host, and remains of our own, and the rules on them (oVirt's HostSetupNetworks, group O)."""

from __future__ import annotations

from collections.abc import Mapping

from netweft.core.errors import Problem
from netweft.core.host import Host
from netweft.core.host_request import HostView
from netweft.core.intent import AttachmentIntent
from netweft.core.kept import kept_names


def unmanaged_may_be_removed(host: HostView, name: str) -> Problem | None:
    """O: what is removed as unmanaged is no network of the cluster, exists on the host, and was created by us.

    Unlike oVirt we do not remove what other software created.
    """
    if any(view.in_cluster and name in {view.name, view.intent.host_side_name} for view in host.networks.values()):
        text = f"'{name}' is a network of the Cluster, not an unmanaged one. Remove its attachment instead."
        return Problem("REMOVED_UNMANAGED_NETWORK_IS_A_CLUSTER_NETWORK", text)
    known = {view.intent.host_side_name for view in host.networks.values()}
    left = left_behind(host.report, known | {one.name for one in host.intent.inherited.values()})
    if name in left or name in kept_names(host.report, host.intent.kept):
        return None
    if name in unmanaged_networks(host.report, set(host.bonds)):
        text = f"'{name}' on Host {host.name} was not made by Netweft, which removes only what it made."
        return Problem("UNMANAGED_NETWORK_IS_NOT_OURS", f"{text} Remove it on the host.")
    return Problem("REMOVED_UNMANAGED_NETWORK_DOES_NOT_EXISTS", f"Host {host.name} has no unmanaged network '{name}'.")


def nic_carries_no_unmanaged(
    host: HostView, attachment: AttachmentIntent, unmanaged: Mapping[str, str]
) -> Problem | None:
    """O: no network is put on a NIC that carries an unmanaged one."""
    names = sorted(name for name, nic in unmanaged.items() if nic == attachment.nic)
    if not names:
        return None
    network = host.networks[attachment.network_id].name
    text = (
        f"Network '{network}' cannot be put on '{attachment.nic}', which carries {', '.join(names)}: not made by "
        "Netweft."
    )
    return Problem("NIC_CARRIES_UNMANAGED_NETWORK", f"{text} Remove that on the host, or use another NIC.")


def unmanaged_networks(report: Host, bonds: set[str]) -> dict[str, str]:
    """The unmanaged bridges and VLAN devices over the host's NICs (and ``bonds`` that we may use), each with the NIC
    below.
    """
    bases = set(report.nics) | bonds
    found = {name: vlan.base for name, vlan in report.vlans.items() if not vlan.owner and vlan.base in bases}
    for name, bridge in report.bridges.items():
        ports = report.ports_of(name)
        below = [report.vlans[port].base if port in report.vlans else port for port in ports]
        base = next((base for base in below if base in bases), "")
        if base and not bridge.owner:
            found[name] = base
    for port in report.ovs_ports.values():
        base = next((base for base in port.interfaces if base in bases), "")
        if base and not port.owner and not report.ovs_bridges[port.bridge].owner:
            found[port.bridge] = base
    return found


def left_behind(report: Host, known: set[str]) -> dict[str, str]:
    """Bridges and internal ports that carry our mark but belong to no known network (by its name on hosts), each with
    the link below.
    """
    ours = {name for name, bridge in report.bridges.items() if bridge.owner}
    ours |= {name for name, port in report.ovs_ports.items() if port.owner and port.is_internal and name != port.bridge}
    return {name: next(iter(report.ports_of(name)), "") for name in sorted(ours - known)}
