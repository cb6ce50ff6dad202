"""A virtual machine of QEMU on a network of a provider migrates while another one pings it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from e2e.site import Site, wait
from e2e.test_vms import PINGS, Machine
from libvirt_host import MEMORY, Console, tiny_linux
from providers.clouds import PROVIDERS, Cloud, addresses, chassis_site, cloud_of, machine
from providers.neutron import Neutron
from providers.ovn import Ovn

HOSTS = ("gamma", "delta")


@pytest.fixture(scope="module")
def hosts(ovn: Ovn) -> Iterator[Site]:
    with chassis_site(ovn, "libvirt", 1, HOSTS) as built:
        yield built


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", PROVIDERS)
def test_a_vm_migrates_while_it_is_pinged(kind: str, hosts: Site, ovn: Ovn, neutron: Neutron) -> None:
    with cloud_of(kind, hosts, ovn, neutron) as cloud, cloud.network("red", "192.0.2.0/24") as red:
        before = cloud.ports()
        with ExitStack() as stack:
            ids = [stack.enter_context(machine(hosts, f"vm-{host}", red)) for host in HOSTS]
            found = [addresses(hosts, one)[0] for one in ids]
            for one, address, host in zip(ids, found, HOSTS, strict=True):
                start(hosts, one, address, host)
            mover, other = (stack.enter_context(booted(hosts, one, host)) for one, host in zip(ids, HOSTS, strict=True))
            wait("the machines reach each other", lambda: other.reaches(found[0]))
            for host in reversed(HOSTS):
                mover.line.close()
                with other.pinging(found[0]) as counts:
                    hosts.client.action(f"vms/{mover.id}/migrate", {"host": {"name": host}})
                assert hosts.client.get(f"vms/{mover.id}")["host"]["id"] == hosts.host_id(host)
                assert counts[1] > PINGS / 2
                assert other.reaches(found[0])
                assert bound_to(hosts, cloud, mover) == host
                mover.line = Console(hosts.place.libvirt_uri(host), mover.id)
        assert cloud.ports() == before


def start(hosts: Site, machine_id: str, address: str, host: str) -> None:
    """Start a machine whose system has an address."""
    body = {"os": dict(tiny_linux(f"{address}/24")), "memory": MEMORY}
    hosts.client.update(f"vms/{machine_id}", body)
    hosts.client.action(f"vms/{machine_id}/start", {"host": {"name": host}})


@contextmanager
def booted(hosts: Site, machine_id: str, host: str) -> Iterator[Machine]:
    """A booted VM."""
    machine = Machine(machine_id, Console(hosts.place.libvirt_uri(host), machine_id))
    try:
        machine.line.wait_for_system(180)
        yield machine
    finally:
        machine.line.close()


def bound_to(hosts: Site, cloud: Cloud, machine: Machine) -> str:
    """The host of the VM's port on the provider."""
    (nic,) = hosts.client.list(f"vms/{machine.id}/nics")
    objects = hosts.client.addition("GET", f"providers/{cloud.provider_id}/objects")
    return next(str(one["host"]) for one in objects if one["id"] == nic["id"])
