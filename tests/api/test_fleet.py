"""The whole fleet in one answer, through HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

import rows
from api.served import Client, Engine
from fleet import running_fleet
from netweft.core.fleet.nouns import BY_NAME
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.providers import insert_provider
from netweft.engine.db import Database, Tx, new_id
from netweft.engine.model.clusters import clusters
from netweft.engine.model.networks import networks
from netweft.engine.model.providers import ProviderRow
from statements_seen import statements_seen

HOME = "<data_center><name>Default</name></data_center>"
PASSWORD = "the password of the provider"


def things(engine: Engine, client: Client, path: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"{engine.url}/netweft/v1/fleet{path}")
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def names(found: list[dict[str, Any]], noun: str) -> list[str]:
    return ["/".join(one["names"]) for one in found if one["noun"] == noun]


def fill(db: Database, count: int) -> None:
    """Give a fleet something of each noun that hosts have, on so many hosts more."""

    def add(tx: Tx) -> None:
        cluster = tx.scalars(sa.select(clusters.c.id)).one()
        network = tx.scalars(sa.select(networks.c.id)).first()
        for number in range(count):
            host = rows.add_host(tx, cluster, f"h{count}-{number}")
            rows.attach(tx, host, str(network), {"version": 4, "method": "dhcp"})

    db.run(add)


def test_everything_has_all_its_fields_and_no_secrets(engine: Engine, client: Client) -> None:
    fill(engine.db, 1)
    network = client.post_xml("/networks", f"<network><name>tenants</name>{HOME}</network>")
    body = {"name": "web", "cidr": "192.0.2.0/24"}
    client.request("POST", f"{engine.url}/netweft/v1/networks/{network.get('id')}/subnets", json=body)
    _add_provider(engine, str(network.get("id")))
    center = client.first_id("/datacenters")
    client.post_xml(f"/datacenters/{center}/qoss", "<qos><name>gold</name><type>network</type></qos>")
    found = things(engine, client)
    for one in found:
        fields = {field.name for field in BY_NAME[one["noun"]].fields if not field.is_secret}
        assert one["values"].keys() == fields, one
        assert one["id"]
    seen = {one["noun"] for one in found}
    assert BY_NAME.keys() - seen == {"host bond", "host label"}
    (network,) = (one for one in found if one["names"] == ["Default", "tenants"])
    assert network["values"]["provider"] == "neutron"
    assert PASSWORD not in str(found)


def _add_provider(engine: Engine, network_id: str) -> None:
    """A provider that has a network; nobody asks whether it is there."""
    row = ProviderRow(id=new_id(), name="neutron", type="neutron", url="http://127.0.0.1:1", password=PASSWORD)
    engine.db.run(insert_provider, SYSTEM, row)
    change = sa.update(networks).where(networks.c.id == network_id).values(provider_id=row.id)
    engine.db.run(lambda tx: tx.execute(change))


def test_what_it_costs_does_not_grow_with_the_fleet(engine: Engine, client: Client) -> None:
    costs = []
    things(engine, client)  # what only a first request asks for is no part of it
    for count in (1, 20):
        fill(engine.db, count)
        with statements_seen() as seen:
            things(engine, client)
            things(engine, client, "/nics")
        costs.append(len(seen))
    assert costs[0] == costs[1] < 25


def test_who_may_see_a_part_gets_that(engine: Engine, client: Client) -> None:
    """Everyone sees the networks whose profiles are public; a role on a cluster shows what is in it."""
    fill(engine.db, 1)
    client.post_xml("/networks", f"<network><name>hidden</name><usages/>{HOME}</network>")
    client.post_xml("/networks", f"<network><name>public</name>{HOME}</network>")
    cluster = client.first_id("/clusters")
    engine.add_user("nobody@internal")
    engine.add_user("host@internal", "HostAdmin", ObjectRef(ObjectType.CLUSTER, cluster))
    assert sorted(names(things(engine, client), "network")) == ["Default/hidden", "Default/ovirtmgmt", "Default/public"]
    with engine.client("nobody@internal", Filter="true") as poor:
        found = things(engine, poor)
        assert sorted(names(found, "network")) == ["Default/ovirtmgmt", "Default/public"]
        assert names(found, "host") == names(found, "host attachment") == names(found, "macpool") == []
        assert things(engine, poor, "/nics") == []
    with engine.client("host@internal", Filter="true") as keeper:
        found = things(engine, keeper)
        assert names(found, "host") == ["h1-0"]
        assert names(found, "host attachment") == ["h1-0/ovirtmgmt"]
        (seen,) = (one for one in found if one["noun"] == "cluster")
        assert "mac_pool" not in seen["values"], "its name may not be seen"
    with engine.client("nobody@internal") as poor:
        assert poor.get(f"{engine.url}/netweft/v1/fleet").status_code == 403


def test_nics_are_told_with_what_they_are(db: Database, tmp_path: Path, engine: Engine, client: Client) -> None:
    with running_fleet(db, tmp_path, 1):
        found = things(engine, client, "/nics")
    assert {"eth0", "eth1", "eth2", "eth3"} <= {one["name"] for one in found}
    (nic,) = (one for one in found if one["name"] == "eth1")
    assert nic == {
        "host": "sim-1",
        "name": "eth1",
        "pci_address": "0000:02:00.0",
        "permanent_mac": "02:00:00:00:01:01",
        "driver": "simulated",
        "speed": 25000,
    }
