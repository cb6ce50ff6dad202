"""A host that its agent makes a chassis of a real OVN, and that rolls back changes that break the chassis."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from agent.rig import Authority, Engine
from agent.test_machine import HostInNamespace
from netweft.agent.ovn_controller import why_not_connected
from netweft.agent.ovn_southbound import forget
from netweft.agent.ovsdb import Ovsdb
from netweft.agent.wire import ENGINE_NAME
from netweft.core.compare import differences
from netweft.core.host import Chassis, Host
from netweft.core.protocol import Phase
from netweft.lab.processes import run
from ovs_host import entered, namespace, private_ovs
from providers.guests import Guest, guest, reach_each_other
from providers.ovn import EXTERNAL_BRIDGE, PHYSICAL_NETWORK, Ovn, chassis_of
from providers.ovn import Chassis as RealChassis
from waiting import until

ADDRESS = "10.99.0.31"
"""Of the host's tunnels."""
MACS = {"h1": "02:00:00:00:31:01", "h3": "02:00:00:00:31:03"}
IPS = {"h1": "10.1.31.1", "h3": "10.1.31.3"}


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A host that was made a chassis by hand, with an agent that begins to manage it, and two guests on one network of
    OVN: one on it and one on another chassis.
    """

    ovn: Ovn
    chassis: RealChassis
    agents: HostInNamespace
    here: Guest
    elsewhere: Guest

    def keys(self) -> str:
        """The external_ids of Open_vSwitch."""
        database = f"--db=unix:{self.chassis.switch.socket}"
        return run(["ovs-vsctl", "--timeout=20", database, "get", "Open_vSwitch", ".", "external_ids"])

    def serves(self) -> None:
        """Assert that the host is a chassis whose guest reaches the other one."""
        until(lambda: not why_not_connected(self.chassis.switch.folder), "the connection to the southbound database")
        reach_each_other((self.here, IPS["h3"]), (self.elsewhere, IPS["h1"]))

    def names(self) -> set[str]:
        """The name of its chassis in the southbound database."""
        return set(self.ovn.central.sbctl("--bare", "--columns=name", "list", "Chassis").split())

    def chassis_rows(self) -> set[str]:
        """The chassis in the southbound database: name, host, row."""
        listed = self.ovn.central.sbctl(
            "--format=csv", "--no-headings", "--columns=name,hostname,_uuid", "list", "Chassis"
        )
        return set(listed.splitlines())


@pytest.fixture
def host(ovn: Ovn, tmp_path: Path) -> Iterator[Prepared]:
    authority = Authority()
    state = authority.issue(tmp_path / "state", "localhost").folder
    engine = authority.issue(tmp_path / "engine", ENGINE_NAME)
    with (
        namespace() as place,
        private_ovs(place) as switch,
        chassis_of("h3", switch, ovn.central, ovn.wires, ADDRESS) as chassis,
        network(ovn),
        guest(chassis, "port-h3", MACS["h3"]) as here,
        guest(ovn.chassis["h1"], "port-h1", MACS["h1"]) as elsewhere,
        entered(place),
    ):
        agents = HostInNamespace(state, engine)
        agents.ovsdb, agents.ovn = switch.socket, switch.folder
        here.take(f"{IPS['h3']}/24")
        elsewhere.take(f"{IPS['h1']}/24")
        prepared = Prepared(ovn=ovn, chassis=chassis, agents=agents, here=here, elsewhere=elsewhere)
        try:
            prepared.serves()
            yield prepared
        finally:
            agents.end()


@contextmanager
def network(ovn: Ovn) -> Iterator[None]:
    """A network of OVN with a port on each of the two chassis."""
    central = ovn.central
    central.nbctl("ls-add", "net31")
    for name, mac in MACS.items():
        central.nbctl(
            "lsp-add", "net31", f"port-{name}", "--", "lsp-set-addresses", f"port-{name}", f"{mac} {IPS[name]}"
        )
    try:
        yield
    finally:
        central.nbctl("ls-del", "net31")


def with_chassis(before: Host, **fields: object) -> Host:
    """The desired host: the chassis is ours, and keeps its name."""
    assert before.chassis is not None
    ours = replace(before.chassis, owner=f"host-31/{before.chassis.system_id}")
    return replace(before, chassis=replace(ours, **fields))  # type: ignore[arg-type] # keys are fields


def test_a_chassis_is_taken_over_kept_and_released_unchanged(host: Prepared) -> None:
    engine, keys = host.agents.agent(), host.keys()
    before, facts = engine.host(), engine.report().capabilities
    assert facts.ovn_version
    assert before.chassis == Chassis(
        system_id=host.chassis.namespace,
        remote=host.ovn.central.southbound,
        encap_type="geneve",
        encap_ip=ADDRESS,
        mappings={PHYSICAL_NETWORK: EXTERNAL_BRIDGE},
        datapath="netdev",
    )
    mapped = {PHYSICAL_NETWORK: EXTERNAL_BRIDGE, "physnet2": EXTERNAL_BRIDGE}
    engine.kept(1, with_chassis(before, mappings=mapped), commit=True)
    told = host.ovn.central.sbctl("get", "Chassis", host.chassis.namespace, "other_config:ovn-bridge-mappings")
    assert told.strip() == '"physnet1:br-ex,physnet2:br-ex"'
    host.serves()
    engine.kept(2, before, commit=True)
    assert (engine.host(), host.keys()) == (before, keys)
    host.serves()


def test_another_name(host: Prepared) -> None:
    """Like a host that was copied from another. A running ovn-controller does not change it by itself."""
    engine = host.agents.agent()
    engine.kept(1, with_chassis(engine.host(), owner="host-31", system_id="host-31"))
    assert "host-31" in host.names()
    assert host.chassis.namespace not in host.names()


@pytest.mark.parametrize("remote", ["unix:/nowhere/sb.sock", "tcp:127.0.0.1:1"])
def test_an_unreachable_southbound_database(host: Prepared, remote: str) -> None:
    engine, keys = host.agents.agent(), host.keys()
    before = engine.host()
    ports = run(["ovs-vsctl", f"--db=unix:{host.chassis.switch.socket}", "list-ports", "br-int"])
    engine.put(1, with_chassis(before, remote=remote))
    engine.until(Phase.APPLYING)
    assert host.here.reaches(IPS["h1"]), "what OVN has set up stays while it is away"
    change = engine.until(Phase.ROLLED_BACK)
    assert change.error == (
        f"the host is no chassis of OVN (southbound database {remote}) after 2 s: ovn-controller is not connected"
    )
    assert change.difference == ()
    assert (engine.host(), host.keys()) == (before, keys)
    host.serves()
    assert run(["ovs-vsctl", f"--db=unix:{host.chassis.switch.socket}", "list-ports", "br-int"]) == ports


def test_the_same_database_by_another_address(host: Prepared) -> None:
    """As if it became a cluster of several databases: the chassis is the same, and stays."""
    engine = host.agents.agent()
    desired = with_chassis(engine.host())
    engine.kept(1, desired)
    name = host.chassis.namespace
    row = host.ovn.central.sbctl("get", "Chassis", name, "_uuid")
    more = replace(desired.chassis, remote=f"tcp:127.0.0.1:1,{host.ovn.central.southbound}")
    engine.kept(2, replace(desired, chassis=more))
    assert host.ovn.central.sbctl("get", "Chassis", name, "_uuid") == row
    host.serves()


def test_an_address_of_another_chassis(host: Prepared) -> None:
    """ovn-controller is connected nevertheless, and only the database shows that it is not registered."""
    engine, keys = host.agents.agent(), host.keys()
    before = engine.host()
    engine.put(1, with_chassis(before, encap_ip="10.99.0.11"))
    change = engine.until(Phase.ROLLED_BACK)
    assert change.error.endswith(f"10.99.0.11 is the address of chassis {host.ovn.chassis['h1'].namespace}")
    assert (change.difference, engine.host(), host.keys()) == ((), before, keys)
    host.serves()


def test_a_host_stops_being_a_chassis(host: Prepared) -> None:
    engine = host.agents.agent()
    before = engine.host()
    engine.kept(1, with_chassis(before))
    engine.kept(2, replace(before, chassis=Chassis(system_id=host.chassis.namespace)))
    assert host.names() == {one.namespace for one in host.ovn.chassis.values()}
    engine.kept(3, with_chassis(before))
    host.serves()


def test_nobody_confirms(host: Prepared) -> None:
    engine, keys = host.agents.agent(), host.keys()
    before = engine.host()
    engine.put(1, with_chassis(before), confirm_within=0.2)
    change = engine.until(Phase.ROLLED_BACK)
    assert (change.error, change.difference) == ("the engine did not confirm it within 0.2 s", ())
    assert (engine.host(), host.keys()) == (before, keys)
    host.serves()


@pytest.mark.parametrize("phase", [Phase.CHECKPOINTED, Phase.APPLYING, Phase.AWAITING, Phase.ROLLING_BACK])
def test_the_agent_is_killed(host: Prepared, phase: Phase) -> None:
    engine, keys = host.agents.agent(crash_at=phase), host.keys()
    before = engine.host()
    with pytest.raises(httpx.TransportError):
        bring_about(engine, with_chassis(before), phase)
    assert host.agents.process.died() == -signal.SIGKILL
    report = host.agents.agent().report()
    assert report.change
    assert (report.change.phase, report.change.difference) == (Phase.ROLLED_BACK, ())
    assert (report.host, host.keys()) == (before, keys)
    host.serves()


def bring_about(engine: Engine, desired: Host, phase: Phase) -> None:
    """Bring a change to this phase."""
    engine.put(1, desired)
    engine.until(Phase.AWAITING)
    if phase is Phase.ROLLING_BACK:
        engine.roll_back(1)
    while True:
        engine.report()


def test_manual_changes_of_the_chassis(host: Prepared) -> None:
    """The agent sends an event, its report has the differences, and the plan corrects them."""
    engine = host.agents.agent()
    desired = with_chassis(engine.host())
    engine.kept(1, desired)
    last = engine.events().events[-1].id
    host.chassis.switch.vsctl("set", "Open_vSwitch", ".", 'external_ids:ovn-remote="tcp:192.0.2.9:6642"')
    page = engine.events(last, wait=30)
    while not any(event.kind == "host" for event in page.events):
        page = engine.events(page.events[-1].id if page.events else last, wait=30)
    assert differences(desired, engine.host()) == (
        f"the OVN chassis: remote should be {host.ovn.central.southbound}, and is tcp:192.0.2.9:6642",
    )
    engine.kept(2, desired)
    assert differences(desired, engine.host()) == ()
    host.serves()


def test_a_cloned_host_leaves_the_chassis_of_its_original_unchanged(host: Prepared) -> None:
    """A copy has the mark and the keys of its original, except its own address."""
    before = host.chassis_rows()
    (original,) = (one.split(",")[0] for one in before if "h1" in one)
    copied = Chassis(system_id=original, remote=host.ovn.central.southbound, encap_ip="10.99.0.11")
    forget(Ovsdb(str(host.chassis.switch.socket)), copied, replace(copied, system_id="host-31", encap_ip=ADDRESS))
    assert host.chassis_rows() == before
