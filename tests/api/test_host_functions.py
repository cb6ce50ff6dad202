"""Virtual functions of hosts' NICs through the API: how many, and for which networks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from api.served import Client, Engine
from fleet import Fleet, running_fleet
from hosts import without_link


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(engine.db, tmp_path) as fleet:
        yield fleet


def nic(client: Client, fleet: Fleet, name: str) -> str:
    """The path of a NIC."""
    nics = f"/hosts/{fleet.id()}/nics"
    return f"{nics}/{next(one.get('id') for one in client.xml(nics) if one.findtext('name') == name)}"


def configure(client: Client, path: str, body: str) -> etree._Element:
    return client.action(f"{path}/updatevirtualfunctionsconfiguration", action(body))


def action(body: str) -> str:
    return f"<action><virtual_functions_configuration>{body}</virtual_functions_configuration></action>"


def count(number: int) -> str:
    return f"<number_of_virtual_functions>{number}</number_of_virtual_functions>"


RESTRICTED = "<all_networks_allowed>false</all_networks_allowed>"
ALL = "<all_networks_allowed>true</all_networks_allowed>"


def refusal(client: Client, path: str, body: str, status: int = 409) -> str:
    answer = client.post(path, content=body.encode())
    assert answer.status_code == status, answer.text
    return str(etree.fromstring(answer.content).findtext(".//detail"))


def configuration(client: Client, path: str) -> list[str | None]:
    found = client.xml(path).find("virtual_functions_configuration")
    assert found is not None
    return [
        found.findtext(name)
        for name in ("all_networks_allowed", "max_number_of_virtual_functions", "number_of_virtual_functions")
    ]


def test_how_many_there_are(fleet: Fleet, client: Client) -> None:
    eth3 = nic(client, fleet, "eth3")
    assert configuration(client, eth3) == ["true", "8", "0"]
    assert client.xml(nic(client, fleet, "eth1")).find("virtual_functions_configuration") is None
    configure(client, eth3, count(4))
    assert configuration(client, eth3) == ["true", "8", "4"]
    function = client.xml(nic(client, fleet, "eth3v2"))
    assert str(function.find("physical_function").get("href")).endswith(eth3)  # type: ignore[union-attr] # it has one
    configure(client, eth3, count(4) + ALL)
    configure(client, eth3, count(2))
    assert len(fleet.host().nics["eth3"].facts.functions) == 2
    names = {one.findtext("name") for one in client.xml(f"/hosts/{fleet.id()}/nics")}
    assert {"eth3v0", "eth3v1"} <= names
    assert "eth3v2" not in names


def test_a_request_must_say_something(fleet: Fleet, client: Client) -> None:
    path = f"{nic(client, fleet, 'eth3')}/updatevirtualfunctionsconfiguration"
    assert "is required" in refusal(client, path, "<action/>", 400)


def test_a_host_that_refuses_is_heard(fleet: Fleet, client: Client) -> None:
    eth3 = nic(client, fleet, "eth3")
    configure(client, eth3, count(1))
    host = fleet.host()
    fleet.simulate(host=without_link(host, "eth3v0"))  # somebody bound another driver to it just now
    body = action(count(2))
    assert "is in use" in refusal(client, f"{eth3}/updatevirtualfunctionsconfiguration", body)
    assert configuration(client, eth3) == ["true", "8", "1"]


def test_which_networks_they_serve(fleet: Fleet, client: Client) -> None:
    eth3 = nic(client, fleet, "eth3")
    allowed, labels = f"{eth3}/virtualfunctionallowednetworks", f"{eth3}/virtualfunctionallowedlabels"
    network = client.first_id("/networks")
    named = "<network><name>ovirtmgmt</name></network>"
    configure(client, eth3, RESTRICTED)
    assert configuration(client, eth3)[0] == "false"
    assert client.post_xml(allowed, named).get("id") == network
    assert client.post_xml(labels, "<network_label id='fast'/>").get("id") == "fast"
    assert client.xml(f"{allowed}/{network}").findtext("name") == "ovirtmgmt"
    assert client.xml(f"{labels}/fast").get("id") == "fast"
    configure(client, eth3, RESTRICTED)
    assert len(client.xml(allowed)) == len(client.xml(labels)) == 1, "it was restricted already"
    for path in (f"{allowed}/{network}", f"{labels}/fast"):
        assert client.delete(path).status_code == 200
        assert client.delete(path).status_code == 404
        assert client.get(path).status_code == 404
    client.post_xml(allowed, named)
    configure(client, eth3, ALL)
    configure(client, eth3, RESTRICTED)
    assert len(client.xml(allowed)) == 0, "all networks forgets those that were named"
