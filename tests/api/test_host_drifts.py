"""A host that is not as desired, as the API and the figures show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.served import Client, Engine
from api.test_vm_migration import addition
from fleet import Fleet, running_fleet
from netweft.api.routes import ADDITIONS


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(engine.db, tmp_path, 2) as fleet:
        yield fleet


def out_of_sync(engine: Engine) -> str:
    lines = httpx.get(f"{engine.url}/metrics").text.splitlines()
    return next(line for line in lines if line.startswith("netweft_hosts_out_of_sync "))


def in_sync(client: Client) -> dict[str, str]:
    return {host.findtext("name", ""): host.findtext("networks_in_sync", "") for host in client.xml("/hosts")}


def drift_of(client: Client, fleet: Fleet) -> dict[str, Any]:
    return dict(addition(client, f"/hosts/{fleet.id()}/drift"))


def answer(client: Client, fleet: Fleet, which: str, body: dict[str, Any]) -> dict[str, Any]:
    """Give one of the answers to the drift of sim-1."""
    engine = str(client.base_url).partition("/ovirt-engine")[0]
    headers = {"Authorization": client.headers["Authorization"]}
    path = f"{engine}{ADDITIONS}/hosts/{fleet.id()}/drift/{which}"
    given = httpx.post(path, json=body, headers=headers, trust_env=False, timeout=60)
    assert given.status_code in {200, 201}, given.text
    return dict(given.json())


def test_a_host_that_somebody_changed(fleet: Fleet, client: Client, engine: Engine) -> None:
    fleet.monitor.round(fleet.db)
    assert in_sync(client) == {"sim-1": "true", "sim-2": "true"}
    assert out_of_sync(engine) == "netweft_hosts_out_of_sync 0.0"
    assert drift_of(client, fleet)["in_sync"] is True
    host = fleet.host()
    host = host.with_link(replace(host.bridges["ovirtmgmt"], up=False)).with_link(replace(host.nics["eth0"], mtu=1400))
    fleet.simulate(host=host.with_link(replace(host.bridges["ovirtmgmt"], name="old", owner="gone")))
    fleet.monitor.round(fleet.db)
    assert in_sync(client) == {"sim-1": "false", "sim-2": "true"}
    assert out_of_sync(engine) == "netweft_hosts_out_of_sync 1.0"
    found = drift_of(client, fleet)
    assert found["in_sync"] is False
    assert found["since"]
    (network,) = found["networks"]
    assert (network["id"], network["name"]) == (fleet.attachment_id("ovirtmgmt"), "ovirtmgmt")
    assert {
        "what": "ovirtmgmt.up",
        "wanted": "on",
        "found": "off",
        "text": "ovirtmgmt: up should be on, and is off",
        "since": True,
        "ignored": None,
    } in [{**one, "since": bool(one["since"])} for one in network["differences"]]
    assert [(nic["name"], [one["what"] for one in nic["differences"]]) for nic in found["nics"]] == [
        ("eth0", ["eth0.mtu"])
    ]
    assert [one["text"] for one in found["host"]] == ["old exists, and should not"]
    attachment = client.xml(f"/hosts/{fleet.id()}/networkattachments/{fleet.attachment_id('ovirtmgmt')}")
    assert attachment.findtext("in_sync") == "false"
    reported = {one.findtext("name"): one.findtext("in_sync") for one in attachment.iter("reported_configuration")}
    assert (reported["ovirtmgmt.up"], reported["eth0.mtu"], reported["mtu"]) == ("false", "false", "true")
    client.action(f"/hosts/{fleet.id()}/syncallnetworks")
    assert in_sync(client)["sim-1"] == "true"
    assert out_of_sync(engine) == "netweft_hosts_out_of_sync 0.0"
    assert drift_of(client, fleet) | {"reported_at": ""} == {
        "in_sync": True,
        "since": None,
        "reported_at": "",
        "networks": [],
        "nics": [],
        "guest_ports": [],
        "host": [],
        "obstacle": "",
    }


def test_what_is_ignored_is_shown_so_and_does_not_count(fleet: Fleet, client: Client, engine: Engine) -> None:
    fleet.simulate(host=fleet.host().with_link(replace(fleet.host().nics["eth0"], mtu=1400)))
    fleet.monitor.round(fleet.db)
    body = {"differences": ["eth0.mtu"], "until": "2099-01-01T00:00:00Z", "reason": "cable test"}
    found = answer(client, fleet, "ignore", body)
    assert found["in_sync"] is True
    (nic,) = found["nics"]
    ignored = nic["differences"][0]["ignored"]
    assert (ignored["user"], ignored["reason"]) == ("admin@internal", "cable test")
    assert ignored["until"].startswith("2099-01-01T00:00:00")
    assert in_sync(client)["sim-1"] == "true"
    assert out_of_sync(engine) == "netweft_hosts_out_of_sync 0.0"
    assert answer(client, fleet, "count", {})["in_sync"] is False
    assert in_sync(client)["sim-1"] == "false"


def test_what_a_host_has_is_adopted(fleet: Fleet, client: Client) -> None:
    host = fleet.host()
    bridge = host.bridges["ovirtmgmt"]
    fleet.simulate(host=host.with_link(replace(bridge, options={"forward_delay": "500"})))
    fleet.monitor.round(fleet.db)
    assert drift_of(client, fleet)["in_sync"] is False
    assert answer(client, fleet, "adopt", {"names": ["ovirtmgmt"]}) == {"changed": True}
    assert drift_of(client, fleet)["in_sync"] is True
    assert fleet.host().bridges["ovirtmgmt"].options == {"forward_delay": "500"}
