"""QoS of networks on hosts, through the API: from the data centre to the classes of traffic on a host's NIC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import ovirtsdk4
import ovirtsdk4.types as t
import pytest

from api.refusals.setup_networks import attach, detach, one
from api.served import Client, Engine
from api.test_qos import path_of, xml_of
from fleet import Fleet, running_fleet
from netweft.core.host import TrafficClass

GOLD = {"outbound_average_linkshare": 80, "outbound_average_upperlimit": 2000, "outbound_average_realtime": 500}
REST, VLAN_10 = (
    TrafficClass(tag=None, share=80),
    TrafficClass(tag=10, share=80, upper_limit=2 * 10**9, real_time=5 * 10**8),
)


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(engine.db, tmp_path, 2) as fleet:
        yield fleet


@pytest.fixture
def gold(client: Client) -> str:
    """A QoS, by its id."""
    return str(client.post_xml(path_of(client), xml_of("gold", "hostnetwork", **GOLD)).get("id"))


def add_network(client: Client, name: str, tag: int, more: str = "") -> str:
    data_center = client.first_id("datacenters")
    body = f'<network><name>{name}</name><vlan id="{tag}"/><data_center id="{data_center}"/>{more}</network>'
    network = str(client.post_xml("networks", body).get("id"))
    cluster = client.first_id("clusters")
    client.post_xml(f"clusters/{cluster}/networks", f'<network id="{network}"><required>false</required></network>')
    return network


def setup(client: Client, fleet: Fleet, body: str) -> None:
    client.action(f"hosts/{fleet.id()}/setupnetworks", f"<action>{body}</action>")


def refused(client: Client, fleet: Fleet, body: str) -> str:
    """What the API answers to a request that it must refuse."""
    answer = client.post_xml(f"hosts/{fleet.id()}/setupnetworks", f"<action>{body}</action>", 409)
    return str(answer.findtext(".//detail"))


def reported(client: Client, fleet: Fleet, network: str) -> dict[str, tuple[str | None, str | None, str | None]]:
    """The QoS of a network on the first host: desired, actual, and whether they are in sync."""
    shown = client.xml(f"hosts/{fleet.id()}/networkattachments/{fleet.attachment_id(network)}")
    return {
        str(one.findtext("name")).removeprefix("outAverage"): (
            one.findtext("expected_value"),
            one.findtext("actual_value"),
            one.findtext("in_sync"),
        )
        for one in shown.findall("reported_configurations/reported_configuration")
        if str(one.findtext("name")).startswith("outAverage")
    }


def test_the_traffic_of_a_network_with_qos_is_shaped_and_follows_it(fleet: Fleet, client: Client, gold: str) -> None:
    network = add_network(client, "red", 10, f'<qos id="{gold}"/>')
    assert client.xml(f"networks/{network}", follow="qos").findtext("qos/outbound_average_linkshare") == "80"
    setup(client, fleet, attach(one("red", "eth1")))
    assert fleet.host().nics["eth1"].shaping == (REST, VLAN_10)
    assert reported(client, fleet, "red") == {
        "LinkShare": ("80", "80", "true"),
        "UpperLimit": ("2000", "2000", "true"),
        "RealTime": ("500", "500", "true"),
    }
    nics = {one.findtext("name"): one.find("qos") for one in client.xml(f"hosts/{fleet.id()}/nics")}
    assert nics["eth1"] is None
    assert nics["eth1.10"].findtext("outbound_average_upperlimit") == "2000"
    path = f"{path_of(client)}/{gold}"
    client.put_xml(path, "<qos><outbound_average_linkshare>20</outbound_average_linkshare></qos>")
    fleet.until(lambda: [each.share for each in fleet.host().nics["eth1"].shaping] == [20, 20])
    client.put_xml(f"networks/{network}", client.get(f"networks/{network}").text)
    assert client.xml(f"networks/{network}").find("qos").get("id") == gold
    assert client.delete(path).status_code == 200
    fleet.until(lambda: fleet.host().nics["eth1"].shaping == ())
    assert client.xml(f"networks/{network}").find("qos") is None
    fleet.until(lambda: reported(client, fleet, "red") == {})


def test_a_network_gets_and_loses_its_qos_while_hosts_carry_it(fleet: Fleet, client: Client, gold: str) -> None:
    network = add_network(client, "red", 10)
    setup(client, fleet, attach(one("red", "eth1")))
    client.put_xml(f"networks/{network}", f'<network><qos id="{gold}"/></network>')
    fleet.until(lambda: fleet.host().nics["eth1"].shaping == (REST, VLAN_10))
    client.put_xml(f"networks/{network}", "<network><qos/></network>")
    fleet.until(lambda: fleet.host().nics["eth1"].shaping == ())
    calm = str(client.post_xml(path_of(client), xml_of("calm")).get("id"))
    answer = client.put(f"networks/{network}", content=f'<network><qos id="{calm}"/></network>')
    assert (answer.status_code, "is for vNICs, not for networks on hosts" in answer.text) == (409, True)


def test_an_attachment_has_a_qos_of_its_own(fleet: Fleet, client: Client, sdk: ovirtsdk4.Connection, gold: str) -> None:
    add_network(client, "red", 10, f'<qos id="{gold}"/>')
    add_network(client, "blue", 20)
    setup(client, fleet, attach(one("red", "eth1")))
    assert "have none: blue" in refused(client, fleet, attach(one("blue", "eth1")))
    service = sdk.system_service().hosts_service().host_service(fleet.id()).network_attachments_service()
    mine = t.Qos(type=t.QosType.HOSTNETWORK, outbound_average_linkshare=5, outbound_average_upperlimit=100)
    made = service.add(t.NetworkAttachment(network=t.Network(name="blue"), host_nic=t.HostNic(name="eth1"), qos=mine))
    blue = TrafficClass(tag=20, share=5, upper_limit=10**8)
    assert fleet.host().nics["eth1"].shaping == (REST, VLAN_10, blue)
    one_service = service.attachment_service(made.id)
    shown = one_service.get()
    assert (shown.qos.type, shown.qos.outbound_average_linkshare, shown.qos.outbound_average_realtime) == (
        t.QosType.HOSTNETWORK,
        5,
        None,
    )
    generation = fleet.data().row.generation
    one_service.update(shown)
    assert fleet.data().row.generation == generation
    path = f"hosts/{fleet.id()}/networkattachments/{made.id}"
    answer = client.put(path, content="<network_attachment><qos/></network_attachment>")
    assert (answer.status_code, "have none: blue" in answer.text) == (409, True)
    setup(client, fleet, detach(f"id='{fleet.attachment_id('red')}'"))
    client.put_xml(path, "<network_attachment><qos/></network_attachment>")
    assert client.xml(path).find("qos") is None
    assert fleet.host().nics["eth1"].shaping == ()


def test_a_host_whose_shaping_others_changed_is_out_of_sync_until_it_is_put_right(
    fleet: Fleet, client: Client, gold: str
) -> None:
    add_network(client, "red", 10, f'<qos id="{gold}"/>')
    setup(client, fleet, attach(one("red", "eth1")))
    host = fleet.host()
    slower = TrafficClass(tag=10, share=80, upper_limit=10**9)
    fleet.simulate(host=host.with_link(replace(host.nics["eth1"], shaping=(REST, slower))))
    client.action(f"hosts/{fleet.id()}/refresh")
    assert reported(client, fleet, "red") == {
        "LinkShare": ("80", "80", "true"),
        "UpperLimit": ("2000", "1000", "false"),
        "RealTime": ("500", None, "false"),
    }
    client.action(f"hosts/{fleet.id()}/syncallnetworks")
    assert fleet.host().nics["eth1"].shaping == (REST, VLAN_10)
    assert reported(client, fleet, "red")["UpperLimit"] == ("2000", "2000", "true")


def test_a_host_that_cannot_shape_traffic_stays_as_it_is(fleet: Fleet, client: Client, gold: str) -> None:
    add_network(client, "red", 10, f'<qos id="{gold}"/>')
    before = fleet.host()
    fleet.simulate(refuse={"StartShaping": 1})
    assert "StartShaping" in refused(client, fleet, attach(one("red", "eth1")))
    assert fleet.host() == before
    assert "red" not in fleet.carried()


def test_the_plan_tells_of_the_shaping(engine: Engine, fleet: Fleet, client: Client, gold: str) -> None:
    add_network(client, "red", 10, f'<qos id="{gold}"/>')
    attachment = {"network": {"name": "red"}, "host_nic": {"name": "eth1"}}
    body = {"host": {"id": fleet.id()}, "setup": {"modified_network_attachments": [attachment]}}
    answer = client.post(f"{engine.url}/netweft/v1/plans", json=body)
    assert "VLAN 10 with share 80, at most 2000 Mbit/s, 500 Mbit/s promised" in answer.text
