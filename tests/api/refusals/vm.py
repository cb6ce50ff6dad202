"""Virtual machines: what they are, and starting, stopping and moving them."""

from __future__ import annotations

from dataclasses import replace

import msgspec

import rows
from api.refusals.site import HOME, IN_DEFAULT, LONG, Refusal, Site, Table
from api.refusals.vnic_profile import PASSTHROUGH
from netweft.core.guest_protocol import GuestState
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.hosts import host_reports
from netweft.engine.model.networks import networks
from netweft.engine.model.vms import vms

HOSTS = 2

NOWHERE = "SCHEDULING_ALL_HOSTS_FILTERED_OUT"
NO_ADDRESS = "ACTION_TYPE_FAILED_INVALID_INITIALIZATION_ADDRESS"
BOOT = "ACTION_TYPE_FAILED_INVALID_BOOT_PATH"
NO_KERNEL = "ACTION_TYPE_FAILED_BOOT_PARAMETERS_WITHOUT_KERNEL"
NOT_UP = "ACTION_TYPE_FAILED_VM_IS_NOT_UP"
CPUS = "ACTION_TYPE_FAILED_MIN_CPU_SOCKETS"


def prepare(site: Site) -> None:
    site.names["Default"] = site.client.first_id("/clusters", search="name=Default")
    for number in (1, 2):
        site.names[f"sim-{number}"] = site.fleet.id(number)
    for number, name in enumerate(("blue", "lab", "show"), 10):
        site.network(name, f"<vlan id='{number}'/>")
        site.attach(name)
        site.profile(name)
    for number in (1, 2):
        site.fleet.attach("blue", "eth1", number=number)
    site.add("/clusters", f"<cluster><name>racks</name>{IN_DEFAULT}</cluster>", "racks")
    site.insert(rows.add_host, site.names["racks"], "distant", name="distant")
    for name in ("web", "db", "labbed", "bare"):
        site.add("/vms", f"<vm><name>{name}</name>{HOME}</vm>", name)
    for vm, network in (("web", "blue"), ("labbed", "lab")):
        site.add(
            f"/vms/{{{vm}}}/nics", f"<nic><name>nic1</name><vnic_profile id='{{profile:{network}}}'/></nic>", vm + "1"
        )
    site.add("/vms/{db}/nics", "<nic><name>nic1</name></nic>")
    site.run_vm("busy", site.names["sim-1"])
    profile = f"<vnic_profile><name>stay</name><network id='{{blue}}'/><migratable>false</migratable>{PASSTHROUGH}"
    stay = site.add("/vnicprofiles", f"{profile}</vnic_profile>", "stay")
    site.insert(rows.add_vnic, site.names["busy"], stay, "02:00:00:00:ff:01", name="passed")
    site.add("/vms", f"<vm><name>fast</name>{HOME}</vm>", "fast")
    body = "<nic><name>nic1</name><interface>pci_passthrough</interface><vnic_profile id='{stay}'/></nic>"
    site.add("/vms/{fast}/nics", body)


def add(rule: str, body: str, code: str, words: str) -> Refusal:
    said = body if body.startswith("<name") else f"<name>x</name>{body}"
    return Refusal(rule, "POST", "/vms", f"<vm>{said}{HOME}</vm>", code, words)


def change(rule: str, name: str, body: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "PUT", f"/vms/{{{name}}}", f"<vm>{body}</vm>", code, words)


def act(rule: str, name: str, action: str, code: str, words: str, more: str = "") -> Refusal:
    return Refusal(rule, "POST", f"/vms/{{{name}}}/{action}", f"<action>{more}</action>", code, words)


def start_on(host: str, vm: str, code: str, words: str) -> Refusal:
    return act("schedule", vm, "start", code, words, f"<host id='{{{host}}}'/>")


def custom(name: str, value: str) -> str:
    one = f"<custom_property><name>{name}</name><value>{value}</value></custom_property>"
    return f"<custom_properties>{one}</custom_properties>"


def boots(kernel: str = "", initrd: str = "", cmdline: str = "") -> str:
    parts = {"kernel": kernel, "initrd": initrd, "cmdline": cmdline}
    return f"<os>{''.join(f'<{name}>{value}</{name}>' for name, value in parts.items() if value)}</os>"


def address(text: str) -> str:
    ip = f"<nic_configurations><nic_configuration><name>nic1</name><ip><address>{text}</address></ip>"
    return f"<initialization>{ip}</nic_configuration></nic_configurations></initialization>"


def gateway(text: str) -> str:
    return address("192.0.2.9/24").replace("</address>", f"</address><gateway>{text}</gateway>")


def holds_a_function(site: Site) -> None:
    """The machine that runs has a vNIC that is a virtual function."""
    body = f"<name>pass</name><network id='{{blue}}'/>{PASSTHROUGH}"
    site.add("/vnicprofiles", f"<vnic_profile>{body}</vnic_profile>", "pass")
    site.insert(rows.add_vnic, site.names["busy"], site.names["pass"], "02:00:00:00:01:01", name="held")


def run_a_namespace(site: Site) -> None:
    """The first host reports a guest that is a network namespace."""
    site.run_vm("calm", site.names["sim-1"])
    guest = GuestState(id=site.names["calm"], name="calm", driver="namespace", status="up")
    report = msgspec.json.encode(replace(site.fleet.report(), guests=(guest,)))
    with site.engine.db.write() as tx:
        tx.execute(host_reports.update().where(host_reports.c.host_id == site.names["sim-1"]).values(report=report))


def drift(site: Site) -> None:
    """The bridge of blue on the second host is not as it should be."""
    host = site.fleet.host(2)
    site.fleet.simulate(2, host=host.with_link(replace(host.bridges["blue"], mtu=1400)))
    site.act("/hosts/{sim-2}/refresh")


def show_on(site: Site) -> None:
    """The display network is one that only the second host carries, and without an address."""
    site.fleet.attach("show", "eth3", number=2)
    with site.engine.db.write() as tx:
        tx.execute(cluster_networks.update().values(display=False))
        shown = cluster_networks.c.network_id == site.names["show"]
        tx.execute(cluster_networks.update().where(shown).values(display=True))


TABLE: Table = (
    add("vm.name_is_valid", "<name>a b</name>", "ACTION_TYPE_FAILED_VM_NAME_CONTAINS_INVALID_CHARS", "is not valid"),
    add("vm.name_is_free", "<name>web</name>", "ACTION_TYPE_FAILED_NAME_ALREADY_USED", "'web' is already used"),
    change("vm.name_is_free", "db", "<name>web</name>", "ACTION_TYPE_FAILED_NAME_ALREADY_USED", "is already used"),
    add("fields.text_is_valid", f"<comment>{LONG}</comment>", "VALIDATION_DESCRIPTION_INVALID", "4001 characters"),
    add(
        "vm.memory_is_enough",
        "<memory>1</memory>",
        "ACTION_TYPE_FAILED_MIN_MEMORY_CANNOT_EXCEED_MEMORY_SIZE",
        "is too small",
    ),
    add("vm.cpus_are_valid", "<cpu><topology><cores>0</cores></topology></cpu>", CPUS, "The CPU topology 1x0x1"),
    add("vm.boot_is_valid", boots("boot"), BOOT, "The path 'boot' is not valid"),
    add("vm.boot_is_valid", boots(initrd="/i"), NO_KERNEL, "without a kernel"),
    add(
        "vm.boot_is_valid",
        boots("/k", cmdline="a&#10;b"),
        "ACTION_TYPE_FAILED_INVALID_KERNEL_PARAMETERS",
        "contains a control character",
    ),
    add(
        "vm.properties_are_known",
        custom("x", "y"),
        "ACTION_TYPE_FAILED_INVALID_CUSTOM_PROPERTIES_INVALID_KEYS",
        "no custom property 'x'",
    ),
    change(
        "vm.properties_are_known",
        "db",
        custom("disk", "y"),
        "ACTION_TYPE_FAILED_INVALID_CUSTOM_PROPERTIES_INVALID_VALUES",
        "'disk' cannot be 'y'",
    ),
    add("vm.addresses_are_valid", address("nine"), NO_ADDRESS, "These addresses for vNICs are not valid: nine"),
    add("vm.addresses_are_valid", address("192.0.2.7/0.0.0.255"), NO_ADDRESS, "not valid: 192.0.2.7/0.0.0.255"),
    add(
        "vm.gateways_are_reachable",
        gateway("198.51.100.1"),
        "ACTION_TYPE_FAILED_INVALID_INITIALIZATION_GATEWAY",
        "not in the networks of their addresses: 198.51.100.1",
    ),
    add("vm.os_type_is_valid", "<os><type>my own</type></os>", "ACTION_TYPE_FAILED_ILLEGAL_OS_TYPE", "'my own'"),
    add(
        "vm.architecture_is_clusters",
        "<cpu><architecture>ppc64</architecture></cpu>",
        "ACTION_TYPE_FAILED_VM_CLUSTER_DIFFERENT_ARCHITECTURES",
        "cannot be 'ppc64': Cluster Default has 'undefined'",
    ),
    Refusal(
        "vm.permissions_stay",
        "POST",
        "/vms?clone_permissions=true",
        f"<vm><name>x</name>{HOME}</vm>",
        "ACTION_TYPE_FAILED_CLONE_PERMISSIONS_NOT_SUPPORTED",
        "Permissions are not copied along",
    ),
    add(
        "fields.element_is_known",
        "<lease><storage_domain id='x'/></lease>",
        "ACTION_TYPE_FAILED_ELEMENT_NOT_SUPPORTED",
        "The element vm.lease is not supported",
    ),
    add(
        "fields.element_is_fixed",
        "<bios><type>q35_ovmf</type></bios>",
        "ACTION_TYPE_FAILED_ELEMENT_IS_FIXED",
        "The element vm.bios.type cannot be 'q35_ovmf'",
    ),
    lambda site: site.update(vms, site.names["db"], delete_protected=True),
    Refusal(
        "vm.may_be_removed",
        "DELETE",
        "/vms/{db}",
        "",
        "ACTION_TYPE_FAILED_DELETE_PROTECTION_ENABLED",
        "VM db is protected from being removed",
    ),
    lambda site: site.update(vms, site.names["busy"], stateless=True),
    act("vm.stateless_is_not_suspended", "busy", "suspend", "VM_CANNOT_SUSPEND_STATELESS_VM", "VM busy runs stateless"),
    lambda site: site.update(vms, site.names["busy"], stateless=False),
    act("vm.is_down", "busy", "start", "ACTION_TYPE_FAILED_VM_IS_RUNNING", "VM busy is running (status up)"),
    Refusal("vm.is_down", "DELETE", "/vms/{busy}", "", "ACTION_TYPE_FAILED_VM_IS_RUNNING", "VM busy is running"),
    act("vm.may_stop", "web", "stop", "ACTION_TYPE_FAILED_VM_IS_NOT_RUNNING", "VM is not running"),
    act("vm.may_stop", "web", "shutdown", "ACTION_TYPE_FAILED_VM_IS_NOT_RUNNING", "VM is not running"),
    act("vm.may_reboot", "web", "reboot", NOT_UP, "only a VM that is up can be rebooted"),
    act("vm.may_suspend", "web", "suspend", NOT_UP, "only a VM that is up can be suspended"),
    act("vm.may_migrate", "web", "migrate", "ACTION_TYPE_FAILED_VM_IS_NOT_UP", "only a VM that is up can migrate"),
    act(
        "vm.target_is_another",
        "busy",
        "migrate",
        "ACTION_TYPE_FAILED_MIGRATION_TO_SAME_HOST",
        "VM busy runs on Host sim-1 already",
        "<host id='{sim-1}'/>",
    ),
    act(
        "vm.passthrough_may_migrate",
        "busy",
        "migrate",
        "ACTION_TYPE_FAILED_MIGRATION_NON_MIGRATABLE_PASSTHROUGH_VNICS",
        "may not migrate: nic-02:00:00:00:ff:01",
    ),
    Refusal(
        "host.guests_can_leave",
        "POST",
        "/hosts/{sim-1}/deactivate",
        "<action/>",
        "VDS_CANNOT_MAINTENANCE_IT_INCLUDES_NON_MIGRATABLE_VM",
        "cannot be moved: busy. VM busy has plugged passthrough vNICs that may not migrate",
    ),
    lambda site: site.fleet.set_status("non_responsive"),
    Refusal(
        "host.is_reachable_with_guests",
        "POST",
        "/hosts/{sim-1}/deactivate",
        "<action/>",
        "VDS_CANNOT_MAINTENANCE_VDS_IS_NOT_RESPONDING_WITH_VMS",
        "Host is in status non_responsive and runs Virtual Machines: busy",
    ),
    lambda site: site.fleet.set_status("up"),
    run_a_namespace,
    act(
        "vm.driver_moves_guests",
        "calm",
        "migrate",
        "ACTION_TYPE_FAILED_VM_IS_NON_MIGRTABLE",
        "VM calm is a guest of the driver namespace, whose guests stay on their host",
    ),
    start_on("sim-1", "fast", "VAR__DETAIL__NO_SUITABLE_VF", "has free virtual functions for 0 of the 1"),
    change(
        "vm.networks_in_cluster",
        "web",
        "<cluster id='{racks}'/>",
        "ACTION_TYPE_FAILED_NETWORK_NOT_IN_CLUSTER",
        "not attached to Cluster racks: blue",
    ),
    lambda site: site.update(vms, site.names["busy"], status="saving_state"),
    act("vm.may_stop", "busy", "stop", "ACTION_TYPE_FAILED_VM_IS_SAVING_RESTORING", "VM is in saving/restoring state"),
    lambda site: site.update(vms, site.names["busy"], status="migrating"),
    act("vm.may_shut_down", "busy", "shutdown", NOT_UP, "only a VM that is up can be shut down"),
    lambda site: site.update(vms, site.names["busy"], status="wait_for_launch"),
    act("vm.may_suspend", "busy", "suspend", "ACTION_TYPE_FAILED_VM_STATUS_ILLEGAL", "is in status wait_for_launch"),
    lambda site: site.update(vms, site.names["busy"], status="up"),
    holds_a_function,
    act(
        "vm.functions_are_unplugged",
        "busy",
        "suspend",
        "ACTION_TYPE_FAILED_SUSPEND_NOT_SUPPORTED",
        "has devices of the host's NICs, which cannot be saved: nic-02:00:00:00:01:01",
    ),
    lambda site: site.update(
        vms, site.names["busy"], status="suspended", host_id=None, saved_host_id=site.names["sim-1"]
    ),
    act(
        "vm.resumes_where_it_was_saved",
        "busy",
        "start",
        "ACTION_TYPE_FAILED_VM_IS_SAVED_ON_ANOTHER_HOST",
        "its memory is saved on Host sim-1",
        "<host id='{sim-2}'/>",
    ),
    act(
        "vm.resumes_as_it_was",
        "busy",
        "start",
        "ACTION_TYPE_FAILED_RUN_ONCE_WITH_SUSPENDED_VM",
        "VM busy is suspended and resumes as it was",
        "<vm><stateless>true</stateless></vm>",
    ),
    start_on("distant", "bare", "VAR__DETAIL__NOT_IN_CLUSTER", "Host distant is in another Cluster"),
    start_on("sim-1", "labbed", "VAR__DETAIL__NETWORK_MISSING", "Host sim-1 does not have these networks: lab"),
    act("vm.a_host_fits", "labbed", "start", NOWHERE, "Host sim-1 does not have these networks: lab"),
    lambda site: site.update(vms, site.names["bare"], memory=1 << 50),
    start_on("sim-1", "bare", "VAR__DETAIL__NOT_ENOUGH_MEMORY", "octets of memory left"),
    lambda site: site.update(vms, site.names["bare"], memory=1 << 28, custom_properties={"driver": "libvirt"}),
    start_on("sim-1", "bare", "VAR__DETAIL__NO_GUEST_DRIVER", "Host sim-1 has no guest driver 'libvirt'"),
    lambda site: site.update(vms, site.names["bare"], custom_properties={}),
    show_on,
    start_on("sim-1", "bare", "VAR__DETAIL__DISPLAY_NETWORK_MISSING", "does not have the display network show"),
    start_on(
        "sim-2",
        "bare",
        "VAR__DETAIL__DISPLAY_NETWORK_HAS_NO_BOOT_PROTOCOL",
        "has no boot protocol for the display network show",
    ),
    drift,
    start_on("sim-2", "web", "VAR__DETAIL__NETWORK_OUT_OF_SYNC", "has these networks out of sync: blue"),
    lambda site: site.fleet.set_status("maintenance"),
    start_on("sim-1", "bare", "VAR__DETAIL__HOST_NOT_UP", "Host sim-1 is in status maintenance, not up"),
    lambda site: site.update(networks, site.names["blue"], vm_network=False),
    act("vm.networks_are_for_vms", "web", "start", "ACTION_TYPE_FAILED_NOT_A_VM_NETWORK", "not VM networks: blue"),
)
