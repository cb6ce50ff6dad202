"""Clusters."""

from __future__ import annotations

import rows
from api.refusals.site import IN_DEFAULT, Refusal, Site, Table
from netweft.engine.model.hosts import hosts
from netweft.engine.operations import mac_addresses

HOSTS = 0

OLD, NEW = (f"<version><major>4</major><minor>{minor}</minor></version>" for minor in (4, 7))
MAC = "02:00:00:00:00:01"


def prepare(site: Site) -> None:
    site.add("/datacenters", f"<data_center><name>north</name>{OLD}</data_center>", "north")
    site.names["foreign"] = site.client.first_id("/networks", search="name=ovirtmgmt and datacenter=north")
    site.network("apart", "<port_isolation>true</port_isolation>")
    site.network("afar", "<port_isolation>true</port_isolation>", "<data_center><name>north</name></data_center>")
    lax = "<mac_pool><name>lax</name><allow_duplicates>true</allow_duplicates><ranges><range>"
    site.add(
        "/macpools", f"{lax}<from>02:00:00:00:02:01</from><to>02:00:00:00:02:09</to></range></ranges></mac_pool>", "lax"
    )
    site.add("/clusters", f"<cluster><name>racks</name>{IN_DEFAULT}<mac_pool id='{{lax}}'/></cluster>", "racks")
    site.add("/clusters", f"<cluster><name>low</name>{NEW}<data_center id='{{north}}'/></cluster>", "low")
    site.attach("apart", "racks")
    site.attach("afar", "low")
    site.insert(rows.add_host, site.names["racks"], "h1", name="h1")
    site.insert(rows.add_vm, site.names["racks"], "web", name="web")
    pool = "<mac_pool><name>mine</name><ranges><range><from>02:00:00:00:01:01</from><to>02:00:00:00:01:09</to></range>"
    site.add("/macpools", f"{pool}</ranges></mac_pool>", "pool")
    site.insert(mac_addresses.take_mac, site.names["pool"], MAC, name="mac")
    site.client.post_xml(
        f"/vms/{site.names['web']}/nics", f"<nic><name>n</name><mac><address>{MAC}</address></mac></nic>"
    )


def add(rule: str, body: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "POST", "/clusters", f"<cluster>{body}{IN_DEFAULT}</cluster>", code, words)


def change(rule: str, body: str, code: str, words: str, name: str = "racks") -> Refusal:
    return Refusal(rule, "PUT", f"/clusters/{{{name}}}", f"<cluster>{body}</cluster>", code, words)


def remove(rule: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "DELETE", "/clusters/{racks}", "", code, words)


TABLE: Table = (
    add("fields.name_is_valid", "<name/>", "ACTION_TYPE_FAILED_NAME_MAY_NOT_BE_EMPTY", "Cluster name may not be empty"),
    add("fields.name_is_free", "<name>racks</name>", "CLUSTER_CANNOT_DO_ACTION_NAME_IN_USE", "is already used"),
    change("fields.name_is_free", "<name>Default</name>", "CLUSTER_CANNOT_DO_ACTION_NAME_IN_USE", "is already used"),
    add(
        "data_center.version_is_supported",
        "<name>n</name><version><major>9</major><minor>2</minor></version>",
        "ACTION_TYPE_FAILED_GIVEN_VERSION_NOT_SUPPORTED",
        "9.2 is not supported",
    ),
    add(
        "cluster.version_is_not_below_data_center",
        "<name>n</name><version><major>4</major><minor>2</minor></version>",
        "ACTION_TYPE_FAILED_CANNOT_DECREASE_COMPATIBILITY_VERSION_UNDER_DC",
        "is below that of the data centre",
    ),
    change(
        "fields.name_is_valid",
        f"<name>{'x' * 41}</name>",
        "ACTION_TYPE_FAILED_NAME_LENGTH_IS_TOO_LONG",
        "has 41 characters. Use at most 40",
    ),
    change(
        "data_center.version_is_supported",
        "<version><major>9</major><minor>2</minor></version>",
        "ACTION_TYPE_FAILED_GIVEN_VERSION_NOT_SUPPORTED",
        "9.2 is not supported",
    ),
    change(
        "cluster.version_is_not_below_data_center",
        "<version><major>4</major><minor>6</minor></version>",
        "ACTION_TYPE_FAILED_CANNOT_DECREASE_COMPATIBILITY_VERSION_UNDER_DC",
        "is below that of the data centre",
    ),
    add(
        "cluster.network_is_in_data_center",
        "<name>n</name><management_network id='{foreign}'/>",
        "ACTION_TYPE_FAILED_NETWORK_FROM_DIFFERENT_DC",
        "belongs to a different data-center",
    ),
    add(
        "cluster.switch_carries_isolation",
        "<name>n</name><management_network id='{apart}'/><switch_type>ovs</switch_type>",
        "ACTION_TYPE_FAILED_PORT_ISOLATION_INCOMPATIBLE_SWITCH_TYPE",
        "need the switch type 'legacy': apart",
    ),
    Refusal(
        "cluster.version_carries_isolation",
        "POST",
        "/clusters",
        "<cluster><name>n</name><data_center id='{north}'/><management_network id='{afar}'/></cluster>",
        "ACTION_TYPE_FAILED_PORT_ISOLATION_UNSUPPORTED_CLUSTER_LEVEL",
        "need compatibility version 4.5 or above: afar",
    ),
    change(
        "cluster.switch_carries_isolation",
        "<switch_type>ovs</switch_type>",
        "ACTION_TYPE_FAILED_PORT_ISOLATION_INCOMPATIBLE_SWITCH_TYPE",
        "need the switch type 'legacy': afar",
        "low",
    ),
    change(
        "cluster.version_carries_isolation",
        OLD,
        "ACTION_TYPE_FAILED_PORT_ISOLATION_UNSUPPORTED_CLUSTER_LEVEL",
        "need compatibility version 4.5 or above: afar",
        "low",
    ),
    add(
        "cluster.has_one_provider",
        "<name>n</name><external_network_providers><external_provider><name>one</name></external_provider>"
        "<external_provider><name>two</name></external_provider></external_network_providers>",
        "ACTION_TYPE_FAILED_CLUSTER_HAS_SEVERAL_EXTERNAL_NETWORK_PROVIDERS",
        "a cluster has one at most",
    ),
    change(
        "cluster.data_center_is_kept",
        "<data_center><name>north</name></data_center>",
        "CLUSTER_CANNOT_CHANGE_STORAGE_POOL",
        "cannot move to another data centre",
    ),
    change(
        "cluster.switch_type_may_change",
        "<switch_type>ovs</switch_type>",
        "CLUSTER_HOSTS_MUST_BE_DOWN",
        "while hosts of the cluster are active: h1",
    ),
    change(
        "mac_pool.move_makes_no_duplicates",
        "<mac_pool id='{pool}'/>",
        "ACTION_TYPE_FAILED_CANNOT_MIGRATE_MACS_DUE_TO_DUPLICATES",
        f"these addresses are in use there: {MAC}",
    ),
    remove("cluster.has_no_hosts", "VDS_CANNOT_REMOVE_CLUSTER_VDS_DETECTED", "still has hosts: h1"),
    remove("cluster.has_no_vms", "VM_CANNOT_REMOVE_CLUSTER_VMS_DETECTED", "still has VMs: web"),
    lambda site: site.update(hosts, site.names["h1"], status="maintenance"),
    lambda site: site.run_vm("busy", site.names["h1"], "racks"),
    change(
        "cluster.switch_type_may_change",
        "<switch_type>ovs</switch_type>",
        "CLUSTER_CANNOT_CHANGE_SWITCH_TYPE_WITH_RUNNING_VMS",
        "while VMs run in the cluster: busy",
    ),
    lambda site: site.add("/datacenters", "<data_center><name>bare</name></data_center>"),
    lambda site: site.client.delete(f"/networks/{site.client.first_id('/networks', search='datacenter=bare')}"),
    Refusal(
        "cluster.management_network_is_found",
        "POST",
        "/clusters",
        "<cluster><name>n</name><data_center><name>bare</name></data_center></cluster>",
        "ACTION_TYPE_FAILED_DEFAULT_MANAGEMENT_NETWORK_NOT_FOUND",
        "No single network of the data centre suits as management network",
    ),
)
