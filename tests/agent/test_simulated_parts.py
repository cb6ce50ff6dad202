"""Simulated hosts in several programs: guests migrate between programs."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from netweft.agent.guests import GuestError
from netweft.agent.guests.simulated import SimulatedGuests, take
from netweft.agent.guests.simulated_arrivals import receive
from netweft.agent.simulated import SimulatedService
from netweft.agent.simulated_machine import Faults, SimulatedMachine
from netweft.core.guest_protocol import GuestNic, GuestSpec, Migration
from netweft.core.host import Bridge, Host
from processes import running

if TYPE_CHECKING:
    from pathlib import Path

ANOTHER_PROGRAM = """\
import sys
from pathlib import Path
from netweft.agent.guests.simulated import SimulatedGuests, take
from netweft.agent.guests.simulated_arrivals import receive
from netweft.agent.simulated_machine import Faults, SimulatedMachine
from netweft.core.host import Bridge, Host

hosts = Path(sys.argv[1])
(hosts / "sim-2").mkdir()
host = Host(bridges={"red": Bridge(name="red", owner="n1")})
guests = SimulatedGuests(SimulatedMachine(hosts / "sim-2" / "machine.json", host, Faults()))
(hosts / "part-2").mkdir()
receive(hosts / "part-2", take)
print("ready", flush=True)
sys.stdin.read()
print(*(guest.name for guest in guests.list()))
"""


def spec(bridge: str) -> GuestSpec:
    nic = GuestNic(id="v1", name="nic1", mac="02:00:00:00:00:01", bridge=bridge)
    return GuestSpec(id="g1", name="one", driver="simulated", memory=1 << 20, nics=(nic,))


def test_a_guest_moves_to_the_host_of_another_program(tmp_path: Path) -> None:
    hosts = tmp_path / ("a path that is longer than those of sockets may be " * 3)
    (hosts / "sim-1").mkdir(parents=True)
    host = Host(bridges={name: Bridge(name=name, owner="n1") for name in ("red", "blue")})
    guests = SimulatedGuests(SimulatedMachine(hosts / "sim-1" / "machine.json", host, Faults()))
    guests.start(spec("red"))
    (hosts / "part-1").mkdir()
    receive(hosts / "part-1", take)
    (hosts / "part-3").mkdir()  # a program that does not run
    command = [sys.executable, "-c", ANOTHER_PROGRAM, str(hosts)]
    with running(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == "ready\n"
        for target, desired, problem in (
            ("simulated:sim-2", spec("blue"), "no bridge blue"),
            ("simulated:sim-3", spec("red"), "no simulated host"),
            ("sim-2", spec("red"), "no simulated host"),
        ):
            with pytest.raises(GuestError, match=problem):
                guests.migrate("g1", Migration(target=target, name="h2", spec=desired))
            assert [guest.name for guest in guests.list()] == ["one"]
        guests.migrate("g1", Migration(target="simulated:sim-2", name="h2", spec=spec("red")))
        assert guests.list() == []
        assert other.communicate("", timeout=60)[0] == "one\n"


def test_a_host_killed_while_it_writes_keeps_its_former_state(tmp_path: Path) -> None:
    service = SimulatedService("sim-1", 1, tmp_path)
    before, boot = service.report(), service.driver.boot()
    service.close(0)
    for file in ("machine.json", "state.json"):  # between the two renamings of replace_quickly
        (tmp_path / file).rename((tmp_path / file).with_suffix(".old"))
    again = SimulatedService("sim-1", 1, tmp_path)
    assert (again.report(), again.driver.boot()) == (before, boot)
    again.close(0)
