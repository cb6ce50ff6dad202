"""The addresses of vNICs."""

from __future__ import annotations

from api.refusals.site import Refusal, Site, Table

HOSTS = 0


def prepare(site: Site) -> None:
    site.names["Default"] = site.client.first_id("/clusters")
    for name in ("tenants", "bare"):
        site.network(name)
        site.attach(name)
        site.profile(name)
    pools = [{"first": "192.0.2.10", "last": "192.0.2.10"}]
    body = {"name": "four", "cidr": "192.0.2.0/24", "gateway": "192.0.2.1", "allocation_pools": pools, "dhcp": True}
    path = f"{site.engine.url}/netweft/v1/networks/{site.names['tenants']}/subnets"
    assert site.client.post(path, json=body).status_code == 201
    site.add("/vms", "<vm><name>web</name><cluster><name>Default</name></cluster></vm>", "web")
    site.add("/vms/{web}/nics", "<nic><name>nic1</name><vnic_profile id='{profile:tenants}'/></nic>", "nic1")


def add(rule: str, address: str, code: str, words: str, network: str = "tenants") -> Refusal:
    profile = f"<vnic_profile id='{{profile:{network}}}'/>" if network else ""
    path = "/vms/{web}/nics" + (f"?address={address}" if address else "")
    return Refusal(rule, "POST", path, f"<nic><name>nic2</name>{profile}</nic>", code, words)


def change(rule: str, address: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "PUT", f"/vms/{{web}}/nics/{{nic1}}?address={address}", "<nic/>", code, words)


MANY = ",".join(f"192.0.2.{number}" for number in range(20, 37))

TABLE: Table = (
    add("vnic_address.subnets_have_room", "", "SUBNET_EXHAUSTED", "in the subnets of network 'tenants': four"),
    add("vnic_address.address_is_free", "192.0.2.10", "VNIC_ADDRESS_IN_USE", "is in use by vNIC web/nic1"),
    add("vnic_address.address_is_valid", "192.0.2.0/24", "VNIC_ADDRESS_INVALID", "'192.0.2.0/24' is no IP address"),
    change("vnic_address.address_is_valid", "192.0.2.9,", "VNIC_ADDRESS_INVALID", "'' is no IP address"),
    add("vnic_address.address_has_subnet", "198.51.100.1", "VNIC_ADDRESS_OUTSIDE", "has the subnets 192.0.2.0/24"),
    add("vnic_address.address_has_subnet", "192.0.2.9", "VNIC_ADDRESS_OUTSIDE", "has no subnet", "bare"),
    add("vnic_address.address_has_subnet", "192.0.2.9", "VNIC_ADDRESS_OUTSIDE", "on no network", ""),
    add("vnic_address.address_is_for_hosts", "192.0.2.1", "VNIC_ADDRESS_RESERVED", "is the gateway"),
    add("vnic_address.address_is_for_hosts", "192.0.2.2", "VNIC_ADDRESS_RESERVED", "is the DHCP server"),
    change("vnic_address.address_is_for_hosts", "192.0.2.255", "VNIC_ADDRESS_RESERVED", "network or broadcast"),
    change("vnic_address.addresses_are_few", MANY, "VNIC_ADDRESSES_TOO_MANY", "17 addresses are given"),
)
