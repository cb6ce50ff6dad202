"""Rollouts through the API: what goes out to hosts, halted, resumed and taken back, and who may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.served import Client, Engine
from fleet import Fleet, running_fleet

pytestmark = pytest.mark.hosts

JSON = {"Accept": "application/json", "Content-Type": "application/json"}


class Rollouts:
    """Three hosts with a network, and what is asked about its changes."""

    def __init__(self, engine: Engine, client: Client, fleet: Fleet) -> None:
        self.engine, self.client, self.fleet = engine, client, fleet
        self.network, self.cluster = client.add_network("blue", 100)
        for number in (1, 2, 3):
            fleet.attach("blue", "eth1", number=number)

    def policy(self, **values: Any) -> Any:
        body = {f"rollout_{name}": value for name, value in values.items()}
        return self.client.put(f"/clusters/{self.cluster}", json=body, headers=JSON)

    def vlan(self, tag: int, **headers: str) -> None:
        body = {"vlan": {"id": tag}}
        answer = self.client.put(f"/networks/{self.network}", json=body, headers={**JSON, **headers})
        assert answer.status_code == 200, answer.text
        assert answer.json()["vlan"]["id"] == str(tag)  # as ever, before the hosts have changed

    def get(self, path: str = "") -> Any:
        answer = self.client.get(f"{self.engine.url}/netweft/v1/rollouts{path}", headers=JSON)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, expect: int = 201, client: Client | None = None) -> Any:
        url = f"{self.engine.url}/netweft/v1/rollouts{path}"
        answer = (client or self.client).post(url, json={}, headers=JSON)
        assert answer.status_code == expect, answer.text
        return answer.json()

    def until(self, status: str) -> Any:
        self.fleet.until(lambda: self.get()[0]["status"] == status)
        return self.get(f"/{self.get()[0]['id']}")


@pytest.fixture
def rollouts(engine: Engine, client: Client, tmp_path: Path) -> Iterator[Rollouts]:
    with running_fleet(engine.db, tmp_path, 3) as fleet:
        yield Rollouts(engine, client, fleet)


def test_a_change_of_several_hosts_is_shown_host_by_host(rollouts: Rollouts) -> None:
    rollouts.vlan(200, **{"Correlation-Id": "my-change"})
    one = rollouts.until("succeeded")
    assert (one["reason"], one["states"], one["progress"]) == (
        "network blue has changed (vlan 100 became 200)",
        {"changed": 3},
        "3 changed",
    )
    assert one["ended_at"] is not None
    hosts = [
        (host["host"]["name"], host["wave"], host["canary"], host["state"], host["keeps"]) for host in one["hosts"]
    ]
    assert hosts == [
        ("sim-1", 0, True, "changed", False),
        ("sim-2", 1, False, "changed", False),
        ("sim-3", 1, False, "changed", False),
    ]
    assert [found["id"] for found in rollouts.get("?search=correlation_id%3Dmy-change")] == [one["id"]]
    assert rollouts.get("?search=status%3Dhalted") == []


def test_halted_resumed_and_taken_back(rollouts: Rollouts) -> None:
    assert rollouts.policy(soak=3600).status_code == 200
    rollouts.vlan(200)
    rollouts.fleet.until(lambda: rollouts.get()[0]["states"].get("watched") == 1)
    rollout_id = rollouts.get()[0]["id"]
    assert rollouts.post(f"/{rollout_id}/halt")["status"] == "halted"
    rollouts.fleet.until(lambda: rollouts.get()[0]["states"] == {"watched": 1, "waiting": 2})
    assert rollouts.policy(soak=0).status_code == 200
    assert rollouts.post(f"/{rollout_id}/resume")["status"] == "running"
    rollouts.until("succeeded")
    assert rollouts.post(f"/{rollout_id}/revert")["status"] == "reverting"
    one = rollouts.until("reverted")
    assert one["states"] == {"reverted": 3}
    assert rollouts.client.xml(f"/networks/{rollouts.network}").find("vlan").get("id") == "100"


def test_what_cannot_be_done_is_refused_by_name(rollouts: Rollouts) -> None:
    rollouts.vlan(200)
    one = rollouts.until("succeeded")
    assert "it is succeeded" in str(rollouts.post(f"/{one['id']}/halt", expect=409))
    assert "it is succeeded" in str(rollouts.post(f"/{one['id']}/resume", expect=409))
    rollouts.vlan(300)
    rollouts.until("succeeded")
    assert "changed again: blue" in str(rollouts.post(f"/{one['id']}/revert", expect=409))
    assert "no rollout" in str(rollouts.post("/00000000-0000-0000-0000-000000000000/halt", expect=404))


def test_policy_of_a_cluster_is_shown_changed_and_checked(rollouts: Rollouts) -> None:
    names = ("canaries", "wave", "soak", "on_failure")
    shown = rollouts.client.xml(f"/clusters/{rollouts.cluster}")
    assert [shown.findtext(f"rollout_{name}") for name in names] == ["1", "10", "-1", "keep"]
    changed = rollouts.policy(canaries=2, wave=5, soak=0, on_failure="revert").json()
    assert [changed[f"rollout_{name}"] for name in names] == ["2", "5", "0", "revert"]
    refused = rollouts.policy(wave=0)
    assert (refused.status_code, "between 1 and 1000" in refused.text) == (409, True)
