"""Networks and subnets in an OVN.

A network is a logical switch, with a port of the type ``localnet`` when it is on a physical network. A subnet is a row
of DHCP options; what they do not say of it stands beside them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import uuid4

import msgspec

from netweft.core.limits import DEFAULT_MTU
from netweft.providers.contract import NetworkSpec, ProviderNetwork, ProviderSubnet, RefusedError, SubnetSpec
from netweft.providers.ovn_api import (
    NETWORK_MARK,
    OPTIONS,
    PORT,
    PORT_MARK,
    SUBNET_MARK,
    SWITCH,
    SWITCH_ID,
    OvnApi,
    set_external_ids,
)
from netweft.providers.ovn_database import entries, require_unique, values

_DESCRIPTION, _MTU, _SECURITY, _SPEC = (f"netweft:{key}" for key in ("description", "mtu", "port-security", "spec"))
_TUNNELLED = 1442
"""Octets that fit through Geneve over IPv4, on a wire of 1500."""
_LEASE = 3600
"""Seconds of a lease: nothing happens when it ends, as OVN keeps none."""
UNKNOWN = "unknown"
"""The entry of a port's addresses for all addresses that no other port has."""
_NOBODY = "169.254.0.1"
"""What the DHCP server calls itself where there is no gateway. Guests need no way to it: they ask everybody."""


class OvnNetworks(OvnApi):
    """The networks and subnets of the contract."""

    def networks(self) -> Sequence[ProviderNetwork]:
        """All logical switches."""
        self._northbound.refresh()
        found = [self._as_network(row) for row in self._northbound.rows(SWITCH)]
        return sorted(found, key=lambda one: (one.name, one.id))

    def ensure_network(self, spec: NetworkSpec) -> ProviderNetwork:
        """Have a logical switch."""
        self._northbound.transact(lambda txn: self._have_network(txn, spec))
        return self._as_network(self._marked(SWITCH, NETWORK_MARK, spec.id))

    def remove_network(self, owner: str) -> None:
        """Have no such logical switch, nor the DHCP options of its subnets."""

        def act(_: object) -> None:
            switch = self._marked(SWITCH, NETWORK_MARK, owner)
            if switch is None:
                return
            switch.verify("ports")
            ports = [port.name for port in self._ports_of(switch) if port.type != "localnet"]
            if ports:
                raise RefusedError(f"The network {switch.name} has ports there: {', '.join(sorted(ports)[:3])}.")
            for options in self._options_of(switch):
                options.delete()
            switch.delete()

        self._northbound.transact(act)

    def subnets(self, network_id: str) -> Sequence[ProviderSubnet]:
        """The subnets that were made here: OVN has none of its own."""
        self._northbound.refresh()
        found = [_as_subnet(row) for row in self._options_of(self._switch(network_id))]
        return sorted(found, key=lambda one: (one.name, one.id))

    def ensure_subnet(self, spec: SubnetSpec) -> ProviderSubnet:
        """Have DHCP options, and our ports with its addresses served by them."""
        self._northbound.transact(lambda txn: self._have_subnet(txn, spec))
        return _as_subnet(self._marked(OPTIONS, SUBNET_MARK, spec.id))

    def remove_subnet(self, owner: str) -> None:
        """Have no such DHCP options."""

        def act(_: object) -> None:
            row = self._marked(OPTIONS, SUBNET_MARK, owner)
            if row is None:
                return
            switches = [
                one for one in self._northbound.rows(SWITCH) if str(one.uuid) == row.external_ids.get(SWITCH_ID)
            ]
            users = [
                port.name for one in switches for port in self._ports_of(one) if _any_in(port_addresses(port), row.cidr)
            ]
            if users:
                raise RefusedError(f"Ports have addresses of the subnet {row.cidr}: {', '.join(sorted(users)[:3])}.")
            row.delete()

        self._northbound.transact(act)

    def _as_network(self, row: Any) -> ProviderNetwork:  # noqa: ANN401 - rows of a library without types
        physical, vlan = self._wired_to(row)
        return ProviderNetwork(
            id=str(row.uuid),
            name=row.name,
            description=row.external_ids.get(_DESCRIPTION, ""),
            mtu=network_mtu(row),
            owner=row.external_ids.get(NETWORK_MARK, ""),
            physical_network=physical,
            vlan_id=vlan,
        )

    def _have_network(self, txn: Any, spec: NetworkSpec) -> None:  # noqa: ANN401 - rows of a library without types
        row = self._marked(SWITCH, NETWORK_MARK, spec.id)
        if row is None:
            row = self._northbound.insert(txn, SWITCH, external_ids={NETWORK_MARK: spec.id})
            require_unique(txn, SWITCH, row, NETWORK_MARK)
            if spec.physical_network:
                self._northbound.insert(txn, PORT, row, **_localnet(spec))
        elif self._wired_to(row) != (spec.physical_network, spec.vlan_id):
            raise RefusedError(f"The network {spec.name} is on another physical network there, which cannot change.")
        row.name = spec.name
        set_external_ids(
            row,
            {
                _DESCRIPTION: spec.description or None,
                _MTU: str(spec.mtu or network_mtu(row) or (DEFAULT_MTU if spec.physical_network else _TUNNELLED)),
                _SECURITY: None if spec.port_security else "false",
            },
        )
        for options in self._options_of(row):
            options.options = _dhcp_options(subnet_spec(options), network_mtu(row))

    def _have_subnet(self, txn: Any, spec: SubnetSpec) -> None:  # noqa: ANN401 - the same
        switch = self._switch(spec.network_id)
        row = self._marked(OPTIONS, SUBNET_MARK, spec.id)
        is_here = row is not None and row.external_ids.get(SWITCH_ID) == spec.network_id
        if is_here and row.cidr != spec.cidr:
            raise RefusedError(f"The subnet {spec.name} has the addresses {row.cidr} there, which cannot change.")
        others = [] if is_here else [one.cidr for one in self._options_of(switch) if _overlap(one.cidr, spec.cidr)]
        if others:
            raise RefusedError(f"The subnet {spec.cidr} overlaps {others[0]}, which is in the same network.")
        if row is None:
            row = self._northbound.insert(txn, OPTIONS, external_ids={SUBNET_MARK: spec.id})
            require_unique(txn, OPTIONS, row, SUBNET_MARK)
        if not is_here:  # the switch that it was for is gone, or not ours any more
            row.cidr = spec.cidr
        set_external_ids(row, {SWITCH_ID: spec.network_id, _SPEC: msgspec.json.encode(asdict(spec)).decode()})
        row.options = _dhcp_options(spec, network_mtu(switch))
        rows = [*(one for one in self._options_of(switch) if one.uuid != row.uuid), row]
        for port in self._ports_of(switch):
            if PORT_MARK in entries(port, "external_ids"):
                serve(port, port_addresses(port), rows)


def serve(port: Any, addresses: Sequence[str], rows: Iterable[Any]) -> None:  # noqa: ANN401 - the same
    """Have a port with these addresses served by the DHCP options (``rows``) of its subnets that have DHCP."""
    options: dict[int, Any] = {}
    for row in rows:
        subnet = subnet_spec(row)
        if subnet.dhcp and _any_in(addresses, subnet.cidr):
            options.setdefault(ip_network(subnet.cidr).version, row)
    for version in (4, 6):
        column, served = f"dhcpv{version}_options", [options[version]] if version in options else []
        if getattr(port, column) != served:
            setattr(port, column, served)


def subnet_spec(row: Any) -> SubnetSpec:  # noqa: ANN401 - the same
    """A subnet as it was requested."""
    return msgspec.json.decode(row.external_ids[_SPEC], type=SubnetSpec)


def network_mtu(switch: Any) -> int:  # noqa: ANN401 - the same
    """The MTU of a network; 0 of one that others made, as OVN does not say."""
    return int(switch.external_ids.get(_MTU, 0))


def has_port_security(switch: Any) -> bool:  # noqa: ANN401 - the same
    """Whether ports let only their own addresses pass, unless they say otherwise."""
    return bool(switch.external_ids.get(_SECURITY) != "false")


def port_entries(port: Any) -> list[list[str]]:  # noqa: ANN401 - the same
    """The addresses of a port: each entry is a MAC address followed by IP addresses; ``unknown`` is left out."""
    written = (*sorted(values(port, "addresses")), *values(port, "dynamic_addresses"))
    return [parts for text in written if (parts := text.split()) and parts[0] != UNKNOWN]


def port_addresses(port: Any) -> list[str]:  # noqa: ANN401 - the same
    """The IP addresses of a port, in order."""
    return [part for parts in port_entries(port) for part in parts[1:] if part != "dynamic"]


def _any_in(addresses: Sequence[str], cidr: str) -> bool:
    """Whether one of the addresses is in a subnet."""
    return any(ip_address(one) in ip_network(cidr) for one in addresses)


def _localnet(spec: NetworkSpec) -> Mapping[str, Any]:
    return {
        "name": f"netweft-wire-{uuid4()}",  # names are unique, and a switch that lost our mark keeps its port
        "type": "localnet",
        "options": {"network_name": spec.physical_network},
        "tag": [] if spec.vlan_id is None else [spec.vlan_id],
        "addresses": [UNKNOWN],
    }


def _as_subnet(row: Any) -> ProviderSubnet:  # noqa: ANN401 - the same
    spec = subnet_spec(row)
    return ProviderSubnet(
        id=str(row.uuid),
        name=spec.name,
        cidr=row.cidr,
        ip_version=ip_network(row.cidr).version,
        gateway=spec.gateway,
        dns_servers=spec.dns_servers,
        owner=spec.id,
    )


def _dhcp_options(spec: SubnetSpec, mtu: int) -> dict[str, str]:
    """The options of ovn-nb(5), table DHCP_Options."""
    digest = hashlib.sha256(spec.id.encode()).hexdigest()
    mac = ":".join(("02", *(digest[at : at + 2] for at in range(0, 10, 2))))
    dns = {"dns_server": f"{{{', '.join(spec.dns_servers)}}}"} if spec.dns_servers else {}
    if ip_network(spec.cidr).version == 6:  # noqa: PLR2004 - the version is its own name
        return {"server_id": mac, **dns}
    options = {"server_id": spec.gateway or _NOBODY, "server_mac": mac, "lease_time": str(_LEASE), **dns}
    if mtu:
        options["mtu"] = str(mtu)
    if spec.gateway:
        options["router"] = spec.gateway
    if spec.routes:  # who takes these leaves the router out (RFC 3442)
        default = [("0.0.0.0/0", spec.gateway)] if spec.gateway else []
        routes = [f"{destination},{hop}" for destination, hop in (*spec.routes, *default)]
        options["classless_static_route"] = f"{{{', '.join(routes)}}}"
    return options


def _overlap(one: str, other: str) -> bool:
    first, second = ip_network(one), ip_network(other)
    return first.version == second.version and first.overlaps(second)
