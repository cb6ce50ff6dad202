"""Rules of setting up a host's networks where no host is set up: every other request that could break one on a host.

Each rule on the desired state of a host (:data:`OF_THE_STATE`) meets each entry point (:data:`ENTRY_POINTS`): in a
row that is refused, in one that leaves the host as it is and tells so, or in :data:`IMPOSSIBLE`, which says why it
cannot.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import sqlalchemy as sa

import rows
from api.refusals.setup_networks import attach, bond, bridge, ip, one, unlabel
from api.refusals.site import Refusal, Site, Table
from netweft.engine.model.host_networks import host_addresses
from netweft.engine.model.jobs import jobs

HOSTS = 1

ENTRY_POINTS: Mapping[str, str] = {
    "a network changes": r"PUT /networks/[^/]+",
    "a network goes": r"DELETE /networks/[^/]+",
    "a network gets a label": r"POST /networks/[^/]+/networklabels",
    "a NIC gets a label": r"POST /hosts/[^/]+/nics/[^/]+/networklabels",
    "a cluster gets a network": r"POST /clusters/[^/]+/networks",
    "a network gets another role": r"PUT /clusters/[^/]+/networks/[^/]+",
    "a cluster loses a network": r"DELETE /clusters/[^/]+/networks/[^/]+",
    "a QoS changes": r"PUT /datacenters/[^/]+/qoss/[^/]+",
    "a QoS goes": r"DELETE /datacenters/[^/]+/qoss/[^/]+",
    "a cluster changes": r"PUT /clusters/[^/]+",
    "a host moves": r"PUT /hosts/[^/]+",
}
"""Requests, as method and path, that change the desired state of hosts, other than a request to set up one."""

VLAN, UNTAGGED = "setup_networks.vlan_occurs_once", "setup_networks.only_one_untagged"
MTU, QOS = "setup_networks.mtu_is_the_same", "host_qos.all_or_none_have_qos"
MODE, OVS_MODE = "host_bond.mode_carries_vm_networks", "host_bond.mode_is_known_to_ovs"
OVS_OPTIONS = "host_bond.options_are_known_to_ovs"
ROLE, OPTIONS = "host_attachment.role_network_has_address", "host_attachment.bridge_options_only_on_vm_network"
IPV6, ADDRESS = "host_attachment.ipv6_fits_into_mtu", "host_addresses.address_is_unique"
ABLE_TO_TAG, ABLE_TO_BOND = "host_ability.host_can_tag", "host_ability.host_can_bond"
HAS_SWITCH, HAS_IPV6 = "host_ability.host_has_its_switch", "host_ability.nic_has_ipv6"
SHAPABLE, NAME_IS_FREE = "host_ability.nic_can_be_shaped", "host_attachment.host_side_name_is_free"
BOND_NAME = "host_bond.bond_name_is_free"
LIMITS = frozenset({ABLE_TO_TAG, ABLE_TO_BOND, BOND_NAME, HAS_SWITCH, HAS_IPV6, SHAPABLE, NAME_IS_FREE})
"""Their rows are in :mod:`api.refusals.host_limits`."""

MANAGEMENT = "setup_networks.management_is_attached"
OF_THE_STATE = LIMITS | {
    VLAN,
    UNTAGGED,
    MTU,
    QOS,
    MODE,
    OVS_MODE,
    OVS_OPTIONS,
    ROLE,
    OPTIONS,
    IPV6,
    ADDRESS,
    MANAGEMENT,
}

_LESS = "takes networks off hosts, and no rule asks for one to be there but the management network, which stays"
_LIMITS = "changes limits, and rules ask only whether there are any"
_NEW = "a network that comes by a label comes without addresses and properties of its own"
_NOTHING = "says nothing of networks"
_OF_SWITCHES = LIMITS - {SHAPABLE} | {OVS_MODE, OVS_OPTIONS}

IMPOSSIBLE: Mapping[tuple[str, str], str] = {
    **{(rule, "a network goes"): _LESS for rule in OF_THE_STATE},
    **{(rule, "a cluster loses a network"): _LESS for rule in OF_THE_STATE},
    **{(rule, "a QoS changes"): _LIMITS for rule in OF_THE_STATE},
    **{(rule, "a QoS goes"): "takes a QoS away, of which no other rule speaks" for rule in OF_THE_STATE - {QOS}},
    **{(rule, "a cluster changes"): _NOTHING + " but the switch type" for rule in OF_THE_STATE - _OF_SWITCHES},
    **{
        (rule, "a network gets another role"): "gives roles, of which no other rule speaks"
        for rule in OF_THE_STATE - {ROLE}
    },
    **{
        (rule, entry): _NEW
        for rule in (OPTIONS, IPV6, ADDRESS, HAS_IPV6)
        for entry in ("a network gets a label", "a NIC gets a label", "a cluster gets a network")
    },
    **{
        (ROLE, entry): "a network with a role that comes by a label asks for its address by DHCP"
        for entry in ("a network gets a label", "a NIC gets a label", "a cluster gets a network")
    },
    **{
        (rule, entry): "is about bonds, which this does not change"
        for rule in (OVS_MODE, OVS_OPTIONS, ABLE_TO_BOND, BOND_NAME)
        for entry in ("a network gets a label", "a NIC gets a label", "a cluster gets a network", "a network changes")
    },
    (ROLE, "a network changes"): "a network has no roles but in clusters",
    **{
        (MANAGEMENT, entry): "a management network is not taken away by what comes or changes"
        for entry in ("a network changes", "a network gets a label", "a NIC gets a label", "a cluster gets a network")
    },
    (HAS_SWITCH, "a network changes"): "a network does not say which switch a host has",
    (ADDRESS, "a network changes"): "a network has no addresses, its attachments have",
}

OF_THE_REQUEST: Mapping[str, str] = {
    **{
        f"setup_networks.{name}": reason
        for name, reason in {
            "timeout_is_in_range": "of the request alone",
            "network_occurs_once": "a constraint holds it: a host has one attachment of a network",
            "nic_is_no_slave": "only setting up changes bonds and the NICs of attachments",
            "kept_networks_stay": "of networks that a host brought from another engine, where it is set up",
        }.items()
    },
    "host_unmanaged.unmanaged_may_be_removed": "of what is removed",
    "host_unmanaged.nic_carries_no_unmanaged": "of what is put on a NIC, where others have put something",
    **{
        f"host_attachment.{name}": "of what the request names, adds or removes"
        for name in (
            "attachment_exists", "network_is_known", "nic_id_and_name_agree", "network_id_and_name_agree",
            "network_is_one_of_hosts",
            "is_not_removed_as_well", "nic_is_no_vlan_device", "nic_is_for_hosts", "attachment_is_reused",
            "nic_is_given", "nic_exists",
            "network_is_kept", "removed_attachment_exists", "management_network_stays", "network_is_not_used_by_guests",
            "network_in_use_keeps_its_base", "is_in_sync", "synchronized_exists",
        )
    },
    **{
        f"host_attachment.{name}": "of the attachment's own values"
        for name in (
            "one_assignment_per_version", "static_is_complete", "only_static_has_address", "method_fits_version",
            "address_is_usable", "gateway_is_reachable", "name_servers_are_valid",
        )
    },
    "host_attachment.network_is_in_cluster": "a network that leaves a cluster leaves its hosts; host.networks_known_in_"
    "cluster has a host that moves find its networks",
    "host_attachment.ipv6_gateway_only_with_default_route": "a gateway stays when the role moves, and can be sent back",
    "host_qos.own_qos_is_valid": "of the attachment's own values",
    "host_addresses.subnets_do_not_overlap": "of addresses, which only setting up changes",
    **{
        f"host_bond.{name}": "of bonds, which only setting up changes"
        for name in (
            "bond_is_named", "bond_id_and_name_agree", "bond_name_is_valid", "options_are_known",
            "has_enough_slaves", "slave_exists", "slave_is_nic", "slave_is_for_hosts", "slave_is_free",
            "slave_carries_no_network",
            "slave_carries_no_unmanaged", "removed_bond_exists", "removed_bond_is_unused",
            "bond_is_not_changed_and_removed", "primary_is_slave", "slaves_are_different", "options_can_work",
        )
    },
    **{
        f"host_label.{name}": "of labels of NICs, which only setting up changes"
        for name in (
            "labelled_nic_id_and_name_agree", "labelled_nic_exists", "labelled_nic_is_proper",
            "labelled_nic_is_for_hosts",
            "labelled_bond_has_slaves", "removed_label_exists", "labels_are_given_once", "slave_keeps_no_label",
            "labelled_nic_carries_no_unmanaged", "nic_has_no_such_label",
        )
    },
    "host_label.network_follows_its_label": "a network that gets a label is moved to the NIC that has it",
    "host_label.network_stays_with_its_label": "of what is removed",
}  # fmt: skip
"""Rules on setting up that no other request can break, and why."""


@dataclass(frozen=True, slots=True)
class Left:
    """A request that is done, leaves the host as it is, and tells of that by an event with these ``words``."""

    rule: str
    method: str
    path: str
    body: str
    words: str

    def __call__(self, site: Site) -> None:
        before, told = site.fleet.host(), _told(site)
        answer = site.client.request(
            self.method, site.filled(self.path), content=site.filled(self.body).encode() or None
        )
        assert answer.is_success, f"{self}: {answer.text}"
        site.fleet.until(lambda: any(self.words in text for text in _told(site) - told))
        settled(site)
        assert site.fleet.host() == before, f"{self}: the host was changed"


def _told(site: Site) -> set[str]:
    """Events that a host was left as it is: each with its id."""
    found = site.client.xml("/events", max=100)
    texts = {
        f"{event.get('id')} {event.findtext('description')}" for event in found if event.findtext("code") == "10904"
    }
    return {text for text in texts if "sim-1" in text}


def settled(site: Site) -> None:
    """Every job has ended."""
    query = sa.select(jobs.c.id).where(jobs.c.status == "started")

    def none() -> bool:
        with site.engine.db.read() as tx:
            return tx.execute(query).first() is None

    site.fleet.until(none)


Part: TypeAlias = Left | Callable[[Site], object]

NETWORKS: Mapping[str, str] = {
    "red": "<vlan id='10'/>",
    "blue": "<vlan id='20'/>",
    "six": "<vlan id='30'/>",
    "plain": "",
    "store": "<vlan id='50'/><usages/>",
    "extra": "<vlan id='60'/><usages/>",
}
BY_LABEL: Mapping[str, tuple[str, str, str, str, str]] = {
    "pink": (VLAN, "<vlan id='10'/>", "eth1", "NETWORK_VLAN_ALREADY_ON_NIC", "VLAN 10 would be on 'eth1' more"),
    "bare": (
        UNTAGGED,
        "",
        "eth1",
        "NETWORK_INTERFACES_NOT_EXCLUSIVELY_USED_BY_UNTAGGED_NETWORK",
        "several untagged networks: bare, plain",
    ),
    "big": (MTU, "<vlan id='70'/><mtu>9000</mtu>", "eth1", "NETWORK_MTU_DIFFERENCES", "different MTUs"),
    "dear": (
        QOS,
        "<vlan id='71'/><qos id='{gold}'/>",
        "eth1",
        "ACTION_TYPE_FAILED_HOST_NETWORK_QOS_INTERFACES_WITHOUT_QOS",
        "these have none: blue, plain, red, six",
    ),
    "guests": (
        MODE,
        "<vlan id='72'/>",
        "bond0",
        "INVALID_BOND_MODE_FOR_BOND_WITH_LABELED_VM_NETWORK",
        "cannot carry the VM networks guests",
    ),
}
"""Networks of the cluster that do not go with what is on a NIC: rule, network, NIC, code and words."""

IN_NORTH = "<data_center><name>north</name></data_center>"


def prepare(site: Site) -> None:
    """sim-1 has red, blue, six and the untagged plain on eth1; store and extra, not for VMs, on bond0 in mode 0."""
    site.names["Default"], site.names["sim-1"] = site.client.first_id("/clusters"), site.fleet.id()
    site.names["dc"] = site.client.first_id("/datacenters")
    for name in ("gold", "silver"):
        limit = "<outbound_average_linkshare>50</outbound_average_linkshare>"
        site.add("/datacenters/{dc}/qoss", f"<qos><name>{name}</name><type>hostnetwork</type>{limit}</qos>", name)
    for name, more in {**NETWORKS, **{name: site.filled(row[1]) for name, row in BY_LABEL.items()}}.items():
        site.network(name, more)
        site.attach(name)
    six = ip("2001:db8::5", "64", version="v6")
    more = bridge("priority=1")
    on_eth1 = (one("red", "eth1"), one("blue", "eth1", more=more), one("six", "eth1", six), one("plain", "eth1"))
    site.act("/hosts/{sim-1}/setupnetworks", attach(*on_eth1))
    on_bond = attach(one("store", "bond0"), one("extra", "bond0"))
    site.act("/hosts/{sim-1}/setupnetworks", bond("bond0", "eth2", "eth3", mode="0") + on_bond)
    site.names |= {name: nic_id for nic_id, name in site.fleet.data().nics.items()}
    for name in BY_LABEL:
        site.add(f"/networks/{{{name}}}/networklabels", f"<network_label id='by-{name}'/>", f"by-{name}")
    clusters_in_north(site, NETWORKS)


def clusters_in_north(site: Site, networks: Mapping[str, str]) -> None:
    """Two clusters of another data centre, which have networks of the same names; theirs begin with ``north:``."""
    site.add("/datacenters", "<data_center><name>north</name></data_center>", "north")
    for name, switch in (("there", "legacy"), ("ovs", "ovs")):
        body = f"<cluster><name>{name}</name><switch_type>{switch}</switch_type>{IN_NORTH}</cluster>"
        site.add("/clusters", body, name)
    for name, more in networks.items():
        south = site.names[name]
        site.names[f"north:{name}"] = site.network(name, more, IN_NORTH)
        for cluster in ("there", "ovs"):
            site.attach(name, cluster)
        site.names[name] = south


def network(rule: str, name: str, body: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "PUT", f"/networks/{{{name}}}", f"<network>{body}</network>", code, words)


def label(name: str) -> Refusal:
    rule, _, nic, code, words = BY_LABEL[name]
    path = f"/hosts/{{sim-1}}/nics/{{{nic}}}/networklabels"
    return Refusal(rule, "POST", path, f"<network_label id='by-{name}'/>", code, words)


def labels_on_nics(site: Site) -> None:
    for name in BY_LABEL:
        site.client.delete(site.filled(f"/networks/{{{name}}}/networklabels/by-{name}")).raise_for_status()
    for nic in ("eth1", "bond0"):
        site.client.post_xml(
            site.filled(f"/hosts/{{sim-1}}/nics/{{{nic}}}/networklabels"), f"<network_label id='{nic}'/>"
        )


def comes_by_label(rule: str, name: str, nic: str, words: str) -> tuple[Part, ...]:
    """A network of the cluster gets the label of a NIC; it leaves the cluster, and comes again."""
    labels, here = f"/networks/{{{name}}}/networklabels", f"/clusters/{{Default}}/networks/{{{name}}}"
    body = f"<network id='{{{name}}}'><required>false</required></network>"

    def leave(site: Site) -> None:
        site.client.delete(site.filled(here)).raise_for_status()
        settled(site)

    def be_without(site: Site) -> None:
        site.client.delete(site.filled(f"{labels}/{nic}")).raise_for_status()
        settled(site)

    return (
        Left(rule, "POST", labels, f"<network_label id='{nic}'/>", words),
        leave,
        Left(rule, "POST", "/clusters/{Default}/networks", body, words),
        be_without,
    )


def in_north(name: str, wrong: str, right: str, row: Refusal) -> tuple[Refusal | Callable[[Site], object], ...]:
    """A network of the other data centre is as it must not be while the host is to move there."""
    path = f"/networks/{{north:{name}}}"
    return (
        lambda site: site.change(path, f"<network>{wrong}</network>"),
        row,
        lambda site: site.change(path, f"<network>{right}</network>"),
    )


def move(rule: str, code: str, words: str, cluster: str = "there") -> Refusal:
    words = f"On Host sim-1: {words}"
    return Refusal(rule, "PUT", "/hosts/{sim-1}", f"<host><cluster id='{{{cluster}}}'/></host>", code, words)


def other_management(site: Site) -> None:
    """A third cluster in the north has all that the host carries, and another management network."""
    site.names["north:mgmt2"] = site.network("mgmt2", "", IN_NORTH)
    named = "<management_network><name>mgmt2</name></management_network>"
    site.add("/clusters", f"<cluster><name>other</name>{named}{IN_NORTH}</cluster>", "other")
    there = site.client.xml(site.filled("/clusters/{there}/networks"))
    for carried in there:
        body = f"<network id='{carried.get('id')}'><required>false</required></network>"
        site.client.post_xml(site.filled("/clusters/{other}/networks"), body)


def role_in_north(role: str) -> Callable[[Site], None]:
    usages = f"<network><usages><usage>vm</usage>{role}</usages></network>"
    return lambda site: site.change("/clusters/{there}/networks/{north:red}", usages)


def someone_in_north(site: Site) -> None:
    host = site.insert(rows.add_host, site.names["there"], "resident", name="resident")
    values = {"address": "2001:db8::5", "network_id": site.names["north:six"], "host_id": host}
    with site.engine.db.write() as tx:
        tx.execute(sa.insert(host_addresses).values(values))


DISPLAY = "<usage>display</usage>"

TABLE: Table = (
    network(
        VLAN, "blue", "<vlan id='10'/>", "NETWORK_VLAN_ALREADY_ON_NIC", "On Host sim-1: VLAN 10 would be on 'eth1'"
    ),
    network(
        UNTAGGED,
        "blue",
        "<vlan/>",
        "NETWORK_INTERFACES_NOT_EXCLUSIVELY_USED_BY_UNTAGGED_NETWORK",
        "On Host sim-1: 'eth1' would carry several untagged networks: blue, plain",
    ),
    network(
        MODE,
        "store",
        "<usages><usage>vm</usage></usages>",
        "INVALID_BOND_MODE_FOR_BOND_WITH_VM_NETWORK",
        "On Host sim-1: Bond bond0 has mode balance-rr, which cannot carry the VM networks store",
    ),
    network(
        OPTIONS,
        "blue",
        "<usages/>",
        "ACTION_TYPE_FAILED_NETWORK_CUSTOM_PROPERTIES_BAD_INPUT",
        "On Host sim-1: The custom properties of network 'blue' are not valid: bridge_opts is for VM networks",
    ),
    network(
        IPV6,
        "six",
        "<mtu>1279</mtu>",
        "NETWORK_ATTACHMENT_IPV6_MTU_TOO_SMALL",
        "while hosts have IPv6 on it, which needs 1280: sim-1",
    ),
    Left(MTU, "PUT", "/networks/{red}", "<network><mtu>9000</mtu></network>", "Networks on 'eth1' have different MTUs"),
    # What does not fit together keeps nobody from other changes, and is over when it fits.
    lambda site: site.change("/networks/{blue}", "<network><description>another</description></network>"),
    lambda site: site.change("/networks/{red}", "<network><mtu>0</mtu></network>"),
    settled,
    Left(
        QOS, "PUT", "/networks/{store}", "<network><qos id='{gold}'/></network>", "Some networks on 'bond0' have a QoS"
    ),
    lambda site: site.change("/networks/{extra}", "<network><qos id='{silver}'/></network>"),
    settled,
    lambda site: site.change("/networks/{dear}", "<network><qos id='{silver}'/></network>"),
    Left(
        QOS, "DELETE", "/datacenters/{dc}/qoss/{gold}", "", "Some networks on 'bond0' have a QoS, and these have none"
    ),
    lambda site: site.change("/networks/{extra}", "<network><qos/></network>"),
    settled,
    Refusal(
        ROLE,
        "PUT",
        "/clusters/{Default}/networks/{red}",
        f"<network><usages><usage>vm</usage>{DISPLAY}</usages></network>",
        "NETWORK_ADDR_MANDATORY_FOR_ROLE_NETWORK",
        "but has none on: eth1 of sim-1",
    ),
    *(label(name) for name in BY_LABEL),
    labels_on_nics,
    *(part for name, (rule, _, nic, _, words) in BY_LABEL.items() for part in comes_by_label(rule, name, nic, words)),
    lambda site: site.act("/hosts/{sim-1}/deactivate"),
    Refusal(
        OVS_MODE,
        "PUT",
        "/clusters/{Default}",
        "<cluster><switch_type>ovs</switch_type></cluster>",
        "BOND_MODE_NOT_SUPPORTED_BY_OVS",
        "On Host sim-1: Bond bond0 has mode balance-rr, which Open vSwitch does not have",
    ),
    move(OVS_MODE, "BOND_MODE_NOT_SUPPORTED_BY_OVS", "Bond bond0 has mode balance-rr", "ovs"),
    *in_north(
        "blue",
        "<vlan id='10'/>",
        "<vlan id='20'/>",
        move(VLAN, "NETWORK_VLAN_ALREADY_ON_NIC", "VLAN 10 would be on 'eth1'"),
    ),
    *in_north(
        "blue",
        "<vlan/>",
        "<vlan id='20'/>",
        move(
            UNTAGGED,
            "NETWORK_INTERFACES_NOT_EXCLUSIVELY_USED_BY_UNTAGGED_NETWORK",
            "'eth1' would carry several untagged networks: blue, plain",
        ),
    ),
    *in_north(
        "blue",
        "<mtu>9000</mtu>",
        "<mtu>0</mtu>",
        move(MTU, "NETWORK_MTU_DIFFERENCES", "Networks on 'eth1' have different MTUs"),
    ),
    *in_north(
        "blue",
        "<usages/>",
        "<usages><usage>vm</usage></usages>",
        move(OPTIONS, "ACTION_TYPE_FAILED_NETWORK_CUSTOM_PROPERTIES_BAD_INPUT", "The custom properties of network"),
    ),
    *in_north(
        "six",
        "<mtu>1279</mtu>",
        "<mtu>0</mtu>",
        move(IPV6, "NETWORK_ATTACHMENT_IPV6_MTU_TOO_SMALL", "Network 'six' has an MTU of 1279"),
    ),
    *in_north(
        "store",
        "<usages><usage>vm</usage></usages>",
        "<usages/>",
        move(MODE, "INVALID_BOND_MODE_FOR_BOND_WITH_VM_NETWORK", "Bond bond0 has mode balance-rr"),
    ),
    lambda site: site.add(
        f"/datacenters/{site.names['north']}/qoss",
        "<qos><name>iron</name><type>hostnetwork</type><outbound_average_linkshare>5</outbound_average_linkshare></qos>",
        "iron",
    ),
    *in_north(
        "blue",
        "<qos id='{iron}'/>",
        "<qos/>",
        move(QOS, "ACTION_TYPE_FAILED_HOST_NETWORK_QOS_INTERFACES_WITHOUT_QOS", "Some networks on 'eth1' have a QoS"),
    ),
    role_in_north(DISPLAY),
    move(ROLE, "ACTION_TYPE_FAILED_ROLE_NETWORK_HAS_NO_BOOT_PROTOCOL", "Network 'red' has the role display"),
    role_in_north(""),
    other_management,
    move(MANAGEMENT, "MANAGEMENT_NETWORK_NOT_ON_HOST", "Management network 'mgmt2' is not attached", "other"),
    someone_in_north,
    Refusal(
        ADDRESS,
        "PUT",
        "/hosts/{sim-1}",
        "<host><cluster id='{there}'/></host>",
        "NETWORK_ADDRESS_ALREADY_IN_USE",
        "Address 2001:db8::5 on network 'six' is in use by Host resident",
    ),
    lambda site: site.act(
        "/hosts/{sim-1}/setupnetworks", bond("bond0", "eth2", "eth3", mode="1", fail_over_mac="1") + unlabel("bond0")
    ),
    Refusal(
        OVS_OPTIONS,
        "PUT",
        "/clusters/{Default}",
        "<cluster><switch_type>ovs</switch_type></cluster>",
        "BOND_OPTION_NOT_SUPPORTED_BY_OVS",
        "On Host sim-1: The options of bond bond0: Open vSwitch has no option fail_over_mac",
    ),
    move(OVS_OPTIONS, "BOND_OPTION_NOT_SUPPORTED_BY_OVS", "The options of bond bond0: Open vSwitch has", "ovs"),
)


def entry_of(row: Refusal | Left) -> str:
    """The entry point that a row is of; empty for one that sets up a host."""
    said = f"{row.method} {row.path}"
    return next((name for name, pattern in ENTRY_POINTS.items() if re.fullmatch(pattern, said)), "")
