"""Templates and their vNICs."""

from __future__ import annotations

from api.refusals.site import HOME, LONG, Refusal, Site, Table
from api.refusals.vnic_profile import PASSTHROUGH
from netweft.engine.model.vms import vms
from netweft.engine.queries.templates import BLANK_ID

HOSTS = 0


def prepare(site: Site) -> None:
    site.names["Default"] = site.client.first_id("/clusters")
    site.names["ovirtmgmt"] = site.client.first_id("/networks")
    site.names["blank"] = BLANK_ID
    for name in ("gold", "used"):
        site.add("/templates", f"<template><name>{name}</name>{HOME}</template>", name)
    site.add("/vms", f"<vm><name>child</name>{HOME}<template><name>used</name></template></vm>", "child")
    site.network("away")
    site.profile("away")
    site.network("lab")
    site.attach("lab")
    site.profile("lab")
    site.add(
        "/vnicprofiles",
        f"<vnic_profile><name>pass</name><network id='{{ovirtmgmt}}'/>{PASSTHROUGH}</vnic_profile>",
        "pass",
    )
    for name in ("nic1", "nic2"):
        site.add("/templates/{gold}/nics", f"<nic><name>{name}</name></nic>", name)
    site.add("/vms/{child}/nics", "<nic><name>n</name><vnic_profile id='{profile:lab}'/></nic>")
    site.add(
        "/clusters", "<cluster><name>racks</name><data_center><name>Default</name></data_center></cluster>", "racks"
    )


def fill(site: Site) -> None:
    """As many vNICs as a machine has room for."""
    for number in range(3, 27):
        site.add("/templates/{gold}/nics", f"<nic><name>nic{number}</name></nic>")


def add(rule: str, body: str, code: str, words: str) -> Refusal:
    said = body if body.startswith("<name") else f"<name>x</name>{body}"
    home = "" if "<cluster" in body else HOME
    return Refusal(rule, "POST", "/templates", f"<template>{said}{home}</template>", code, words)


def change(rule: str, name: str, body: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "PUT", f"/templates/{{{name}}}", f"<template>{body}</template>", code, words)


def nic(rule: str, body: str, code: str, words: str, template: str = "gold") -> Refusal:
    said = body if body.startswith("<name") else f"<name>x</name>{body}"
    return Refusal(rule, "POST", f"/templates/{{{template}}}/nics", f"<nic>{said}</nic>", code, words)


def change_nic(rule: str, body: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "PUT", "/templates/{gold}/nics/{nic2}", f"<nic>{body}</nic>", code, words)


TABLE: Table = (
    add("fields.name_is_valid", "<name> </name>", "ACTION_TYPE_FAILED_NAME_MAY_NOT_BE_EMPTY", "may not be empty"),
    add(
        "fields.text_is_valid",
        f"<description>{LONG}</description>",
        "VALIDATION_DESCRIPTION_INVALID",
        "4001 characters",
    ),
    add("template.name_is_free", "<name>gold</name>", "ACTION_TYPE_FAILED_NAME_ALREADY_USED", "'gold' is already used"),
    change(
        "template.name_is_free",
        "used",
        "<name>gold</name>",
        "ACTION_TYPE_FAILED_NAME_ALREADY_USED",
        "The template name 'gold' is already used",
    ),
    add(
        "vm.memory_is_enough",
        "<memory>1</memory>",
        "ACTION_TYPE_FAILED_MIN_MEMORY_CANNOT_EXCEED_MEMORY_SIZE",
        "too small",
    ),
    add(
        "vm.networks_in_cluster",
        "<vm id='{child}'/><cluster id='{racks}'/>",
        "ACTION_TYPE_FAILED_NETWORK_NOT_IN_CLUSTER",
        "not attached to Cluster racks: lab",
    ),
    change("template.is_not_blank", "blank", "<name>x</name>", "VMT_CANNOT_EDIT_BLANK_TEMPLATE", "cannot be changed"),
    Refusal(
        "template.is_not_blank",
        "DELETE",
        "/templates/{blank}",
        "",
        "VMT_CANNOT_REMOVE_BLANK_TEMPLATE",
        "The template Blank cannot be removed",
    ),
    Refusal(
        "template.unused_by_vms",
        "DELETE",
        "/templates/{used}",
        "",
        "VMT_CANNOT_REMOVE_DETECTED_DERIVED_VM",
        "has VMs that were made from it: child",
    ),
    nic("template.cluster_is_set", "", "ACTION_TYPE_FAILED_CLUSTER_CAN_NOT_BE_EMPTY", "is in no Cluster", "blank"),
    nic("vnic.name_is_valid", "<name> </name>", "ACTION_TYPE_FAILED_VM_INTERFACE_NAME_INVALID", "is not valid"),
    nic("vnic.name_is_free", "<name>nic1</name>", "NETWORK_INTERFACE_NAME_ALREADY_IN_USE", "already used by this VM"),
    change_nic(
        "vnic.name_is_free", "<name>nic1</name>", "NETWORK_INTERFACE_NAME_ALREADY_IN_USE", "already used by this"
    ),
    nic(
        "vnic.interface_is_supported",
        "<interface>spapr_vlan</interface>",
        "ACTION_TYPE_FAILED_VM_INTERFACE_TYPE_IS_NOT_SUPPORTED_BY_OS",
        "'spapr_vlan' is not supported",
    ),
    nic(
        "vnic.profile_exists",
        "<vnic_profile id='nothing'/>",
        "ACTION_TYPE_FAILED_VNIC_PROFILE_NOT_EXISTS",
        "no vNIC profile with id nothing",
    ),
    nic(
        "vnic.network_is_in_cluster",
        "<vnic_profile id='{profile:away}'/>",
        "ACTION_TYPE_FAILED_NETWORK_NOT_IN_CLUSTER",
        "'away' is not attached to Cluster 'Default'",
    ),
    change_nic(
        "vnic.network_is_in_cluster",
        "<vnic_profile id='{profile:away}'/>",
        "ACTION_TYPE_FAILED_NETWORK_NOT_IN_CLUSTER",
        "'away' is not attached to Cluster 'Default'",
    ),
    nic(
        "vnic.type_matches_profile",
        "<vnic_profile id='{pass}'/>",
        "ACTION_TYPE_FAILED_VM_INTERFACE_TYPE_NOT_MATCH_PROFILE",
        "which the interface type 'virtio' does not match",
    ),
    fill,
    nic("vnic.count_is_within_limit", "", "ACTION_TYPE_FAILED_EXCEEDED_MAX_PCI_SLOTS", "PCI devices exceeded"),
    lambda site: site.update(vms, site.names["child"], status="up"),
    add("template.source_is_down", "<vm id='{child}'/>", "VMT_CANNOT_CREATE_TEMPLATE_FROM_DOWN_VM", "is in status up"),
)
