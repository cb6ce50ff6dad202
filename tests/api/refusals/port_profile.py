"""Port profiles of networks in fabrics, and the providers that have them."""

from __future__ import annotations

import json
from typing import Any

import memory_fabric
from api.refusals.site import Refusal, Site, Table
from memory_fabric import PASSWORD

HOSTS = 1

V1 = "/netweft/v1"
PROVIDERS = f"{V1}/configurationproviders"
LOGIN = {"username": "netweft", "password": PASSWORD}


def prepare(site: Site) -> None:
    site.names["Default"] = site.client.first_id("/clusters")
    for name, kind in (("one", "memory"), ("two", "memory"), ("other", "other")):
        memory_fabric.forget(f"https://{name}.example")
        add_json(site, PROVIDERS, {"name": name, "type": kind, "url": f"{name}.example", **LOGIN}, name)
    site.add(
        "/openstacknetworkproviders",
        "<openstack_network_provider><name>clouds</name><type>neutron</type><url>http://outside.example</url>"
        "</openstack_network_provider>",
        "clouds",
    )
    for name, vlan in (("red", 100), ("blue", 200), ("green", 300)):
        site.network(name, f"<vlan id='{vlan}'/>")
    site.network("plain")
    site.network("storage", "<vlan id='400'/><usages/>")
    site.network("outside", "<external_provider id='{clouds}'/>")
    add_json(site, f"{V1}/networks/{site.names['red']}/portprofiles", {"provider_name": "one"})
    add_json(site, f"{V1}/networks/{site.names['blue']}/portprofiles", {"provider_name": "other"})
    site.attach("red")


def add_json(site: Site, path: str, body: dict[str, Any], name: str = "") -> None:
    answer = site.client.post(f"{site.engine.url}{path}", json=body)
    assert answer.status_code == 201, answer.text
    if name:
        site.names[name] = answer.json()["id"]


def attach_green(site: Site) -> None:
    site.attach("green")


def link(rule: str, network: str, code: str, words: str, provider: str = "one", **said: Any) -> Refusal:
    body = json.dumps({"provider_name": provider, **said})
    return Refusal(rule, "POST", f"{V1}/networks/{{{network}}}/portprofiles", body, code, words)


def provide(rule: str, code: str, words: str, **said: Any) -> Refusal:
    body = json.dumps({"name": "new", "type": "memory", "url": "https://new.example", **LOGIN, **said})
    return Refusal(rule, "POST", PROVIDERS, body, code, words)


def change(rule: str, code: str, words: str, **said: Any) -> Refusal:
    return Refusal(rule, "PUT", f"{PROVIDERS}/{{one}}", json.dumps(said), code, words)


def raise_mtu(rule: str, code: str, words: str, **said: Any) -> Refusal:
    body = json.dumps({"system_class": "best-effort", **said})
    return Refusal(rule, "POST", f"{PROVIDERS}/{{one}}/raisemtu", body, code, words)


TABLE: Table = (
    provide(
        "port_profile.fabric_is_registered_once",
        "ACTION_TYPE_FAILED_PROVIDER_ADDRESS_IN_USE",
        "Provider 'one' has this address already",
        url="https://ONE.example",
    ),
    change(
        "port_profile.fabric_is_registered_once",
        "ACTION_TYPE_FAILED_PROVIDER_ADDRESS_IN_USE",
        "Provider 'two' has this address already",
        url="https://two.example",
    ),
    provide(
        "provider.type_is_known",
        "ACTION_TYPE_FAILED_PROVIDER_NOT_SUPPORTED",
        "no provider type 'neutron'. There are: memory, other",
        type="neutron",
    ),
    provide(
        "provider.login_is_given",
        "ACTION_TYPE_FAILED_PROVIDER_LOGIN_INCOMPLETE",
        "the user and the password are missing",
        username="",
        password="",
    ),
    provide(
        "fields.name_is_free",
        "ACTION_TYPE_FAILED_NAME_ALREADY_USED",
        "'clouds' is already used",
        name="clouds",
    ),
    provide(
        "provider.certificates_are_given",
        "VALIDATION_PROVIDER_CERTIFICATE_INVALID",
        "not in PEM",
        certificate="what?",
    ),
    change(
        "provider.type_stays",
        "ACTION_TYPE_FAILED_CANNOT_CHANGE_PROVIDER_TYPE",
        "is 'memory' and cannot become 'other'",
        type="other",
    ),
    change("provider.url_is_valid", "VALIDATION_PROVIDER_URL_INVALID", "is not valid", url="https://"),
    Refusal(
        "port_profile.fabric_carries_nothing",
        "DELETE",
        f"{PROVIDERS}/{{one}}",
        "",
        "ACTION_TYPE_FAILED_PROVIDER_IN_USE",
        "'one' carries these networks: red. Remove their port profiles first",
    ),
    link(
        "port_profile.network_is_of_hosts",
        "outside",
        "ACTION_TYPE_FAILED_PORT_PROFILE_OF_EXTERNAL_NETWORK",
        "is on a provider of networks",
    ),
    link(
        "port_profile.network_is_for_guests",
        "storage",
        "ACTION_TYPE_FAILED_PORT_PROFILE_NEEDS_VM_NETWORK",
        "Give it the usage 'vm'",
    ),
    link("port_profile.network_has_vlan", "plain", "ACTION_TYPE_FAILED_PORT_PROFILE_NEEDS_VLAN", "has no VLAN"),
    link(
        "port_profile.qos_policy_is_valid",
        "green",
        "VALIDATION_PORT_PROFILE_QOS_POLICY_INVALID",
        "is no name of a QoS policy",
        qos_policy="not a name",
    ),
    link(
        "port_profile.network_has_no_profile",
        "red",
        "ACTION_TYPE_FAILED_PORT_PROFILE_ALREADY_EXISTS",
        "of provider 'one' already",
    ),
    link(
        "port_profile.network_has_one_technology",
        "red",
        "ACTION_TYPE_FAILED_NETWORK_MIXES_FABRICS",
        "is carried by memory",
        provider="other",
    ),
    Refusal(
        "port_profile.qos_policy_is_valid",
        "PUT",
        f"{V1}/networks/{{red}}/portprofiles/{{one}}",
        '{"qos_policy": "not a name"}',
        "VALIDATION_PORT_PROFILE_QOS_POLICY_INVALID",
        "is no name of a QoS policy",
    ),
    Refusal(
        "port_profile.cluster_has_one_technology",
        "POST",
        "/clusters/{Default}/networks",
        "<network id='{blue}'/>",
        "ACTION_TYPE_FAILED_CLUSTER_MIXES_FABRICS",
        "are carried by memory, network 'blue' by other",
    ),
    attach_green,
    link(
        "port_profile.cluster_has_one_technology",
        "green",
        "ACTION_TYPE_FAILED_CLUSTER_MIXES_FABRICS",
        "are carried by memory, network 'green' by other",
        provider="other",
    ),
    Refusal(
        "port_profile.network_has_vlan",
        "PUT",
        "/networks/{red}",
        "<network><vlan/></network>",
        "ACTION_TYPE_FAILED_PORT_PROFILE_NEEDS_VLAN",
        "has no VLAN",
    ),
    Refusal(
        "port_profile.network_is_for_guests",
        "PUT",
        "/networks/{red}",
        "<network><usages/></network>",
        "ACTION_TYPE_FAILED_PORT_PROFILE_NEEDS_VM_NETWORK",
        "Give it the usage 'vm'",
    ),
    raise_mtu("port_profile.mtu_can_be_raised", "VALIDATION_FABRIC_MTU_INVALID", "1500 to 9216, not 9999", mtu=9999),
    raise_mtu(
        "port_profile.interruption_is_accepted",
        "ACTION_TYPE_FAILED_FABRIC_WOULD_BE_INTERRUPTED",
        "interrupts all traffic of fabric 'one'",
        mtu=9000,
    ),
)
