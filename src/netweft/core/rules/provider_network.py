"""What a network of a provider (oVirt: an external network) may be, and where it may be used.

oVirt's commands: AddNetworkOnProvider, UpdateNetwork, AttachNetworkToCluster, AddVnicProfile, HostSetupNetworks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from netweft.core.errors import Problem

PHYSICAL_NAME_MAX = 64
"""Characters of a physical network's name (Neutron: ``provider:physical_network``)."""

_CANNOT = "EXTERNAL_NETWORK_DETAILS_CANNOT_BE_EDITED"
_ON_PROVIDERS = frozenset({"SecurityGroups"})
"""Custom properties of profiles that only providers support."""
_ON_HOSTS = frozenset({"trunk"})
"""Custom properties of profiles that only networks of hosts support."""


def is_vm_network(name: str, *, vm_network: bool) -> Problem | None:
    """Only guests use it."""
    if vm_network:
        return None
    text = f"Network '{name}' is on a provider, where it is for VMs only. Give it the usage 'vm'."
    return Problem("ACTION_TYPE_FAILED_EXTERNAL_NETWORK_MUST_BE_VM_NETWORK", text)


def has_nothing_of_hosts(name: str, requested: Collection[str]) -> Problem | None:
    """``requested``: the requested settings that only networks of hosts have."""
    if not requested:
        return None
    text = f"Network '{name}' is on a provider, and hosts do not make it, so it cannot have: {', '.join(requested)}."
    return Problem("ACTION_TYPE_FAILED_EXTERNAL_NETWORK_HAS_NO_HOST_PROPERTIES", text)


def provider_takes_networks(provider: str, *, read_only: bool) -> Problem | None:
    """Nothing is made on a provider that is read-only."""
    if not read_only:
        return None
    text = f"Provider '{provider}' is read-only. Import a network that it has, or set read_only of it to false."
    return Problem("PROVIDER_IS_READ_ONLY", text)


def provider_may_be_changed(provider: str, what: str, *, read_only: bool) -> Problem | None:
    """``what``: a network or a subnet that would be made, changed or removed there (``read_only``: nothing may)."""
    if not read_only:
        return None
    text = f"{what} cannot change on provider '{provider}', which is read-only. Set read_only of it to false first."
    return Problem("PROVIDER_IS_READ_ONLY", text)


def vlan_is_of_physical_network(name: str, *, vlan: bool, physical: bool) -> Problem | None:
    """It is in the VLAN of the physical network that it is on, or in none."""
    if not vlan:
        return None
    text = (
        f"Network '{name}' gets the VLAN of its physical network. Leave the VLAN out."
        if physical
        else f"Network '{name}' is on a provider: name a physical network for the VLAN, or leave the VLAN out."
    )
    return Problem("ACTION_TYPE_FAILED_EXTERNAL_NETWORK_WITH_VLAN_MUST_BE_CUSTOM", text)


def physical_name_is_valid(physical_name: str, *, is_linked: bool) -> Problem | None:
    """The provider's name of a wire (empty: none), where no network of hosts is named for it (``is_linked``)."""
    if not physical_name:
        return None
    if is_linked:
        text = f"Two physical networks are named: a network of hosts, and '{physical_name[:60]}'. Name one."
        return Problem("ACTION_TYPE_FAILED_PHYSICAL_NETWORK_NAMED_TWICE", text)
    if len(physical_name) > PHYSICAL_NAME_MAX or not physical_name.isprintable():
        text = f"'{physical_name[:60]}' is no name of a physical network. Give the one that the provider has for it."
        return Problem("ACTION_TYPE_FAILED_PHYSICAL_NETWORK_NAME_INVALID", text)
    return None


def physical_network_needs_provider(name: str, *, is_given: bool) -> Problem | None:
    """A network of hosts is on no physical network."""
    if not is_given:
        return None
    text = (
        f"Network '{name}' is one of hosts, which have it on their NICs. Name a provider too, or no physical network."
    )
    return Problem("ACTION_TYPE_FAILED_PHYSICAL_NETWORK_NEEDS_EXTERNAL_PROVIDER", text)


def physical_network_is_native(physical: str, *, is_provided: bool) -> Problem | None:
    """A physical network is one that hosts have."""
    if not is_provided:
        return None
    text = f"The physical network '{physical}' is on a provider itself. Name one that hosts have."
    return Problem("ACTION_TYPE_FAILED_PHYSICAL_NETWORK_IS_EXTERNAL", text)


def details_are_kept(name: str, changed: Collection[str]) -> Problem | None:
    """``changed``: what would change that a provider has for good, or that hosts do."""
    if not changed:
        return None
    return Problem(_CANNOT, f"Network '{name}' is on a provider: these cannot change: {', '.join(changed)}.")


def provider_is_kept(name: str, before: str | None, after: str | None) -> Problem | None:
    """A network stays where it was made."""
    if before == after:
        return None
    return Problem(_CANNOT, f"Network '{name}' stays where it is: its provider cannot change. Add a network instead.")


def import_is_kept(name: str, changed: Collection[str]) -> Problem | None:
    """What was imported is changed where it was made. ``changed``: what the provider would have to change."""
    if not changed:
        return None
    text = (
        f"Network '{name}' was imported, so Netweft does not change it on its provider: {', '.join(changed)}. "
        "Change it there."
    )
    return Problem(_CANNOT, text)


def is_not_labelled(name: str, *, is_provided: bool) -> Problem | None:
    """Labels put networks on hosts' NICs."""
    if not is_provided:
        return None
    text = f"Network '{name}' is on a provider, and is not attached to NICs of hosts, so it cannot have a label."
    return Problem("ACTION_TYPE_FAILED_EXTERNAL_NETWORK_CANNOT_BE_LABELED", text)


def is_optional(name: str, *, required: bool) -> Problem | None:
    """No cluster requires it: hosts do not have it by themselves."""
    if not required:
        return None
    text = f"Network '{name}' is on a provider, so a cluster cannot require it of hosts. Attach it as not required."
    return Problem("ACTION_TYPE_FAILED_EXTERNAL_NETWORK_CANNOT_BE_REQUIRED", text)


def has_no_role(name: str, roles: Collection[str]) -> Problem | None:
    """``roles``: those that it would have in a cluster; hosts have no address on it."""
    if not roles:
        return None
    text = f"Network '{name}' is on a provider, where hosts have no address, so it cannot be: {', '.join(roles)}."
    return Problem("ACTION_TYPE_FAILED_EXTERNAL_NETWORK_CANNOT_HAVE_ROLES", text)


def is_not_for_hosts(name: str, *, is_provided: bool) -> Problem | None:
    """Its provider brings it to hosts."""
    if not is_provided:
        return None
    text = f"Network '{name}' is on a provider, which connects hosts to it by itself. It is not attached to NICs."
    return Problem("EXTERNAL_NETWORK_HAVING_NAME_CANNOT_BE_PROVISIONED", text)


def profile_suits_provider(
    profile: str, *, passthrough: bool, port_mirroring: bool, properties: Mapping[str, str]
) -> Problem | None:
    """What the hosts' own switch does, and a provider's does not."""
    requested = [name for name in sorted(properties) if name in _ON_HOSTS and properties[name]]
    requested += ["port_mirroring"] * port_mirroring + ["pass_through"] * passthrough
    if not requested:
        return None
    text = f"vNIC profile '{profile}' is of a network on a provider, where it cannot have: {', '.join(requested)}."
    return Problem("ACTION_TYPE_FAILED_EXTERNAL_NETWORK_CANNOT_HAVE_PROFILE_PROPERTIES", text)


def profile_suits_hosts(profile: str, properties: Mapping[str, str]) -> Problem | None:
    """What a provider does, and the hosts' own switch does not."""
    requested = [name for name in sorted(properties) if name in _ON_PROVIDERS and properties[name]]
    if not requested:
        return None
    text = f"vNIC profile '{profile}' is of a network that hosts have, where it cannot have: {', '.join(requested)}."
    return Problem("ACTION_TYPE_FAILED_PROFILE_PROPERTIES_NEED_EXTERNAL_NETWORK", text)


def failover_is_native(network: str, *, is_provided: bool) -> Problem | None:
    """What takes over for a virtual function is plugged into the hosts' own switch."""
    if not is_provided:
        return None
    text = f"Network '{network}' of the failover profile is on a provider. Name a profile of a network of hosts."
    return Problem("ACTION_TYPE_FAILED_FAILOVER_VNIC_PROFILE_NOT_SUPPORTED_WITH_EXTERNAL_NETWORK", text)


def is_not_rewired(vnic: str, *, rewired: bool, is_provided: bool) -> Problem | None:
    """A vNIC of a running guest changes between networks, of which one is a provider's, only while it is unplugged."""
    if not (rewired and is_provided):
        return None
    text = f"vNIC '{vnic}' is plugged into a running VM, and one of the networks is on a provider. Unplug it first."
    return Problem("EXTERNAL_NETWORK_CANNOT_BE_REWIRED", text)


def physical_network_is_unused(name: str, users: Collection[str]) -> Problem | None:
    """``users``: the networks of providers that are on it."""
    if not users:
        return None
    text = f"Network '{name}' is the physical network of these networks on providers: {', '.join(users)}."
    return Problem("ACTION_TYPE_FAILED_NETWORK_IS_PHYSICAL_NETWORK", text)


def provider_is_unused(provider: str, networks: Collection[str], left: int) -> Problem | None:
    """``networks``: that are on it; ``left``: how much is still to be removed from it."""
    if networks:
        text = f"Provider '{provider}' has these networks: {', '.join(networks)}. Remove them first."
        return Problem("ACTION_TYPE_FAILED_PROVIDER_IN_USE", text)
    if left:
        text = (
            f"{left} object(s) are still to be removed from provider '{provider}'. Remove it when that is done, or by"
            " force if it is gone for good."
        )
        return Problem("ACTION_TYPE_FAILED_PROVIDER_IN_USE", text)
    return None


def is_not_imported(external_id: str, network: str) -> Problem | None:
    """``network``: that it is already in the data centre, or was made there for; empty for none."""
    if not network:
        return None
    text = f"Network {external_id} of the provider is here already, as '{network}'."
    return Problem("ACTION_TYPE_FAILED_EXTERNAL_NETWORK_ALREADY_EXISTS", text)
