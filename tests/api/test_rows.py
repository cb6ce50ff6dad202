"""Lists of many things with what is told beside each: as many queries for many as for few, and nothing that one may not
see.
"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from api.served import Client, Engine
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.db import Tx
from netweft.engine.model.clusters import clusters
from netweft.engine.model.mac_pools import mac_pools
from netweft.engine.model.vnic_profiles import vnic_profiles
from rows import add_vm, add_vnic
from statements_seen import statements_seen

pytestmark = pytest.mark.both_databases

ROWS = ("vnics", "profiles", "qoss", "macpools", "permissions")


def rows(engine: Engine, client: Client, what: str, **query: str) -> list[dict[str, Any]]:
    answer = client.get(f"{engine.url}/netweft/v1/rows/{what}", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def add_machines(engine: Engine, *names: str, mac: str = "56:6f:00:00:00:01") -> list[str]:
    """Virtual machines, each with a vNIC that has the address."""

    def add(tx: Tx) -> list[str]:
        cluster_id = tx.execute(select(clusters.c.id)).scalars().one()
        profile_id = tx.execute(select(vnic_profiles.c.id)).scalars().first()
        added = [add_vm(tx, cluster_id, name) for name in names]
        for vm_id in added:
            add_vnic(tx, vm_id, profile_id, mac)
        return added

    return engine.db.run(add)


def test_vnics_say_whose_they_are_and_what_they_are_on(engine: Engine, client: Client) -> None:
    first, _ = add_machines(engine, "web", "db")
    found = rows(engine, client, "vnics")
    assert [(one["vm"]["name"], one["same_mac"]) for one in found] == [
        ("db", ["web/nic-56:6f:00:00:00:01"]),
        ("web", ["db/nic-56:6f:00:00:00:01"]),
    ]
    web = found[1]
    assert (web["network"]["name"], web["profile"]["name"], web["cluster"]["name"]) == (
        "ovirtmgmt",
        "ovirtmgmt",
        "Default",
    )
    assert (web["host"], web["vm_status"], web["plugged"], web["addresses"]) == (None, "down", True, [])
    assert client.get(f"{engine.url}{web['href']}").status_code == 200
    assert rows(engine, client, "vnics", search=f"vm.id={first}") == [web]
    assert rows(engine, client, "vnics", search='vm="*we*" or mac="*we*" sortby mac desc', max="1") == [web]
    assert rows(engine, client, "vnics", search="page 2", max="1") == [web]
    assert rows(engine, client, "vnics", search="address=192.0.2.*") == []
    refused = client.get(f"{engine.url}/netweft/v1/rows/vnics", params={"search": "color=blue"})
    assert refused.status_code == 400


def test_vnics_have_the_addresses_of_their_subnets(engine: Engine, client: Client) -> None:
    network = client.first_id("networks")
    subnet = {"name": "web", "cidr": "192.0.2.0/24"}
    assert client.post(f"{engine.url}/netweft/v1/networks/{network}/subnets", json=subnet).status_code == 201
    vm = client.post_xml("vms", "<vm><name>web</name><cluster><name>Default</name></cluster></vm>").get("id")
    profile = client.first_id("vnicprofiles")
    client.post_xml(f"vms/{vm}/nics", f'<nic><name>nic1</name><vnic_profile id="{profile}"/></nic>')
    client.post_xml(f"vms/{vm}/nics", "<nic><name>nic2</name></nic>")
    found = {one["name"]: one for one in rows(engine, client, "vnics")}
    assert len(found["nic1"]["addresses"]) == 1
    assert (found["nic2"]["network"], found["nic2"]["profile"]) == (None, None)
    assert [one["name"] for one in rows(engine, client, "vnics", search="address=192.0.2.*")] == ["nic1"]


def test_profiles_and_qos_say_who_uses_them(engine: Engine, client: Client) -> None:
    center = client.first_id("datacenters")
    limits = (
        "<outbound_average>10</outbound_average><outbound_peak>20</outbound_peak><outbound_burst>1</outbound_burst>"
    )
    gold = client.post_xml(f"datacenters/{center}/qoss", f"<qos><name>gold</name><type>network</type>{limits}</qos>")
    wire = "<outbound_average_linkshare>50</outbound_average_linkshare>"
    client.post_xml(f"datacenters/{center}/qoss", f"<qos><name>wire</name><type>hostnetwork</type>{wire}</qos>")
    profile = client.first_id("vnicprofiles")
    client.put_xml(f"vnicprofiles/{profile}", f'<vnic_profile><qos id="{gold.get("id")}"/></vnic_profile>')
    add_machines(engine, "web", "db")
    (shown,) = rows(engine, client, "profiles")
    assert (shown["name"], shown["network"]["name"], shown["qos"]["name"]) == ("ovirtmgmt", "ovirtmgmt", "gold")
    assert (shown["vms"], shown["templates"], shown["default"], shown["passthrough"]) == (2, 0, True, False)
    assert shown["network_filter"]["name"] == "vdsm-no-mac-spoofing"
    assert rows(engine, client, "profiles", search=f"qos.id={gold.get('id')} and network=ovirt*") == [shown]
    qoss = {one["name"]: one for one in rows(engine, client, "qoss")}
    assert qoss["gold"]["limits"] == {"outbound_average": 10, "outbound_peak": 20, "outbound_burst": 1}
    assert (qoss["gold"]["profiles"], qoss["gold"]["networks"]) == (1, 0)
    assert (qoss["wire"]["type"], qoss["wire"]["limits"]) == ("hostnetwork", {"outbound_average_linkshare": 50})
    assert client.get(f"{engine.url}{qoss['wire']['href']}").status_code == 200


def test_mac_pools_say_how_full_they_are(engine: Engine, client: Client) -> None:
    ranges = "<ranges><range><from>02:00:00:00:00:00</from><to>02:00:00:00:00:09</to></range></ranges>"
    client.post_xml("macpools", f"<mac_pool><name>lab</name>{ranges}</mac_pool>")
    vm = client.post_xml("vms", "<vm><name>web</name><cluster><name>Default</name></cluster></vm>").get("id")
    client.post_xml(f"vms/{vm}/nics", "<nic><name>nic1</name></nic>")
    client.post_xml(f"vms/{vm}/nics", "<nic><name>nic2</name><mac><address>02:00:00:00:99:00</address></mac></nic>")
    pools = {one["name"]: one for one in rows(engine, client, "macpools")}
    assert (pools["lab"]["size"], pools["lab"]["used"], pools["lab"]["clusters"]) == (10, 0, [])
    assert pools["lab"]["ranges"] == [{"first": "02:00:00:00:00:00", "last": "02:00:00:00:00:09"}]
    default = next(one for one in pools.values() if one["default"])
    assert default["used"] == 1, "what is of none of its ranges does not fill it"
    assert [one["name"] for one in default["clusters"]] == ["Default"]


def test_permissions_say_who_has_which_role_on_what(engine: Engine, client: Client) -> None:
    pool = client.first_id("macpools")
    ann = engine.add_user("ann@internal", "MacPoolAdmin", ObjectRef(ObjectType.MAC_POOL, pool))
    (given,) = rows(engine, client, "permissions", search=f"user.id={ann}")
    with engine.db.read() as tx:
        name = tx.execute(select(mac_pools.c.name)).scalar_one()
    assert (given["user"]["name"], given["role"]["name"], given["type"]) == ("ann@internal", "MacPoolAdmin", "mac_pool")
    assert given["object"] == {"id": pool, "name": name}
    everyone = [one for one in rows(engine, client, "permissions") if one["everyone"]]
    assert all(one["user"]["name"] for one in everyone)
    system = rows(engine, client, "permissions", search="type=system and user=admin*")
    assert [one["object"]["name"] for one in system] == [""]
    for one in (given, *system):
        assert client.get(f"{engine.url}{one['href']}").status_code == 200, one
    with engine.client("ann@internal", Filter="true") as own:
        assert {one["user"]["name"] for one in rows(engine, own, "permissions") if not one["everyone"]} == {
            "ann@internal"
        }
    assert client.delete(f"{engine.url}{given['href']}").status_code == 200
    assert rows(engine, client, "permissions", search=f"user.id={ann}") == []


def test_rows_are_of_what_one_may_see(engine: Engine) -> None:
    web, _ = add_machines(engine, "web", "db")
    engine.add_user("ann@internal", "UserVmManager", ObjectRef(ObjectType.VM, web))
    with engine.client("ann@internal", Filter="true") as own:
        (shown,) = rows(engine, own, "vnics")
        assert (shown["vm"]["name"], shown["same_mac"]) == ("web", [])
        assert rows(engine, own, "macpools") == []
        everybodys = [one["name"] for one in rows(engine, own, "profiles")]
        assert everybodys == [one.findtext("name") for one in own.xml("vnicprofiles")]


@pytest.mark.parametrize("what", ROWS)
def test_many_cost_as_many_queries_as_few(engine: Engine, client: Client, what: str) -> None:
    counts = []
    add_machines(engine, "first")
    rows(engine, client, what)
    for number in range(3):
        with statements_seen() as seen:
            rows(engine, client, what)
        counts.append(len(seen))
        add_machines(engine, *(f"vm{number}{copy}" for copy in range(3)))
        client.add_network(f"n{number}", 100 + number)
        ranges = (
            f"<ranges><range><from>02:00:0{number}:00:00:00</from><to>02:00:0{number}:00:00:09</to></range></ranges>"
        )
        client.post_xml("macpools", f"<mac_pool><name>lab{number}</name>{ranges}</mac_pool>")
        qos = f"<qos><name>q{number}</name><type>network</type></qos>"
        client.post_xml(f"datacenters/{client.first_id('datacenters')}/qoss", qos)
        engine.add_user(f"user{number}@internal", "NetworkAdmin")
    assert len(set(counts)) == 1, counts
