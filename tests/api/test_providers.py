"""Providers of external networks through oVirt's API, and their state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ovirtsdk4
import ovirtsdk4.types as ovirt
import pytest
from lxml import etree

from api.served import Client, Engine
from fleet import Fleet, running_fleet
from memory_provider import CERTIFICATE, PASSWORD


@pytest.fixture(autouse=True)
def fleet(engine: Engine, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(engine.db, tmp_path) as fleet:
        yield fleet


def add(sdk: ovirtsdk4.Connection, **values: object) -> ovirt.OpenStackNetworkProvider:
    desired = {"name": "blue", "type": ovirt.OpenStackNetworkProviderType.NEUTRON, "url": "http://up.example", **values}
    return sdk.system_service().openstack_network_providers_service().add(ovirt.OpenStackNetworkProvider(**desired))


def test_the_life_of_one(sdk: ovirtsdk4.Connection) -> None:
    providers = sdk.system_service().openstack_network_providers_service()
    made = add(
        sdk,
        requires_authentication=True,
        authentication_url="http://keystone.example/v3",
        username="netweft",
        password=PASSWORD,
        tenant_name="infra",
    )
    assert (made.username, made.tenant_name, made.password) == ("netweft", "infra", None)
    service = providers.provider_service(made.id)
    service.update(ovirt.OpenStackNetworkProvider(name="green", url="http://other.example"))
    (listed,) = providers.list(search="name=green")
    assert (listed.id, listed.url) == (made.id, "http://other.example")
    service.test_connectivity()
    service.remove()
    assert providers.list() == []


def test_one_that_does_not_answer_is_refused(sdk: ovirtsdk4.Connection) -> None:
    with pytest.raises(ovirtsdk4.Error, match="cannot be reached: nobody is there"):
        add(sdk, url="http://down.example")
    assert sdk.system_service().openstack_network_providers_service().list() == []


def test_one_that_is_added_without_waiting(client: Client, fleet: Fleet) -> None:
    body = "<openstack_network_provider><name>blue</name><type>neutron</type><url>http://up.example</url>"
    path = "/openstacknetworkproviders"
    answer = client.post(f"{path}?async=true", content=f"{body}</openstack_network_provider>".encode())
    assert answer.status_code == 202, answer.text
    provider_id = etree.fromstring(answer.content).get("id")
    fleet.until(lambda: client.get(f"{path}/{provider_id}").status_code == 200)


def test_certificates_are_imported(sdk: ovirtsdk4.Connection) -> None:
    made = add(sdk)
    service = sdk.system_service().openstack_network_providers_service().provider_service(made.id)
    with pytest.raises(ovirtsdk4.Error, match="is not trusted"):
        service.update(ovirt.OpenStackNetworkProvider(url="https://tls.example"))
    service.import_certificates(certificates=[ovirt.Certificate(content=CERTIFICATE)])
    service.update(ovirt.OpenStackNetworkProvider(url="https://tls.example"))


def test_one_is_added_with_its_certificates(sdk: ovirtsdk4.Connection) -> None:
    made = add(sdk, url="https://tls.example", certificates=[ovirt.Certificate(content=CERTIFICATE)])
    assert [one.content for one in made.certificates] == [CERTIFICATE]
    service = sdk.system_service().openstack_network_providers_service().provider_service(made.id)
    with pytest.raises(ovirtsdk4.Error, match="is not trusted"):
        service.update(ovirt.OpenStackNetworkProvider(certificates=[]))


def test_certificates_say_whose_they_are(engine: Engine, sdk: ovirtsdk4.Connection) -> None:
    authority = engine.authority.certificate
    made = add(sdk, certificates=[ovirt.Certificate(content=one) for one in (authority, CERTIFICATE)])
    ours, unreadable = made.certificates
    assert ours.subject.startswith("CN=Netweft ca")
    assert (ours.organization, unreadable.subject) == (None, None)
    sdk.system_service().openstack_network_providers_service().provider_service(made.id).update(made)


def test_what_it_has_is_listed(sdk: ovirtsdk4.Connection, client: Client) -> None:
    made = add(sdk)
    networks = sdk.system_service().openstack_network_providers_service().provider_service(made.id).networks_service()
    assert [one.name for one in networks.list()] == ["blue", "red"]
    red = networks.network_service("1")
    assert red.get().description == "a red one"
    low, six = red.subnets_service().list()
    assert (low.cidr, low.ip_version, low.gateway) == ("192.0.2.0/24", "v4", "192.0.2.1")
    assert six.dns_servers == ["2001:db8::53"]
    assert red.subnets_service().subnet_service("12").get().name == "six"
    path = f"/openstacknetworkproviders/{made.id}/networks"
    assert client.get(f"{path}/9").status_code == 404
    assert client.get(f"{path}/9/subnets").status_code == 404
    assert client.get(f"{path}/9/subnets/11").status_code == 404


def test_its_state(sdk: ovirtsdk4.Connection, client: Client, engine: Engine) -> None:
    made = add(sdk)
    (state,) = client.get(f"{engine.url}/netweft/v1/providers").json()["providers"]
    assert (state["name"], state["status"], state["status_reason"]) == ("blue", "ok", "")
    assert state["checked_at"]
    assert client.get(f"{engine.url}/netweft/v1/providers/{made.id}").json() == state


def test_what_it_wants_on_hosts(sdk: ovirtsdk4.Connection) -> None:
    plugin = ovirt.AgentConfiguration(address="tcp:192.0.2.1:6642", network_mappings="physnet1:wire")
    made = add(sdk, agent_configuration=plugin, external_plugin_type="OVIRT_PROVIDER_OVN")
    assert (made.agent_configuration.address, made.agent_configuration.network_mappings) == (
        "tcp:192.0.2.1:6642",
        "physnet1:wire",
    )
    assert (made.external_plugin_type, made.plugin_type) == ("OVIRT_PROVIDER_OVN", None)
    service = sdk.system_service().openstack_network_providers_service().provider_service(made.id)
    with pytest.raises(ovirtsdk4.Error, match=r"agent_configuration\.port"):
        service.update(ovirt.OpenStackNetworkProvider(agent_configuration=ovirt.AgentConfiguration(port=6642)))
    changed = service.update(
        ovirt.OpenStackNetworkProvider(
            agent_configuration=ovirt.AgentConfiguration(address="unix:/run/ovn/ovnsb_db.sock")
        )
    )
    assert (changed.agent_configuration.address, changed.agent_configuration.network_mappings) == (
        "unix:/run/ovn/ovnsb_db.sock",
        "physnet1:wire",
    )
    service.update(ovirt.OpenStackNetworkProvider(agent_configuration=ovirt.AgentConfiguration()))
    assert service.get().agent_configuration is None


def test_it_is_the_default_provider_of_a_cluster(sdk: ovirtsdk4.Connection) -> None:
    made = add(sdk)
    clusters = sdk.system_service().clusters_service()
    where = ovirt.DataCenter(name="Default")
    desired = [ovirt.ExternalProvider(name="blue")]
    cluster = clusters.add(ovirt.Cluster(name="racks", data_center=where, external_network_providers=desired))
    assert [(one.id, one.name) for one in cluster.external_network_providers] == [(made.id, "blue")]
    assert [one.id for one in sdk.follow_link(cluster.external_network_providers)] == [made.id]
    service = clusters.cluster_service(cluster.id)
    assert [one.name for one in service.external_network_providers_service().list()] == ["blue"]
    providers = sdk.system_service().openstack_network_providers_service()
    with pytest.raises(ovirtsdk4.Error, match="default provider of these clusters: racks"):
        providers.provider_service(made.id).remove()
    service.update(service.get())
    assert [one.id for one in service.get().external_network_providers] == [made.id]
    service.update(ovirt.Cluster(external_network_providers=[]))
    assert sdk.follow_link(service.get().external_network_providers) == []
    providers.provider_service(made.id).remove()
