"""LLDP of switches in the plan of a change: real lldpd, agent and engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from e2e.site import HOST, Site, wait
from lldp_switch import Lldpd, lldpd, speaking


@pytest.fixture
def listening(whole: Site) -> Iterator[Lldpd]:
    """The host's agent uses an lldpd of this host."""
    with lldpd(whole.place.hosts[HOST].namespace, "-r") as daemon:
        whole.place.stop_agent(HOST)
        whole.place.start_agent(HOST, options=("--lldpd", str(daemon.socket)))
        yield daemon
        whole.place.stop_agent(HOST)
        whole.place.start_agent(HOST)
    wait("the host is seen as it is", lambda: whole.status() == "up" and not heard(whole)["lldp"])


def heard(whole: Site) -> Any:
    return whole.client.addition("GET", f"hosts/{whole.host_id()}/neighbours")


def on_eth1(whole: Site) -> list[str]:
    return [one["text"] for one in heard(whole)["neighbours"] if one["nic"] == "eth1"]


def test_a_plan_says_which_switch_port_it_is_about(whole: Site, listening: Lldpd) -> None:
    wait("somebody listens", lambda: heard(whole)["lldp"])
    whole.add_network("storage", 100)
    whole.place.run(HOST, "ip", "link", "set", "eth1", "up")  # it receives no frames before
    with speaking(whole.place.switch, whole.place.hosts[HOST].ports["eth1"]) as switch:
        wait("eth1 has a neighbour", lambda: on_eth1(whole) == ["port Gi1/0/7 of sw-a"])
        attachment = {"network": {"name": "storage"}, "host_nic": {"name": "eth1"}}
        setup = {"modified_network_attachments": {"network_attachment": [attachment]}}
        plan = whole.client.addition("POST", "plans", {"host": {"name": HOST}, "setup": setup})
        assert "eth1, port Gi1/0/7 of sw-a" in {nic for step in plan["steps"] for nic in step["nics"]}
        assert whole.outcome(whole.attach("storage"))["status"] == "finished"
        wait("a port of a bridge hears it, too", lambda: on_eth1(whole) == ["port Gi1/0/7 of sw-a"])
        port = whole.place.hosts[HOST].ports["eth1"]
        switch.tell(f"configure ports {port} lldp portidsubtype local Gi1/0/8 description to-rack-3")
        wait("the cable is in another port", lambda: on_eth1(whole) == ["port Gi1/0/8 of sw-a"])
        whole.place.cut(HOST, "eth1")
        try:
            wait("no cable, no neighbour", lambda: on_eth1(whole) == [])
        finally:
            whole.place.mend(HOST, "eth1")
    whole.detach("storage")
    listening.stop()
    wait("nobody listens", lambda: not heard(whole)["lldp"])
