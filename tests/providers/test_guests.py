"""Virtual machines on networks of each kind, through the API, on hosts with real agents: the same for native networks
and those of providers.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from e2e.site import Site, wait
from netweft.lab.agents import GUEST_PREFIX
from netweft.lab.namespaces import offload_no_checksums
from providers.clouds import KINDS, NIC, Cloud, addresses, chassis_site, cloud_of, machine
from providers.guests import Guest, reach_each_other
from providers.kit import NAMES
from providers.neutron import Neutron
from providers.ovn import Ovn

HOSTS = ("alpha", "beta")


@pytest.fixture(scope="module")
def hosts(ovn: Ovn) -> Iterator[Site]:
    with chassis_site(ovn, "namespace", 0, HOSTS) as built:
        yield built


@pytest.fixture(params=KINDS)
def cloud(request: pytest.FixtureRequest, hosts: Site, ovn: Ovn, neutron: Neutron) -> Iterator[Cloud]:
    with cloud_of(request.param, hosts, ovn, neutron) as made:
        yield made


def started(hosts: Site, machine_id: str, host: str) -> Guest:
    hosts.client.action(f"vms/{machine_id}/start", {"vm": {"placement_policy": {"hosts": [{"name": host}]}}})
    wait("the machine is up", lambda: hosts.client.get(f"vms/{machine_id}")["status"] == "up")
    guest = Guest(f"{GUEST_PREFIX}{machine_id}", NIC)
    offload_no_checksums(guest.namespace, NIC)
    return guest


def test_two_vms_on_two_hosts_have_their_addresses_and_reach_each_other(hosts: Site, cloud: Cloud) -> None:
    before = cloud.ports()
    with cloud.network("red net", "192.0.2.0/24") as red, ExitStack() as stack:
        ids = [stack.enter_context(machine(hosts, f"vm-{host}", red)) for host in HOSTS]
        guests = [started(hosts, one, host) for one, host in zip(ids, HOSTS, strict=True)]
        assert len(cloud.ports() - before) == 2
        leases = [guest.lease() for guest in guests]
        assert [[lease["ip"]] for lease in leases] == [addresses(hosts, one) for one in ids]
        reach_each_other((guests[0], leases[0]["ip"]), (guests[1], leases[1]["ip"]))
        for one in ids:
            hosts.client.action(f"vms/{one}/stop", {})
        assert cloud.ports() == before


def test_a_vm_keeps_its_address_on_another_host(hosts: Site, cloud: Cloud) -> None:
    before = cloud.ports()
    with cloud.network("red", "192.0.2.0/24") as red, machine(hosts, "vm", red) as one:
        found = addresses(hosts, one)
        for host in HOSTS:
            guest = started(hosts, one, host)
            assert [guest.lease()["ip"]] == addresses(hosts, one) == found
            hosts.client.action(f"vms/{one}/stop", {})
            assert cloud.ports() == before


def test_networks_with_any_name_are_created_renamed_and_removed(hosts: Site, cloud: Cloud) -> None:
    for name in NAMES[1::2]:
        with cloud.network(name) as one, machine(hosts, "vm", one) as vm:
            renamed = (
                {"name": f"{name[:30]} 2"} if cloud.provider_id else {}
            )  # hosts have a bridge of a native network by its name
            hosts.client.update(f"networks/{one}", {"description": name, **renamed})
            started(hosts, vm, HOSTS[0])


def test_many_at_once(hosts: Site, cloud: Cloud) -> None:
    """Four clients, each with a network and a VM of its own."""
    before = cloud.ports()

    def life(number: int) -> None:
        with cloud.network(f"net{number}", f"192.0.{number}.0/24") as one, machine(hosts, f"vm{number}", one) as vm:
            guest = started(hosts, vm, HOSTS[number % 2])
            assert [guest.lease()["ip"]] == addresses(hosts, vm)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(life, range(4)))
    assert cloud.ports() == before


def test_a_native_network_and_one_of_a_provider_are_side_by_side(hosts: Site, cloud: Cloud) -> None:
    hosts.add_network("blue", 100)
    blue = hosts.client.find("networks", "blue")["id"]
    for host in HOSTS:
        job = hosts.attach("blue", host=host)
        assert hosts.outcome(job)["status"] == "finished"
    with cloud.network("red", "192.0.2.0/24") as red, ExitStack() as stack:
        ids = [stack.enter_context(machine(hosts, f"vm-{host}", red, blue)) for host in HOSTS]
        guests = [started(hosts, one, host) for one, host in zip(ids, HOSTS, strict=True)]
        leases = [guest.lease() for guest in guests]
        reach_each_other((guests[0], leases[0]["ip"]), (guests[1], leases[1]["ip"]))
        native = [Guest(guest.namespace, "nic2") for guest in guests]
        for number, guest in enumerate(native, start=1):
            guest.take(f"198.18.0.{number}/24")
        reach_each_other((native[0], "198.18.0.1"), (native[1], "198.18.0.2"))
    for host in HOSTS:
        hosts.detach("blue", host=host)
    hosts.client.remove(f"networks/{blue}")


def test_a_host_without_chassis_is_refused_by_name(hosts: Site, cloud: Cloud) -> None:
    with cloud.network("red") as red, machine(hosts, "vm", red) as one:
        wait("the engine knows the chassis", lambda: _fitting(hosts, one) == set(HOSTS))


def _fitting(hosts: Site, machine_id: str) -> set[str]:
    """The names of the hosts that a VM can run on."""
    return {one["name"] for one in hosts.client.addition("GET", f"vms/{machine_id}/placement")["fit"]}
