"""The agent on the real kernel: a host is a network namespace with veth devices for NICs, the agent a program in it."""

from __future__ import annotations

import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, TypeAlias

import httpx
import pytest

from agent.rig import AgentProcess, Authority, Engine
from contract.namespaces import ip, kernel_kinds, make_nic, namespace_thread
from netweft.core.host import Address, Bridge, Host, OvsBridge, OvsPort, Route, TrafficClass
from netweft.core.protocol import Phase
from netweft.core.steps import SetChassis
from ovs_host import ovs_host

if TYPE_CHECKING:
    from collections.abc import Callable

    from netweft.agent.identity import Identity

CRASHING = """
import os, signal, sys
from netweft.agent import main, store
save = store.Store.save
def save_and_die(self, record):
    save(self, record)
    if record.change and record.change.phase == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)
store.Store.save = save_and_die
main.main(sys.argv[2:])
"""
"""The agent, killed as soon as a phase is stored."""


class HostInNamespace:
    """A host. All operations on it run in its thread, which is in its namespace."""

    def __init__(self, state: Path, engine: Identity) -> None:
        self.state = state
        self.engine = engine
        self.ovsdb = state / "no.sock"
        self.ovn = state / "no-ovn"
        self.started: list[tuple[AgentProcess, Engine]] = []
        ip("link set lo up", "addr add 192.0.2.1/32 dev lo")
        for number in range(3):
            make_nic(f"eth{number}", f"02:00:00:00:00:0{number}", far=f"far{number}")
        ip(
            "link set eth0 up",
            "addr add 198.51.100.7/24 dev eth0",
            "link set eth1 up",
            "addr add 203.0.113.7/24 dev eth1",
        )

    def agent(self, *, boot: str = "one", crash_at: str = "", resolver: str = "resolv.conf") -> Engine:
        """Start the agent; returns a client."""
        options = (
            "--boot-id",
            boot,
            "--boot-wait",
            "0",
            "--run",
            str(self.state / "run"),
            "--resolv-conf",
            str(self.state / resolver),
        )
        ovs = ("--ovsdb", str(self.ovsdb), "--ovn", str(self.ovn), "--ovn-wait", "2", "--log-level", "error")
        program = ("-c", CRASHING, crash_at) if crash_at else ("-m", "netweft.agent")
        process = AgentProcess(self.state, *options, *ovs, program=program)
        self.started.append((process, Engine(f"https://127.0.0.1:{process.port}", self.engine)))
        return self.started[-1][1]

    @property
    def process(self) -> AgentProcess:
        return self.started[-1][0]

    def end(self) -> None:
        for process, engine in self.started:
            engine.client.close()
            process.kill()


Play: TypeAlias = "Callable[[Callable[[HostInNamespace], None]], None]"


@pytest.fixture
def on_host(authority: Authority, engine_identity: Identity, tmp_path: Path) -> Play:
    """A function that runs a scenario on a new host."""
    state = authority.issue(tmp_path / "state", "localhost").folder
    shutil.copy("/etc/hostname", state / "resolv.conf")

    def play(scenario: Callable[[HostInNamespace], None]) -> None:
        with namespace_thread() as thread:
            host = thread.submit(HostInNamespace, state, engine_identity).result()
            try:
                thread.submit(scenario, host).result()
            finally:
                thread.submit(host.end).result()

    return play


def with_bridge(host: Host, name: str = "blue", nic: str = "eth1") -> Host:
    """The desired host, in which the NIC's addresses have moved to a bridge over it, with a route."""
    link = host.nics[nic]
    bridge = Bridge(name=name, owner=name, addresses=link.addresses or (Address(ip="10.9.8.7", prefix=24),), mtu=1400)
    gateway = str(bridge.addresses[0].network).split("/")[0].rsplit(".", 1)[0] + ".1"
    route = Route(to=f"10.9{nic[-1]}.0.0/16", via=gateway, link=name)
    desired = host.with_link(replace(link, owner="nic", master=name, addresses=(), mtu=1400)).with_link(bridge)
    return replace(desired, routes=tuple(sorted((*desired.routes, route))), dns=("192.0.2.53",))


def test_a_committed_change_is_restored_at_boot(on_host: Play) -> None:
    def scenario(host: HostInNamespace) -> None:
        engine = host.agent()
        before = engine.host()
        assert not engine.report().dirty
        engine.kept(1, with_bridge(before), commit=True)
        report = engine.report()
        assert not report.dirty
        assert report.host.bridges["blue"].addresses == (Address(ip="203.0.113.7", prefix=24),)
        assert report.host.ports_of("blue") == ["eth1"]
        assert any(route.to == "10.91.0.0/16" for route in report.host.routes)
        assert "192.0.2.53" in (host.state / "resolv.conf").read_text()
        assert engine.counters()["eth1"].rx_bytes >= 0
        assert host.process.stop() == 0
        ip("link del blue", "addr flush dev eth1", "link set eth1 mtu 1500 down")
        again = host.agent(boot="two").report()
        assert again.host == report.host
        assert not again.dirty

    on_host(scenario)


def test_nobody_confirms(on_host: Play) -> None:
    def scenario(host: HostInNamespace) -> None:
        engine = host.agent()
        before = engine.host()
        engine.put(1, with_bridge(before), confirm_within=0.2)
        change = engine.until(Phase.ROLLED_BACK)
        assert change.difference == ()
        assert engine.host() == before

    on_host(scenario)


def test_a_step_fails_late(on_host: Play) -> None:
    """The resolver file, which comes after links, addresses and routes, cannot be written: its folder is a file."""

    def scenario(host: HostInNamespace) -> None:
        (host.state / "file").touch()
        engine = host.agent(resolver="file/resolv.conf")
        before = engine.host()
        engine.put(1, with_bridge(before))
        change = engine.until(Phase.ROLLED_BACK)
        assert "SetDns" in change.error
        assert change.difference == ()
        assert engine.host() == before

    on_host(scenario)


def test_traffic_is_shaped_or_nothing_changes(on_host: Play) -> None:
    """A kernel without HFSC refuses before anything else has changed, and the host is unchanged."""

    def scenario(host: HostInNamespace) -> None:
        engine = host.agent()
        before = engine.host()
        desired = with_bridge(before)
        classes = (TrafficClass(tag=None, share=50), TrafficClass(tag=100, share=10, upper_limit=10**9))
        desired = desired.with_link(replace(desired.nics["eth1"], shaping=classes))
        if "hfsc" in kernel_kinds():
            engine.kept(1, desired, commit=True)
            assert host.process.stop() == 0
            ip("link del blue", "link set eth1 down")
            subprocess.run(["tc", "qdisc", "del", "dev", "eth1", "root"], check=True)
            assert host.agent(boot="two").host().nics["eth1"].shaping == classes
            return
        engine.put(1, desired)
        change = engine.until(Phase.ROLLED_BACK)
        assert "this kernel cannot shape traffic: it has no module sch_hfsc" in change.error
        assert (change.steps_done, change.difference) == (0, ())
        assert engine.host() == before

    on_host(scenario)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.COMMITTED])
def test_killed_at_every_state(on_host: Play, phase: Phase) -> None:
    def scenario(host: HostInNamespace) -> None:
        engine = host.agent(crash_at=phase)
        before = engine.host()
        desired = with_bridge(before)
        try:
            engine.put(1, desired)
            engine.until(Phase.AWAITING)
            if phase is Phase.CONFIRMED:
                engine.confirm(1)
            else:
                engine.roll_back(1)
                engine.until(Phase.ROLLED_BACK)
        except httpx.TransportError:
            pass
        assert host.process.died() == -signal.SIGKILL
        report = host.agent().report()
        assert report.change
        if phase is Phase.CONFIRMED:
            assert report.change.phase is Phase.CONFIRMED
            assert report.host.ports_of("blue") == ["eth1"]
        else:
            assert (report.change.phase, report.change.difference) == (Phase.ROLLED_BACK, ())
            assert report.host == before

    on_host(scenario)


@pytest.mark.parametrize("milliseconds", [5, 15, 30, 60])
def test_killed_at_some_moment(on_host: Play, milliseconds: int) -> None:
    """Killed between two of many steps, which depends on the machine: the host is rolled back."""

    def scenario(host: HostInNamespace) -> None:
        engine = host.agent()
        before = engine.host()
        many = with_bridge(before)
        for number in range(60):
            many = many.with_link(Bridge(name=f"b{number}", owner="many"))
        engine.put(1, many)
        sleep(milliseconds / 1000)
        host.process.kill()
        report = host.agent().report()
        assert report.change
        assert (report.change.phase, report.change.difference) == (Phase.ROLLED_BACK, ())
        assert report.host == before

    on_host(scenario)


def test_the_kernel_is_watched(on_host: Play) -> None:
    def scenario(host: HostInNamespace) -> None:
        engine = host.agent()
        last = engine.events().events[-1].id
        ip("link set far1 down")
        page = engine.events(last, wait=30)
        while not any(event.subject == "eth1" for event in page.events):
            page = engine.events(page.events[-1].id, wait=30)
        told = [(event.kind, event.subject, event.detail) for event in page.events]
        assert ("link", "eth1", "no carrier") in told
        ip("addr add 10.1.2.3/24 dev eth2")
        page = engine.events(page.events[-1].id, wait=30)
        while not any(event.kind == "address" for event in page.events):
            page = engine.events(page.events[-1].id, wait=30)
        assert ("address", "eth2", "+10.1.2.3/24") in [
            (event.kind, event.subject, event.detail) for event in page.events
        ]
        assert engine.host().nics["eth1"].carrier is False
        ip("link add brief type bridge", "link del brief")
        page = engine.events(page.events[-1].id, wait=30)
        while not any(event.detail == "gone" for event in page.events):
            page = engine.events(page.events[-1].id, wait=30)

    on_host(scenario)


def test_manual_changes_are_observed(on_host: Play) -> None:
    def scenario(host: HostInNamespace) -> None:
        engine = host.agent()
        blue = with_bridge(engine.host())
        engine.kept(1, blue, commit=True)
        ip("link set eth1 nomaster")
        assert engine.report().dirty
        engine.kept(2, with_bridge(blue, name="red", nic="eth2"))
        assert (engine.host().ports_of("blue"), engine.host().ports_of("red")) == (["eth1"], ["eth2"])

    on_host(scenario)


def test_capabilities_and_memory(on_host: Play) -> None:
    def scenario(host: HostInNamespace) -> None:
        facts = host.agent().report().capabilities
        assert facts.kernel
        assert facts.cpu_cores > 0
        assert facts.memory > 1 << 20
        assert facts.os_name
        assert facts.ovs_version == ""
        status = dict(line.split(":", 1) for line in Path(f"/proc/{host.process.pid}/status").read_text().splitlines())
        assert int(status["VmRSS"].split()[0]) < 60 * 1024, "the goal for an idle agent"

    on_host(scenario)


@pytest.mark.parametrize("phase", [Phase.APPLYING, Phase.AWAITING, Phase.CONFIRMED])
def test_killed_with_open_vswitch(
    authority: Authority, engine_identity: Identity, tmp_path: Path, phase: Phase
) -> None:
    state = authority.issue(tmp_path / "state", "localhost").folder
    with ovs_host() as (_, ovsdb):
        host = HostInNamespace(state, engine_identity)
        host.ovsdb = Path(ovsdb.path)
        try:
            engine = host.agent(crash_at=phase)
            before = engine.host()
            with pytest.raises(httpx.TransportError):
                engine.kept(1, with_ovs(before))
            assert host.process.died() == -signal.SIGKILL
            again = host.agent()
            report = again.report()
            assert report.capabilities.ovs_version
            if phase is Phase.CONFIRMED:
                assert report.host.ovs_ports["tenants"].tag == 200
                again.put(2, before, confirm_within=0)
                again.until(Phase.CONFIRMED)
                assert again.host() == before
            else:
                assert report.change
                assert (report.change.phase, report.change.difference) == (Phase.ROLLED_BACK, ())
                assert report.host == before
        finally:
            host.end()


def test_no_chassis_without_ovn_controller(authority: Authority, engine_identity: Identity, tmp_path: Path) -> None:
    """A change that needs ovn-controller is rolled back at once; one without a chassis does not wait for it."""
    state = authority.issue(tmp_path / "state", "localhost").folder
    with ovs_host() as (_, ovsdb):
        host = HostInNamespace(state, engine_identity)
        host.ovsdb = Path(ovsdb.path)
        try:
            engine = host.agent()
            before = engine.host()
            assert before.chassis is not None
            engine.put(1, replace(before, chassis=replace(before.chassis, owner="h", remote="tcp:192.0.2.9:6642")))
            change = engine.until(Phase.ROLLED_BACK)
            assert change.error == (
                "the host is no chassis of OVN (southbound database tcp:192.0.2.9:6642) after 2 s: ovn-controller does"
                " not run"
            )
            assert change.difference == ()
            assert engine.host() == before
            ovsdb.execute([SetChassis(replace(before.chassis, owner="h", remote="tcp:192.0.2.9:6642"))])
            engine.kept(2, before)
            assert engine.host() == before
        finally:
            host.end()


def with_ovs(host: Host) -> Host:
    """The desired host with an OVS bridge over eth2, and an internal port with an address in VLAN 200."""
    nic = replace(host.nics["eth2"], owner="nic")
    bridge = OvsBridge(name="fabric", owner="fabric", datapath="netdev")
    uplink = OvsPort(name="eth2", owner="fabric", bridge="fabric", interfaces=("eth2",))
    inside = Address(ip="10.20.0.1", prefix=24)
    tenants = OvsPort(name="tenants", owner="tenants", bridge="fabric", tag=200, addresses=(inside,))
    return replace(host, ovs_bridges={"fabric": bridge}).with_link(nic).with_link(uplink).with_link(tenants)
