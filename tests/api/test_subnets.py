"""Subnets of networks through HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from api.served import Client, Engine
from fleet import NO_GUESTS, running_fleet

HOME = "<data_center><name>Default</name></data_center>"


class Subnets:
    """The endpoints of subnets, for a network of its own."""

    def __init__(self, engine: Engine, client: Client) -> None:
        self.root, self.client = f"{engine.url}/netweft/v1", client
        network = client.post_xml("/networks", f"<network><name>tenants</name>{HOME}</network>")
        self.network = str(network.get("id"))

    def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self.client.request(method, f"{self.root}{path}", json=body)

    def add(self, name: str, cidr: str, **more: Any) -> dict[str, Any]:
        answer = self.send("POST", f"/networks/{self.network}/subnets", {"name": name, "cidr": cidr, **more})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def all(self) -> list[dict[str, Any]]:
        answer = self.send("GET", f"/networks/{self.network}/subnets")
        assert answer.status_code == 200, answer.text
        return list(answer.json())


def events(client: Client) -> list[str]:
    return [str(event.findtext("description")) for event in client.xml("/events")]


def test_a_subnets_life(engine: Engine, client: Client) -> None:
    subnets = Subnets(engine, client)
    added = subnets.add(
        "four",
        "192.0.2.0/24",
        description="for web servers",
        gateway="192.0.2.1",
        allocation_pools=[
            {"first": "192.0.2.100", "last": "192.0.2.199"},
            {"first": "192.0.2.10", "last": "192.0.2.19"},
        ],
        dns_servers=["198.51.100.53"],
        host_routes=[{"destination": "10.0.0.0/8", "next_hop": "192.0.2.2"}],
    )
    pools = [{"first": "192.0.2.10", "last": "192.0.2.19"}, {"first": "192.0.2.100", "last": "192.0.2.199"}]
    assert added | {"id": "", "href": "", "created_at": ""} == {
        "id": "",
        "href": "",
        "created_at": "",
        "network_id": subnets.network,
        "network_name": "tenants",
        "name": "four",
        "description": "for web servers",
        "cidr": "192.0.2.0/24",
        "ip_version": 4,
        "gateway": "192.0.2.1",
        "allocation_pools": pools,
        "dns_servers": ["198.51.100.53"],
        "host_routes": [{"destination": "10.0.0.0/8", "next_hop": "192.0.2.2"}],
        "dhcp": False,
        "used": 0,
        "provision": None,
    }
    six = subnets.add("six", "2001:DB8:0::/64", gateway="FE80::1", dns_servers=["2001:0db8::53"])
    assert (six["cidr"], six["gateway"], six["dns_servers"]) == ("2001:db8::/64", "fe80::1", ["2001:db8::53"])
    assert subnets.all() == [added, six], "in the order in which they came"
    path = f"/subnets/{added['id']}"
    assert subnets.send("GET", path).json() == added
    changed = subnets.send(
        "PUT", path, {"name": "web", "gateway": None, "allocation_pools": [], "cidr": "192.0.2.0/24"}
    )
    assert changed.json() == added | {"name": "web", "gateway": None, "allocation_pools": []}
    told = events(client)
    assert subnets.send("PUT", path, {"name": "web"}).json() == changed.json()
    assert events(client) == told, "nothing was changed"
    assert subnets.send("DELETE", path).status_code == 200
    assert subnets.send("GET", path).status_code == 404
    assert subnets.all() == [six]
    assert told[0] == "Subnet web of network tenants was changed by admin@internal."
    assert any(text.startswith("Subnet four (192.0.2.0/24) was added to network tenants") for text in told)
    assert events(client)[0].startswith("Subnet web was removed from network tenants")


def test_dhcp_is_served_from_an_address_that_nobody_else_gets(engine: Engine, client: Client) -> None:
    subnets = Subnets(engine, client)
    added = subnets.add("four", "192.0.2.0/29", gateway="192.0.2.1", dhcp=True)
    path = f"/subnets/{added['id']}"
    assert added["dhcp_server"] == "192.0.2.2"
    moved = subnets.send("PUT", path, {"gateway": "192.0.2.2"}).json()
    assert (moved["gateway"], moved["dhcp_server"]) == ("192.0.2.2", "192.0.2.1")
    assert subnets.send("PUT", path, {"gateway": None}).json()["dhcp_server"] == "192.0.2.1"
    assert "dhcp_server" not in subnets.send("PUT", path, {"dhcp": False}).json()
    assert "dhcp_server" not in subnets.add("six", "2001:db8::/64", dhcp=True)


def test_subnets_go_with_their_network(engine: Engine, client: Client) -> None:
    subnets = Subnets(engine, client)
    added = subnets.add("four", "192.0.2.0/24")
    assert client.request("DELETE", f"/networks/{subnets.network}").status_code == 200
    assert subnets.send("GET", f"/subnets/{added['id']}").status_code == 404
    assert subnets.send("GET", f"/networks/{subnets.network}/subnets").status_code == 404


def test_two_networks_may_have_the_same_subnet(engine: Engine, client: Client) -> None:
    subnets = Subnets(engine, client)
    subnets.add("four", "192.0.2.0/24")
    subnets.network = str(client.post_xml("/networks", f"<network><name>lab</name>{HOME}</network>").get("id"))
    subnets.add("four", "192.0.2.0/24")


def test_what_is_no_subnet_is_told(engine: Engine, client: Client) -> None:
    subnets = Subnets(engine, client)
    for body in ({"name": "x"}, {"cidr": "192.0.2.0/24"}, {"name": "x", "cidr": 5}, {"name": "x", "cidr": None}):
        answer = subnets.send("POST", f"/networks/{subnets.network}/subnets", body)
        assert answer.status_code == 400, answer.text
    added = subnets.add("x", "192.0.2.0/24")
    unknown = {"name": "y", "cidr": "198.51.100.0/24", "no_such": 1}
    for method, path, body in (
        ("POST", f"/networks/{subnets.network}/subnets", unknown),
        ("PUT", f"/subnets/{added['id']}", {"no_such": 1}),
        ("PUT", f"/subnets/{added['id']}", {"host_routes": [{"destination": "::/0", "next_hop": "::1", "via": 1}]}),
        ("PUT", "/users/me/password", {"password": "x", "no_such": 1}),
        ("POST", "/plans", {"host": {"name": "x"}, "setup": {}, "no_such": 1}),
    ):
        answer = subnets.send(method, path, body)
        assert (answer.status_code, "unknown field" in answer.text) == (400, True), answer.text
    assert subnets.send("PUT", f"/subnets/{added['id']}", added).json() == added, "a whole one is taken"
    missing = "/subnets/00000000-0000-0000-0000-000000000000"
    assert [subnets.send(method, missing, {}).status_code for method in ("GET", "PUT", "DELETE")] == [404] * 3


def test_who_sees_a_network_sees_its_subnets(engine: Engine, client: Client) -> None:
    """Everyone sees the networks whose profiles are public, and nobody else's."""
    subnets = Subnets(engine, client)
    seen = subnets.add("four", "192.0.2.0/24")
    hidden = client.post_xml("/networks", f"<network><name>hidden</name><usages/>{HOME}</network>")
    subnets.network = str(hidden.get("id"))
    unseen = subnets.add("four", "192.0.2.0/24")
    engine.add_user("nobody@internal")
    with engine.client("nobody@internal", Filter="true") as poor:
        for subnet, status in ((seen, 200), (unseen, 404)):
            for path in (f"/networks/{subnet['network_id']}/subnets", f"/subnets/{subnet['id']}"):
                assert poor.get(f"{subnets.root}{path}").status_code == status, path
        assert poor.request("DELETE", f"{subnets.root}/subnets/{seen['id']}").status_code == 403


class Machine:
    """A virtual machine on the network of :class:`Subnets`, and what oVirt's API and ours say of its vNICs."""

    def __init__(self, subnets: Subnets, client: Client) -> None:
        self.subnets, self.client = subnets, client
        cluster = client.first_id("/clusters")
        body = f"<network id='{subnets.network}'><required>false</required></network>"
        client.post_xml(f"/clusters/{cluster}/networks", body)
        self.profile = client.first_id(f"/networks/{subnets.network}/vnicprofiles")
        self.id = str(client.post_xml("/vms", f"<vm><name>web</name><cluster id='{cluster}'/></vm>").get("id"))

    def add(self, name: str, address: str = "") -> str:
        query = f"?address={address}" if address else ""
        nic = f"<nic><name>{name}</name><vnic_profile id='{self.profile}'/></nic>"
        return str(self.client.post_xml(f"/vms/{self.id}/nics{query}", nic).get("id"))

    def addresses(self) -> dict[str, list[str]]:
        answer = self.subnets.send("GET", f"/vms/{self.id}/nics")
        assert answer.status_code == 200, answer.text
        return {nic["name"]: [one["address"] for one in nic["addresses"]] for nic in answer.json()}


def test_vnics_show_their_addresses(engine: Engine, client: Client) -> None:
    subnets = Subnets(engine, client)
    four = subnets.add("four", "192.0.2.0/24", gateway="192.0.2.1")
    subnets.add("six", "2001:db8::/64")
    machine = Machine(subnets, client)
    machine.add("auto")
    requested = machine.add("requested", "192.0.2.9,2001:db8::9")
    machine.add("bare", "none")
    found = machine.addresses()
    assert (found["requested"], found["bare"], len(found["auto"])) == (["192.0.2.9", "2001:db8::9"], [], 2)
    nics = subnets.send("GET", f"/vms/{machine.id}/nics").json()
    assert [nic["name"] for nic in nics] == ["auto", "bare", "requested"]
    assert nics[2]["addresses"][0] == {
        "address": "192.0.2.9",
        "prefix": 24,
        "ip_version": 4,
        "gateway": "192.0.2.1",
        "subnet_id": four["id"],
        "subnet_name": "four",
    }
    assert nics[2]["addresses"][1]["gateway"] is None
    assert [subnet["used"] for subnet in subnets.all()] == [2, 2]
    client.put_xml(f"/vms/{machine.id}/nics/{requested}?address=192.0.2.10", "<nic/>")
    assert machine.addresses()["requested"] == ["192.0.2.10"]
    client.put_xml(f"/vms/{machine.id}/nics/{requested}", "<nic><linked>false</linked></nic>")
    assert machine.addresses()["requested"] == ["192.0.2.10"]
    client.put_xml(f"/vms/{machine.id}/nics/{requested}?address=auto", "<nic/>")
    assert len(machine.addresses()["requested"]) == 2
    client.put_xml(f"/vms/{machine.id}/nics/{requested}?address=none", "<nic/>")
    assert machine.addresses()["requested"] == []


def test_addresses_stay_while_the_machine_lives(engine: Engine, client: Client, tmp_path: Path) -> None:
    """It is started, migrated, stopped; what its host refuses is as it was."""
    with running_fleet(engine.db, tmp_path, 2) as fleet:
        subnets = Subnets(engine, client)
        subnets.add("four", "192.0.2.0/24")
        managed = next(one for one in client.xml("/networks") if one.findtext("name") == "ovirtmgmt")
        elsewhere, subnets.network = subnets.network, str(managed.get("id"))
        subnets.add("managed", "198.51.100.0/24")
        subnets.network = elsewhere
        machine = Machine(subnets, client)
        fleet.attach("tenants", "eth1", number=1)
        fleet.attach("tenants", "eth1", number=2)
        nic = machine.add("nic1")
        before = machine.addresses()
        for act in ("start", "migrate", "stop", "start"):
            said = "<host><name>sim-1</name></host>" if act == "start" else ""
            client.action(f"/vms/{machine.id}/{act}", f"<action>{said}</action>")
            assert machine.addresses() == before, act
        fleet.simulate(no_guests=NO_GUESTS)
        profile = client.first_id(f"/networks/{managed.get('id')}/vnicprofiles")
        for method, path, body in (
            ("PUT", f"/{nic}", f"<nic><vnic_profile id='{profile}'/></nic>"),
            ("POST", "", f"<nic><name>nic2</name><vnic_profile id='{profile}'/></nic>"),
        ):
            answer = client.request(method, f"/vms/{machine.id}/nics{path}", content=body.encode())
            assert (answer.status_code, NO_GUESTS in answer.text) == (409, True), answer.text
            assert machine.addresses() == before, "what was given for it is free again"
        assert [subnet["used"] for subnet in subnets.all()] == [1]
        subnets.network = str(managed.get("id"))
        assert [subnet["used"] for subnet in subnets.all()] == [0]


def test_subnets_are_searched_in_pages(engine: Engine, client: Client) -> None:
    subnets = Subnets(engine, client)
    for number in range(3):
        subnets.add(f"net{number}", f"192.0.{number}.0/24")
    path = f"/networks/{subnets.network}/subnets"
    assert [one["name"] for one in subnets.send("GET", f"{path}?search=cidr%3D192.0.1*").json()] == ["net1"]
    assert [one["name"] for one in subnets.send("GET", f"{path}?search=page%202&max=1").json()] == ["net1"]


def test_a_subnet_that_may_not_be_seen_tells_nothing_of_its_network(engine: Engine, client: Client) -> None:
    subnets = Subnets(engine, client)
    path = f"{subnets.root}/subnets/{subnets.add('four', '192.0.2.0/24')['id']}"
    (profile,) = client.xml(f"/networks/{subnets.network}/vnicprofiles")
    assert client.delete(f"/vnicprofiles/{profile.get('id')}").status_code == 200, "everyone may use it"
    engine.add_user("nobody@internal")
    with engine.client("nobody@internal", Filter="true") as poor:
        answer = poor.get(path)
    assert answer.status_code == 404
    assert subnets.network not in answer.text
