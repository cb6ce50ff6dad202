"""Templates and their vNICs through the API, and virtual machines that are made from them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ovirtsdk4
import pytest
from lxml import etree
from ovirtsdk4 import types as t

from api.served import Client, Engine
from fleet import Fleet, running_fleet

HOME = "<cluster><name>Default</name></cluster>"


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path) -> Iterator[Fleet]:
    """A simulated host in cluster Default."""
    with running_fleet(engine.db, tmp_path, 1) as fleet:
        yield fleet


def add_template(client: Client, name: str = "web", more: str = HOME) -> str:
    return str(client.post_xml("/templates", f"<template><name>{name}</name>{more}</template>").get("id"))


def add_vm(client: Client, name: str, more: str) -> etree._Element:
    return client.post_xml("/vms", f"<vm><name>{name}</name>{HOME}{more}</vm>")


def detail(client: Client, method: str, path: str, body: str = "") -> str:
    answer = client.request(method, path, content=body.encode())
    assert answer.status_code == 409, answer.text
    return str(etree.fromstring(answer.content).findtext(".//detail"))


def test_a_vm_is_made_like_its_template_with_macs_of_its_own(sdk: ovirtsdk4.Connection) -> None:
    system = sdk.system_service()
    (profile,) = system.vnic_profiles_service().list()
    added = system.templates_service().add(
        t.Template(
            name="web",
            memory=2**28,
            cluster=t.Cluster(name="Default"),
            cpu=t.Cpu(topology=t.CpuTopology(cores=2)),
            os=t.OperatingSystem(kernel="/boot/k", initrd="/boot/i", cmdline="quiet"),
            custom_properties=[t.CustomProperty(name="disk", value="/images/web.img")],
        )
    )
    nics = system.templates_service().template_service(added.id).nics_service()
    for number in (1, 2):
        nic = t.Nic(name=f"nic{number}", vnic_profile=t.VnicProfile(id=profile.id), linked=number == 1)
        assert nics.add(nic).mac is None
    (found,) = system.templates_service().list(search="name=web and cluster=Default", follow="nics")
    assert [one.name for one in found.nics] == ["nic1", "nic2"]
    machines = []
    for name in ("one", "two"):
        spec = t.Vm(name=name, cluster=t.Cluster(name="Default"), template=t.Template(name="web"))
        machines.append(system.vms_service().add(spec))
    one = machines[0]
    assert (one.memory, one.cpu.topology.cores, one.os.kernel, one.os.initrd) == (2**28, 2, "/boot/k", "/boot/i")
    assert [(p.name, p.value) for p in one.custom_properties] == [("disk", "/images/web.img")]
    copies = [nic for vm in machines for nic in system.vms_service().vm_service(vm.id).nics_service().list()]
    assert [(nic.name, nic.linked) for nic in copies] == [("nic1", True), ("nic2", False)] * 2
    assert len({nic.mac.address for nic in copies}) == 4
    assert {nic.vnic_profile.id for nic in copies} == {profile.id}
    service = nics.nic_service(found.nics[0].id)
    assert service.update(t.Nic(name="first", linked=False)).name == "first"
    assert service.get().linked is False
    service.remove()
    assert [nic.name for nic in nics.list()] == ["nic2"]


def test_a_template_made_from_a_vm(client: Client) -> None:
    kernel = "<os><kernel>/boot/k</kernel></os>"
    vm_id = add_vm(client, "one", f"<memory>268435456</memory>{kernel}").get("id")
    profile = client.first_id("/vnicprofiles")
    client.post_xml(f"/vms/{vm_id}/nics", f"<nic><name>nic1</name><vnic_profile id='{profile}'/></nic>")
    template = add_template(client, more=f"<vm id='{vm_id}'/><description>d</description>")
    shown = client.xml(f"/templates/{template}")
    assert (shown.findtext("memory"), shown.findtext("os/kernel")) == ("268435456", "/boot/k")
    (nic,) = client.xml(f"/templates/{template}/nics")
    assert (nic.findtext("name"), nic.find("vnic_profile").get("id"), nic.find("mac")) == ("nic1", profile, None)
    for path in (f"/templates/{template}", f"/templates/{template}/nics/{nic.get('id')}"):
        before = client.get(path).text
        assert client.put(path, content=before.encode()).text == before
    client.put_xml(f"/templates/{template}", "<template><name>api</name><memory>33554432</memory></template>")
    assert client.xml(f"/vms/{vm_id}").findtext("memory") == "268435456"
    assert client.delete(f"/templates/{template}").status_code == 200
    assert client.get(f"/templates/{template}").status_code == 404
    codes = [event.findtext("code") for event in client.xml("/events", max=3)]
    assert codes == ["251", "49", "940"]


def test_vnics_of_templates_that_are_not_there(client: Client) -> None:
    assert client.get(f"/templates/{add_template(client)}/nics/nothing").status_code == 404
    assert client.post("/templates/nothing/nics", content=b"<nic><name>n</name></nic>").status_code == 404


def test_a_copied_vnic_loses_a_network_that_the_cluster_has_not(client: Client) -> None:
    template = add_template(client)
    profile = client.first_id("/vnicprofiles")
    client.post_xml(f"/templates/{template}/nics", f"<nic><name>nic1</name><vnic_profile id='{profile}'/></nic>")
    data_center = client.post_xml("/datacenters", "<data_center><name>d</name><local>false</local></data_center>").get(
        "id"
    )
    client.post_xml("/clusters", f"<cluster><name>far</name><data_center id='{data_center}'/></cluster>")
    body = "<vm><name>one</name><cluster><name>far</name></cluster><template><name>web</name></template></vm>"
    vm_id = client.post_xml("/vms", body).get("id")
    (nic,) = client.xml(f"/vms/{vm_id}/nics")
    assert nic.find("vnic_profile") is None
    assert nic.findtext("mac/address")
    assert any("These vNICs are on no network" in str(event.findtext("description")) for event in client.xml("/events"))


def test_what_a_guest_boots_and_who_runs_it(fleet: Fleet, client: Client) -> None:
    properties = "".join(
        f"<custom_property><name>{name}</name><value>{value}</value></custom_property>"
        for name, value in (("driver", "libvirt"), ("disk", "/images/a.img"))
    )
    spec = f"<os><kernel>/boot/k</kernel></os><custom_properties>{properties}</custom_properties>"
    vm_id = add_vm(client, "one", spec).get("id")
    assert "libvirt" in detail(client, "POST", f"/vms/{vm_id}/start", "<action/>")
    client.put_xml(
        f"/vms/{vm_id}", f"<vm><custom_properties>{properties.replace('libvirt', 'simulated')}</custom_properties></vm>"
    )
    client.action(f"/vms/{vm_id}/start")
    (guest,) = fleet.agent().guests()
    assert (guest.driver, guest.id) == ("simulated", vm_id)


def test_a_user_without_rights_changes_no_template(client: Client, engine: Engine) -> None:
    template = add_template(client)
    nic = client.post_xml(f"/templates/{template}/nics", "<nic><name>nic1</name></nic>").get("id")
    engine.add_user("nobody@internal")
    with engine.client("nobody@internal") as nobody:
        path = f"/templates/{template}"
        assert nobody.delete(path).status_code == 403
        assert nobody.put(path, content=b"<template><name>x</name></template>").status_code == 403
        assert (
            nobody.post("/templates", content=f"<template><name>x</name>{HOME}</template>".encode()).status_code == 403
        )
        assert nobody.post(f"{path}/nics", content=b"<nic><name>x</name></nic>").status_code == 403
        assert nobody.put(f"{path}/nics/{nic}", content=b"<nic><name>x</name></nic>").status_code == 403
        assert nobody.delete(f"{path}/nics/{nic}").status_code == 403
