"""vNIC profiles, MAC pools and templates through the API."""

from __future__ import annotations

import ovirtsdk4
import ovirtsdk4.types as t
import pytest
from sqlalchemy import select

import rows
from api.served import Client, Engine
from api.test_networks import add as add_network
from api.test_networks import counts, refused
from netloom.engine.commands import mac_addresses
from netloom.engine.model.clusters import clusters

QOS = '<qos id="5f5d0b52-0d3b-4b5c-a7a2-6a2d4e1f0a11"/>'


def range_(first: str, last: str) -> str:
    return f"<ranges><range><from>02:00:00:00:{first}</from><to>02:00:00:00:{last}</to></range></ranges>"


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


def test_what_profiles_refuse(engine: Engine, client: Client) -> None:
    network_id = add_network(client, "tenants")
    bare, apart = (
        add_network(client, "bare", "<usages/>"),
        add_network(client, "apart", "<port_isolation>true</port_isolation>"),
    )
    used = client.first_id("vnicprofiles", search="name=tenants")
    with engine.db.write() as tx:
        cluster_id = tx.execute(select(clusters.c.id)).scalar_one()
        rows.add_vnic(tx, rows.add_vm(tx, cluster_id, "web"), used, "02:00:00:00:00:01")
    before = counts(engine)
    passthrough = "<pass_through><mode>enabled</mode></pass_through>"
    for network, body, expected in (
        (network_id, "<name/>", "name may not be empty"),
        (network_id, "<name>tenants</name>", "name 'tenants' is already used"),
        (bare, "<name>n</name>", "is no VM network"),
        (apart, f"<name>n</name>{passthrough}", "takes no passthrough profile"),
        (network_id, f"<name>n</name>{passthrough}<port_mirroring>true</port_mirroring>", "neither port mirroring nor"),
        (network_id, "<name>n</name><migratable>false</migratable>", "Only a passthrough profile"),
        (network_id, '<name>n</name><network_filter id="x"/>', "There is no network filter"),
        (network_id, f"<name>n</name>{QOS}", "There is no QoS"),
        (network_id, _property("colour", "red"), "There is no custom property 'colour'"),
        (network_id, _property("SecurityGroups", "x"), "cannot have the value 'x'"),
    ):
        whole = f'<vnic_profile>{body}<network id="{network}"/></vnic_profile>'
        refused(client, "POST", "vnicprofiles", whole, expected)
    path = f"vnicprofiles/{used}"
    for body, expected in (
        (f'<network id="{apart}"/>', "cannot move to another network"),
        ("<port_mirroring>true</port_mirroring>", "port mirroring cannot change while VMs use it: web"),
        (f"{passthrough}<network_filter/>", "passthrough cannot change while VMs use it: web"),
        ("<migratable>false</migratable>", "Only a passthrough profile"),
    ):
        refused(client, "PUT", path, f"<vnic_profile>{body}</vnic_profile>", expected)
    refused(client, "DELETE", path, "", "is used by VMs: web")
    doubled = _property("SecurityGroups", "").replace("</custom_properties>", "")
    doubled += "<custom_property><name>SecurityGroups</name></custom_property></custom_properties>"
    twice = f"<vnic_profile>{doubled}<network id='{network_id}'/></vnic_profile>"
    assert client.post("vnicprofiles", content=twice).status_code == 400
    assert client.post("vnicprofiles", content="<vnic_profile><name>n</name></vnic_profile>").status_code == 400
    client.put_xml(path, client.get(path, params={"follow": "network"}).text)
    assert counts(engine) == before


def _property(name: str, value: str) -> str:
    return (
        "<name>n</name><custom_properties><custom_property>"
        f"<name>{name}</name><value>{value}</value></custom_property></custom_properties>"
    )


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


def test_what_mac_pools_refuse(engine: Engine, client: Client) -> None:
    default = client.first_id("macpools")
    first = str(client.xml("macpools")[0].findtext("ranges/range/from"))
    whole = f"<mac_pool><name>mine</name><allow_duplicates>true</allow_duplicates>{range_('00:01', '00:09')}</mac_pool>"
    pool_id = str(client.post_xml("macpools", whole).get("id"))
    for _ in range(2):
        engine.db.run(mac_addresses.take_mac, pool_id, "02:00:00:00:00:01")
    cluster = "<cluster><name>c</name><data_center><name>Default</name></data_center><mac_pool id='{}'/></cluster>"
    client.post_xml("clusters", cluster.format(pool_id))
    before = counts(engine)
    for body, expected in (
        (f"<name/>{range_('01:01', '01:02')}", "name may not be empty"),
        (f"<name>mine</name>{range_('01:01', '01:02')}", "name 'mine' is already used"),
        (f"<name>n</name>{range_('01:02', '01:01')}", "runs downwards"),
        (f"<name>n</name>{range_('00:08', '01:01')}", "which overlap with ranges in MAC pools: mine"),
        (f"<name>n</name>{range_('01:01', '01:02')}<default_pool>true</default_pool>", "cannot be the default one"),
        ("<name>n</name>", "needs at least one range"),
        (
            f"<name>n</name><ranges><range><from>{first}</from><to>{first}</to></range></ranges>",
            "MAC pool cannot contain ranges which overlap with ranges in MAC pools: Default",
        ),
        (
            "<name>n</name><ranges><range><from>03:00:00:00:00:00</from><to>03:00:00:00:00:09</to></range></ranges>",
            "contains multicast addresses",
        ),
        (
            "<name>n</name><ranges><range><from>02:01:00:00:00:00</from><to>02:ff:00:00:00:00</to></range></ranges>",
            "holds more than",
        ),
        (
            (
                "<name>n</name><ranges><range><from>02:01:00:00:00:00</from><to>02:01:00:00:00:09</to></range>"
                "<range><from>02:01:00:00:00:09</from><to>02:01:00:00:00:10</to></range></ranges>"
            ),
            "of the pool overlap",
        ),
    ):
        refused(client, "POST", "macpools", f"<mac_pool>{body}</mac_pool>", expected)
    for pool, body, expected in (
        (pool_id, "<name>Default</name>", "name 'Default' is already used"),
        (pool_id, "<default_pool>true</default_pool>", "Which MAC pool is the default cannot change"),
        (
            pool_id,
            "<allow_duplicates>false</allow_duplicates>",
            "Cannot unset 'Allow Duplicates' when mac pool contains duplicate macs: 02:00:00:00:00:01",
        ),
        (pool_id, "<ranges/>", "needs at least one range"),
    ):
        refused(client, "PUT", f"macpools/{pool}", f"<mac_pool>{body}</mac_pool>", expected)
    refused(client, "DELETE", f"macpools/{default}", "", "is the default MAC pool")
    refused(client, "DELETE", f"macpools/{pool_id}", "", "is used by clusters: c")
    wrong = "<mac_pool><name>n</name><ranges><range><from>x</from><to>y</to></range></ranges></mac_pool>"
    assert client.post("macpools", content=wrong).status_code == 400
    for pool in (default, pool_id):
        client.put_xml(f"macpools/{pool}", client.get(f"macpools/{pool}").text)
    assert counts(engine) == before


def test_templates(sdk: ovirtsdk4.Connection) -> None:
    service = sdk.system_service().templates_service()
    (blank,) = service.list(search="name=Blank and datacenter=Default")
    assert (blank.name, blank.status, blank.version.version_number) == ("Blank", t.TemplateStatus.OK, 1)
    assert (blank.cpu.topology.cores, blank.memory, blank.os.type) == (1, 1 << 30, "other")
    assert service.list(search='name=Blank and cluster="nowhere"') == []
    assert service.list(search="vm.name=web") == []
    assert service.template_service(blank.id).nics_service().list() == []
