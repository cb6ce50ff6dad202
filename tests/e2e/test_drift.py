"""Manual changes of a real host are detected in time, reported as differences, and corrected: with Linux bridges and
with Open vSwitch. VLAN devices and bonds of the kernel need another kernel: tests/metal/drift.py.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from e2e.drift_site import (
    OF_A_GUEST,
    OF_BRIDGES,
    OF_ITS_LINKS,
    OF_OPEN_VSWITCH,
    drift,
    guest_port,
    host_of_bridges,
    in_sync,
    networks_of_open_vswitch,
    policy_table,
    said,
    set_up,
    vsctl,
)
from e2e.site import CLUSTER, HOST, Site, wait
from engine_process import PASSWORD

PATIENCE = 30.0
"""Seconds within which a manual change must be detected, on any machine; usually it takes one."""

BEGINS, IS_OVER = "20010", "20011"
"""Codes of the events."""


@pytest.fixture(scope="module")
def bridges() -> Iterator[Site]:
    with host_of_bridges() as built:
        yield built


@pytest.fixture(scope="module")
def switches(whole: Site) -> Iterator[Site]:
    with networks_of_open_vswitch(whole):
        yield whole


def drift_events(whole: Site) -> list[str]:
    """The events of drift, the newest first."""
    events = whole.client.list("events", max=200)
    mine = [event for event in events if event.get("host", {}).get("id") == whole.host_id()]
    return [event["code"] for event in mine if event["code"] in {BEGINS, IS_OVER}]


def suffers(whole: Site, command: tuple[str, ...], group: str, *texts: str) -> None:
    """Run a program on the host: the change is detected in time, reported, and corrected in both ways."""
    before = len(drift_events(whole))
    for repair in (f"hosts/{whole.host_id()}/syncallnetworks", ""):
        assert in_sync(whole) == "true", drift(whole)
        done = whole.place.run(HOST, *command)
        assert done.returncode == 0, done.stderr
        wait(f"{command} is seen as {texts}", lambda: set(texts) <= said(whole, group), PATIENCE)
        assert in_sync(whole) == "false"
        # A port's link disappears shortly after the port, and would then be reported as foreign.
        wait("nothing is in the way", lambda: not drift(whole)["obstacle"], PATIENCE)
        if repair:
            whole.client.action(repair)
        else:
            set_up(whole)
        wait("the host is as desired again", lambda: in_sync(whole) == "true", PATIENCE)
        assert drift(whole)["in_sync"]
    assert drift_events(whole)[: len(drift_events(whole)) - before] == [IS_OVER, BEGINS] * 2


@pytest.mark.parametrize("what", OF_BRIDGES)
def test_with_linux_bridges(bridges: Site, what: str) -> None:
    command, group, text = OF_BRIDGES[what]
    table = policy_table(bridges)
    suffers(bridges, tuple(command.format(table=table).split()), group, text.format(table=table))


def test_drift_by_the_command_line(bridges: Site) -> None:
    bridges.place.run(HOST, "ip", "link", "set", "flat", "down")
    bridges.place.run(HOST, "ip", "link", "set", "eth1", "mtu", "1400")
    wait("both are seen", lambda: len(drift(bridges)["networks"] + drift(bridges)["nics"]) == 2, PATIENCE)
    environment = {
        **os.environ,
        "NETWEFT_URL": bridges.engine.url,
        "NETWEFT_CA": str(bridges.engine.ca),
        "NETWEFT_PASSWORD": PASSWORD,
    }

    def netweft(*words: str) -> str:
        command = [sys.executable, "-m", "netweft", *words]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    told = netweft("host", "drift", HOST)
    assert re.search(r"^NIC eth1 +eth1: mtu should be 1500, and is 1400 *$", told, re.MULTILINE), told
    assert re.search(r"^network flat +flat: up should be on, and is off *$", told, re.MULTILINE), told
    assert re.search(rf"^{HOST} +up +false ", netweft("host", "list"), re.MULTILINE)
    assert "flat.up is off, not on" in netweft("host", "attachments", HOST)
    netweft("host", "sync", HOST)
    wait("the host is as desired again", lambda: in_sync(bridges) == "true", PATIENCE)


def test_a_pulled_cable_is_no_drift(bridges: Site) -> None:
    """The host is unchanged; the missing carrier of its NIC is reported as before."""
    before = drift_events(bridges)
    bridges.place.cut(HOST, "eth1")
    nic = f"hosts/{bridges.host_id()}/nics"

    def down() -> bool:
        return any(one["name"] == "eth1" and one["status"] == "down" for one in bridges.client.list(nic))

    wait("the NIC is seen to be down", down)
    assert in_sync(bridges) == "true"
    bridges.place.mend(HOST, "eth1")
    assert drift_events(bridges) == before


@pytest.mark.parametrize("what", OF_OPEN_VSWITCH)
def test_with_open_vswitch(switches: Site, what: str) -> None:
    words, group, text = OF_OPEN_VSWITCH[what]
    suffers(switches, vsctl(switches, words), group, text)


@pytest.mark.parametrize("what", OF_ITS_LINKS)
def test_with_links_of_open_vswitch(switches: Site, what: str) -> None:
    command, group, texts = OF_ITS_LINKS[what]
    suffers(switches, ("sh", "-c", command), group, *texts)


@pytest.mark.parametrize("what", OF_A_GUEST)
def test_the_port_of_a_guest(switches: Site, what: str) -> None:
    words, text = OF_A_GUEST[what]
    with guest_port(switches) as port:
        suffers(switches, vsctl(switches, words.format(port=port)), "guest_ports", text)


def generation(whole: Site) -> int:
    found = whole.client.addition("GET", f"hosts/{whole.host_id()}/history", max=1)
    return int(found[0]["generation"])


def answer(whole: Site, which: str, body: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = whole.client.addition("POST", f"hosts/{whole.host_id()}/drift/{which}", body)
    return given


ADOPTED = {
    "an option of the bridge": ("ip link set flat type bridge forward_delay 500", "flat: options"),
    "an address is lost": ("ip address del 203.0.113.5/24 dev flat", "flat: addresses"),
    "the bridge is gone": ("ip link delete flat", "flat is missing"),
}


@pytest.mark.parametrize("what", ADOPTED)
def test_a_manual_change_is_adopted(bridges: Site, what: str) -> None:
    """The host stays as it is, also when it is set up again, until an earlier setup is restored."""
    command, words = ADOPTED[what]
    before = generation(bridges)
    assert bridges.place.run(HOST, *command.split()).returncode == 0
    wait(f"{words} is seen", lambda: words in str(drift(bridges)), PATIENCE)
    assert answer(bridges, "adopt", {}) == {"changed": True}
    wait("the host is as desired", lambda: in_sync(bridges) == "true", PATIENCE)
    set_up(bridges)
    assert drift(bridges)["in_sync"], drift(bridges)
    restored = f"hosts/{bridges.host_id()}/history/{before}/restore"
    assert bridges.client.addition("POST", restored, {"commit": True}) == {"changed": True}
    assert "203.0.113.5/24" in bridges.place.run(HOST, "ip", "address", "show", "flat").stdout
    wait("the host is as desired again", lambda: in_sync(bridges) == "true", PATIENCE)


def test_a_manual_change_is_ignored_for_a_while(bridges: Site) -> None:
    bridges.place.run(HOST, "ip", "link", "set", "eth1", "mtu", "1400")
    wait("it is seen", lambda: in_sync(bridges) == "false", PATIENCE)
    until = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    assert answer(bridges, "ignore", {"differences": ["eth1.mtu"], "until": until})["in_sync"]
    assert in_sync(bridges) == "true"
    wait("it counts again", lambda: in_sync(bridges) == "false", PATIENCE)
    answer(bridges, "ignore", {})
    assert in_sync(bridges) == "true"
    bridges.place.run(HOST, "ip", "link", "set", "eth1", "mtu", "1300")
    wait("it is another one", lambda: in_sync(bridges) == "false", PATIENCE)
    bridges.client.action(f"hosts/{bridges.host_id()}/syncallnetworks")
    wait("the host is as desired again", lambda: in_sync(bridges) == "true", PATIENCE)


def test_a_cluster_heals_its_hosts(bridges: Site) -> None:
    cluster = f"clusters/{bridges.client.find('clusters', CLUSTER)['id']}"
    bridges.client.update(cluster, {"drift_healing": "always"})
    try:
        bridges.place.run(HOST, "ip", "link", "set", "eth1", "nomaster")
        wait("it is healed", lambda: "20034" in codes(bridges), PATIENCE)
        wait("the host is as desired again", lambda: in_sync(bridges) == "true", PATIENCE)
    finally:
        bridges.client.update(cluster, {"drift_healing": "off"})


def codes(whole: Site) -> set[str]:
    return {event["code"] for event in whole.client.list("events", max=50)}
