"""Where machines can run, and moving them between (simulated) hosts while they run, through the API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import ovirtsdk4
import pytest
import sqlalchemy as sa
from lxml import etree
from ovirtsdk4 import types as t

from api.served import Client, Engine
from api.test_qos import path_of, xml_of
from fleet import Fleet, running_fleet
from netweft.api.routes import ADDITIONS
from netweft.engine.model.networks import networks

HOME = "<cluster><name>Default</name></cluster>"


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path) -> Iterator[Fleet]:
    """Three simulated hosts in cluster Default; the first two carry blue."""
    with running_fleet(engine.db, tmp_path, 3) as fleet, engine.client() as client:
        network = "<name>blue</name><vlan id='100'/><data_center><name>Default</name></data_center>"
        network_id = client.post_xml("/networks", f"<network>{network}</network>").get("id")
        body = f"<network id='{network_id}'><required>false</required></network>"
        client.post_xml(f"/clusters/{client.first_id('/clusters')}/networks", body)
        for number in (1, 2):
            fleet.attach("blue", "eth1", number=number)
        yield fleet


@pytest.fixture
def vm_id(fleet: Fleet, client: Client) -> str:
    """A machine that runs on the first host, on blue."""
    vm_id = str(client.post_xml("/vms", f"<vm><name>one</name>{HOME}</vm>").get("id"))
    profile = next(one.get("id") for one in client.xml("/vnicprofiles") if one.findtext("name") == "blue")
    client.post_xml(f"/vms/{vm_id}/nics", f"<nic><name>nic1</name><vnic_profile id='{profile}'/></nic>")
    client.action(f"/vms/{vm_id}/start", "<action><host><name>sim-1</name></host></action>")
    assert [guest.id for guest in fleet.agent(1).guests()] == [vm_id]
    return vm_id


def addition(client: Client, path: str, status: int = 200) -> Any:
    headers = {"Authorization": client.headers["Authorization"]}
    engine = str(client.base_url).partition("/ovirt-engine")[0]
    answer = httpx.get(f"{engine}{ADDITIONS}{path}", headers=headers, trust_env=False)
    assert answer.status_code == status, answer.text
    return answer.json() if status == 200 else None


def to(name: str, more: str = "") -> str:
    return f"<action><host><name>{name}</name></host>{more}</action>"


def refused(client: Client, vm_id: str, body: str) -> str:
    answer = client.post(f"/vms/{vm_id}/migrate", content=body.encode())
    assert answer.status_code == 409, answer.text
    return str(etree.fromstring(answer.content).findtext(".//detail"))


def place(client: Client, vm_id: str) -> tuple[str | None, str | None]:
    vm = client.xml(f"/vms/{vm_id}", follow="host")
    return vm.findtext("status"), vm.findtext("host/name")


@pytest.mark.usefixtures("fleet")
def test_where_a_machine_can_run_and_why_not_elsewhere(client: Client, vm_id: str) -> None:
    found = addition(client, f"/vms/{vm_id}/placement")
    assert {one["name"] for one in found["fit"]} == {"sim-1", "sim-2"}
    assert found["fit"] == sorted(found["fit"], key=lambda one: -one["total"])
    assert set(found["fit"][0]["scores"]) == {"networks", "bond_health", "uplink_load", "guests", "memory"}
    (unfit,) = found["unfit"]
    (reason,) = unfit["reasons"]
    assert (unfit["name"], reason["code"]) == ("sim-3", "VAR__DETAIL__NETWORK_MISSING")
    assert reason["text"] == "Host sim-3 does not have these networks: blue."
    addition(client, "/vms/nothing/placement", 404)


def scores(client: Client, vm_id: str, score: str) -> dict[str, float]:
    """A score of each host on which the machine can run, the best host first."""
    found = addition(client, f"/vms/{vm_id}/placement")
    return {one["name"]: one["scores"][score] for one in found["fit"]}


def test_a_busy_uplink_makes_a_host_worse(fleet: Fleet, client: Client, vm_id: str) -> None:
    client.action(f"/vms/{vm_id}/stop")
    assert scores(client, vm_id, "uplink_load") == {"sim-1": 100, "sim-2": 100}
    fleet.simulate(1, traffic={"eth1": 2_500_000_000})  # octets a second, of 25 Gbit/s
    client.action(f"/hosts/{fleet.id(1)}/refresh")
    found = scores(client, vm_id, "uplink_load")
    assert list(found.items()) == [("sim-2", 100), ("sim-1", pytest.approx(20))]
    nics = f"/hosts/{fleet.id(1)}/nics"
    eth1 = next(one.get("id") for one in client.xml(nics) if one.findtext("name") == "eth1")
    statistics = {one.findtext("name"): one for one in client.xml(f"{nics}/{eth1}/statistics")}
    assert statistics["data.current.tx"].findtext("values/value/datum") == "2500000000"
    client.action(f"/vms/{vm_id}/start")
    assert place(client, vm_id) == ("up", "sim-2")


def test_what_is_kept_of_hosts_between_decisions_is_always_true(fleet: Fleet, client: Client, vm_id: str) -> None:
    client.action(f"/vms/{vm_id}/stop")
    assert set(scores(client, vm_id, "guests")) == {"sim-1", "sim-2"}
    other = str(client.post_xml("/vms", f"<vm><name>other</name>{HOME}</vm>").get("id"))
    client.action(f"/vms/{other}/start", to("sim-1"))
    assert scores(client, vm_id, "guests") == {"sim-2": 100, "sim-1": 50}, "a guest more"
    blue = next(one.get("id") for one in client.xml("/networks") if one.findtext("name") == "blue")
    fleet.set_status("maintenance", 1)
    assert set(scores(client, vm_id, "guests")) == {"sim-2"}, "a host's status"
    fleet.set_status("up", 1)
    drifted = fleet.host(2)
    lower = [replace(vlan, mtu=1400) for vlan in drifted.vlans.values() if vlan.master == "blue"]
    for link in (replace(drifted.bridges["blue"], mtu=1400), *lower):
        drifted = drifted.with_link(link)
    fleet.simulate(2, host=drifted)
    assert set(scores(client, vm_id, "guests")) == {"sim-1", "sim-2"}, "nobody has looked yet"
    client.action(f"/hosts/{fleet.id(2)}/refresh")
    assert set(scores(client, vm_id, "guests")) == {"sim-1"}, "a report"
    with fleet.db.write() as tx:
        tx.execute(sa.update(networks).where(networks.c.id == blue).values(mtu=1400))
    assert set(scores(client, vm_id, "guests")) == {"sim-2"}, "a network"


def test_a_running_machine_moves(fleet: Fleet, client: Client, vm_id: str) -> None:
    preview = addition(client, f"/vms/{vm_id}/migration?host=sim-2")
    assert (preview["host"], preview["possible"], preview["offer"]) == ("sim-2", True, [])
    assert preview["bandwidth"] == 25000 // 8 // 2
    client.action(f"/vms/{vm_id}/migrate", to("sim-2"))
    assert place(client, vm_id) == ("up", "sim-2")
    assert fleet.agent(1).guests() == []
    (guest,) = fleet.agent(2).guests()
    assert (guest.id, guest.nics[0].bridge) == (vm_id, "blue")
    assert fleet.host(1).guest_ports == {}
    assert {62, 63} <= set(fleet.codes())
    client.action(f"/vms/{vm_id}/migrate")
    assert place(client, vm_id) == ("up", "sim-1")
    client.action(f"/vms/{vm_id}/stop")
    assert fleet.agent(1).guests() == []


def test_a_machine_moves_as_fast_as_the_qos_of_the_migration_network_promises(
    fleet: Fleet, client: Client, vm_id: str
) -> None:
    limits = {"outbound_average_linkshare": 10, "outbound_average_upperlimit": 1600, "outbound_average_realtime": 800}
    qos = client.post_xml(path_of(client), xml_of("moving", "hostnetwork", **limits)).get("id")
    network = client.first_id("networks", search="name=ovirtmgmt")
    client.put_xml(f"networks/{network}", f'<network><qos id="{qos}"/></network>')
    fleet.rolled_out()
    assert addition(client, f"/vms/{vm_id}/migration?host=sim-2")["bandwidth"] == 800 // 8 // 2
    fleet.until(lambda: bool(addition(client, f"/vms/{vm_id}/migration?host=sim-2")["possible"]))
    assert len(fleet.host(2).nics["eth0"].shaping) == 1
    client.action(f"/vms/{vm_id}/migrate", to("sim-2"))
    assert place(client, vm_id) == ("up", "sim-2")


def test_with_the_sdk(fleet: Fleet, sdk: ovirtsdk4.Connection, vm_id: str) -> None:
    service = sdk.system_service().vms_service().vm_service(vm_id)
    service.migrate(host=t.Host(name="sim-2"))
    assert service.get().host.id == fleet.id(2)


def test_networks_that_are_missing_are_offered_and_set_up_first(fleet: Fleet, client: Client, vm_id: str) -> None:
    preview = addition(client, f"/vms/{vm_id}/migration?host={fleet.id(3)}")
    assert (preview["possible"], preview["possible_after_setup"]) == (False, True)
    assert preview["offer"] == [{"network": "blue", "nic": "eth1"}]
    assert preview["reasons"][0]["code"] == "VAR__DETAIL__NETWORK_MISSING"
    assert "Host sim-3 does not have these networks: blue." in refused(client, vm_id, to("sim-3"))
    assert place(client, vm_id) == ("up", "sim-1")
    client.action(f"/vms/{vm_id}/migrate", to("sim-3", "<force>true</force>"))
    assert place(client, vm_id) == ("up", "sim-3")
    assert fleet.carried(3)["blue"] == "eth1"
    assert [guest.id for guest in fleet.agent(3).guests()] == [vm_id]


def test_networks_that_cannot_be_set_up_keep_the_machine_where_it_is(fleet: Fleet, client: Client, vm_id: str) -> None:
    fleet.simulate(3, refuse={"CreateLink": 99})
    assert "could not be set up" in refused(client, vm_id, to("sim-3", "<force>true</force>"))
    assert place(client, vm_id) == ("up", "sim-1")
    assert 65 in fleet.codes()


def test_what_stands_against_a_migration(fleet: Fleet, client: Client, vm_id: str) -> None:
    assert "runs on Host sim-1 already" in refused(client, vm_id, to("sim-1"))
    fleet.set_status("maintenance", 2)
    assert "Host sim-2 is in status maintenance, not up." in refused(client, vm_id, to("sim-2"))
    assert "Host sim-3 does not have these networks: blue." in refused(client, vm_id, "<action/>")
    preview = addition(client, f"/vms/{vm_id}/migration")
    assert (preview["host"], preview["possible"], preview["possible_after_setup"]) == ("", False, False)
    client.action(f"/vms/{vm_id}/stop")
    assert "only a VM that is up can migrate" in refused(client, vm_id, to("sim-2"))
    addition(client, f"/vms/{vm_id}/migration?host=nothing", 404)
