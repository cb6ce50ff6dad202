"""The real Neutron on the real OVN: prerequisites of the tests of providers."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from keystoneauth1.exceptions import ConnectFailure
from keystoneauth1.noauth import NoAuth
from keystoneauth1.session import Session
from openstack.connection import Connection
from openstack.exceptions import ConflictException, HttpException

from providers.faults import LOSE, FaultyProxy, answer
from providers.guests import guest, reach_each_other
from providers.neutron import PROJECT, Neutron
from providers.ovn import Ovn
from waiting import until

VLAN = {"provider_network_type": "vlan", "provider_physical_network": "physnet1", "provider_segmentation_id": 123}


def connect(url: str) -> Connection:
    """Neutron without Keystone; ``url`` is the root of its API."""
    session = Session(auth=NoAuth(endpoint=url), timeout=60.0)
    return Connection(session=session, network_endpoint_override=url)


@pytest.fixture
def cloud(neutron: Neutron, ovn: Ovn) -> Iterator[Connection]:
    """A connection; its objects are removed afterwards from Neutron and OVN."""
    with connect(neutron.url) as cloud:
        yield cloud
        left = [*cloud.network.ports(), *cloud.network.networks()]
        for port in cloud.network.ports():
            cloud.network.delete_port(port)
        for network in cloud.network.networks():
            cloud.network.delete_network(network)
    assert left == []
    assert ovn.central.nbctl("--bare", "--columns=name", "list", "Logical_Switch") == ""


@pytest.fixture
def network(cloud: Connection, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A network with a subnet, and further fields as the test's parameter says."""
    made = cloud.network.create_network(name="net", project_id=PROJECT, **getattr(request, "param", {}))
    cloud.network.create_subnet(network_id=made.id, ip_version=4, cidr="10.2.0.0/24", project_id=PROJECT)
    yield made
    for port in cloud.network.ports(network_id=made.id):
        cloud.network.delete_port(port.id)
    cloud.network.delete_network(made.id)


def create_port(cloud: Connection, network: Any, host: str, **fields: Any) -> Any:
    return cloud.network.create_port(
        network_id=network.id, project_id=PROJECT, binding_host_id=host, device_owner="compute:netweft", **fields
    )


@pytest.mark.parametrize(("network", "mtu"), [({}, "1442"), (VLAN, "1500")], indirect=["network"])
def test_two_guests_on_two_chassis_get_addresses_and_ping_each_other(
    cloud: Connection, network: Any, ovn: Ovn, mtu: str
) -> None:
    ports = [create_port(cloud, network, host) for host in ovn.chassis]
    assert [(port.binding_vif_type, port.status) for port in ports] == [("ovs", "DOWN")] * 2
    with (
        guest(ovn.chassis["h1"], ports[0].id, ports[0].mac_address) as one,
        guest(ovn.chassis["h2"], ports[1].id, ports[1].mac_address) as two,
    ):
        for port in ports:
            until(lambda port=port: cloud.network.get_port(port.id).status == "ACTIVE", "ACTIVE")  # type: ignore[misc]
        leases = [one.lease(), two.lease()]
        assert [(lease["ip"], lease["mtu"]) for lease in leases] == [
            (port.fixed_ips[0]["ip_address"], mtu) for port in ports
        ]
        reach_each_other((one, leases[0]["ip"]), (two, leases[1]["ip"]))


def test_a_port_on_an_unknown_host_is_created_but_not_bound(cloud: Connection, network: Any, neutron: Neutron) -> None:
    port = create_port(cloud, network, "nowhere")
    assert (port.binding_vif_type, port.status) == ("binding_failed", "DOWN")
    assert f"Failed to bind port {port.id} on host nowhere" in neutron.log
    assert cloud.network.update_port(port.id, binding_host_id="h2").binding_vif_type == "ovs"


def test_faults_between_client_and_neutron(cloud: Connection, network: Any, neutron: Neutron) -> None:
    with FaultyProxy(neutron.url) as proxy, connect(proxy.url) as through:
        proxy.fail("POST .*/ports", answer(409, "IpAddressInUse"))
        with pytest.raises(ConflictException):
            create_port(through, network, "h1")
        proxy.fail("POST .*/ports", answer(500))
        with pytest.raises(HttpException):
            create_port(through, network, "h1")
        assert list(cloud.network.ports(network_id=network.id)) == []
        proxy.fail("POST .*/ports", LOSE)
        with pytest.raises(ConnectFailure):
            create_port(through, network, "h1", name="lost")
        assert [port.name for port in cloud.network.ports(network_id=network.id)] == ["lost"]


def test_an_answer_is_limited_to_a_page(cloud: Connection, neutron: Neutron) -> None:
    made = {cloud.network.create_network(name=f"net{number}", project_id=PROJECT).id for number in range(11)}
    listed = httpx.get(f"{neutron.url}/v2.0/networks", trust_env=False, timeout=60.0).json()
    assert len(listed["networks"]) == 10
    assert "next" in [link["rel"] for link in listed["networks_links"]]
    assert {network.id for network in cloud.network.networks()} == made
    for network in made:
        cloud.network.delete_network(network)


def test_neutron_hangs_continues_and_restarts(cloud: Connection, network: Any, neutron: Neutron, ovn: Ovn) -> None:
    neutron.send(signal.SIGSTOP)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(neutron.url, trust_env=False, timeout=0.5)
    neutron.send(signal.SIGCONT)
    assert cloud.network.get_network(network.id).name == "net"
    neutron.kill()
    try:
        with pytest.raises((httpx.ConnectError, httpx.ReadError)):  # reset, while the kernel removes its socket
            httpx.get(neutron.url, trust_env=False)
    finally:
        neutron.start()
    port = create_port(cloud, network, "h1")
    with guest(ovn.chassis["h1"], port.id, port.mac_address):
        until(lambda: cloud.network.get_port(port.id).status == "ACTIVE", "ACTIVE")
