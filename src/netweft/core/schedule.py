"""Where a guest may run, and where best: filters and weights over hosts. Every refused host has a reason.

A host's score depends on nothing but the host and the guest, so neither the order of the hosts nor the others among
them change it. What is costly about a host (which of its networks are usable, and over which links) is computed when
its :class:`HostState` is made, so that each decision with a cached one costs microseconds.

Detail codes that oVirt has too: NETWORK_MISSING, DISPLAY_NETWORK_MISSING, DISPLAY_NETWORK_HAS_NO_BOOT_PROTOCOL,
NO_SUITABLE_VF; the others are ours, since oVirt accepts such hosts or leaves them out without a message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import mul
from typing import NamedTuple

from netweft.core.candidates import FreeFunctions, GuestNeeds, HostState, ProvidedNetwork, Reservation
from netweft.core.errors import Problem
from netweft.core.matching import match

WEIGHTS: Mapping[str, float] = {"networks": 8, "bond_health": 4, "uplink_load": 3, "guests": 2, "memory": 1}
"""How much each score counts: that vNICs are connected more than that they are fast, both more than that hosts are
equally full.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How to choose. ``only_required``: networks of vNICs and consoles that the cluster does not require are no reason
    to refuse a host (oVirt: OnlyRequiredNetworksMandatoryForVdsSelection); hosts that have them are better, though.
    """

    only_required: bool = False
    weights: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)


class Ranked(NamedTuple):
    """A host that fits. ``total``: the mean of its scores, weighted.

    ``points``: the scores in the order of :data:`WEIGHTS`. ``functions``: the NIC whose virtual function each
    pass-through vNIC gets, and the card whose dynamic vNIC each on a network of a fabric gets, by the vNIC's id.
    """

    host_id: str
    name: str
    total: float
    points: tuple[float, ...]
    functions: Mapping[str, str]

    @property
    def scores(self) -> dict[str, float]:
        """The scores, from 0 to 100 (best), by the names of :data:`WEIGHTS`."""
        return dict(zip(WEIGHTS, self.points, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """``ranking``: the hosts that fit, best first; ``refusals``: by id of each that does not, why."""

    ranking: tuple[Ranked, ...]
    refusals: Mapping[str, tuple[Problem, ...]]

    @property
    def host(self) -> str | None:
        """The id of the best host, None when none fits."""
        return self.ranking[0].host_id if self.ranking else None


def choose(
    guest: GuestNeeds,
    hosts: Iterable[HostState],
    reservations: Iterable[Reservation] = (),
    policy: Policy | None = None,
) -> Choice:
    """Where the guest can run, and why not elsewhere. What the guest itself has reserved does not count as used.

    A host that is not operational comes after all that are up.
    """
    decision = _Decision(guest, reservations, policy or Policy())
    ranking: list[Ranked] = []
    refusals: dict[str, tuple[Problem, ...]] = {}
    impaired = set()
    for host in hosts:
        if host.status != "up":
            impaired.add(host.id)
        problems = decision.problems(host)
        if problems:
            refusals[host.id] = problems
        else:
            ranking.append(decision.rank(host))
    ranking.sort(key=lambda one: (one.host_id in impaired, -one.total, one.name, one.host_id))
    return Choice(ranking=tuple(ranking), refusals=refusals)


class _Decision:
    """What is the same for every host, worked out once."""

    def __init__(self, guest: GuestNeeds, reservations: Iterable[Reservation], policy: Policy) -> None:
        self.guest = guest
        self.filters = [one for one in FILTERS if one not in _filters_without_use(guest, policy)]
        self.weights = tuple(policy.weights[name] for name in WEIGHTS)
        self.whole = sum(self.weights)
        self.networks = frozenset(guest.networks)
        mandatory = {
            network: name
            for network, name in guest.networks.items()
            if not policy.only_required or network in guest.required
        }
        self.names = mandatory
        self.mandatory = frozenset(mandatory)
        self.has_all = self.networks <= self.mandatory
        self.display = guest.display or ("", "")
        self.carried = [(vnic, one.network_id) for vnic, one in sorted(guest.carried.items())]
        self.memory: dict[str, int] = {}
        self.guests: dict[str, int] = {}
        self.functions: dict[tuple[str, str], int] = {}
        for one in reservations:
            if one.guest_id != guest.id:
                self.memory[one.host_id] = self.memory.get(one.host_id, 0) + one.memory
                self.guests[one.host_id] = self.guests.get(one.host_id, 0) + 1
                for nic, count in one.functions.items():
                    self.functions[one.host_id, nic] = self.functions.get((one.host_id, nic), 0) + count

    def problems(self, host: HostState) -> tuple[Problem, ...]:
        """Why the guest cannot run there, in the order of :data:`FILTERS`; of a host elsewhere no more than that."""
        if host.cluster_id != self.guest.cluster_id:
            return (Problem("VAR__DETAIL__NOT_IN_CLUSTER", f"Host {host.name} is in another Cluster."),)
        found = [problem for one in self.filters if (problem := one(self, host))]
        return (*host.unfit, *found) if found else host.unfit

    def memory_free(self, host: HostState) -> int:
        """Octets that are left."""
        return host.memory_free - self.memory.get(host.id, 0)

    def rank(self, host: HostState) -> Ranked:
        """The scores of a host that fits."""
        networks = self.networks
        points = (
            100.0 if self.has_all else 100 * len(networks & (host.synced | host.carried.keys())) / len(networks),
            100 * _first_used(host.healths, networks, 1.0),
            100 * (1 - _first_used(host.loads, networks, 0.0)),
            100 / (1 + host.guests + self.guests.get(host.id, 0)),
            100 * self.memory_free(host) / host.memory if host.memory else 0.0,
        )
        functions = self.assign(host) if self.guest.passthrough else {}
        if self.carried:
            functions = {**functions, **self.cards(host, self.over_card(host))}
        return Ranked(host.id, host.name, sum(map(mul, self.weights, points)) / self.whole, points, functions)

    def over_card(self, host: HostState) -> list[str]:
        """The vNICs, by id, whose networks the guest would have over the host's virtual interface card."""
        if not host.carried:
            return []
        native, carried = host.networks, host.carried
        return [vnic for vnic, network in self.carried if network not in native and network in carried]

    def free(self, host: HostState, one: FreeFunctions) -> int:
        """The number of free functions of a NIC, or dynamic vNICs of a card, without reserved ones."""
        return max(0, one.free - self.functions.get((host.id, one.nic), 0))

    def cards(self, host: HostState, vnics: Sequence[str]) -> dict[str, str]:
        """A card for each of these vNICs that can have one, by vNIC: for as many as at all possible."""
        cards = [one for one in host.functions if one.is_card]
        if len(cards) == 1:  # which is the rule, and quick
            return dict.fromkeys(vnics[: self.free(host, cards[0])], cards[0].nic)
        return self._matched(host, cards, {vnic: self.guest.carried[vnic].network_id for vnic in vnics})

    def assign(self, host: HostState) -> dict[str, str]:
        """A NIC for each pass-through vNIC that can have one, by vNIC: for as many as at all possible."""
        return self._matched(host, [one for one in host.functions if not one.is_card], self.guest.passthrough)

    def _matched(self, host: HostState, nics: Iterable[FreeFunctions], needed: Mapping[str, str]) -> dict[str, str]:
        """A NIC or card for as many as possible of the vNICs, which are given with their networks."""
        of = {one.nic: one for one in nics}

        def suits(vnic: str, nic: str) -> bool:
            network, served = needed[vnic], of[nic].networks
            return served is None or not network or network in served

        return match(sorted(needed), {nic: self.free(host, one) for nic, one in of.items()}, suits)


def _first_used(uplinks: tuple[tuple[float, frozenset[str]], ...], networks: frozenset[str], otherwise: float) -> float:
    """The worst value of the uplinks that carry one of the networks; they come worst first."""
    for value, ids in uplinks:
        if not ids.isdisjoint(networks):
            return value
    return otherwise


def _has_driver(decision: _Decision, host: HostState) -> Problem | None:
    driver = decision.guest.driver
    if driver in host.guest_drivers or not host.guest_drivers:
        return None
    text = f"Host {host.name} has no guest driver '{driver}', only {', '.join(host.guest_drivers)}."
    return Problem("VAR__DETAIL__NO_GUEST_DRIVER", text)


def _has_memory(decision: _Decision, host: HostState) -> Problem | None:
    free = decision.memory_free(host)
    if decision.guest.memory <= free:
        return None
    text = f"Host {host.name} has {free} octets of memory left, and the VM needs {decision.guest.memory}."
    return Problem("VAR__DETAIL__NOT_ENOUGH_MEMORY", text)


def _has_same_technology(decision: _Decision, host: HostState) -> Problem | None:
    switch_type = decision.guest.switch_type
    if host.switch_type == switch_type:
        return None
    text = f"Host {host.name} implements networks with switch type {host.switch_type}, and the VM is on {switch_type}."
    return Problem("VAR__DETAIL__SWITCH_TYPE_DIFFERENT", text)


def _has_networks(decision: _Decision, host: HostState) -> Problem | None:
    if decision.mandatory <= host.synced:
        return None
    absent = [one for one in decision.mandatory if not host.implements(one)]
    if not absent:
        return None
    unready = decision.guest.unready
    missing = sorted(
        f"{decision.names[one]} ({why})" if (why := unready.get(one)) else decision.names[one] for one in absent
    )
    text = f"Host {host.name} does not have these networks: {', '.join(missing)}."
    return Problem("VAR__DETAIL__NETWORK_MISSING", text)


def _has_networks_in_sync(decision: _Decision, host: HostState) -> Problem | None:
    if decision.mandatory <= host.synced:
        return None
    stale = sorted([decision.names[one] for one in decision.mandatory - host.synced if one in host.networks])
    if not stale:
        return None
    text = f"Host {host.name} has these networks out of sync: {', '.join(stale)}."
    return Problem("VAR__DETAIL__NETWORK_OUT_OF_SYNC", text)


def _has_links(decision: _Decision, host: HostState) -> Problem | None:
    if decision.mandatory.isdisjoint(host.dark):
        return None
    names = ", ".join(sorted(decision.names[one] for one in decision.mandatory & host.dark))
    text = f"Host {host.name} is not operational, as these networks have no link there: {names}."
    return Problem("VAR__DETAIL__NETWORK_HAS_NO_LINK", text)


def _has_display(decision: _Decision, host: HostState) -> Problem | None:
    network, name = decision.display
    if network not in host.networks:
        text = f"Host {host.name} does not have the display network {name}."
        return Problem("VAR__DETAIL__DISPLAY_NETWORK_MISSING", text)
    if network not in host.addressed:
        text = f"Host {host.name} has no boot protocol for the display network {name}, so its consoles are unreachable."
        return Problem("VAR__DETAIL__DISPLAY_NETWORK_HAS_NO_BOOT_PROTOCOL", text)
    return None


def _has_functions(decision: _Decision, host: HostState) -> Problem | None:
    vnics = decision.guest.passthrough
    seated = len(decision.assign(host))
    if seated == len(vnics):
        return None
    text = f"Host {host.name} has free virtual functions for {seated} of the {len(vnics)} pass-through vNICs."
    return Problem("VAR__DETAIL__NO_SUITABLE_VF", text)


def _has_dynamic_vnics(decision: _Decision, host: HostState) -> Problem | None:
    vnics = decision.over_card(host)
    carried = decision.guest.carried
    cannot = [f"{carried[vnic].name} has {carried[vnic].obstacle}" for vnic in vnics if carried[vnic].obstacle]
    if cannot:
        text = (
            f"Host {host.name} has the networks of these vNICs only through its fabric, which does not support them: "
        )
        return Problem("VAR__DETAIL__NOT_ON_DYNAMIC_VNIC", f"{text}{', '.join(cannot)}.")
    if len(decision.cards(host, vnics)) == len(vnics):
        return None
    on = {decision.guest.carried[vnic].network_id for vnic in vnics}
    cards = (one for one in host.functions if one.is_card and (one.networks is None or not on.isdisjoint(one.networks)))
    free = sum(decision.free(host, one) for one in cards)
    text = f"Host {host.name} has {free} free dynamic vNICs for the {len(vnics)} vNICs on networks of its fabric."
    return Problem("VAR__DETAIL__NO_FREE_DYNAMIC_VNIC", text)


def _implements_alike(decision: _Decision, host: HostState) -> Problem | None:
    guest = decision.guest
    there = {network: host.implements(network) for network in guest.implemented}
    differing = [
        f"{guest.networks[network]} ({there[network]}, and the VM has it {how})"
        for network, how in sorted(guest.implemented.items())
        if there[network] not in {"", how}
    ]
    if not differing:
        return None
    text = f"Host {host.name} implements these networks differently: {', '.join(differing)}."
    return Problem("VAR__DETAIL__NETWORK_IMPLEMENTED_DIFFERENTLY", text)


def _has_provided(decision: _Decision, host: HostState) -> Problem | None:
    missing = [
        f"{one.name} (provider {one.provider_name} {reason})"
        for one in sorted(decision.guest.provided.values(), key=lambda one: one.name)
        if (reason := _why_not_provided(one, host))
    ]
    if not missing:
        return None
    text = f"Host {host.name} cannot have these networks of providers: {', '.join(missing)}."
    return Problem("VAR__DETAIL__PROVIDER_NETWORK_MISSING", text)


def _why_not_provided(network: ProvidedNetwork, host: HostState) -> str:
    """What the provider lacks on a host to have the network there; empty when nothing is missing."""
    agent = host.agents.get(network.provider_id)
    if host.twin:
        return f"may confuse it with {host.twin}"
    if agent is None:
        return "has no agent there"
    if not agent.is_alive:
        return "has an agent there that does not work"
    if network.physical_network and network.physical_network not in agent.physical_networks:
        return f"has no physical network {network.physical_network} there"
    return ""


def _has_dhcp_server(_: _Decision, host: HostState) -> Problem | None:
    if host.dhcp_server:
        return None
    text = f"Host {host.name} has no dnsmasq, which the VM needs for its addresses by DHCP. Install dnsmasq-base there."
    return Problem("VAR__DETAIL__NO_DHCP_SERVER", text)


FILTERS: tuple[Callable[[_Decision, HostState], Problem | None], ...] = (
    _has_driver,
    _has_memory,
    _has_same_technology,
    _has_networks,
    _has_networks_in_sync,
    _has_links,
    _has_display,
    _has_functions,
    _has_dynamic_vnics,
    _implements_alike,
    _has_provided,
    _has_dhcp_server,
)
"""What a host needs to run this guest, in the order of the reported reasons."""


def _filters_without_use(guest: GuestNeeds, policy: Policy) -> list[Callable[[_Decision, HostState], Problem | None]]:
    """Filters that accept every host, as the guest does not need what they check."""
    idle = {
        _has_driver: not guest.driver,
        _has_same_technology: not guest.switch_type,
        _has_display: guest.display is None or policy.only_required,
        _has_functions: not guest.passthrough,
        _has_dynamic_vnics: not guest.carried,
        _implements_alike: not guest.implemented,
        _has_provided: not guest.provided,
        _has_dhcp_server: not guest.leases,
    }
    return [one for one, is_idle in idle.items() if is_idle]
