"""vNICs of virtual machines, while these run and while they do not."""

from __future__ import annotations

import rows
from api.refusals.site import HOME, LONG, Refusal, Site, Table
from api.refusals.vnic_profile import PASSTHROUGH
from netweft.engine.model.networks import networks
from netweft.engine.model.vms import vms
from netweft.engine.model.vnics import vnics

HOSTS = 1

HOT = "CANNOT_PERFORM_HOT_UPDATE"
MIRRORS = "CANNOT_PERFORM_HOT_UPDATE_WITH_PORT_MIRRORING"
NOT_THERE = "ACTIVATE_DEACTIVATE_NETWORK_NOT_IN_VDS"
NO_FUNCTION = "VAR__DETAIL__NO_SUITABLE_VF"
PASSED = "<interface>pci_passthrough</interface><vnic_profile id='{pass}'/>"
BUSY = "ACTIVATE_DEACTIVATE_NIC_VM_STATUS_ILLEGAL"
PARAMETERS = "/vms/{web}/nics/{nic1}/networkfilterparameters"


def prepare(site: Site) -> None:
    site.names["Default"] = site.client.first_id("/clusters")
    for number, name in enumerate(("blue", "red", "flat"), 10):
        site.network(name, f"<vlan id='{number}'/>")
        site.attach(name)
        site.profile(name)
    site.network("away")
    site.profile("away")
    site.fleet.attach("blue", "eth1")
    trunk = "<custom_properties><custom_property><name>trunk</name><value>100</value></custom_property>"
    for name, more in (
        ("pass", PASSTHROUGH),
        ("trunk", f"{trunk}</custom_properties>"),
        ("mirror", "<port_mirroring>true</port_mirroring>"),
    ):
        body = f"<vnic_profile><name>{name}</name><network id='{{blue}}'/>{more}</vnic_profile>"
        site.add("/vnicprofiles", body, name)
    site.update(networks, site.names["flat"], vm_network=False)
    site.add("/vms", f"<vm><name>web</name>{HOME}</vm>", "web")
    for name, more in (("nic1", "<vnic_profile id='{profile:blue}'/>"), ("nic2", "<plugged>false</plugged>")):
        site.add("/vms/{web}/nics", f"<nic><name>{name}</name>{more}</nic>", name)
    site.names["mac"] = str(
        site.client.xml(f"/vms/{site.names['web']}/nics/{site.names['nic1']}").findtext("mac/address")
    )


def run(site: Site) -> None:
    for number in range(3, 27):
        site.client.delete(site.filled(f"/vms/{{web}}/nics/{{nic{number}}}"))
    site.act("/vms/{web}/start")


def twin(site: Site) -> None:
    """A vNIC with the address of another one, which its pool allowed when it was made."""
    vm = site.insert(rows.add_vm, site.names["Default"], "twin", name="twin")
    site.insert(rows.add_vnic, vm, None, site.names["mac"], name="double")
    site.update(vnics, site.names["double"], plugged=False)


def fill(site: Site) -> None:
    for number in range(3, 27):
        site.add("/vms/{web}/nics", f"<nic><name>nic{number}</name></nic>", f"nic{number}")


def idle(site: Site) -> None:
    body = "<nic><name>idle</name><plugged>false</plugged><vnic_profile id='{profile:red}'/></nic>"
    site.add("/vms/{web}/nics", body, "idle")
    site.add("/vms/{web}/nics", f"<nic><name>passed</name>{PASSED}<plugged>false</plugged></nic>", "passed")


def mirroring(site: Site) -> None:
    site.act("/vms/{web}/nics/{nic1}/deactivate")
    site.change("/vms/{web}/nics/{nic1}", "<nic><vnic_profile id='{mirror}'/></nic>")
    site.act("/vms/{web}/nics/{nic1}/activate")


def add(rule: str, body: str, code: str, words: str) -> Refusal:
    said = body if body.startswith("<name") else f"<name>x</name>{body}"
    return Refusal(rule, "POST", "/vms/{web}/nics", f"<nic>{said}</nic>", code, words)


def change(rule: str, body: str, code: str, words: str, nic: str = "nic1") -> Refusal:
    return Refusal(rule, "PUT", f"/vms/{{web}}/nics/{{{nic}}}", f"<nic>{body}</nic>", code, words)


def act(rule: str, action: str, code: str, words: str, nic: str = "nic1", vm: str = "web") -> Refusal:
    return Refusal(rule, "POST", f"/vms/{{{vm}}}/nics/{{{nic}}}/{action}", "<action/>", code, words)


def parameter(name: str, value: str, code: str, words: str) -> Refusal:
    body = f"<network_filter_parameter><name>{name}</name><value>{value}</value></network_filter_parameter>"
    return Refusal("vnic.parameter_is_valid", "POST", PARAMETERS, body, code, words)


TABLE: Table = (
    add("vnic.name_is_valid", "<name> </name>", "ACTION_TYPE_FAILED_VM_INTERFACE_NAME_INVALID", "is not valid"),
    add("vnic.name_is_valid", f"<name>{'x' * 51}</name>", "ACTION_TYPE_FAILED_VM_INTERFACE_NAME_INVALID", "1 to 50"),
    add("vnic.name_is_free", "<name>nic1</name>", "NETWORK_INTERFACE_NAME_ALREADY_IN_USE", "already used by this VM"),
    change(
        "vnic.name_is_free", "<name>nic2</name>", "NETWORK_INTERFACE_NAME_ALREADY_IN_USE", "already used by this VM"
    ),
    add("fields.text_is_valid", f"<description>{LONG}</description>", "VALIDATION_DESCRIPTION_INVALID", "4001"),
    add(
        "vnic.interface_is_supported",
        "<interface>spapr_vlan</interface>",
        "ACTION_TYPE_FAILED_VM_INTERFACE_TYPE_IS_NOT_SUPPORTED_BY_OS",
        "'spapr_vlan' is not supported",
    ),
    add(
        "vnic.profile_exists",
        "<vnic_profile id='nothing'/>",
        "ACTION_TYPE_FAILED_VNIC_PROFILE_NOT_EXISTS",
        "no vNIC profile with id nothing",
    ),
    add(
        "vnic.network_is_in_cluster",
        "<vnic_profile id='{profile:away}'/>",
        "ACTION_TYPE_FAILED_NETWORK_NOT_IN_CLUSTER",
        "'away' is not attached to Cluster 'Default'",
    ),
    add(
        "vnic.network_is_for_vms",
        "<vnic_profile id='{profile:flat}'/>",
        "ACTION_TYPE_FAILED_NOT_A_VM_NETWORK",
        "'flat' is not a VM network",
    ),
    add(
        "vnic.type_matches_profile",
        "<vnic_profile id='{pass}'/>",
        "ACTION_TYPE_FAILED_VM_INTERFACE_TYPE_NOT_MATCH_PROFILE",
        "which the interface type 'virtio' does not match",
    ),
    add(
        "vnic.type_matches_profile",
        "<interface>pci_passthrough</interface><vnic_profile id='{profile:blue}'/>",
        "ACTION_TYPE_FAILED_VM_INTERFACE_TYPE_NOT_MATCH_PROFILE",
        "needs a vNIC profile for passthrough",
    ),
    change(
        "vnic.type_matches_profile",
        "<interface>pci_passthrough</interface>",
        "ACTION_TYPE_FAILED_VM_INTERFACE_TYPE_NOT_MATCH_PROFILE",
        "needs a vNIC profile for passthrough",
    ),
    add(
        "vnic.passthrough_is_linked",
        f"{PASSED}<linked>false</linked>",
        "ACTION_TYPE_FAILED_UNLINKING_OF_PASSTHROUGH_VNIC_IS_NOT_SUPPORTED",
        "Unplug it instead",
    ),
    add("vnic.trunk_needs_ovs", "<vnic_profile id='{trunk}'/>", "ACTION_TYPE_FAILED_TRUNK_NEEDS_OVS", "Open vSwitch"),
    add(
        "mac_pool.mac_is_free",
        "<mac><address>{mac}</address></mac>",
        "NETWORK_MAC_ADDRESS_IN_USE",
        "is already in use by VM or snapshot: web",
    ),
    parameter("a-b", "x", "ACTION_TYPE_FAILED_NETWORK_FILTER_PARAMETER_NAME_INVALID", "name 'a-b' is not valid"),
    parameter("IP", "a b", "ACTION_TYPE_FAILED_NETWORK_FILTER_PARAMETER_VALUE_INVALID", "value 'a b' is not valid"),
    twin,
    act(
        "vnic.mac_is_not_plugged_elsewhere",
        "activate",
        "NETWORK_MAC_ADDRESS_IN_USE",
        "is already in use by VM or snapshot: web",
        "double",
        "twin",
    ),
    fill,
    add("vnic.count_is_within_limit", "", "ACTION_TYPE_FAILED_EXCEEDED_MAX_PCI_SLOTS", "PCI devices exceeded"),
    run,
    change(
        "vnic.may_change_while_running",
        "<mac><address>02:00:00:00:00:01</address></mac>",
        HOT,
        "The MAC address of a plugged vNIC of a running VM",
    ),
    change(
        "vnic.may_change_while_running", "<interface>e1000</interface>", HOT, "The interface type of a plugged vNIC"
    ),
    change("vnic.may_be_rewired", "<vnic_profile id='{mirror}'/>", MIRRORS, "mirrors its network"),
    change("vnic.network_is_on_host", "<vnic_profile id='{profile:red}'/>", NOT_THERE, "'red' is not on Host 'sim-1'"),
    add("vnic.network_is_on_host", "<vnic_profile id='{profile:red}'/>", NOT_THERE, "'red' is not on Host 'sim-1'"),
    Refusal(
        "vnic.may_be_removed",
        "DELETE",
        "/vms/{web}/nics/{nic1}",
        "",
        "ACTION_TYPE_FAILED_CANNOT_REMOVE_ACTIVE_DEVICE",
        "Please deactivate it before you remove it",
    ),
    Refusal(
        "vm.is_down",
        "POST",
        "/vms/{web}/reordermacaddresses",
        "<action/>",
        "ACTION_TYPE_FAILED_VM_IS_RUNNING",
        "VM web is running",
    ),
    idle,
    act("vnic.host_has_function", "activate", NO_FUNCTION, "no free virtual function for vNIC 'passed'", "passed"),
    change("vnic.host_has_function", "<plugged>true</plugged>", NO_FUNCTION, "no free virtual function", "passed"),
    add("vnic.host_has_function", PASSED, NO_FUNCTION, "Host 'sim-1', where the VM runs, has no free virtual function"),
    act("vnic.network_is_on_host", "activate", NOT_THERE, "'red' is not on Host 'sim-1'", "idle"),
    change("vnic.network_is_on_host", "<plugged>true</plugged>", NOT_THERE, "'red' is not on Host 'sim-1'", "idle"),
    mirroring,
    change("vnic.may_be_rewired", "<linked>false</linked>", MIRRORS, "mirrors its network"),
    lambda site: site.update(vms, site.names["web"], status="powering_down"),
    add("vnic.vm_may_change", "", BUSY, "VM is in status powering_down"),
    change("vnic.vm_may_change", "<name>n</name>", BUSY, "VM is in status powering_down"),
    act("vnic.vm_may_change", "deactivate", BUSY, "VM is in status powering_down"),
)
