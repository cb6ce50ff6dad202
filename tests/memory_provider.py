"""A provider of external networks that is there at once: a further module for a kind of system, as anybody may write
one, found by an entry point.

What it has lasts as long as the process, for each host of a URL by itself; how it fails, tests say by the host's name,
or by :func:`system`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint
from ipaddress import ip_address, ip_network
from threading import RLock
from urllib.parse import urlsplit
from uuid import uuid4

from netweft.core.addresses import given_out, next_free
from netweft.core.host_names import HostNames
from netweft.providers import configuration
from netweft.providers.contract import (
    ENTRY_POINTS,
    Account,
    BindingError,
    CertificateError,
    LoginError,
    MissingError,
    NetworkSpec,
    PortSpec,
    ProviderError,
    ProviderHost,
    ProviderNetwork,
    ProviderPort,
    ProviderSubnet,
    RefusedError,
    SubnetSpec,
)
from netweft.providers.installed import Installed

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nof memory\n-----END CERTIFICATE-----\n"
PASSWORD = "only this one"
INSTALLED = Installed(
    {
        "neutron": EntryPoint("neutron", "memory_provider:connect", ENTRY_POINTS),
        "broken": EntryPoint("broken", "memory_provider_broken:connect", ENTRY_POINTS),
        "unnamed": EntryPoint("unnamed", "memory_provider:no_such_function", ENTRY_POINTS),
        "leaking": EntryPoint("leaking", "memory_provider:leak", ENTRY_POINTS),
    },
    {
        kind: EntryPoint(kind, "memory_fabric:connect", configuration.ENTRY_POINTS)
        for kind in ("memory", "other", "ufm")
    },
)
"""One that works, and modules that fail in their own ways: when they are imported, when they are used, at the end. And
technologies of fabrics.
"""

NETWORKS = (
    ProviderNetwork(id="2", name="blue"),
    ProviderNetwork(id="1", name="red", description="a red one", mtu=1442),
)
SUBNETS = {
    "1": (
        ProviderSubnet(id="11", name="low", cidr="192.0.2.0/24", ip_version=4, gateway="192.0.2.1"),
        ProviderSubnet(id="12", name="six", cidr="2001:db8::/64", ip_version=6, dns_servers=("2001:db8::53",)),
    ),
    "2": (),
}
DOWN = ProviderError("The provider cannot be reached: nobody is there")
BRIDGE = "br-int"


@dataclass
class System:
    """What one has. ``hosts``: those on which it can have ports; ``admitted``: by the port's owner the hosts that it is
    ready on besides its own. ``fault``: called with the name of each method before it acts, ``lost`` after it has
    acted; both may raise. ``calls``: the methods that were called.
    """

    networks: dict[str, ProviderNetwork] = field(default_factory=lambda: {one.id: one for one in NETWORKS})
    subnets: dict[str, list[ProviderSubnet]] = field(default_factory=lambda: {k: list(v) for k, v in SUBNETS.items()})
    specs: dict[str, SubnetSpec] = field(default_factory=dict)
    ports: dict[str, ProviderPort] = field(default_factory=dict)
    asked: dict[str, PortSpec] = field(default_factory=dict)
    hosts: list[ProviderHost] = field(default_factory=list)
    security_groups: set[str] = field(default_factory=set)
    admitted: dict[str, set[str]] = field(default_factory=dict)
    is_active: bool = True
    fault: Callable[[str], None] = lambda _: None
    lost: Callable[[str], None] = lambda _: None
    calls: list[str] = field(default_factory=list)
    lock: RLock = field(default_factory=RLock)


_SYSTEMS: dict[str, System] = {}


def system(url: str) -> System:
    """The system at a URL."""
    return _SYSTEMS.setdefault(urlsplit(url).hostname or "", System())


class MemoryProvider:
    """One such system. ``down.example``: it is not reached; ``tls.example``: only with its certificate."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._system = system(account.url)

    @contextmanager
    def _called(self, method: str) -> Iterator[System]:
        here = self._system
        self._let_in()
        with here.lock:
            here.calls.append(method)
            here.fault(method)
            yield here
            here.lost(method)

    def _let_in(self) -> None:
        host = urlsplit(self._account.url).hostname
        if host == "down.example":
            raise DOWN
        if host == "tls.example" and self._account.certificate != CERTIFICATE:
            raise CertificateError("The TLS certificate of the provider is not trusted: self-signed")
        if self._account.requires_authentication and self._account.password != PASSWORD:
            raise LoginError("The provider refused the login: wrong password")

    def test(self) -> None:
        with self._called("test"):
            return

    def hosts(self) -> Sequence[ProviderHost]:
        with self._called("hosts") as here:
            return sorted(here.hosts, key=lambda one: one.name)

    def networks(self) -> Sequence[ProviderNetwork]:
        with self._called("networks") as here:
            return sorted(here.networks.values(), key=lambda one: (one.name, one.id))

    def ensure_network(self, spec: NetworkSpec) -> ProviderNetwork:
        with self._called("ensure_network") as here:
            found = next((one for one in here.networks.values() if one.owner == spec.id), None)
            wire = {"physical_network": spec.physical_network, "vlan_id": spec.vlan_id}
            if found is None:
                found = ProviderNetwork(id=str(uuid4()), name="", owner=spec.id, **wire)
                here.subnets[found.id] = []
            elif (found.physical_network, found.vlan_id) != (spec.physical_network, spec.vlan_id):
                raise RefusedError("The provider refused: the physical network cannot change")
            made = replace(found, name=spec.name, description=spec.description, mtu=spec.mtu or 1442)
            here.networks[found.id] = made
            return made

    def remove_network(self, owner: str) -> None:
        with self._called("remove_network") as here:
            for one in [one for one in here.networks.values() if owner and one.owner == owner]:
                if any(port.network_id == one.id for port in here.ports.values()):
                    raise RefusedError(f"The provider refused: network {one.name} has ports")
                del here.networks[one.id], here.subnets[one.id]

    def subnets(self, network_id: str) -> Sequence[ProviderSubnet]:
        with self._called("subnets") as here:
            return sorted(self._subnets(here, network_id), key=lambda one: (one.name, one.id))

    def _subnets(self, here: System, network_id: str) -> list[ProviderSubnet]:
        if network_id not in here.networks:
            raise MissingError(f"The provider has no such thing: network {network_id}")
        return here.subnets[network_id]

    def ensure_subnet(self, spec: SubnetSpec) -> ProviderSubnet:
        with self._called("ensure_subnet") as here:
            others = self._subnets(here, spec.network_id)
            for network_id in here.subnets.keys() - {spec.network_id}:
                here.subnets[network_id] = [one for one in here.subnets[network_id] if one.owner != spec.id]
            found = next((one for one in others if one.owner == spec.id), None)
            if found and found.cidr != spec.cidr:
                raise RefusedError("The provider refused: the addresses of a subnet cannot change")
            made = ProviderSubnet(
                id=found.id if found else str(uuid4()),
                name=spec.name,
                cidr=spec.cidr,
                ip_version=6 if ":" in spec.cidr else 4,
                gateway=spec.gateway,
                dns_servers=spec.dns_servers,
                owner=spec.id,
            )
            here.subnets[spec.network_id] = [*(one for one in others if one is not found), made]
            here.specs[spec.id] = spec
            return made

    def remove_subnet(self, owner: str) -> None:
        with self._called("remove_subnet") as here:
            for network_id, known in here.subnets.items():
                gone = [one for one in known if owner and one.owner == owner]
                if any(_is_in(address, one) for one in gone for address in _addresses(here, network_id)):
                    raise RefusedError("The provider refused: ports have addresses of the subnet")
                here.subnets[network_id] = [one for one in known if one not in gone]
            here.specs.pop(owner, None)

    def ports(self) -> Sequence[ProviderPort]:
        with self._called("ports") as here:
            return sorted(here.ports.values(), key=lambda one: one.owner)

    def ensure_port(self, spec: PortSpec) -> ProviderPort:
        with self._called("ensure_port") as here:
            network = here.networks.get(spec.network_id)
            if network is None:
                raise MissingError(f"The provider has no such thing: network {spec.network_id}")
            found = here.ports.get(spec.id)
            if found is None or found.network_id != spec.network_id:
                found = ProviderPort(id=str(uuid4()), network_id=network.id, mac_address="", owner=spec.id)
            self._require_free(here, spec)
            addresses = spec.addresses or found.addresses or self._chosen(here, spec)
            made = replace(found, mac_address=spec.mac_address, addresses=addresses, mtu=network.mtu)
            here.ports[spec.id] = made
            here.asked[spec.id] = spec
            return made

    def _require_free(self, here: System, spec: PortSpec) -> None:
        others = [one for one in here.ports.values() if one.network_id == spec.network_id and one.owner != spec.id]
        if spec.mac_address in {one.mac_address for one in others}:
            raise RefusedError(f"The provider refused: {spec.mac_address} is in use")
        if not {address for one in others for address in one.addresses}.isdisjoint(spec.addresses):
            raise RefusedError("The provider refused: the address is in use")
        subnets = here.subnets[spec.network_id]
        if subnets and not all(any(_is_in(address, one) for one in subnets) for address in spec.addresses):
            raise RefusedError("The provider refused: the address is in no subnet of the network")
        if unknown := set(spec.security_groups or ()) - here.security_groups:
            raise MissingError(f"The provider has no such thing: security group {min(unknown)}")

    def _chosen(self, here: System, spec: PortSpec) -> tuple[str, ...]:
        """A free address of the first subnet that we made there."""
        asked = [here.specs[one.owner] for one in here.subnets[spec.network_id] if one.owner]
        for subnet in asked[:1]:
            ranges = given_out(subnet.cidr, (subnet.gateway,) if subnet.gateway else (), subnet.pools)
            taken = sorted(int(ip_address(one)) for one in _addresses(here, spec.network_id) if _is_in(one, subnet))
            number = next_free(ranges, taken, 0)
            if number is None:
                raise RefusedError("The provider refused: no address is left")
            return (str(type(ip_network(subnet.cidr).network_address)(number)),)
        return ()

    def bind_port(self, owner: str, host: str) -> ProviderPort:
        with self._called("bind_port") as here:
            name = self._host(here, owner, host)
            here.admitted.pop(owner, None)
            bound = {"host": name, "bridge": BRIDGE, "is_active": here.is_active} if name else {}
            here.ports[owner] = replace(here.ports[owner], **{"host": "", "bridge": "", "is_active": False} | bound)
            if not name:
                raise BindingError(f"The provider cannot have the port on host {host}")
            return here.ports[owner]

    def admit_port(self, owner: str, host: str) -> ProviderPort:
        with self._called("admit_port") as here:
            name = self._host(here, owner, host)
            if not here.ports[owner].host:
                raise RefusedError("The provider refused: the port is bound nowhere")
            if not name:
                raise BindingError(f"The provider cannot have the port on host {host}")
            here.admitted.setdefault(owner, set()).add(name)
            return here.ports[owner]

    def _host(self, here: System, owner: str, host: str) -> str:
        if owner not in here.ports:
            raise MissingError(f"The provider has no such thing: port {owner}")
        return HostNames(one.name for one in here.hosts if one.is_alive).find(host) or ""

    def port(self, owner: str) -> ProviderPort | None:
        with self._called("port") as here:
            return here.ports.get(owner)

    def remove_port(self, owner: str) -> None:
        with self._called("remove_port") as here:
            here.ports.pop(owner, None)
            here.asked.pop(owner, None)
            here.admitted.pop(owner, None)


def _addresses(here: System, network_id: str) -> list[str]:
    return [address for one in here.ports.values() if one.network_id == network_id for address in one.addresses]


def _is_in(address: str, subnet: ProviderSubnet | SubnetSpec) -> bool:
    return ip_address(address) in ip_network(subnet.cidr)


@contextmanager
def connect(account: Account) -> Iterator[MemoryProvider]:
    yield MemoryProvider(account)


@contextmanager
def leak(account: Account) -> Iterator[MemoryProvider]:
    """A connection that cannot be closed."""
    yield MemoryProvider(account)
    raise OSError("it cannot be closed")


def forget(url: str) -> None:
    """The system at a URL is a new one."""
    _SYSTEMS.pop(urlsplit(url).hostname or "", None)
