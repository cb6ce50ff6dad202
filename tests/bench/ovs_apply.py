"""500 tagged ports created on an Open vSwitch bridge by the agent, against one bare transaction with the same effect.
Ours is all the work of the agent: observe, plan, execute, observe again, and plan again to check that nothing is left.
The floor sends a transaction that was written before, and waits until ovs-vswitchd has applied it. Each run has a new
Open vSwitch (userspace datapath) with one bridge, which takes up to twice as long from one run to the next.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from figures import Figure, in_turn, paired

from contract.ovs_networking import ovs_networking
from netweft.agent.ovsdb_mirror import Mirror
from netweft.agent.ovsdb_script import Script
from netweft.agent.ovsdb_session import Session
from netweft.core.host import OvsBridge, OvsPort
from netweft.core.plan import plan
from netweft.core.steps import CreateOvsBridge

if TYPE_CHECKING:
    from collections.abc import Callable

    from netweft.agent.networking import Networking
    from netweft.agent.ovsdb import Ovsdb
    from netweft.core.host import Host

COUNT = 500
PAIRS = 7
BRIDGE = OvsBridge(name="br0", owner="bench", datapath="netdev")


def measure() -> list[Figure]:
    """The one figure."""

    def taken(run: Callable[[Networking, Ovsdb], float]) -> float:
        with ovs_networking({}) as (door, ovsdb):
            ovsdb.execute([CreateOvsBridge(BRIDGE)])
            return run(door, ovsdb)

    return [
        paired(
            f"{COUNT} tagged Open vSwitch ports on a host",
            in_turn(partial(taken, _bare), partial(taken, _by_agent), PAIRS),
            unit="ms",
            scale=1000,
            goal="ratio 1.3",
            floor_is="one transaction, written before",
        )
    ]


def _wanted(host: Host) -> Host:
    names = [f"port{number}" for number in range(COUNT)]
    return replace(host, ovs_ports={name: _port(name, tag) for tag, name in enumerate(names, 1)})


def _port(name: str, tag: int) -> OvsPort:
    return OvsPort(name=name, owner="bench", bridge=BRIDGE.name, tag=tag, up=False)


def _by_agent(door: Networking, _ovsdb: Ovsdb) -> float:
    desired = _wanted(door.observe())
    start = time.perf_counter()
    steps = plan(door.observe(), desired)
    door.execute(steps, lambda _done: None)
    left = plan(door.observe(), desired)
    taken = time.perf_counter() - start
    if len(steps) < COUNT or left:
        raise RuntimeError(f"{len(steps)} steps, of which {left} are left: this measured something else")
    return taken


def _bare(door: Networking, ovsdb: Ovsdb) -> float:
    steps = plan(door.observe(), _wanted(door.observe()))
    with Session(ovsdb.path, 60) as session:
        script = Script(Mirror(ovsdb.path, 60).tables())
        for step in steps:
            script.add(step)  # type: ignore[arg-type] # all of them are steps of Open vSwitch
        operations = script.operations()
        start = time.perf_counter()
        asked = session.rows(session.transact(operations)[-1])[0]
        session.transact_after_change("Open_vSwitch", {"cur_cfg": asked["cur_cfg"]}, 60, [])
        return time.perf_counter() - start
