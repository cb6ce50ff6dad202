"""What hosts, clusters and data centres refuse, beside what the tests of these nouns show: rule -> request -> words.

Of the rules on clusters, ``switch_type_is_known`` cannot be triggered: the API takes no other value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

import rows
from api.served import Client, Engine
from fleet import Fleet, running_fleet
from netloom.engine.db import utc_now
from netloom.engine.model.vms import vms

DEFAULT = "<data_center><name>Default</name></data_center>"


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path, client: Client) -> Iterator[Fleet]:
    """Two simulated hosts in cluster Default, of which the first carries network red; cluster racks is empty."""
    with running_fleet(engine.db, tmp_path, 2) as fleet:
        red = client.post_xml("/networks", f"<network><name>red</name><vlan id='10'/>{DEFAULT}</network>").get("id")
        cluster = client.first_id("/clusters")
        client.post_xml(f"/clusters/{cluster}/networks", f"<network id='{red}'><required>false</required></network>")
        client.post_xml("/clusters", f"<cluster><name>racks</name>{DEFAULT}</cluster>")
        fleet.attach("red", "eth1")
        yield fleet


def refused(client: Client, method: str, path: str, body: str, words: str) -> None:
    answer = client.request(method, path, content=body.encode() or None)
    assert (answer.status_code, words in answer.text) == (409, True), answer.text


def run_vm(engine: Engine, client: Client, host_id: str) -> None:
    """A virtual machine that runs on a host."""
    with engine.db.write() as tx:
        vm_id = rows.add_vm(tx, client.first_id("/clusters", search="name=Default"), "web", "up")
        tx.execute(sa.update(vms).where(vms.c.id == vm_id).values(host_id=host_id, changed_at=utc_now()))


def new_host(name: str = "new", address: str = "192.0.2.9", more: str = "") -> str:
    return f"<host><name>{name}</name><address>{address}</address>{more}<cluster><name>Default</name></cluster></host>"


def test_what_hosts_refuse_when_they_are_added_and_changed(fleet: Fleet, client: Client) -> None:
    path = f"/hosts/{fleet.id()}"
    taken = str(client.xml(path).findtext("address"))
    for body, words in (
        (new_host("two words"), "The Host name 'two words' is not valid"),
        (new_host("sim-1"), "'sim-1' is already in use, please choose a unique name"),
        (new_host(address="no address"), "is not valid: give a name or an IP address"),
        (new_host(address=taken), "Host with the same address already exists"),
        (new_host(more="<comment>&#x85;</comment>"), "contains a control character"),
        (new_host(more=f"<description>{'x' * 4001}</description>"), "has 4001 characters"),
    ):
        refused(client, "POST", "/hosts", body, words)
    for body, words in (
        ("<name>sim-2</name>", "'sim-2' is already in use"),
        ("<address>a b</address>", "is not valid: give a name or an IP address"),
        ("<cluster><name>racks</name></cluster>", "Switch it to maintenance mode before you change its cluster"),
    ):
        refused(client, "PUT", path, f"<host>{body}</host>", words)
    client.action(f"{path}/deactivate")
    move = "<host><cluster><name>racks</name></cluster></host>"
    refused(client, "PUT", path, move, "carries networks that Cluster racks does not have: red")


def test_what_hosts_refuse_in_and_out_of_service(fleet: Fleet, client: Client, engine: Engine) -> None:
    path = f"/hosts/{fleet.id()}"
    refused(client, "DELETE", path, "", "Please switch it to maintenance mode first")
    run_vm(engine, client, fleet.id())
    refused(
        client, "POST", f"{path}/deactivate", "<action/>", "Virtual Machines run on the Host and cannot be moved: web"
    )
    fleet.set_status("maintenance")
    refused(client, "DELETE", path, "", "There are running Virtual Machines on the Host: web")
    fleet.set_status("preparing_for_maintenance")
    for action in ("activate", "deactivate"):
        refused(client, "POST", f"{path}/{action}", "<action/>", "The Host status is preparing_for_maintenance")
    for action in ("refresh", "commitnetconfig", "syncallnetworks"):
        refused(client, "POST", f"{path}/{action}", "<action/>", "Host status is preparing_for_maintenance")


def test_what_a_copy_of_networks_refuses(fleet: Fleet, client: Client, engine: Engine) -> None:
    path = f"/hosts/{fleet.id(2)}/copyhostnetworks"
    copy = "<action><source_host id='{}'/></action>".format
    refused(client, "POST", path, copy(fleet.id(2)), "cannot be copied from the Host itself")
    racks = client.first_id("/clusters", search="name=racks")
    with engine.db.write() as tx:
        stranger = rows.add_host(tx, racks, "stranger")
    refused(client, "POST", path, copy(stranger), "Host stranger is in another Cluster")
    host = fleet.host(2)
    fleet.simulate(2, host=replace(host, nics={name: nic for name, nic in host.nics.items() if name != "eth3"}))
    client.action(f"/hosts/{fleet.id(2)}/refresh")
    refused(client, "POST", path, copy(fleet.id(1)), "has 3 NICs besides that of the management network")


def test_what_networks_refuse_while_hosts_carry_them(fleet: Fleet, client: Client) -> None:
    red = client.first_id("/networks", search="name=red")
    assert fleet.carried()["red"] == "eth1"
    refused(client, "PUT", f"/networks/{red}", "<network><name>rot</name></network>", "hosts carry it: sim-1")


def test_what_clusters_and_data_centres_refuse(fleet: Fleet, client: Client, engine: Engine) -> None:
    run_vm(engine, client, fleet.id())
    default = client.first_id("/clusters", search="name=Default")
    ovs = "<cluster><switch_type>ovs</switch_type></cluster>"
    refused(client, "PUT", f"/clusters/{default}", ovs, "cannot change while VMs run in the cluster: web")

    old = "<version><major>4</major><minor>4</minor></version>"
    north = client.post_xml("/datacenters", f"<data_center><name>north</name>{old}</data_center>").get("id")
    in_north = "<data_center><name>north</name></data_center>"
    apart = f"<network><name>apart</name><port_isolation>true</port_isolation>{in_north}</network>"
    isolated = client.post_xml("/networks", apart).get("id")
    cluster = client.post_xml("/clusters", f"<cluster><name>low</name>{old}{in_north}</cluster>").get("id")
    attach = f"<network id='{isolated}'/>"
    refused(client, "POST", f"/clusters/{cluster}/networks", attach, "need compatibility version 4.5 or above: apart")
    newer = "<data_center><version><major>4</major><minor>7</minor></version></data_center>"
    refused(client, "PUT", f"/datacenters/{north}", newer, "is above that of these clusters: low")

    assert client.delete(f"/clusters/{cluster}").status_code == 200
    management = client.first_id("/networks", search="name=ovirtmgmt and datacenter=north")
    assert client.delete(f"/networks/{management}").status_code == 200
    client.post_xml("/networks", f"<network><name>third</name>{in_north}</network>")
    lone = f"<cluster><name>lone</name>{in_north}</cluster>"
    refused(client, "POST", "/clusters", lone, "No single network of the data centre suits as management network")
