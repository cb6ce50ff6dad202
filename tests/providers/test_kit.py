"""The conformance kit, on each kind of system that comes with Netweft."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

import memory_provider
from netweft.providers import neutron as neutron_module
from netweft.providers import ovn as ovn_module
from netweft.providers.contract import (
    Account,
    NetworkProvider,
    ProviderError,
    ProviderHost,
    ProviderNetwork,
    ProviderPort,
    RefusedError,
)
from netweft.providers.neutron_api import marked
from netweft.providers.ovn_api import NETWORK_MARK
from providers.faults import CLOSE, HANG, LOSE, Fault, FaultyProxy, answer
from providers.guests import Guest, guest
from providers.kit import Failure, GuestKit, ProviderKit, System, network_spec, port_spec
from providers.neutron import PROJECT, Neutron
from providers.ovn import PHYSICAL_NETWORK, Chassis, Ovn
from providers.ovsdb_faults import FaultyDatabase, refusal
from providers.test_neutron import connect

FAULTS: dict[Failure, Fault] = {"refuse": answer(409), "close": CLOSE, "hang": HANG, "lose": LOSE}
DATABASE_FAULTS: dict[Failure, Fault] = {"refuse": refusal(), "close": CLOSE, "hang": HANG, "lose": LOSE}
PATIENCE: dict[Failure, float] = {"hang": 2.0}
"""Timeout in seconds while requests hang; otherwise it is longer, for busy machines."""


@contextmanager
def plugged(chassis: Chassis, port: ProviderPort) -> Iterator[Guest]:
    with guest(chassis, port.id, port.mac_address) as plugged:
        yield plugged


class TestNeutron(ProviderKit, GuestKit):
    @pytest.fixture
    def system(self, neutron: Neutron, ovn: Ovn) -> Iterator[System]:
        with connect(neutron.url) as cloud:

            def view() -> Sequence[str]:
                network = cloud.network
                kinds = {"network": network.networks, "subnet": network.subnets, "port": network.ports}
                there = [f"{kind} {one.name} {one.id}" for kind, listed in kinds.items() for one in listed()]
                return [*there, *northbound(ovn)]

            @contextmanager
            def others() -> Iterator[str]:
                made = cloud.network.create_network(name="theirs", project_id=PROJECT)
                port = cloud.network.create_port(network_id=made.id, project_id=PROJECT, device_owner="compute:nova")
                yield str(made.id)
                cloud.network.delete_port(port.id)
                cloud.network.delete_network(made.id)

            def remove(network_id: str) -> None:
                for port in cloud.network.ports(network_id=network_id):
                    cloud.network.delete_port(port.id)
                cloud.network.delete_network(network_id, ignore_missing=False)

            @contextmanager
            def failing(failure: Failure) -> Iterator[NetworkProvider]:
                with FaultyProxy(neutron.url) as proxy:
                    proxy.fail("^(POST|PUT|DELETE) ", FAULTS[failure], times=1000)
                    account = Account(url=proxy.url, timeout=PATIENCE.get(failure, 60.0))
                    with neutron_module.connect(account) as provider:
                        yield provider

            yield System(
                connect=lambda: neutron_module.connect(Account(url=neutron.url, timeout=60.0)),
                view=view,
                hosts=("h1", "h2"),
                physical_network=PHYSICAL_NETWORK,
                security_group="default",
                others=others,
                remove=remove,
                unmark=lambda network_id: cloud.network.update_network(network_id, description=""),
                failing=failing,
                plugged=lambda host, port: plugged(ovn.chassis[host], port),
            )

    def test_a_guest_migrates_without_the_right_to_prepare_a_second_host(
        self, provider: NetworkProvider, network: ProviderNetwork, neutron: Neutron
    ) -> None:
        spec = port_spec(network)
        provider.ensure_port(spec)
        provider.bind_port(spec.id, "h1")
        neutron.have_role("admin")
        try:
            assert provider.admit_port(spec.id, "h2").host == "h1"
            assert provider.bind_port(spec.id, "h2").host == "h2"
        finally:
            neutron.have_role("service")

    def test_a_second_host_is_prepared_for_a_port_that_has_one(
        self, provider: NetworkProvider, network: ProviderNetwork, neutron: Neutron
    ) -> None:
        spec = port_spec(network)
        made = provider.ensure_port(spec)
        with pytest.raises(RefusedError):
            provider.admit_port(spec.id, "h2")
        provider.bind_port(spec.id, "h1")
        provider.admit_port(spec.id, "h2")
        with connect(neutron.url) as cloud:
            bindings = {one.host: one.status for one in cloud.network.port_bindings(made.id)}
        assert bindings == {"h1": "ACTIVE", "h2": "INACTIVE"}

    def test_of_two_networks_with_one_mark_the_older_stays(self, provider: NetworkProvider, neutron: Neutron) -> None:
        spec = network_spec()
        made = provider.ensure_network(spec)
        with connect(neutron.url) as cloud:
            time.sleep(1.0)  # Neutron's times of creation are in whole seconds
            late = cloud.network.create_network(name="net", description=marked("", spec.id), project_id=PROJECT)
            assert provider.ensure_network(spec) == made
            assert cloud.network.find_network(late.id) is None
        provider.remove_network(spec.id)

    def test_marked_objects_of_another_project_are_foreign(self, provider: NetworkProvider, neutron: Neutron) -> None:
        spec = network_spec()
        with connect(neutron.url) as cloud:
            theirs = cloud.network.create_network(name="net", description=marked("", spec.id), project_id="other")
            assert [one.owner for one in provider.networks() if one.id == theirs.id] == [""]
            assert provider.ensure_network(spec).id != theirs.id
            provider.remove_network(spec.id)
            cloud.network.delete_network(theirs.id, ignore_missing=False)


class TestOvn(ProviderKit, GuestKit):
    @pytest.fixture
    def system(self, ovn: Ovn) -> Iterator[System]:
        nbctl = ovn.central.nbctl

        @contextmanager
        def others() -> Iterator[str]:
            nbctl("ls-add", "theirs", "--", "lsp-add", "theirs", "their port")
            yield nbctl("--bare", "--columns=_uuid", "find", "Logical_Switch", "name=theirs").strip()
            nbctl("ls-del", "theirs")

        @contextmanager
        def failing(failure: Failure) -> Iterator[NetworkProvider]:
            with FaultyDatabase(ovn.central.address) as database:
                database.fail("^transact .*(insert|update|mutate|delete)", DATABASE_FAULTS[failure], times=1000)
                with ovn_module.connect(account(ovn, database.address, 1.0)) as provider:
                    yield provider

        nbctl("pg-add", "web")
        yield System(
            connect=lambda: ovn_module.connect(account(ovn, ovn.central.northbound, 60.0)),
            view=lambda: northbound(ovn),
            hosts=("h1", "h2"),
            physical_network=PHYSICAL_NETWORK,
            security_group="web",
            others=others,
            remove=lambda network_id: nbctl("ls-del", network_id),
            unmark=lambda network_id: nbctl(
                "remove", "Logical_Switch", network_id, "external_ids", f'"{NETWORK_MARK}"'
            ),
            failing=failing,
            plugged=lambda host, port: plugged(ovn.chassis[host], port),
        )
        nbctl("pg-del", "web")


class TestMemory(ProviderKit):
    """The provider in memory that other tests use, which refuses the same requests."""

    @pytest.fixture
    def system(self) -> Iterator[System]:
        account = Account(url="http://kit.example")
        here = memory_provider.system(account.url)
        wired = frozenset({PHYSICAL_NETWORK})
        here.hosts = [ProviderHost(name=name, is_alive=True, physical_networks=wired) for name in ("h1", "h2")]
        here.security_groups = {"default"}

        def view() -> Sequence[str]:
            subnets = [one.id for some in here.subnets.values() for one in some]
            return [*(one.id for one in here.networks.values()), *subnets, *here.ports]

        @contextmanager
        def others() -> Iterator[str]:
            here.networks["theirs"], here.subnets["theirs"] = ProviderNetwork(id="theirs", name="theirs"), []
            yield "theirs"
            del here.networks["theirs"], here.subnets["theirs"]

        def remove(network_id: str) -> None:
            del here.networks[network_id], here.subnets[network_id]
            here.ports = {owner: one for owner, one in here.ports.items() if one.network_id != network_id}

        def unmark(network_id: str) -> None:
            here.networks[network_id] = replace(here.networks[network_id], owner="")

        @contextmanager
        def failing(failure: Failure) -> Iterator[NetworkProvider]:
            setattr(here, "lost" if failure == "lose" else "fault", fail)
            with memory_provider.connect(account) as provider:
                yield provider
            here.lost = here.fault = lambda _: None

        yield System(
            connect=lambda: memory_provider.connect(account),
            view=view,
            hosts=("h1", "h2"),
            physical_network=PHYSICAL_NETWORK,
            security_group="default",
            others=others,
            remove=remove,
            unmark=unmark,
            failing=failing,
        )
        memory_provider.forget(account.url)


def fail(_: str) -> None:
    raise ProviderError("The provider was told to fail")


def account(ovn: Ovn, address: str, timeout: float) -> Account:
    return Account(url=f"{address}?southbound={ovn.central.southbound}", timeout=timeout)


def northbound(ovn: Ovn) -> Sequence[str]:
    """The rows of OVN's database that are not parts of others."""
    tables = ("Logical_Switch", "DHCP_Options", "Logical_Switch_Port")
    return [
        f"{table} {row}"
        for table in tables
        for row in ovn.central.nbctl("--bare", "--columns=_uuid", "list", table).split()
    ]
