"""vNIC profiles, MAC pools and templates through the API."""

from __future__ import annotations

import ovirtsdk4
import ovirtsdk4.types as t
import pytest

from api.served import Client, Engine
from api.test_networks import add as add_network
from api.test_networks import counts


def test_the_life_of_a_profile(sdk: ovirtsdk4.Connection, client: Client) -> None:
    network_id = add_network(client, "tenants")
    service = sdk.system_service().vnic_profiles_service()
    made = service.add(
        t.VnicProfile(
            name="gold",
            description="d",
            network=t.Network(id=network_id),
            pass_through=t.VnicPassThrough(mode=t.VnicPassThroughMode.DISABLED),
            custom_properties=[t.CustomProperty(name="SecurityGroups", value="")],
        )
    )
    one = service.profile_service(made.id)
    shown = one.get(follow="network_filter,network")
    assert (shown.name, shown.network.name, shown.network_filter.name) == ("gold", "tenants", "vdsm-no-mac-spoofing")
    assert (shown.pass_through.mode, shown.port_mirroring) == (t.VnicPassThroughMode.DISABLED, False)
    assert [p.name for p in shown.custom_properties] == ["SecurityGroups"]
    shown.port_mirroring = True
    changed = one.update(shown)
    assert (changed.port_mirroring, changed.network_filter.id) == (True, shown.network_filter.id)
    assert one.update(t.VnicProfile(network_filter=t.NetworkFilter())).network_filter is None
    assert client.first_id("vnicprofiles", search="name=gold and network=tenants and datacenter=Default") == made.id
    below = sdk.system_service().networks_service().network_service(network_id).vnic_profiles_service()
    assert sorted(p.name for p in below.list()) == ["gold", "tenants"]
    second = below.add(t.VnicProfile(name="silver"))
    assert below.profile_service(second.id).get().name == "silver"
    below.profile_service(second.id).remove()
    one.remove()
    with pytest.raises(ovirtsdk4.NotFoundError):
        one.get()
    elsewhere = client.first_id("vnicprofiles", search="name=ovirtmgmt")
    assert client.get(f"networks/{network_id}/vnicprofiles/{elsewhere}").status_code == 404
    assert client.delete(f"networks/{network_id}/vnicprofiles/{elsewhere}").status_code == 404


def test_profiles_that_are_not_whole_are_refused(engine: Engine, client: Client) -> None:
    network_id = add_network(client, "tenants")
    path = f"vnicprofiles/{client.first_id('vnicprofiles', search='name=tenants')}"
    before = counts(engine)
    one = "<custom_property><name>SecurityGroups</name></custom_property>"
    twice = f"<name>n</name><custom_properties>{one * 2}</custom_properties><network id='{network_id}'/>"
    for body in (twice, "<name>n</name>"):
        assert client.post("vnicprofiles", content=f"<vnic_profile>{body}</vnic_profile>").status_code == 400
    client.put_xml(path, client.get(path, params={"follow": "network"}).text)
    assert counts(engine) == before


def test_the_life_of_a_mac_pool(sdk: ovirtsdk4.Connection) -> None:
    service = sdk.system_service().mac_pools_service()
    assert [(pool.name, pool.default_pool) for pool in service.list()] == [("Default", True)]
    made = service.add(
        t.MacPool(
            name="mine",
            allow_duplicates=False,
            ranges=[t.Range(from_="02:00:00:00:00:00", to="02:00:00:01:00:00")],
        )
    )
    one = service.mac_pool_service(made.id)
    shown = one.get()
    assert [(r.from_, r.to) for r in shown.ranges] == [("02:00:00:00:00:00", "02:00:00:01:00:00")]
    shown.name = "ours"
    assert one.update(shown).name == "ours"
    ranges = [t.Range(from_="02:00:00:00:00:00", to="02:00:00:00:00:0F")]
    assert [r.to for r in one.update(t.MacPool(ranges=ranges)).ranges] == ["02:00:00:00:00:0f"]
    one.remove()
    with pytest.raises(ovirtsdk4.NotFoundError):
        one.get()


def test_mac_pools_that_are_not_whole_are_refused(engine: Engine, client: Client) -> None:
    pool = f"macpools/{client.first_id('macpools')}"
    before = counts(engine)
    wrong = "<mac_pool><name>n</name><ranges><range><from>x</from><to>y</to></range></ranges></mac_pool>"
    assert client.post("macpools", content=wrong).status_code == 400
    client.put_xml(pool, client.get(pool).text)
    assert counts(engine) == before


def test_templates(sdk: ovirtsdk4.Connection) -> None:
    service = sdk.system_service().templates_service()
    (blank,) = service.list(search="name=Blank and datacenter=Default")
    assert (blank.name, blank.status, blank.version.version_number) == ("Blank", t.TemplateStatus.OK, 1)
    assert (blank.cpu.topology.cores, blank.memory, blank.os.type) == (1, 1 << 30, "other")
    assert service.list(search='name=Blank and cluster="nowhere"') == []
    assert service.list(search="vm.name=web") == []
    assert service.template_service(blank.id).nics_service().list() == []
