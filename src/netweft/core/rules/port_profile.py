"""When a fabric may carry a network, and which technologies a cluster may have.

"Integrating UCSM into oVirt" of oVirt's feature page on network management; oVirt has no such commands.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from netweft.core.errors import Problem
from netweft.core.rules.fields import listed

QOS_POLICY_MAX = 16
"""Characters of a QoS policy's name (UCS Manager: epqosDefinition.name)."""
FABRIC_MTU_MIN, FABRIC_MTU_MAX = 1500, 9216
"""The largest MTU in octets of a traffic class (UCS Manager: qosclassEthBE.mtu)."""
_QOS_POLICY = re.compile(rf"[-.:_a-zA-Z0-9]{{0,{QOS_POLICY_MAX}}}")


def network_is_for_guests(name: str, *, vm_network: bool) -> Problem | None:
    """Only VM networks have port profiles."""
    if vm_network:
        return None
    text = f"Only VM networks have port profiles, and '{name}' is none. Give it the usage 'vm', or no port profile."
    return Problem("ACTION_TYPE_FAILED_PORT_PROFILE_NEEDS_VM_NETWORK", text)


def network_is_of_hosts(name: str, *, is_provided: bool) -> Problem | None:
    """What a provider of networks has is no matter of a fabric."""
    if not is_provided:
        return None
    text = f"Network '{name}' is on a provider of networks, which carries it. It can have no port profile."
    return Problem("ACTION_TYPE_FAILED_PORT_PROFILE_OF_EXTERNAL_NETWORK", text)


def network_has_vlan(name: str, vlan_id: int | None) -> Problem | None:
    """A fabric distinguishes networks by their VLANs."""
    if vlan_id is not None:
        return None
    text = f"Network '{name}' has no VLAN, so a fabric cannot distinguish it from others. Give it one first."
    return Problem("ACTION_TYPE_FAILED_PORT_PROFILE_NEEDS_VLAN", text)


def qos_policy_is_valid(name: str) -> Problem | None:
    """Empty, or a name as UCS Manager has it."""
    if _QOS_POLICY.fullmatch(name):
        return None
    text = f"'{name[:40]}' is no name of a QoS policy: 1 to {QOS_POLICY_MAX} letters, digits and any of - . : _"
    return Problem("VALIDATION_PORT_PROFILE_QOS_POLICY_INVALID", text)


def network_has_no_profile(network: str, provider: str, *, is_there: bool) -> Problem | None:
    """One for each provider."""
    if not is_there:
        return None
    text = f"Network '{network}' has a port profile of provider '{provider}' already. Change that one."
    return Problem("ACTION_TYPE_FAILED_PORT_PROFILE_ALREADY_EXISTS", text)


def network_has_one_technology(network: str, added: str, present: Collection[str]) -> Problem | None:
    """``added``: the type of the provider that would carry the network, ``present``: of those that do."""
    others = sorted(set(present) - {added})
    if not others:
        return None
    text = (
        f"Network '{network}' is carried by {listed(others)}, and a network has one technology. Remove it there first."
    )
    return Problem("ACTION_TYPE_FAILED_NETWORK_MIXES_FABRICS", text)


def cluster_has_one_technology(
    cluster: str, network: str, added: Collection[str], present: Collection[str]
) -> Problem | None:
    """Besides networks of hosts a cluster has those of one fabric technology, since a guest's NIC supports only one.
    ``added``: the types of the providers that carry the network; ``present``: of those that carry others of the
    cluster.
    """
    if not added or not present or set(added) == set(present):
        return None
    text = (
        f"Networks of cluster '{cluster}' are carried by {listed(sorted(present))}, network '{network}' by"
        f" {listed(sorted(added))}, and a cluster has one technology beside networks of hosts. Use another cluster."
    )
    return Problem("ACTION_TYPE_FAILED_CLUSTER_MIXES_FABRICS", text)


def profile_is_unused(network: str, vms: Collection[str]) -> Problem | None:
    """``vms``: names of those that have dynamic vNICs on the network, which would lose it."""
    if not vms:
        return None
    text = (
        f"VMs use network '{network}' through this port profile: {listed(vms)}. Unplug these vNICs, or stop"
        " the machines."
    )
    return Problem("ACTION_TYPE_FAILED_PORT_PROFILE_IN_USE", text)


def vnic_comes_onto_card(vnic_network: str, *, carried: bool) -> Problem | None:
    """A vNIC that is plugged in does not become a dynamic vNIC. ``carried``: whether its host has the network it shall
    come onto by a fabric.
    """
    if not carried:
        return None
    text = f"The host has network '{vnic_network}' only through its fabric. Unplug the vNIC, change it, and plug it in."
    return Problem("ACTION_TYPE_FAILED_VNIC_IS_ON_INTERFACE_CARD", text)


def vnic_stays_on_card(vnic: str, *, rewired: bool, on_card: bool) -> Problem | None:
    """What a guest has of a virtual interface card stays as it was plugged in."""
    if not (rewired and on_card):
        return None
    text = (
        f"vNIC '{vnic}' is a dynamic vNIC of its host's virtual interface card. Unplug it, change it, and plug it in."
    )
    return Problem("ACTION_TYPE_FAILED_VNIC_IS_ON_INTERFACE_CARD", text)


def vnic_suits_card(vnic: str, host: str, obstacle: str) -> Problem | None:
    """What a dynamic vNIC cannot have. ``obstacle``: what of it the vNIC has, empty for nothing; ``host``: which has
    the network only through its fabric.
    """
    if not obstacle:
        return None
    text = (
        f"Host {host} has the network of vNIC '{vnic}' only through its fabric, which does not support this: it has"
        f" {obstacle}."
    )
    return Problem("VAR__DETAIL__NOT_ON_DYNAMIC_VNIC", text)


def host_has_dynamic_vnic(vnic: str, host: str, *, found: bool) -> Problem | None:
    """A running guest gets a vNIC on a network of a fabric while its host has a dynamic vNIC for it."""
    if found:
        return None
    text = f"Host {host}, where the VM runs, has 0 free dynamic vNICs for vNIC '{vnic}' on a network of its fabric."
    return Problem("VAR__DETAIL__NO_FREE_DYNAMIC_VNIC", text)


def vnics_may_migrate(vm: str, vnics: Collection[str]) -> Problem | None:
    """``vnics``: names of the dynamic vNICs that the guest drives directly, so that they cannot migrate."""
    if not vnics:
        return None
    text = (
        f"VM {vm} drives these dynamic vNICs directly, as their port profile has high performance or their fabric is"
        f" InfiniBand: {listed(sorted(vnics))}. Unplug them first."
    )
    return Problem("ACTION_TYPE_FAILED_MIGRATION_OF_HIGH_PERFORMANCE_VNICS", text)


def fabric_is_registered_once(other: str) -> Problem | None:
    """One system has one set of port profiles. ``other``: the provider that has the address already, empty for none."""
    if not other:
        return None
    return Problem(
        "ACTION_TYPE_FAILED_PROVIDER_ADDRESS_IN_USE", f"Provider '{other}' has this address already. Use that one."
    )


def fabric_carries_nothing(provider: str, networks: Collection[str]) -> Problem | None:
    """``networks``: names of those that have a port profile there."""
    if not networks:
        return None
    text = f"Provider '{provider}' carries these networks: {listed(networks)}. Remove their port profiles first."
    return Problem("ACTION_TYPE_FAILED_PROVIDER_IN_USE", text)


def mtu_can_be_raised(mtu: int) -> Problem | None:
    """To what fabrics have."""
    if FABRIC_MTU_MIN <= mtu <= FABRIC_MTU_MAX:
        return None
    text = f"A class of traffic has an MTU from {FABRIC_MTU_MIN} to {FABRIC_MTU_MAX}, not {mtu}."
    return Problem("VALIDATION_FABRIC_MTU_INVALID", text)


def interruption_is_accepted(provider: str, *, accepted: bool) -> Problem | None:
    """Nobody interrupts a fabric by accident."""
    if accepted:
        return None
    text = (
        f"This interrupts all traffic of fabric '{provider}', others' as well. Ask for the plan, which names what that"
        " is, and then accept it (interrupts_fabric; --interrupt-fabric)."
    )
    return Problem("ACTION_TYPE_FAILED_FABRIC_WOULD_BE_INTERRUPTED", text)
