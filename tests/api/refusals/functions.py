"""Virtual functions of hosts' NICs."""

from __future__ import annotations

from api.refusals.site import Refusal, Site, Table
from netweft.engine.model.hosts import hosts

HOSTS = 1

ALREADY = "already exists in network interface"


def prepare(site: Site) -> None:
    site.names["sim-1"] = site.fleet.id()
    site.names["Default"] = site.client.first_id("/clusters")
    site.network("blue", "<vlan id='7'/>")
    site.attach("blue")
    learn(site)


def learn(site: Site) -> None:
    """The ids of the NICs that there are."""
    for nic in site.client.xml(f"/hosts/{site.names['sim-1']}/nics"):
        site.names[str(nic.findtext("name"))] = str(nic.get("id"))


def configured(body: str) -> str:
    return f"<virtual_functions_configuration>{body}</virtual_functions_configuration>"


def number(count: int) -> str:
    return configured(f"<number_of_virtual_functions>{count}</number_of_virtual_functions>")


def update(rule: str, body: str, code: str, words: str, nic: str = "{eth3}") -> Refusal:
    path = f"/hosts/{{sim-1}}/nics/{nic}/updatevirtualfunctionsconfiguration"
    return Refusal(rule, "POST", path, f"<action>{body}</action>", code, words)


def allow(rule: str, kind: str, body: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "POST", f"/hosts/{{sim-1}}/nics/{{eth3}}/virtualfunctionallowed{kind}", body, code, words)


def forbid(which: str, words: str) -> Refusal:
    path = f"/hosts/{{sim-1}}/nics/{{eth3}}/virtualfunctionallowed{which}"
    code = "ACTION_TYPE_FAILED_CANNOT_SET_SPECIFIC_NETWORKS"
    return Refusal("functions.not_all_networks_are_allowed", "DELETE", path, "", code, words)


def two_with_a_network(site: Site) -> None:
    site.act("/hosts/{sim-1}/nics/{eth3}/updatevirtualfunctionsconfiguration", number(2))
    site.fleet.attach("blue", "eth3v1")
    learn(site)


def restricted(site: Site) -> None:
    body = configured("<all_networks_allowed>false</all_networks_allowed>")
    site.act("/hosts/{sim-1}/nics/{eth3}/updatevirtualfunctionsconfiguration", body)
    nic = f"/hosts/{site.names['sim-1']}/nics/{site.names['eth3']}"
    site.client.post_xml(f"{nic}/virtualfunctionallowednetworks", "<network><name>blue</name></network>")
    site.client.post_xml(f"{nic}/virtualfunctionallowedlabels", "<network_label id='fast'/>")


TABLE: Table = (
    update("functions.nic_exists", number(1), "HOST_NETWORK_INTERFACE_NOT_EXIST", "no such network interface", "none"),
    update(
        "functions.nic_knows_functions",
        number(1),
        "ACTION_TYPE_FAILED_NIC_IS_NOT_SRIOV_ENABLED",
        "eth1 is not SR-IOV enabled",
        "{eth1}",
    ),
    update(
        "functions.count_is_in_range",
        number(9),
        "ACTION_TYPE_FAILED_NUM_OF_VFS_NOT_IN_VALID_RANGE",
        "eth3 is 9, the valid range is 0 - 8",
    ),
    update(
        "functions.count_is_in_range",
        number(-1),
        "ACTION_TYPE_FAILED_NUM_OF_VFS_NOT_IN_VALID_RANGE",
        "eth3 is -1, the valid range is 0 - 8",
    ),
    allow(
        "functions.not_all_networks_are_allowed",
        "networks",
        "<network id='{blue}'/>",
        "ACTION_TYPE_FAILED_CANNOT_SET_SPECIFIC_NETWORKS",
        "All networks are allowed",
    ),
    allow(
        "functions.not_all_networks_are_allowed",
        "labels",
        "<network_label id='fast'/>",
        "ACTION_TYPE_FAILED_CANNOT_SET_SPECIFIC_NETWORKS",
        "All networks are allowed",
    ),
    forbid("networks/{blue}", "Cannot remove Network from Virtual Functions Configuration. All networks are allowed"),
    forbid("labels/fast", "Cannot remove Label from Virtual Functions Configuration. All networks are allowed"),
    restricted,
    allow(
        "functions.network_exists",
        "networks",
        "<network id='nothing'/>",
        "ACTION_TYPE_FAILED_NETWORK_NOT_EXIST",
        "Network with id nothing",
    ),
    allow(
        "functions.network_is_new",
        "networks",
        "<network id='{blue}'/>",
        "ACTION_TYPE_FAILED_NETWORK_ALREADY_IN_VFS_CONFIG",
        f"blue {ALREADY} eth3",
    ),
    allow(
        "functions.label_is_new",
        "labels",
        "<network_label id='fast'/>",
        "ACTION_TYPE_FAILED_LABEL_ALREADY_IN_VFS_CONFIG",
        f"fast {ALREADY} eth3",
    ),
    allow(
        "network.label_is_valid",
        "labels",
        "<network_label id='a b'/>",
        "NETWORK_LABEL_FORMAT_INVALID",
        "may only contain letters",
    ),
    two_with_a_network,
    update(
        "functions.all_are_free",
        number(3),
        "ACTION_TYPE_FAILED_NUM_OF_VFS_CANNOT_BE_CHANGED",
        "eth3 has VFs that are in use: 0000:04:10.1",
    ),
    lambda site: site.update(hosts, site.names["sim-1"], status="non_responsive"),
    update("host.is_reachable_for_work", number(3), "VDS_STATUS_ILLEGAL", "Host status is non_responsive", "{eth2}"),
)
