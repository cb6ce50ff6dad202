"""Clusters and their networks through the API."""

from __future__ import annotations

import ovirtsdk4
import ovirtsdk4.types as t
import pytest

from api.served import Client, Engine
from api.test_networks import add as add_network
from api.test_networks import counts
from api.walk import stored


@pytest.fixture
def cluster_id(client: Client) -> str:
    return client.first_id("clusters")


def usages(client: Client, cluster_id: str, network_id: str) -> list[str]:
    shown = client.xml(f"clusters/{cluster_id}/networks/{network_id}")
    return [usage.text or "" for usage in shown.findall("usages/usage")]


def test_the_life_of_a_cluster(sdk: ovirtsdk4.Connection) -> None:
    service = sdk.system_service().clusters_service()
    made = service.add(
        t.Cluster(
            name="racks",
            description="d",
            cpu=t.Cpu(type="Intel Nehalem Family"),
            switch_type=t.SwitchType.OVS,
            data_center=t.DataCenter(name="Default"),
        )
    )
    one = service.cluster_service(made.id)
    shown = one.get(follow="networks,management_network,data_center,mac_pool")
    assert (shown.name, shown.switch_type, shown.cpu.type) == ("racks", t.SwitchType.OVS, "Intel Nehalem Family")
    assert (shown.management_network.name, shown.data_center.name, shown.mac_pool.name) == (
        "ovirtmgmt",
        "Default",
        "Default",
    )
    assert [network.name for network in shown.networks] == ["ovirtmgmt"]
    assert set(shown.networks[0].usages) == set(t.NetworkUsage) - {t.NetworkUsage.GLUSTER}
    shown.description = "changed"
    assert one.update(shown).description == "changed"
    pools = sdk.system_service().mac_pools_service()
    pool = pools.add(t.MacPool(name="p", ranges=[t.Range(from_="02:00:00:00:00:01", to="02:00:00:00:00:09")]))
    assert one.update(t.Cluster(mac_pool=t.MacPool(id=pool.id))).mac_pool.id == pool.id
    one.sync_all_networks()
    assert [c.name for c in service.list(search="name=racks and datacenter=Default")] == ["racks"]
    data_center = sdk.system_service().data_centers_service().list(search="Clusters.name=racks")[0]
    below = sdk.system_service().data_centers_service().data_center_service(data_center.id).clusters_service()
    assert sorted(c.name for c in below.list()) == ["Default", "racks"]
    one.remove()
    with pytest.raises(ovirtsdk4.NotFoundError):
        one.get()


def test_clusters_that_are_not_whole_are_refused(engine: Engine, client: Client, cluster_id: str) -> None:
    before = counts(engine)
    assert client.post("clusters", content="<cluster><name>n</name></cluster>").status_code == 400
    wrong = "<cluster><switch_type>hub</switch_type></cluster>"
    assert client.put(f"clusters/{cluster_id}", content=wrong).status_code == 400
    assert counts(engine) == before


def test_a_cluster_sent_back_whole_changes_only_what_differs(engine: Engine, client: Client, cluster_id: str) -> None:
    sent = client.get(f"clusters/{cluster_id}", params={"follow": "networks,data_center"}).content
    before = counts(engine)
    client.put_xml(f"clusters/{cluster_id}", sent.decode())
    assert counts(engine) == before
    changed = sent.replace(b"<comment></comment>", b"<comment>mine</comment><unheard_of/>")
    client.put_xml(f"clusters/{cluster_id}", changed.decode())
    assert client.xml(f"clusters/{cluster_id}").findtext("comment") == "mine"


def test_the_life_of_a_network_in_a_cluster(sdk: ovirtsdk4.Connection, client: Client, cluster_id: str) -> None:
    network_id = add_network(client, "tenants", '<vlan id="200"/>')
    service = sdk.system_service().clusters_service().cluster_service(cluster_id).networks_service()
    attached = service.add(
        t.Network(id=network_id, name="tenants", required=False, display=True, usages=[t.NetworkUsage.DISPLAY])
    )
    assert (attached.required, attached.display, attached.vlan.id) == (False, True, 200)
    assert attached.usages == [t.NetworkUsage.VM, t.NetworkUsage.DISPLAY]
    assert attached.status == t.NetworkStatus.OPERATIONAL
    assert (attached.cluster.id, attached.data_center.id) == (cluster_id, client.first_id("datacenters"))
    one = service.network_service(network_id)
    changed = one.update(t.Network(usages=[t.NetworkUsage.VM, t.NetworkUsage.MIGRATION], required=True))
    assert (changed.usages, changed.display) == ([t.NetworkUsage.VM, t.NetworkUsage.MIGRATION], False)
    assert one.update(t.Network(display=True)).usages == [
        t.NetworkUsage.VM,
        t.NetworkUsage.DISPLAY,
        t.NetworkUsage.MIGRATION,
    ]
    assert one.update(t.Network(display=False)).usages == [t.NetworkUsage.VM, t.NetworkUsage.MIGRATION]
    assert sorted(network.name for network in service.list()) == ["ovirtmgmt", "tenants"]
    assert [n.name for n in sdk.system_service().networks_service().list(search="cluster=Default")] == [
        "ovirtmgmt",
        "tenants",
    ]
    one.remove()
    with pytest.raises(ovirtsdk4.NotFoundError):
        one.get()


def test_what_netweft_does_not_do_stays_off_and_costs_nothing_to_ask_for(
    engine: Engine, client: Client, cluster_id: str
) -> None:
    path, before = f"clusters/{cluster_id}", stored(engine)
    shown = client.get(path).content
    asked = "<ballooning_enabled>true</ballooning_enabled><ksm><enabled>true</enabled></ksm>"
    asked += "<fencing_policy><enabled>true</enabled></fencing_policy>"
    asked += "<memory_policy><over_commit><percent>200</percent></over_commit></memory_policy>"
    client.put_xml(path, f"<cluster>{asked}</cluster>")
    assert client.get(path).content == shown
    assert client.get(f"{path}?all_content=true").content == shown
    assert stored(engine) == before


def test_a_network_can_be_attached_by_name_and_with_the_old_display(client: Client, cluster_id: str) -> None:
    network_id = add_network(client, "tenants")
    client.post_xml(f"clusters/{cluster_id}/networks", "<network><name>tenants</name><display>true</display></network>")
    assert usages(client, cluster_id, network_id) == ["vm", "display"]


def test_a_network_of_a_cluster_sent_back_whole(engine: Engine, client: Client, cluster_id: str) -> None:
    network_id = add_network(client, "tenants")
    path = f"clusters/{cluster_id}/networks/{network_id}"
    client.post_xml(f"clusters/{cluster_id}/networks", f'<network id="{network_id}"><usages/></network>')
    sent = client.get(path).content
    before = counts(engine)
    client.put_xml(path, sent.decode())
    assert counts(engine) == before
    changed = sent.replace(b"<required>true", b"<required>false").replace(b"<mtu>0</mtu>", b"<mtu>9000</mtu>")
    client.put_xml(path, changed.decode())
    shown = client.xml(path)
    assert (shown.findtext("required"), shown.findtext("mtu")) == ("false", "0")
    management = client.first_id(f"clusters/{cluster_id}/networks", search="name=ovirtmgmt")
    there = f"clusters/{cluster_id}/networks/{management}"
    client.put_xml(there, client.get(there).text)
    assert len(usages(client, cluster_id, management)) == 5


def test_networks_of_clusters_that_are_not_there_or_not_whole(engine: Engine, client: Client, cluster_id: str) -> None:
    networks, bare = f"clusters/{cluster_id}/networks", add_network(client, "bare")
    before = counts(engine)
    assert client.post(networks, content="<network/>").status_code == 400
    assert client.post(networks, content="<network><name>none</name></network>").status_code == 404
    assert client.delete(f"{networks}/{bare}").status_code == 404
    wrong = "<network><usages><usage>gaming</usage></usages></network>"
    management = client.first_id(networks)
    assert client.put(f"{networks}/{management}", content=wrong).status_code == 400
    assert counts(engine) == before
