"""vNICs of virtual machines through the API: each rule, what a running guest is told, filters, order, statistics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from api.served import Client, Engine
from fleet import NO_GUESTS, Fleet, running_fleet
from hosts import without_link
from netweft.core.guest_protocol import GuestNic
from netweft.engine.access.objects import ObjectRef, ObjectType

HOME = "<cluster><name>Default</name></cluster>"


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path) -> Iterator[Fleet]:
    """Two simulated hosts in cluster Default; the second carries blue, and nobody carries red."""
    with running_fleet(engine.db, tmp_path, 2) as fleet, engine.client() as client:
        for name, tag in (("blue", 100), ("red", 200)):
            network = f"<name>{name}</name><vlan id='{tag}'/><data_center><name>Default</name></data_center>"
            network_id = client.post_xml("/networks", f"<network>{network}</network>").get("id")
            cluster = client.first_id("/clusters")
            body = f"<network id='{network_id}'><required>false</required></network>"
            client.post_xml(f"/clusters/{cluster}/networks", body)
        fleet.attach("blue", "eth1", number=2)
        yield fleet


def profile(client: Client, name: str) -> str:
    return next(str(one.get("id")) for one in client.xml("/vnicprofiles") if one.findtext("name") == name)


def add_profile(client: Client, name: str, more: str, network: str = "blue") -> str:
    body = f"<vnic_profile><name>{name}</name><network><name>{network}</name></network>{more}</vnic_profile>"
    return str(client.post_xml("/vnicprofiles", body).get("id"))


def add_vm(client: Client, name: str = "one") -> str:
    return str(client.post_xml("/vms", f"<vm><name>{name}</name>{HOME}</vm>").get("id"))


def add_nic(client: Client, vm_id: str, name: str = "nic1", network: str = "blue", more: str = "") -> str:
    body = f"<nic><name>{name}</name><vnic_profile id='{profile(client, network)}'/>{more}</nic>"
    return str(client.post_xml(f"/vms/{vm_id}/nics", body).get("id"))


def start(client: Client, vm_id: str) -> None:
    client.action(f"/vms/{vm_id}/start", "<action><host><name>sim-2</name></host></action>")


def detail(client: Client, method: str, path: str, body: str = "") -> str:
    answer = client.request(method, path, content=body.encode())
    assert answer.status_code == 409, answer.text
    return str(etree.fromstring(answer.content).findtext(".//detail"))


def plugged(fleet: Fleet, number: int = 2) -> list[GuestNic]:
    """The vNICs of the only guest of a host."""
    (guest,) = fleet.agent(number).guests()
    return list(guest.nics)


def test_a_trunk_on_an_untagged_network_of_linux_bridges(fleet: Fleet, client: Client) -> None:
    data_center = client.first_id("/datacenters")
    network = client.post_xml("/networks", f"<network><name>flat</name><data_center id='{data_center}'/></network>")
    body = f"<network id='{network.get('id')}'><required>false</required></network>"
    client.post_xml(f"/clusters/{client.first_id('/clusters')}/networks", body)
    fleet.attach("flat", "eth2", number=2)
    trunk = "<custom_property><name>trunk</name><value>100,200-201</value></custom_property>"
    add_profile(client, "trunk", f"<custom_properties>{trunk}</custom_properties>", "flat")
    vm_id = add_vm(client)
    add_nic(client, vm_id, network="trunk")
    start(client, vm_id)
    (nic,) = plugged(fleet)
    assert (nic.bridge, nic.tag, nic.trunks) == ("flat", None, (100, 200, 201))


def test_rules_of_vnics_while_the_guest_is_down(fleet: Fleet, client: Client) -> None:
    vm_id = add_vm(client)
    nics = f"/vms/{vm_id}/nics"
    nic_id = add_nic(client, vm_id)
    mac = str(client.xml(f"{nics}/{nic_id}").findtext("mac/address"))
    away = "<network><name>away</name><data_center><name>Default</name></data_center></network>"
    client.post_xml("/networks", away)
    passing = add_profile(client, "pass", "<pass_through><mode>enabled</mode></pass_through>")
    trunk = "<custom_property><name>trunk</name><value>100,200-210</value></custom_property>"
    trunked = add_profile(client, "trunk", f"<custom_properties>{trunk}</custom_properties>")
    cases = (
        ("<name>nic1</name>", "already used"),
        ("<name> </name>", "not valid"),
        ("<name>x</name><interface>pci_passthrough</interface>", "needs a vNIC profile for passthrough"),
        ("<name>x</name><vnic_profile id='nothing'/>", "no vNIC profile"),
        (f"<name>x</name><vnic_profile id='{profile(client, 'away')}'/>", "is not attached to Cluster 'Default'"),
        (f"<name>x</name><vnic_profile id='{passing}'/>", "which the interface type 'virtio' does not match"),
        (f"<name>x</name><vnic_profile id='{trunked}'/>", "needs Open vSwitch"),
        (f"<name>x</name><mac><address>{mac}</address></mac>", f"MAC Address {mac} is already in use"),
        ("<name>x</name><mac><address>nothing</address></mac>", "nothing"),
        (f"<name>x</name><description>{'d' * 4001}</description>", "4001 characters"),
    )
    other = add_nic(client, vm_id, "nic2")
    for body, words in cases:
        assert words in detail(client, "POST", nics, f"<nic>{body}</nic>")
        assert words in detail(client, "PUT", f"{nics}/{other}", f"<nic>{body}</nic>")
    for number in range(3, 27):
        client.post_xml(nics, f"<nic><name>nic{number}</name></nic>")
    assert "PCI" in detail(client, "POST", nics, "<nic><name>more</name></nic>")
    assert client.get(f"{nics}/nothing").status_code == 404
    assert client.delete(f"{nics}/{other}").status_code == 200
    assert fleet.agent(2).guests() == []


def test_rules_of_vnics_while_the_guest_runs(fleet: Fleet, client: Client) -> None:
    vm_id = add_vm(client)
    nics = f"/vms/{vm_id}/nics"
    nic_id = add_nic(client, vm_id)
    start(client, vm_id)
    path = f"{nics}/{nic_id}"
    mirroring = add_profile(client, "mirror", "<port_mirroring>true</port_mirroring>")
    red = profile(client, "red")
    for body, words in (
        ("<mac><address>02:00:00:00:00:01</address></mac>", "The MAC address of a plugged vNIC"),
        ("<interface>e1000</interface>", "The interface type of a plugged vNIC"),
        (f"<vnic_profile id='{mirroring}'/>", "mirrors its network"),
        (f"<vnic_profile id='{red}'/>", "is not on Host 'sim-2'"),
    ):
        assert words in detail(client, "PUT", path, f"<nic>{body}</nic>")
    assert "deactivate it" in detail(client, "DELETE", path)
    assert "is not on Host 'sim-2'" in detail(
        client, "POST", nics, f"<nic><name>x</name><vnic_profile id='{red}'/></nic>"
    )
    idle = add_nic(client, vm_id, "idle", "red", "<plugged>false</plugged>")
    assert "is not on Host 'sim-2'" in detail(client, "POST", f"{nics}/{idle}/activate", "<action/>")
    assert "is not on Host 'sim-2'" in detail(client, "PUT", f"{nics}/{idle}", "<nic><plugged>true</plugged></nic>")
    assert client.delete(f"{nics}/{idle}").status_code == 200
    client.action(f"{path}/deactivate")
    client.put_xml(path, f"<nic><vnic_profile id='{mirroring}'/><interface>e1000</interface></nic>")
    client.action(f"{path}/activate")
    (nic,) = plugged(fleet)
    assert (nic.mirrored, nic.model, nic.filter) == (True, "e1000", "vdsm-no-mac-spoofing")
    assert "mirrors its network" in detail(client, "PUT", path, "<nic><linked>false</linked></nic>")


def test_a_mac_address_is_plugged_in_once(fleet: Fleet, client: Client) -> None:
    pool = client.first_id("/macpools")
    client.put_xml(f"/macpools/{pool}", "<mac_pool><allow_duplicates>true</allow_duplicates></mac_pool>")
    vm_id = add_vm(client)
    mac = "<mac><address>02:00:00:00:00:01</address></mac>"
    add_nic(client, vm_id, more=mac)
    twin = add_nic(client, vm_id, "nic2", more=f"{mac}<plugged>false</plugged>")
    client.action(f"/vms/{vm_id}/nics/{twin}/activate")
    start(client, vm_id)
    assert len(plugged(fleet)) == 2


def test_a_running_guest_is_told_of_every_change(fleet: Fleet, client: Client) -> None:
    vm_id = add_vm(client)
    nic_id = add_nic(client, vm_id)
    start(client, vm_id)
    path = f"/vms/{vm_id}/nics/{nic_id}"
    client.put_xml(path, "<nic><linked>false</linked></nic>")
    assert [nic.linked for nic in plugged(fleet)] == [False]
    client.put_xml(path, f"<nic><linked>true</linked><vnic_profile id='{profile(client, 'ovirtmgmt')}'/></nic>")
    assert [(nic.linked, nic.bridge) for nic in plugged(fleet)] == [(True, "ovirtmgmt")]
    client.put_xml(path, "<nic><vnic_profile/></nic>")
    assert [(nic.linked, nic.bridge) for nic in plugged(fleet)] == [(False, "")]


def test_parameters_of_filters_reach_the_guest(fleet: Fleet, client: Client) -> None:
    vm_id = add_vm(client)
    nic_id = add_nic(client, vm_id)
    path = f"/vms/{vm_id}/nics/{nic_id}/networkfilterparameters"
    one = client.post_xml(
        path, "<network_filter_parameter><name>IP</name><value>10.0.0.1</value></network_filter_parameter>"
    )
    start(client, vm_id)
    assert [nic.filter_parameters for nic in plugged(fleet)] == [(("IP", "10.0.0.1"),)]
    client.post_xml(path, "<network_filter_parameter><name>IP</name><value>10.0.0.2</value></network_filter_parameter>")
    assert {value for nic in plugged(fleet) for _, value in nic.filter_parameters} == {"10.0.0.1", "10.0.0.2"}
    client.put_xml(
        f"{path}/{one.get('id')}", "<network_filter_parameter><value>fe80::1</value></network_filter_parameter>"
    )
    assert {value for nic in plugged(fleet) for _, value in nic.filter_parameters} == {"fe80::1", "10.0.0.2"}
    assert client.delete(f"{path}/{one.get('id')}").status_code == 200
    assert [nic.filter_parameters for nic in plugged(fleet)] == [(("IP", "10.0.0.2"),)]
    assert {10910, 10912, 10914} <= set(fleet.codes())
    for name, value in (("a-b", "x"), ("", "x"), ("IP", "a b"), ("IP", "")):
        body = f"<network_filter_parameter><name>{name}</name><value>{value}</value></network_filter_parameter>"
        assert "is not valid" in detail(client, "POST", path, body)
    assert client.get(f"{path}/nothing").status_code == 404
    assert len(client.xml(path)) == 1


def test_a_filter_that_the_host_refuses_stays_as_it_was(fleet: Fleet, client: Client) -> None:
    vm_id = add_vm(client)
    nic_id = add_nic(client, vm_id)
    path = f"/vms/{vm_id}/nics/{nic_id}/networkfilterparameters"
    body = "<network_filter_parameter><name>IP</name><value>10.0.0.1</value></network_filter_parameter>"
    one = client.post_xml(path, body).get("id")
    start(client, vm_id)
    fleet.simulate(2, no_guests=NO_GUESTS)
    changed = body.replace("10.0.0.1", "10.0.0.2")
    assert NO_GUESTS in detail(client, "PUT", f"{path}/{one}", changed)
    assert [row.findtext("value") for row in client.xml(path)] == ["10.0.0.1"]


def test_a_network_that_somebody_moved_on_the_host_is_found_where_it_is(fleet: Fleet, client: Client) -> None:
    vm_id = add_vm(client)
    add_nic(client, vm_id)
    start(client, vm_id)
    (nic,) = plugged(fleet)
    host = fleet.host(2)
    moved = replace(host.bridges[nic.bridge], name="moved")
    base = next(link for link in host.links().values() if link.master == nic.bridge)
    fleet.simulate(2, host=without_link(host, nic.bridge).with_link(moved).with_link(replace(base, master="moved")))
    add_nic(client, vm_id, "nic2")
    assert [one.bridge for one in plugged(fleet)] == ["moved", "moved"]


def test_mac_addresses_are_reordered_by_name(client: Client) -> None:
    vm_id = add_vm(client)
    for name, mac in (("b", 1), ("a", 2), ("c", 3)):
        body = f"<nic><name>{name}</name><mac><address>02:00:00:00:00:0{mac}</address></mac></nic>"
        client.post_xml(f"/vms/{vm_id}/nics", body)
    client.action(f"/vms/{vm_id}/reordermacaddresses")
    macs = [str(nic.findtext("mac/address")) for nic in client.xml(f"/vms/{vm_id}/nics")]
    assert macs == [f"02:00:00:00:00:0{number}" for number in (1, 2, 3)]


@pytest.mark.usefixtures("fleet")
def test_what_a_running_guest_counts(client: Client) -> None:
    vm_id = add_vm(client)
    nic_id = add_nic(client, vm_id)
    start(client, vm_id)
    names = [one.findtext("name") for one in client.xml(f"/vms/{vm_id}/nics/{nic_id}/statistics")]
    assert names == ["data.total.rx", "data.total.tx", "errors.total.rx", "errors.total.tx"]
    first = client.first_id(f"/vms/{vm_id}/nics/{nic_id}/statistics")
    assert client.xml(f"/vms/{vm_id}/nics/{nic_id}/statistics/{first}").findtext("values/value/datum") == "0"
    assert len(client.xml(f"/vms/{vm_id}/nics/{nic_id}/reporteddevices")) == 1


def test_who_may_change_a_machine_is_shown_what_was_changed(engine: Engine, client: Client) -> None:
    vm_id = add_vm(client)
    nic = f"/vms/{vm_id}/nics/{client.post_xml(f'/vms/{vm_id}/nics', '<nic><name>nic1</name></nic>').get('id')}"
    engine.add_user("keeper@internal", "UserVmManager", ObjectRef(ObjectType.VM, vm_id))
    with engine.client("keeper@internal") as keeper:
        changed = keeper.put(nic, content=b"<nic><name>renamed</name></nic>")
        assert changed.status_code == 200, changed.text
        value = "<network_filter_parameter><name>IP</name><value>192.0.2.1</value></network_filter_parameter>"
        keeper.post_xml(f"{nic}/networkfilterparameters", value)
        keeper.post_xml(f"/vms/{vm_id}/snapshots", "<snapshot><description>before</description></snapshot>")
