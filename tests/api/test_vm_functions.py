"""vNICs that are virtual functions of their host, through the API: who gets which, and when they are free again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from api.served import Client, Engine
from fleet import Fleet, running_fleet
from hosts import without_link
from netweft.core.errors import ValidationError
from netweft.core.guest_protocol import GuestNic
from netweft.core.host import Address
from netweft.engine.model.functions import vnic_functions
from netweft.engine.operations.functions import reserve

HOME = "<cluster><name>Default</name></cluster>"
PASSTHROUGH = "<pass_through><mode>enabled</mode></pass_through>"


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path) -> Iterator[Fleet]:
    """Two hosts; the second has two virtual functions and carries blue, which has a profile ``fast`` for
    pass-through. Nobody carries red.
    """
    with running_fleet(engine.db, tmp_path, 2) as fleet, engine.client() as client:
        for name, tag in (("blue", 100), ("red", 200)):
            network = f"<name>{name}</name><vlan id='{tag}'/><data_center><name>Default</name></data_center>"
            network_id = client.post_xml("/networks", f"<network>{network}</network>").get("id")
            body = f"<network id='{network_id}'><required>false</required></network>"
            client.post_xml(f"/clusters/{client.first_id('/clusters')}/networks", body)
        fleet.attach("blue", "eth1", number=2)
        add_profile(client, "fast", "blue", PASSTHROUGH)
        give_functions(fleet, client, 2, 2)
        yield fleet


def give_functions(fleet: Fleet, client: Client, host: int, count: int, more: str = "") -> str:
    """Let eth3 of a host have so many; returns its path."""
    nics = f"/hosts/{fleet.id(host)}/nics"
    nic = f"{nics}/{next(one.get('id') for one in client.xml(nics) if one.findtext('name') == 'eth3')}"
    number = f"<number_of_virtual_functions>{count}</number_of_virtual_functions>"
    body = f"<virtual_functions_configuration>{number}{more}</virtual_functions_configuration>"
    client.action(f"{nic}/updatevirtualfunctionsconfiguration", f"<action>{body}</action>")
    return nic


def add_profile(client: Client, name: str, network: str, more: str) -> None:
    body = f"<vnic_profile><name>{name}</name><network><name>{network}</name></network>{more}</vnic_profile>"
    client.post_xml("/vnicprofiles", body)


def profile(client: Client, name: str) -> str:
    return next(str(one.get("id")) for one in client.xml("/vnicprofiles") if one.findtext("name") == name)


def add_vm(client: Client, name: str, *profiles: str) -> str:
    vm_id = str(client.post_xml("/vms", f"<vm><name>{name}</name>{HOME}</vm>").get("id"))
    for number, one in enumerate(profiles, 1):
        add_nic(client, vm_id, f"nic{number}", one)
    return vm_id


def add_nic(client: Client, vm_id: str, name: str, profile_name: str = "fast", more: str = "") -> str:
    kind = "<interface>pci_passthrough</interface>" if profile_name not in {"blue", "red"} else ""
    body = f"<nic><name>{name}</name>{kind}<vnic_profile id='{profile(client, profile_name)}'/>{more}</nic>"
    return str(client.post_xml(f"/vms/{vm_id}/nics", body).get("id"))


def refused(client: Client, method: str, path: str, body: str = "<action/>") -> str:
    answer = client.request(method, path, content=body.encode())
    assert answer.status_code == 409, answer.text
    return str(etree.fromstring(answer.content).findtext(".//detail"))


def functions_of(fleet: Fleet, number: int = 2) -> dict[str, list[GuestNic]]:
    """The vNICs of the guests of a host."""
    return {guest.id: list(guest.nics) for guest in fleet.agent(number).guests()}


def held(fleet: Fleet) -> list[tuple[str, str]]:
    with fleet.db.read() as tx:
        return sorted((row.host_id, row.function) for row in tx.execute(vnic_functions.select()))


def functions(fleet: Fleet, number: int = 2) -> list[str]:
    return [function.pci_address for function in fleet.host(number).nics["eth3"].facts.functions]


def test_a_guest_runs_where_a_function_is_free_and_gives_it_back(fleet: Fleet, client: Client) -> None:
    one, two, three = (add_vm(client, name, "fast") for name in ("one", "two", "three"))
    client.action(f"/vms/{one}/start")
    (nic,) = functions_of(fleet)[one]
    first, second = functions(fleet)
    assert (nic.function, nic.tag, nic.bridge, nic.standby) == (first, 100, "", "")
    assert "eth3v0" not in fleet.host(2).nics
    both = add_vm(client, "both", "fast", "fast")
    assert "free virtual functions for 1 of the 2" in refused(client, "POST", f"/vms/{both}/start")
    client.action(f"/vms/{two}/start")
    assert functions_of(fleet)[two][0].function == second
    assert held(fleet) == sorted((fleet.id(2), address) for address in (first, second))
    assert "free virtual functions for 0 of the 1" in refused(client, "POST", f"/vms/{three}/start")
    client.action(f"/vms/{one}/stop")
    assert held(fleet) == [(fleet.id(2), second)]
    client.action(f"/vms/{three}/start")
    assert functions_of(fleet)[three][0].function == first
    fleet.simulate(2, end_guests=(three,))
    fleet.monitor.round(fleet.db)
    assert held(fleet) == [(fleet.id(2), second)], "a guest that ended by itself holds nothing"
    assert client.delete(f"/vms/{both}").status_code == 200


def test_functions_are_plugged_and_unplugged_while_the_guest_runs(fleet: Fleet, client: Client) -> None:
    vm_id = add_vm(client, "one", "blue")
    client.action(f"/vms/{vm_id}/start")
    nics = f"/vms/{vm_id}/nics"
    first = add_nic(client, vm_id, "first")
    second = add_nic(client, vm_id, "second", more="<plugged>false</plugged>")
    client.put_xml(f"{nics}/{second}", "<nic><plugged>true</plugged></nic>")
    assert [nic.function for nic in functions_of(fleet)[vm_id]] == [functions(fleet)[0], "", functions(fleet)[1]]
    body = (
        f"<nic><name>x</name><interface>pci_passthrough</interface><vnic_profile id='{profile(client, 'fast')}'/></nic>"
    )
    assert "no free virtual function for vNIC 'x'" in refused(client, "POST", nics, body)
    assert "The profile" in refused(
        client, "PUT", f"{nics}/{first}", f"<nic><vnic_profile id='{profile(client, 'blue')}'/></nic>"
    )
    client.action(f"{nics}/{first}/deactivate")
    assert [nic.name for nic in functions_of(fleet)[vm_id]] == ["nic1", "second"]
    assert held(fleet) == [(fleet.id(2), functions(fleet)[1])]
    assert "eth3v0" in fleet.host(2).nics
    client.action(f"{nics}/{first}/activate")
    assert len(held(fleet)) == 2
    host = fleet.host(2)
    client.action(f"{nics}/{first}/deactivate")
    fleet.simulate(2, host=without_link(host, "eth3v0"))  # a driver on the host has taken it just now
    assert "cannot be given to guest" in refused(client, "POST", f"{nics}/{first}/activate")
    assert held(fleet) == [(fleet.id(2), functions(fleet)[1])]
    assert client.xml(f"{nics}/{first}").findtext("plugged") == "false"


def test_functions_serve_the_networks_that_they_may(fleet: Fleet, client: Client) -> None:
    add_profile(client, "quick", "red", PASSTHROUGH)
    eth3 = give_functions(fleet, client, 2, 2, "<all_networks_allowed>false</all_networks_allowed>")
    fast, quick = add_vm(client, "one", "fast"), add_vm(client, "two", "quick")
    for vm_id in (fast, quick):
        assert "free virtual functions for 0 of the 1" in refused(client, "POST", f"/vms/{vm_id}/start")
    client.post_xml(f"{eth3}/virtualfunctionallowednetworks", "<network><name>blue</name></network>")
    client.action(f"/vms/{fast}/start")
    assert "free virtual functions for 0 of the 1" in refused(client, "POST", f"/vms/{quick}/start")
    red = next(one.get("id") for one in client.xml("/networks") if one.findtext("name") == "red")
    client.post_xml(f"/networks/{red}/networklabels", "<network_label id='rapid'/>")
    client.post_xml(f"{eth3}/virtualfunctionallowedlabels", "<network_label id='rapid'/>")
    client.action(f"/vms/{quick}/start")
    assert [nic.tag for nics in functions_of(fleet).values() for nic in nics] == [100, 200]


def test_a_guest_migrates_without_its_functions_and_gets_others(fleet: Fleet, client: Client) -> None:
    fleet.attach("blue", "eth1", number=1)
    give_functions(fleet, client, 1, 1)
    add_profile(client, "safe", "red", f"{PASSTHROUGH}<failover id='{profile(client, 'blue')}'/>")
    vm_id = add_vm(client, "one", "safe")
    client.action(f"/vms/{vm_id}/start", "<action><host><name>sim-2</name></host></action>")
    standby, function = functions_of(fleet)[vm_id]
    assert (standby.bridge, standby.stands_by, standby.mac) == ("blue", True, function.mac)
    assert (function.function, function.standby, function.tag) == (functions(fleet)[0], standby.id, 200)

    client.action(f"/vms/{vm_id}/migrate", "<action><host><name>sim-1</name></host></action>")
    assert functions_of(fleet, 2) == {}
    standby, function = functions_of(fleet, 1)[vm_id]
    assert (standby.stands_by, function.function) == (True, functions(fleet, 1)[0])
    assert held(fleet) == [(fleet.id(1), functions(fleet, 1)[0])]

    fleet.simulate(2, host=replace(fleet.host(2), bridges={}))  # somebody has just removed them
    assert "Network 'blue' is not on the host" in refused(client, "POST", f"/vms/{vm_id}/migrate")
    assert functions_of(fleet, 1)[vm_id][1].function == functions(fleet, 1)[0], "it stayed, and has its function again"
    assert held(fleet) == [(fleet.id(1), functions(fleet, 1)[0])]


def test_what_stands_by_follows_its_network(fleet: Fleet, client: Client) -> None:
    add_profile(client, "safe", "red", f"{PASSTHROUGH}<failover id='{profile(client, 'blue')}'/>")
    vm_id = add_vm(client, "one", "safe")
    client.action(f"/vms/{vm_id}/start", "<action/>")
    blue = next(str(one.get("id")) for one in client.xml("/networks") if one.findtext("name") == "blue")

    def synced() -> bool:
        return client.xml(f"/vms/{vm_id}/nics")[0].findtext("synced") == "true"

    assert synced()
    fleet.stop_worker()
    client.put_xml(f"/networks/{blue}", "<network><vlan id='101'/></network>")
    assert not synced()
    fleet.start_worker()
    fleet.until(synced)
    client.put_xml(f"/networks/{blue}", "<network><mtu>1400</mtu></network>")
    fleet.until(lambda: 11291 in fleet.codes())
    assert not synced(), "the device in the guest has yet to be another"


def test_a_function_that_has_gone_meanwhile_is_unplugged_after_the_migration(fleet: Fleet, client: Client) -> None:
    fleet.attach("blue", "eth1", number=1)
    give_functions(fleet, client, 1, 1)
    vm_id = add_vm(client, "one", "fast")
    client.action(f"/vms/{vm_id}/start", "<action><host><name>sim-2</name></host></action>")
    host = fleet.host(1)
    address = Address(ip="192.0.2.1", prefix=24)
    fleet.simulate(1, host=host.with_link(replace(host.nics["eth3v0"], addresses=(address,))))
    client.action(f"/vms/{vm_id}/migrate", "<action><host><name>sim-1</name></host></action>")
    assert functions_of(fleet, 1) == {vm_id: []}
    assert held(fleet) == []
    assert client.xml(f"/vms/{vm_id}/nics")[0].findtext("plugged") == "false"
    assert 12003 in fleet.codes()


def test_a_function_is_promised_once(fleet: Fleet, client: Client) -> None:
    nics = [str(client.xml(f"/vms/{add_vm(client, name, 'fast')}/nics")[0].get("id")) for name in ("a", "b", "c")]
    for nic in nics[:2]:
        fleet.db.run(reserve, "Cannot run VM.", fleet.id(2), {nic: "eth3"})
    with pytest.raises(ValidationError, match="were assigned meanwhile"):
        fleet.db.run(reserve, "Cannot run VM.", fleet.id(2), {nics[2]: "eth3"})
    assert len(held(fleet)) == 2


def test_templates_hand_them_on(fleet: Fleet, client: Client) -> None:
    vm_id = add_vm(client, "one", "fast")
    template = client.post_xml("/templates", f"<template><name>golden</name><vm id='{vm_id}'/></template>").get("id")
    path = f"/templates/{template}/nics"
    nic = client.xml(path)[0]
    assert nic.findtext("interface") == "pci_passthrough"
    body = "<nic><interface>virtio</interface></nic>"
    assert "does not match" in refused(client, "PUT", f"{path}/{nic.get('id')}", body)
    body = f"<vm><name>child</name>{HOME}<template id='{template}'/></vm>"
    child = client.post_xml("/vms", body).get("id")
    client.action(f"/vms/{child}/start")
    assert functions_of(fleet)[str(child)][0].function == functions(fleet)[0]
