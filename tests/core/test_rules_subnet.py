"""Rules on subnets, and on the addresses of vNICs."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from netweft.core.addresses import Network
from netweft.core.errors import Problem
from netweft.core.rules import subnet as rules
from netweft.core.rules import vnic_address
from netweft.core.rules.subnet import Pool, Route

NET = ip_network("192.0.2.0/24")
SIX = ip_network("2001:db8::/64")


def code(problem: Problem | None) -> str:
    return problem.code if problem else ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.0/24", ""),
        ("0.0.0.0/0", ""),
        ("2001:db8::/64", ""),
        ("192.0.2.1/24", "SUBNET_CIDR_HAS_HOST_BITS"),
        ("2001:db8::1/64", "SUBNET_CIDR_HAS_HOST_BITS"),
        ("192.0.2.0", "SUBNET_CIDR_INVALID"),
        ("192.0.2.0/255.255.255.0", "SUBNET_CIDR_INVALID"),
        ("192.0.2.0/0.0.0.255", "SUBNET_CIDR_INVALID"),
        ("192.0.2.0/33", "SUBNET_CIDR_INVALID"),
        ("192.0.02.0/24", "SUBNET_CIDR_INVALID"),
        ("fe80::%eth0/64", "SUBNET_CIDR_INVALID"),
        ("", "SUBNET_CIDR_INVALID"),
        ("tenants", "SUBNET_CIDR_INVALID"),
    ],
)
def test_cidrs(text: str, expected: str) -> None:
    assert code(rules.cidr_is_valid(text)) == expected


def test_host_bits_are_refused_with_the_probable_subnet() -> None:
    problem = rules.cidr_is_valid("192.0.2.77/24")
    assert problem is not None
    assert "192.0.2.0/24" in problem.text


@pytest.mark.parametrize(
    ("cidr", "is_fit"),
    [
        ("10.0.0.0/8", True),
        ("2001:db8::/64", True),
        ("fd00::/64", True),
        ("224.0.0.0/8", False),
        ("127.0.0.0/8", False),
        ("169.254.0.0/16", False),
        ("240.0.0.0/8", False),
        ("0.0.0.0/0", False),
        ("::/0", False),
        ("fe80::/64", False),
        ("ff00::/8", False),
    ],
)
def test_what_is_for_guests(cidr: str, is_fit: bool) -> None:
    assert (rules.cidr_is_for_guests(ip_network(cidr)) is None) == is_fit


def test_a_subnet_stays_the_same() -> None:
    assert rules.cidr_is_kept("192.0.2.0/24", "192.0.2.0/24") is None
    assert code(rules.cidr_is_kept("192.0.2.0/24", "192.0.2.0/25")) == "SUBNET_CIDR_CANNOT_CHANGE"


def test_names() -> None:
    assert rules.name_is_free("a", is_taken=False) is None
    assert code(rules.name_is_free("a", is_taken=True)) == "SUBNET_NAME_IN_USE"


def test_overlaps() -> None:
    others = {"a": "192.0.2.128/25", "b": "198.51.100.0/24", "six": "2001:db8::/48"}
    problem = rules.overlaps_no_other(NET, others)
    assert code(problem) == "SUBNET_OVERLAPS"
    assert problem is not None
    assert "a (192.0.2.128/25)" in problem.text
    assert "b (" not in problem.text
    assert rules.overlaps_no_other(ip_network("192.0.2.0/25"), others) is None
    assert code(rules.overlaps_no_other(SIX, others)) == "SUBNET_OVERLAPS"


@pytest.mark.parametrize(
    ("cidr", "gateway", "expected"),
    [
        (NET, "", ""),
        (NET, "192.0.2.254", ""),
        (NET, "192.0.2.0", "SUBNET_GATEWAY_INVALID"),
        (NET, "192.0.2.255", "SUBNET_GATEWAY_INVALID"),
        (NET, "router", "SUBNET_GATEWAY_INVALID"),
        (NET, "192.0.3.1", "SUBNET_GATEWAY_OUTSIDE"),
        (NET, "169.254.0.1", "SUBNET_GATEWAY_OUTSIDE"),
        (NET, "2001:db8::1", "SUBNET_GATEWAY_OUTSIDE"),
        (SIX, "2001:db8::1", ""),
        (SIX, "fe80::1", ""),
        (SIX, "fe80::1%eth0", "SUBNET_GATEWAY_INVALID"),
        (SIX, "2001:db8::", "SUBNET_GATEWAY_INVALID"),
        (SIX, "192.0.2.1", "SUBNET_GATEWAY_OUTSIDE"),
    ],
)
def test_gateways(cidr: Network, gateway: str, expected: str) -> None:
    assert code(rules.gateway_is_valid(cidr, gateway)) == expected


def test_a_gateway_is_no_vnics() -> None:
    assert rules.gateway_is_free("192.0.2.1", "") is None
    assert code(rules.gateway_is_free("192.0.2.1", "web/nic1")) == "SUBNET_GATEWAY_IN_USE"


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (("192.0.2.10", "192.0.2.20"), ""),
        (("192.0.2.10", "192.0.2.10"), ""),
        (("192.0.2.20", "192.0.2.10"), "SUBNET_POOL_INVALID"),
        (("192.0.2.0", "192.0.2.10"), "SUBNET_POOL_INVALID"),
        (("192.0.2.10", "192.0.2.255"), "SUBNET_POOL_INVALID"),
        (("x", "192.0.2.10"), "SUBNET_POOL_INVALID"),
        (("192.0.2.10", "x"), "SUBNET_POOL_INVALID"),
        (("192.0.2.10", "192.0.3.10"), "SUBNET_POOL_OUTSIDE"),
        (("2001:db8::1", "2001:db8::2"), "SUBNET_POOL_OUTSIDE"),
    ],
)
def test_pools(pool: Pool, expected: str) -> None:
    assert code(rules.pool_is_valid(NET, pool)) == expected


def test_pools_of_one_subnet() -> None:
    one, two, three = ("192.0.2.10", "192.0.2.19"), ("192.0.2.20", "192.0.2.29"), ("192.0.2.29", "192.0.2.40")
    assert rules.pools_are_apart([two, one]) is None
    assert code(rules.pools_are_apart([three, one, two])) == "SUBNET_POOLS_OVERLAP"
    assert rules.pools_leave_gateway("192.0.2.1", [one, two]) is None
    assert rules.pools_leave_gateway("", [one]) is None
    assert code(rules.pools_leave_gateway("192.0.2.20", [one, two])) == "SUBNET_POOL_HOLDS_GATEWAY"


@pytest.mark.parametrize(
    ("cidr", "servers", "expected"),
    [
        (NET, [], ""),
        (NET, ["198.51.100.1", "192.0.2.1"], ""),
        (NET, ["198.51.100.1", "198.51.100.1"], "SUBNET_DNS_SERVER_TWICE"),
        (NET, ["2001:db8::1"], "SUBNET_DNS_SERVER_INVALID"),
        (NET, ["server"], "SUBNET_DNS_SERVER_INVALID"),
        (NET, ["224.0.0.1"], "SUBNET_DNS_SERVER_INVALID"),
        (SIX, ["2001:db8::1"], ""),
        (SIX, ["fe80::1%eth0"], "SUBNET_DNS_SERVER_INVALID"),
    ],
)
def test_dns_servers(cidr: Network, servers: list[str], expected: str) -> None:
    assert code(rules.dns_servers_are_valid(cidr, servers)) == expected


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ([], ""),
        ([("10.0.0.0/8", "192.0.2.1"), ("0.0.0.0/0", "192.0.2.2")], ""),
        ([("10.0.0.1/8", "192.0.2.1")], "SUBNET_ROUTE_INVALID"),
        ([("2001:db8::/32", "192.0.2.1")], "SUBNET_ROUTE_INVALID"),
        ([("10.0.0.0/8", "192.0.3.1")], "SUBNET_ROUTE_INVALID"),
        ([("10.0.0.0/8", "192.0.2.0")], "SUBNET_ROUTE_INVALID"),
        ([("10.0.0.0/8", "router")], "SUBNET_ROUTE_INVALID"),
        ([("10.0.0.0/8", "192.0.2.1"), ("10.0.0.0/8", "192.0.2.2")], "SUBNET_ROUTE_TWICE"),
    ],
)
def test_host_routes(routes: list[Route], expected: str) -> None:
    assert code(rules.host_routes_are_valid(NET, routes)) == expected


def test_lists_have_an_end() -> None:
    pools = [("192.0.2.1", "192.0.2.1")] * (rules.POOLS_MAX + 1)
    routes = [("10.0.0.0/8", "192.0.2.1")] * (rules.ROUTES_MAX + 1)
    servers = ["192.0.2.1"] * (rules.SERVERS_MAX + 1)
    assert rules.lists_are_short(pools[1:], servers[1:], routes[1:]) is None
    for too_long in ((pools, (), ()), ((), servers, ()), ((), (), routes)):
        assert code(rules.lists_are_short(*too_long)) == "SUBNET_LIST_TOO_LONG"


@pytest.mark.parametrize(
    ("cidr", "dhcp", "expected"),
    [
        ("192.0.2.0/30", True, ""),
        ("192.0.2.0/31", True, "SUBNET_DHCP_PREFIX"),
        ("192.0.2.0/31", False, ""),
        ("2001:db8::/64", True, ""),
        ("2001:db8::/120", True, ""),
        ("2001:db8::/63", True, "SUBNET_DHCP_PREFIX"),
    ],
)
def test_what_dhcp_is_served_for(cidr: str, dhcp: bool, expected: str) -> None:
    assert code(rules.dhcp_can_be_served(ip_network(cidr), dhcp=dhcp)) == expected


def test_dhcp_is_served_from_somewhere() -> None:
    assert code(rules.dhcp_has_address(NET, "", dhcp=True)) == "SUBNET_DHCP_NO_ADDRESS"
    assert rules.dhcp_has_address(NET, "192.0.2.2", dhcp=True) is None
    assert rules.dhcp_has_address(NET, "", dhcp=False) is None
    assert rules.dhcp_has_address(SIX, "", dhcp=True) is None


def test_dhcp_leaves_an_address_for_a_guest() -> None:
    alone = ("192.0.2.2", "192.0.2.2")
    assert code(rules.dhcp_leaves_addresses("192.0.2.2", [alone])) == "SUBNET_DHCP_NO_ADDRESS"
    assert rules.dhcp_leaves_addresses("", [alone]) is None
    assert rules.dhcp_leaves_addresses("192.0.2.3", [alone]) is None
    assert rules.dhcp_leaves_addresses("192.0.2.2", [("192.0.2.2", "192.0.2.3")]) is None


def test_a_subnet_in_use_stays() -> None:
    assert rules.is_unused("a", ()) is None
    problem = rules.is_unused("a", ["web/nic1"])
    assert code(problem) == "SUBNET_IN_USE"
    assert problem is not None
    assert "web/nic1" in problem.text


def test_addresses_are_few() -> None:
    assert vnic_address.addresses_are_few(vnic_address.ADDRESSES_MAX) is None
    assert code(vnic_address.addresses_are_few(vnic_address.ADDRESSES_MAX + 1)) == "VNIC_ADDRESSES_TOO_MANY"
    assert vnic_address.address_is_valid("192.0.2.1") is None
    for text in ("192.0.2.1/24", "fe80::1%eth0", "x", ""):
        assert code(vnic_address.address_is_valid(text)) == "VNIC_ADDRESS_INVALID"


@pytest.mark.parametrize(
    ("network", "cidrs", "words"),
    [
        ("tenants", ["192.0.2.0/24"], ""),
        ("tenants", ["198.51.100.0/24", "2001:db8::/64"], "has the subnets 198.51.100.0/24, 2001:db8::/64"),
        ("tenants", [], "has no subnet"),
        (None, [], "on no network"),
    ],
)
def test_an_address_is_of_the_network(network: str | None, cidrs: list[str], words: str) -> None:
    problem = vnic_address.address_has_subnet(ip_address("192.0.2.5"), network, cidrs)
    assert (problem is None) == (not words)
    assert words in (problem.text if problem else "")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("192.0.2.5", ""),
        ("192.0.2.3", "is the DHCP server"),
        ("192.0.2.0", "network or broadcast"),
        ("192.0.2.255", "network or broadcast"),
        ("192.0.2.1", "gateway"),
    ],
)
def test_an_address_is_not_reserved_by_the_subnet(address: str, words: str) -> None:
    problem = vnic_address.address_is_for_hosts(ip_address(address), "192.0.2.0/24", "192.0.2.1", "192.0.2.3")
    assert (problem is None) == (not words)
    assert words in (problem.text if problem else "")
    assert vnic_address.address_is_for_hosts(ip_address("192.0.2.5"), "192.0.2.0/24", "", "") is None


def test_taken_and_exhausted() -> None:
    assert vnic_address.address_is_free("192.0.2.5", "") is None
    assert code(vnic_address.address_is_free("192.0.2.5", "web/nic1")) == "VNIC_ADDRESS_IN_USE"
    assert vnic_address.subnets_have_room("tenants", 4, ["a"], found=True) is None
    problem = vnic_address.subnets_have_room("tenants", 4, ["b", "a"], found=False)
    assert code(problem) == "SUBNET_EXHAUSTED"
    assert problem is not None
    assert "a, b" in problem.text
