"""Hosts and their networks through the API: the official SDK, raw XML, and what automation does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import ovirtsdk4
import pytest
from ovirtsdk4 import types

from api.served import Client, Engine
from fleet import Fleet, running_fleet
from netweft.core.host import Bridge


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path, client: Client) -> Iterator[Fleet]:
    """Two simulated hosts in cluster Default, with networks storage (VLAN 100) and tenants (VLAN 200)."""
    with running_fleet(engine.db, tmp_path, 2) as fleet:
        cluster = client.first_id("/clusters")
        for name, tag in (("storage", 100), ("tenants", 200)):
            body = (
                f"<network><name>{name}</name><vlan "
                f"id='{tag}'/><data_center><name>Default</name></data_center></network>"
            )
            network_id = client.post_xml("/networks", body).get("id")
            attach = f"<network id='{network_id}'><required>false</required></network>"
            client.post_xml(f"/clusters/{cluster}/networks", attach)
        yield fleet


def attach(network: str, nic: str, address: str = "") -> str:
    """A body of setupnetworks."""
    ip = (
        "<ip_address_assignments><ip_address_assignment><assignment_method>static</assignment_method>"
        f"<ip><address>{address}</address><netmask>255.255.255.0</netmask><version>v4</version></ip>"
        "</ip_address_assignment></ip_address_assignments>"
    )
    return (
        "<action><modified_network_attachments><network_attachment>"
        f"{ip if address else ''}<host_nic><name>{nic}</name></host_nic><network><name>{network}</name></network>"
        "</network_attachment></modified_network_attachments></action>"
    )


def setup(client: Client, fleet: Fleet, body: str, number: int = 1) -> Any:
    return client.action(f"/hosts/{fleet.id(number)}/setupnetworks", body)


def fault(client: Client, path: str, body: str, status: int = 409) -> str:
    return str(client.post_xml(path, body, status).findtext(".//detail"))


def nic_named(sdk: ovirtsdk4.Connection, host_id: str, name: str) -> types.HostNic:
    nics = sdk.system_service().hosts_service().host_service(host_id).nics_service().list()
    return next(nic for nic in nics if nic.name == name)


@pytest.mark.usefixtures("fleet")
def test_a_host_as_the_sdk_sees_it(sdk: ovirtsdk4.Connection) -> None:
    service = sdk.system_service().hosts_service()
    (host,) = service.list(search="name=sim-1 and cluster=Default and status=up")
    assert (host.status, host.spm.status) == (types.HostStatus.UP, types.SpmStatus.NONE)
    assert host.cluster.id
    assert host.os.type
    nic = nic_named(sdk, host.id, "eth0")
    assert (nic.ip.address, nic.ip.netmask, nic.boot_protocol) == (
        "198.18.0.2",
        "255.254.0.0",
        types.BootProtocol.STATIC,
    )
    assert nic.mac.address
    assert nic.speed == 25_000_000_000
    (attachment,) = service.host_service(host.id).network_attachments_service().list()
    assert attachment.in_sync
    assert sdk.follow_link(attachment.network).name == "ovirtmgmt"
    assert sdk.follow_link(attachment.host_nic).name == "eth0"
    versions = {one.ip.version for one in attachment.ip_address_assignments}
    assert versions == {types.IpVersion.V4, types.IpVersion.V6}
    assert {one.name for one in attachment.reported_configurations} >= {"mtu", "bridged", "vlan", "switchType"}


def test_setup_networks_with_the_sdk_as_its_example_does(fleet: Fleet, sdk: ovirtsdk4.Connection) -> None:
    host_id = fleet.id()
    service = sdk.system_service().hosts_service().host_service(host_id)
    service.setup_networks(
        modified_bonds=[
            types.HostNic(
                name="bond0",
                bonding=types.Bonding(
                    options=[types.Option(name="mode", value="1"), types.Option(name="miimon", value="100")],
                    slaves=[types.HostNic(name="eth1"), types.HostNic(name="eth2")],
                ),
            )
        ],
        modified_network_attachments=[
            types.NetworkAttachment(
                network=types.Network(name="storage"),
                host_nic=types.HostNic(name="bond0"),
                ip_address_assignments=[
                    types.IpAddressAssignment(
                        assignment_method=types.BootProtocol.STATIC,
                        ip=types.Ip(address="192.0.2.10", netmask="255.255.255.0", version=types.IpVersion.V4),
                    )
                ],
            )
        ],
        check_connectivity=True,
    )
    service.commit_net_config()
    bond = nic_named(sdk, host_id, "bond0")
    assert [(one.name, one.value) for one in bond.bonding.options] == [("mode", "1"), ("miimon", "100")]
    assert bond.bonding.options[0].type == "Active-Backup"
    assert sorted(sdk.follow_link(slave).name for slave in bond.bonding.slaves) == ["eth1", "eth2"]
    vlan = nic_named(sdk, host_id, "bond0.100")
    assert (vlan.base_interface, vlan.vlan.id, vlan.ip.address) == ("bond0", 100, "192.0.2.10")
    assert sdk.follow_link(vlan.network).name == "storage"
    assert not fleet.report().dirty


def test_what_a_host_refuses_is_a_fault_with_its_reason(fleet: Fleet, client: Client) -> None:
    fleet.simulate(refuse={"CreateLink": 1})
    detail = fault(client, f"/hosts/{fleet.id()}/setupnetworks", attach("storage", "eth1"))
    assert "rolled the change back completely" in detail
    assert len(client.xml(f"/hosts/{fleet.id()}/networkattachments")) == 1


def test_an_option_or_property_that_is_given_twice_is_malformed(fleet: Fleet, client: Client) -> None:
    path = f"hosts/{fleet.id()}/setupnetworks"
    option = "<option><name>miimon</name><value>100</value></option>"
    bond = f"<modified_bonds><host_nic><name>bond1</name><bonding><options>{option * 2}</options></bonding></host_nic>"
    refused = client.post(path, content=f"<action>{bond}</modified_bonds></action>")
    assert (refused.status_code, "'miimon' is given twice" in refused.text) == (400, True)
    one = "<property><name>bridge_opts</name><value>priority=1</value></property>"
    attachment = f"<network_attachment><properties>{one * 2}</properties></network_attachment>"
    body = f"<modified_network_attachments>{attachment}</modified_network_attachments>"
    refused = client.post(path, content=f"<action>{body}</action>")
    assert (refused.status_code, "'bridge_opts' is given twice" in refused.text) == (400, True)


def test_asynchronously_the_job_tells(fleet: Fleet, client: Client) -> None:
    body = attach("storage", "eth1").replace("<action>", "<action><async>true</async>")
    answer = client.post_xml(f"/hosts/{fleet.id()}/setupnetworks", body, 202)
    job_id = answer.find("job").get("id")
    fleet.done(job_id)
    assert client.xml(f"/jobs/{job_id}").findtext("status") == "finished"
    assert len(client.xml(f"/hosts/{fleet.id()}/networkattachments")) == 2


def test_a_request_waits_for_the_one_before_it(fleet: Fleet, client: Client) -> None:
    fleet.simulate(step_seconds=0.05)
    body = attach("storage", "eth1").replace("<action>", "<action><async>true</async>")
    client.post_xml(f"/hosts/{fleet.id()}/setupnetworks", body, 202)
    setup(client, fleet, attach("tenants", "eth2"))
    assert fleet.carried() == {"ovirtmgmt": "eth0", "storage": "eth1", "tenants": "eth2"}


def test_attachments_one_by_one(fleet: Fleet, client: Client) -> None:
    host = f"/hosts/{fleet.id()}"
    nic_id = next(nic.get("id") for nic in client.xml(f"{host}/nics") if nic.findtext("name") == "eth1")
    body = "<network_attachment><network><name>storage</name></network></network_attachment>"
    added = client.post_xml(f"{host}/nics/{nic_id}/networkattachments", body)
    attachment = f"{host}/networkattachments/{added.get('id')}"
    assert fleet.carried()["storage"] == "eth1"
    assert "ATTACHMENT" not in fault(client, f"{host}/networkattachments", body)
    (shown,) = client.xml(f"{host}/nics/{nic_id}/networkattachments")
    assert shown.get("href") == f"/ovirt-engine/api{host}/nics/{nic_id}/networkattachments/{added.get('id')}"

    whole = client.get(shown.get("href").removeprefix("/ovirt-engine/api")).text
    client.put_xml(f"{host}/nics/{nic_id}/networkattachments/{added.get('id')}", whole)  # unchanged
    moved = "<network_attachment><host_nic><name>eth2</name></host_nic></network_attachment>"
    client.put_xml(attachment, moved)
    assert fleet.carried()["storage"] == "eth2"
    assert client.delete(attachment).status_code == 200
    assert fleet.carried() == {"ovirtmgmt": "eth0"}
    assert client.get(attachment).status_code == 404
    assert client.delete(attachment).status_code == 404


def test_whole_hosts_sent_back_change_nothing(fleet: Fleet, client: Client) -> None:
    path = f"/hosts/{fleet.id()}"
    before = client.get(path).text
    client.put_xml(path, before)
    assert client.get(path).text == before
    client.put_xml(path, "<host><comment>rack 7</comment></host>")
    assert client.xml(path).findtext("comment") == "rack 7"


def test_in_and_out_of_service(fleet: Fleet, client: Client) -> None:
    path = f"/hosts/{fleet.id()}"
    assert "Cannot activate Host. Host in Up status" in fault(client, f"{path}/activate", "<action/>")
    client.action(f"{path}/deactivate")
    assert client.xml(path).findtext("status") == "maintenance"
    assert "Host is already in Maintenance mode" in fault(client, f"{path}/deactivate", "<action/>")
    client.action(f"{path}/activate")
    client.action(f"{path}/refresh")
    assert client.xml(path).findtext("status") == "up"
    client.action(f"{path}/syncallnetworks")
    client.action(f"{path}/deactivate")
    assert client.delete(path).status_code == 200
    assert client.get(path).status_code == 404


@pytest.mark.usefixtures("fleet")
def test_adding_a_host_that_waits_for_its_agent(client: Client, engine: Engine) -> None:
    body = (
        "<host><address>192.0.2.2</address><name>host-0</name><override_iptables>true</override_iptables>"
        "<cluster><name>Default</name></cluster></host>"
    )
    added = client.post_xml("/hosts?activate=true&reboot=false", body)
    assert added.findtext("status") == "installing"
    answer = client.post(f"{engine.url}/netweft/v1/hosts/{added.get('id')}/enrollment", json={})
    assert answer.status_code == 201
    assert answer.json()["token"]
    assert client.delete(f"/hosts/{added.get('id')}").status_code == 200


def test_how_a_host_is_reached_by_ssh(fleet: Fleet, client: Client) -> None:
    """A password is for adding and installing: who sends it again when a host is changed changes nothing by it."""
    path, fingerprint = f"/hosts/{fleet.id()}", f"SHA256:{43 * 'a'}"
    assert client.xml(path).findtext("ssh/port") == "22"
    said = (
        f"<ssh><authentication_method>publickey</authentication_method><fingerprint>{fingerprint}</fingerprint>"
        "<port>2222</port></ssh><root_password>secret</root_password>"
    )
    shown = client.put_xml(path, f"<host>{said}</host>")
    assert (shown.findtext("ssh/port"), shown.findtext("ssh/fingerprint")) == ("2222", fingerprint)
    assert shown.find("root_password") is None
    assert client.xml(path).findtext("status") == "up"
    shown = client.put_xml(path, "<host><ssh><fingerprint></fingerprint></ssh></host>")
    assert (shown.findtext("ssh/port"), shown.find("ssh/fingerprint")) == ("2222", None)


def test_follow_brings_nics_and_their_attachments(fleet: Fleet, client: Client) -> None:
    setup(client, fleet, attach("storage", "eth1"))
    hosts = client.xml(
        "/hosts", follow="nics.network_attachments,network_attachments", search="name=sim-1", all_content="false"
    )
    (host,) = hosts
    assert len(host.findall("network_attachments/network_attachment")) == 2
    on = {nic.findtext("name"): len(nic.findall("network_attachments/*")) for nic in host.findall("nics/host_nic")}
    assert (on["eth0"], on["eth1"], on["eth2"]) == (1, 1, 0)


def test_what_others_made_is_shown_and_left_alone(fleet: Fleet, client: Client) -> None:
    host = fleet.host()
    theirs = host.with_link(Bridge(name="docker0")).with_link(replace(host.nics["eth3"], master="docker0"))
    fleet.simulate(host=theirs)
    client.action(f"/hosts/{fleet.id()}/refresh")
    (shown,) = client.xml(f"/hosts/{fleet.id()}/unmanagednetworks")
    assert shown.findtext("name") == "docker0"
    answer = client.delete(f"/hosts/{fleet.id()}/unmanagednetworks/{shown.get('id')}")
    assert answer.status_code == 409
    assert "removes only what it made" in answer.text
    assert "docker0" in fault(client, f"/hosts/{fleet.id()}/setupnetworks", attach("storage", "eth3"))


def test_what_a_removed_network_left_behind_can_be_removed(fleet: Fleet, client: Client) -> None:
    setup(client, fleet, attach("storage", "eth1"))
    network_id = client.first_id("/networks", search="name=storage")
    fleet.simulate(refuse={"DeleteLink": 1})
    assert client.delete(f"/networks/{network_id}").status_code == 200
    fleet.until(lambda: fleet.change_states()[-1] == "refused")
    (shown,) = client.xml(f"/hosts/{fleet.id()}/unmanagednetworks")
    assert shown.findtext("name") == "storage"
    assert client.delete(f"/hosts/{fleet.id()}/unmanagednetworks/{shown.get('id')}").status_code == 200
    assert "storage" not in fleet.host().bridges
    assert len(client.xml(f"/hosts/{fleet.id()}/unmanagednetworks")) == 0


def test_copying_the_networks_of_another_host(fleet: Fleet, client: Client) -> None:
    setup(client, fleet, attach("storage", "eth1", "10.0.0.5"))
    bond = (
        "<action><modified_bonds><host_nic><name>bond0</name><bonding><slaves><host_nic><name>eth2</name></host_nic>"
        "<host_nic><name>eth3</name></host_nic></slaves></bonding></host_nic></modified_bonds>"
        "<modified_network_attachments><network_attachment><host_nic><name>bond0</name></host_nic>"
        "<network><name>tenants</name></network></network_attachment></modified_network_attachments></action>"
    )
    setup(client, fleet, bond)
    setup(client, fleet, attach("tenants", "eth1"), 2)
    body = f"<action><source_host id='{fleet.id(1)}'/></action>"
    client.action(f"/hosts/{fleet.id(2)}/copyhostnetworks", body)
    assert fleet.carried(2) == {"ovirtmgmt": "eth0", "storage": "eth1", "tenants": "bond0"}
    assert fleet.host(2).bridges["storage"].addresses == ()
    assert not fleet.report(2).dirty


def test_a_plan_through_the_api(fleet: Fleet, client: Client, engine: Engine) -> None:
    setup(client, fleet, attach("storage", "eth1", "10.0.0.5"))
    body = {
        "host": {"name": "sim-1"},
        "setup": {
            "modified_network_attachments": [
                {
                    "network": {"name": "storage"},
                    "host_nic": {"name": "eth2"},
                    "ip_address_assignments": [
                        {"assignment_method": "static", "ip": {"address": "10.0.0.6", "netmask": 24, "version": "v4"}}
                    ],
                }
            ],
            "check_connectivity": True,
        },
    }
    answer = client.post(f"{engine.url}/netweft/v1/plans", json=body)
    assert answer.status_code == 201, answer.text
    plan = answer.json()
    assert plan["loss"] in {"blip", "outage"}
    assert [network["name"] for network in plan["networks"]] == ["storage"]
    assert any("10.0.0.6/24" in step["step"] for step in plan["steps"])
    assert fleet.carried()["storage"] == "eth1"
    body["setup"]["modified_network_attachments"][0]["host_nic"]["name"] = "eth9"  # type: ignore[index]  # it is there
    refusal = client.post(f"{engine.url}/netweft/v1/plans", json=body)
    assert refusal.status_code == 409
    assert "eth9" in refusal.text


def test_statistics_and_labels(fleet: Fleet, client: Client) -> None:
    host = f"/hosts/{fleet.id()}"
    for collection in ("statistics", f"nics/{client.first_id(f'{host}/nics')}/statistics"):
        for one in client.xml(f"{host}/{collection}"):
            assert client.get(one.get("href").removeprefix("/ovirt-engine/api")).status_code == 200
    assert len(client.xml(f"{host}/nics/{client.first_id(f'{host}/nics')}/networklabels")) == 0


def test_a_host_gets_a_new_certificate(fleet: Fleet, client: Client, sdk: ovirtsdk4.Connection) -> None:
    before = fleet.process.identity.certificate.read_text()
    service = sdk.system_service().hosts_service().host_service(fleet.id())
    service.enroll_certificate()
    shown = fleet.process.identity.certificate.read_text()
    assert shown != before
    assert fleet.agent().shows(shown)
    assert service.get().status == types.HostStatus.UP
    assert {880, 881} <= set(fleet.codes())
    fleet.set_status("non_responsive")
    assert "its agent cannot be reached" in fault(client, f"/hosts/{fleet.id()}/enrollcertificate", "<action/>")


def test_a_host_mask_is_no_netmask(client: Client, fleet: Fleet) -> None:
    ip = "<ip><address>192.0.2.5</address><netmask>0.0.0.255</netmask></ip>"
    one = f"<ip_address_assignment><assignment_method>static</assignment_method>{ip}</ip_address_assignment>"
    body = f"<network_attachment><ip_address_assignments>{one}</ip_address_assignments></network_attachment>"
    answer = client.post(
        f"/hosts/{fleet.id()}/setupnetworks",
        content=f"<action><modified_network_attachments>{body}</modified_network_attachments></action>",
    )
    assert (answer.status_code, "'0.0.0.255' is no netmask" in answer.text) == (400, True)
