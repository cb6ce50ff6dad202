"""``netweft rollout``, and commands that wait for the hosts that they change."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Netweft
from processes import running
from program import TIMEOUT

INTERRUPTIBLE = ("env", "--default-signal=INT", sys.executable, "-m")
"""Python with a module as a terminal starts it: what a shell starts in the background ignores interrupts."""


@pytest.fixture
def carried(netweft: Netweft, tmp_path: Path) -> Iterator[str]:
    """A network that two hosts carry."""
    there, gone = tmp_path / "there.yaml", tmp_path / "gone.yaml"
    there.write_text("attachments: [{network: rolled, nic: eth2}]")
    gone.write_text("removed_attachments: [rolled]")
    netweft("network", "add", "rolled", "--vlan", "800")
    netweft("cluster", "attach", "Default", "rolled", "--optional")
    for host in ("sim-1", "sim-2"):
        netweft("host", "setup-networks", host, "-f", str(there))
    yield "rolled"
    netweft("cluster", "set", "Default", "--rollout-soak", "-1")
    netweft("network", "remove", "rolled", "--yes")


def test_command_waits_for_its_hosts_and_shows_them(netweft: Netweft, carried: str) -> None:
    plan = netweft("plan", "network", "set", carried, "--vlan", "801")
    assert plan.rows[0][:2] == ["WAVE", "HOST"]
    assert [row[:2] for row in plan.rows[1:]] == [["0", "sim-1"], ["1", "sim-2"]]
    done = netweft("network", "set", carried, "--vlan", "801")
    assert f"network {carried} has changed (vlan 800 became 801): 2 changed" in done.err
    assert "All hosts have changed." in done.err
    number = netweft.json("rollout", "list")[0]["number"]
    shown = netweft("rollout", "show", str(number))
    assert [row[1:4] for row in shown.rows[1:]] == [["sim-1", "up", "changed"], ["sim-2", "up", "changed"]]
    assert "succeeded; 2 changed." in shown.err
    assert {"True", "False"}.isdisjoint(netweft("rollout", "show", str(number), "-o", "wide").out.split())
    assert "All hosts have changed." in netweft("rollout", "watch", str(number)).err
    back = netweft("rollout", "revert", str(number))
    assert "The rollout is reverted." in back.err
    assert netweft.json("network", "show", carried)["vlan"]["id"] == 800
    assert "it is reverted" in netweft("rollout", "revert", str(number), expect=1).err


def test_command_need_not_wait(netweft: Netweft, carried: str) -> None:
    netweft("cluster", "set", "Default", "--rollout-soak", "3600")
    told = netweft("network", "set", carried, "--vlan", "801", "--no-wait")
    number = str(netweft.json("rollout", "list", "--max", "1")[0]["number"])
    assert f"netweft rollout watch {number}" in told.err
    assert "halted" in netweft("rollout", "halt", number).err
    netweft("cluster", "set", "Default", "--rollout-soak", "0")
    assert "All hosts have changed." in netweft("rollout", "resume", number).err


def test_there_is_no_such_rollout(netweft: Netweft) -> None:
    for name in ("999", "abc", "", "9" * 40, 'a"b'):
        assert f"no rollout '{name}'" in netweft("rollout", "show", name, expect=3).err


@pytest.fixture
def labelled(netweft: Netweft) -> Iterator[str]:
    """A network that one host carries by its label, and a running virtual machine there uses."""
    netweft("network", "add", "labelled", "--vlan", "802")
    netweft("cluster", "attach", "Default", "labelled", "--optional")
    netweft("network", "label", "add", "labelled", "alone")
    netweft("host", "label", "add", "sim-3", "eth2", "alone")
    netweft("vm", "add", "held")
    netweft("vm", "nic", "add", "held", "nic1", "--profile", "labelled")
    netweft("vm", "start", "held", "--host", "sim-3")
    yield "labelled"
    netweft("vm", "stop", "held")
    netweft("vm", "remove", "held")
    netweft("network", "remove", "labelled")
    netweft("host", "label", "remove", "sim-3", "eth2", "alone")


def test_a_command_waits_for_the_single_host_that_it_changes(netweft: Netweft, labelled: str) -> None:
    told = netweft("network", "set", labelled, "--vlan", "803").err
    assert "Applying networks on Host sim-3: network labelled has changed (vlan 802 became 803):\n" in told
    assert "  finished\n" in told
    told = netweft("network", "set", labelled, "--vlan", "804", "--no-wait").err
    job = told.rpartition("See: netweft job show ")[2].strip()
    assert netweft.json("job", "show", job)["description"].startswith("Applying networks on Host sim-3")


def test_a_host_that_fails_to_follow_makes_the_command_fail(netweft: Netweft, labelled: str) -> None:
    failed = netweft("network", "label", "remove", labelled, "alone", expect=1)
    assert "Network 'labelled' is used by running VMs on Host sim-3: held." in failed.err
    assert "Code: NETWORK_CANNOT_DETACH_NETWORK_USED_BY_VMS" in failed.err


def test_an_interrupted_command_says_that_its_change_goes_on(netweft: Netweft, carried: str) -> None:
    netweft("cluster", "set", "Default", "--rollout-soak", "60")
    words = [*INTERRUPTIBLE, "netweft", "network", "set", carried, "--vlan", "802"]
    with running(words, env=netweft.environment({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        assert command.stderr is not None
        while "1 watched" not in command.stderr.readline():
            assert command.poll() is None
        command.send_signal(signal.SIGINT)
        said = command.stderr.read()
        assert command.wait(TIMEOUT) == 130
    assert "Interrupted. What was requested goes on" in said
    netweft("rollout", "revert", str(netweft.json("rollout", "list")[0]["number"]))


def test_following_events_ends_by_an_interrupt(netweft: Netweft) -> None:
    words = [*INTERRUPTIBLE, "netweft", "event", "follow", "--after", "0"]
    with running(words, env=netweft.environment({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        assert command.stdout is not None
        heading, first = command.stdout.readline(), command.stdout.readline()
        assert heading.startswith("TIME")
        assert first
        command.send_signal(signal.SIGINT)
        assert command.communicate(timeout=TIMEOUT)[1] == ""
        assert command.returncode == 130
