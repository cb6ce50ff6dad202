"""The query language, on both databases."""

from __future__ import annotations

import pytest

from api.served import Client

pytestmark = pytest.mark.both_databases

NAMES = ("alpha", "Beta", "gamma delta", "רשת", "vlan1", "vlan2", "a_b", "a%b")


@pytest.fixture
def networks(client: Client) -> Client:
    for number, name in enumerate(NAMES):
        values = f"<name>{name}</name><mtu>{1400 + number}</mtu><data_center><name>Default</name></data_center>"
        client.post_xml("networks", f"<network>{values}</network>")
    return client


def found(client: Client, search: str, **query: str) -> set[str]:
    names = [network.findtext("name") for network in client.xml("networks", search=search, **query)]
    assert len(names) == len(set(names))
    return {str(name) for name in names} - {"ovirtmgmt"}


SEARCHES: list[tuple[str, set[str]]] = [
    ("", set(NAMES)),
    ("name=alpha", {"alpha"}),
    ('name="gamma delta"', {"gamma delta"}),
    ('name = "beta"', {"Beta"}),
    ("name=רשת", {"רשת"}),
    ("name=vlan*", {"vlan1", "vlan2"}),
    ("name!=vlan*", set(NAMES) - {"vlan1", "vlan2"}),
    ("vlan*", {"vlan1", "vlan2"}),
    ('"gamma delta"', {"gamma delta"}),
    ("name=a_b", {"a_b"}),
    ("name=a_*", {"a_b"}),
    ("name=a%*", {"a%b"}),
    ("name=a?b*", set()),
    ('name="vlan1" and datacenter="Default"', {"vlan1"}),
    ("name=vlan1 and datacenter=Other", set()),
    ("datacenter.name=default and mtu>=1406", {"a_b", "a%b"}),
    ("mtu<1401 or name=vlan1 and mtu=1404", {"alpha", "vlan1"}),
    ("(mtu<1401 or name=vlan1) and mtu!=1400", {"vlan1"}),
    ("not name=vlan* and mtu>1404", {"a_b", "a%b"}),
    ("Networks: name=alpha", {"alpha"}),
    ("name=alpha OR name=BETA", {"alpha", "Beta"}),
    ("stp=true", set()),
    ("cluster=Default", set()),
    ("cluster.name!=Default", set(NAMES)),
]


def test_what_is_found(networks: Client) -> None:
    for search, names in SEARCHES:
        assert found(networks, search) == names, search


def test_case(networks: Client) -> None:
    assert found(networks, "name=beta", case_sensitive="true") == set()
    assert found(networks, "name=Beta", case_sensitive="true") == {"Beta"}
    assert found(networks, "name=b*", case_sensitive="true") == set()
    assert found(networks, "name=B*", case_sensitive="true") == {"Beta"}


def test_pages_and_order(networks: Client) -> None:
    names, page = [], 1
    while len(batch := networks.xml("networks", search=f"name!=ovirtmgmt sortby mtu desc page {page}", max="3")):
        names += [network.findtext("name") for network in batch]
        page += 1
    assert names == list(reversed(NAMES))
    first = networks.xml("networks", search="sortby name page 1", max="1")
    assert len(first) == 1
    assert len(networks.xml("networks", max="0")) == 0
    assert len(networks.xml("networks", search="page 1")) == len(NAMES) + 1


def test_across_things(client: Client) -> None:
    assert client.xml("datacenters", search="Clusters.name=Default")[0].findtext("name") == "Default"
    assert len(client.xml("datacenters", search="Clusters.name=nothing")) == 0
    assert len(client.xml("datacenters", search="Clusters.name!=Default")) == 0


def test_lists_of_what_has_no_permissions_of_its_own_are_searched_as_well(client: Client) -> None:
    qoss = f"datacenters/{client.first_id('datacenters')}/qoss"
    for name in ("calm", "wild"):
        limits = "".join(f"<inbound_{one}>10</inbound_{one}>" for one in ("average", "peak", "burst"))
        client.post_xml(qoss, f"<qos><name>{name}</name><type>network</type>{limits}</qos>")
    assert [one.findtext("name") for one in client.xml(qoss, search="name=wi*")] == ["wild"]
    assert [one.findtext("name") for one in client.xml(qoss, search="type=network sortby name desc", max="1")] == [
        "wild"
    ]
    assert [one.findtext("name") for one in client.xml("roles", search="name=superuser")] == ["SuperUser"]
    assert [one.findtext("name") for one in client.xml("groups", search="name=nobody*")] == []


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "yesterday"])
def test_moments_that_no_database_has_are_refused(client: Client, moment: str) -> None:
    for path, field in (("jobs", "start_time"), ("events", "time")):
        refused = client.get(path, params={"search": f"{field}<{moment}"})
        assert (refused.status_code, f"not &#39;{moment}" in refused.text or moment in refused.text) == (400, True)
    network = client.xml("networks")[0].get("id")
    history = str(client.base_url.copy_with(path=f"/netweft/v1/networks/{network}/history"))
    refused = client.get(history, params={"before": moment})
    assert (refused.status_code, "no date with a time" in refused.text) == (400, True)


def test_tags_of_an_object_have_a_bound(client: Client) -> None:
    template = client.xml("templates")[0].get("id")
    for name in ("one", "two"):
        client.post_xml("tags", f"<tag><name>{name}</name></tag>")
        client.post_xml(f"templates/{template}/tags", f"<tag><name>{name}</name></tag>")
    assert len(client.xml(f"templates/{template}/tags")) == 2
    assert len(client.xml(f"templates/{template}/tags", max="1")) == 1
    assert client.get(f"templates/{template}/tags", params={"max": "x"}).status_code == 400
