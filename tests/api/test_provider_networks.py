"""Networks that providers have, through oVirt's API: made, changed, imported and removed there, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ovirtsdk4
import ovirtsdk4.types as ovirt
import pytest
import sqlalchemy as sa

import memory_provider
from api.served import Client, Engine
from fleet import Fleet, running_fleet
from memory_provider import DOWN, System
from netweft.engine.db import new_id, utc_now
from netweft.engine.jobs import provider_watch
from netweft.engine.jobs.provider_watch import ProviderMonitor
from netweft.engine.model.provider_objects import provider_objects
from netweft.providers.contract import ProviderNetwork, ProviderPort, ProviderSubnet, RefusedError

URL = "http://networks.example"
JSON = {"Accept": "application/json", "Content-Type": "application/json"}
DEFAULT = ovirt.DataCenter(name="Default")


@pytest.fixture(autouse=True)
def fleet(engine: Engine, tmp_path: Path) -> Iterator[Fleet]:
    memory_provider.forget(URL)
    with running_fleet(engine.db, tmp_path) as fleet:
        yield fleet


@pytest.fixture
def there() -> System:
    """The provider's side."""
    return memory_provider.system(URL)


@pytest.fixture
def provider(sdk: ovirtsdk4.Connection) -> ovirt.OpenStackNetworkProvider:
    desired = ovirt.OpenStackNetworkProvider(name="clouds", type=ovirt.OpenStackNetworkProviderType.NEUTRON, url=URL)
    return sdk.system_service().openstack_network_providers_service().add(desired)


def add(sdk: ovirtsdk4.Connection, provider: ovirt.OpenStackNetworkProvider | None, **values: object) -> ovirt.Network:
    on = ovirt.OpenStackNetworkProvider(id=provider.id) if provider else None
    desired = {"name": "red net", "data_center": DEFAULT, "external_provider": on, **values}
    return sdk.system_service().networks_service().add(ovirt.Network(**desired))


def mine(there: System) -> list[ProviderNetwork]:
    return [one for one in there.networks.values() if one.owner]


def state(client: Client, network: ovirt.Network) -> dict[str, object]:
    answer = client.get(f"{addition(client)}/networks/{network.id}", headers=JSON)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["provision"])


def addition(client: Client) -> str:
    """Where Netweft's own part of the API is."""
    return f"{str(client.base_url).partition('/ovirt-engine')[0]}/netweft/v1"


def until(fleet: Fleet, client: Client, network: ovirt.Network, desired: str) -> dict[str, object]:
    fleet.until(lambda: state(client, network)["state"] == desired)
    return state(client, network)


def test_the_life_of_one(
    sdk: ovirtsdk4.Connection, client: Client, fleet: Fleet, there: System, provider: object
) -> None:
    made = add(sdk, provider, description="a red one", mtu=1400)
    assert made.external_provider.id == provider.id
    found = until(fleet, client, made, "ok")
    (one,) = mine(there)
    assert (one.owner, one.name, one.description, one.mtu) == (made.id, "red net", "a red one", 1400)
    assert (found["external_id"], found["imported"], found["provider_id"]) == (one.id, False, provider.id)
    service = sdk.system_service().networks_service().network_service(made.id)
    service.update(ovirt.Network(name="green", description="", mtu=1300))
    fleet.until(lambda: mine(there)[0].name == "green")
    assert (mine(there)[0].description, mine(there)[0].mtu) == ("", 1300)
    service.update(service.get())  # sent back as it is
    (profile,) = sdk.follow_link(service.get().vnic_profiles)
    assert profile.network_filter is None
    service.remove()
    fleet.until(lambda: mine(there) == [])


def test_one_on_a_physical_network(sdk: ovirtsdk4.Connection, fleet: Fleet, there: System, provider: object) -> None:
    wire = add(sdk, None, name="wire", vlan=ovirt.Vlan(id=7))
    made = add(sdk, provider, external_provider_physical_network=ovirt.Network(id=wire.id))
    assert made.external_provider_physical_network.id == wire.id
    fleet.until(lambda: bool(mine(there)))
    assert (mine(there)[0].physical_network, mine(there)[0].vlan_id) == ("wire", 7)
    with pytest.raises(ovirtsdk4.Error, match="is the physical network of these networks on providers: red net"):
        sdk.system_service().networks_service().network_service(wire.id).remove()


def test_what_was_made_for_a_network_here_is_not_imported_by_another_way(
    sdk: ovirtsdk4.Connection, provider: ovirt.OpenStackNetworkProvider
) -> None:
    made = add(sdk, provider)
    again = ovirt.OpenStackNetworkProvider(name="again", type=ovirt.OpenStackNetworkProviderType.NEUTRON, url=URL)
    other = sdk.system_service().openstack_network_providers_service().add(again)
    there = sdk.system_service().openstack_network_providers_service().provider_service(other.id).networks_service()
    (found,) = [one for one in there.list() if one.name == made.name]
    elsewhere = sdk.system_service().data_centers_service().add(ovirt.DataCenter(name="elsewhere"))
    with pytest.raises(ovirtsdk4.Error, match="is here already, as 'red net'"):
        there.network_service(found.id).import_(data_center=ovirt.DataCenter(id=elsewhere.id))


def test_one_is_imported(sdk: ovirtsdk4.Connection, client: Client, there: System, provider: object) -> None:
    networks = (
        sdk.system_service().openstack_network_providers_service().provider_service(provider.id).networks_service()
    )
    networks.network_service("1").import_(data_center=DEFAULT)
    (made,) = sdk.system_service().networks_service().list(search="name=red")
    assert (made.description, made.mtu, made.external_provider.id) == ("a red one", 1442, provider.id)
    found = state(client, made)
    assert (found["state"], found["imported"], found["external_id"]) == ("ok", True, "1")
    sdk.system_service().networks_service().network_service(made.id).update(ovirt.Network(name="mine"))
    with pytest.raises(ovirtsdk4.Error, match="is here already, as 'mine'"):
        networks.network_service("1").import_(data_center=DEFAULT)
    with pytest.raises(ovirtsdk4.Error, match="The provider has no network none"):
        networks.network_service("none").import_(data_center=DEFAULT)
    service = sdk.system_service().networks_service().network_service(made.id)
    service.update(ovirt.Network(description="here only"))
    with pytest.raises(ovirtsdk4.Error, match="was imported, so Netweft does not change it"):
        service.update(ovirt.Network(mtu=1300))
    service.remove()
    assert there.networks["1"].description == "a red one"


def test_subnets_go_to_the_provider(
    sdk: ovirtsdk4.Connection, client: Client, fleet: Fleet, there: System, provider: object
) -> None:
    made = add(sdk, provider)
    until(fleet, client, made, "ok")
    path = f"{addition(client)}/networks/{made.id}/subnets"
    body = {"name": "low", "cidr": "192.0.2.0/24", "gateway": "192.0.2.1", "dhcp": True}
    added = client.post(path, json=body, headers=JSON)
    assert added.status_code == 201, added.text
    assert "dhcp_server" not in added.json(), "the provider serves it"
    fleet.until(lambda: bool(there.specs))
    (spec,) = there.specs.values()
    assert (spec.cidr, spec.gateway, spec.dhcp, spec.network_id) == (
        "192.0.2.0/24",
        "192.0.2.1",
        True,
        mine(there)[0].id,
    )
    assert client.delete(f"{addition(client)}/subnets/{added.json()['id']}").status_code in {200, 204}
    fleet.until(lambda: there.specs == {})


@pytest.mark.parametrize("way", ["fault", "lost"])
def test_a_provider_that_fails_is_told_and_tried_again(
    sdk: ovirtsdk4.Connection, client: Client, fleet: Fleet, there: System, provider: object, way: str
) -> None:
    def fail(method: str) -> None:
        if method == "ensure_network":
            raise DOWN

    setattr(there, way, fail)
    made = add(sdk, provider)
    found = until(fleet, client, made, "error")
    assert found["reason"] == DOWN.text
    assert found["next_try"]
    assert found["attempts"] == 1
    setattr(there, way, lambda _: None)
    again(fleet)
    until(fleet, client, made, "ok")
    assert [one.owner for one in mine(there)] == [made.id]
    setattr(there, way, lambda method: fail("ensure_network" if method == "remove_network" else ""))
    sdk.system_service().networks_service().network_service(made.id).remove()
    with pytest.raises(ovirtsdk4.Error, match="still to be removed from provider 'clouds'"):
        remove(sdk, provider)
    fleet.until(lambda: have_failed(fleet) == 1)
    setattr(there, way, lambda _: None)
    again(fleet)
    fleet.until(lambda: mine(there) == [])
    fleet.until(lambda: removed(sdk, provider))


def again(fleet: Fleet) -> None:
    """The time of the next try has come."""
    with fleet.db.write() as tx:
        tx.execute(sa.update(provider_objects).where(provider_objects.c.attempts > 0).values(next_try=utc_now()))
    provider_watch.retry(fleet.db)


def have_failed(fleet: Fleet) -> int:
    """How many objects their provider has not made or removed at the last try."""
    with fleet.db.read() as tx:
        query = sa.select(sa.func.count()).select_from(provider_objects).where(provider_objects.c.attempts > 0)
        return int(tx.execute(query).scalar_one())


def remove(sdk: ovirtsdk4.Connection, provider: ovirt.OpenStackNetworkProvider) -> None:
    sdk.system_service().openstack_network_providers_service().provider_service(provider.id).remove()


def removed(sdk: ovirtsdk4.Connection, provider: ovirt.OpenStackNetworkProvider) -> bool:
    try:
        remove(sdk, provider)
    except ovirtsdk4.Error:
        return False
    return True


def test_what_one_object_is_refused_does_not_hold_up_the_others(
    sdk: ovirtsdk4.Connection, client: Client, fleet: Fleet, there: System, provider: object
) -> None:
    left = ["ensure_network"]

    def refuse(method: str) -> None:
        if method in left:
            left.remove(method)
            raise RefusedError("The provider refused: quota")

    there.fault = refuse
    first, second = (add(sdk, provider, name=name) for name in ("one", "two"))
    fleet.until(lambda: {state(client, one)["state"] for one in (first, second)} == {"ok", "error"})


def test_clusters_neither_require_it_nor_give_it_roles(sdk: ovirtsdk4.Connection, provider: object) -> None:
    made = add(sdk, provider)
    (cluster,) = sdk.system_service().clusters_service().list()
    networks = sdk.system_service().clusters_service().cluster_service(cluster.id).networks_service()
    for values, words in (({"required": True}, "cannot require it"), ({"display": True}, "cannot be: display")):
        with pytest.raises(ovirtsdk4.Error, match=words):
            networks.add(ovirt.Network(id=made.id, **values))
    assert networks.add(ovirt.Network(id=made.id)).required is False
    with pytest.raises(ovirtsdk4.Error, match="cannot require it"):
        networks.network_service(made.id).update(ovirt.Network(required=True))


def test_hosts_do_not_carry_it(sdk: ovirtsdk4.Connection, provider: object) -> None:
    made = add(sdk, provider)
    (cluster,) = sdk.system_service().clusters_service().list()
    sdk.system_service().clusters_service().cluster_service(cluster.id).networks_service().add(
        ovirt.Network(id=made.id)
    )
    (host,) = sdk.system_service().hosts_service().list()
    attachment = ovirt.NetworkAttachment(network=ovirt.Network(id=made.id), host_nic=ovirt.HostNic(name="eth1"))
    with pytest.raises(ovirtsdk4.Error, match="It is not attached to NICs"):
        sdk.system_service().hosts_service().host_service(host.id).setup_networks(
            modified_network_attachments=[attachment]
        )


def test_a_provider_with_networks_stays(sdk: ovirtsdk4.Connection, provider: object) -> None:
    add(sdk, provider)
    with pytest.raises(ovirtsdk4.Error, match="has these networks: red net"):
        remove(sdk, provider)


def test_an_answer_comes_when_the_provider_has_tried(
    sdk: ovirtsdk4.Connection, client: Client, fleet: Fleet, there: System, provider: object
) -> None:
    made = add(sdk, provider)
    assert state(client, made)["state"] == "ok"
    service = sdk.system_service().networks_service().network_service(made.id)
    service.update(ovirt.Network(name="green"))
    assert [one.name for one in mine(there)] == ["green"]
    there.fault = lambda _: (_ for _ in ()).throw(DOWN)
    service.update(ovirt.Network(name="blue"))
    assert state(client, made)["state"] == "error"
    (status,) = client.get(f"{addition(client)}/providers", headers=JSON).json()["providers"]
    assert (status["failing"], status["to_remove"]) == (1, 0)
    assert status["reconciled_at"]
    there.fault = lambda _: None
    service.remove()
    assert mine(there) == []
    body = "<network><name>later</name><data_center><name>Default</name></data_center>"
    body += f"<external_provider id='{provider.id}'/></network>"
    assert client.post("/networks?async=true", content=body.encode()).status_code == 202
    fleet.until(lambda: [one.name for one in mine(there)] == ["later"])


def test_one_on_a_wire_that_the_provider_names(client: Client, there: System, provider: object) -> None:
    body = "<network><name>tagged</name><data_center><name>Default</name></data_center><vlan id='100'/>"
    body += f"<external_provider id='{provider.id}'/></network>"
    made = client.post_xml("/networks?physical_network=physnet1", body)
    assert [(one.physical_network, one.vlan_id) for one in mine(there)] == [("physnet1", 100)]
    shown = client.get(f"{addition(client)}/networks/{made.get('id')}", headers=JSON).json()
    assert shown["physical_network"] == "physnet1"
    (listed,) = client.get(f"{addition(client)}/networks", headers=JSON).json()
    assert listed == shown
    objects = client.get(f"{addition(client)}/providers/{provider.id}/objects", headers=JSON).json()
    assert [(one["kind"], one["id"], one["name"], one["provision"]["state"]) for one in objects] == [
        ("network", made.get("id"), "tagged", "ok")
    ]
    (status,) = client.get(f"{addition(client)}/providers", headers=JSON).json()["providers"]
    assert status["networks"] == 1


def test_orphans_are_listed_and_removed_when_somebody_asks_for_that(
    sdk: ovirtsdk4.Connection, client: Client, fleet: Fleet, there: System, provider: ovirt.OpenStackNetworkProvider
) -> None:
    made = add(sdk, provider)
    until(fleet, client, made, "ok")
    network, subnet, port = new_id(), new_id(), new_id()
    there.networks["9"] = ProviderNetwork(id="9", name="lost", owner=network)
    there.subnets["9"] = [ProviderSubnet(id="91", name="low", cidr="192.0.2.0/24", ip_version=4, owner=subnet)]
    there.ports[port] = ProviderPort(id="99", network_id="9", mac_address="56:6f:00:00:00:01", owner=port)
    path = f"{addition(client)}/providers/{provider.id}/orphans"
    assert orphans_shown(client, provider) is None
    provider_monitor = ProviderMonitor(fleet.outside.providers, every=0)
    provider_monitor.round(fleet.db)
    provider_monitor.close()
    assert orphans_shown(client, provider) == 3
    assert client.get(path, headers=JSON).json() == [
        {"kind": "port", "id": port, "external_id": "99", "name": "56:6f:00:00:00:01"},
        {"kind": "subnet", "id": subnet, "external_id": "91", "name": "low"},
        {"kind": "network", "id": network, "external_id": "9", "name": "lost"},
    ]
    before = dict(there.networks)
    refusals = {network: "has ports", made.id: "nothing of Netweft's", "1": "nothing of Netweft's"}
    for one, reason in refusals.items():
        answer = client.delete(f"{path}/{one}", headers=JSON)
        assert answer.status_code == 409
        assert reason in answer.text
    assert there.networks == before
    for one in (port, subnet, network):
        answer = client.delete(f"{path}/{one}", headers=JSON)
        assert answer.status_code == 200, answer.text
    assert orphans_shown(client, provider) == 0
    assert client.get(path, headers=JSON).json() == []
    assert sorted(one.name for one in there.networks.values()) == ["blue", "red", "red net"]


def orphans_shown(client: Client, provider: ovirt.OpenStackNetworkProvider) -> object:
    """How many the provider's state says that there are."""
    return client.get(f"{addition(client)}/providers/{provider.id}", headers=JSON).json()["orphans"]


def test_what_neutron_has_of_a_network_and_ovirt_has_not_is_refused_by_name(
    sdk: ovirtsdk4.Connection, client: Client, provider: object
) -> None:
    made = add(sdk, provider)
    path = f"/networks/{made.id}"
    for name, nothing, something in (("shared", False, True), ("admin_state_up", True, False)):
        taken = client.put(path, json={name: nothing}, headers=JSON)
        assert taken.status_code == 200, taken.text
        refused = client.put(path, json={name: something}, headers=JSON)
        assert (refused.status_code, f"network.{name} is not supported" in refused.text) == (409, True), refused.text
        body = f"<network><{name}>{str(something).lower()}</{name}></network>"
        assert f"network.{name} is not supported" in client.put(path, content=body.encode()).text


def test_a_read_only_one_is_left_as_it_is(
    sdk: ovirtsdk4.Connection, client: Client, fleet: Fleet, there: System, provider: ovirt.OpenStackNetworkProvider
) -> None:
    assert provider.read_only is False
    providers = sdk.system_service().openstack_network_providers_service()
    service = providers.provider_service(provider.id)
    made = add(sdk, provider, name="ours")
    until(fleet, client, made, "ok")
    subnets = f"{addition(client)}/networks/{made.id}/subnets"
    subnet = client.post(subnets, headers=JSON, json={"name": "low", "cidr": "192.0.2.0/24"}).json()
    assert service.update(ovirt.OpenStackNetworkProvider(read_only=True)).read_only is True
    fleet.until(lambda: len(there.subnets[mine(there)[0].id]) == 1)
    ours = sdk.system_service().networks_service().network_service(made.id)
    is_refused = pytest.raises(ovirtsdk4.Error, match="read-only")
    with is_refused:
        add(sdk, provider)
    with is_refused:
        ours.update(ovirt.Network(name="another"))
    with is_refused:
        ours.remove()
    low = f"{addition(client)}/subnets/{subnet['id']}"
    for answer in (
        client.post(subnets, headers=JSON, json={"name": "high", "cidr": "198.51.100.0/24"}),
        client.put(low, headers=JSON, json={"name": "another"}),
        client.delete(low, headers=JSON),
    ):
        assert (answer.status_code, "which is read-only" in answer.text) == (409, True), answer.text
    ours.update(ovirt.Network(comment="here alone"))
    service.networks_service().network_service("1").import_(data_center=DEFAULT)
    (imported,) = sdk.system_service().networks_service().list(search="name=red")
    sdk.system_service().networks_service().network_service(imported.id).remove()
    assert [(one.name, len(there.subnets[one.id])) for one in mine(there)] == [("ours", 1)]
    service.update(ovirt.OpenStackNetworkProvider(read_only=False))
    ours.remove()
    fleet.until(lambda: mine(there) == [])
