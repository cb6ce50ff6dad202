"""What the choice of a host for a guest depends on: what hosts have, what the guest needs, what was promised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter

from netweft.core.errors import Problem

_first: Callable[[tuple[float, frozenset[str]]], float] = itemgetter(0)

NATIVE = "native"
"""How a network is implemented that a host has on bridges of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOn:
    """A network on a host. ``has_boot_protocol``: it gets addresses there; ``uplink``: name of its NIC or bond."""

    in_sync: bool = True
    has_boot_protocol: bool = False
    uplink: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """A NIC or bond that carries networks. ``load``: the used share of its speed, 0 to 1 (unknown: 0).

    ``ports``: its number of NICs (1, or those of a bond), ``ports_up``: those with a link.
    """

    load: float = 0.0
    ports: int = 1
    ports_up: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeFunctions:
    """Free virtual functions of a NIC. ``networks``: ids of those that they may serve, None for all.

    ``is_card``: they are the dynamic vNICs of a virtual interface card instead, which carry only networks of a fabric.
    """

    nic: str
    free: int
    networks: frozenset[str] | None = None
    is_card: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAgent:
    """What a provider of networks has on a host. ``is_alive``: whether it works; ``physical_networks``: that are wired
    to the host.
    """

    is_alive: bool
    physical_networks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidedNetwork:
    """A network that a provider has. ``physical_network``: the wire that it is on, empty for one of tunnels."""

    name: str
    provider_id: str
    provider_name: str
    physical_network: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """The properties of a host for scheduling. ``networks``: by network id, as reported; ``uplinks``: by name.

    ``memory_free``: octets that are not reserved for guests. ``dhcp_server``: it can serve DHCP to guests. Callers
    cache this between decisions until one of these changes.

    A host that is not operational, because a network that its cluster requires is missing, can still run guests that do
    not use that network; ``dark``: those of its networks that have no link there.

    ``carried``: by id of each network that a fabric carries to the host's virtual interface card, the technology; such
    a network need not be attached to the host.

    ``hostname``: the name that the host reports; ``uuid``: of its hardware. ``agents``: by the provider's id its agents
    on the host; queried only where the guest needs one. ``twin``: another host that providers may confuse with this
    one, and why; empty for none.
    """

    id: str
    name: str
    status: str
    cluster_id: str
    networks: Mapping[str, NetworkOn]
    guest_drivers: tuple[str, ...]
    guests: int
    memory_free: int
    memory: int = 0
    switch_type: str = "legacy"
    uplinks: Mapping[str, Uplink] = field(default_factory=dict)
    functions: tuple[FreeFunctions, ...] = ()
    carried: Mapping[str, str] = field(default_factory=dict)
    hostname: str = ""
    uuid: str = ""
    agents: Mapping[str, ProviderAgent] = field(default_factory=dict)
    twin: str = ""
    dhcp_server: bool = False
    synced: frozenset[str] = field(init=False, repr=False, compare=False)
    addressed: frozenset[str] = field(init=False, repr=False, compare=False)
    loads: tuple[tuple[float, frozenset[str]], ...] = field(init=False, repr=False, compare=False)
    healths: tuple[tuple[float, frozenset[str]], ...] = field(init=False, repr=False, compare=False)
    dark: frozenset[str] = field(init=False, repr=False, compare=False)
    unfit: tuple[Problem, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        on: dict[str, set[str]] = {}
        for network, state in self.networks.items():
            on.setdefault(state.uplink, set()).add(network)
        used = [(uplink, frozenset(on[name])) for name, uplink in self.uplinks.items() if name in on]
        loads = sorted([(uplink.load, ids) for uplink, ids in used if uplink.load > 0], key=_first, reverse=True)
        healths = [(uplink.ports_up / uplink.ports, ids) for uplink, ids in used if uplink.ports_up < uplink.ports]
        addressed = frozenset(network for network, state in self.networks.items() if state.has_boot_protocol)
        object.__setattr__(self, "synced", frozenset(n for n, state in self.networks.items() if state.in_sync))
        object.__setattr__(self, "addressed", addressed)
        object.__setattr__(self, "loads", tuple(loads))
        object.__setattr__(self, "healths", tuple(sorted(healths, key=_first)))
        dark = [ids for uplink, ids in used if not uplink.ports_up] if self.status == "non_operational" else []
        object.__setattr__(self, "dark", frozenset[str]().union(*dark))
        object.__setattr__(self, "unfit", tuple(_why_unfit(self)))

    def implements(self, network: str) -> str:
        """How a host implements a network: :data:`NATIVE`, the technology of a fabric, or empty for not at all. A
        network that is attached on the host is native, even if a fabric carries it.
        """
        return NATIVE if network in self.networks else self.carried.get(network, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedVnic:
    """A vNIC that may be a dynamic vNIC of a virtual interface card. ``obstacle``: what it has that such a one cannot
    have, for people; empty for nothing.
    """

    name: str
    network_id: str
    obstacle: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestNeeds:
    """What a guest needs.

    ``networks``: names by id of the networks of its plugged vNICs that go over a bridge, and of the failover profiles
    of those that do not. ``passthrough``: by id of each plugged vNIC that is a virtual function, its network's id
    (empty for none). ``required``: names by id of the networks that its cluster requires; without one a host is not
    operational, but serves guests that do without it, too. ``display``: id and name of
    the network of its console. ``switch_type``: how its networks are implemented (of its cluster; of the host that it
    leaves), empty for any. ``driver``: the guest driver that it wants (that runs it), empty for any. ``provided``: by
    id the networks of its plugged vNICs that providers have. ``leases``: whether its host is to serve it addresses by
    DHCP. ``carried``: those of its plugged vNICs, by id, that go over a bridge and whose networks fabrics carry.
    ``implemented``: how the host that it leaves implements each of those networks, by the network's id
    (:meth:`HostState.implements`). ``unready``: of those networks that a fabric is to carry and does not carry as they
    are desired yet, why, by the network's id.
    """

    id: str = ""
    cluster_id: str
    networks: Mapping[str, str]
    memory: int
    passthrough: Mapping[str, str] = field(default_factory=dict)
    required: Mapping[str, str] = field(default_factory=dict)
    display: tuple[str, str] | None = None
    switch_type: str = ""
    driver: str = ""
    provided: Mapping[str, ProvidedNetwork] = field(default_factory=dict)
    leases: bool = False
    carried: Mapping[str, CarriedVnic] = field(default_factory=dict)
    implemented: Mapping[str, str] = field(default_factory=dict)
    unready: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What a guest was promised on a host that the host's state does not show yet. ``functions``: how many by NIC."""

    guest_id: str
    host_id: str
    memory: int = 0
    functions: Mapping[str, int] = field(default_factory=dict)


def _why_unfit(host: HostState) -> Iterator[Problem]:
    """What keeps every guest away."""
    if host.status not in {"up", "non_operational"}:
        yield Problem("VAR__DETAIL__HOST_NOT_UP", f"Host {host.name} is in status {host.status}, not up.")
    if not host.guest_drivers:
        yield Problem("VAR__DETAIL__NO_GUEST_DRIVER", f"Host {host.name} has no guest driver.")
