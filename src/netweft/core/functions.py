"""Virtual functions of a host's NICs (SR-IOV): whose they are, and which of them may be given to a guest.

The kernel of a guest drives a function itself, so while the guest uses it the host has no NIC for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from netweft.core.host import Host, Nic, VirtualFunction
from netweft.core.interface_cards import is_dynamic


def nics_by_address(host: Host) -> dict[str, Nic]:
    """The NICs that sit on a PCI bus, by their addresses there."""
    return {nic.facts.pci_address: nic for nic in host.nics.values() if nic.facts.pci_address}


def find_function(host: Host, address: str) -> VirtualFunction | None:
    """The virtual function at a PCI address, None if the host has none there."""
    found = (function for nic in host.nics.values() for function in nic.facts.functions)
    return next((function for function in found if function.pci_address == address), None)


def why_in_use(host: Host, function: VirtualFunction, nics: Mapping[str, Nic]) -> str:
    """What keeps a function from being given to a guest, completing "it ..."; empty when nothing does.

    ``nics``: those of the host by their PCI addresses.
    """
    nic = nics.get(function.pci_address)
    if nic is None:
        return "has no NIC on the host: a guest or another driver uses it"
    is_port = nic.master or any(nic.name in port.interfaces for port in host.ovs_ports.values())
    reasons = {
        "is a dynamic vNIC of a virtual interface card, which guests use through a port profile": is_dynamic(nic.facts),
        "shares its IOMMU group with other devices": not function.assignable,
        f"carries a network as {nic.name}": nic.owner or nic.addresses,
        f"is part of a bond or a bridge as {nic.name}": is_port,
        f"has a VLAN device on it as {nic.name}": any(vlan.base == nic.name for vlan in host.vlans.values()),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def free_functions(host: Host, held: Collection[str] = ()) -> dict[str, tuple[str, ...]]:
    """For each NIC with virtual functions the PCI addresses of the free ones, in order.

    ``held``: addresses that are reserved for guests.
    """
    nics = nics_by_address(host)
    return {
        nic.name: tuple(
            function.pci_address
            for function in nic.facts.functions
            if function.pci_address not in held and not why_in_use(host, function, nics)
        )
        for nic in host.nics.values()
        if nic.facts.functions
    }


def why_not_changed(host: Host, name: str, count: int) -> str:
    """What keeps a NIC from having that many virtual functions, a sentence; empty when nothing does."""
    nic = host.nics.get(name)
    if nic is None:
        return f"This host has no NIC {name}."
    if not nic.facts.functions_max:
        return f"NIC {name} does not support SR-IOV."
    if not 0 <= count <= nic.facts.functions_max:
        return f"NIC {name} can have 0 to {nic.facts.functions_max} virtual functions, not {count}."
    if count == len(nic.facts.functions):
        return ""
    nics = nics_by_address(host)
    for function in nic.facts.functions:
        # The count begins anew with none, so that no function may be in use; one without a group of its own may go.
        if reason := why_in_use(host, VirtualFunction(pci_address=function.pci_address), nics):
            return f"Virtual function {function.pci_address} of NIC {name} is in use: it {reason}."
    return ""
