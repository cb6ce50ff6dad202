"""Networks and clusters with their numbers, what uses a network, and the matrix of both, through HTTP."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import rows
from api.served import Client, Engine
from fleet import running_fleet
from netweft.core.host_request import AttachmentChange, Ref, SetupRequest
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.db import Database, Tx
from netweft.engine.model.networks import networks
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from statements_seen import statements_seen

pytestmark = pytest.mark.both_databases


def read(engine: Engine, client: Client, path: str, **query: str) -> Any:
    answer = client.get(f"{engine.url}/netweft/v1/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def fill(db: Database, cluster: str, count: int) -> None:
    """Give the cluster hosts that carry every network, and a VM with a vNIC on every profile."""

    def add(tx: Tx) -> None:
        carried = list(tx.scalars(sa.select(networks.c.id)))
        profiles = list(tx.scalars(sa.select(vnic_profiles.c.id)))
        for number in range(count):
            host = rows.add_host(tx, cluster, f"h{count}-{number}")
            for network in carried:
                rows.attach(tx, host, network)
            vm = rows.add_vm(tx, cluster, f"vm{count}-{number}")
            for place, profile in enumerate(profiles):
                rows.add_vnic(tx, vm, profile, f"56:6f:00:{count:02x}:{number:02x}:{place:02x}")

    db.run(add)


def test_networks_with_their_numbers(engine: Engine, client: Client) -> None:
    blue, cluster = client.add_network("blue", 100)
    role = "<network><usages><usage>migration</usage></usages></network>"
    client.put_xml(f"/clusters/{cluster}/networks/{blue}", role)
    fill(engine.db, cluster, 2)
    found = {one["name"]: one for one in read(engine, client, "rows/networks")}
    assert {key: found["blue"][key] for key in ("clusters", "hosts", "vms", "vnics", "profiles")} == {
        "clusters": 1, "hosts": 2, "vms": 2, "vnics": 2, "profiles": 1,
    }  # fmt: skip
    assert (found["blue"]["vlan"], found["blue"]["roles"], found["blue"]["provider"]) == (100, ["migration"], None)
    assert found["ovirtmgmt"]["roles"] == ["management", "display", "default_route"]
    client.add_network("red", 101)
    for search, names in {"hosts=0": ["red"], "vnics>0 and vlanid=100": ["blue"]}.items():
        assert [one["name"] for one in read(engine, client, "rows/networks", search=search)] == names
    last = read(engine, client, "rows/networks", search="sortby hosts asc page 1", max="1")
    assert [one["name"] for one in last] == ["red"]


def test_clusters_with_their_numbers(engine: Engine, client: Client) -> None:
    _, cluster = client.add_network("blue", 100)
    fill(engine.db, cluster, 3)
    (one,) = read(engine, client, "rows/clusters")
    assert {key: one[key] for key in ("name", "hosts", "hosts_up", "hosts_out_of_sync", "networks", "vms")} == {
        "name": "Default", "hosts": 3, "hosts_up": 3, "hosts_out_of_sync": 0, "networks": 2, "vms": 3,
    }  # fmt: skip
    assert (one["switch_type"], one["mac_pool"]["name"], one["drift_healing"]) == ("legacy", "Default", "off")
    assert read(engine, client, "rows/clusters", search="switch=ovs") == []
    assert len(read(engine, client, "rows/clusters", search="hosts=3 and name=Def* sortby vms desc")) == 1


def test_hosts_with_their_numbers(engine: Engine, client: Client, tmp_path: Path) -> None:
    blue, cluster = client.add_network("blue", 100)
    client.put_xml(f"/clusters/{cluster}/networks/{blue}", "<network><required>true</required></network>")
    with running_fleet(engine.db, tmp_path, 2) as fleet:
        blue_on_eth1 = AttachmentChange(network=Ref(id=blue), nic=Ref(name="eth1"))
        fleet.done(fleet.setup(SetupRequest(attachments=(blue_on_eth1,))))
        vm = engine.db.run(rows.add_vm, cluster, "vm1")
        with engine.db.write() as tx:
            tx.execute(sa.update(vms).where(vms.c.id == vm).values(host_id=fleet.id()))
        first, second = read(engine, client, "rows/hosts", search="sortby name")
        assert (first["name"], first["status"], first["cluster"]["name"]) == ("sim-1", "up", "Default")
        numbers = ("networks", "missing", "uplinks", "uplinks_down", "bonds", "vms")
        assert {name: first[name] for name in numbers} == dict(zip(numbers, (2, 0, 2, 0, 0, 1), strict=True))
        assert (first["synced"], first["committed"], first["changing"]) == (True, False, False)
        assert first["seen"]
        assert first["agent_version"]
        assert (second["networks"], second["missing"], second["committed"]) == (1, 1, True)
        for search, names in {
            "missing>0": ["sim-2"], "committed=false": ["sim-1"], "synced=true and vms=1": ["sim-1"],
            "sortby networks desc": ["sim-1", "sim-2"], "uplinks_down>0": [], "cluster=other": [],
        }.items():  # fmt: skip
            assert [one["name"] for one in read(engine, client, "rows/hosts", search=search)] == names, search


def test_what_uses_a_network_is_named(engine: Engine, client: Client) -> None:
    blue, cluster = client.add_network("blue", 100)
    fill(engine.db, cluster, 1)
    users = read(engine, client, f"networks/{blue}/usage")
    assert [(one["kind"], one["name"]) for one in users] == [
        ("cluster", "Default"), ("host", "h1-0"), ("vm", "vm1-0"), ("vnic_profile", "blue"),
    ]  # fmt: skip
    (vm,) = read(engine, client, f"networks/{blue}/usage", search="kind=vm")
    assert vm["name"] == "vm1-0"
    assert client.get(f"{engine.url}/netweft/v1/networks/none/usage").status_code == 404


def test_where_a_network_is_out_of_sync(engine: Engine, client: Client, tmp_path: Path) -> None:
    blue, cluster = client.add_network("blue", 100)
    client.add_network("red", 101)
    with running_fleet(engine.db, tmp_path, 3) as fleet:
        for number in (1, 2):
            fleet.attach("blue", "eth1", number=number)
        host = fleet.host()
        fleet.simulate(host=host.with_link(replace(host.bridges["blue"], mtu=1400)))
        fleet.monitor.round(fleet.db)
        found = {one["name"]: one for one in read(engine, client, "rows/networks")}
        assert [(found[name]["hosts"], found[name]["hosts_out_of_sync"]) for name in ("blue", "ovirtmgmt", "red")] == [
            (2, 1), (3, 0), (0, 0),
        ]  # fmt: skip
        hosts = read(engine, client, f"networks/{blue}/hosts")
        assert [(one["host"]["name"], one["nic"], one["in_sync"]) for one in hosts] == [
            ("sim-1", "eth1", False), ("sim-2", "eth1", True), ("sim-3", None, None),
        ]  # fmt: skip
        assert hosts[0]["differences"] == [{"name": "mtu", "expected": "1500", "actual": "1400"}]
        assert len(read(engine, client, f"networks/{blue}/hosts", search="nic=eth1 and status=up")) == 2
        matrix = read(engine, client, "matrix")
        cells = {(one["network"], one["cluster"]): one for one in matrix["cells"]}
        assert cells[blue, cluster] == {
            "network": blue, "cluster": cluster, "required": False, "status": "operational", "roles": [],
            "hosts": 2, "missing": 0, "out_of_sync": 1,
        }  # fmt: skip
        client.put_xml(f"/clusters/{cluster}/networks/{blue}", "<network><required>true</required></network>")
        (cell,) = read(engine, client, "matrix", networks="blue")["cells"]
        assert (cell["required"], cell["missing"], cell["status"]) == (True, 1, "non_operational")
        (one,) = read(engine, client, "rows/clusters")
        assert (one["hosts"], one["hosts_out_of_sync"]) == (3, 1)


def test_a_window_of_the_matrix(engine: Engine, client: Client) -> None:
    for name, vlan in (("blue", 100), ("green", 101), ("red", 102)):
        client.add_network(name, vlan)
    place = "<data_center><name>Default</name></data_center>"
    for number in range(4):
        client.post_xml("/clusters", f"<cluster><name>racks-{number}</name>{place}</cluster>")
    whole = read(engine, client, "matrix", datacenter="Default")
    assert (len(whole["networks"]), len(whole["clusters"])) == (4, 5)
    assert (whole["networks_total"], whole["clusters_total"]) == (4, 5)
    asked = {
        "networks": "name!=red and vlanid>0 sortby vlanid desc",
        "clusters": "name=racks* page 2",
        "max": "2",
        "columns": "3",
    }
    part = read(engine, client, "matrix", **asked)
    assert [one["name"] for one in part["networks"]] == ["green", "blue"]
    assert [one["name"] for one in part["clusters"]] == ["racks-3"]
    assert (part["networks_total"], part["clusters_total"]) == (2, 4)
    assert part["cells"] == []
    assert read(engine, client, "matrix", datacenter="nowhere")["networks"] == []
    assert client.get(f"{engine.url}/netweft/v1/matrix", params={"clusters": "color=blue"}).status_code == 400


def test_what_it_costs_does_not_grow_with_the_fleet(engine: Engine, client: Client) -> None:
    blue, cluster = client.add_network("blue", 100)
    paths = (
        "rows/networks",
        "rows/clusters",
        "rows/hosts",
        "matrix",
        f"networks/{blue}/usage",
        f"networks/{blue}/hosts",
    )
    costs: list[list[int]] = []
    for count in (1, 20):
        fill(engine.db, cluster, count)
        if count > 1:
            client.add_network("red", 101)
        for path in paths:
            read(engine, client, path)  # what only a first request asks for is no part of it
        costs.append([_cost(engine, client, path) for path in paths])
    assert costs[0] == costs[1]
    assert max(costs[0]) < 20


def _cost(engine: Engine, client: Client, path: str) -> int:
    with statements_seen() as seen:
        read(engine, client, path)
    return len(seen)


@pytest.mark.parametrize("path", ["rows/networks", "rows/clusters", "rows/hosts", "matrix"])
def test_who_sees_nothing_is_shown_nothing(engine: Engine, client: Client, path: str) -> None:
    """A role on a cluster shows it, its networks and hosts; what is elsewhere is neither shown nor counted."""
    blue, cluster = client.add_network("blue", 100)
    place = "<data_center><name>Default</name></data_center>"
    other = str(client.post_xml("/clusters", f"<cluster><name>other</name>{place}</cluster>").get("id"))
    fill(engine.db, other, 2)
    client.post_xml(f"/clusters/{other}/networks", f"<network id='{blue}'><required>false</required></network>")
    engine.add_user("nobody@internal")
    engine.add_user("keeper@internal", "HostAdmin", ObjectRef(ObjectType.CLUSTER, cluster))
    with engine.client("nobody@internal") as poor:
        assert poor.get(f"{engine.url}/netweft/v1/{path}").status_code == 403
    with engine.client("keeper@internal", Filter="true") as keeper:
        found = read(engine, keeper, path)
        if path == "rows/clusters":
            assert [one["name"] for one in found] == ["Default"]
        elif path == "rows/hosts":
            assert found == []
        elif path == "matrix":
            assert [one["name"] for one in found["clusters"]] == ["Default"]
            assert {one["cluster"] for one in found["cells"]} <= {cluster}
        else:
            (one,) = (one for one in found if one["name"] == "blue")
            assert (one["clusters"], one["hosts"], one["vms"]) == (1, 0, 0)
