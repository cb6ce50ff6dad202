"""Ports in an OVN, and the hosts that it can have them on.

A port's name is the id of its vNIC: names of ports are unique in OVN, and what it looks for on a host as ``iface-id``.
Where it may be is an option, ``requested-chassis``: a host, or two of them while a guest moves.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from netweft.core.addresses import given_out, next_free
from netweft.core.host_names import HostNames
from netweft.providers.contract import (
    BindingError,
    MissingError,
    PortSpec,
    ProviderError,
    ProviderHost,
    ProviderPort,
    RefusedError,
    SubnetSpec,
)
from netweft.providers.ovn_api import PORT, PORT_MARK, SWITCH, OvnApi, set_external_ids
from netweft.providers.ovn_database import entries, require_unique, values
from netweft.providers.ovn_networks import (
    UNKNOWN,
    has_port_security,
    network_mtu,
    port_addresses,
    port_entries,
    serve,
    subnet_spec,
)

_BRIDGE = "br-int"
"""Where guests are plugged in (the default of ovn-controller's option ovn-bridge)."""
_REQUESTED = "requested-chassis"
_DEVICE, _NAME = "netweft:device", "netweft:name"
_ANSWER = 3.0
"""Seconds within which a live chassis applies changes."""


class OvnPorts(OvnApi):
    """The ports and hosts of the contract."""

    def hosts(self) -> Sequence[ProviderHost]:
        """The chassis by their host names. Live ones are found by an increment of ``nb_cfg``: each reports how far it
        has come.
        """

        def count(_: object) -> int:
            for row in self._northbound.rows("NB_Global"):
                row.verify("nb_cfg")
                row.nb_cfg += 1
                return int(row.nb_cfg)
            raise ProviderError("The northbound database has not been initialised.")

        sequence = self._northbound.transact(count)
        self._southbound.refresh()
        self._southbound.until(lambda: not self._behind(sequence), _ANSWER)
        behind = self._behind(sequence)
        chassis = defaultdict(list)
        for row in self._southbound.rows("Chassis"):
            chassis[row.hostname].append(row)
        return [
            ProviderHost(
                name=host,
                is_alive=any(row.name not in behind for row in rows),
                physical_networks=frozenset(name for row in rows for name in _physical_networks(row)),
            )
            for host, rows in sorted(chassis.items())
        ]

    def ports(self) -> Sequence[ProviderPort]:
        """All ports of ours."""
        self._northbound.refresh()
        ports = [
            _as_port(switch, port)
            for switch in self._northbound.rows(SWITCH)
            for port in self._ports_of(switch)
            if PORT_MARK in entries(port, "external_ids")
        ]
        return sorted(ports, key=lambda one: (one.owner, one.id))

    def port(self, owner: str) -> ProviderPort | None:
        """A port, or None."""
        self._northbound.refresh()
        found = self._marked(PORT, PORT_MARK, owner)
        return _as_port(self._switch_of(found), found) if found else None

    def ensure_port(self, spec: PortSpec) -> ProviderPort:
        """Have a port."""
        self._northbound.transact(lambda txn: self._have_port(txn, spec))
        return self._port_of(spec.id)

    def remove_port(self, owner: str) -> None:
        """Have no such port."""

        def act(_: object) -> None:
            port = self._marked(PORT, PORT_MARK, owner)
            if port is not None:
                self._switch_of(port).delvalue("ports", port)

        self._northbound.transact(act)

    def bind_port(self, owner: str, host: str) -> ProviderPort:
        """Let a port be on one host, and on no other."""
        self._southbound.refresh()
        refusals: list[BindingError] = []

        def act(_: object) -> None:
            port = self._require_port(owner)
            refusals.clear()
            try:
                _request(port, [self._fitting(port, host)])
            except BindingError as error:
                refusals.append(error)
                _request(port, [])

        self._northbound.transact(act)
        if refusals:
            raise refusals[0]
        return self._port_of(owner)

    def admit_port(self, owner: str, host: str) -> ProviderPort:
        """Let a port be on a second host as well."""
        self._southbound.refresh()

        def act(_: object) -> None:
            port = self._require_port(owner)
            bound = _requested(port)
            if not bound:
                raise RefusedError("The port is bound to no host, so a second host cannot be added.")
            there = self._fitting(port, host)
            _request(port, [bound[0], *({there} - {bound[0]})])

        self._northbound.transact(act)
        return self._port_of(owner)

    def _have_port(self, txn: Any, spec: PortSpec) -> None:  # noqa: ANN401 - rows of a library without types
        switch = self._switch(spec.network_id)
        switch.verify("ports")  # who has which address is known
        port = self._marked(PORT, PORT_MARK, spec.id)
        if port is None:
            if any(values(one, "name") == [spec.id] for one in self._northbound.rows(PORT)):
                raise RefusedError(f"The name {spec.id} is in use by another port there.")
            addresses = self._addresses(switch, spec, [])
            port = self._northbound.insert(txn, PORT, switch, name=spec.id, external_ids={PORT_MARK: spec.id})
            require_unique(txn, PORT, port, PORT_MARK)
        else:
            addresses = self._addresses(switch, spec, port_addresses(port))
            self._bring(port, switch)
        set_external_ids(port, {_NAME: spec.name, _DEVICE: spec.device_id})
        secure = has_port_security(switch) if spec.port_security is None else spec.port_security
        entry = " ".join((spec.mac_address, *addresses))
        _write(port, "addresses", [entry] if secure else [entry, UNKNOWN])
        _write(port, "port_security", [entry] if secure else [])
        serve(port, addresses, self._options_of(switch))
        if spec.security_groups is not None:
            self._join(port, spec.security_groups)

    def _bring(self, port: Any, switch: Any) -> None:  # noqa: ANN401 - the same
        """Have a port on this switch, if it is on another: on that of its network before its mark was removed, say. It
        keeps its name, by which its host knows it.
        """
        before = self._switch_of(port)
        if before.uuid != switch.uuid:
            before.delvalue("ports", port)
            switch.addvalue("ports", port)

    def _addresses(self, switch: Any, spec: PortSpec, had: Sequence[str]) -> Sequence[str]:  # noqa: ANN401 - the same
        """The addresses of a port: the requested ones, or its present ones (``had``) unless they are in use, or free
        ones.

        Raises RefusedError when the MAC or an IP address is in use, or none is free.
        """
        others = [one for one in self._ports_of(switch) if entries(one, "external_ids").get(PORT_MARK) != spec.id]
        mac_addresses = {parts[0].casefold() for port in others for parts in port_entries(port)}
        if spec.mac_address.casefold() in mac_addresses:
            raise RefusedError(f"The MAC address {spec.mac_address} is in use on the network.")
        used = {ip_address(one) for port in others for one in port_addresses(port)}
        subnets = [subnet_spec(row) for row in self._options_of(switch)]
        for one in spec.addresses:
            if ip_address(one) in used:
                raise RefusedError(f"The address {one} is in use on the network.")
            if subnets and not any(ip_address(one) in ip_network(subnet.cidr) for subnet in subnets):
                raise RefusedError(f"The address {one} is in no subnet of the network.")
        kept = had if used.isdisjoint(ip_address(one) for one in had) else ()
        return spec.addresses or kept or _free(subnets, used)

    def _join(self, port: Any, names: Sequence[str]) -> None:  # noqa: ANN401 - the same
        """Have a port in these port groups, and in no other. Raises MissingError."""
        groups = self._northbound.rows("Port_Group")
        unknown = sorted(set(names) - {name for group in groups for name in (group.name, str(group.uuid))})
        if unknown:
            raise MissingError(f"The provider has no port group {unknown[0]}.")
        for group in groups:
            is_wanted = not {group.name, str(group.uuid)}.isdisjoint(names)
            if is_wanted and port not in group.ports:
                group.addvalue("ports", port)
            elif not is_wanted and port in group.ports:
                group.delvalue("ports", port)

    def _fitting(self, port: Any, host: str) -> str:  # noqa: ANN401 - the same
        """What OVN calls a host. Raises BindingError when the port cannot be there."""
        chassis = self._southbound.rows("Chassis")
        there = HostNames({row.hostname for row in chassis}).find(host)
        found = [row for row in chassis if row.hostname == there]
        if not found:
            raise BindingError(f"OVN has no chassis on the host {host}. Start its ovn-controller.")
        if len(found) > 1:
            ids = ", ".join(sorted(row.name for row in found))
            raise BindingError(f"OVN has several chassis with the name {there}: {ids}. Give each its own name.")
        physical, _ = self._wired_to(self._switch_of(port))
        if physical and physical not in _physical_networks(found[0]):
            raise BindingError(f"The chassis on the host {host} has no bridge for the physical network {physical}.")
        return str(there)

    def _behind(self, sequence: int) -> set[str]:
        """The chassis that have not come as far as this."""
        up = {row.name for row in self._southbound.rows("Chassis_Private") if row.nb_cfg >= sequence}
        return {row.name for row in self._southbound.rows("Chassis")} - up

    def _require_port(self, owner: str) -> Any:  # noqa: ANN401 - the same
        found = self._marked(PORT, PORT_MARK, owner)
        if found is None:
            raise MissingError("The provider has no such port.")
        return found

    def _switch_of(self, port: Any) -> Any:  # noqa: ANN401 - the same
        return next(switch for switch in self._northbound.rows(SWITCH) if port.uuid in values(switch, "ports"))

    def _port_of(self, owner: str) -> ProviderPort:
        port = self._require_port(owner)
        return _as_port(self._switch_of(port), port)


def _free(subnets: Iterable[SubnetSpec], used: Iterable[IPv4Address | IPv6Address]) -> list[str]:
    """A free address of each IP version that has subnets. Raises RefusedError when all are in use."""
    chosen: dict[int, str] = {}
    versions = set()
    for subnet in subnets:
        cidr = ip_network(subnet.cidr)
        versions.add(cidr.version)
        if cidr.version in chosen:
            continue
        ranges = given_out(subnet.cidr, (subnet.gateway,) if subnet.gateway else (), subnet.pools)
        start = secrets.randbelow(sum(one.size for one in ranges) or 1)
        number = next_free(ranges, sorted({int(one) for one in used if one in cidr}), start)
        if number is not None:
            chosen[cidr.version] = str(type(cidr.network_address)(number))
    if chosen.keys() != versions:
        raise RefusedError("The subnets of the network have no address left.")
    return [chosen[version] for version in sorted(chosen)]


def _write(row: Any, column: str, values: Sequence[str]) -> None:  # noqa: ANN401 - the same
    if sorted(getattr(row, column)) != sorted(values):
        setattr(row, column, list(values))


def _requested(port: Any) -> list[str]:  # noqa: ANN401 - the same
    return [host for host in port.options.get(_REQUESTED, "").split(",") if host]


def _request(port: Any, hosts: Sequence[str]) -> None:  # noqa: ANN401 - the same
    """Let a port be on these hosts, of which the first is where its guest runs."""
    if _requested(port) == list(hosts):
        return
    others = {key: value for key, value in port.options.items() if key != _REQUESTED}
    port.options = {**others, _REQUESTED: ",".join(hosts)} if hosts else others


def _physical_networks(chassis: Any) -> list[str]:  # noqa: ANN401 - the same
    """Those that a chassis has a bridge for; before version 20.12 OVN had them in another column."""
    key = "ovn-bridge-mappings"
    written = chassis.other_config.get(key) or chassis.external_ids.get(key, "")
    return [name for pair in written.split(",") if (name := pair.partition(":")[0].strip())]


def _as_port(switch: Any, port: Any) -> ProviderPort:  # noqa: ANN401 - the same
    hosts = _requested(port)
    entry = next(iter(port_entries(port)), [""])
    return ProviderPort(
        id=port.name,
        network_id=str(switch.uuid),
        mac_address=entry[0],
        addresses=tuple(port_addresses(port)),
        owner=port.external_ids[PORT_MARK],
        host=hosts[0] if hosts else "",
        bridge=_BRIDGE if hosts else "",
        is_active=bool(hosts) and port.up == [True],
        mtu=network_mtu(switch),
    )
