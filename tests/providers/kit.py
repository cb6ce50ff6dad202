"""The conformance kit of providers.

A subclass of :class:`ProviderKit` in a test module is one system's, with a fixture ``system`` that gives access to it
(docs/providers.md, "Writing a provider"). After each test the system must have what it had before, by its own view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from typing import Literal
from uuid import uuid4

import pytest

from netweft.providers.contract import (
    BindingError,
    MissingError,
    NetworkProvider,
    NetworkSpec,
    PortSpec,
    ProviderError,
    ProviderNetwork,
    ProviderPort,
    RefusedError,
    SubnetSpec,
)
from providers.guests import Guest, reach_each_other
from waiting import until

Failure = Literal["refuse", "close", "hang", "lose"]
"""A failure of a request that changes something: the system refuses it, or its connection ends, or there is no answer,
each without an effect; or it has its effect, and the answer is lost.
"""

NAMES = (
    "blue",
    "Zürich ☃",
    "сеть",
    "网络",
    "a b  c",
    "x" * 60,
    '"quoted" & <tagged>',
    "-o json",
    "it's; $(true) %s {}",
)


@dataclass(frozen=True, kw_only=True)
class System:
    """A running system, and the tests' access to it.

    ``connect``: a connection by the module that is tested. ``view``: all that is there, a line for each object, asked
    for without that module; nothing that hosts bring along is part of it. ``hosts``: the names of two hosts, on both
    of which ``physical_network`` is. ``others``: makes a network and a port on it as somebody else would, gives the
    network's id, and removes both at the end. ``security_group``: the name of one that is there for each test.
    ``remove``: as somebody else who removes a network, by its id there, with all that is on it; ``unmark``: who takes
    our mark from one. ``failing``: a connection all of whose changes fail so. ``plugged``: a guest on a host, for
    :class:`GuestKit`.
    """

    connect: Callable[[], AbstractContextManager[NetworkProvider]]
    view: Callable[[], Sequence[str]]
    hosts: tuple[str, str]
    physical_network: str
    security_group: str
    others: Callable[[], AbstractContextManager[str]]
    remove: Callable[[str], None]
    unmark: Callable[[str], None]
    failing: Callable[[Failure], AbstractContextManager[NetworkProvider]]
    plugged: Callable[[str, ProviderPort], AbstractContextManager[Guest]] | None = None


def network_spec(name: str = "net") -> NetworkSpec:
    """A network of tunnels."""
    return NetworkSpec(id=str(uuid4()), name=name)


def subnet_spec(network: ProviderNetwork, cidr: str = "192.0.2.0/24", *, gateway: str = "192.0.2.1") -> SubnetSpec:
    """A subnet of a network."""
    return SubnetSpec(id=str(uuid4()), network_id=network.id, name=f"of {cidr}", cidr=cidr, gateway=gateway)


def port_spec(network: ProviderNetwork, number: int = 1) -> PortSpec:
    """A port on a network, whose MAC address has the number in it."""
    return PortSpec(
        id=str(uuid4()),
        network_id=network.id,
        name="nic1",
        mac_address=f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}",
        device_id=str(uuid4()),
    )


class ProviderKit:
    """The scenarios. A subclass has the fixture ``system``."""

    @pytest.fixture(autouse=True)
    def _leaves_nothing(self, system: System) -> Iterator[None]:
        before = sorted(system.view())
        yield
        assert sorted(system.view()) == before

    @pytest.fixture
    def provider(self, system: System) -> Iterator[NetworkProvider]:
        with system.connect() as provider:
            yield provider

    @pytest.fixture
    def network(self, provider: NetworkProvider) -> Iterator[ProviderNetwork]:
        """A network, which is removed with its ports."""
        spec = network_spec()
        made = provider.ensure_network(spec)
        yield made
        for port in provider.ports():
            if port.network_id == made.id:
                provider.remove_port(port.owner)
        provider.remove_network(spec.id)

    @pytest.fixture
    def subnet(self, provider: NetworkProvider, network: ProviderNetwork) -> SubnetSpec:
        """A subnet of the network, which is removed with it."""
        spec = subnet_spec(network)
        provider.ensure_subnet(spec)
        return spec

    def test_it_answers_and_has_hosts(self, provider: NetworkProvider, system: System) -> None:
        provider.test()
        hosts = {host.name: host for host in provider.hosts()}
        for name in system.hosts:
            assert hosts[name].is_alive
            assert system.physical_network in hosts[name].physical_networks

    @pytest.mark.parametrize("name", NAMES)
    def test_a_network_is_created_once_changed_and_removed(
        self, provider: NetworkProvider, system: System, name: str
    ) -> None:
        spec = replace(network_spec(name), description=f"of {name}")
        made = provider.ensure_network(spec)
        assert (made.name, made.description, made.owner) == (name, f"of {name}", spec.id)
        assert (made.physical_network, made.vlan_id) == ("", None)
        assert made in provider.networks()
        there = sorted(system.view())
        assert provider.ensure_network(spec) == made
        assert sorted(system.view()) == there
        changed = replace(spec, name=f"{name}2", description="", mtu=1300)
        assert provider.ensure_network(changed) == replace(made, name=f"{name}2", description="", mtu=1300)
        assert [one for one in provider.networks() if one.owner == spec.id] == [provider.ensure_network(changed)]
        provider.remove_network(spec.id)
        provider.remove_network(spec.id)
        assert spec.id not in {one.owner for one in provider.networks()}

    def test_a_long_description_keeps_the_mark(self, provider: NetworkProvider) -> None:
        spec = replace(network_spec(), description="lang ☃ " * 500)
        made = provider.ensure_network(spec)
        assert made.owner == spec.id
        assert spec.description.startswith(made.description)
        assert made.description
        assert provider.ensure_network(spec) == made
        provider.remove_network(spec.id)

    @pytest.mark.parametrize("vlan", [None, 123])
    def test_a_network_keeps_its_physical_network(
        self, provider: NetworkProvider, system: System, vlan: int | None
    ) -> None:
        spec = replace(network_spec(), physical_network=system.physical_network, vlan_id=vlan)
        made = provider.ensure_network(spec)
        assert (made.physical_network, made.vlan_id) == (system.physical_network, vlan)
        assert provider.ensure_network(replace(spec, name="other")) == replace(made, name="other")
        for physical, other in (("", None), (system.physical_network, 124)):
            with pytest.raises(RefusedError):
                provider.ensure_network(replace(spec, physical_network=physical, vlan_id=other))
        provider.remove_network(spec.id)

    @pytest.mark.parametrize(
        ("cidr", "gateway", "pool", "servers", "route"),
        [
            (
                "192.0.2.0/24",
                "192.0.2.1",
                ("192.0.2.100", "192.0.2.199"),
                ("192.0.2.53", "192.0.2.5"),
                "198.51.100.0/24",
            ),
            ("2001:db8::/64", "2001:db8::1", ("2001:db8::100", "2001:db8::1ff"), ("2001:db8::53",), "2001:db8:1::/64"),
        ],
    )
    def test_a_subnet_is_created_once_changed_and_removed(
        self,
        provider: NetworkProvider,
        system: System,
        network: ProviderNetwork,
        cidr: str,
        gateway: str,
        pool: tuple[str, str],
        servers: tuple[str, ...],
        route: str,
    ) -> None:
        spec = subnet_spec(network, cidr, gateway=gateway)
        made = provider.ensure_subnet(spec)
        assert (made.owner, made.cidr, made.gateway) == (spec.id, cidr, gateway)
        assert (made.ip_version, made.dns_servers) == (ip_network(cidr).version, ())
        there = sorted(system.view())
        assert provider.ensure_subnet(spec) == made
        assert sorted(system.view()) == there
        full = replace(spec, name="Zürich ☃", pools=(pool,), dns_servers=servers, routes=((route, gateway),))
        for changed in (full, replace(full, gateway=""), spec):
            shown = provider.ensure_subnet(changed)
            assert (shown.id, shown.name, shown.gateway) == (made.id, changed.name, changed.gateway)
            assert shown.dns_servers == changed.dns_servers
            assert provider.subnets(network.id) == [shown]
        with pytest.raises(RefusedError):
            provider.ensure_subnet(replace(spec, cidr=str(next(ip_network(cidr).subnets())), gateway=""))
        provider.remove_subnet(spec.id)
        provider.remove_subnet(spec.id)
        assert provider.subnets(network.id) == []

    def test_a_missing_network_is_reported(self, provider: NetworkProvider) -> None:
        gone = ProviderNetwork(id=str(uuid4()), name="gone")
        for ask in (
            lambda: provider.subnets(gone.id),
            lambda: provider.subnets("no id at all"),
            lambda: provider.ensure_subnet(subnet_spec(gone)),
            lambda: provider.ensure_port(port_spec(gone)),
        ):
            with pytest.raises(MissingError):
                ask()

    def test_a_port_on_an_unknown_host_is_not_bound(
        self, provider: NetworkProvider, system: System, network: ProviderNetwork
    ) -> None:
        spec = port_spec(network)
        provider.ensure_port(spec)
        for before in (None, system.hosts[0]):
            if before:
                assert provider.bind_port(spec.id, before).host == before
            with pytest.raises(BindingError):
                provider.bind_port(spec.id, "nowhere")
            assert provider.port(spec.id) == provider.ensure_port(spec)
            assert provider.ensure_port(spec).host == ""
        for call in (provider.bind_port, provider.admit_port):
            with pytest.raises(MissingError):
                call(str(uuid4()), system.hosts[0])

    def test_a_host_is_found_by_its_full_and_its_short_name(
        self, provider: NetworkProvider, system: System, network: ProviderNetwork
    ) -> None:
        spec = port_spec(network)
        provider.ensure_port(spec)
        assert provider.bind_port(spec.id, f"{system.hosts[0]}.example.com").host == system.hosts[0]

    @pytest.mark.usefixtures("subnet")
    def test_a_guest_migrates_and_returns(
        self, provider: NetworkProvider, system: System, network: ProviderNetwork
    ) -> None:
        source, target = system.hosts
        spec = port_spec(network)
        made = provider.ensure_port(spec)
        provider.bind_port(spec.id, source)
        with pytest.raises(BindingError):
            provider.admit_port(spec.id, "nowhere")
        assert bound_to(provider, spec) == source
        for _ in range(2):
            assert provider.admit_port(spec.id, target).host == source
        assert provider.bind_port(spec.id, source).host == source  # the guest did not migrate
        provider.admit_port(spec.id, target)
        for _ in range(2):
            moved = provider.bind_port(spec.id, target)
        assert (moved.host, moved.id, moved.addresses) == (target, made.id, made.addresses)
        assert provider.bind_port(spec.id, source).host == source  # without being admitted
        provider.admit_port(spec.id, target)
        with pytest.raises(BindingError):
            provider.bind_port(spec.id, "nowhere")
        assert provider.bind_port(spec.id, target).host == target

    @pytest.mark.usefixtures("subnet")
    def test_a_port_changes_and_keeps_its_host(
        self, provider: NetworkProvider, system: System, network: ProviderNetwork
    ) -> None:
        spec = replace(port_spec(network), addresses=("192.0.2.7",))
        made = provider.ensure_port(spec)
        unbound = provider.ensure_port(replace(spec, mac_address="02:00:00:00:02:02"))
        assert (unbound.id, unbound.mac_address) == (made.id, "02:00:00:00:02:02")
        spec = replace(spec, mac_address="02:00:00:00:02:02")
        provider.bind_port(spec.id, system.hosts[1])
        changed = provider.ensure_port(replace(spec, name="nic2", addresses=("192.0.2.8",), port_security=False))
        assert (changed.id, changed.host, changed.addresses) == (made.id, system.hosts[1], ("192.0.2.8",))
        assert provider.ports() == [changed]

    @pytest.mark.usefixtures("subnet")
    def test_addresses_of_other_ports_are_refused(self, provider: NetworkProvider, network: ProviderNetwork) -> None:
        first = replace(port_spec(network, 1), addresses=("192.0.2.7",))
        provider.ensure_port(first)
        second = replace(port_spec(network, 2), addresses=("192.0.2.8",))
        for change in ({"mac_address": first.mac_address}, {"addresses": first.addresses}):
            with pytest.raises(RefusedError):
                provider.ensure_port(replace(second, **change))
        assert [port.owner for port in provider.ports()] == [first.id]
        provider.ensure_port(second)
        with pytest.raises(RefusedError):
            provider.ensure_port(replace(second, addresses=first.addresses))
        with pytest.raises(RefusedError):
            provider.ensure_port(replace(port_spec(network, 3), addresses=("198.51.100.1",)))
        assert provider.port(second.id) == provider.ensure_port(second)

    def test_a_port_has_security_groups(
        self, provider: NetworkProvider, system: System, network: ProviderNetwork
    ) -> None:
        spec = port_spec(network)
        with pytest.raises(MissingError):
            provider.ensure_port(replace(spec, security_groups=("no such group",)))
        assert provider.port(spec.id) is None
        made = provider.ensure_port(spec)
        for groups in ((), (system.security_group,), None):
            assert provider.ensure_port(replace(spec, security_groups=groups)) == made

    def test_objects_in_use_are_not_removed(
        self, provider: NetworkProvider, network: ProviderNetwork, subnet: SubnetSpec
    ) -> None:
        provider.ensure_port(port_spec(network))
        with pytest.raises(RefusedError):
            provider.remove_subnet(subnet.id)
        with pytest.raises(RefusedError):
            provider.remove_network(network.owner)
        assert [one.owner for one in provider.subnets(network.id)] == [subnet.id]

    def test_many_at_once(self, system: System, network: ProviderNetwork, subnet: SubnetSpec) -> None:
        specs = [port_spec(network, number) for number in range(1, 17)]

        def make(some: Sequence[PortSpec]) -> list[ProviderPort]:
            with system.connect() as provider:
                return [provider.ensure_port(spec) for spec in some]

        with ThreadPoolExecutor(4) as pool:
            made = [port for some in pool.map(make, [specs[start::4] for start in range(4)]) for port in some]
        with system.connect() as provider:
            assert list(provider.ports()) == sorted(made, key=lambda port: port.owner)
        addresses = [address for port in made for address in port.addresses]
        assert len(set(addresses)) == len(addresses) == len(specs)
        assert all(ip_address(address) in ip_network(subnet.cidr) for address in addresses)

    def test_a_connection_reads_changes_of_another(
        self, provider: NetworkProvider, system: System, network: ProviderNetwork
    ) -> None:
        spec = port_spec(network)
        with system.connect() as other:
            assert other.ports() == []
            made = provider.ensure_port(spec)
            assert other.bind_port(spec.id, system.hosts[0]).id == made.id
            assert provider.admit_port(spec.id, system.hosts[1]).host == system.hosts[0]
            other.remove_port(spec.id)
            assert provider.port(spec.id) is None
            provider.ensure_port(spec)
            other.remove_port(spec.id)
            assert provider.ports() == []

    def test_foreign_objects_stay(self, provider: NetworkProvider, system: System) -> None:
        with system.others() as network_id:
            theirs = next(one for one in provider.networks() if one.id == network_id)
            assert theirs.owner == ""
            before = sorted(system.view())
            for remove in (provider.remove_network, provider.remove_subnet, provider.remove_port):
                remove(network_id)
                remove("")
            assert provider.ports() == []
            spec = port_spec(theirs)
            assert provider.ensure_port(spec).network_id == network_id
            assert [port.owner for port in provider.ports()] == [spec.id]
            same_name = network_spec(theirs.name)
            assert provider.ensure_network(same_name).id != network_id
            provider.remove_network(same_name.id)
            provider.remove_port(spec.id)
            assert sorted(system.view()) == before

    @pytest.mark.parametrize("mishap", ["remove", "unmark"])
    def test_objects_of_a_recreated_network_follow_it(
        self, provider: NetworkProvider, system: System, mishap: Literal["remove", "unmark"]
    ) -> None:
        spec = network_spec()
        before = provider.ensure_network(spec)
        subnet = subnet_spec(before)
        provider.ensure_subnet(subnet)
        port = replace(port_spec(before), addresses=("192.0.2.7",))
        provider.ensure_port(port)
        {"remove": system.remove, "unmark": system.unmark}[mishap](before.id)
        made = provider.ensure_network(spec)
        assert (made.id != before.id, made.owner) == (True, spec.id)
        subnet, port = replace(subnet, network_id=made.id), replace(port, network_id=made.id)
        for _ in range(2):
            shown = provider.ensure_subnet(subnet)
            assert provider.subnets(made.id) == [shown]
        for _ in range(2):
            assert provider.ensure_port(port).addresses == port.addresses
            assert [(one.owner, one.network_id) for one in provider.ports()] == [(port.id, made.id)]
        assert provider.bind_port(port.id, system.hosts[0]).host == system.hosts[0]
        if mishap == "unmark":
            assert subnet.id not in {one.owner for one in provider.subnets(before.id)}
            system.remove(before.id)
        provider.remove_port(port.id)
        provider.remove_subnet(subnet.id)
        provider.remove_network(spec.id)

    @pytest.mark.parametrize("failure", ["refuse", "close", "hang", "lose"])
    def test_each_step_fails_and_is_repeated(self, system: System, failure: Failure) -> None:
        with system.connect() as provider:
            for name, step, there in steps(system, provider):
                with system.failing(failure) as failing:
                    fails(step, failing, failure)
                step(provider)
                step(provider)
                assert len(provider.ports()) == there, name


class GuestKit:
    """The scenarios with guests, for a subclass of :class:`ProviderKit` whose system has hosts."""

    def test_guests_get_the_addresses_of_their_ports_and_reach_each_other(
        self, provider: NetworkProvider, system: System, network: ProviderNetwork
    ) -> None:
        spec = replace(subnet_spec(network), dns_servers=("192.0.2.53",), pools=(("192.0.2.100", "192.0.2.101"),))
        provider.ensure_subnet(spec)
        specs = [replace(port_spec(network, 1), addresses=("192.0.2.7",)), port_spec(network, 2)]
        for one in specs:
            assert not provider.ensure_port(one).host
        ports = [provider.bind_port(one.id, host) for one, host in zip(specs, system.hosts, strict=True)]
        assert [(port.host, port.is_active) for port in ports] == [(host, False) for host in system.hosts]
        assert ports[0].addresses == ("192.0.2.7",)
        assert ports[1].addresses[0] in {"192.0.2.100", "192.0.2.101"}
        with system.plugged(system.hosts[0], ports[0]) as one, system.plugged(system.hosts[1], ports[1]) as two:
            for port in specs:
                until(lambda port=port: is_active(provider, port), "a port that is active")  # type: ignore[misc]
            leases = [one.lease(), two.lease()]
            assert [(lease["ip"], lease["mtu"]) for lease in leases] == [
                (port.addresses[0], str(port.mtu)) for port in ports
            ]
            assert [(lease["router"], lease["dns"]) for lease in leases] == [("192.0.2.1", "192.0.2.53")] * 2
            reach_each_other((one, leases[0]["ip"]), (two, leases[1]["ip"]))
            assert provider.ensure_port(specs[0]) == provider.port(specs[0].id)
            assert is_active(provider, specs[0])
        until(lambda: not is_active(provider, specs[0]), "a port whose guest is gone")
        for one_spec in specs:
            provider.remove_port(one_spec.id)
            provider.remove_port(one_spec.id)
            assert provider.port(one_spec.id) is None

    def test_frames_of_a_migrating_guest_reach_its_host(
        self, provider: NetworkProvider, system: System, network: ProviderNetwork
    ) -> None:
        source, target = system.hosts
        spec = port_spec(network)
        made = provider.ensure_port(spec)
        provider.bind_port(spec.id, source)
        with system.plugged(source, made):
            until(lambda: is_active(provider, spec), "the port on the source")
            provider.admit_port(spec.id, target)
            with system.plugged(target, made):
                assert provider.bind_port(spec.id, target).host == target
                until(lambda: is_active(provider, spec), "the port on the target")


def steps(system: System, provider: NetworkProvider) -> Iterator[tuple[str, Callable[[NetworkProvider], object], int]]:
    """The life of a guest with a network of its own: what each step is called, what it does, and how many ports there
    are after it.
    """
    source, target = system.hosts
    network = network_spec("lost & found")
    yield "make network", lambda some: some.ensure_network(network), 0
    renamed = replace(network, name="found", description="again")
    yield "change network", lambda some: some.ensure_network(renamed), 0
    made = provider.ensure_network(renamed)
    subnet = subnet_spec(made)
    yield "make subnet", lambda some: some.ensure_subnet(subnet), 0
    named = replace(subnet, name="found", dns_servers=("192.0.2.53",))
    yield "change subnet", lambda some: some.ensure_subnet(named), 0
    port = port_spec(made)
    yield "make port", lambda some: some.ensure_port(port), 1
    yield "bind port", lambda some: some.bind_port(port.id, source), 1
    yield "admit port", lambda some: some.admit_port(port.id, target), 1
    yield "move port", lambda some: some.bind_port(port.id, target), 1
    yield "remove port", lambda some: some.remove_port(port.id), 0
    yield "remove subnet", lambda some: some.remove_subnet(subnet.id), 0
    yield "remove network", lambda some: some.remove_network(network.id), 0


def fails(step: Callable[[NetworkProvider], object], provider: NetworkProvider, failure: Failure) -> None:
    """Run a step that fails. A module may detect by itself the effect of a request whose answer was lost."""
    try:
        step(provider)
    except ProviderError:
        return
    assert failure == "lose"


def is_active(provider: NetworkProvider, spec: PortSpec) -> bool:
    """Whether frames of a port's guest pass."""
    port = provider.port(spec.id)
    return port is not None and port.is_active


def bound_to(provider: NetworkProvider, spec: PortSpec) -> str:
    """The host of a port."""
    port = provider.port(spec.id)
    assert port is not None
    return port.host
