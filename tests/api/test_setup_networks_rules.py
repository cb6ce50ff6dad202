"""Every rule on setting up a host's networks, triggered through the API: rule -> request -> what the answer says.

The codes of the same rules are seen in the core's ring (``tests/core/test_rules_setup_networks.py`` and
``test_rules_host_label.py``): oVirt's faults carry texts, not codes.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

import rows
from api.served import Client, Engine
from fleet import Fleet, running_fleet
from netloom.core.host import Bridge
from netloom.core.rules import host_addresses, host_attachment, host_bond, host_label, setup_networks
from netloom.engine.db import utc_now
from netloom.engine.model.clusters import clusters
from netloom.engine.model.vms import vms
from netloom.engine.model.vnic_profiles import vnic_profiles

NETWORKS: Mapping[str, str] = {
    "red": "<vlan id='10'/>",
    "blue": "<vlan id='20'/>",
    "pink": "<vlan id='10'/>",
    "big": "<vlan id='30'/><mtu>9000</mtu>",
    "show": "<vlan id='40'/>",
    "store": "<vlan id='50'/><usages/>",
    "far": "<vlan id='60'/>",
    "used": "<vlan id='70'/>",
    "lab1": "<vlan id='80'/>",
    "plain": "",
    "jumbo": "<mtu>9000</mtu>",
}
IN_CLUSTER = {"show": "<usages><usage>vm</usage><usage>display</usage></usages>"}


def ip(address: str = "", mask: str = "", gateway: str = "", method: str = "static", version: str = "v4") -> str:
    parts = {"address": address, "netmask": mask, "gateway": gateway, "version": version}
    said = "".join(f"<{name}>{value}</{name}>" for name, value in parts.items() if value)
    return (
        f"<ip_address_assignment><assignment_method>{method}</assignment_method><ip>{said}</ip></ip_address_assignment>"
    )


def one(network: str = "", nic: str = "", *ips: str, more: str = "", tag: str = "") -> str:
    """An attachment; ``network`` and ``nic`` by name, or as elements."""
    said = network if network.startswith("<") or not network else f"<network><name>{network}</name></network>"
    where = nic if nic.startswith("<") or not nic else f"<host_nic><name>{nic}</name></host_nic>"
    addresses = f"<ip_address_assignments>{''.join(ips)}</ip_address_assignments>" if ips else ""
    return f"<network_attachment {tag}>{addresses}{where}{said}{more}</network_attachment>"


def attach(*ones: str) -> str:
    return f"<modified_network_attachments>{''.join(ones)}</modified_network_attachments>"


def at(network: str, nic: str, *ips: str, more: str = "", tag: str = "") -> str:
    return attach(one(network, nic, *ips, more=more, tag=tag))


def addressed(*ips: str) -> str:
    return at("blue", "eth3", *ips)


def detach(tag: str) -> str:
    return f"<removed_network_attachments><network_attachment {tag}/></removed_network_attachments>"


def bond(name: str, *slaves: str, tag: str = "", **options: str) -> str:
    said = "".join(f"<option><name>{key}</name><value>{value}</value></option>" for key, value in options.items())
    nics = "".join(f"<host_nic><name>{slave}</name></host_nic>" for slave in slaves)
    named = f"<name>{name}</name>" if name else ""
    parts = f"<options>{said}</options>" if options else ""
    parts += f"<slaves>{nics}</slaves>" if slaves else ""
    return f"<modified_bonds><host_nic {tag}>{named}<bonding>{parts}</bonding></host_nic></modified_bonds>"


def unbond(tag: str) -> str:
    return f"<removed_bonds><host_nic {tag}/></removed_bonds>"


UNBOND0 = "<removed_bonds><host_nic><name>bond0</name></host_nic></removed_bonds>"


def label(name: str, nic: str) -> str:
    where = nic if nic.startswith("<") else f"<host_nic><name>{nic}</name></host_nic>"
    return f"<modified_labels><network_label id='{name}'>{where}</network_label></modified_labels>"


def unlabel(*names: str) -> str:
    return f"<removed_labels>{''.join(f'<network_label id={name!r}/>' for name in names)}</removed_labels>"


def bridge(value: str, name: str = "bridge_opts") -> str:
    return f"<properties><property><name>{name}</name><value>{value}</value></property></properties>"


Table = list[tuple[str, str, str]]
"""Rule, body of setupnetworks, words of the answer. ``{red}`` is an id of an attachment, ``{net:red}`` of a network,
``{eth1}`` of a NIC."""

FIRST: Table = [
    ("timeout_is_in_range", "<connectivity_timeout>0</connectivity_timeout>", "timeout of 0 seconds"),
    ("timeout_is_in_range", "<connectivity_timeout>121</connectivity_timeout>", "timeout of 121 seconds"),
    ("label_is_valid", label("a b", "eth3"), "may only contain letters"),
    (
        "labelled_nic_id_and_name_agree",
        label("new", "<host_nic id='{eth1}'><name>eth3</name></host_nic>"),
        "is called 'eth1', not 'eth3'",
    ),
    ("labelled_nic_exists", label("new", "eth9"), "has or will have no such NIC"),
    ("labelled_nic_exists", label("new", "<host_nic id='nothing'/>"), "has or will have no such NIC"),
    ("labelled_nic_is_proper", label("new", "eth1.10"), "which is a VLAN device"),
    ("removed_label_exists", unlabel("nothing"), "No NIC of Host sim-1 has the label 'nothing'"),
    ("labels_are_given_once", label("lab", "eth3") + unlabel("lab"), "occur more than once in the request: lab"),
    ("attachment_exists", at("red", "eth1", tag="id='nothing'"), "no network attachment with id nothing"),
    ("network_is_known", at("", "eth3"), "names no network"),
    ("network_is_known", at("nothing", "eth3"), "no network 'nothing' in the Cluster"),
    ("network_is_known", at("<network id='nothing'/>", "eth3"), "no network 'nothing' in the Cluster"),
    (
        "nic_id_and_name_agree",
        at("blue", "<host_nic id='{eth1}'><name>eth3</name></host_nic>"),
        "is called 'eth1', not 'eth3'",
    ),
    (
        "network_id_and_name_agree",
        at("<network id='{net:blue}'><name>red</name></network>", "eth3"),
        "is called 'blue', not 'red'",
    ),
    ("is_not_removed_as_well", at("red", "eth3") + detach("id='{red}'"), "is both changed and removed"),
    ("nic_is_no_vlan_device", at("blue", "eth1.10"), "Attach the network to 'eth1' instead"),
    ("attachment_is_reused", at("red", "eth1", tag="id='{used}'"), "attached to Host sim-1 already"),
    (
        "network_follows_its_label",
        label("lab", "eth3") + at("lab1", "eth1"),
        "so it cannot be put on 'eth1'",
    ),
    ("network_follows_its_label", at("lab1", "eth3"), "so it cannot move to 'eth3'"),
    ("network_is_in_cluster", at("<network id='{net:far}'/>", "eth3"), "is not attached to the Cluster"),
    ("role_network_has_address", at("show", "eth3"), "has the role display in the Cluster"),
    ("nic_is_given", at("blue", ""), "names no NIC"),
    ("nic_exists", at("blue", "eth9"), "has no NIC or bond 'eth9'"),
    ("network_is_kept", at("blue", "eth1", tag="id='{red}'"), "cannot be changed to 'blue'"),
    (
        "one_assignment_per_version",
        addressed(ip("10.0.1.5", "24"), ip("10.0.2.5", "24")),
        "more than one address of one IP version",
    ),
    ("static_is_complete", addressed(ip()), "needs an address and a netmask"),
    ("static_is_complete", addressed(ip("2001:db8::5", version="v6")), "needs an address and a prefix length"),
    ("only_static_has_address", addressed(ip("10.0.1.5", method="dhcp")), "which 'dhcp' does not take"),
    ("method_fits_version", addressed(ip(method="autoconf")), "is for IPv6 only"),
    ("address_is_usable", addressed(ip("10.0.1.255", "24")), "not an IPv4 address that a host can have"),
    ("address_is_usable", addressed(ip("224.0.0.5", "24")), "not an IPv4 address that a host can have"),
    ("gateway_is_reachable", addressed(ip("10.0.1.5", "24", "10.9.9.9")), "is not another address in the subnet"),
    (
        "ipv6_gateway_only_with_default_route",
        addressed(ip("2001:db8::5", "64", "fe80::1", version="v6")),
        "cannot have an IPv6 gateway",
    ),
    (
        "name_servers_are_valid",
        at(
            "blue",
            "eth3",
            more="<dns_resolver_configuration><name_servers><name_server>x</name_server></name_servers>"
            "</dns_resolver_configuration>",
        ),
        "The DNS servers x are not valid",
    ),
    ("bridge_options_only_on_vm_network", at("blue", "eth3", more=bridge("y", "x")), "no custom property x"),
    ("bridge_options_only_on_vm_network", at("store", "eth3", more=bridge("priority=1")), "is for VM networks"),
    ("bridge_options_only_on_vm_network", at("blue", "eth3", more=bridge("priority=x")), "are not valid"),
    ("removed_attachment_exists", detach("id='nothing'"), "no network attachment 'nothing'"),
    ("management_network_stays", detach("id='{ovirtmgmt}'"), "The management network 'ovirtmgmt' cannot be removed"),
    ("network_is_not_used_by_guests", detach("id='{used}'"), "is used by running VMs on Host sim-1: web"),
    ("network_stays_with_its_label", detach("id='{lab1}'"), "Take the label off the NIC instead"),
    (
        "synchronized_exists",
        "<synchronized_network_attachments><network_attachment id='nothing'/></synchronized_network_attachments>",
        "that could be synchronized",
    ),
    ("bond_is_named", bond("", tag="id='nothing'"), "has no bond 'nothing'"),
    ("bond_is_named", bond(""), "neither id nor name"),
    ("bond_name_is_valid", bond("team0", "eth2", "eth3"), "The bond name 'team0' is not valid"),
    ("bond_name_is_valid", bond("bond012345678901", "eth2", "eth3"), "15 characters in all"),
    ("options_are_known", bond("bond1", "eth2", "eth3", mode="9"), "unknown mode '9'"),
    ("options_are_known", bond("bond1", "eth2", "eth3", mode="1", x="y"), "The options of bond"),
    ("has_enough_slaves", bond("bond1", "eth1"), "must have at least 2 slaves"),
    ("slave_exists", bond("bond1", "eth1", "eth9"), "no NIC eth9 that could join bond"),
    ("slave_is_nic", bond("bond1", "eth1", "eth1.10"), "which eth1.10 is not"),
    ("slave_carries_no_network", bond("bond1", "eth1", "eth0"), "Move the network to the bond"),
    (
        "slave_carries_no_network",
        unlabel("lab", "spare") + bond("bond1", "eth2", "eth3") + at("blue", "eth3"),
        "Use the bond",
    ),
    ("slave_keeps_no_label", unlabel("lab") + bond("bond1", "eth2", "eth3"), "Move the label to the bond"),
    ("removed_bond_exists", unbond("id='nothing'"), "no bond 'nothing' that could be removed"),
    ("network_occurs_once", attach(one("blue", "eth1"), one("blue", "eth3")), "more than one NIC of Host sim-1: blue"),
    (
        "only_one_untagged",
        attach(one("plain", "eth3"), one("jumbo", "eth3")),
        "several untagged networks: jumbo, plain",
    ),
    ("vlan_occurs_once", at("pink", "eth1"), "VLAN 10 would be on 'eth1' more than once"),
    ("mtu_is_the_same", attach(one("plain", "eth3"), one("big", "eth3")), "different MTUs"),
    (
        "subnets_do_not_overlap",
        attach(one("blue", "eth3", ip("10.0.0.9", "16")), one("pink", "eth3", ip("10.0.1.5", "24"))),
        "overlap on this Host",
    ),
    ("address_is_unique_in_cluster", addressed(ip("10.0.0.5", "24")), "is in use by Host sim-2"),
]
"""On a host with red and used on eth1, lab1 on eth2 by the label "lab", the label "spare" on eth3."""

SECOND: Table = [
    ("labelled_nic_is_proper", label("new", "eth1"), "which is a slave of bond bond0"),
    ("labelled_nic_exists", label("new", "bond0") + UNBOND0, "has or will have no such NIC"),
    ("labelled_bond_has_slaves", label("new", "bond0") + bond("bond0", "eth1"), "would have 1 slaves"),
    ("bond_id_and_name_agree", bond("bond1", tag="id='{bond0}'"), "is called 'bond0', not 'bond1'"),
    ("slave_is_free", bond("bond1", "eth1", "eth3"), "is in bond bond0 already"),
    ("removed_bond_is_unused", UNBOND0, "is used by networks: red"),
    ("bond_is_not_changed_and_removed", bond("bond0") + UNBOND0, "both changed and removed: bond0"),
    ("mode_carries_vm_networks", bond("bond0", mode="0"), "cannot carry the VM networks red"),
    (
        "mode_carries_vm_networks",
        bond("bond0", mode="0") + label("lab", "bond0"),
        "cannot carry the VM networks lab1, red",
    ),
    ("nic_is_no_slave", at("blue", "eth1"), "which is in bond bond0"),
]
"""On a host with red on bond0 (of eth1 and eth2), blue with 10.0.0.5/24 on eth3."""

OCCUPIED: Table = [
    ("nic_carries_no_unmanaged", at("blue", "eth3"), "which carries docker0: not made by Netloom"),
    ("labelled_nic_carries_no_unmanaged", label("new", "eth3"), "which carries docker0: not made by Netloom"),
    ("bond_name_is_free", unlabel("spare") + bond("bond9", "eth1", "eth3"), "already has a link 'bond9'"),
    (
        "slave_carries_no_unmanaged",
        unlabel("lab", "spare") + bond("bond1", "eth2", "eth3"),
        "which Netloom does not manage, so it cannot join bond1",
    ),
]
"""Where others have put eth3 into a bridge docker0, and made a bridge bond9."""

IN_OVS: Table = [
    (
        "mode_is_known_to_ovs",
        unlabel("lab", "spare") + bond("bond1", "eth2", "eth3", mode="5"),
        "which Open vSwitch does not have",
    ),
    ("network_in_use_keeps_its_base", at("used", "eth3"), "while running VMs use it: web"),
]

ELSEWHERE = {
    "is_reachable_for_work": "test_a_host_that_does_not_answer_is_not_set_up",
    "is_in_sync": "test_what_is_out_of_sync_is_told_and_stays",
    "unmanaged_may_be_removed": "test_what_others_made_is_not_removed",
    "nic_is_not_labelled_so": "test_host_labels.test_refusals_on_one_nic",
}
"""Rules with a test of their own."""

SETUP = "/hosts/{}/setupnetworks"


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path, client: Client) -> Iterator[Fleet]:
    with running_fleet(engine.db, tmp_path, 2) as fleet:
        prepare(engine, client, fleet)
        yield fleet


def prepare(engine: Engine, client: Client, fleet: Fleet) -> None:
    """The hosts as the tables want them."""
    cluster = client.first_id("/clusters")
    for name, more in NETWORKS.items():
        body = f"<network><name>{name}</name>{more}<data_center><name>Default</name></data_center></network>"
        network_id = client.post_xml("/networks", body).get("id")
        if name != "far":
            attached = f"<network id='{network_id}'><required>false</required>{IN_CLUSTER.get(name, '')}</network>"
            client.post_xml(f"/clusters/{cluster}/networks", attached)
        if name == "lab1":
            client.post_xml(f"/networks/{network_id}/networklabels", "<network_label id='lab'/>")
    setup(client, fleet, 1, attach(one("red", "eth1"), one("used", "eth1")) + label("lab", "eth2"))
    setup(client, fleet, 1, label("spare", "eth3"))
    setup(client, fleet, 2, bond("bond0", "eth1", "eth2", mode="1") + at("red", "bond0"))
    setup(client, fleet, 2, addressed(ip("10.0.0.5", "24")))
    used = client.first_id("/networks", search="name=used")
    with engine.db.write() as tx:
        profile = tx.scalars(sa.select(vnic_profiles.c.id).where(vnic_profiles.c.network_id == used)).one()
        vm_id = rows.add_vm(tx, cluster, "web", "up")
        tx.execute(sa.update(vms).where(vms.c.id == vm_id).values(host_id=fleet.id(), changed_at=utc_now()))
        rows.add_vnic(tx, vm_id, profile, "02:00:00:00:00:01")


def setup(client: Client, fleet: Fleet, number: int, body: str) -> None:
    client.action(SETUP.format(fleet.id(number)), f"<action>{body}</action>")


def said(client: Client, fleet: Fleet, number: int, body: str) -> str:
    """What the API answers to a request that it must refuse."""
    answer = client.post_xml(SETUP.format(fleet.id(number)), f"<action>{body}</action>", 409)
    return str(answer.findtext(".//detail"))


def refuse_all(client: Client, fleet: Fleet, number: int, table: Table) -> None:
    """Send every request of a table; each is refused with its words, and nothing changes."""
    data = fleet.data(number)
    names = {f"{{{data.networks[a.network_id].name}}}": a.id for a in data.intent.attachments}
    names |= {f"{{net:{view.name}}}": network_id for network_id, view in data.networks.items()}
    names |= {f"{{{name}}}": nic_id for nic_id, name in data.nics.items()}
    names["{net:far}"] = client.first_id("/networks", search="name=far")
    wrong = []
    for rule, body, words in table:
        for key, value in names.items():
            body = body.replace(key, value)  # noqa: PLW2901 - a placeholder after the other
        answer = said(client, fleet, number, body)
        if not (answer.startswith("[Cannot setup Networks. ") and words in answer):
            wrong.append(f"{rule}: {answer}")
    assert not wrong, "\n".join(wrong)
    after = fleet.data(number)
    assert (after.intent, after.labels, after.row.generation) == (data.intent, data.labels, data.row.generation)


def test_rules_on_a_host_with_networks_and_labels(fleet: Fleet, client: Client) -> None:
    refuse_all(client, fleet, 1, FIRST)


def test_rules_on_a_host_with_a_bond(fleet: Fleet, client: Client) -> None:
    refuse_all(client, fleet, 2, SECOND)


def test_rules_where_others_are_at_work(fleet: Fleet, client: Client) -> None:
    occupy(fleet, client)
    refuse_all(client, fleet, 1, OCCUPIED)


def occupy(fleet: Fleet, client: Client) -> None:
    host = fleet.host().with_link(Bridge(name="docker0")).with_link(Bridge(name="bond9"))
    fleet.simulate(host=host.with_link(replace(host.nics["eth3"], master="docker0")))
    client.action(f"/hosts/{fleet.id()}/refresh")


def test_rules_in_a_cluster_with_open_vswitch(fleet: Fleet, client: Client, engine: Engine) -> None:
    with engine.db.write() as tx:
        tx.execute(sa.update(clusters).values(switch_type="ovs"))
    refuse_all(client, fleet, 1, IN_OVS)


def test_a_network_that_is_there_is_not_attached_anew(fleet: Fleet, client: Client) -> None:
    answer = client.post_xml(f"/hosts/{fleet.id()}/networkattachments", one("red", "eth3"), 409)
    assert "attached to Host sim-1 already" in str(answer.findtext(".//detail"))


def test_a_host_that_does_not_answer_is_not_set_up(fleet: Fleet, client: Client) -> None:
    for status in ("non_responsive", "installing", "install_failed", "unassigned", "down"):
        fleet.set_status(status)
        assert f"Host status is {status}" in said(client, fleet, 1, at("pink", "eth3"))


def test_limits_that_no_host_would_keep_are_refused(fleet: Fleet, client: Client) -> None:
    limited = at("blue", "eth3", more="<qos><outbound_average_linkshare>5</outbound_average_linkshare></qos>")
    answer = client.post_xml(SETUP.format(fleet.id()), f"<action>{limited}</action>", 400)
    assert "Hosts do not shape the traffic" in str(answer.findtext(".//detail"))
    setup(client, fleet, 1, at("blue", "eth3", more="<qos/>"))


def test_what_is_out_of_sync_is_told_and_stays(fleet: Fleet, client: Client) -> None:
    host = fleet.host()
    fleet.simulate(host=host.with_link(replace(host.bridges["red"], mtu=1400)))
    client.action(f"/hosts/{fleet.id()}/refresh")
    answer = said(client, fleet, 1, at("red", "eth3"))
    assert "is not in sync on Host sim-1 and has to be synchronized: " in answer
    assert "mtu is 1400 on the host and 1500 is wanted" in answer


def test_what_others_made_is_not_removed(fleet: Fleet, client: Client) -> None:
    """The API has no other way to ask for it, so that a network of the cluster, or nothing, cannot be meant."""
    occupy(fleet, client)
    unmanaged = f"/hosts/{fleet.id()}/unmanagednetworks"
    found = {shown.findtext("name"): shown.get("id") for shown in client.xml(unmanaged)}
    assert set(found) == {"docker0"}
    answer = client.delete(f"{unmanaged}/{found['docker0']}")
    assert (answer.status_code, "never removes what is not its own" in answer.text) == (409, True)
    assert client.delete(f"{unmanaged}/{fleet.id()}").status_code == 404


def test_every_rule_is_in_a_table() -> None:
    """A rule is a function of these modules that returns a Problem or nothing."""
    modules = (host_addresses, host_attachment, host_bond, host_label, setup_networks)
    rules = {
        name
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if "Problem | None" in str(inspect.signature(function).return_annotation)
    }
    listed = {rule for table in (FIRST, SECOND, OCCUPIED, IN_OVS) for rule, _, _ in table}
    assert listed | set(ELSEWHERE) == rules
