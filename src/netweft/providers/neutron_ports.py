"""Ports in a Neutron, and the hosts that it can have them on.

A port is for a guest whose ``device_owner`` is ours, and its description is nothing but its mark: so it is found by a
filter. Neutron answers that all is well when it could not bind a port, and says so by the type of its interface alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from netweft.core.host_names import HostNames
from netweft.providers.contract import (
    BindingError,
    LoginError,
    MissingError,
    PortSpec,
    ProviderHost,
    ProviderPort,
    RefusedError,
)
from netweft.providers.neutron_api import NeutronApi, changes, marked, on_network
from netweft.providers.neutron_errors import translated

DEVICE_OWNER = "compute:netweft"
"""Whose our ports are. Only what begins with ``compute:`` may be bound to two hosts at once."""
_AGENTS = frozenset(
    {"OVN Controller agent", "OVN Controller Gateway agent", "Open vSwitch agent", "Linux bridge agent"}
)
"""Those that bind ports of guests."""
_BRIDGE = "br-int"
"""Where guests are plugged in, if Neutron does not say (the default of its drivers)."""
_PLUGGED = "ovs"
"""The type of the interfaces that guests are plugged in by (Neutron: ``binding:vif_type``)."""
_FAILED, _UNBOUND = "binding_failed", "unbound"


class NeutronPorts(NeutronApi):
    """What the contract says of ports and hosts."""

    def hosts(self) -> Sequence[ProviderHost]:
        """The hosts whose agents bind ports; none where Neutron does not know of agents."""
        if "agent" not in self._extensions:
            return ()
        agents = defaultdict(list)
        for one in translated(self._agents):
            if one.agent_type in _AGENTS:
                agents[one.host].append(one)
        return [_as_host(host, there) for host, there in sorted(agents.items())]

    def _agents(self) -> Sequence[Any]:
        """All agents. The driver for OVN has them all in every page, whose links then never end (``get_agents`` of its
        ``mech_driver``, Neutron 29): when all have come again, that is the end. Where the first page comes again as the
        last of a page is gone, that one does not.
        """
        found: dict[str, Any] = {}
        again = 0
        for one in self._network.agents():
            again = again + 1 if one.id in found else 0
            found[one.id] = one
            if again == len(found):
                break
        return list(found.values())

    def ports(self) -> Sequence[ProviderPort]:
        """All ports of ours."""
        found = self._list(self._network.ports, project_id=self._project, device_owner=DEVICE_OWNER)
        mtus = {one.id: one.mtu or 0 for one in self._list(self._network.networks)}
        made = [self._as_port(one, mtus.get(one.network_id, 0)) for one in found if self._owner(one)]
        return sorted(made, key=lambda one: (one.owner, one.id))

    def ensure_port(self, spec: PortSpec) -> ProviderPort:
        """Have a port."""
        network = self._network
        mtu = translated(network.get_network, spec.network_id).mtu or 0
        groups = self._security_groups(spec)
        values = self._port_values(spec, groups)
        found = self._ensured(
            lambda: on_network(spec.network_id, self._found(spec.id)),
            lambda: network.create_port(
                **values,
                network_id=spec.network_id,
                device_owner=DEVICE_OWNER,
                description=marked("", spec.id),
                project_id=self._project,
            ),
            network.delete_port,
            spec.id,
        )
        for other in self._found(spec.id):
            if other.network_id != spec.network_id:  # a port cannot leave its network
                translated(network.delete_port, other.id)
        changed = translated(changes, found, values)
        return self._as_port(translated(network.update_port, found.id, **changed) if changed else found, mtu)

    def port(self, owner: str) -> ProviderPort | None:
        """A port, or None."""
        found = self._found(owner)
        return self._with_mtu(found[0]) if found else None

    def remove_port(self, owner: str) -> None:
        """Have no such port."""
        for one in self._found(owner):
            translated(self._network.delete_port, one.id)

    def bind_port(self, owner: str, host: str) -> ProviderPort:
        """Bind a port to one host, and to no other."""
        there = self._its_name(host)
        port = self._require_port(owner)
        bindings = self._bindings(port)
        if not _is_bound(port, there):
            port = self._moved(port, there, bindings)
        self._unbind(port, bindings.keys() - {there})
        if not _is_bound(port, there):
            translated(self._network.update_port, port.id, binding_host_id="")
            raise BindingError(_why_not(port, host))
        return self._with_mtu(port)

    def admit_port(self, owner: str, host: str) -> ProviderPort:
        """Prepare a second host, where Neutron can, and lets us: it is a right of its own, of the role ``service``."""
        there = self._its_name(host)
        port = self._require_port(owner)
        if not port.binding_host_id:
            raise RefusedError(f"The port {port.name} is bound to no host, so a second host cannot be added.")
        if "binding-extended" in self._extensions and there not in self._bindings(port):
            try:
                with suppress(LoginError):  # whoever has not that right binds the port once its guest has moved
                    translated(self._network.create_port_binding, port.id, host=there)
            except BindingError as error:
                raise BindingError(_why_not(port, host)) from error
        return self._with_mtu(port)

    def _moved(self, port: Any, there: str, bindings: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a type that the library keeps to itself
        """The port, bound to another host as far as Neutron can.

        An update to a host that has an inactive binding makes Neutron try for ever, and an active binding to no host
        cannot be removed once it is inactive. So one that was prepared is activated if the port is bound, and else it
        is removed before the update, as all others are.
        """
        if port.binding_host_id and there in bindings:
            translated(self._network.activate_port_binding, port.id, there)
        else:
            self._unbind(port, [name for name, one in bindings.items() if one.status == "INACTIVE"])
            translated(self._network.update_port, port.id, binding_host_id=there)
        return translated(self._network.get_port, port.id)

    def _unbind(self, port: Any, hosts: Iterable[str]) -> None:  # noqa: ANN401 - the same
        """Have no inactive bindings to hosts."""
        for host in hosts:
            translated(self._network.delete_port_binding, port.id, host)

    def _its_name(self, host: str) -> str:
        """What Neutron calls a host; as it is called here where it does not know such a host, and will say so."""
        return HostNames(one.name for one in self.hosts()).find(host) or host

    def _bindings(self, port: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a type that the library keeps to itself
        """The bindings of a port by their hosts, where there can be more than one."""
        if "binding-extended" not in self._extensions:
            return {}
        return translated(lambda: {one.host: one for one in self._network.port_bindings(port=port.id)})

    def _found(self, owner: str) -> Sequence[Any]:
        description = marked("", owner)
        return self._ours(self._network.ports, owner, device_owner=DEVICE_OWNER, description=description)

    def _require_port(self, owner: str) -> Any:  # noqa: ANN401 - the same
        found = self._found(owner)
        if not found:
            raise MissingError("The provider has no such port.")
        return found[0]

    def _with_mtu(self, port: Any) -> ProviderPort:  # noqa: ANN401 - the same
        return self._as_port(port, translated(self._network.get_network, port.network_id).mtu or 0)

    def _as_port(self, one: Any, mtu: int) -> ProviderPort:  # noqa: ANN401 - the same
        is_bound = bool(one.binding_host_id) and one.binding_vif_type == _PLUGGED
        return ProviderPort(
            id=one.id,
            network_id=one.network_id,
            mac_address=one.mac_address,
            addresses=tuple(address["ip_address"] for address in one.fixed_ips or ()),
            owner=self._owner(one),
            host=one.binding_host_id if is_bound else "",
            bridge=(one.binding_vif_details or {}).get("bridge_name", _BRIDGE) if is_bound else "",
            is_active=one.status == "ACTIVE",
            mtu=mtu,
        )

    def _port_values(self, spec: PortSpec, groups: Sequence[str] | None) -> dict[str, Any]:
        """The fields of a port that may change. Those that Neutron chooses are omitted."""
        values: dict[str, Any] = {"name": spec.name, "mac_address": spec.mac_address, "device_id": spec.device_id}
        if spec.addresses:
            values["fixed_ips"] = [{"ip_address": one} for one in spec.addresses]
        if spec.port_security is not None and "port-security" in self._extensions:
            values["is_port_security_enabled"] = spec.port_security
        if groups is not None:
            values["security_group_ids"] = list(groups)
        return values

    def _security_groups(self, spec: PortSpec) -> Sequence[str] | None:
        """The ids of a port's security groups; None for what Neutron gives. A port that lets everything pass has none.

        Raises MissingError, RefusedError.
        """
        if spec.port_security is False:
            return []
        if not spec.security_groups:
            return spec.security_groups
        there = self._list(self._network.security_groups, project_id=self._project)
        return [_security_group(there, name) for name in spec.security_groups]


def _security_group(there: Sequence[Any], name: str) -> str:
    found = [one.id for one in there if one.id == name] or [one.id for one in there if one.name == name]
    if not found:
        raise MissingError(f"The provider has no security group {name}.")
    if len(found) > 1:
        raise RefusedError(f"The provider has {len(found)} security groups {name}. Give the id of one.")
    return str(found[0])


def _as_host(host: str, agents: Sequence[Any]) -> ProviderHost:
    wired = frozenset(name for one in agents for name in _physical_networks(one.configuration or {}))
    return ProviderHost(name=host, is_alive=any(one.is_alive for one in agents), physical_networks=wired)


def _physical_networks(configuration: Mapping[str, Any]) -> Sequence[str]:
    """Those that an agent has a bridge or an interface for: the kinds of agents say it in ways of their own."""
    written = configuration.get("bridge-mappings")
    if written is not None:
        return [name for pair in written.split(",") if (name := pair.partition(":")[0].strip())]
    return [*configuration.get("bridge_mappings", {}), *configuration.get("interface_mappings", {})]


def _is_bound(port: Any, host: str) -> bool:  # noqa: ANN401 - a type that the library keeps to itself
    return bool(port.binding_host_id == host and port.binding_vif_type == _PLUGGED)


def _why_not(port: Any, host: str) -> str:  # noqa: ANN401 - the same
    how = port.binding_vif_type or _UNBOUND
    if how not in {_FAILED, _UNBOUND, _PLUGGED}:
        profile = (port.binding_vif_details or {}).get("profileid", "")
        named = f" with the port profile {profile}" if profile else ""
        return (
            f"Neutron binds the port {port.name} to the host {host} as {how}{named}, and guests are plugged into Open"
            " vSwitch only. Let a configuration provider carry the network instead, where a fabric does."
        )
    return (
        f"Neutron cannot bind the port {port.name} to the host {host}: it has no agent that is alive there, or the"
        " agent has not the physical network."
    )
