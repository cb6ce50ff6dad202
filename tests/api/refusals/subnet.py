"""Subnets of networks."""

from __future__ import annotations

import json
from typing import Any

from api.refusals.site import LONG, Refusal, Site, Table

HOSTS = 0

V1 = "/netweft/v1"


def prepare(site: Site) -> None:
    site.names["Default"] = site.client.first_id("/clusters")
    site.network("tenants")
    site.attach("tenants")
    site.profile("tenants")
    for name, cidr, more in (
        ("four", "192.0.2.0/24", {"gateway": "192.0.2.1"}),
        ("other", "198.51.100.0/24", {}),
        ("six", "2001:db8::/64", {}),
        ("tiny", "198.18.0.0/31", {}),
        ("full", "198.18.1.0/30", {"gateway": "198.18.1.1"}),
    ):
        body = {"name": name, "cidr": cidr, **more}
        answer = site.client.post(f"{site.engine.url}{V1}/networks/{site.names['tenants']}/subnets", json=body)
        assert answer.status_code == 201, answer.text
        site.names[name] = answer.json()["id"]


def use(site: Site) -> None:
    site.add("/vms", "<vm><name>web</name><cluster><name>Default</name></cluster></vm>", "web")
    nic = "<nic><name>nic1</name><vnic_profile id='{profile:tenants}'/></nic>"
    site.add("/vms/{web}/nics?address=192.0.2.7,198.18.1.2", nic, "nic1")


def add(rule: str, code: str, words: str, **said: Any) -> Refusal:
    body = json.dumps({"name": "new", "cidr": "203.0.113.0/24", **said})
    return Refusal(rule, "POST", f"{V1}/networks/{{tenants}}/subnets", body, code, words)


def change(rule: str, code: str, words: str, **said: Any) -> Refusal:
    return Refusal(rule, "PUT", f"{V1}/subnets/{{four}}", json.dumps(said), code, words)


def pool(first: str, last: str) -> dict[str, str]:
    return {"first": first, "last": last}


def route(destination: str, next_hop: str) -> dict[str, str]:
    return {"destination": destination, "next_hop": next_hop}


TABLE: Table = (
    add("fields.name_is_valid", "ACTION_TYPE_FAILED_NAME_MAY_NOT_BE_EMPTY", "may not be empty", name=""),
    change("fields.text_is_valid", "VALIDATION_DESCRIPTION_INVALID", "has 4001 characters", description=LONG),
    add("subnet.name_is_free", "SUBNET_NAME_IN_USE", "name 'four' is already used", name="four"),
    change("subnet.name_is_free", "SUBNET_NAME_IN_USE", "name 'six' is already used", name="six"),
    add("subnet.cidr_is_valid", "SUBNET_CIDR_INVALID", "'203.0.113.0' is no subnet", cidr="203.0.113.0"),
    add("subnet.cidr_is_valid", "SUBNET_CIDR_HAS_HOST_BITS", "it is in is 203.0.113.0/24", cidr="203.0.113.9/24"),
    add("subnet.cidr_is_for_guests", "SUBNET_CIDR_NOT_FOR_GUESTS", "224.0.0.0/8 is multicast", cidr="224.0.0.0/8"),
    change("subnet.cidr_is_kept", "SUBNET_CIDR_CANNOT_CHANGE", "cannot become 192.0.2.0/25", cidr="192.0.2.0/25"),
    add("subnet.overlaps_no_other", "SUBNET_OVERLAPS", "overlaps with other subnets", cidr="192.0.0.0/16"),
    add("subnet.overlaps_no_other", "SUBNET_OVERLAPS", "six (2001:db8::/64)", cidr="2001:db8::/56"),
    add("subnet.gateway_is_valid", "SUBNET_GATEWAY_INVALID", "'router' is no IP address", gateway="router"),
    add("subnet.gateway_is_valid", "SUBNET_GATEWAY_INVALID", "broadcast address", gateway="203.0.113.255"),
    add("subnet.gateway_is_valid", "SUBNET_GATEWAY_OUTSIDE", "is outside of 203.0.113.0/24", gateway="203.0.114.1"),
    change("subnet.gateway_is_valid", "SUBNET_GATEWAY_OUTSIDE", "is outside of 192.0.2.0/24", gateway="2001:db8::1"),
    add(
        "subnet.pool_is_valid",
        "SUBNET_POOL_INVALID",
        "is not two IP addresses",
        allocation_pools=[pool("203.0.113.1", "x")],
    ),
    add(
        "subnet.pool_is_valid",
        "SUBNET_POOL_INVALID",
        "runs downwards",
        allocation_pools=[pool("203.0.113.9", "203.0.113.1")],
    ),
    add(
        "subnet.pool_is_valid",
        "SUBNET_POOL_INVALID",
        "holds the network or broadcast address",
        allocation_pools=[pool("203.0.113.0", "203.0.113.9")],
    ),
    change(
        "subnet.pool_is_valid",
        "SUBNET_POOL_OUTSIDE",
        "is outside of 192.0.2.0/24",
        allocation_pools=[pool("192.0.2.1", "192.0.3.1")],
    ),
    add(
        "subnet.pools_are_apart",
        "SUBNET_POOLS_OVERLAP",
        "overlap. Join them",
        allocation_pools=[pool("203.0.113.9", "203.0.113.20"), pool("203.0.113.1", "203.0.113.9")],
    ),
    add(
        "subnet.pools_leave_gateway",
        "SUBNET_POOL_HOLDS_GATEWAY",
        "holds the gateway 203.0.113.1",
        gateway="203.0.113.1",
        allocation_pools=[pool("203.0.113.1", "203.0.113.9")],
    ),
    change(
        "subnet.pools_leave_gateway",
        "SUBNET_POOL_HOLDS_GATEWAY",
        "holds the gateway 192.0.2.1",
        allocation_pools=[pool("192.0.2.1", "192.0.2.9")],
    ),
    add("subnet.dns_servers_are_valid", "SUBNET_DNS_SERVER_INVALID", "is no IPv4 address", dns_servers=["2001:db8::1"]),
    add(
        "subnet.dns_servers_are_valid",
        "SUBNET_DNS_SERVER_TWICE",
        "is given twice",
        dns_servers=["192.0.2.53", "192.0.2.53"],
    ),
    add(
        "subnet.host_routes_are_valid",
        "SUBNET_ROUTE_INVALID",
        "no IPv4 subnet that a route can lead to",
        host_routes=[route("10.0.0.1/8", "203.0.113.1")],
    ),
    add(
        "subnet.host_routes_are_valid",
        "SUBNET_ROUTE_INVALID",
        "which no host of 203.0.113.0/24 can have",
        host_routes=[route("10.0.0.0/8", "192.0.2.1")],
    ),
    add(
        "subnet.host_routes_are_valid",
        "SUBNET_ROUTE_TWICE",
        "Two routes lead to 10.0.0.0/8",
        host_routes=[route("10.0.0.0/8", "203.0.113.1"), route("10.0.0.0/8", "203.0.113.2")],
    ),
    add("subnet.lists_are_short", "SUBNET_LIST_TOO_LONG", "9 DNS servers are given", dns_servers=["192.0.2.1"] * 9),
    add("subnet.dhcp_can_be_served", "SUBNET_DHCP_PREFIX", "30 bits or fewer", cidr="203.0.113.0/31", dhcp=True),
    add("subnet.dhcp_can_be_served", "SUBNET_DHCP_PREFIX", "64 bits or more", cidr="2001:db8:1::/48", dhcp=True),
    Refusal(
        "subnet.dhcp_can_be_served", "PUT", f"{V1}/subnets/{{tiny}}", '{"dhcp": true}', "SUBNET_DHCP_PREFIX", "bits"
    ),
    add(
        "subnet.dhcp_leaves_addresses",
        "SUBNET_DHCP_NO_ADDRESS",
        "holds only 203.0.113.2",
        cidr="203.0.113.0/30",
        gateway="203.0.113.1",
        allocation_pools=[pool("203.0.113.2", "203.0.113.2")],
        dhcp=True,
    ),
    use,
    change("subnet.gateway_is_free", "SUBNET_GATEWAY_IN_USE", "is the address of vNIC web/nic1", gateway="192.0.2.7"),
    Refusal(
        "subnet.dhcp_has_address",
        "PUT",
        f"{V1}/subnets/{{full}}",
        '{"dhcp": true}',
        "SUBNET_DHCP_NO_ADDRESS",
        "is left",
    ),
    Refusal("subnet.is_unused", "DELETE", f"{V1}/subnets/{{four}}", "", "SUBNET_IN_USE", "used by vNICs: web/nic1"),
)
