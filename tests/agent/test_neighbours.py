"""Neighbours by LLDP, learnt by a real lldpd from another one at the other end of a cable."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import pytest

import waiting
from agent.rig import PATIENCE, Authority, Engine, served
from lldp_switch import Cabled, Lldpd, cabled, lldpd, speaking
from netweft.agent.identity import Identity
from netweft.agent.main import parse
from netweft.agent.neighbours import NeighbourWatch, ask
from netweft.agent.neighbours import parse as read
from netweft.agent.real import real_host
from netweft.core.neighbours import Neighbour, Neighbours, text_of
from netweft.lab import namespaces
from ovs_host import entered


@pytest.fixture
def cable() -> Iterator[Cabled]:
    with cabled() as here:
        yield here


@pytest.fixture
def listener(cable: Cabled) -> Iterator[Lldpd]:
    with lldpd(cable.host, "-r") as daemon:
        yield daemon


until = partial(waiting.until, seconds=PATIENCE)


SW_A = "port Gi1/0/7 of sw-a"


def test_each_change_of_neighbours_is_notified(cable: Cabled, listener: Lldpd) -> None:
    told: SimpleQueue[str] = SimpleQueue()
    watch = NeighbourWatch(listener.socket, lambda: told.put(_text(watch.found())), every=0.1, gap=0.05)
    try:
        until(lambda: watch.found() == {})
        with speaking(cable.switch) as switch:
            until(lambda: _text(watch.found()) == SW_A)
            switch.tell("configure ports p7 lldp portidsubtype local Gi1/0/8 description to-rack-3")
            until(lambda: _text(watch.found()) == "port Gi1/0/8 of sw-a")
            before = switch.sent()
            until(lambda: switch.sent() > before + 2)  # repeated frames are not notified
        until(lambda: watch.found() == {})  # an lldpd that ends sends a shutdown frame
        listener.stop()
        until(lambda: watch.found() is None)  # lldpd has ended
    finally:
        watch.close()
    texts = [told.get_nowait() for _ in range(told.qsize())]
    assert texts == ["", SW_A, "port Gi1/0/8 of sw-a", "", ""]


def test_a_real_agent_reports_its_neighbours(cable: Cabled, listener: Lldpd, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "resolv.conf").touch()
    words = {"state": "state", "run": "run", "ovsdb": "none", "resolv-conf": "resolv.conf", "lldpd": listener.socket}
    options = parse([word for name, value in words.items() for word in (f"--{name}", str(tmp_path / value))])
    with speaking(cable.switch), entered(cable.host):
        until(lambda: bool(_heard(listener)))
        service = real_host(options)
        try:
            until(lambda: _text(service.report().neighbours) == SW_A)
            assert any(one.detail == "neighbours" for one in service.events.page(0, 0).events)
        finally:
            service.close(PATIENCE)


def _text(found: Neighbours | None) -> str:
    return text_of((found or {}).get("eth1", ()))


def test_lldp_texts_are_decoded_and_sanitized(cable: Cabled, listener: Lldpd) -> None:
    namespaces.ip(cable.switch, "address", "add", "192.0.2.9/24", "dev", "p7")
    with speaking(cable.switch) as switch:
        switch.tell(
            "configure system capabilities enabled bridge,router",
            "configure lldp custom-tlv add oui 00,80,c2 subtype 1 oui-info 01,e8",
            "configure lldp custom-tlv add oui 00,80,c2 subtype 3 oui-info 01,e8,04,62,6c,75,65",
            "configure lldp custom-tlv add oui 00,80,c2 subtype 3 oui-info 00,07,04,72,65,1b,64",
            "configure lldp custom-tlv add oui 00,12,0f subtype 3 oui-info 03,00,00,00,09",
            "configure lldp custom-tlv add oui 00,12,0f subtype 4 oui-info 05,f2",
        )
        namespaces.run(["lldpcli", "-u", str(switch.socket), "configure", "system", "description", "a\nb \x1b[31m c"])
        until(lambda: any(one.frame_max and " b " in one.system_description for one in _heard(listener)))
        (said,) = _heard(listener)
    assert (said.system_name, said.port, said.port_kind, said.port_description) == (
        "sw-a",
        "Gi1/0/7",
        "local",
        "to-rack-3",
    )
    assert (said.chassis_kind, said.system_description, said.addresses) == ("mac", "a b [31m c", ("192.0.2.9",))
    assert (said.vlan, said.vlans, said.aggregate, said.frame_max) == (488, ((488, "blue"), (7, "re d")), 9, 1522)
    assert said.enabled == ("Bridge", "Router")
    assert set(said.enabled) < set(said.capabilities)


def _heard(listener: Lldpd) -> tuple[Neighbour, ...]:
    found = ask(listener.socket)
    assert found is not None
    return found.get("eth1", ())


def test_a_host_without_lldpd_reports_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(tmp_path / "none") is None
    left_behind = tmp_path / "socket"
    left_behind.touch()
    assert ask(left_behind) is None, "nobody listens there"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ask(left_behind) is None, "there is no lldpcli"


def test_neighbours_stay_while_lldpd_hangs(cable: Cabled, listener: Lldpd, caplog: pytest.LogCaptureFixture) -> None:
    with speaking(cable.switch):
        watch = NeighbourWatch(listener.socket, lambda: None, every=0.1, gap=0.05, patience=0.5)
        try:
            until(lambda: _text(watch.found()) == SW_A)
            with listener.halted():
                until(lambda: "has not answered" in caplog.text)
                assert _text(watch.found()) == SW_A
        finally:
            watch.close()


_INTERFACE = """
{"name": "eth1", "via": "LLDP",
 "chassis": [{"id": [{"type": "mac", "value": "02:00:00:00:00:01"}], "name": [{"value": "sw-a"}]}],
 "port": [{"id": [{"type": "local", "value": "7"}], "ttl": [{"value": "120"}]}]}
"""


def test_several_neighbours_of_a_nic_and_none_by_other_protocols() -> None:
    other = _INTERFACE.replace("sw-a", "sw-0").replace('"7"', '"9"')
    cisco = _INTERFACE.replace('"LLDP"', '"CDPv2"')
    found = read(b'{"lldp": [{"interface": [%s]}]}' % f"{_INTERFACE},{other},{cisco}".encode())
    assert _text(found) == "port 9 of sw-0 and port 7 of sw-a"
    assert read(b'{"lldp": [{}]}') == {}


def test_simulated_hosts_have_a_neighbour_at_each_cable(
    authority: Authority, engine_identity: Identity, tmp_path: Path
) -> None:
    with served(tmp_path, authority, number=26) as url:
        engine = Engine(url, engine_identity)
        found = engine.report().neighbours
        assert found is not None
        assert [text_of(found[f"eth{nic}"]) for nic in range(4)] == [
            "port Gi1/0/3 of sw-2a",
            "port Gi1/0/3 of sw-2b",
            "port Gi1/0/4 of sw-2a",
            "port Gi1/0/4 of sw-2b",
        ]
        moved = Neighbour(chassis="x", system_name="sw-9", port="p1")
        engine.simulate(carrier={"eth1": False}, neighbours={"eth2": (moved,)})
        found = engine.report().neighbours
        assert found is not None
        assert (text_of(found["eth2"]), "eth1" in found) == ("port p1 of sw-9", False)
        assert any(one.detail == "neighbours" for one in engine.events().events)
        engine.simulate(lacks=("lldpd",))
        assert engine.report().neighbours is None
        engine.client.close()
