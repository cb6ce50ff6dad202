"""What is wrong in the fleet, what is moving, and where things are, through HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import rows
from api.served import Client, Engine
from fleet import Fleet, running_fleet
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.db import Tx, new_id, utc_now
from netweft.engine.model.clusters import clusters
from netweft.engine.model.hosts import host_drifts, host_nics, hosts
from netweft.engine.model.networks import networks
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from statements_seen import statements_seen

pytestmark = pytest.mark.both_databases

JSON = {"Accept": "application/json", "Content-Type": "application/json"}


def asked(engine: Engine, client: Client, path: str, status: int = 200, **query: Any) -> Any:
    answer = client.get(f"{engine.url}/netweft/v1/{path}", params=query, headers=JSON)
    assert answer.status_code == status, answer.text
    return answer.json()


def fill(engine: Engine, count: int, *, trouble: bool = False) -> None:
    """Add hosts, each with a VM; with ``trouble`` they differ from their desired state, and an uplink has no link."""

    def add(tx: Tx) -> None:
        cluster = tx.scalars(sa.select(clusters.c.id)).one()
        network = str(tx.scalars(sa.select(networks.c.id).where(networks.c.name == "ovirtmgmt")).one())
        profile = tx.scalars(sa.select(vnic_profiles.c.id)).first()
        for number in range(count):
            name = f"h{count}-{number}"
            host = rows.add_host(tx, cluster, name, "non_responsive" if trouble else "up")
            rows.attach(tx, host, network)
            vm = rows.add_vm(tx, cluster, f"vm-{name}")
            rows.add_vnic(tx, vm, profile, f"56:6f:00:00:{count:02x}:{number:02x}")
            if trouble:
                tx.execute(sa.insert(host_drifts).values(host_id=host, since=utc_now(), lines=["one", "two"]))
                nic = {"id": new_id(), "host_id": host, "name": "eth1", "down_since": utc_now()}
                tx.execute(sa.insert(host_nics).values(**nic))

    engine.db.run(add)


def codes(found: Any) -> list[tuple[str, str]]:
    return [(one["code"], one["about"]["name"]) for one in found["problems"]]


def test_a_fleet_that_is_well_says_so(engine: Engine, client: Client) -> None:
    fill(engine, 2)
    found = asked(engine, client, "overview")
    assert (found["problems"], found["problem_counts"]) == ([], {"error": 0, "warning": 0})
    assert found["hosts"] == {"up": 2}
    assert [(one["name"], one["hosts"], one["out_of_sync"]) for one in found["clusters"]] == [("Default", 2, 0)]
    (pool,) = found["mac_pools"]
    assert (pool["name"], pool["used"]) == ("Default", 0)
    assert pool["size"] > 1000
    client.add_network("blue", 100)
    change = asked(engine, client, "overview")["changes"][0]
    assert (change["user"], change["about"]["name"]) == ("admin@internal", "blue")
    assert "logged in" not in str(found["changes"])


def test_what_is_wrong_is_told_with_where_and_since_when(engine: Engine, client: Client) -> None:
    fill(engine, 2, trouble=True)
    found = asked(engine, client, "overview")
    assert codes(found) == [
        ("host_status", "h2-0"),
        ("host_status", "h2-1"),
        ("link_down", "h2-1"),
        ("link_down", "h2-0"),
        ("drift", "h2-1"),
        ("drift", "h2-0"),
    ]
    assert found["problem_counts"] == {"error": 4, "warning": 2}
    texts = {one["code"]: one["text"] for one in found["problems"]}
    assert texts["host_status"] == "Host is non responsive."
    assert texts["link_down"] == "eth1 is down, and networks are on it."
    assert texts["drift"] == "Out of sync. one, and 1 more"
    assert all(one["since"] for one in found["problems"] if one["code"] != "host_status")
    assert found["hosts"] == {"non_responsive": 2}
    assert found["clusters"][0]["out_of_sync"] == 2
    few = asked(engine, client, "overview", max=1)
    assert len(few["problems"]) == 3
    assert few["problem_counts"] == found["problem_counts"]


def test_required_networks_and_uncommitted_hosts_are_told(engine: Engine, client: Client) -> None:
    network, cluster = client.add_network("blue", 100)
    fill(engine, 1)
    body = f"<network id='{network}'><required>true</required></network>"
    client.put_xml(f"/clusters/{cluster}/networks/{network}", body)
    engine.db.run(lambda tx: tx.execute(sa.update(hosts).values(dirty=True)))
    found = {one["code"]: one for one in asked(engine, client, "overview")["problems"]}
    assert found["network_missing"]["about"] == {"kind": "network", "id": network, "name": "blue"}
    assert found["network_missing"]["text"] == "Required in cluster Default; 1 host does not have it."
    assert found["uncommitted"]["severity"] == "warning"


def test_a_rollout_under_way_and_a_halted_one(engine: Engine, client: Client, tmp_path: Path) -> None:
    with running_fleet(engine.db, tmp_path, 2) as fleet:
        network, cluster = client.add_network("blue", 100)
        for number in (1, 2):
            fleet.attach("blue", "eth1", number=number)
        client.put(f"/clusters/{cluster}", json={"rollout_soak": 3600}, headers=JSON)
        client.put(f"/networks/{network}", json={"vlan": {"id": 200}}, headers=JSON)
        (rollout,) = asked(engine, client, "overview")["rollouts"]
        reason = "network blue has changed (vlan 100 became 200)"
        assert (rollout["status"], rollout["reason"]) == ("running", reason)
        client.post(f"{engine.url}/netweft/v1/rollouts/{rollout['id']}/halt", json={}, headers=JSON)
        found = asked(engine, client, "overview")
        assert codes(found)[0] == ("rollout_halted", str(rollout["number"]))
        assert found["problems"][0]["about"]["id"] == rollout["id"]


def test_what_both_cost_does_not_grow_with_the_fleet(engine: Engine, client: Client) -> None:
    costs = []
    asked(engine, client, "overview")  # what only a first request asks for is no part of it
    for count in (1, 20):
        fill(engine, count, trouble=True)
        with statements_seen() as seen:
            asked(engine, client, "overview")
            asked(engine, client, "find", q="h")
        costs.append(len(seen))
    assert costs[0] == costs[1] < 45


def test_who_may_see_a_part_gets_that(engine: Engine) -> None:
    fill(engine, 1, trouble=True)
    engine.add_user("nobody@internal")
    host = engine.db.run(lambda tx: str(tx.scalars(sa.select(hosts.c.id)).one()))
    engine.add_user("keeper@internal", "HostAdmin", ObjectRef(ObjectType.HOST, host))
    with engine.client("nobody@internal", Filter="true") as poor:
        found = asked(engine, poor, "overview")
        assert (found["problems"], found["hosts"], found["clusters"], found["mac_pools"]) == ([], {}, [], [])
        assert found["changes"] == []
        assert [one["kind"] for one in asked(engine, poor, "find", q="h1-0")] == []
        assert [one["kind"] for one in asked(engine, poor, "find", q="56:6f")] == []
    with engine.client("keeper@internal", Filter="true") as keeper:
        found = asked(engine, keeper, "overview")
        assert found["hosts"] == {"non_responsive": 1}
        assert {one["about"]["name"] for one in found["problems"]} == {"h1-0"}
        assert [one["kind"] for one in asked(engine, keeper, "find", q="h1-0")] == ["host"]
    with engine.client("nobody@internal") as poor:
        asked(engine, poor, "overview", 403)
        asked(engine, poor, "find", 403, q="h")


def test_things_are_found_by_name_address_mac_and_vlan(engine: Engine, client: Client) -> None:
    fill(engine, 2)
    client.add_network("storage", 100)
    client.add_network("storage-2", 4000)
    client.add_network("cold_storage", 4001)

    def found(text: str, **more: Any) -> list[tuple[str, str]]:
        return [(one["kind"], one["name"]) for one in asked(engine, client, "find", q=text, **more)]

    networks_found = [name for kind, name in found("STORAGE") if kind == "network"]
    assert networks_found == ["storage", "storage-2", "cold_storage"]
    assert ("network", "storage") in found("100")
    assert found("4000") == [("network", "storage-2")]
    assert found("56-6F-00-00-02-01") == [("vnic", "nic-56:6f:00:00:02:01")]
    (vnic,) = asked(engine, client, "find", q="56:6f:00:00:02:01")
    assert vnic["parent"] is not None
    assert vnic["context"] == "56:6f:00:00:02:01 of vm-h2-1"
    assert ("cluster", "Default") in found("default")
    assert ("mac_pool", "Default") in found("default")
    assert ("vm", "vm-h2-0") in found("vm-")
    assert len(found("h2", max=1)) == 1
    assert found("cold%storage") == found("   ") == found("") == []
    asked(engine, client, "find", 400, q="x" * 201)


class Scene:
    """A host with a bond, a network on it, and a machine."""

    def __init__(self, engine: Engine, client: Client, fleet: Fleet) -> None:
        self.engine, self.client, self.fleet = engine, client, fleet
        self.network, self.cluster = client.add_network("blue", 100)

    def topology(self) -> Any:
        return asked(self.engine, self.client, f"hosts/{self.fleet.id()}/topology")


@pytest.fixture
def scene(engine: Engine, client: Client, tmp_path: Path) -> Iterator[Scene]:
    with running_fleet(engine.db, tmp_path) as fleet:
        yield Scene(engine, client, fleet)


def test_the_topology_of_a_host(scene: Scene) -> None:
    bond = {"name": "bond0", "bonding": {"slaves": {"host_nic": [{"name": "eth2"}, {"name": "eth3"}]}}}
    attachment = {"network": {"name": "blue"}, "host_nic": {"name": "bond0"}}
    setup = {
        "modified_bonds": {"host_nic": [bond]},
        "modified_network_attachments": {"network_attachment": [attachment]},
    }
    answer = scene.client.post(f"/hosts/{scene.fleet.id()}/setupnetworks", json=setup, headers=JSON)
    assert answer.status_code == 200, answer.text

    def add(tx: Tx) -> None:
        profile = tx.scalars(sa.select(vnic_profiles.c.id).where(vnic_profiles.c.network_id == scene.network)).one()
        vm = rows.add_vm(tx, scene.cluster, "web", "up")
        rows.add_vnic(tx, vm, profile, "56:6f:00:00:00:01")
        tx.execute(sa.update(vms).where(vms.c.id == vm).values(host_id=scene.fleet.id()))

    scene.engine.db.run(add)
    found = scene.topology()
    assert found["lldp"]
    (guest,) = found["guests"]
    assert (guest["name"], guest["vnics"][0]["network"], guest["vnics"][0]["nic"]) == ("web", scene.network, None)
    blue = next(one for one in found["networks"] if one["name"] == "blue")
    assert (blue["vlan"], blue["uplink"], blue["bridge"], blue["present"]) == (100, "bond0", "blue", True)
    assert [(one["name"], one["up"]) for one in found["bonds"]] == [("bond0", True)]
    nics = {one["name"]: one for one in found["nics"]}
    assert nics.keys() == {"eth0", "eth1", "eth2", "eth3"}
    assert (nics["eth2"]["bond"], nics["eth1"]["bond"], nics["eth2"]["speed"]) == ("bond0", None, 25000)
    assert nics["eth3"]["ports"] == [{"device": "sw-1b", "port": "Gi1/0/2", "text": "port Gi1/0/2 of sw-1b"}]


def test_the_topology_shows_guests_that_may_be_seen_and_costs_the_same(engine: Engine, client: Client) -> None:
    fill(engine, 1)
    host, cluster = engine.db.run(lambda tx: tx.execute(sa.select(hosts.c.id, hosts.c.cluster_id)).one())

    def add(tx: Tx, count: int) -> None:
        profile = tx.scalars(sa.select(vnic_profiles.c.id)).first()
        for number in range(count):
            vm = rows.add_vm(tx, cluster, f"{count}-{number}", "up")
            rows.add_vnic(tx, vm, profile, f"56:6f:00:01:{count:02x}:{number:02x}")
            tx.execute(sa.update(vms).where(vms.c.id == vm).values(host_id=host))

    costs = []
    asked(engine, client, f"hosts/{host}/topology")
    for count in (1, 20):
        engine.db.run(add, count)
        with statements_seen() as seen:
            found = asked(engine, client, f"hosts/{host}/topology")
        costs.append(len(seen))
    assert len(found["guests"]) == 21
    assert costs[0] == costs[1]
    assert (found["lldp"], found["nics"], [one["present"] for one in found["networks"]]) == (False, [], [False])
    engine.add_user("keeper@internal", "HostAdmin", ObjectRef(ObjectType.HOST, host))
    with engine.client("keeper@internal", Filter="true") as keeper:
        found = asked(engine, keeper, f"hosts/{host}/topology")
        assert found["guests"] == []
        assert found["networks"]
