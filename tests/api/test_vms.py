"""Virtual machines and their vNICs through the API, with the official SDK and raw XML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ovirtsdk4
import pytest
from ovirtsdk4 import types

from api.served import Client, Engine
from fleet import Fleet, running_fleet


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path) -> Iterator[Fleet]:
    """Two simulated hosts in cluster Default."""
    with running_fleet(engine.db, tmp_path, 2) as fleet:
        yield fleet


def fault(client: Client, path: str, body: str = "<action/>", status: int = 409) -> str:
    return str(client.post_xml(path, body, status).findtext(".//detail"))


def add_vm(client: Client, name: str = "one") -> str:
    body = f"<vm><name>{name}</name><cluster><name>Default</name></cluster><template><name>Blank</name></template></vm>"
    return str(client.post_xml("/vms?clone=false&clone_permissions=false", body).get("id"))


def add_nic(client: Client, vm_id: str, name: str = "nic1") -> str:
    profile = client.first_id("/vnicprofiles")
    return str(
        client.post_xml(f"/vms/{vm_id}/nics", f"<nic><name>{name}</name><vnic_profile id='{profile}'/></nic>").get("id")
    )


@pytest.mark.usefixtures("fleet")
def test_the_life_of_a_vm_with_the_sdk(sdk: ovirtsdk4.Connection) -> None:
    service = sdk.system_service().vms_service()
    added = service.add(
        types.Vm(
            name="myvm",
            memory=2**28,
            cluster=types.Cluster(name="Default"),
            template=types.Template(name="Blank"),
            initialization=types.Initialization(
                nic_configurations=[
                    types.NicConfiguration(name="nic1", ip=types.Ip(address="10.0.0.7", netmask="255.255.255.0"))
                ]
            ),
        )
    )
    assert added.status == types.VmStatus.DOWN
    vm = service.vm_service(added.id)
    profile = sdk.system_service().vnic_profiles_service().list()[0]
    nics = vm.nics_service()
    nic = nics.add(types.Nic(name="nic1", description="first", vnic_profile=types.VnicProfile(id=profile.id)))
    assert nic.mac.address
    assert (nic.plugged, nic.linked, nic.interface) == (True, True, types.NicInterface.VIRTIO)
    vm.start()
    (found,) = service.list(search="name=MYVM", case_sensitive=False)
    assert found.status == types.VmStatus.UP
    assert sdk.follow_link(found.host).name in {"sim-1", "sim-2"}
    (device,) = vm.reported_devices_service().list()
    assert (device.mac.address, device.ips[0].address) == (nic.mac.address, "10.0.0.7")
    nics.nic_service(nic.id).deactivate()
    assert not nics.nic_service(nic.id).get().plugged
    nics.nic_service(nic.id).activate()
    emptied = nics.nic_service(nic.id).update(types.Nic(name="nic1", vnic_profile=types.VnicProfile()))
    assert emptied.vnic_profile is None
    vm.stop()
    assert vm.get().status == types.VmStatus.DOWN
    nics.nic_service(nic.id).remove()
    assert nics.list() == []
    vm.remove()
    assert service.list(search="name=myvm") == []


@pytest.mark.usefixtures("fleet")
def test_whole_entities_sent_back_change_nothing(client: Client) -> None:
    vm_id = add_vm(client)
    nic_id = add_nic(client, vm_id)
    for path in (f"/vms/{vm_id}", f"/vms/{vm_id}/nics/{nic_id}"):
        before = client.get(path).text
        client.put_xml(path, before)
        assert client.get(path).text == before
    client.put_xml(f"/vms/{vm_id}", "<vm><description>d</description></vm>")
    assert client.xml(f"/vms/{vm_id}").findtext("description") == "d"


@pytest.mark.usefixtures("fleet")
def test_a_profile_without_an_id_means_none(client: Client) -> None:
    vm_id = add_vm(client)
    nic_id = add_nic(client, vm_id)
    whole = client.get(f"/vms/{vm_id}/nics/{nic_id}").text
    profile = client.first_id("/vnicprofiles")
    changed = whole.replace(f' id="{profile}"', "")
    assert changed != whole
    assert client.put_xml(f"/vms/{vm_id}/nics/{nic_id}", changed).find("vnic_profile") is None


def test_refusals_have_the_texts_that_tools_match(fleet: Fleet, client: Client) -> None:
    vm_id = add_vm(client)
    assert "VM is not running" in fault(client, f"/vms/{vm_id}/stop")
    nic_id = add_nic(client, vm_id)
    mac = client.xml(f"/vms/{vm_id}/nics/{nic_id}").findtext("mac/address")
    body = f"<nic><name>nic2</name><mac><address>{mac}</address></mac></nic>"
    assert f"MAC Address {mac} is already in use by VM or snapshot:" in fault(client, f"/vms/{vm_id}/nics", body)
    assert "already used" in fault(client, "/vms", "<vm><name>one</name><cluster><name>Default</name></cluster></vm>")
    client.action(
        f"/vms/{vm_id}/start",
        "<action><vm><placement_policy><hosts><host><name>sim-2</name></host></hosts></placement_policy></vm></action>",
    )
    assert client.xml(f"/vms/{vm_id}").find("host").get("id") == fleet.id(2)
    assert "is running" in fault(client, f"/vms/{vm_id}/start")
    assert client.delete(f"/vms/{vm_id}").status_code == 409
    assert client.delete(f"/vms/{vm_id}/nics/{nic_id}").status_code == 409


@pytest.mark.usefixtures("fleet")
def test_what_clients_ask_along(client: Client) -> None:
    vm_id = add_vm(client)
    nic_id = add_nic(client, vm_id)
    for path in ("numanodes", "statistics", "affinitylabels", "diskattachments", "tags"):
        assert len(client.xml(f"/vms/{vm_id}/{path}")) == 0
    for path in ("networkfilterparameters", "reporteddevices", "statistics"):
        assert len(client.xml(f"/vms/{vm_id}/nics/{nic_id}/{path}")) == 0
    (vm,) = client.xml("/vms", follow="nics.vnic_profile", search="name=one and cluster=Default")
    assert vm.findtext("nics/nic/vnic_profile/name") == "ovirtmgmt"
    assert client.get("/vms/nothing/nics").status_code == 404


def test_a_user_without_rights_can_do_nothing(fleet: Fleet, client: Client, engine: Engine) -> None:
    vm_id = add_vm(client)
    nic_id = add_nic(client, vm_id)
    engine.add_user("nobody@internal")
    with engine.client("nobody@internal") as nobody:
        host = f"/hosts/{fleet.id()}"
        for path in (
            f"/vms/{vm_id}/start",
            f"/vms/{vm_id}/nics/{nic_id}/activate",
            f"{host}/setupnetworks",
            f"{host}/deactivate",
        ):
            assert nobody.post(path, content=b"<action/>").status_code == 403, path
        assert nobody.delete(f"/vms/{vm_id}").status_code == 403
        assert nobody.delete(host).status_code == 403
        assert nobody.put(host, content=b"<host><comment>x</comment></host>").status_code == 403
        assert nobody.get(host, headers={"Filter": "true"}).status_code == 404
