"""Hosts: joining, changing, going up and down, leaving, and copies of their networks."""

from __future__ import annotations

from dataclasses import replace

import rows
from api.refusals.site import IN_DEFAULT, LONG, Refusal, Site, Table
from netweft.engine.db import new_id, utc_now
from netweft.engine.model.host_networks import host_changes
from netweft.engine.model.vms import vms
from netweft.engine.operations.host_changes import IN_PROGRESS

HOSTS = 2

NAME, USED = "VALIDATION_VDS_NAME_INVALID", "ACTION_TYPE_FAILED_NAME_ALREADY_USED"
ADDRESS = "VALIDATION_VDS_HOSTNAME_HOSTNAME_OR_IP"
SETTLE = "ACTION_TYPE_FAILED_VDS_STATUS_ILLEGAL"


def prepare(site: Site) -> None:
    site.names["Default"] = site.client.first_id("/clusters")
    for number in (1, 2):
        site.names[f"sim-{number}"] = site.fleet.id(number)
    site.names["address"] = str(site.client.xml(f"/hosts/{site.fleet.id()}").findtext("address"))
    site.network("red", "<vlan id='10'/>")
    site.attach("red")
    site.fleet.attach("red", "eth1")
    site.add("/clusters", f"<cluster><name>racks</name>{IN_DEFAULT}</cluster>", "racks")
    site.insert(rows.add_host, site.names["racks"], "distant", name="distant")


def lose_a_nic(site: Site) -> None:
    host = site.fleet.host(2)
    nics = {name: nic for name, nic in host.nics.items() if name != "eth3"}
    site.fleet.simulate(2, host=replace(host, nics=nics))
    site.act("/hosts/{sim-2}/refresh")


def change_under_way(site: Site) -> None:
    values = {"generation": 99, "candidate": {}, "reason": "", "job_id": new_id(), "state": "pending"}
    with site.engine.db.write() as tx:
        tx.execute(host_changes.insert(), {"host_id": site.names["sim-1"], "created_at": utc_now(), **values})


def change_is_over(site: Site) -> None:
    with site.engine.db.write() as tx:
        tx.execute(host_changes.delete().where(host_changes.c.generation == 99))


def add(rule: str, code: str, words: str, name: str = "new", address: str = "192.0.2.9", more: str = "") -> Refusal:
    body = f"<name>{name}</name><address>{address}</address>{more}<cluster id='{{Default}}'/>"
    return Refusal(rule, "POST", "/hosts", f"<host>{body}</host>", code, words)


def change(rule: str, body: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "PUT", "/hosts/{sim-1}", f"<host>{body}</host>", code, words)


def act(rule: str, action: str, code: str, words: str, host: str = "sim-1", more: str = "") -> Refusal:
    return Refusal(rule, "POST", f"/hosts/{{{host}}}/{action}", f"<action>{more}</action>", code, words)


def remove(rule: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "DELETE", "/hosts/{sim-1}", "", code, words)


def copy(rule: str, source: str, code: str, words: str) -> Refusal:
    return act(rule, "copyhostnetworks", code, words, "sim-2", f"<source_host id='{{{source}}}'/>")


TABLE: Table = (
    add("host.name_is_valid", NAME, "The Host name 'two words' is not valid", name="two words"),
    add("host.name_is_free", USED, "'sim-1' is already used", name="sim-1"),
    change("host.name_is_free", "<name>sim-2</name>", USED, "'sim-2' is already used"),
    add("host.address_is_valid", ADDRESS, "give a name or an IP address", address="no address"),
    change("host.address_is_valid", "<address>a b</address>", ADDRESS, "give a name or an IP address"),
    add(
        "host.address_is_free",
        "ACTION_TYPE_FAILED_VDS_WITH_SAME_HOST_EXIST",
        "Host with the same address already exists",
        address="{address}",
    ),
    add(
        "fields.text_is_valid",
        "VALIDATION_DESCRIPTION_INVALID",
        "has 4001 characters",
        more=f"<description>{LONG}</description>",
    ),
    add(
        "host.ssh_port_is_valid",
        "VALIDATION_VDS_SSH_PORT_RANGE",
        "give one from 1 to 65535",
        more="<ssh><port>65536</port></ssh>",
    ),
    add(
        "host.ssh_fingerprint_is_valid",
        "VALIDATION_VDS_SSH_FINGERPRINT_INVALID",
        "SHA256: and 43 characters",
        more="<ssh><fingerprint>SHA256:no</fingerprint></ssh>",
    ),
    change(
        "host.ssh_port_is_valid",
        "<ssh><port>0</port></ssh>",
        "VALIDATION_VDS_SSH_PORT_RANGE",
        "The SSH port 0 is not valid",
    ),
    add(
        "host.agent_package_is_there",
        "VDS_CANNOT_INSTALL_NO_AGENT_PACKAGE",
        "This engine has no agent to install: start it with --agent-package FILE",
        more="<root_password>secret</root_password>",
    ),
    add(
        "host.credentials_are_given",
        "VDS_CANNOT_INSTALL_EMPTY_PASSWORD",
        "The password is empty",
        more="<ssh><authentication_method>password</authentication_method></ssh>",
    ),
    add(
        "host.credentials_are_given",
        "VDS_CANNOT_INSTALL_EMPTY_PASSWORD",
        "The password is empty",
        more="<root_password></root_password>",
    ),
    add(
        "host.engine_is_reachable",
        "VDS_CANNOT_INSTALL_ENGINE_IS_LOOPBACK",
        "use a name or an address of the engine that hosts can reach",
        more="<ssh><authentication_method>publickey</authentication_method></ssh>",
    ),
    act(
        "host.may_be_installed",
        "install",
        "VDS_CANNOT_INSTALL_STATUS_ILLEGAL",
        "The Host status is up. Switch it to maintenance mode first",
        more="<root_password>secret</root_password>",
    ),
    act(
        "fields.element_is_fixed",
        "install",
        "ACTION_TYPE_FAILED_ELEMENT_IS_FIXED",
        "The element action.activate cannot be 'false'",
        more="<activate>false</activate>",
    ),
    act(
        "fields.element_is_known",
        "install",
        "ACTION_TYPE_FAILED_ELEMENT_NOT_SUPPORTED",
        "action.host.comment",
        more="<host><comment>new</comment></host>",
    ),
    act("host.may_be_activated", "activate", "VDS_ALREADY_UP", "Host in Up status"),
    act("host.has_joined", "refresh", "HOST_NEVER_JOINED", "Host distant has never joined", "distant"),
    change(
        "host.may_move_to_cluster",
        "<cluster id='{racks}'/>",
        "VDS_STATUS_NOT_VALID_FOR_UPDATE",
        "Switch it to maintenance mode before you change its cluster",
    ),
    remove("host.may_be_removed", "VDS_CANNOT_REMOVE_VDS_STATUS_ILLEGAL", "Please switch it to maintenance mode first"),
    copy("host_copy.is_another_host", "sim-2", "INVALID_HOST_ID", "cannot be copied from the Host itself"),
    copy(
        "host_copy.is_in_same_cluster",
        "distant",
        "ACTION_TYPE_FAILED_DESTINATION_AND_SOURCE_CLUSTER_ARE_NOT_THE_SAME",
        "Host distant is in another Cluster",
    ),
    Refusal(
        "command",
        "POST",
        "/netweft/v1/plans",
        '{"host": {"name": "distant"}, "setup": {}}',
        "HOST_NEVER_REPORTED",
        "has not reported its networking yet",
    ),
    lose_a_nic,
    copy(
        "host_copy.has_enough_nics",
        "sim-1",
        "ACTION_TYPE_FAILED_INTERFACE_COUNT_DOES_NOT_MATCH",
        "has 3 NICs besides that of the management network",
    ),
    lambda site: site.act("/hosts/{sim-1}/deactivate"),
    act(
        "host.may_be_deactivated",
        "deactivate",
        "VDS_CANNOT_MAINTENANCE_VDS_IS_IN_MAINTENANCE",
        "Host is already in Maintenance mode",
    ),
    change(
        "host.networks_known_in_cluster",
        "<cluster id='{racks}'/>",
        "NETWORK_NOT_EXISTS_IN_CLUSTER",
        "carries networks that Cluster racks does not have: red",
    ),
    change_under_way,
    remove("command", IN_PROGRESS, "the networks of Host sim-1 are being set up. Try again later"),
    change_is_over,
    lambda site: site.run_vm("web", site.names["sim-1"]),
    remove(
        "host.runs_no_vms_to_remove",
        "VDS_CANNOT_REMOVE_VDS_DETECTED_RUNNING_VM",
        "Virtual Machines run on the Host, or are suspended there: web",
    ),
    lambda site: site.fleet.set_status("installing"),
    act("host.may_be_activated", "activate", SETTLE, "The Host status is installing"),
    lambda site: site.fleet.set_status("preparing_for_maintenance"),
    *(
        act("host.is_reachable_for_work", action, "VDS_STATUS_ILLEGAL", "Host status is preparing_for_maintenance")
        for action in ("refresh", "commitnetconfig", "syncallnetworks", "setupnetworks")
    ),
    lambda site: site.fleet.set_status("non_responsive"),
    lambda site: site.update(vms, site.names["web"], host_id=None),
    Refusal(
        "host.may_be_cleaned",
        "DELETE",
        "/hosts/{sim-1}?clean=true",
        "",
        "VDS_CANNOT_CLEAN_HOST_STATUS_ILLEGAL",
        "Host is in status non_responsive and cannot be reached, so its networks cannot be taken off it",
    ),
    act(
        "host.may_enroll_certificate",
        "enrollcertificate",
        "CANNOT_ENROLL_CERTIFICATE_HOST_STATUS_ILLEGAL",
        "its agent cannot be reached",
    ),
)
