"""vNIC profiles."""

from __future__ import annotations

import rows
from api.refusals.site import LONG, Refusal, Site, Table

HOSTS = 0

PASSTHROUGH = "<pass_through><mode>enabled</mode></pass_through>"
ALONE = "ACTION_TYPE_FAILED_PASSTHROUGH_PROFILE_CONTAINS_NOT_SUPPORTED_PROPERTIES"
FAILOVER_ONLY = "ACTION_TYPE_FAILED_FAILOVER_IS_SUPPORTED_ONLY_FOR_MIGRATABLE_PASSTROUGH"  # oVirt's spelling
NO_FAILOVER = "ACTION_TYPE_FAILED_FAILOVER_VNIC_PROFILE_ID_IS_NOT_VALID"
IS_FAILOVER = "ACTION_TYPE_FAILED_UPDATE_OF_FAILOVER_PROFILE_IS_NOT_SUPPORTED"
NO_QOS = "ACTION_TYPE_FAILED_NETWORK_QOS_NOT_EXISTS"
VALUES = "ACTION_TYPE_FAILED_INVALID_CUSTOM_PROPERTIES_INVALID_VALUES"
ONE, MANY = "ACTION_TYPE_FAILED_VNIC_PROFILE_IN_ONE_USE", "ACTION_TYPE_FAILED_VNIC_PROFILE_IN_MANY_USES"


def prepare(site: Site) -> None:
    site.names["Default"] = site.client.first_id("/clusters")
    site.names["dc"] = site.client.first_id("/datacenters")
    for name, more in (
        ("tenants", ""),
        ("lab", ""),
        ("bare", "<usages/>"),
        ("apart", "<port_isolation>true</port_isolation>"),
    ):
        site.network(name, more)
    for name in ("tenants", "lab"):
        site.attach(name)
        site.profile(name)
    body = f"<name>fast</name><network id='{{lab}}'/>{PASSTHROUGH}<failover id='{{profile:lab}}'/>"
    site.add("/vnicprofiles", f"<vnic_profile>{body}</vnic_profile>", "fast")
    calm = "<qos><name>calm</name><type>network</type></qos>"
    share = "<qos><name>share</name><type>hostnetwork</type><outbound_average_linkshare>1</outbound_average_linkshare>"
    site.add("/datacenters/{dc}/qoss", calm, "calm")
    site.add("/datacenters/{dc}/qoss", f"{share}</qos>", "share")
    vm = site.insert(rows.add_vm, site.names["Default"], "web", name="web")
    site.insert(rows.add_vnic, vm, site.names["profile:tenants"], "02:00:00:00:00:01", name="vnic")
    vm = site.insert(rows.add_vm, site.names["Default"], "db", name="db")
    for number, name in enumerate(("profile:tenants", "fast"), 2):
        site.insert(rows.add_vnic, vm, site.names[name], f"02:00:00:00:00:0{number}", name="vnic")


def use_in_templates(site: Site) -> None:
    other = "<vnic_profile><name>other</name><network id='{tenants}'/></vnic_profile>"
    site.add("/vnicprofiles", other, "other")
    site.add("/templates", "<template><name>gold</name><cluster id='{Default}'/></template>", "gold")
    site.add("/templates/{gold}/nics", "<nic><name>n</name><vnic_profile id='{other}'/></nic>")


def add(rule: str, body: str, code: str, words: str, network: str = "tenants") -> Refusal:
    said = body if body.startswith("<name") else f"<name>n</name>{body}"
    whole = f"<vnic_profile>{said}<network id='{{{network}}}'/></vnic_profile>"
    return Refusal(rule, "POST", "/vnicprofiles", whole, code, words)


def change(rule: str, body: str, code: str, words: str, name: str = "profile:tenants") -> Refusal:
    return Refusal(rule, "PUT", f"/vnicprofiles/{{{name}}}", f"<vnic_profile>{body}</vnic_profile>", code, words)


def remove(rule: str, name: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "DELETE", f"/vnicprofiles/{{{name}}}", "", code, words)


def custom(name: str, value: str) -> str:
    one = f"<custom_property><name>{name}</name><value>{value}</value></custom_property>"
    return f"<name>n</name><custom_properties>{one}</custom_properties>"


TABLE: Table = (
    add("fields.name_is_valid", "<name/>", "ACTION_TYPE_FAILED_NAME_MAY_NOT_BE_EMPTY", "name may not be empty"),
    add(
        "fields.text_is_valid",
        f"<description>{LONG}</description>",
        "VALIDATION_DESCRIPTION_INVALID",
        "has 4001 characters",
    ),
    add(
        "vnic_profile.name_is_free",
        "<name>tenants</name>",
        "ACTION_TYPE_FAILED_VNIC_PROFILE_NAME_IN_USE",
        "name 'tenants' is already used",
    ),
    change(
        "vnic_profile.name_is_free",
        "<name>lab</name>",
        "ACTION_TYPE_FAILED_VNIC_PROFILE_NAME_IN_USE",
        "name 'lab' is already used",
        "fast",
    ),
    add(
        "vnic_profile.network_is_vm_network",
        "",
        "ACTION_TYPE_FAILED_CANNOT_ADD_VNIC_PROFILE_TO_NON_VM_NETWORK",
        "is not a VM network",
        "bare",
    ),
    change(
        "vnic_profile.network_is_kept",
        "<network id='{lab}'/>",
        "ACTION_TYPE_FAILED_CANNOT_CHANGE_VNIC_PROFILE_NETWORK",
        "cannot move to another network",
    ),
    add(
        "vnic_profile.passthrough_stands_alone",
        f"{PASSTHROUGH}<port_mirroring>true</port_mirroring>",
        ALONE,
        "neither port mirroring nor a network filter nor a QoS",
    ),
    add("vnic_profile.passthrough_stands_alone", f"{PASSTHROUGH}<qos id='{{calm}}'/>", ALONE, "nor a QoS"),
    add(
        "vnic_profile.passthrough_stands_alone",
        PASSTHROUGH,
        "ACTION_TYPE_FAILED_PASSTHROUGH_PROFILE_NOT_SUPPORTS_PORT_ISOLATION",
        "cannot have a passthrough profile",
        "apart",
    ),
    add(
        "vnic_profile.migratable_needs_passthrough",
        "<migratable>false</migratable>",
        "ACTION_TYPE_FAILED_VNIC_PROFILE_MIGRATABLE_IS_PASSTHROUGH_ONLY",
        "Only a passthrough profile can be non-migratable",
    ),
    add("vnic_profile.failover_is_possible", "<failover id='{profile:lab}'/>", FAILOVER_ONLY, "Only a profile with"),
    add(
        "vnic_profile.failover_is_possible",
        f"{PASSTHROUGH}<migratable>false</migratable><failover id='{{profile:lab}}'/>",
        FAILOVER_ONLY,
        "Only a profile with passthrough that is migratable",
    ),
    change(
        "vnic_profile.failover_is_another",
        "<failover id='{fast}'/>",
        "ACTION_TYPE_FAILED_FAILOVER_VNIC_PROFILE_ID_CANNOT_POINT_TO_SELF",
        "cannot be its own failover",
        "fast",
    ),
    add("vnic_profile.failover_is_fit", f"{PASSTHROUGH}<failover id='{{fast}}'/>", NO_FAILOVER, "no profile without"),
    add("vnic_profile.failover_is_fit", f"{PASSTHROUGH}<failover id='x'/>", NO_FAILOVER, "with the id x"),
    change("vnic_profile.is_no_failover", "<name>new</name>", IS_FAILOVER, "cannot be changed while", "profile:lab"),
    remove(
        "vnic_profile.is_no_failover",
        "profile:lab",
        IS_FAILOVER,
        "cannot be removed while it is the failover of: fast",
    ),
    add(
        "vnic_profile.filter_is_known",
        "<network_filter id='x'/>",
        "ACTION_TYPE_FAILED_INVALID_VNIC_PROFILE_NETWORK_FILTER_ID",
        "There is no network filter with the id x",
    ),
    change(
        "vnic_profile.filter_is_known",
        "<network_filter id='x'/>",
        "ACTION_TYPE_FAILED_INVALID_VNIC_PROFILE_NETWORK_FILTER_ID",
        "There is no network filter with the id x",
    ),
    add("qos.serves_vnics", "<qos id='x'/>", NO_QOS, "does not exist in the data centre"),
    change("qos.serves_vnics", "<qos id='{share}'/>", NO_QOS, "is for networks on hosts, not for vNICs"),
    add(
        "vnic_profile.properties_are_known",
        custom("colour", "red"),
        "ACTION_TYPE_FAILED_INVALID_CUSTOM_PROPERTIES_INVALID_KEYS",
        "There is no custom property 'colour'",
    ),
    add("vnic_profile.properties_are_known", custom("SecurityGroups", "x"), VALUES, "cannot have the value 'x'"),
    add("vnic_profile.properties_are_known", custom("trunk", "9-5"), VALUES, "cannot have the value '9-5'"),
    change(
        "vnic_profile.kept_while_used",
        "<port_mirroring>true</port_mirroring>",
        MANY,
        "port mirroring cannot change while VMs use it: db, web",
    ),
    change(
        "vnic_profile.kept_while_used",
        f"{PASSTHROUGH}<network_filter/>",
        MANY,
        "passthrough cannot change while VMs use it: db, web",
    ),
    change("vnic_profile.kept_while_used", "<failover/>", ONE, "failover cannot change while VMs use it: db", "fast"),
    remove("vnic_profile.unused_by_vms", "profile:tenants", MANY, "is used by VMs: db, web"),
    remove("vnic_profile.unused_by_vms", "fast", ONE, "is used by VMs: db"),
    use_in_templates,
    remove("vnic_profile.unused_by_templates", "other", ONE, "is used by templates: gold"),
)
