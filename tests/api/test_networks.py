"""Networks, their labels, and data centres through the API."""

from __future__ import annotations

import ovirtsdk4
import ovirtsdk4.types as t
import pytest
from lxml import etree
from sqlalchemy import func, select, text

from api.served import Client, Engine
from netweft.engine.model.base import metadata

NETWORK = "<network><name>{name}</name>{more}<data_center><name>Default</name></data_center></network>"


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


def test_null_takes_a_vlan_off_or_is_refused_by_name(client: Client) -> None:
    where = f"networks/{add(client, 'tenants', '<vlan><id>7</id></vlan>')}"
    json = {"Content-Type": "application/json", "Accept": "application/json"}
    refused = client.put(where, content='{"mtu": null}', headers=json)
    assert (refused.status_code, "network.mtu" in refused.text) == (400, True)
    changed = client.put(where, content='{"vlan": null}', headers=json)
    assert (changed.status_code, "vlan" in changed.json()) == (200, False)
    assert "vlan" not in client.get(where, headers=json).json()


def test_a_reference_that_must_be_is_not_taken_away(client: Client) -> None:
    answer = client.put(f"networks/{add(client, 'tenants')}", content="<network><data_center/></network>")
    assert (answer.status_code, "Network [dataCenter [id|name] required" in answer.text) == (400, True)


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
    service.label_service("blue").remove()
    assert client.delete(f"networks/{network_id}/networklabels/blue").status_code == 404


def test_an_entity_sent_back_whole_changes_only_what_differs(engine: Engine, client: Client) -> None:
    network_id = add(client, "tenants", '<vlan id="7"/><dns_resolver_configuration/>')
    path = f"networks/{network_id}"
    sent = client.get(path, params={"follow": "vnic_profiles,data_center"}).content
    before, plain = counts(engine), client.get(path).content
    client.put_xml(path, sent.decode())
    assert counts(engine) == before
    changed = sent.replace(b"<mtu>0</mtu>", b"<mtu>9000</mtu><unheard_of><x>1</x></unheard_of>")
    changed = changed.replace(b"<vdsm_name>tenants", b"<vdsm_name>other")
    client.put_xml(path, changed.decode())
    after = client.get(path).content
    assert after == plain.replace(b"<mtu>0</mtu>", b"<mtu>9000</mtu>")
    shown = etree.fromstring(after)
    assert (shown.findtext("mtu"), shown.findtext("vdsm_name"), shown.find("vlan").get("id")) == (
        "9000",
        "tenants",
        "7",
    )


def test_networks_that_are_not_whole_are_refused(engine: Engine, client: Client) -> None:
    before = counts(engine)
    for body, status in (
        ("<network><data_center><name>Default</name></data_center></network>", 400),
        ("<network><name>t</name></network>", 400),
        ("<network><name>t</name><data_center><name>nowhere</name></data_center></network>", 404),
        ('<network><name>t</name><vlan id="x"/></network>', 400),
    ):
        assert client.post("networks", content=body).status_code == status, body
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
    one.remove()
    with pytest.raises(ovirtsdk4.NotFoundError):
        one.get()
