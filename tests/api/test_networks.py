"""Networks, their labels, and data centres through the API."""

from __future__ import annotations

import ovirtsdk4
import ovirtsdk4.types as t
import pytest
from lxml import etree
from sqlalchemy import func, select, text

import rows
from api.served import Client, Engine
from netloom.engine.model.base import metadata
from netloom.engine.model.clusters import clusters
from netloom.engine.model.vnic_profiles import vnic_profiles

NETWORK = "<network><name>{name}</name>{more}<data_center><name>Default</name></data_center></network>"

USED = (
    "The name of the logical network 'ovirtmgmt' is already used by an existing logical network in the same data-center"
)
"""What tools look for, word for word."""


def add(client: Client, name: str, more: str = "") -> str:
    return str(client.post_xml("networks", NETWORK.format(name=name, more=more)).get("id"))


def counts(engine: Engine) -> dict[str, int]:
    """How many rows each table has, but for tokens."""
    with engine.db.read() as tx:
        return {
            name: tx.scalar(select(func.count()).select_from(text(name))) or 0
            for name in metadata.tables
            if "token" not in name and "session" not in name
        }


def refused(client: Client, method: str, path: str, body: str, expected: str) -> None:
    answer = client.request(method, path, content=body.encode())
    assert answer.status_code == 409, f"{method} {path} {body}: {answer.status_code} {answer.text}"
    fault = etree.fromstring(answer.content)
    detail = fault.findtext("detail") or ""
    assert expected in detail, f"{method} {path} {body}: {detail}"
    assert detail.startswith("[Cannot "), detail
    assert fault.findtext("reason") == "Operation Failed"


def test_the_life_of_a_network(sdk: ovirtsdk4.Connection) -> None:
    service = sdk.system_service().networks_service()
    made = service.add(
        t.Network(
            name="tenants",
            description="My logical network",
            data_center=t.DataCenter(name="Default"),
            vlan=t.Vlan(id=200),
            mtu=1500,
            usages=[t.NetworkUsage.VM],
            dns_resolver_configuration=t.DnsResolverConfiguration(name_servers=["192.0.2.1"]),
        )
    )
    one = service.network_service(made.id)
    shown = one.get(follow="vnic_profiles,network_labels")
    assert (shown.name, shown.vlan.id, shown.mtu, shown.usages) == ("tenants", 200, 1500, [t.NetworkUsage.VM])
    assert [(profile.name, profile.network.id) for profile in shown.vnic_profiles] == [("tenants", made.id)]
    assert shown.dns_resolver_configuration.name_servers == ["192.0.2.1"]
    shown.mtu = 9000
    assert one.update(shown).mtu == 9000
    one.update(t.Network(vlan=t.Vlan(), usages=[], dns_resolver_configuration=t.DnsResolverConfiguration()))
    changed = one.get()
    assert (changed.vlan, changed.usages, changed.dns_resolver_configuration) == (None, [], None)
    assert [n.name for n in service.list(search='name="tenants" and datacenter="Default"')] == ["tenants"]
    one.remove()
    with pytest.raises(ovirtsdk4.NotFoundError):
        one.get()
    with pytest.raises(ovirtsdk4.NotFoundError):
        one.remove()


def test_a_network_is_also_below_its_data_centre(sdk: ovirtsdk4.Connection, client: Client) -> None:
    data_centers = sdk.system_service().data_centers_service()
    other = data_centers.add(t.DataCenter(name="north", local=False))
    service = data_centers.data_center_service(data_centers.list(search="name=Default")[0].id).networks_service()
    made = service.add(t.Network(name="storage", usages=[]))
    one = service.network_service(made.id)
    assert one.update(t.Network(comment="disks")).comment == "disks"
    assert one.get().comment == "disks"
    elsewhere = f"datacenters/{other.id}/networks/{made.id}"
    assert client.get(elsewhere).status_code == 404
    assert client.put(elsewhere, content="<network/>").status_code == 404
    assert client.delete(elsewhere).status_code == 404
    one.remove()


def test_labels(sdk: ovirtsdk4.Connection, client: Client) -> None:
    network_id = add(client, "tenants")
    service = sdk.system_service().networks_service().network_service(network_id).network_labels_service()
    assert service.list() == []
    service.add(t.NetworkLabel(id="blue"))
    assert [label.id for label in service.list()] == ["blue"]
    assert service.label_service("blue").get().network.id == network_id
    assert client.get(f"networks/{network_id}/networklabels/red").status_code == 404
    refused(
        client, "POST", f"networks/{network_id}/networklabels", '<network_label id="red"/>', "already has the label"
    )
    service.label_service("blue").remove()
    assert client.delete(f"networks/{network_id}/networklabels/blue").status_code == 404
    refused(client, "POST", f"networks/{network_id}/networklabels", '<network_label id="a b"/>', "may only contain")


def test_an_entity_sent_back_whole_changes_only_what_differs(engine: Engine, client: Client) -> None:
    network_id = add(client, "tenants", '<vlan id="7"/><dns_resolver_configuration/>')
    path = f"networks/{network_id}"
    sent = client.get(path, params={"follow": "vnic_profiles,data_center"}).content
    before = counts(engine)
    client.put_xml(path, sent.decode())
    assert counts(engine) == before
    changed = sent.replace(b"<mtu>0</mtu>", b"<mtu>9000</mtu><unheard_of><x>1</x></unheard_of>")
    changed = changed.replace(b"<vdsm_name>tenants", b"<vdsm_name>other")
    client.put_xml(path, changed.decode())
    after = client.get(path).content
    assert after == client.get(path).content
    assert after.replace(b"<mtu>9000</mtu>", b"<mtu>0</mtu>") == client.get(path).content.replace(b"9000", b"0")
    shown = etree.fromstring(after)
    assert (shown.findtext("mtu"), shown.findtext("vdsm_name"), shown.find("vlan").get("id")) == (
        "9000",
        "tenants",
        "7",
    )


def test_what_is_refused_when_adding(engine: Engine, client: Client) -> None:
    add(client, "a network of many words")
    host_side = client.xml("networks", search='name="a network of many words"')[0].findtext("vdsm_name")
    before = counts(engine)
    for name, more, expected in (
        ("", "", "name may not be empty"),
        ("x" * 257, "", "has 257 characters"),
        ("two&#10;lines", "", "control character"),
        ("bond0", "", "begins with 'bond'"),
        (
            "ovirtmgmt",
            "",
            USED,
        ),
        (host_side, "", "is what another network of the data centre is called on hosts"),
        ("t", f"<description>{'x' * 4001}</description>", "has 4001 characters"),
        ("t", '<vlan id="4095"/>', "VLAN 4095 does not exist"),
        ("t", "<mtu>60</mtu>", "An MTU of 60 is not possible"),
        ("t", _servers("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"), "4 name servers are given"),
        ("t", _servers("dns.example"), "is not an IP address"),
        ("t", _servers("192.0.2.1", "192.0.2.1"), "is given twice"),
        ("t", "<usages/><stp>true</stp>", "STP can only be enabled on a VM network"),
        ("t", "<usages/><port_isolation>true</port_isolation>", "Port isolation can only be enabled on a VM network"),
        ("t", '<qos id="5f5d0b52-0d3b-4b5c-a7a2-6a2d4e1f0a11"/>', "There is no QoS"),
    ):
        refused(client, "POST", "networks", NETWORK.format(name=name, more=more), expected)
    for body, status in (
        ("<network><data_center><name>Default</name></data_center></network>", 400),
        ("<network><name>t</name></network>", 400),
        ("<network><name>t</name><data_center><name>nowhere</name></data_center></network>", 404),
        ('<network><name>t</name><vlan id="x"/></network>', 400),
    ):
        assert client.post("networks", content=body).status_code == status, body
    assert counts(engine) == before


def _servers(*servers: str) -> str:
    listed = "".join(f"<name_server>{server}</name_server>" for server in servers)
    return f"<dns_resolver_configuration><name_servers>{listed}</name_servers></dns_resolver_configuration>"


def test_what_is_refused_when_changing_and_removing(engine: Engine, client: Client) -> None:
    network_id = add(client, "tenants")
    client.post_xml("datacenters", "<data_center><name>north</name></data_center>")
    with engine.db.write() as tx:
        cluster_id = tx.execute(select(clusters.c.id)).scalar_one()
        profile = tx.execute(select(vnic_profiles.c.id).where(vnic_profiles.c.network_id == network_id)).scalar_one()
        rows.add_vnic(tx, rows.add_vm(tx, cluster_id, "web"), profile, "02:00:00:00:00:01")
        rows.attach(tx, rows.add_host(tx, cluster_id, "h1"), network_id)
    before = counts(engine)
    for body, expected in (
        ("<name>ovirtmgmt</name>", USED),
        ("<name>bond</name>", "begins with 'bond'"),
        ("<name>customers</name>", "cannot be renamed while hosts carry it: h1"),
        ("<port_isolation>true</port_isolation>", "Port isolation cannot be changed"),
        ("<usages/>", "is used by VMs: web"),
        ("<usages/><stp>true</stp>", "STP can only be enabled on a VM network"),
        ('<vlan id="4095"/>', "VLAN 4095 does not exist"),
        ("<data_center><name>north</name></data_center>", "cannot move to another data centre"),
        ('<qos id="5f5d0b52-0d3b-4b5c-a7a2-6a2d4e1f0a11"/>', "There is no QoS"),
    ):
        refused(client, "PUT", f"networks/{network_id}", f"<network>{body}</network>", expected)
    refused(client, "DELETE", f"networks/{network_id}", "", "is used by VMs: web")
    management = client.first_id("networks", search="name=ovirtmgmt and datacenter=Default")
    refused(client, "DELETE", f"networks/{management}", "", "is the management network of these clusters: Default")
    assert counts(engine) == before


def test_data_centres(sdk: ovirtsdk4.Connection, engine: Engine, client: Client) -> None:
    service = sdk.system_service().data_centers_service()
    made = service.add(t.DataCenter(name="north", description="d", local=False, version=t.Version(major=4, minor=7)))
    one = service.data_center_service(made.id)
    assert (one.get().version.minor, one.get().status) == (7, t.DataCenterStatus.UP)
    assert one.update(t.DataCenter(name="south", comment="c")).name == "south"
    sent = client.get(f"datacenters/{made.id}").content.decode()
    before = counts(engine)
    client.put_xml(f"datacenters/{made.id}", sent)
    assert counts(engine) == before
    path = f"datacenters/{made.id}"
    cluster = client.post_xml("clusters", f'<cluster><name>c</name><data_center id="{made.id}"/></cluster>').get("id")
    before = counts(engine)
    for method, where, body, expected in (
        ("POST", "datacenters", "<name> </name>", "name may not be empty"),
        ("POST", "datacenters", f"<name>{'x' * 41}</name>", "has 41 characters"),
        ("POST", "datacenters", "<name>Default</name>", "name 'Default' is already used"),
        ("POST", "datacenters", "<name>n</name><version><major>3</major><minor>6</minor></version>", "not supported"),
        ("PUT", path, "<name>Default</name>", "name 'Default' is already used"),
        ("PUT", path, "<version><major>4</major><minor>8</minor></version>", "is above that of these clusters: c"),
        ("DELETE", path, "", "still has clusters: c"),
    ):
        refused(client, method, where, f"<data_center>{body}</data_center>" if body else "", expected)
    assert counts(engine) == before
    client.delete(f"clusters/{cluster}")
    one.remove()
    with pytest.raises(ovirtsdk4.NotFoundError):
        one.get()
