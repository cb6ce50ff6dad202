"""Clusters and their networks through the API."""

from __future__ import annotations

import ovirtsdk4
import ovirtsdk4.types as t
import pytest
from sqlalchemy import select

import rows
from api.served import Client, Engine
from api.test_networks import add as add_network
from api.test_networks import counts, refused
from netloom.engine.model.vnic_profiles import vnic_profiles


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


def test_what_clusters_refuse(engine: Engine, client: Client) -> None:
    client.post_xml("datacenters", "<data_center><name>north</name></data_center>")
    foreign = client.first_id("networks", search="datacenter=north")
    isolated = add_network(client, "apart", "<port_isolation>true</port_isolation>")
    made = client.post_xml(
        "clusters", "<cluster><name>racks</name><data_center><name>Default</name></data_center></cluster>"
    )
    path = f"clusters/{made.get('id')}"
    client.post_xml(f"{path}/networks", f'<network id="{isolated}"/>')
    with engine.db.write() as tx:
        rows.add_host(tx, str(made.get("id")), "h1")
        rows.add_vm(tx, str(made.get("id")), "web")
    before = counts(engine)
    for body, expected in (
        ("<name/>", "name may not be empty"),
        (f"<name>{'x' * 41}</name>", "has 41 characters"),
        ("<name>racks</name>", "name 'racks' is already used"),
        ("<name>n</name><version><major>4</major><minor>2</minor></version>", "is below that of the data centre"),
        ("<name>n</name><version><major>9</major><minor>2</minor></version>", "is not supported"),
        (f'<name>n</name><management_network id="{foreign}"/>', "belongs to a different data-center"),
        (
            f'<name>n</name><management_network id="{isolated}"/><switch_type>ovs</switch_type>',
            "need the switch type 'legacy': apart",
        ),
    ):
        whole = f"<cluster>{body}<data_center><name>Default</name></data_center></cluster>"
        refused(client, "POST", "clusters", whole, expected)
    for body, expected in (
        ("<name>Default</name>", "name 'Default' is already used"),
        ("<data_center><name>north</name></data_center>", "cannot move to another data centre"),
        ("<version><major>4</major><minor>6</minor></version>", "is below that of the data centre"),
        ("<switch_type>ovs</switch_type>", "while hosts of the cluster are active: h1"),
    ):
        refused(client, "PUT", path, f"<cluster>{body}</cluster>", expected)
    refused(client, "DELETE", path, "", "still has hosts: h1")
    refused(client, "DELETE", path, "", "still has VMs: web")
    assert client.post("clusters", content="<cluster><name>n</name></cluster>").status_code == 400
    wrong = "<cluster><switch_type>hub</switch_type></cluster>"
    assert client.put(path, content=wrong).status_code == 400
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


def test_what_networks_of_clusters_refuse(engine: Engine, client: Client, cluster_id: str) -> None:
    client.post_xml("datacenters", "<data_center><name>north</name></data_center>")
    foreign = client.first_id("networks", search="datacenter=north")
    isolated = add_network(client, "apart", "<port_isolation>true</port_isolation>")
    attached, bare = add_network(client, "tenants"), add_network(client, "bare")
    networks = f"clusters/{cluster_id}/networks"
    client.post_xml(networks, f'<network id="{attached}"/>')
    ovs = client.post_xml(
        "clusters",
        "<cluster><name>ovs</name><switch_type>ovs</switch_type><data_center><name>Default</name></data_center></cluster>",
    ).get("id")
    with engine.db.write() as tx:
        rows.attach(tx, rows.add_host(tx, cluster_id, "h1"), attached)
        profile = tx.execute(select(vnic_profiles.c.id).where(vnic_profiles.c.network_id == attached)).scalar_one()
        rows.add_vnic(tx, rows.add_vm(tx, cluster_id, "web"), profile, "02:00:00:00:00:01")
    management = client.first_id(networks, search="name=ovirtmgmt")
    before = counts(engine)
    role = "<usages><usage>{}</usage></usages>"
    for method, path, body, expected in (
        ("POST", networks, f'<network id="{foreign}"/>', "belongs to a different data-center"),
        ("POST", networks, f'<network id="{attached}"/>', "is already attached to the cluster 'Default'"),
        ("POST", f"clusters/{ovs}/networks", f'<network id="{isolated}"/>', "needs a cluster with the switch type"),
        (
            "POST",
            networks,
            f'<network id="{bare}"><required>false</required>{role.format("management")}</network>',
            "must be required",
        ),
        (
            "POST",
            networks,
            f'<network id="{bare}">{role.format("management")}</network>',
            "cannot change while the cluster has hosts: h1",
        ),
        ("PUT", f"{networks}/{bare}", "<network><required>true</required></network>", "is not attached to the cluster"),
        (
            "PUT",
            f"{networks}/{management}",
            f"<network>{role.format('vm')}</network>",
            "cannot simply stop being the management network",
        ),
        ("PUT", f"{networks}/{management}", "<network><required>false</required></network>", "must be required"),
        (
            "PUT",
            f"{networks}/{attached}",
            f"<network>{role.format('migration')}</network>",
            "needs an IP address wherever it has a role, but has none on: eth1 of h1",
        ),
        ("DELETE", f"{networks}/{attached}", "", "is used by VMs: web"),
        ("DELETE", f"{networks}/{management}", "", "is the management network of the cluster"),
    ):
        refused(client, method, path, body, expected)
    assert client.post(networks, content="<network/>").status_code == 400
    assert client.post(networks, content="<network><name>none</name></network>").status_code == 404
    assert client.delete(f"{networks}/{bare}").status_code == 404
    wrong = f"<network>{role.format('gaming')}</network>"
    assert client.put(f"{networks}/{attached}", content=wrong).status_code == 400
    assert counts(engine) == before
