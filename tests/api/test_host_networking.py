"""All that is needed to set up the networks of a host, in one answer: beside what oVirt's API says of the same host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.served import Client, Engine
from fleet import Fleet, running_fleet
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.networks import networks
from statements_seen import statements_seen

JSON = {"Accept": "application/json", "Content-Type": "application/json"}


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(engine.db, tmp_path) as fleet:
        yield fleet


def networking(engine: Engine, client: Client, fleet: Fleet) -> Any:
    answer = client.get(f"{engine.url}/netweft/v1/hosts/{fleet.id()}/networking", headers=JSON)
    assert answer.status_code == 200, answer.text
    return answer.json()


def set_up(client: Client, fleet: Fleet) -> None:
    """A bond with a label, and a network with an address, limits and properties on it."""
    bond = {
        "name": "bond0",
        "bonding": {
            "options": {"option": [{"name": "mode", "value": "active-backup"}]},
            "slaves": {"host_nic": [{"name": "eth2"}, {"name": "eth3"}]},
        },
    }
    address = {"version": "v4", "address": "192.0.2.7", "netmask": "24", "gateway": "192.0.2.1"}
    attachment = {
        "network": {"name": "blue"},
        "host_nic": {"name": "bond0"},
        "ip_address_assignments": {"ip_address_assignment": [{"assignment_method": "static", "ip": address}]},
        "dns_resolver_configuration": {"name_servers": {"name_server": ["192.0.2.53"]}},
        "qos": {"outbound_average_linkshare": "30"},
        "properties": {"property": [{"name": "bridge_opts", "value": "ageing_time=20000"}]},
    }
    setup = {
        "modified_bonds": {"host_nic": [bond]},
        "modified_network_attachments": {"network_attachment": [attachment]},
        "modified_labels": {"network_label": [{"id": "red", "host_nic": {"name": "bond0"}}]},
    }
    answer = client.post(f"/hosts/{fleet.id()}/setupnetworks", json=setup, headers=JSON)
    assert answer.status_code == 200, answer.text


def test_a_host_with_what_is_set_up(engine: Engine, client: Client, fleet: Fleet) -> None:
    before = networking(engine, client, fleet)
    assert (before["in_sync"], before["committed"], before["bonds"], before["cards"]) == (True, True, [], [])
    blue, _ = client.add_network("blue", 100)
    green, _ = client.add_network("green", 200)
    set_up(client, fleet)
    found = networking(engine, client, fleet)
    assert (found["name"], found["status"], found["cluster"]["name"]) == ("sim-1", "up", "Default")
    assert (found["in_sync"], found["committed"]) == (True, False)
    (bond,) = found["bonds"]
    assert (bond["nics"], bond["options"]["mode"], bond["labels"], bond["up"]) == (["eth2", "eth3"], "1", ["red"], True)
    nics = {one["name"]: one for one in found["nics"]}
    assert nics.keys() == {"eth0", "eth1", "eth2", "eth3"}
    assert (nics["eth2"]["speed"], nics["eth3"]["neighbours"]) == (25000, ["port Gi1/0/2 of sw-1b"])
    there = {one["id"]: one for one in found["networks"]}
    assert list(there.values()) == sorted(there.values(), key=lambda one: one["name"])
    assert (there[blue]["vlan"], there[blue]["roles"], there[blue]["required"]) == (100, ["vm"], False)
    assert [there[green][name] for name in ("mtu", "label", "provided", "guests")] == [0, None, False, []]
    (one,) = (each for each in found["attachments"] if each["network"] == blue)
    current = {"address": "192.0.2.7", "prefix": 24, "gateway": "192.0.2.1"}
    assert one["ipv4"] == {"method": "static", **current, "current": current}
    assert one["ipv6"] == {"method": "none", "address": None, "prefix": None, "gateway": None, "current": None}
    assert (one["uplink"], one["dns"], one["in_sync"], one["differences"]) == ("bond0", ["192.0.2.53"], True, [])
    assert one["qos"] == {"share": 30, "upper_limit": None, "real_time": None}
    assert one["properties"] == {"bridge_opts": "ageing_time=20000"}


def test_it_says_what_ovirts_api_says(engine: Engine, client: Client, fleet: Fleet) -> None:
    client.add_network("blue", 100)
    set_up(client, fleet)
    found = networking(engine, client, fleet)
    query = {"follow": "cluster.networks,nics,network_attachments"}
    tree = client.get(f"/hosts/{fleet.id()}", params=query, headers=JSON).json()
    assert found["in_sync"] == (tree["networks_in_sync"] == "true")
    in_cluster = tree["cluster"]["networks"]["network"]
    assert {one["id"]: one["name"] for one in found["networks"]} == {one["id"]: one["name"] for one in in_cluster}
    attached = {one["id"]: one["network"]["id"] for one in tree["network_attachments"]["network_attachment"]}
    assert {one["id"]: one["network"] for one in found["attachments"]} == attached
    bases = {one["id"]: one["name"] for one in tree["nics"]["host_nic"] if "base_interface" not in one}
    assert {one["id"]: one["name"] for one in (*found["nics"], *found["bonds"])} == bases


def statements_of(engine: Engine, client: Client, fleet: Fleet) -> int:
    """How many are seen meanwhile; those of the engine's other threads are among them."""
    with statements_seen() as seen:
        networking(engine, client, fleet)
    return len(seen)


def test_it_costs_the_same_and_is_for_those_who_may_see_the_host(engine: Engine, client: Client, fleet: Fleet) -> None:
    networking(engine, client, fleet)
    costs = []
    for count in (1, 20):
        for number in range(count):
            client.add_network(f"n{count}-{number}", 10 * count + number)
        costs.append(min(statements_of(engine, client, fleet) for _ in range(3)))
    assert costs[0] == costs[1]
    assert len(networking(engine, client, fleet)["networks"]) == 22
    engine.add_user("nobody@internal")
    with engine.client("nobody@internal") as nobody:
        assert nobody.get(f"{engine.url}/netweft/v1/hosts/{fleet.id()}/networking", headers=JSON).status_code == 403


def test_what_differs_is_told(engine: Engine, client: Client, fleet: Fleet) -> None:
    blue, _ = client.add_network("blue", 100)
    set_up(client, fleet)

    engine.db.run(lambda tx: tx.execute(sa.update(networks).where(networks.c.id == blue).values(vlan_id=101)))
    (one,) = (each for each in networking(engine, client, fleet)["attachments"] if each["network"] == blue)
    assert not one["in_sync"]
    assert {"name": "vlan", "expected": "101", "actual": "100"} in one["differences"]
    engine.db.run(lambda tx: tx.execute(sa.delete(cluster_networks).where(cluster_networks.c.network_id == blue)))
    assert blue not in [each["network"] for each in networking(engine, client, fleet)["attachments"]]
