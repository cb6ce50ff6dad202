"""Time of the dry run of a whole fleet: desired_host and plan for 1,000 hosts with 100 networks each."""

from __future__ import annotations

import time

from figures import Figure

from netweft.core.desired import desired_host
from netweft.core.host import Host, Nic
from netweft.core.intent import AttachmentIntent, HostIntent, NetworkIntent
from netweft.core.plan import plan

HOSTS, NETWORKS = 1000, 100


def intent(switch_type: str) -> HostIntent:
    networks = tuple(
        NetworkIntent(id=f"n{i}", name=f"net{i}", host_side_name=f"net{i}", vlan=i + 1) for i in range(NETWORKS)
    )
    attachments = tuple(AttachmentIntent(id=f"a{i}", network_id=f"n{i}", nic=f"eth{i % 4}") for i in range(NETWORKS))
    return HostIntent(switch_type=switch_type, networks=networks, attachments=attachments)  # type: ignore[arg-type] # one of the two literals


def measure() -> list[Figure]:
    report = Host(nics={f"eth{i}": Nic(name=f"eth{i}", mac=f"02:00:00:00:00:0{i}") for i in range(4)})
    figures = []
    for switch_type in ("legacy", "ovs"):
        desired = intent(switch_type)
        start = time.perf_counter()
        steps = sum(len(plan(report, desired_host(desired, report))) for _ in range(HOSTS))
        took = time.perf_counter() - start
        assert steps >= HOSTS * NETWORKS
        figures.append(
            Figure(
                what=f"desired_host + plan, {HOSTS:,} hosts x {NETWORKS} networks, {switch_type}",
                ours=took,
                unit="s",
                goal="< 5 s",
            )
        )
    return figures
