"""The agent's client of Open vSwitch's database: cases that the tests of plans do not cover, mostly failures."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from netweft.agent.ovsdb import Ovsdb, OvsdbError, OvsStepError, PlugGuest
from netweft.agent.ovsdb_session import Session
from netweft.core.host import GuestPort, OvsBridge, OvsPort
from netweft.core.steps import (
    CreateOvsBridge,
    CreateOvsPort,
    DeleteOvsBridge,
    DeleteOvsPort,
    SetMac,
    SetMtu,
    SetOvsBridge,
    SetOvsPort,
)
from netweft.lab import openvswitch
from netweft.lab.namespaces import ip
from netweft.lab.processes import run
from ovs_host import namespace, private_ovs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netweft.agent.ovsdb_session import Row
    from netweft.lab.openvswitch import OpenVSwitch

BRIDGE = OvsBridge(name="br0", owner="n1", datapath="netdev")
PORT = OvsPort(name="int0", owner="n1", bridge="br0", tag=100)


@pytest.fixture
def ovs() -> Iterator[OpenVSwitch]:
    with namespace() as name, private_ovs(name) as switch:
        yield switch


@pytest.fixture
def ovsdb(ovs: OpenVSwitch) -> Ovsdb:
    ovsdb = Ovsdb(str(ovs.socket))
    ovsdb.execute([CreateOvsBridge(BRIDGE)])
    return ovsdb


def test_version_and_datapaths_of_open_vswitch(ovsdb: Ovsdb) -> None:
    assert ovsdb.version()[0].isdigit()
    assert ovsdb.datapaths() == ("netdev", "system")


def test_queues_of_uplinks_are_left_alone_while_they_are_ports(ovs: OpenVSwitch, ovsdb: Ovsdb) -> None:
    def rows() -> list[Row]:
        with Session(str(ovs.socket), 10) as session:
            return session.select({"QoS": ("type", "external_ids")})[0]

    for name in ("eth0", "eth1"):
        ip(ovs.namespace, "link", "add", name, "type", "veth", "peer", "name", f"far-{name}")
    uplink = OvsPort(name="eth0", owner="base", bridge="br0", interfaces=("eth0",))
    ovsdb.execute([CreateOvsPort(uplink), CreateOvsPort(PORT)])
    assert [row["type"] for row in rows()] == ["linux-noop"]
    ovsdb.execute([DeleteOvsPort("eth0")])
    assert rows() == []
    ovsdb.execute([CreateOvsPort(uplink), CreateOvsPort(replace(uplink, name="eth1", interfaces=("eth1",)))])
    ovsdb.execute([DeleteOvsBridge("br0")])
    assert rows() == []


def test_a_qos_row_in_use_by_others_stays(ovs: OpenVSwitch, ovsdb: Ovsdb) -> None:
    """ovn-controller assigns the first one that it finds to its own ports."""
    for name in ("eth0", "theirs"):
        ip(ovs.namespace, "link", "add", name, "type", "veth", "peer", "name", f"far-{name}")
    ovsdb.execute([CreateOvsPort(OvsPort(name="eth0", owner="base", bridge="br0", interfaces=("eth0",)))])
    with Session(str(ovs.socket), 10) as session:
        ((row,),) = session.select({"QoS": ("_uuid", "type", "external_ids")})
    ovs.vsctl("add-br", "br-int", "--", "set", "Bridge", "br-int", "datapath_type=netdev")
    ovs.vsctl("add-port", "br-int", "theirs", "--", "set", "Port", "theirs", f"qos={row['_uuid'][1]}")
    ovsdb.execute([DeleteOvsBridge("br0")])
    with Session(str(ovs.socket), 10) as session:
        ((left,),) = session.select({"QoS": ("_uuid", "type", "external_ids")})
    assert (left["_uuid"], left["external_ids"]) == (row["_uuid"], ["map", []])


def test_a_missing_database_is_reported(tmp_path: Path) -> None:
    with pytest.raises(OvsdbError, match=r"cannot reach .*db\.sock.*No such file.*is ovsdb-server running"):
        Ovsdb(str(tmp_path / "db.sock")).observe()


def test_a_daemon_that_does_not_apply_is_reported(ovs: OpenVSwitch, ovsdb: Ovsdb) -> None:
    hasty = Ovsdb(str(ovs.socket), apply_timeout=0.3)
    daemon = ovs.processes[1]
    daemon.send(signal.SIGSTOP)
    try:
        with pytest.raises(OvsdbError, match=r"not applied the change within 0\.3 s.*is it running"):
            hasty.execute([CreateOvsPort(PORT)])
    finally:
        daemon.send(signal.SIGCONT)
    ovsdb.execute([SetMtu("int0", 1400)])
    assert ovsdb.observe()[1]["int0"].tag == 100


def test_it_continues_after_a_restart_of_open_vswitch(ovs: OpenVSwitch, ovsdb: Ovsdb) -> None:
    ovs.stop()
    with pytest.raises(OvsdbError, match="is ovsdb-server running"):
        ovsdb.observe()
    again = openvswitch.start(ovs.folder, ovs.namespace)
    try:
        ovsdb.execute([CreateOvsPort(PORT)])
        bridges, ports, _ = ovsdb.observe()
    finally:
        again.stop()
    assert bridges == {"br0": BRIDGE}
    assert ports["int0"].owner == "n1"


def test_a_step_refused_by_the_database_is_named_and_has_no_effect(ovsdb: Ovsdb) -> None:
    bad = CreateOvsPort(OvsPort(name="int1", bridge="br0", tag=5000))
    with pytest.raises(OvsStepError, match="5000 is not in the valid range") as caught:
        ovsdb.execute([CreateOvsPort(PORT), bad])
    assert caught.value.step == bad
    assert ovsdb.observe()[1] == {}


def test_a_step_refused_by_the_daemon_is_named_and_reverted(ovsdb: Ovsdb) -> None:
    bad = CreateOvsPort(OvsPort(name="eth9", bridge="br0", interfaces=("eth9",)))
    with pytest.raises(OvsStepError, match="could not open network device eth9") as caught:
        ovsdb.execute([CreateOvsPort(PORT), bad])
    assert caught.value.step == bad
    assert ovsdb.observe()[1].keys() == {"int0"}


def test_foreign_external_ids_stay(ovs: OpenVSwitch, ovsdb: Ovsdb) -> None:
    ovsdb.execute([CreateOvsPort(PORT)])
    for kind, name in (("Bridge", "br0"), ("Port", "int0")):
        ovs.vsctl("set", kind, name, "external_ids:theirs=kept")
    ovsdb.execute(
        [
            SetOvsBridge(OvsBridge(name="br0", datapath="netdev", stp=True)),
            SetOvsPort(OvsPort(name="int0", bridge="br0")),
        ]
    )
    bridges, ports, _ = ovsdb.observe()
    assert (bridges["br0"].owner, ports["int0"].owner) == ("", "")
    for kind, name in (("Bridge", "br0"), ("Port", "int0")):
        found = run(["ovs-vsctl", f"--db=unix:{ovs.socket}", "get", kind, name, "external_ids:theirs"])
        assert found == "kept\n"


def test_names_in_any_script_are_preserved(ovsdb: Ovsdb) -> None:
    """In an answer of several thousand octets, a read ends within a character."""
    owner = 'Netz für Gäste 網路 {["\\' * 2000
    ovsdb.execute([SetOvsBridge(OvsBridge(name="br0", owner=owner, datapath="netdev"))])
    assert ovsdb.observe()[0]["br0"].owner == owner


def test_a_port_recreated_in_one_transaction_is_a_new_link(ovs: OpenVSwitch, ovsdb: Ovsdb) -> None:
    ovsdb.execute([CreateOvsPort(PORT), SetMac("int0", "02:00:00:00:00:01")])
    ip(ovs.namespace, "address", "add", "192.0.2.1/24", "dev", "int0")
    ovsdb.execute([DeleteOvsPort("int0"), CreateOvsPort(PORT)])
    assert "192.0.2.1" not in run(["ip", "-n", ovs.namespace, "-json", "address", "show", "dev", "int0"])


def test_a_guest_port_is_reported_as_such(ovs: OpenVSwitch, ovsdb: Ovsdb) -> None:
    ip(ovs.namespace, "link", "add", "guest0", "type", "veth", "peer", "name", "guest0-far")
    port = GuestPort(name="guest0", vnic="v1", bridge="br0", tag=7)
    ovsdb.execute([PlugGuest(port)])
    _, ports, guests = ovsdb.observe()
    assert (ports, guests) == ({}, {"guest0": port})


def test_an_empty_plan_needs_no_daemon(ovs: OpenVSwitch, ovsdb: Ovsdb) -> None:
    ovs.processes[1].send(signal.SIGSTOP)
    try:
        ovsdb.execute([])
    finally:
        ovs.processes[1].send(signal.SIGCONT)
