"""Labels of host NICs through the API: networks come with a label and go with it, whichever of the two changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ovirtsdk4
import pytest
from ovirtsdk4 import types

from api.served import Client, Engine
from fleet import Fleet, running_fleet


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path, client: Client) -> Iterator[Fleet]:
    """Two simulated hosts in cluster Default; networks red (VLAN 10) and blue (VLAN 20) of it with the label "lab"."""
    with running_fleet(engine.db, tmp_path, 2) as fleet:
        for name, tag in (("red", 10), ("blue", 20)):
            add_network(client, name, tag, "lab")
            attach_to_cluster(client, name)
        yield fleet


def add_network(client: Client, name: str, tag: int, label: str = "") -> str:
    body = f"<network><name>{name}</name><vlan id='{tag}'/><data_center><name>Default</name></data_center></network>"
    network_id = str(client.post_xml("/networks", body).get("id"))
    if label:
        client.post_xml(f"/networks/{network_id}/networklabels", f"<network_label id='{label}'/>")
    return network_id


def attach_to_cluster(client: Client, name: str, more: str = "") -> None:
    body = f"<network><name>{name}</name><required>false</required>{more}</network>"
    client.post_xml(f"/clusters/{client.first_id('/clusters')}/networks", body)


def network_path(client: Client, name: str) -> str:
    return f"/networks/{client.first_id('/networks', search=f'name={name}')}"


def nic_path(client: Client, fleet: Fleet, nic: str, number: int = 1) -> str:
    host = f"/hosts/{fleet.id(number)}"
    found = next(one.get("id") for one in client.xml(f"{host}/nics") if one.findtext("name") == nic)
    return f"{host}/nics/{found}"


def label(client: Client, fleet: Fleet, nic: str, name: str = "lab", number: int = 1) -> None:
    path = nic_path(client, fleet, nic, number)
    client.post_xml(f"{path}/networklabels", f"<network_label id='{name}'/>")


def labels(client: Client, fleet: Fleet, nic: str) -> list[str]:
    return [str(one.get("id")) for one in client.xml(f"{nic_path(client, fleet, nic)}/networklabels")]


def setup(client: Client, fleet: Fleet, body: str, status: int = 200) -> str:
    answer = client.post_xml(f"/hosts/{fleet.id()}/setupnetworks", f"<action>{body}</action>", status)
    return str(answer.findtext(".//detail"))


def modified(nic: str, name: str = "lab") -> str:
    return (
        f"<modified_labels><network_label id='{name}'><host_nic><name>{nic}</name></host_nic></network_label>"
        "</modified_labels>"
    )


def removed(name: str = "lab") -> str:
    return f"<removed_labels><network_label id='{name}'/></removed_labels>"


def test_labels_of_a_nic_with_the_sdk(fleet: Fleet, sdk: ovirtsdk4.Connection, client: Client) -> None:
    nic_id = nic_path(client, fleet, "eth1").rpartition("/")[2]
    service = sdk.system_service().hosts_service().host_service(fleet.id()).nics_service().nic_service(nic_id)
    added = service.network_labels_service().add(types.NetworkLabel(id="lab"))
    assert (added.id, added.host_nic.id) == ("lab", nic_id)
    assert fleet.carried() == {"ovirtmgmt": "eth0", "red": "eth1", "blue": "eth1"}
    assert {vlan.tag for vlan in fleet.host().vlans.values()} == {10, 20}
    assert [one.id for one in service.get(follow="network_labels").network_labels] == ["lab"]
    assert service.network_labels_service().label_service("lab").get().host_nic.id == nic_id
    service.network_labels_service().label_service("lab").remove()
    assert fleet.carried() == {"ovirtmgmt": "eth0"}
    assert fleet.host().vlans == {}
    assert service.network_labels_service().list() == []


def test_setup_networks_moves_labels_with_their_networks(fleet: Fleet, client: Client) -> None:
    setup(client, fleet, modified("eth1"))
    assert labels(client, fleet, "eth1") == ["lab"]
    setup(client, fleet, modified("eth2"))
    assert (labels(client, fleet, "eth1"), labels(client, fleet, "eth2")) == ([], ["lab"])
    assert fleet.carried() == {"ovirtmgmt": "eth0", "red": "eth2", "blue": "eth2"}
    setup(client, fleet, removed())
    assert fleet.carried() == {"ovirtmgmt": "eth0"}


def test_what_a_request_says_itself_of_a_network_holds(fleet: Fleet, client: Client) -> None:
    """A network that the request names gets the address that it names; one that was elsewhere moves onto the NIC."""
    setup(client, fleet, attachment("red", "eth3"))
    setup(client, fleet, modified("eth1") + attachment("blue", "eth1", "10.0.0.5"))
    assert fleet.carried() == {"ovirtmgmt": "eth0", "red": "eth1", "blue": "eth1"}
    assert [str(one) for one in fleet.host().bridges["blue"].addresses] == ["10.0.0.5/24"]


def attachment(network: str, nic: str, address: str = "") -> str:
    ip = (
        "<ip_address_assignments><ip_address_assignment><assignment_method>static</assignment_method>"
        f"<ip><address>{address}</address><netmask>255.255.255.0</netmask></ip></ip_address_assignment>"
        "</ip_address_assignments>"
    )
    return (
        f"<modified_network_attachments><network_attachment>{ip if address else ''}<host_nic><name>{nic}</name>"
        f"</host_nic><network><name>{network}</name></network></network_attachment></modified_network_attachments>"
    )


def test_a_label_without_networks_asks_no_host(fleet: Fleet, client: Client) -> None:
    before = fleet.report().generation
    fleet.simulate(unreachable=("always",))
    setup(client, fleet, modified("eth1", "other"))
    assert labels(client, fleet, "eth1") == ["other"]
    setup(client, fleet, removed("other"))
    assert labels(client, fleet, "eth1") == []
    fleet.simulate()
    assert fleet.report().generation == before


def test_a_host_that_refuses_keeps_its_labels(fleet: Fleet, client: Client) -> None:
    fleet.simulate(refuse={"CreateLink": 1})
    assert "rolled the change back completely" in setup(client, fleet, modified("eth1"), 409)
    assert labels(client, fleet, "eth1") == []
    assert fleet.carried() == {"ovirtmgmt": "eth0"}


def test_a_network_that_gets_the_label_comes_and_one_that_loses_it_goes(fleet: Fleet, client: Client) -> None:
    for number in (1, 2):
        label(client, fleet, "eth1", number=number)
    green = f"/networks/{add_network(client, 'green', 30)}"
    attach_to_cluster(client, "green")
    client.post_xml(f"{green}/networklabels", "<network_label id='lab'/>")
    for number in (1, 2):
        fleet.until(lambda number=number: fleet.carried(number).get("green") == "eth1")  # type: ignore[misc]  # a default binds it
    assert not fleet.report().dirty
    assert client.delete(f"{green}/networklabels/lab").status_code == 200
    for number in (1, 2):
        fleet.until(lambda number=number: "green" not in fleet.carried(number))  # type: ignore[misc]  # a default binds it
    assert fleet.carried() == {"ovirtmgmt": "eth0", "red": "eth1", "blue": "eth1"}


def test_a_labelled_network_comes_with_its_cluster_and_goes_with_it(fleet: Fleet, client: Client) -> None:
    """One with a role that needs an address asks for it by DHCP."""
    label(client, fleet, "eth1")
    green = add_network(client, "green", 30, "lab")
    attach_to_cluster(client, "green", "<usages><usage>vm</usage><usage>display</usage></usages>")
    fleet.until(lambda: fleet.carried().get("green") == "eth1")
    (desired,) = (one for one in fleet.data().intent.attachments if one.network_id == green)
    assert [(one.version, one.method) for one in desired.assignments] == [(4, "dhcp")]
    assert client.delete(f"/clusters/{client.first_id('/clusters')}/networks/{green}").status_code == 200
    fleet.until(lambda: "green" not in fleet.host().bridges)
    assert "green" not in fleet.carried()


def test_a_host_that_was_away_gets_its_networks_when_it_comes_up(fleet: Fleet, client: Client) -> None:
    label(client, fleet, "eth1")
    fleet.set_status("non_responsive")
    add_network(client, "green", 30, "lab")
    attach_to_cluster(client, "green")
    client.action(f"/hosts/{fleet.id()}/activate")
    fleet.until(lambda: fleet.carried().get("green") == "eth1")


def test_labels_that_a_host_refuses_are_an_event(fleet: Fleet, client: Client) -> None:
    """VLAN 10 is on the NIC already: the network keeps its label, the host stays as it is, and an event tells."""
    label(client, fleet, "eth1")
    add_network(client, "pink", 10, "lab")
    attach_to_cluster(client, "pink")
    fleet.until(lambda: 10904 in fleet.codes())
    assert "pink" not in fleet.carried()
    texts = [str(event.findtext("description")) for event in client.xml("/events", max=5)]
    assert any("Failed to apply labels on host sim-1" in text and "VLAN 10" in text for text in texts)


def test_labels_wait_for_the_change_that_is_under_way(fleet: Fleet, client: Client) -> None:
    label(client, fleet, "eth1")
    fleet.simulate(step_seconds=0.1)
    asked = setup_later(client, fleet, attachment("red", "eth1", "10.0.0.5"))
    add_network(client, "green", 30, "lab")
    attach_to_cluster(client, "green")
    fleet.done(asked)
    fleet.simulate()
    fleet.until(lambda: fleet.carried().get("green") == "eth1")
    assert [str(one) for one in fleet.host().bridges["red"].addresses] == ["10.0.0.5/24"]


def setup_later(client: Client, fleet: Fleet, body: str) -> str:
    answer = client.post_xml(f"/hosts/{fleet.id()}/setupnetworks", f"<action><async>true</async>{body}</action>", 202)
    return str(answer.xpath("string(job/@id)"))


def test_a_copy_of_a_hosts_networks_takes_the_labels_off(fleet: Fleet, client: Client) -> None:
    label(client, fleet, "eth1", number=2)
    setup(client, fleet, attachment("red", "eth3"))
    client.action(f"/hosts/{fleet.id(2)}/copyhostnetworks", f"<action><source_host id='{fleet.id(1)}'/></action>")
    assert fleet.carried(2) == {"ovirtmgmt": "eth0", "red": "eth3"}
    assert fleet.data(2).labels == {}


def test_labels_that_are_not_there(fleet: Fleet, client: Client) -> None:
    nic = nic_path(client, fleet, "eth2")
    assert client.get(f"{nic}/networklabels/lab").status_code == 404
    assert client.delete(f"{nic}/networklabels/lab").status_code == 404
    nowhere = f"/hosts/{fleet.id()}/nics/nothing/networklabels"
    assert client.post_xml(nowhere, "<network_label id='lab'/>", 404).tag == "fault"
