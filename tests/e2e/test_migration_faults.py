"""Agents and engine are killed during a migration: the VM ends on exactly one host, and the engine knows which."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import libvirt
import pytest

from e2e.site import CLUSTER, Site, site, wait
from libvirt_host import MEMORY, Console, tiny_linux
from netweft.agent.guests.libvirt_xml import domain_name
from netweft.lab.agents import run_inside

LAB = """
name: movers
guests: libvirt
engine: {{address: 10.{net}.1/24}}
hosts:
  alpha: {{address: 10.{net}.11/24, nics: {{eth0: {{access: 4094}}, eth1: {{}}}}}}
  beta: {{address: 10.{net}.12/24, nics: {{eth0: {{access: 4094}}, eth1: {{}}}}}}
"""
HOSTS = ("alpha", "beta")
SLOW = ("rate", "12mbit", "burst", "64kb", "latency", "200ms")
"""The rate limit to a host's management NIC, with which a migration takes half a minute."""


@pytest.fixture(scope="module")
def virtual() -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="nl"))  # sockets in it need a short name
    net = f"{128 + secrets.randbelow(64)}.{secrets.randbelow(256)}"
    (folder / "lab.yaml").write_text(LAB.format(net=net))
    try:
        with site(folder, folder / "lab.yaml", f"10.{net}.1") as built:
            built.add_network("blue", 100)
            for host in HOSTS:
                assert built.outcome(built.attach("blue", host=host))["status"] == "finished"
            yield built
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def mover(virtual: Site) -> Iterator[str]:
    """The id of a machine whose system is up."""
    client = virtual.client
    body = {"name": "mover", "cluster": {"name": CLUSTER}, "memory": MEMORY, "os": dict(tiny_linux("192.0.2.1/24"))}
    guest = str(client.add("vms", body)["id"])
    profile = client.find("vnicprofiles", "blue")["id"]
    client.add(f"vms/{guest}/nics", {"name": "nic1", "vnic_profile": {"id": profile}})
    client.action(f"vms/{guest}/start", {"host": {"name": "alpha"}})
    line = Console(virtual.place.libvirt_uri("alpha"), guest)
    line.wait_for_system(120)
    line.close()
    yield guest
    if client.get(f"vms/{guest}")["status"] != "down":
        client.action(f"vms/{guest}/stop")
    client.remove(f"vms/{guest}")


def boot_id(virtual: Site, host: str, guest: str) -> str:
    """The boot id of the VM: another one after each boot."""
    line = Console(virtual.place.libvirt_uri(host), guest)
    try:
        line.wait_for_system(60)
        return line.run("cat /proc/sys/kernel/random/boot_id").output
    finally:
        line.close()


@contextmanager
def domain(virtual: Site, host: str, guest: str) -> Iterator[libvirt.virDomain]:
    """The machine, as libvirt of a host has it."""
    connection = libvirt.open(virtual.place.libvirt_uri(host))
    try:
        yield connection.lookupByName(domain_name(guest))
    finally:
        connection.close()


def running(virtual: Site, host: str) -> set[str]:
    """Ids of the machines that a host's libvirt has, in whichever state."""
    connection = libvirt.open(virtual.place.libvirt_uri(host))
    try:
        return {one.UUIDString() for one in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)}
    finally:
        connection.close()


def plugged(virtual: Site, host: str) -> tuple[set[str], set[str]]:
    """Taps of machines that a host's kernel has, and the ports for them that its switches have."""
    database = virtual.place.folder / "hosts" / host / "ovs" / "db.sock"
    listed = virtual.place.run(
        host, "ovs-vsctl", f"--db=unix:{database}", "-f", "json", "--columns=name", "list", "Port"
    )
    names = {row[0] for row in json.loads(listed.stdout)["data"]}
    links = {link["ifname"] for link in json.loads(virtual.place.run(host, "ip", "-j", "link").stdout)}
    return {name for name in links if name.startswith("nwg")}, {name for name in names if name.startswith("nwg")}


def noted(virtual: Site, host: str) -> list[str]:
    """The VMs that a host's agent has stored."""
    return [path.stem for path in (virtual.place.folder / "hosts" / host / "state" / "libvirt").glob("*.json")]


@contextmanager
def slowly(virtual: Site, host: str) -> Iterator[None]:
    """Limit the rate towards a host meanwhile."""
    state = virtual.place.hosts[host]
    switch, port = f"{state.namespace.rpartition('-')[0]}.switch", state.ports["eth0"]
    done = run_inside(switch, ("tc", "qdisc", "add", "dev", port, "root", "tbf", *SLOW))
    assert done.returncode == 0, done.stderr
    try:
        yield
    finally:
        run_inside(switch, ("tc", "qdisc", "delete", "dev", port, "root"))


def sends(virtual: Site, host: str, guest: str) -> bool:
    """Whether the VM's memory is being transferred from a host."""
    with domain(virtual, host, guest) as one:
        job = one.jobStats()
        return bool(job["type"] == libvirt.VIR_DOMAIN_JOB_UNBOUNDED and job.get("memory_processed", 0) > 0)


def begin(virtual: Site, guest: str, here: str, there: str) -> str:
    """Start a migration; returns the job as soon as memory is transferred."""
    body = {"host": {"name": there}, "async": True}
    job = str(virtual.client.action(f"vms/{guest}/migrate", body)["job"]["id"])
    wait("the machine is on its way", lambda: sends(virtual, here, guest))
    return job


def is_on(virtual: Site, guest: str, host: str, other: str) -> None:
    """Check that engine, agents and libvirt agree: the VM is on one host, and nothing of it on the other."""
    wait("both hosts are up", lambda: [virtual.status(name) for name in HOSTS] == ["up", "up"])
    vm = virtual.client.get(f"vms/{guest}")
    assert (vm["status"], vm["host"]["id"]) == ("up", virtual.host_id(host))
    assert (running(virtual, host), running(virtual, other)) == ({guest}, set())
    taps, ports = plugged(virtual, host)
    assert (len(taps), taps) == (1, ports)
    wait("the other host has let go of it", lambda: plugged(virtual, other) == (set(), set()))
    wait("the agents know", lambda: (noted(virtual, host), noted(virtual, other)) == ([guest], []))
    wait("no job is left", lambda: not [job for job in virtual.client.list("jobs") if job["status"] == "started"])
    vm = virtual.client.get(f"vms/{guest}")
    assert (vm["status"], vm["host"]["id"]) == ("up", virtual.host_id(host))


def kill(virtual: Site, victim: str, here: str, there: str) -> None:
    if victim == "engine":
        virtual.engine.kill()
    else:
        virtual.place.stop_agent({"source": here, "target": there}[victim], kill=True)


def revive(virtual: Site, victim: str, here: str, there: str) -> None:
    if victim == "engine":
        virtual.engine.start()
    else:
        virtual.place.start_agent({"source": here, "target": there}[victim])


def where(virtual: Site, guest: str) -> tuple[str, str]:
    """The host that runs the VM, and the other one."""
    (here,) = [host for host in HOSTS if guest in running(virtual, host)]
    return here, next(host for host in HOSTS if host != here)


@pytest.mark.parametrize("victim", ["source", "target", "engine"])
def test_a_migration_ends_well_whichever_process_is_killed(virtual: Site, mover: str, victim: str) -> None:
    here, there = where(virtual, mover)
    boot = boot_id(virtual, here, mover)
    with slowly(virtual, there):
        job = begin(virtual, mover, here, there)
        kill(virtual, victim, here, there)
        assert sends(virtual, here, mover), "it goes on"
        revive(virtual, victim, here, there)
        assert sends(virtual, here, mover), "it goes on"
    assert virtual.outcome(job)["status"] == "finished"
    is_on(virtual, mover, there, here)
    assert boot_id(virtual, there, mover) == boot


def give_up(virtual: Site, guest: str, here: str, there: str) -> None:
    """Abort the migration by libvirt, and wait until it has ended."""
    with domain(virtual, here, guest) as one:
        one.abortJob()
    wait("it is given up", lambda: not sends(virtual, here, guest))
    wait("the machine is on one host", lambda: running(virtual, there) == set())


def test_a_vm_stays_when_its_migration_is_cancelled_while_the_target_agent_is_down(virtual: Site, mover: str) -> None:
    here, there = where(virtual, mover)
    boot = boot_id(virtual, here, mover)
    with slowly(virtual, there):
        job = begin(virtual, mover, here, there)
        kill(virtual, "target", here, there)
        give_up(virtual, mover, here, there)
    outcome = virtual.outcome(job)
    assert (outcome["status"], "stays on this host" in outcome["error"]) == ("failed", True)
    revive(virtual, "target", here, there)
    is_on(virtual, mover, here, there)
    assert boot_id(virtual, here, mover) == boot


@pytest.mark.parametrize("victim", ["source", "engine"])
def test_a_vm_migrates_when_the_cancellation_reached_no_host(virtual: Site, mover: str, victim: str) -> None:
    here, there = where(virtual, mover)
    boot = boot_id(virtual, here, mover)
    with slowly(virtual, there):
        job = begin(virtual, mover, here, there)
        kill(virtual, victim, here, there)
        give_up(virtual, mover, here, there)
        assert (running(virtual, here), plugged(virtual, there)) == ({mover}, (set(), set()))
    revive(virtual, victim, here, there)
    assert virtual.outcome(job)["status"] == "finished"
    is_on(virtual, mover, there, here)
    assert boot_id(virtual, there, mover) == boot


def test_a_vm_has_migrated_while_the_source_agent_is_down(virtual: Site, mover: str) -> None:
    here, there = where(virtual, mover)
    with slowly(virtual, there):
        job = begin(virtual, mover, here, there)
        kill(virtual, "source", here, there)
    assert virtual.outcome(job)["status"] == "finished"
    vm = virtual.client.get(f"vms/{mover}")
    assert (vm["status"], vm["host"]["id"]) == ("up", virtual.host_id(there))
    assert noted(virtual, here) == [mover]
    revive(virtual, "source", here, there)
    is_on(virtual, mover, there, here)


def test_a_vm_that_ends_during_migration_is_down(virtual: Site, mover: str) -> None:
    here, there = where(virtual, mover)
    with slowly(virtual, there):
        job = begin(virtual, mover, here, there)
        line = Console(virtual.place.libvirt_uri(here), mover)
        line.send("poweroff -f\n")
        assert virtual.outcome(job)["status"] == "failed"
        line.close()
    wait("the engine knows", lambda: virtual.client.get(f"vms/{mover}")["status"] == "down")
    assert [running(virtual, host) for host in HOSTS] == [set(), set()]
    for host in HOSTS:
        wait(
            "nothing is left", lambda host=host: (plugged(virtual, host), noted(virtual, host)) == ((set(), set()), [])
        )
