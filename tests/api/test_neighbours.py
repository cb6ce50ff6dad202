"""The neighbours of hosts' NICs through the API: oVirt's elements, all of a host, and plans that say the ports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.served import Client, Engine
from fleet import Fleet, running_fleet
from netweft.agent.simulated import neighbour_of
from netweft.core.neighbours import Neighbour
from netweft.engine.db import new_id

ELEMENTS = "linklayerdiscoveryprotocolelements"


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(engine.db, tmp_path) as fleet:
        yield fleet


def nic_ids(client: Client, fleet: Fleet) -> dict[str, str]:
    return {str(nic.findtext("name")): str(nic.get("id")) for nic in client.xml(f"/hosts/{fleet.id()}/nics")}


def elements(client: Client, fleet: Fleet, nic: str) -> list[tuple[str, dict[str, str]]]:
    """Names and properties of what a NIC has received; the client checks their form."""
    found = client.xml(f"/hosts/{fleet.id()}/nics/{nic_ids(client, fleet)[nic]}/{ELEMENTS}")
    return [
        (str(one.findtext("name")), {p.findtext("name"): p.findtext("value") for p in one.iterfind("properties/*")})
        for one in found
    ]


def neighbours(engine: Engine, client: Client, fleet: Fleet) -> Any:
    return client.get(f"{engine.url}/netweft/v1/hosts/{fleet.id()}/neighbours").json()


def test_elements_of_a_nic_are_those_of_its_neighbour_and_others_have_none(client: Client, fleet: Fleet) -> None:
    found = dict(elements(client, fleet, "eth1"))
    assert found["System Name"] == {"system name": "sw-1b"}
    assert found["Port ID"] == {"port ID subtype": "Ifname", "port ID": "Gi1/0/1"}
    assert found["MTU"] == {"mtu": "9216"}
    links = client.xml(f"/hosts/{fleet.id()}/nics/{nic_ids(client, fleet)['eth1']}").iterfind("link")
    assert ELEMENTS in {link.get("rel") for link in links}
    fleet.simulate(carrier={"eth1": False})
    client.action(f"/hosts/{fleet.id()}/refresh")
    assert elements(client, fleet, "eth1") == []
    assert elements(client, fleet, "eth2")
    assert client.get(f"/hosts/{fleet.id()}/nics/{new_id()}/{ELEMENTS}").status_code == 404
    assert client.get(f"/hosts/{new_id()}/nics/{new_id()}/{ELEMENTS}").status_code == 404


def test_organizations_elements_have_their_numbers(client: Client, fleet: Fleet) -> None:
    path = f"/hosts/{fleet.id()}/nics/{nic_ids(client, fleet)['eth0']}/{ELEMENTS}"
    found = {one.findtext("name"): one for one in client.xml(path)}
    numbers = [found["Port VLAN ID"].findtext(name) for name in ("type", "oui", "subtype")]
    assert numbers == ["127", "32962", "1"]
    assert found["Chassis ID"].find("oui") is None
    told = client.get(path, headers={"Accept": "application/json"}).json()
    assert told["link_layer_discovery_protocol_element"][0]["type"] == "1"


def test_all_neighbours_of_a_host_and_whether_anybody_listens(engine: Engine, client: Client, fleet: Fleet) -> None:
    found = neighbours(engine, client, fleet)
    assert found["lldp"]
    assert [(one["nic"], one["text"]) for one in found["neighbours"]] == [
        ("eth0", "port Gi1/0/1 of sw-1a"),
        ("eth1", "port Gi1/0/1 of sw-1b"),
        ("eth2", "port Gi1/0/2 of sw-1a"),
        ("eth3", "port Gi1/0/2 of sw-1b"),
    ]
    first = found["neighbours"][0]
    assert (first["port"], first["port_name"]) == ({"kind": "ifname", "value": "Gi1/0/1"}, "Gi1/0/1")
    assert (first["device_name"], first["vlan"], first["aggregate"]) == ("sw-1a", 1, None)
    moved = replace(neighbour_of(1, 1), port="Gi1/0/9", vlans=((7, "blue"),))
    fleet.simulate(neighbours={"eth1": (moved, Neighbour(chassis="x", port="p1"))})
    client.action(f"/hosts/{fleet.id()}/refresh")
    eth1 = [one for one in neighbours(engine, client, fleet)["neighbours"] if one["nic"] == "eth1"]
    assert [one["text"] for one in eth1] == ["port Gi1/0/9 of sw-1b", "port p1 of x"]
    assert (eth1[0]["vlans"], eth1[1]["system_name"]) == ([{"id": 7, "name": "blue"}], None)
    fleet.simulate(lacks=("lldpd",))
    client.action(f"/hosts/{fleet.id()}/refresh")
    assert neighbours(engine, client, fleet) == {"lldp": False, "neighbours": []}
    assert elements(client, fleet, "eth0") == []


def test_a_plan_says_where_its_nics_are_cabled_to_and_is_the_same_without(
    engine: Engine, client: Client, fleet: Fleet
) -> None:
    client.add_network("blue", 100)
    attachment = {"network": {"name": "blue"}, "host_nic": {"name": "eth1"}}
    setup = {"modified_network_attachments": {"network_attachment": [attachment]}}
    told = {"host": {"name": "sim-1"}, "setup": setup}
    request = {"method": "POST", "path": f"/ovirt-engine/api/hosts/{fleet.id()}/setupnetworks", "body": setup}

    def plans() -> tuple[Any, Any]:
        json = {"Accept": "application/json"}
        one = client.post(f"{engine.url}/netweft/v1/plans", json=told, headers=json)
        many = client.post(f"{engine.url}/netweft/v1/requestplans", json=request, headers=json)
        assert (one.status_code, many.status_code) == (201, 201), one.text + many.text
        return one.json(), many.json()

    one, many = plans()
    (vlan,) = (step for step in one["steps"] if step["kind"] == "CreateLink" and "eth1.100" in step["step"])
    assert vlan["nics"] == ["eth1, port Gi1/0/1 of sw-1b"]
    assert all(step["nics"] in ([], ["eth1, port Gi1/0/1 of sw-1b"]) for step in one["steps"])
    assert many["hosts"][0]["plan"]["steps"] == one["steps"]
    fleet.simulate(carrier={"eth1": False}, lacks=("lldpd",))
    client.action(f"/hosts/{fleet.id()}/refresh")
    one, again = plans()
    assert {nic for step in one["steps"] for nic in step["nics"]} == {"eth1"}
    assert again["id"] == many["id"], "what LLDP tells is no part of what a host would do"
