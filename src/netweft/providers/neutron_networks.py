"""Networks and subnets in a Neutron."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from netweft.core.addresses import AddressRange, given_out
from netweft.providers.contract import NetworkSpec, ProviderNetwork, ProviderSubnet, RefusedError, SubnetSpec
from netweft.providers.neutron_api import NeutronApi, changes, marked, on_network, split_mark
from netweft.providers.neutron_errors import translated

_STATEFUL = "dhcpv6-stateful"
"""How guests get an IPv6 address of our choice: router advertisements and DHCP both say so."""


class NeutronNetworks(NeutronApi):
    """What the contract says of networks and subnets."""

    def networks(self) -> Sequence[ProviderNetwork]:
        """All networks."""
        made = [self._as_network(one) for one in self._list(self._network.networks)]
        return sorted(made, key=lambda one: (one.name, one.id))

    def ensure_network(self, spec: NetworkSpec) -> ProviderNetwork:
        """Have a network."""
        network = self._network
        values = self._network_values(spec)
        found = self._ensured(
            lambda: self._ours(network.networks, spec.id),
            lambda: network.create_network(**values, **_wire(spec), project_id=self._project),
            network.delete_network,
            spec.id,
        )
        current = self._as_network(found)
        if (current.physical_network, current.vlan_id) != (spec.physical_network, spec.vlan_id):
            raise RefusedError(
                f"The network {spec.name} is on {_described(current)} there, and cannot come to {_described(spec)}."
            )
        changed = translated(changes, found, values)
        return self._as_network(translated(network.update_network, found.id, **changed)) if changed else current

    def remove_network(self, owner: str) -> None:
        """Have no such network. Neutron removes its subnets with it."""
        for one in self._ours(self._network.networks, owner):
            translated(self._network.delete_network, one.id)

    def subnets(self, network_id: str) -> Sequence[ProviderSubnet]:
        """All subnets of a network."""
        translated(self._network.get_network, network_id)
        made = [self._as_subnet(one) for one in self._list(self._network.subnets, network_id=network_id)]
        return sorted(made, key=lambda one: (one.name, one.id))

    def ensure_subnet(self, spec: SubnetSpec) -> ProviderSubnet:
        """Have a subnet."""
        network = self._network
        translated(network.get_network, spec.network_id)
        values = _subnet_values(spec)
        found = self._ensured(
            lambda: on_network(spec.network_id, self._ours(network.subnets, spec.id)),
            lambda: network.create_subnet(**values, **_place(spec), project_id=self._project),
            network.delete_subnet,
            spec.id,
        )
        for other in self._ours(network.subnets, spec.id):
            if other.network_id != spec.network_id:
                self._give_up(other)
        if ip_network(found.cidr) != ip_network(spec.cidr):
            raise RefusedError(f"The subnet {spec.name} has the addresses {found.cidr} there, which cannot change.")
        if _says_modes(spec) and not found.ipv6_address_mode:
            raise RefusedError(f"Neutron cannot begin DHCP in the IPv6 subnet {spec.name}, which was made without.")
        changed = translated(changes, found, values)
        return self._as_subnet(translated(network.update_subnet, found.id, **changed) if changed else found)

    def remove_subnet(self, owner: str) -> None:
        """Have no such subnet."""
        for one in self._ours(self._network.subnets, owner):
            translated(self._network.delete_subnet, one.id)

    def _give_up(self, subnet: Any) -> None:  # noqa: ANN401 - a type that the library keeps to itself
        """Remove the subnet from a network that was ours before its mark was removed. Where ports still use it, it
        stays, and is theirs as the network is.
        """
        try:
            translated(self._network.delete_subnet, subnet.id)
        except RefusedError:
            translated(self._network.update_subnet, subnet.id, description="")

    def _network_values(self, spec: NetworkSpec) -> dict[str, Any]:
        """What may change of a network."""
        values: dict[str, Any] = {"name": spec.name, "description": marked(spec.description, spec.id)}
        if spec.mtu:
            values["mtu"] = spec.mtu
        if "port-security" in self._extensions:
            values["is_port_security_enabled"] = spec.port_security
        return values

    def _as_network(self, one: Any) -> ProviderNetwork:  # noqa: ANN401 - a type that the library keeps to itself
        return ProviderNetwork(
            id=one.id,
            name=one.name or "",
            description=split_mark(one.description)[0],
            mtu=one.mtu or 0,
            owner=self._owner(one),
            physical_network=one.provider_physical_network or "",
            vlan_id=one.provider_segmentation_id if one.provider_network_type == "vlan" else None,
        )

    def _as_subnet(self, one: Any) -> ProviderSubnet:  # noqa: ANN401 - the same
        return ProviderSubnet(
            id=one.id,
            name=one.name or "",
            description=split_mark(one.description)[0],
            cidr=one.cidr,
            ip_version=one.ip_version,
            gateway=one.gateway_ip or "",
            dns_servers=tuple(one.dns_nameservers or ()),
            owner=self._owner(one),
        )


def _wire(spec: NetworkSpec) -> Mapping[str, Any]:
    """What a network is on; nothing for Neutron's tunnels."""
    if not spec.physical_network:
        return {}
    wire = {"provider_physical_network": spec.physical_network, "provider_network_type": "flat"}
    if spec.vlan_id is None:
        return wire
    return {**wire, "provider_network_type": "vlan", "provider_segmentation_id": spec.vlan_id}


def _described(network: NetworkSpec | ProviderNetwork) -> str:
    if not network.physical_network:
        return "tunnels"
    tag = "" if network.vlan_id is None else f" with VLAN {network.vlan_id}"
    return f"the physical network {network.physical_network}{tag}"


def _subnet_values(spec: SubnetSpec) -> dict[str, Any]:
    """What may change of a subnet."""
    return {
        "name": spec.name,
        "description": marked("", spec.id),
        "gateway_ip": spec.gateway or None,
        "allocation_pools": [{"start": _text(one.first, spec), "end": _text(one.last, spec)} for one in _pools(spec)],
        "dns_nameservers": list(spec.dns_servers),
        "host_routes": [{"destination": to, "nexthop": by} for to, by in spec.routes],
        "is_dhcp_enabled": spec.dhcp,
    }


def _place(spec: SubnetSpec) -> Mapping[str, Any]:
    """The fields of a subnet that are set only when it is created."""
    body = {"network_id": spec.network_id, "cidr": spec.cidr, "ip_version": ip_network(spec.cidr).version}
    return {**body, "ipv6_address_mode": _STATEFUL, "ipv6_ra_mode": _STATEFUL} if _says_modes(spec) else body


def _says_modes(spec: SubnetSpec) -> bool:
    return spec.dhcp and ip_network(spec.cidr).version == 6  # noqa: PLR2004 - the version is its own name


def _pools(spec: SubnetSpec) -> tuple[AddressRange, ...]:
    return given_out(spec.cidr, (spec.gateway,) if spec.gateway else (), spec.pools)


def _text(number: int, spec: SubnetSpec) -> str:
    """An address of a subnet, from its number."""
    return str(type(ip_network(spec.cidr).network_address)(number))
