"""Planning any request: what it would have hosts do is what they then do, and nothing has changed before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.served import Client, Engine
from fleet import Fleet, running_fleet


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(engine.db, tmp_path, 3) as fleet:
        yield fleet


class Plans:
    """What an administrator asks for, first as a plan."""

    def __init__(self, engine: Engine, client: Client, fleet: Fleet) -> None:
        self.engine, self.client, self.fleet = engine, client, fleet
        self.network, self.cluster = client.add_network("blue", 100)
        for number in (1, 2):
            fleet.attach("blue", "eth1", number=number)

    def ask(self, method: str, path: str, body: Any = None, expect: int = 201) -> Any:
        told = {"method": method, "path": f"/ovirt-engine/api{path}", **({} if body is None else {"body": body})}
        json = {"Accept": "application/json"}
        answer = self.client.post(f"{self.engine.url}/netweft/v1/requestplans", json=told, headers=json)
        assert answer.status_code == expect, answer.text
        return answer.json()

    def vlan(self, tag: int, **headers: str) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        return self.client.put(f"/networks/{self.network}", json={"vlan": {"id": tag}}, headers=headers)


@pytest.fixture
def plans(engine: Engine, client: Client, fleet: Fleet) -> Plans:
    return Plans(engine, client, fleet)


def steps(plan: Any) -> dict[str, list[str]]:
    return {one["host"]["name"]: [step["step"] for step in one["plan"]["steps"]] for one in plan["hosts"]}


def tags(fleet: Fleet, number: int) -> set[int]:
    return {vlan.tag for vlan in fleet.host(number).vlans.values()}


def test_the_plan_of_the_management_network_says_what_it_costs(plans: Plans) -> None:
    network = next(str(one.get("id")) for one in plans.client.xml("/networks") if one.findtext("name") == "ovirtmgmt")
    plan = plans.ask("PUT", f"/networks/{network}", {"vlan": {"id": 50}})
    summary = plan["summary"]
    assert (summary["hosts"], summary["loss"]) == (3, "outage")
    (affected,) = summary["networks"]
    assert (affected["name"], "management" in affected["roles"]) == ("ovirtmgmt", True)


def test_the_plan_of_a_network_names_every_host_that_carries_it(plans: Plans) -> None:
    before = [plans.fleet.host(number) for number in (1, 2, 3)]
    plan = plans.ask("PUT", f"/networks/{plans.network}", {"vlan": {"id": 150}})
    assert set(steps(plan)) == {"sim-1", "sim-2"}
    assert all(any("tag 150" in step for step in told) for told in steps(plan).values())
    summary = plan["summary"]
    assert (summary["hosts"], summary["changed"], summary["impossible"]) == (2, 2, 0)
    assert plan["hosts"][0]["reason"] == "network blue has changed (vlan 100 became 150)"
    assert [plans.fleet.host(number) for number in (1, 2, 3)] == before
    assert plans.client.xml(f"/networks/{plans.network}").find("vlan").get("id") == "100"
    assert plans.ask("PUT", f"/networks/{plans.network}", {"vlan": {"id": 150}})["id"] == plan["id"]


def test_the_request_is_done_while_its_plan_holds(plans: Plans) -> None:
    plan = plans.ask("PUT", f"/networks/{plans.network}", {"vlan": {"id": 150}})
    plans.fleet.attach("blue", "eth1", number=3)
    stale = plans.vlan(150, **{"Netweft-Plan": plan["id"]})
    assert (stale.status_code, stale.headers["Netweft-Code"]) == (409, "PLAN_IS_STALE"), stale.text
    again = plans.ask("PUT", f"/networks/{plans.network}", {"vlan": {"id": 150}})
    assert again["id"] in stale.text
    assert plans.vlan(150, **{"Netweft-Plan": again["id"]}).status_code == 200
    plans.fleet.until(lambda: all(tags(plans.fleet, number) == {150} for number in (1, 2, 3)))
    assert steps(plans.ask("PUT", f"/networks/{plans.network}", {"vlan": {"id": 150}})) == {}


def test_an_empty_id_of_a_plan_is_no_request_without_one(plans: Plans) -> None:
    refused = plans.vlan(150, **{"Netweft-Plan": ""})
    assert (refused.status_code, "Netweft-Plan is empty" in refused.text) == (400, True), refused.text
    assert plans.client.xml(f"/networks/{plans.network}").find("vlan").get("id") == "100"


@pytest.mark.parametrize(
    ("method", "path", "body", "hosts"),
    [
        ("DELETE", "/networks/{network}", None, {"sim-1", "sim-2"}),
        ("DELETE", "/clusters/{cluster}/networks/{network}", None, {"sim-1", "sim-2"}),
        ("PUT", "/networks/{network}", {"mtu": 1400}, {"sim-1", "sim-2"}),
        ("PUT", "/networks/{network}", {"description": "nothing for hosts"}, set()),
        ("POST", "/hosts/{host}/syncallnetworks", {}, set()),
        ("POST", "/hosts/{host}/nics/{nic}/networklabels", {"id": "red"}, {"sim-3"}),
    ],
)
def test_what_touches_hosts_can_be_planned(plans: Plans, method: str, path: str, body: Any, hosts: set[str]) -> None:
    label = f"/networks/{plans.network}/networklabels"
    host = plans.fleet.id(3)
    nic = next(str(one.get("id")) for one in plans.client.xml(f"/hosts/{host}/nics") if one.findtext("name") == "eth2")
    if "networklabels" in path:
        plans.client.post_xml(label, "<network_label id='red'/>")
    ids = {"network": plans.network, "cluster": plans.cluster, "host": host, "nic": nic}
    plan = plans.ask(method, path.format(**ids), body)
    assert {one["host"]["name"] for one in plan["hosts"]} == hosts, plan


def test_a_host_that_labels_ask_nothing_of_is_not_in_the_plan(plans: Plans) -> None:
    fleet, path = plans.fleet, f"/hosts/{plans.fleet.id(3)}/nics"
    nic = next(str(one.get("id")) for one in plans.client.xml(path) if one.findtext("name") == "eth2")
    plans.client.post_xml(f"{path}/{nic}/networklabels", "<network_label id='red'/>")
    host = fleet.host(3)
    nics = {name: replace(one, mtu=1400) for name, one in host.nics.items() if name != "eth2"}
    fleet.simulate(3, host=replace(host, nics=nics))
    fleet.monitor.round(fleet.db)
    assert not fleet.data(3).drift.is_empty
    assert steps(plans.ask("POST", f"/networks/{plans.network}/networklabels", {"id": "red"})) == {}


def test_a_plan_is_refused_as_the_request_would_be(plans: Plans) -> None:
    told = plans.ask("PUT", f"/networks/{plans.network}", {"vlan": {"id": 5000}}, expect=409)
    assert told == plans.vlan(5000).json()
    assert "none of POST, PUT, DELETE" in str(plans.ask("GET", "/networks", expect=400))
    plans.ask("PUT", "/networks/nowhere", {"mtu": 1400}, expect=404)


def test_a_plan_takes_the_rights_of_the_request(plans: Plans) -> None:
    plans.engine.add_user("reader@internal", "ReadOnlyAdmin")
    told = {"method": "PUT", "path": f"/ovirt-engine/api/networks/{plans.network}", "body": {"mtu": 1400}}
    with plans.engine.client("reader@internal") as reader:
        path = f"{plans.engine.url}/netweft/v1/requestplans"
        answer = reader.post(path, json=told, headers={"Accept": "application/json"})
        assert answer.status_code == 403, answer.text
        told["path"] = "/ovirt-engine/api/clusters"
        told["method"] = "POST"
        assert reader.post(path, json=told, headers={"Accept": "application/json"}).status_code == 403
