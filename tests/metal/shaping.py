"""Traffic shaping on a kernel that has it: what classes do to frames, and what becomes of what others changed.

Run by test_user_mode_linux.py, in a kernel with HFSC.
"""

from __future__ import annotations

import re
import socket
import subprocess
from dataclasses import replace
from functools import partial
from threading import get_native_id
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from contract.namespaces import current_networking, ip, namespace_thread, new_networking
from contract.ovs_networking import ovs_networking
from contract.transitions import reach
from core.strategies import machine
from netweft.core.host import FOREIGN_SHAPING, Address, Host, OvsBridge, OvsPort, TrafficClass, Vlan
from netweft.core.plan import PlanError, plan
from netweft.lab.processes import run
from ovs_host import namespace

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from netweft.agent.machine import MachineNetworking

NICS = {name: nic.mac for name, nic in machine(("eth0", "eth1")).nics.items()}
REST = TrafficClass(tag=None, share=50)
SLOW = TrafficClass(tag=100, share=50, upper_limit=8_000_000)
PROMISED = TrafficClass(tag=0, share=1, upper_limit=10**9, real_time=8_000_000)
OCTETS = 500_000


def shaped(host: Host, *classes: TrafficClass) -> Host:
    return host.with_link(replace(host.nics["eth0"], owner="base", shaping=classes))


def tc(words: str) -> str:
    return subprocess.run(["tc", *words.split()], check=True, text=True, capture_output=True).stdout


def on_fresh_host(tmp_path: Path, work: object) -> None:
    with namespace_thread() as thread:
        thread.submit(lambda: work(new_networking(tmp_path, NICS))).result()  # type: ignore[operator] # takes a networking


def test_what_others_changed_is_told_and_made_anew(tmp_path: Path) -> None:
    on_fresh_host(tmp_path, _changed_by_others)


def _changed_by_others(networking: MachineNetworking) -> None:
    desired = shaped(networking.observe(), REST, SLOW)
    reach(networking, networking.observe(), desired)
    for change in (
        "class add dev eth0 parent 1389: classid 1389:5 hfsc ls m2 1mbit",
        "class change dev eth0 parent 1389: classid 1389:64 hfsc ls m1 9mbit d 10ms m2 1mbit",
        "filter del dev eth0 parent 1389:",
        "qdisc del dev eth0 parent 1389:64",
        "class add dev eth0 parent 1389:1388 classid 1389:6 hfsc ls m2 1mbit",
        "qdisc replace dev eth0 parent 1389:1388 handle 77: pfifo",
        "qdisc change dev eth0 root handle 1389: hfsc default 64",
    ):
        tc(change)
        altered = networking.observe()
        assert altered.nics["eth0"].shaping == (FOREIGN_SHAPING,), change
        assert reach(networking, altered, desired).nics["eth0"].shaping == (REST, SLOW)


def test_what_others_put_there_stays(tmp_path: Path) -> None:
    on_fresh_host(tmp_path, _made_by_others)


def _made_by_others(networking: MachineNetworking) -> None:
    for made, told in (("handle 7: pfifo", "pfifo 7:"), ("handle 8: hfsc default 1", "hfsc 8:")):
        tc(f"qdisc replace dev eth0 root {made}")
        theirs = networking.observe()
        assert theirs.nics["eth0"].queueing == told
        with pytest.raises(PlanError, match="queueing discipline that Netweft did not make"):
            plan(theirs, shaped(theirs, REST))
        reach(networking, theirs, shaped(theirs))
        assert told in tc("qdisc show dev eth0")


def test_frames_go_by_their_vlan_and_no_faster_than_its_limit(tmp_path: Path) -> None:
    """That a transfer takes at least as long as its limit allows holds on the slowest machine, too."""
    with namespace_thread() as near, namespace_thread() as far:
        peer = far.submit(get_native_id).result()
        networking = near.submit(new_networking, tmp_path, NICS).result()
        near.submit(ip, f"link set far0 netns /proc/{peer}/ns/net").result()
        far.submit(_far_end).result()
        host = near.submit(networking.observe).result()
        untagged = (Address(ip="192.0.2.1", prefix=24),)
        classes = (REST, PROMISED, SLOW)
        nic = replace(host.nics["eth0"], owner="base", up=True, addresses=untagged, shaping=classes)
        desired = host.with_link(nic)
        for tag in (100, 200):
            address = Address(ip=f"198.51.{tag}.1", prefix=24)
            desired = desired.with_link(Vlan(name=f"eth0.{tag}", owner="n", base="eth0", tag=tag, addresses=(address,)))
        near.submit(reach, networking, host, desired).result()
        seconds, before = {}, near.submit(_sent_by_class).result()
        for address in ("192.0.2.2", "198.51.100.2", "198.51.200.2"):
            heard = far.submit(_receive, address)
            seconds[address] = near.submit(partial(_send, address, heard)).result()
        after = near.submit(_sent_by_class).result()
    sent = {name: after[name] - before[name] for name in after}
    print(seconds, sent)  # noqa: T201 -- figures for whoever reads the report
    assert sent["1389:64"] > OCTETS
    assert sent["1389:1388"] > 2 * OCTETS, "untagged frames, and those of a VLAN without class"
    assert sent["1389:fff"] == 0
    assert seconds["198.51.100.2"] > 0.9 * OCTETS * 8 / 8_000_000


def _far_end() -> None:
    ip("link set lo up", "link set far0 up", "addr add 192.0.2.2/24 dev far0")
    for tag in (100, 200):
        ip(
            f"link add link far0 name far0.{tag} type vlan id {tag}",
            f"addr add 198.51.{tag}.2/24 dev far0.{tag}",
            f"link set far0.{tag} up",
        )


def _receive(address: str) -> int:
    with socket.create_server((address, 7000)) as server:
        connection, _ = server.accept()
        with connection:
            return sum(iter(lambda: len(connection.recv(65536)), 0))


def _send(address: str, heard: Future[int]) -> float:
    begun = monotonic()
    while True:
        try:
            connection = socket.create_connection((address, 7000), timeout=60)
            break
        except ConnectionRefusedError:
            continue  # it does not listen yet
    with connection:
        connection.sendall(bytes(OCTETS))
    assert heard.result(60) == OCTETS
    return monotonic() - begun


def _sent_by_class() -> dict[str, int]:
    found = re.findall(r"class hfsc (1389:[0-9a-f]+) .*?Sent ([0-9]+) bytes", tc("-s class show dev eth0"), re.DOTALL)
    return {name: int(octets) for name, octets in found}


def test_open_vswitch_leaves_classes_alone_and_its_frames_go_by_their_vlan() -> None:
    with namespace() as far, ovs_networking(NICS) as (networking, _):
        run(["ip", "link", "set", "far0", "netns", far])
        for words in (
            "link set far0 up",
            "link add link far0 name far0.100 up type vlan id 100",
            "address add 198.51.100.2/24 dev far0.100",
        ):
            run(["ip", "-n", far, *words.split()])
        host = networking.observe()
        nic = replace(host.nics["eth0"], owner="base", up=True, shaping=(REST, SLOW))
        uplink = OvsPort(name="eth0", owner="base", bridge="br", interfaces=("eth0",))
        network = OvsPort(name="n", owner="n", bridge="br", tag=100, addresses=(Address(ip="198.51.100.1", prefix=24),))
        desired = replace(
            host.with_link(nic),
            ovs_bridges={"br": OvsBridge(name="br", owner="base")},
            ovs_ports={"eth0": uplink, "n": network},
        )
        now = reach(networking, host, desired)
        before = _sent_by_class()
        run(["ping", "-c", "5", "-i", "0.1", "-W", "5", "198.51.100.2"])
        after = _sent_by_class()
        assert after["1389:64"] - before["1389:64"] >= 5 * 98  # octets of a ping's frame
        other = desired.with_link(replace(network, tag=200))
        assert reach(networking, now, other).nics["eth0"].shaping == (REST, SLOW)


def test_the_door_sees_no_shaping_where_there_is_none(tmp_path: Path) -> None:
    with namespace_thread() as thread:
        host = thread.submit(lambda: current_networking(tmp_path).observe()).result()
    assert not any(nic.shaping or nic.queueing for nic in host.nics.values())
