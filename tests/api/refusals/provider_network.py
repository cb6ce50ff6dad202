"""Networks that providers have."""

from __future__ import annotations

import sqlalchemy as sa

import rows
from api.refusals.setup_networks import at
from api.refusals.site import IN_DEFAULT, Refusal, Site, Table
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.networks import AddNetwork, add_network
from netweft.engine.commands.providers import insert_provider
from netweft.engine.db import new_id, utc_now
from netweft.engine.model.jobs import jobs
from netweft.engine.model.provider_objects import ProviderObjectRow, provider_objects
from netweft.engine.model.providers import ProviderRow
from netweft.engine.model.vms import vms
from netweft.engine.queries.references import Ref
from netweft.engine.statements import add as add_row

HOSTS = 1
V1 = "/netweft/v1"

CANNOT = "EXTERNAL_NETWORK_DETAILS_CANNOT_BE_EDITED"
VLAN = "ACTION_TYPE_FAILED_EXTERNAL_NETWORK_WITH_VLAN_MUST_BE_CUSTOM"
UNUSED = "ACTION_TYPE_FAILED_NETWORK_IS_PHYSICAL_NETWORK"
IN_USE = "ACTION_TYPE_FAILED_PROVIDER_IN_USE"
NOT_FOR_HOSTS = "EXTERNAL_NETWORK_HAVING_NAME_CANNOT_BE_PROVISIONED"
CLOUDS = "<external_provider id='{clouds}'/>"
PASSTHROUGH = "<pass_through><mode>enabled</mode></pass_through>"


def provider(site: Site, name: str, type_: str = "neutron") -> None:
    """One that nobody has asked yet whether it is there."""
    site.names[name] = new_id()
    read_only = type_ == "external"
    row = ProviderRow(id=site.names[name], name=name, type=type_, url="http://refusing.example", read_only=read_only)
    site.engine.db.run(insert_provider, SYSTEM, row)


def provided(site: Site, name: str, *, physical: str = "", external_id: str = "", provider: str = "clouds") -> None:
    """A network of a provider in cluster Default."""
    spec = AddNetwork(
        name=name,
        data_center=Ref(name="Default"),
        provider=Ref(name=provider),
        physical=Ref(name=physical) if physical else None,
        external_id=external_id,
    )
    site.names[name] = site.engine.db.run(add_network, SYSTEM, spec).id
    site.attach(name)
    site.profile(name)


def prepare(site: Site) -> None:
    site.names["Default"] = site.client.first_id("/clusters")
    site.names["host"] = site.client.first_id("/hosts")
    provider(site, "clouds")
    provider(site, "ovirt", "external")
    for name in ("wire", "native"):
        site.network(name, "<vlan id='7'/>" if name == "wire" else "")
        site.attach(name)
        site.profile(name)
    provided(site, "red")
    provided(site, "wired", physical="wire")
    provided(site, "imported", external_id="1")
    provided(site, "frozen", external_id="2", provider="ovirt")
    site.fleet.until(lambda: is_idle(site))
    vm = site.insert(rows.add_vm, site.names["Default"], "web", name="web")
    site.insert(rows.add_vnic, vm, site.names["profile:native"], "02:00:00:00:00:01", name="nic")


def is_idle(site: Site) -> bool:
    """Whether all jobs have ended."""
    with site.engine.db.read() as tx:
        return tx.execute(sa.select(jobs.c.id).where(jobs.c.status == "started")).first() is None


def run(site: Site) -> None:
    """The machine runs on the host."""
    site.update(vms, site.names["web"], status="up", host_id=site.names["host"], changed_at=utc_now())


def depend(site: Site) -> None:
    """The machine has a vNIC on a network of its cluster's provider, for which the hosts are set up."""
    site.insert(rows.add_vnic, site.names["web"], site.names["profile:red"], "02:00:00:00:00:02", name="red nic")
    remote = "<agent_configuration><address>tcp:192.0.2.1:6642</address></agent_configuration>"
    site.change(
        "/openstacknetworkproviders/{clouds}",
        f"<openstack_network_provider>{remote}</openstack_network_provider>",
    )
    given = "<external_network_providers><external_provider id='{clouds}'/></external_network_providers>"
    site.change("/clusters/{Default}", f"<cluster>{given}</cluster>")
    site.fleet.until(lambda: is_idle(site))
    run(site)  # the host has reported since then that it has no such guest


def leave(site: Site) -> None:
    """A provider without networks, from which something is still to be removed."""
    provider(site, "left")
    row = ProviderObjectRow(
        kind="port", object_id=new_id(), provider_id=site.names["left"], parent_id=new_id(), wanted="absent"
    )
    with site.engine.db.write() as tx:
        add_row(tx, provider_objects, row)


def add(rule: str, body: str, code: str, words: str, query: str = "") -> Refusal:
    body = f"<network><name>n</name>{body}{IN_DEFAULT}</network>"
    return Refusal(f"provider_network.{rule}", "POST", f"/networks{query}", body, code, words)


def change(rule: str, name: str, body: str, code: str, words: str) -> Refusal:
    path = f"/networks/{{{name}}}"
    return Refusal(f"provider_network.{rule}", "PUT", path, f"<network>{body}</network>", code, words)


def in_cluster(rule: str, name: str, body: str, code: str, words: str) -> Refusal:
    path = "/clusters/{Default}/networks"
    if name:
        return Refusal(
            f"provider_network.{rule}", "PUT", f"{path}/{{{name}}}", f"<network>{body}</network>", code, words
        )
    body = f"<network id='{{fresh}}'>{body}</network>"
    return Refusal(f"provider_network.{rule}", "POST", path, body, code, words)


def profile(rule: str, network: str, body: str, code: str, words: str) -> Refusal:
    body = f"<vnic_profile><name>p</name><network id='{{{network}}}'/>{body}</vnic_profile>"
    return Refusal(f"provider_network.{rule}", "POST", "/vnicprofiles", body, code, words)


def set_up(rule: str) -> Refusal:
    path = "/hosts/{host}/setupnetworks"
    return Refusal(rule, "POST", path, f"<action>{at('red', 'eth1')}</action>", NOT_FOR_HOSTS, "not attached to NICs")


TABLE: Table = (
    add(
        "is_vm_network",
        f"<usages/>{CLOUDS}",
        "ACTION_TYPE_FAILED_EXTERNAL_NETWORK_MUST_BE_VM_NETWORK",
        "Give it the usage 'vm'",
    ),
    add(
        "has_nothing_of_hosts",
        f"<stp>true</stp>{CLOUDS}",
        "ACTION_TYPE_FAILED_EXTERNAL_NETWORK_HAS_NO_HOST_PROPERTIES",
        "so it cannot have: stp",
    ),
    add(
        "provider_takes_networks",
        "<external_provider><name>ovirt</name></external_provider>",
        "PROVIDER_IS_READ_ONLY",
        "'ovirt' is read-only",
    ),
    Refusal(
        "provider_network.provider_may_be_changed",
        "POST",
        f"{V1}/networks/{{frozen}}/subnets",
        '{"name": "s", "cidr": "192.0.2.0/24"}',
        "PROVIDER_IS_READ_ONLY",
        "Subnet 's' cannot change on provider 'ovirt'",
    ),
    add("vlan_is_of_physical_network", f"<vlan id='9'/>{CLOUDS}", VLAN, "name a physical network for the VLAN"),
    add(
        "vlan_is_of_physical_network",
        f"<vlan id='9'/>{CLOUDS}<external_provider_physical_network id='{{wire}}'/>",
        VLAN,
        "gets the VLAN of its physical network",
    ),
    add(
        "physical_name_is_valid",
        f"{CLOUDS}<external_provider_physical_network id='{{wire}}'/>",
        "ACTION_TYPE_FAILED_PHYSICAL_NETWORK_NAMED_TWICE",
        "a network of hosts, and 'physnet1'",
        "?physical_network=physnet1",
    ),
    add(
        "physical_name_is_valid",
        CLOUDS,
        "ACTION_TYPE_FAILED_PHYSICAL_NETWORK_NAME_INVALID",
        "is no name of a physical network",
        f"?physical_network={'x' * 65}",
    ),
    *(
        add(
            "physical_network_needs_provider",
            element,
            "ACTION_TYPE_FAILED_PHYSICAL_NETWORK_NEEDS_EXTERNAL_PROVIDER",
            "Name a provider too",
            query,
        )
        for element, query in (
            ("<external_provider_physical_network id='{wire}'/>", ""),
            ("", "?physical_network=physnet1"),
        )
    ),
    add(
        "physical_network_is_native",
        f"{CLOUDS}<external_provider_physical_network id='{{red}}'/>",
        "ACTION_TYPE_FAILED_PHYSICAL_NETWORK_IS_EXTERNAL",
        "'red' is on a provider itself",
    ),
    change("details_are_kept", "red", "<vlan id='9'/>", CANNOT, "these cannot change: vlan_id"),
    change("details_are_kept", "red", "<usages/>", CANNOT, "these cannot change: vm_network"),
    change(
        "has_nothing_of_hosts",
        "red",
        "<stp>true</stp>",
        "ACTION_TYPE_FAILED_EXTERNAL_NETWORK_HAS_NO_HOST_PROPERTIES",
        "stp",
    ),
    change("provider_is_kept", "red", "<external_provider id='{ovirt}'/>", CANNOT, "its provider cannot change"),
    change("provider_is_kept", "native", CLOUDS, CANNOT, "its provider cannot change"),
    change("import_is_kept", "imported", "<mtu>1300</mtu>", CANNOT, "was imported"),
    Refusal(
        "provider_network.is_not_labelled",
        "POST",
        "/networks/{red}/networklabels",
        "<network_label id='rack'/>",
        "ACTION_TYPE_FAILED_EXTERNAL_NETWORK_CANNOT_BE_LABELED",
        "cannot have a label",
    ),
    in_cluster(
        "is_optional",
        "red",
        "<required>true</required>",
        "ACTION_TYPE_FAILED_EXTERNAL_NETWORK_CANNOT_BE_REQUIRED",
        "cannot require it",
    ),
    in_cluster(
        "has_no_role",
        "red",
        "<usages><usage>vm</usage><usage>display</usage></usages>",
        "ACTION_TYPE_FAILED_EXTERNAL_NETWORK_CANNOT_HAVE_ROLES",
        "so it cannot be: display",
    ),
    set_up("provider_network.is_not_for_hosts"),
    set_up("host_attachment.network_is_one_of_hosts"),
    profile(
        "profile_suits_provider",
        "red",
        "<port_mirroring>true</port_mirroring>",
        "ACTION_TYPE_FAILED_EXTERNAL_NETWORK_CANNOT_HAVE_PROFILE_PROPERTIES",
        "cannot have: port_mirroring",
    ),
    profile(
        "profile_suits_hosts",
        "native",
        "<custom_properties><custom_property><name>SecurityGroups</name><value>"
        "5f5d0b52-0d3b-4b5c-a7a2-6a2d4e1f0a11</value></custom_property></custom_properties>",
        "ACTION_TYPE_FAILED_PROFILE_PROPERTIES_NEED_EXTERNAL_NETWORK",
        "cannot have: SecurityGroups",
    ),
    profile(
        "failover_is_native",
        "native",
        f"{PASSTHROUGH}<migratable>true</migratable><failover id='{{profile:red}}'/>",
        "ACTION_TYPE_FAILED_FAILOVER_VNIC_PROFILE_NOT_SUPPORTED_WITH_EXTERNAL_NETWORK",
        "'red' of the failover profile",
    ),
    Refusal(
        "provider_network.physical_network_is_unused", "DELETE", "/networks/{wire}", "", UNUSED, "on providers: wired"
    ),
    change("physical_network_is_unused", "wire", "<vlan id='8'/>", UNUSED, "on providers: wired"),
    Refusal(
        "provider_network.provider_is_unused",
        "DELETE",
        "/openstacknetworkproviders/{clouds}",
        "",
        IN_USE,
        "has these networks: imported, red, wired",
    ),
    Refusal(
        "provider_network.is_not_imported",
        "POST",
        "/openstacknetworkproviders/{clouds}/networks/1/import",
        f"<action>{IN_DEFAULT}</action>",
        "ACTION_TYPE_FAILED_EXTERNAL_NETWORK_ALREADY_EXISTS",
        "is here already, as 'imported'",
    ),
    leave,
    Refusal(
        "provider_network.provider_is_unused",
        "DELETE",
        "/openstacknetworkproviders/{left}",
        "",
        IN_USE,
        "1 object(s) are still to be removed",
    ),
    run,
    Refusal(
        "provider_network.is_not_rewired",
        "PUT",
        "/vms/{web}/nics/{nic}",
        "<nic><vnic_profile id='{profile:red}'/></nic>",
        "EXTERNAL_NETWORK_CANNOT_BE_REWIRED",
        "Unplug it first",
    ),
    depend,
    Refusal(
        "provider.plugin_is_unused",
        "PUT",
        "/clusters/{Default}",
        "<cluster><external_network_providers/></cluster>",
        "ACTION_TYPE_FAILED_PROVIDER_PLUGIN_IN_USE",
        "while these VMs run with vNICs on its networks: web",
    ),
    Refusal(
        "provider.plugin_is_unused",
        "PUT",
        "/openstacknetworkproviders/{clouds}",
        "<openstack_network_provider><agent_configuration/></openstack_network_provider>",
        "ACTION_TYPE_FAILED_PROVIDER_PLUGIN_IN_USE",
        "Hosts would leave provider 'clouds'",
    ),
)
