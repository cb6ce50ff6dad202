"""The agent as a program on a host with libvirt, through its HTTPS API."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest

from agent.rig import AgentProcess, Authority, Engine
from libvirt_host import console, private_libvirt, tiny_guest
from netweft.agent.identity import Identity
from netweft.core.guest_protocol import GuestNic, GuestState
from netweft.lab.libvirt import Libvirt
from netweft.lab.namespaces import ip
from ovs_host import entered, namespace


@dataclass
class Rig:
    state: Path
    engine: Identity
    libvirt: Libvirt

    @contextmanager
    def agent(self) -> Iterator[tuple[AgentProcess, Engine]]:
        files = ("--run", str(self.state / "run"), "--resolv-conf", str(self.state / "resolv.conf"))
        guests = ("--guests", "libvirt", "--libvirt-uri", self.libvirt.uri, "--ovsdb", str(self.state / "none"))
        process = AgentProcess(self.state, *files, *guests, "--boot-id", "one", "--boot-wait", "0")
        engine = Engine(f"https://127.0.0.1:{process.port}", self.engine)
        try:
            yield process, engine
        finally:
            engine.client.close()
            process.kill()


@pytest.fixture
def rig(authority: Authority, engine_identity: Identity, tmp_path: Path) -> Iterator[Rig]:
    state = authority.issue(tmp_path / "state", "localhost").folder
    (state / "resolv.conf").touch()
    with ExitStack() as stack:
        name = stack.enter_context(namespace())
        stack.enter_context(entered(name))
        daemon = stack.enter_context(private_libvirt(name))
        ip("", "link", "add", "red", "up", "type", "bridge")
        yield Rig(state, engine_identity, daemon)


def test_the_end_of_a_guest_is_reported_at_once_also_after_the_agent_was_killed(rig: Rig) -> None:
    nic = GuestNic(id=str(uuid.uuid4()), name="nic1", mac="02:00:00:00:00:01", bridge="red")
    spec = tiny_guest(nic)
    with rig.agent() as (_, engine):
        assert engine.report().capabilities.guest_drivers == ("libvirt",)
        assert engine.ask(GuestState, "PUT", f"/v1/guests/{spec.id}", spec).status == "up"
        assert [port.vnic for port in engine.host().guest_ports.values()] == [nic.id]
    with console(rig.libvirt.uri, spec) as line, rig.agent() as (_, engine):
        report = engine.report()
        assert [(state.id, state.status, state.nics) for state in report.guests] == [(spec.id, "up", (nic,))]
        last = engine.events().events[-1].id
        line.send("poweroff -f\n")
        until = monotonic() + 30
        while not any(event.kind == "guest" and event.subject == spec.id for event in engine.events(last, 5).events):
            assert monotonic() < until
        assert engine.host().guest_ports == {}
        assert [state.status for state in engine.report().guests] == ["down"]
        assert engine.client.delete(f"/v1/guests/{spec.id}").status_code == 204
        assert engine.report().guests == ()
