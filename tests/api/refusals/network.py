"""Networks and their labels."""

from __future__ import annotations

import rows
from api.refusals.site import IN_DEFAULT, LONG, Refusal, Site, Table

HOSTS = 0

NO_QOS = "<qos id='5f5d0b52-0d3b-4b5c-a7a2-6a2d4e1f0a11'/>"
ONE, MANY = "ACTION_TYPE_FAILED_NETWORK_IN_ONE_USE", "ACTION_TYPE_FAILED_NETWORK_IN_MANY_USES"


def prepare(site: Site) -> None:
    site.names["Default"] = site.client.first_id("/clusters")
    site.names["ovirtmgmt"] = site.client.first_id("/networks")
    site.network("a network of many words")
    long = site.client.xml("/networks", search='name="a network of many words"')[0]
    site.names["host_side"] = str(long.findtext("vdsm_name"))
    for name in ("tenants", "lab"):
        site.network(name)
        site.attach(name)
        site.profile(name)
    site.add("/networks/{lab}/networklabels", "<network_label id='rack'/>", "label")
    site.add("/datacenters", "<data_center><name>north</name></data_center>", "north")
    vm = site.insert(rows.add_vm, site.names["Default"], "web", name="web")
    site.insert(rows.add_vnic, vm, site.names["profile:tenants"], "02:00:00:00:00:01", name="vnic")
    host = site.insert(rows.add_host, site.names["Default"], "h1", name="h1")
    site.insert(rows.attach, host, site.names["tenants"], name="attachment")
    site.network("six")
    ipv6 = {"version": 6, "method": "autoconf", "address": "", "prefix": 0, "gateway": ""}
    site.insert(rows.attach, host, site.names["six"], ipv6, name="attachment")
    for name in ("gold", "silver"):
        site.add("/templates", f"<template><name>{name}</name><cluster id='{{Default}}'/></template>", name)
        site.add(f"/templates/{{{name}}}/nics", "<nic><name>n</name><vnic_profile id='{profile:lab}'/></nic>")


def second_vm(site: Site) -> None:
    vm = site.insert(rows.add_vm, site.names["Default"], "db", name="db")
    site.insert(rows.add_vnic, vm, site.names["profile:tenants"], "02:00:00:00:00:02", name="vnic")
    host = site.insert(rows.add_host, site.names["Default"], "h2", name="h2")
    site.insert(rows.attach, host, site.names["tenants"], name="attachment")


def add(rule: str, body: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "POST", "/networks", f"<network>{body}{IN_DEFAULT}</network>", code, words)


def change(rule: str, body: str, code: str, words: str, name: str = "tenants") -> Refusal:
    return Refusal(rule, "PUT", f"/networks/{{{name}}}", f"<network>{body}</network>", code, words)


def remove(rule: str, name: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "DELETE", f"/networks/{{{name}}}", "", code, words)


def label(rule: str, name: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "POST", "/networks/{lab}/networklabels", f"<network_label id='{name}'/>", code, words)


def servers(*servers: str) -> str:
    listed = "".join(f"<name_server>{server}</name_server>" for server in servers)
    return (
        f"<name>t</name><dns_resolver_configuration><name_servers>{listed}</name_servers></dns_resolver_configuration>"
    )


TABLE: Table = (
    add("fields.name_is_valid", "<name/>", "ACTION_TYPE_FAILED_NAME_MAY_NOT_BE_EMPTY", "name may not be empty"),
    add(
        "fields.name_is_valid",
        f"<name>{'x' * 257}</name>",
        "ACTION_TYPE_FAILED_NAME_LENGTH_IS_TOO_LONG",
        "has 257 characters",
    ),
    add("fields.name_is_valid", "<name>two&#10;lines</name>", "VALIDATION_NAME_INVALID", "control character"),
    add(
        "fields.text_is_valid",
        f"<name>t</name><description>{LONG}</description>",
        "VALIDATION_DESCRIPTION_INVALID",
        "has 4001 characters",
    ),
    add("network.name_is_no_bond", "<name>Bond0</name>", "NETWORK_CANNOT_CONTAIN_BOND_NAME", "begins with 'bond'"),
    change("network.name_is_no_bond", "<name>bond</name>", "NETWORK_CANNOT_CONTAIN_BOND_NAME", "begins with 'bond'"),
    add(
        "network.name_is_free",
        "<name>ovirtmgmt</name>",
        "ACTION_TYPE_FAILED_NETWORK_NAME_IN_USE",
        "The name of the logical network 'ovirtmgmt' is already used by an existing logical network in the same"
        " data-center",
    ),
    change(
        "network.name_is_free", "<name>ovirtmgmt</name>", "ACTION_TYPE_FAILED_NETWORK_NAME_IN_USE", "is already used"
    ),
    add(
        "network.name_is_no_host_side_name",
        "<name>{host_side}</name>",
        "NETWORK_NAME_USED_AS_VDSM_NETWORK_NAME",
        "is the name of another network of the data centre on hosts",
    ),
    add("network.vlan_is_valid", "<name>t</name><vlan id='4095'/>", "NETWORK_VLAN_OUT_OF_RANGE", "VLAN 4095 does not"),
    change("network.vlan_is_valid", "<vlan id='-1'/>", "NETWORK_VLAN_OUT_OF_RANGE", "VLAN -1 does not exist"),
    add("network.mtu_is_valid", "<name>t</name><mtu>60</mtu>", "NETWORK_MTU_INVALID", "An MTU of 60 is not possible"),
    change("network.mtu_is_valid", "<mtu>65536</mtu>", "NETWORK_MTU_INVALID", "An MTU of 65536 is not possible"),
    add(
        "network.name_servers_are_valid",
        servers("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"),
        "NETWORK_TOO_MANY_NAME_SERVERS",
        "4 name servers are given",
    ),
    add(
        "network.name_servers_are_valid",
        servers("dns.example"),
        "NAME_SERVER_INVALID_ADDRESS",
        "'dns.example' is not an IP address",
    ),
    add(
        "network.name_servers_are_valid",
        servers("192.0.2.1", "192.0.2.1"),
        "NAME_SERVER_DUPLICATED",
        "A name server is given twice",
    ),
    add(
        "network.stp_needs_vm_network",
        "<name>t</name><usages/><stp>true</stp>",
        "NON_VM_NETWORK_CANNOT_SUPPORT_STP",
        "STP can only be enabled on a VM network",
    ),
    change(
        "network.stp_needs_vm_network",
        "<usages/><stp>true</stp>",
        "NON_VM_NETWORK_CANNOT_SUPPORT_STP",
        "STP can only be enabled on a VM network",
    ),
    add(
        "network.isolation_needs_vm_network",
        "<name>t</name><usages/><port_isolation>true</port_isolation>",
        "NON_VM_NETWORK_CANNOT_SUPPORT_PORT_ISOLATION",
        "Port isolation can only be enabled on a VM network",
    ),
    change(
        "network.isolation_is_kept",
        "<port_isolation>true</port_isolation>",
        "ACTION_TYPE_FAILED_NETWORK_PORT_ISOLATION_CANNOT_BE_CHANGED",
        "Port isolation cannot be changed",
    ),
    add("qos.serves_networks", f"<name>t</name>{NO_QOS}", "ACTION_TYPE_FAILED_QOS_NOT_FOUND", "There is no QoS"),
    change("qos.serves_networks", NO_QOS, "ACTION_TYPE_FAILED_QOS_NOT_FOUND", "There is no QoS"),
    change(
        "network.data_center_is_kept",
        "<data_center><name>north</name></data_center>",
        "ACTION_TYPE_FAILED_DATA_CENTER_ID_CANNOT_BE_CHANGED",
        "cannot move to another data centre",
    ),
    change("network.rename_leaves_hosts_alone", "<name>new</name>", ONE, "cannot be renamed while hosts carry it: h1"),
    change(
        "network.mtu_leaves_room_for_ipv6",
        "<mtu>1279</mtu>",
        "NETWORK_ATTACHMENT_IPV6_MTU_TOO_SMALL",
        "cannot have an MTU of 1279 while hosts have IPv6 on it, which needs 1280: h1",
        "six",
    ),
    change("network.unused_by_vms", "<usages/>", ONE, "is used by VMs: web"),
    change("network.unused_by_templates", "<usages/>", MANY, "is used by templates: gold, silver", "lab"),
    remove("network.unused_by_vms", "tenants", ONE, "is used by VMs: web"),
    remove("network.unused_by_templates", "lab", MANY, "is used by templates: gold, silver"),
    remove(
        "network.is_no_management_network",
        "ovirtmgmt",
        "NETWORK_CANNOT_REMOVE_MANAGEMENT_NETWORK",
        "is the management network of these clusters: Default",
    ),
    label("network.label_is_valid", "a b", "NETWORK_LABEL_FORMAT_INVALID", "may only contain letters"),
    label(
        "network.is_not_labelled",
        "other",
        "ACTION_TYPE_FAILED_NETWORK_ALREADY_LABELED",
        "already has the label 'rack'",
    ),
    second_vm,
    change("network.rename_leaves_hosts_alone", "<name>new</name>", MANY, "while hosts carry it: h1, h2"),
    remove("network.unused_by_vms", "tenants", MANY, "is used by VMs: db, web"),
)
