"""Configuration providers and port profiles through the API and, as JSON, its answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import memory_fabric
from api.served import Client, Engine
from fleet import Fleet, running_fleet
from memory_fabric import CLASS, FOREIGN, PASSWORD, Fabric

URL = "https://ucs.example"


@pytest.fixture(autouse=True)
def fleet(engine: Engine, tmp_path: Path) -> Iterator[Fleet]:
    memory_fabric.forget(URL)
    with running_fleet(engine.db, tmp_path) as fleet:
        yield fleet


@pytest.fixture
def there() -> Fabric:
    """The fabric's side."""
    return memory_fabric.fabric(URL)


class Additions:
    """Netweft's own part of the API."""

    def __init__(self, engine: Engine, client: Client) -> None:
        self._root, self._client = f"{engine.url}/netweft/v1", client

    def __call__(self, method: str, path: str, expected: int = 200, /, **body: Any) -> Any:
        answer = self._client.request(method, f"{self._root}/{path}", json=body if method in {"POST", "PUT"} else None)
        assert answer.status_code == expected, answer.text
        return answer.json() if answer.content else None

    def add(self, **said: Any) -> dict[str, Any]:
        body = {"name": "ucs", "type": "memory", "url": "ucs.example", "username": "netweft", "password": PASSWORD}
        return dict(self("POST", "configurationproviders", 201, **{**body, **said}))


@pytest.fixture
def api(engine: Engine, client: Client) -> Additions:
    return Additions(engine, client)


@pytest.fixture
def network(client: Client) -> str:
    body = "<network><name>red</name><vlan id='100'/><data_center><name>Default</name></data_center></network>"
    return str(client.post_xml("/networks", body).get("id"))


def test_a_provider_is_kept_once_it_has_answered(api: Additions) -> None:
    made = api.add(description="the blades")
    assert (made["url"], made["status"], made["description"]) == (URL, "ok", "the blades")
    assert PASSWORD not in str(made)
    assert api("GET", "configurationproviders") == [api("GET", f"configurationproviders/{made['id']}")]
    refused = api("POST", "configurationproviders", 409, **{**SAID, "name": "down", "url": "down.example"})
    assert "nobody is there" in refused["detail"]
    wrong = {**SAID, "name": "in", "url": "in.example", "password": "wrong"}
    refused = api("POST", "configurationproviders", 409, **wrong)
    assert "wrong password" in refused["detail"]
    refused = api("POST", "configurationproviders", 409, **{**SAID, "name": "twice", "url": "UCS.example/"})
    assert "Provider 'ucs' has this address already" in refused["detail"]
    assert [one["name"] for one in api("GET", "configurationproviders")] == ["ucs"]
    assert [one["name"] for one in api("GET", "configurationproviders?search=type%3Dmemory")] == ["ucs"]
    assert api("GET", "configurationproviders?search=name%3Dothers") == []


SAID = {"type": "memory", "url": "ucs.example", "username": "netweft", "password": PASSWORD}


def test_a_provider_is_sent_back_whole_changed_and_removed(api: Additions) -> None:
    made = api.add()
    one = f"configurationproviders/{made['id']}"
    changed = api("PUT", one, **{**made, "name": "blades", "description": "cellar"})
    assert (changed["name"], changed["description"]) == ("blades", "cellar")
    assert api("POST", f"{one}/test", 201)["status"] == "ok"
    refused = api("PUT", one, 409, url="down.example")
    assert "nobody is there" in refused["detail"]
    api("PUT", one, 400, colour="red")
    assert api("GET", one)["url"] == URL
    api("DELETE", one, 200)
    assert api("GET", "configurationproviders") == []


def test_it_is_no_provider_of_networks(api: Additions, client: Client) -> None:
    made = api.add()
    assert made["id"] not in client.get("/openstacknetworkproviders").text
    for method in ("GET", "PUT", "DELETE"):
        body = "<openstack_network_provider/>" if method == "PUT" else None
        answer = client.request(method, f"/openstacknetworkproviders/{made['id']}", content=body)
        assert answer.status_code == 404, answer.text
    assert client.get(f"/openstacknetworkproviders/{made['id']}/networks").status_code == 404
    api("GET", f"providers/{made['id']}", 404)
    api("GET", f"providers/{made['id']}/objects", 404)
    on = f"<external_provider id='{made['id']}'/>"
    network = f"<network><name>on</name>{on}<data_center><name>Default</name></data_center></network>"
    assert client.post("/networks", content=network).status_code == 404
    cluster = client.first_id("/clusters")
    default = f"<cluster><external_network_providers>{on}</external_network_providers></cluster>"
    assert client.put(f"/clusters/{cluster}", content=default).status_code == 404


def test_a_network_has_a_port_profile_until_it_goes(
    api: Additions, client: Client, fleet: Fleet, network: str, there: Fabric
) -> None:
    provider = api.add()
    path = f"networks/{network}/portprofiles"
    made = api("POST", path, 201, provider_name="ucs")
    assert made["provision"]["state"] == "ok"
    assert (made["name"], made["mtu"], made["qos_policy"]) == (f"nw-{network[:8]}", 1500, None)
    assert there.specs[network].vlan_id == 100
    changed = api("PUT", f"{path}/{provider['id']}", **{**made, "qos_policy": "gold", "high_performance": True})
    assert (changed["qos_policy"], changed["high_performance"], changed["mtu"]) == ("gold", True, 9216)
    assert there.specs[network].high_performance
    assert api("GET", path) == [api("GET", f"{path}/{provider['id']}")] == [changed]
    missing = api("PUT", f"{path}/{provider['id']}", qos_policy="none")
    assert (missing["provision"]["state"], missing["provision"]["reason"]) == (
        "error",
        "The fabric has no QoS policy none.",
    )
    status = api("GET", f"configurationproviders/{provider['id']}")
    assert (status["networks"], status["failing"]) == (1, 1)
    assert [one["name"] for one in api("GET", f"configurationproviders/{provider['id']}/objects")] == ["red"]
    client.put_xml(f"/networks/{network}", "<network><name>green</name></network>")
    api("DELETE", f"{path}/{provider['id']}")
    assert api("GET", path) == []
    assert list(there.profiles.values()) == [FOREIGN]
    api("GET", f"{path}/{provider['id']}", 404)
    there.used.add(network)
    api("POST", path, 201, provider_id=provider["id"])
    client.delete(f"/networks/{network}")
    objects = f"configurationproviders/{provider['id']}/objects"
    fleet.until(lambda: [one["provision"]["state"] for one in api("GET", objects)] == ["error"])
    (left,) = api("GET", objects)
    assert (left["kind"], left["id"], left["provision"]["wanted"]) == ("profile", network, "absent")
    assert (left["name"], api("GET", f"configurationproviders/{provider['id']}")["networks"]) == (None, 0)


def test_a_plan_names_whom_a_raised_mtu_interrupts(api: Additions, network: str, there: Fabric) -> None:
    provider = api.add()
    api("POST", f"networks/{network}/portprofiles", 201, provider_id=provider["id"])
    path = f"configurationproviders/{provider['id']}"
    desired = {"system_class": CLASS, "mtu": 9000}
    plan = api("POST", f"{path}/raisemtu", 201, **desired, plan=True)
    assert (plan["before"], plan["servers"], plan["networks"], plan["vms"]) == (1500, ["blade-1"], ["red"], [])
    assert plan["port_profiles"] == [f"nw-{network[:8]}", FOREIGN.name]
    assert there.classes[CLASS] == 1500
    assert api("GET", f"{path}/systemclasses")[0]["raised_by"] is None
    assert {**plan, "plan": False} == api("POST", f"{path}/raisemtu", 201, **desired, interrupts_fabric=True)
    (shown,) = [one for one in api("GET", f"{path}/systemclasses") if one["name"] == CLASS]
    assert (shown["mtu"], shown["raised_by"], shown["raised_from"]) == (9000, "admin@internal", 1500)
    again = api("POST", f"{path}/raisemtu", 201, system_class=CLASS, mtu=1600, interrupts_fabric=True)
    assert (again["before"], again["mtu"], again["servers"]) == (9000, 9000, [])
    assert there.classes[CLASS] == 9000
    assert "no class" in api("POST", f"{path}/raisemtu", 409, system_class="x", mtu=9000, plan=True)["detail"]


def test_a_fabric_that_is_gone_for_good_is_removed_by_force(api: Additions, network: str) -> None:
    made = api.add()
    path = f"configurationproviders/{made['id']}"
    api("POST", f"networks/{network}/portprofiles", 201, provider_name="ucs")
    refused = api("DELETE", f"{path}?force=true", 409)
    assert "carries these networks: red" in refused["detail"]

    def away(_: str) -> None:
        raise memory_fabric.DOWN

    memory_fabric.fabric(URL).fault = away
    api("DELETE", f"networks/{network}/portprofiles/{made['id']}")
    refused = api("DELETE", path, 409)
    assert "or by force if it is gone for good" in refused["detail"]
    api("DELETE", f"{path}?force=true")
    assert api("GET", "configurationproviders") == []
