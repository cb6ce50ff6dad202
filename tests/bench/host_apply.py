"""100 and 500 bridge networks set up on a host by the agent, against ip -batch creating the same links.

A network is a Linux bridge with our mark, MTU 9000, up, and with a NIC of the host as its port, up. Ours is all the
work of the agent: observe, plan, execute, observe again, and plan again to check that nothing is left. The floor is one
ip process that reads its lines from a pipe; that it leaves the same links behind, marks included, is checked (but for
the router advertisements, which ours has the bridges refuse, and ip cannot). Each run has a new namespace whose NICs
were made before, and waits for the kernel to take the last one down, because that holds the lock that all of this
takes.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from figures import Figure, in_turn, paired

from contract.namespaces import current_networking, in_fresh_namespace, ip
from netweft.core.host import Bridge, Host
from netweft.core.plan import plan
from netweft.core.steps import SetAutoconf

if TYPE_CHECKING:
    from collections.abc import Callable

    from netweft.agent.machine import MachineNetworking

COUNTS = (100, 500)
MTU = 9000


def measure() -> list[Figure]:
    """One figure for each number of networks."""
    return [_figure(count) for count in COUNTS]


def _figure(count: int) -> Figure:
    def taken(run: Callable[[MachineNetworking, Host], None]) -> float:
        seconds = in_fresh_namespace(partial(_timed, run, count))
        time.sleep(count / 200)
        return seconds

    return paired(
        f"{count} bridge networks on a host",
        in_turn(partial(taken, _by_ip), partial(taken, _by_agent)),
        unit="ms",
        scale=1000,
        goal="ratio 1.5",
        floor_is="ip -batch",
    )


def _timed(run: Callable[[MachineNetworking, Host], None], count: int) -> float:
    ip(*(f"link add n{at} type veth peer n{at + 1}" for at in range(0, count, 2)))
    with TemporaryDirectory() as folder:
        door = current_networking(Path(folder))
        desired = _wanted(door.observe(), count)
        start = time.perf_counter()
        run(door, desired)
        taken = time.perf_counter() - start
        left = [step for step in plan(door.observe(), desired) if run is _by_agent or not isinstance(step, SetAutoconf)]
    if left:
        raise RuntimeError(f"this measured something else: {left[0]} is left, of {len(left)}")
    return taken


def _wanted(host: Host, count: int) -> Host:
    nics = {
        f"n{at}": replace(host.nics[f"n{at}"], owner="bench", mtu=MTU, up=True, master=f"b{at}", autoconf=True)
        for at in range(count)
    }
    bridges = {f"b{at}": Bridge(name=f"b{at}", owner=f"network-{at}", mtu=MTU) for at in range(count)}
    return replace(host, nics={**host.nics, **nics}, bridges=bridges)


def _by_agent(door: MachineNetworking, desired: Host) -> None:
    door.execute(plan(door.observe(), desired), lambda _done: None)
    plan(door.observe(), desired)


def _by_ip(_door: MachineNetworking, desired: Host) -> None:
    lines = []
    for number, bridge in enumerate(desired.bridges.values()):
        lines += [
            f"link add {bridge.name} mtu {MTU} type bridge",
            f"link set {bridge.name} alias netweft:{bridge.owner}",
            f"link set n{number} mtu {MTU} master {bridge.name} alias netweft:bench up",
            f"link set {bridge.name} up",
        ]
    ip(*lines)
