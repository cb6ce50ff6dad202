"""A host leaves its engine by hand: all our objects are removed, except those that its management needs."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from netweft.agent.identity import Identity
from netweft.agent.leave import LeaveError, cleared, leave
from netweft.agent.service import Request
from netweft.agent.simulated import PATH, SimulatedService
from netweft.agent.simulated_machine import Simulation
from netweft.core.desired import desired_host
from netweft.core.guest_protocol import GuestSpec
from netweft.core.host import Bridge, Vlan
from netweft.core.intent import AttachmentIntent, HostIntent, IpAssignment, NetworkIntent, SwitchType
from netweft.core.plan import plan
from netweft.core.simulate import simulate_all

if TYPE_CHECKING:
    from pathlib import Path

    from netweft.core.host import Host

ADDRESS = "https://198.18.0.2:54322"


def carrying(host: Host, switch: SwitchType) -> Host:
    """The simulated host with management and two networks more, and a foreign bridge."""
    static = (IpAssignment(method="static", address="198.18.0.2", prefix=15),)
    names = {"ovirtmgmt": ("eth0", None), "storage": ("eth1", 7), "tenants": ("eth0", 8)}
    intent = HostIntent(
        switch_type=switch,
        networks=tuple(
            NetworkIntent(id=f"id-{one}", name=one, host_side_name=one, vlan=tag) for one, (_, tag) in names.items()
        ),
        attachments=tuple(
            AttachmentIntent(id=one, network_id=f"id-{one}", nic=nic, assignments=static if one == "ovirtmgmt" else ())
            for one, (nic, _) in names.items()
        ),
    )
    theirs = host.with_link(Bridge(name="docker0", mac="02:00:00:00:88:00"))
    return simulate_all(theirs, plan(theirs, desired_host(intent, theirs)))


@pytest.mark.parametrize("switch", ["legacy", "ovs"])
def test_everything_of_ours_but_management_is_removed(switch: SwitchType, tmp_path: Path) -> None:
    service = SimulatedService("sim-1", 1, tmp_path / "host")
    changed = Simulation(host=carrying(service.driver.observe(), switch))
    body = msgspec.json.encode(changed)
    assert service.answer(Request(method="POST", path=PATH, body=body, opened=time.monotonic()))
    identity = Identity(tmp_path / "identity")
    identity.pki.mkdir(parents=True)
    identity.hosts.write_text(json.dumps({"address": ADDRESS}))
    leave(service, identity, "")
    left = service.driver.observe()
    owned = {name for name, link in left.links().items() if link.owner}
    assert owned == {"ovirtmgmt", "eth0"}
    assert [str(address) for address in left.links()["ovirtmgmt"].addresses] == ["198.18.0.2/15"]
    assert "docker0" in left.bridges
    assert (left.nics["eth1"].owner, left.nics["eth1"].master) == ("", "")
    assert not identity.pki.exists()
    assert not identity.hosts.exists()
    service.close(1)


def test_leaving_is_refused_with_guests_or_an_unknown_address(tmp_path: Path) -> None:
    service = SimulatedService("sim-1", 1, tmp_path / "host")
    identity = Identity(tmp_path / "identity")
    with pytest.raises(LeaveError, match=r"192\.0\.2\.9"):
        leave(service, identity, "https://192.0.2.9:1")
    service.guests.put(GuestSpec(id="g", name="web", driver="simulated", memory=1))
    with pytest.raises(LeaveError, match="guests are on this host: web"):
        leave(service, identity, ADDRESS)
    service.close(1)


def test_everything_of_ours_is_removed_if_the_address_is_on_a_plain_nic(tmp_path: Path) -> None:
    service = SimulatedService("sim-1", 1, tmp_path / "host")
    now = service.driver.observe()
    taken = now.with_link(replace(now.nics["eth1"], owner="base"))
    desired = cleared(taken.with_link(Vlan(name="eth1.7", owner="x", base="eth1", tag=7)), {"198.18.0.2"})
    assert desired == now
    service.close(1)
