"""Networks in clusters, and their roles there."""

from __future__ import annotations

import rows
from api.refusals.site import IN_DEFAULT, Refusal, Site, Table

HOSTS = 0

IN_NORTH = "<data_center><name>north</name></data_center>"


def prepare(site: Site) -> None:
    old = "<version><major>4</major><minor>4</minor></version>"
    site.names["Default"] = site.client.first_id("/clusters")
    site.names["ovirtmgmt"] = site.client.first_id("/networks")
    site.add("/datacenters", f"<data_center><name>north</name>{old}</data_center>", "north")
    for name in ("apart", "isolated"):
        where = IN_DEFAULT if name == "apart" else IN_NORTH
        site.network(name, "<port_isolation>true</port_isolation>", where)
    for name in ("tenants", "bare", "lab"):
        site.network(name)
    for name in ("tenants", "lab"):
        site.attach(name)
        site.profile(name)
    site.add("/clusters", f"<cluster><name>ovs</name><switch_type>ovs</switch_type>{IN_DEFAULT}</cluster>", "ovs")
    site.add("/clusters", f"<cluster><name>low</name>{old}{IN_NORTH}</cluster>", "low")
    host = site.insert(rows.add_host, site.names["Default"], "h1", name="h1")
    site.insert(rows.attach, host, site.names["tenants"], name="attachment")
    vm = site.insert(rows.add_vm, site.names["Default"], "web", name="web")
    site.insert(rows.add_vnic, vm, site.names["profile:tenants"], "02:00:00:00:00:01", name="vnic")
    site.add("/templates", "<template><name>gold</name><cluster id='{Default}'/></template>", "gold")
    site.add("/templates/{gold}/nics", "<nic><name>n</name><vnic_profile id='{profile:lab}'/></nic>")


def put_in(rule: str, network: str, code: str, words: str, more: str = "", cluster: str = "Default") -> Refusal:
    body = f"<network id='{{{network}}}'>{more}</network>"
    return Refusal(rule, "POST", f"/clusters/{{{cluster}}}/networks", body, code, words)


def change(rule: str, network: str, more: str, code: str, words: str) -> Refusal:
    path = f"/clusters/{{Default}}/networks/{{{network}}}"
    return Refusal(rule, "PUT", path, f"<network>{more}</network>", code, words)


def take_out(rule: str, network: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "DELETE", f"/clusters/{{Default}}/networks/{{{network}}}", "", code, words)


def role(name: str) -> str:
    return f"<usages><usage>{name}</usage></usages>"


TABLE: Table = (
    put_in(
        "cluster.network_is_in_data_center",
        "isolated",
        "ACTION_TYPE_FAILED_NETWORK_FROM_DIFFERENT_DC",
        "belongs to a different data-center",
    ),
    put_in(
        "cluster_network.is_not_attached",
        "tenants",
        "NETWORK_ALREADY_ATTACHED_TO_CLUSTER",
        "is already attached to the cluster 'Default'",
    ),
    put_in(
        "cluster_network.isolation_is_possible",
        "apart",
        "ACTION_TYPE_FAILED_PORT_ISOLATION_INCOMPATIBLE_SWITCH_TYPE",
        "needs a cluster with the switch type 'legacy'",
        cluster="ovs",
    ),
    put_in(
        "cluster.version_carries_isolation",
        "isolated",
        "ACTION_TYPE_FAILED_PORT_ISOLATION_UNSUPPORTED_CLUSTER_LEVEL",
        "need compatibility version 4.5 or above: isolated",
        cluster="low",
    ),
    put_in(
        "cluster_network.management_is_required",
        "bare",
        "ACTION_TYPE_FAILED_MANAGEMENT_NETWORK_REQUIRED",
        "must be required",
        f"<required>false</required>{role('management')}",
    ),
    change(
        "cluster_network.management_is_required",
        "ovirtmgmt",
        "<required>false</required>",
        "ACTION_TYPE_FAILED_MANAGEMENT_NETWORK_REQUIRED",
        "must be required",
    ),
    put_in(
        "cluster_network.management_moves_in_empty_cluster",
        "bare",
        "ACTION_TYPE_FAILED_MANAGEMENT_NETWORK_CANNOT_BE_CHANGED",
        "cannot change while the cluster has hosts: h1",
        role("management"),
    ),
    change(
        "cluster_network.management_moves_in_empty_cluster",
        "lab",
        role("management"),
        "ACTION_TYPE_FAILED_MANAGEMENT_NETWORK_CANNOT_BE_CHANGED",
        "cannot change while the cluster has hosts: h1",
    ),
    change(
        "cluster_network.is_attached",
        "bare",
        "<required>true</required>",
        "NETWORK_NOT_EXISTS_IN_CURRENT_CLUSTER",
        "is not attached to the cluster",
    ),
    change(
        "cluster_network.management_is_not_unset",
        "ovirtmgmt",
        role("vm"),
        "ACTION_TYPE_FAILED_MANAGEMENT_NETWORK_UNSET",
        "cannot simply stop being the management network",
    ),
    change(
        "cluster_network.role_has_addresses",
        "tenants",
        role("migration"),
        "NETWORK_ADDR_MANDATORY_FOR_ROLE_NETWORK",
        "needs an IP address wherever it has a role, but has none on: eth1 of h1",
    ),
    take_out("network.unused_by_vms", "tenants", "ACTION_TYPE_FAILED_NETWORK_IN_ONE_USE", "is used by VMs: web"),
    take_out("network.unused_by_templates", "lab", "ACTION_TYPE_FAILED_NETWORK_IN_ONE_USE", "used by templates: gold"),
    take_out(
        "cluster_network.is_no_management_network",
        "ovirtmgmt",
        "NETWORK_CANNOT_REMOVE_MANAGEMENT_NETWORK",
        "is the management network of the cluster",
    ),
)
