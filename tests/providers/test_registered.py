"""Registered providers: the engine as a program, the real Neutron, and faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from openstack.connection import Connection

from doc_blocks import scripts
from providers.faults import CLOSE, HANG, LOSE, Fault, FaultyProxy, answer
from providers.neutron import PROJECT, Neutron
from providers.ovn import Ovn
from providers.test_neutron import connect

NAMES = ["blue", "Zürich ☃", "сеть", "网络", "a b  c", "x" * 255, '"quoted" & <tagged>', "-o json"]


@pytest.fixture
def networks(neutron: Neutron) -> Iterator[dict[str, str]]:
    """Networks with names of any script, by name their ids; more than a page of Neutron. The first has subnets."""
    with connect(neutron.url) as cloud:
        made = _networks(cloud)
        yield made
        for network_id in made.values():
            cloud.network.delete_network(network_id)


def _networks(cloud: Connection) -> dict[str, str]:
    names = [*NAMES, *(f"net{number}" for number in range(7))]
    made = {name: str(cloud.network.create_network(name=name, project_id=PROJECT).id) for name in names}
    for values in (
        {"name": "low", "ip_version": 4, "cidr": "192.0.2.0/24", "dns_nameservers": ["192.0.2.53"]},
        {"name": "six", "ip_version": 6, "cidr": "2001:db8::/64", "gateway_ip": None},
    ):
        cloud.network.create_subnet(network_id=made["blue"], project_id=PROJECT, **values)
    return made


def add(api: httpx.Client, url: str) -> httpx.Response:
    return api.post("/openstacknetworkproviders", json={"name": "neutron", "type": "neutron", "url": url})


@pytest.fixture
def provider(api: httpx.Client, neutron: Neutron) -> Iterator[tuple[str, FaultyProxy]]:
    """The path of a provider, and the proxy before it."""
    with FaultyProxy(neutron.url) as proxy:
        added = add(api, proxy.url)
        assert added.status_code == 201, added.text
        path = f"/openstacknetworkproviders/{added.json()['id']}"
        yield path, proxy
        proxy.mend()
        assert api.delete(path).status_code == 200


def listed(api: httpx.Client, path: str, item: str) -> list[dict[str, Any]]:
    answered = api.get(path)
    assert answered.status_code == 200, answered.text
    return list(answered.json().get(item, []))


def test_all_objects_of_neutron_are_listed(
    api: httpx.Client, provider: tuple[str, FaultyProxy], networks: dict[str, str]
) -> None:
    path, _ = provider
    assert {one["name"]: one["id"] for one in listed(api, f"{path}/networks", "openstack_network")} == networks
    below = f"{path}/networks/{networks['blue']}"
    subnets = listed(api, f"{below}/subnets", "openstack_subnet")
    assert [(one["name"], one["cidr"], one["ip_version"], one.get("gateway")) for one in subnets] == [
        ("low", "192.0.2.0/24", "v4", "192.0.2.1"),
        ("six", "2001:db8::/64", "v6", None),
    ]
    assert api.get(f"{path}/networks/{networks['net0']}/subnets").json() == {}
    assert api.get(f"{path}/networks/none/subnets").status_code == 404


REFUSED, LOST = "refused", "cannot be reached"
FAULTS: dict[str, tuple[Fault, str, str]] = {
    "401": (answer(401), "PROVIDER_AUTHENTICATION_FAILURE", "refused the login"),
    "403": (answer(403), "PROVIDER_AUTHENTICATION_FAILURE", "refused the login"),
    "409": (answer(409), "PROVIDER_FAILURE", REFUSED),
    "500": (answer(500), "PROVIDER_FAILURE", REFUSED),
    "503": (answer(503), "PROVIDER_FAILURE", REFUSED),
    "closed": (CLOSE, "PROVIDER_FAILURE", LOST),
    "reply lost": (LOSE, "PROVIDER_FAILURE", LOST),
    "hung": (HANG, "PROVIDER_FAILURE", LOST),
}
STEPS = {
    "test": ("POST", "/testconnectivity", "GET /v2.0/extensions"),
    "list networks": ("GET", "/networks", "GET /v2.0/networks"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", STEPS)
def test_a_fault_is_reported_and_recovers(
    api: httpx.Client, provider: tuple[str, FaultyProxy], step: str, fault: str
) -> None:
    path, proxy = provider
    method, below, line = STEPS[step]
    kind, code, words = FAULTS[fault]
    proxy.fail(line, kind, times=10)
    failed = api.request(method, f"{path}{below}", json={} if method == "POST" else None)
    assert (failed.status_code, failed.headers["Netweft-Code"]) == (409, code), failed.text
    assert words in failed.text
    state = api.get(f"{str(api.base_url).partition('/ovirt-engine')[0]}/netweft/v1/providers").json()["providers"][0]
    assert (state["status"], words in state["status_reason"]) == (("error", True) if step == "test" else ("ok", False))
    proxy.mend()
    assert api.request(method, f"{path}{below}", json={} if method == "POST" else None).status_code == 200


def test_a_hanging_provider_delays_no_other(api: httpx.Client, provider: tuple[str, FaultyProxy]) -> None:
    path, proxy = provider
    asked = proxy.seen.count("GET /")
    proxy.fail("GET", HANG, times=100)
    for _ in range(6):
        with pytest.raises(httpx.ReadTimeout):  # the client times out; the job continues
            api.get(f"{path}/networks", params={"async": "true"}, timeout=0.2)
    assert api.get("/networks", timeout=10).status_code == 200
    assert api.post("/datacenters", json={"name": "meanwhile"}, timeout=10).status_code == 201
    assert proxy.seen.count("GET /") == asked + 1, "one call at a time"


def test_the_page(neutron: Neutron, networks: dict[str, str], terminal: Callable[..., str]) -> None:
    script = f"{scripts('neutron')['docs/providers.md']}netweft provider remove neutron --yes\n"
    wrote = terminal(script, NEUTRON_URL=neutron.url)
    for said in ("ok", *list(networks)[1:3], "192.0.2.0/24"):
        assert said in wrote


def test_the_page_about_ovn(ovn: Ovn, terminal: Callable[..., str]) -> None:
    ovn.central.nbctl("ls-add", "blue")
    script = f"{scripts('ovn')['docs/providers.md']}netweft provider status ovn\nnetweft provider remove ovn --yes\n"
    wrote = terminal(script, OVN_NORTHBOUND=ovn.central.northbound, OVN_SOUTHBOUND=ovn.central.southbound)
    ovn.central.nbctl("ls-del", "blue")
    for said in ("ok", "blue", ovn.central.southbound):
        assert said in wrote


@pytest.mark.parametrize("url", ["tcp:127.0.0.1:1?southbound=tcp:127.0.0.1:1", "tcp:127.0.0.1:7777"])
def test_an_unreachable_ovn_is_refused(api: httpx.Client, url: str) -> None:
    body = {"name": "ovn", "type": "ovn", "url": url}
    failed = api.post("/openstacknetworkproviders", json=body)
    assert (failed.status_code, failed.headers["Netweft-Code"]) == (409, "PROVIDER_FAILURE"), failed.text
    assert "cannot be" in failed.text


def test_all_unknown_networks_are_imported(neutron: Neutron, terminal: Callable[..., str]) -> None:
    with connect(neutron.url) as cloud:
        made = {
            name: str(cloud.network.create_network(name=name, project_id=PROJECT).id) for name in ("one", "ovirtmgmt")
        }
        two = str(cloud.network.create_network(name="two", project_id=PROJECT).id)
        script = (
            'netweft provider add all --address "$NEUTRON_URL"\n'
            "netweft provider network import all one -o json | grep -q external_provider\n"
            "netweft provider network import-all all --plan\n"
            "netweft provider network import-all all 2>&1 || echo some failed with $?\n"
            "netweft network list\n"
            "netweft provider network import-all all --plan -o json\n"
            "netweft network remove one --yes && netweft network remove two --yes\n"
            "netweft provider remove all --yes\n"
        )
        wrote = terminal(script, NEUTRON_URL=neutron.url)
        for network_id in (*made.values(), two):
            cloud.network.delete_network(network_id)
    plan, _, rest = wrote.partition("ovirtmgmt:")
    assert "two" in plan
    assert "name of the logical network 'ovirtmgmt' is already used" in rest
    assert "some failed with 1" in rest
    assert rest.count('"name": "ovirtmgmt"') == 1
