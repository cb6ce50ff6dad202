"""Setting up a host's networks: every rule of HostSetupNetworks, and of the labels of NICs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sqlalchemy as sa

import rows
from api.refusals.site import Refusal, Site, Step, Table
from netweft.core import interface_cards
from netweft.core.host import Bridge, Nic, NicFacts, Vlan
from netweft.engine.model.clusters import clusters
from netweft.engine.model.host_networks import attachments
from netweft.engine.model.hosts import hosts

HOSTS = 2

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
    "bare": "<usages/>",
    "jumbo": "<mtu>9000</mtu>",
    "tiny": "<vlan id='90'/><mtu>1279</mtu>",
    "eth2": "<vlan id='95'/>",
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


def prepare(site: Site) -> None:
    """sim-1 has red and used on eth1, lab1 on eth2 by the label "lab", the label "spare" on eth3; sim-2 has red on
    bond0 (of eth1 and eth2), blue with 10.0.0.5/24 on eth3. The machine web runs on sim-1, on network used.
    """
    site.names["Default"] = site.client.first_id("/clusters")
    for number in (1, 2):
        site.names[f"sim-{number}"] = site.fleet.id(number)
    for name, more in NETWORKS.items():
        site.names[f"net:{name}"] = site.network(name, more)
        if name != "far":
            site.attach(name, more=f"<required>false</required>{IN_CLUSTER.get(name, '')}")
    site.add("/networks/{lab1}/networklabels", "<network_label id='lab'/>")
    for host, body in (
        ("sim-1", attach(one("red", "eth1"), one("used", "eth1")) + label("lab", "eth2")),
        ("sim-1", label("spare", "eth3")),
        ("sim-2", bond("bond0", "eth1", "eth2", mode="1") + at("red", "bond0")),
        ("sim-2", addressed(ip("10.0.0.5", "24"))),
    ):
        site.act(f"/hosts/{{{host}}}/setupnetworks", body)
    profile, data = site.profile("used"), site.fleet.data(1)
    site.names |= {data.networks[a.network_id].name: a.id for a in data.intent.attachments}
    site.names |= {name: nic_id for number in (2, 1) for nic_id, name in site.fleet.data(number).nics.items()}
    site.run_vm("web", site.names["sim-1"])
    site.insert(rows.add_vnic, site.names["web"], profile, "02:00:00:00:00:01", name="vnic")


def insert_card(site: Site) -> None:
    """sim-1 gets a virtual interface card with a dynamic NIC."""
    host = site.fleet.host()
    facts = NicFacts(vendor=interface_cards.VENDOR, device="0x0044", pci_address="0000:80:01.0")
    site.fleet.simulate(host=host.with_link(Nic(name="dyn0", mac=interface_cards.NO_MAC, facts=facts)))
    site.act("/hosts/{sim-1}/refresh")


def remove_card(site: Site) -> None:
    host = site.fleet.host()
    nics = {name: nic for name, nic in host.nics.items() if name != "dyn0"}
    site.fleet.simulate(host=replace(host, nics=nics))
    site.act("/hosts/{sim-1}/refresh")


def no(rule: str, body: str, code: str, words: str, host: str = "sim-1") -> Refusal:
    path = f"/hosts/{{{host}}}/setupnetworks"
    return Refusal(rule, "POST", path, f"<action>{body}</action>", code, words)


def no2(rule: str, body: str, code: str, words: str) -> Refusal:
    return no(rule, body, code, words, "sim-2")


def limited(nic: str = "eth3", **limits: int) -> str:
    """Network blue with a QoS of its own."""
    said = (f"<outbound_average_{name}>{value}</outbound_average_{name}>" for name, value in limits.items())
    return at("blue", nic, more=f"<qos>{''.join(said)}</qos>")


NAMED = at("blue", "eth3", more="<qos id='some'/>")


def status(name: str) -> tuple[Step, Refusal]:
    words = f"Host status is {name}"
    row = no("host.is_reachable_for_work", at("pink", "eth3"), "VDS_STATUS_ILLEGAL", words)
    return lambda site: site.fleet.set_status(name), row


def drift(site: Site) -> None:
    host = site.fleet.host()
    site.fleet.simulate(host=host.with_link(replace(host.bridges["red"], mtu=1400)))
    site.act("/hosts/{sim-1}/refresh")


def confess(*lacks: str, ipv6_off: bool = False, queueing: str = "") -> Step:
    """sim-1 says that it cannot do something any more, or somebody changed its eth3."""

    def step(site: Site) -> None:
        host = site.fleet.host()
        nic = replace(host.nics["eth3"], ipv6_off=ipv6_off, queueing=queueing)
        site.fleet.simulate(lacks=lacks, host=host.with_link(nic))
        site.act("/hosts/{sim-1}/refresh")

    return step


def switch_by(kind: str) -> Step:
    return lambda site: site.update(clusters, site.names["Default"], switch_type=kind)


def occupy(site: Site) -> None:
    """Others put eth3 into a bridge docker0, and made a bridge bond9."""
    host = site.fleet.host().with_link(Bridge(name="docker0")).with_link(Bridge(name="bond9"))
    site.fleet.simulate(host=host.with_link(replace(host.nics["eth3"], master="docker0")))
    site.act("/hosts/{sim-1}/refresh")
    found = {
        one.findtext("name"): str(one.get("id"))
        for one in site.client.xml(f"/hosts/{site.fleet.id()}/unmanagednetworks")
    }
    site.names["docker0"] = found["docker0"]


def bring_along(site: Site) -> None:
    """Sim-2 has a network of another engine on eth3, with the VLAN of pink."""
    host = site.fleet.host(2)
    vlan = Vlan(name="eth3.10", owner="theirs", base="eth3", tag=10, master="alien")
    site.fleet.simulate(2, host=host.with_link(vlan).with_link(Bridge(name="alien", owner="theirs")))
    site.act("/hosts/{sim-2}/refresh")
    site.update(hosts, site.names["sim-2"], kept=["theirs"])


def forget_management(site: Site) -> None:
    site.update(hosts, site.names["sim-2"], kept=[])
    here = attachments.c.host_id == site.names["sim-2"]
    with site.engine.db.write() as tx:
        tx.execute(sa.delete(attachments).where(here, attachments.c.nic == "eth0"))


def label_of(nic: str, name: str, code: str, words: str) -> Refusal:
    """LabelNic."""
    path = f"/hosts/{{sim-1}}/nics/{{{nic}}}/networklabels"
    return Refusal("host_label.nic_has_no_such_label", "POST", path, f"<network_label id='{name}'/>", code, words)


TABLE: Table = (
    no(
        "setup_networks.timeout_is_in_range",
        "<connectivity_timeout>0</connectivity_timeout>",
        "VALIDATION_CONNECTIVITY_TIMEOUT_INVALID",
        "timeout of 0 seconds",
    ),
    no(
        "setup_networks.timeout_is_in_range",
        "<connectivity_timeout>121</connectivity_timeout>",
        "VALIDATION_CONNECTIVITY_TIMEOUT_INVALID",
        "timeout of 121 seconds",
    ),
    no("network.label_is_valid", label("a b", "eth3"), "NETWORK_LABEL_FORMAT_INVALID", "may only contain letters"),
    no(
        "host_label.labelled_nic_id_and_name_agree",
        label("new", "<host_nic id='{eth1}'><name>eth3</name></host_nic>"),
        "NIC_LABEL_REFERENCES_NICS_INCOHERENTLY",
        "is called 'eth1', not 'eth3'",
    ),
    no(
        "host_label.labelled_nic_exists",
        label("new", "eth9"),
        "INTERFACE_ON_NIC_LABEL_NOT_EXIST",
        "has or will have no such NIC",
    ),
    no(
        "host_label.labelled_nic_exists",
        label("new", "<host_nic id='nothing'/>"),
        "INTERFACE_ON_NIC_LABEL_NOT_EXIST",
        "has or will have no such NIC",
    ),
    no(
        "host_label.labelled_nic_is_proper",
        label("new", "eth1.10"),
        "LABEL_ATTACH_TO_IMPROPER_INTERFACE",
        "which is a VLAN device",
    ),
    no(
        "host_label.removed_label_exists",
        unlabel("nothing"),
        "LABEL_NOT_EXIST_IN_HOST",
        "No NIC of Host sim-1 has the label 'nothing'",
    ),
    no(
        "host_label.labels_are_given_once",
        label("lab", "eth3") + unlabel("lab"),
        "PARAMS_CONTAIN_DUPLICATE_LABELS",
        "occur more than once in the request: lab",
    ),
    no(
        "host_attachment.attachment_exists",
        at("red", "eth1", tag="id='nothing'"),
        "MODIFIED_NETWORK_ATTACHMENT_DOES_NOT_EXISTS",
        "no network attachment with id nothing",
    ),
    no(
        "host_attachment.network_is_known",
        at("", "eth3"),
        "NETWORK_ATTACHMENT_NETWORK_ID_OR_NAME_IS_NOT_SET",
        "names no network",
    ),
    no(
        "host_attachment.network_is_known",
        at("nothing", "eth3"),
        "NETWORK_HAVING_NAME_NOT_EXISTS",
        "no network 'nothing' in the Cluster",
    ),
    no(
        "host_attachment.network_is_known",
        at("<network id='nothing'/>", "eth3"),
        "NETWORK_HAVING_ID_NOT_EXISTS",
        "no network 'nothing' in the Cluster",
    ),
    no(
        "host_attachment.nic_id_and_name_agree",
        at("blue", "<host_nic id='{eth1}'><name>eth3</name></host_nic>"),
        "NETWORK_ATTACHMENT_REFERENCES_NICS_INCOHERENTLY",
        "is called 'eth1', not 'eth3'",
    ),
    no(
        "host_attachment.network_id_and_name_agree",
        at("<network id='{net:blue}'><name>red</name></network>", "eth3"),
        "NETWORK_ATTACHMENT_REFERENCES_NETWORK_INCOHERENTLY",
        "is called 'blue', not 'red'",
    ),
    no(
        "host_attachment.is_not_removed_as_well",
        at("red", "eth3") + detach("id='{red}'"),
        "NETWORK_ATTACHMENT_IN_BOTH_LISTS",
        "is both changed and removed",
    ),
    no(
        "host_attachment.nic_is_no_vlan_device",
        at("blue", "eth1.10"),
        "ATTACHMENT_REFERENCE_VLAN_DEVICE",
        "Attach the network to 'eth1' instead",
    ),
    no(
        "host_attachment.attachment_is_reused",
        at("red", "eth1", tag="id='{used}'"),
        "ATTACHMENT_IS_NOT_REUSED",
        "attached to Host sim-1 already",
    ),
    no(
        "host_label.network_follows_its_label",
        label("lab", "eth3") + at("lab1", "eth1"),
        "NETWORK_SHOULD_BE_ATTACHED_VIA_LABEL_TO_ANOTHER_NIC",
        "so it cannot be put on 'eth1'",
    ),
    no(
        "host_label.network_follows_its_label",
        at("lab1", "eth3"),
        "CANNOT_MOVE_LABELED_NETWORK_TO_ANOTHER_NIC",
        "so it cannot move to 'eth3'",
    ),
    no(
        "host_attachment.network_is_in_cluster",
        at("<network id='{net:far}'/>", "eth3"),
        "NETWORK_NOT_EXISTS_IN_CLUSTER",
        "is not attached to the Cluster",
    ),
    no(
        "host_attachment.role_network_has_address",
        at("show", "eth3"),
        "ACTION_TYPE_FAILED_ROLE_NETWORK_HAS_NO_BOOT_PROTOCOL",
        "has the role display in the Cluster",
    ),
    no("host_attachment.nic_is_given", at("blue", ""), "NETWORK_ATTACHMENT_NIC_NOT_SET", "names no NIC"),
    no(
        "host_attachment.nic_exists",
        at("blue", "eth9"),
        "HOST_NETWORK_INTERFACE_NOT_EXIST",
        "has no NIC or bond 'eth9'",
    ),
    no(
        "host_attachment.network_is_kept",
        at("blue", "eth1", tag="id='{red}'"),
        "CANNOT_CHANGE_ATTACHED_NETWORK",
        "cannot be changed to 'blue'",
    ),
    no(
        "host_attachment.one_assignment_per_version",
        addressed(ip("10.0.1.5", "24"), ip("10.0.2.5", "24")),
        "NETWORK_ATTACHMENT_MORE_THAN_ONE_IP_ASSIGNMENT",
        "more than one address of one IP version",
    ),
    no(
        "host_attachment.static_is_complete",
        addressed(ip()),
        "NETWORK_ATTACHMENT_IP_CONFIGURATION_STATIC_BOOT_PROTOCOL_MISSING_IP_ADDRESS_DETAILS",
        "needs an address and a netmask",
    ),
    no(
        "host_attachment.static_is_complete",
        addressed(ip("2001:db8::5", version="v6")),
        "NETWORK_ATTACHMENT_IP_CONFIGURATION_STATIC_BOOT_PROTOCOL_MISSING_IP_ADDRESS_DETAILS",
        "needs an address and a prefix length",
    ),
    no(
        "host_attachment.only_static_has_address",
        addressed(ip("10.0.1.5", method="dhcp")),
        "NETWORK_ATTACHMENT_IP_CONFIGURATION_INCOMPATIBLE_BOOT_PROTOCOL_AND_IP_ADDRESS_DETAILS",
        "which 'dhcp' does not allow",
    ),
    no(
        "host_attachment.method_fits_version",
        addressed(ip(method="autoconf")),
        "NETWORK_ATTACHMENT_IP_CONFIGURATION_MISSING_BOOT_PROTOCOL",
        "is for IPv6 only",
    ),
    no(
        "host_attachment.address_is_usable",
        addressed(ip("10.0.1.255", "24")),
        "NETWORK_ATTACHMENT_ADDRESS_INVALID",
        "not an IPv4 address that a host can have",
    ),
    no(
        "host_attachment.address_is_usable",
        addressed(ip("224.0.0.5", "24")),
        "NETWORK_ATTACHMENT_ADDRESS_INVALID",
        "not an IPv4 address that a host can have",
    ),
    no(
        "host_attachment.gateway_is_reachable",
        addressed(ip("10.0.1.5", "24", "10.9.9.9")),
        "NETWORK_ATTACHMENT_GATEWAY_OUTSIDE_SUBNET",
        "is not another station's address in the subnet",
    ),
    no(
        "host_attachment.ipv6_gateway_only_with_default_route",
        addressed(ip("2001:db8::5", "64", "fe80::1", version="v6")),
        "NETWORK_ATTACHMENT_IPV6_GATEWAY_WITHOUT_DEFAULT_ROUTE",
        "cannot have an IPv6 gateway",
    ),
    no(
        "host_attachment.address_is_usable",
        addressed(ip("fe80::5", "64", version="v6")),
        "NETWORK_ATTACHMENT_ADDRESS_INVALID",
        "Give a global or unique local address",
    ),
    no(
        "host_attachment.ipv6_fits_into_mtu",
        at("tiny", "eth3", ip("2001:db8::5", "64", version="v6")),
        "NETWORK_ATTACHMENT_IPV6_MTU_TOO_SMALL",
        "has an MTU of 1279, and IPv6 needs 1280",
    ),
    no(
        "host_attachment.ipv6_fits_into_mtu",
        at("tiny", "eth3", ip(method="autoconf", version="v6")),
        "NETWORK_ATTACHMENT_IPV6_MTU_TOO_SMALL",
        "has an MTU of 1279, and IPv6 needs 1280",
    ),
    no(
        "host_attachment.name_servers_are_valid",
        at(
            "blue",
            "eth3",
            more="<dns_resolver_configuration><name_servers><name_server>x</name_server></name_servers>"
            "</dns_resolver_configuration>",
        ),
        "NETWORK_ATTACHMENT_NAME_SERVERS_INVALID",
        "The DNS servers x are not valid",
    ),
    no(
        "host_attachment.bridge_options_only_on_vm_network",
        at("blue", "eth3", more=bridge("y", "x")),
        "ACTION_TYPE_FAILED_NETWORK_CUSTOM_PROPERTIES_BAD_INPUT",
        "no custom property x",
    ),
    no(
        "host_attachment.bridge_options_only_on_vm_network",
        at("store", "eth3", more=bridge("priority=1")),
        "ACTION_TYPE_FAILED_NETWORK_CUSTOM_PROPERTIES_BAD_INPUT",
        "is for VM networks",
    ),
    no(
        "host_attachment.bridge_options_only_on_vm_network",
        at("blue", "eth3", more=bridge("priority=x")),
        "ACTION_TYPE_FAILED_NETWORK_CUSTOM_PROPERTIES_BAD_INPUT",
        "are not valid",
    ),
    no(
        "host_attachment.removed_attachment_exists",
        detach("id='nothing'"),
        "NETWORK_ATTACHMENTS_NOT_EXISTS",
        "no network attachment 'nothing'",
    ),
    no(
        "host_attachment.management_network_stays",
        detach("id='{ovirtmgmt}'"),
        "NETWORK_CANNOT_REMOVE_MANAGEMENT_NETWORK",
        "The management network 'ovirtmgmt' cannot be removed",
    ),
    no(
        "host_attachment.network_is_not_used_by_guests",
        detach("id='{used}'"),
        "NETWORK_CANNOT_DETACH_NETWORK_USED_BY_VMS",
        "is used by running VMs on Host sim-1: web",
    ),
    no(
        "host_label.network_stays_with_its_label",
        detach("id='{lab1}'"),
        "CANNOT_REMOVE_LABELED_NETWORK_FROM_NIC",
        "Take the label off the NIC instead",
    ),
    no(
        "host_attachment.synchronized_exists",
        "<synchronized_network_attachments><network_attachment id='nothing'/></synchronized_network_attachments>",
        "NETWORK_ATTACHMENT_NOT_EXISTS",
        "that could be synchronized",
    ),
    no("host_bond.bond_is_named", bond("", tag="id='nothing'"), "BOND_DOES_NOT_EXIST", "has no bond 'nothing'"),
    no("host_bond.bond_is_named", bond(""), "BOND_DOES_NOT_HAVE_NEITHER_ID_NOR_NAME_SPECIFIED", "neither id nor name"),
    no(
        "host_attachment.host_side_name_is_free",
        at("eth2", "eth3"),
        "NETWORK_NAME_USED_BY_LINK_OF_HOST",
        "and Host sim-1 has a link of that name",
    ),
    no(
        "host_bond.bond_name_is_valid",
        bond("team0", "eth2", "eth3"),
        "NETWORK_BOND_NAME_BAD_FORMAT",
        "The bond name 'team0' is not valid",
    ),
    no(
        "host_bond.bond_name_is_valid",
        bond("bond012345678901", "eth2", "eth3"),
        "NETWORK_BOND_NAME_BAD_FORMAT",
        "15 characters in all",
    ),
    no("host_bond.options_are_known", bond("bond1", "eth2", "eth3", mode="9"), "INVALID_BOND_MODE", "unknown mode '9'"),
    no(
        "host_bond.options_are_known",
        bond("bond1", "eth2", "eth3", mode="1", x="y"),
        "NETWORK_BOND_INVALID_OPTION",
        "The options of bond",
    ),
    no(
        "host_bond.primary_is_slave",
        bond("bond1", "eth2", "eth3", mode="1", primary="eth9"),
        "NETWORK_BOND_INVALID_OPTION",
        "which is not one of its slaves: eth2, eth3",
    ),
    no(
        "host_bond.has_enough_slaves",
        bond("bond1", "eth1"),
        "NETWORK_BONDS_INVALID_SLAVE_COUNT",
        "must have at least 2 slaves",
    ),
    no(
        "host_bond.options_are_known",
        bond("bond1", "eth2", "eth3", miimon="100"),
        "INVALID_BOND_MODE",
        "The options of bond bond1 name no mode",
    ),
    no(
        "host_bond.options_can_work",
        bond("bond1", "eth2", "eth3", mode="4", min_links="3"),
        "NETWORK_BOND_INVALID_OPTION",
        "min_links is 3, and it has 2 slaves",
    ),
    no(
        "host_bond.options_can_work",
        bond("bond1", "eth2", "eth3", mode="1", miimon="0", arp_interval="100"),
        "NETWORK_BOND_INVALID_OPTION",
        "arp_interval needs arp_ip_target",
    ),
    no(
        "host_bond.slaves_are_different",
        bond("bond1", "eth2", "eth3", "eth2"),
        "NETWORK_INTERFACE_ALREADY_IN_BOND",
        "NIC eth2 is named twice among the slaves of bond bond1",
    ),
    no(
        "host_bond.slave_exists",
        bond("bond1", "eth1", "eth9"),
        "HOST_NETWORK_INTERFACE_NOT_EXIST",
        "no NIC eth9 that could join bond",
    ),
    no(
        "host_bond.slave_is_nic",
        bond("bond1", "eth1", "eth1.10"),
        "NETWORK_INTERFACE_IS_NOT_A_NIC",
        "which eth1.10 is not",
    ),
    no(
        "host_bond.slave_carries_no_network",
        bond("bond1", "eth1", "eth0"),
        "NETWORK_INTERFACE_ATTACHED_TO_NETWORK_CANNOT_BE_SLAVE",
        "Move the network to the bond",
    ),
    no(
        "host_bond.slave_carries_no_network",
        unlabel("lab", "spare") + bond("bond1", "eth2", "eth3") + at("blue", "eth3"),
        "NETWORK_CANNOT_BE_ATTACHED_TO_SLAVE",
        "Use the bond",
    ),
    no(
        "host_label.slave_keeps_no_label",
        unlabel("lab") + bond("bond1", "eth2", "eth3"),
        "NETWORK_BOND_SLAVE_IS_LABELED",
        "Move the label to the bond",
    ),
    no(
        "host_bond.removed_bond_exists",
        unbond("id='nothing'"),
        "NETWORK_BOND_NOT_EXISTS",
        "no bond 'nothing' that could be removed",
    ),
    no(
        "setup_networks.network_occurs_once",
        attach(one("blue", "eth1"), one("blue", "eth3")),
        "NETWORKS_ALREADY_ATTACHED_TO_IFACES",
        "more than one NIC of Host sim-1: blue",
    ),
    no(
        "setup_networks.only_one_untagged",
        attach(one("plain", "eth3"), one("jumbo", "eth3")),
        "NETWORK_INTERFACES_NOT_EXCLUSIVELY_USED_BY_UNTAGGED_NETWORK",
        "several untagged networks: jumbo, plain",
    ),
    no(
        "setup_networks.vlan_occurs_once",
        at("pink", "eth1"),
        "NETWORK_VLAN_ALREADY_ON_NIC",
        "VLAN 10 would be on 'eth1' more than once",
    ),
    no(
        "setup_networks.mtu_is_the_same",
        attach(one("plain", "eth3"), one("big", "eth3")),
        "NETWORK_MTU_DIFFERENCES",
        "different MTUs",
    ),
    no(
        "host_addresses.subnets_do_not_overlap",
        attach(one("blue", "eth3", ip("10.0.0.9", "16")), one("pink", "eth3", ip("10.0.1.5", "24"))),
        "NETWORK_SUBNETS_OVERLAP",
        "overlap on this Host",
    ),
    no(
        "host_addresses.address_is_unique",
        addressed(ip("10.0.0.5", "24")),
        "NETWORK_ADDRESS_ALREADY_IN_USE",
        "is in use by Host sim-2",
    ),
    label_of("eth2", "lab", "INTERFACE_ALREADY_LABELED", "has the label 'lab' already"),
    label_of("eth3", "lab", "OTHER_INTERFACE_ALREADY_LABELED", "is on NIC 'eth2' of this Host already"),
    no2(
        "host_label.labelled_nic_is_proper",
        label("new", "eth1"),
        "LABEL_ATTACH_TO_IMPROPER_INTERFACE",
        "which is a slave of bond bond0",
    ),
    no2(
        "host_label.labelled_nic_exists",
        label("new", "bond0") + UNBOND0,
        "INTERFACE_ON_NIC_LABEL_NOT_EXIST",
        "has or will have no such NIC",
    ),
    no2(
        "host_label.labelled_bond_has_slaves",
        label("new", "bond0") + bond("bond0", "eth1"),
        "IMPROPER_BOND_IS_LABELED",
        "would have 1 slaves",
    ),
    no2(
        "host_bond.bond_id_and_name_agree",
        bond("bond1", tag="id='{bond0}'"),
        "BOND_REFERENCES_NICS_INCOHERENTLY",
        "is called 'bond0', not 'bond1'",
    ),
    no2(
        "host_bond.slave_is_free",
        bond("bond1", "eth1", "eth3"),
        "NETWORK_INTERFACE_ALREADY_IN_BOND",
        "is in bond bond0 already",
    ),
    no2("host_bond.removed_bond_is_unused", UNBOND0, "BOND_USED_BY_NETWORK_ATTACHMENTS", "is used by networks: red"),
    no2(
        "host_bond.bond_is_not_changed_and_removed",
        bond("bond0") + UNBOND0,
        "BONDS_UPDATED_AND_REMOVED_SIMULTANEOUSLY",
        "both changed and removed: bond0",
    ),
    no2(
        "host_bond.mode_carries_vm_networks",
        bond("bond0", mode="0"),
        "INVALID_BOND_MODE_FOR_BOND_WITH_VM_NETWORK",
        "cannot carry the VM networks red",
    ),
    no2(
        "host_bond.mode_carries_vm_networks",
        bond("bond0", mode="0") + label("lab", "bond0"),
        "INVALID_BOND_MODE_FOR_BOND_WITH_LABELED_VM_NETWORK",
        "cannot carry the VM networks lab1, red",
    ),
    no(
        "host_qos.own_qos_is_valid",
        limited(upperlimit=5),
        "ACTION_TYPE_FAILED_HOST_NETWORK_QOS_SETUP_NETWORKS_MISSING_VALUES",
        "needs outbound_average_linkshare, 1 to 100",
    ),
    no(
        "host_qos.own_qos_is_valid",
        limited(linkshare=0),
        "ACTION_TYPE_FAILED_QOS_OUT_OF_RANGE_VALUES",
        "linkshare cannot be 0. Use 1 to 100",
    ),
    no(
        "host_qos.own_qos_is_valid",
        limited(linkshare=1, upperlimit=5, realtime=6),
        "ACTION_TYPE_FAILED_HOST_NETWORK_QOS_SETUP_NETWORKS_INCONSISTENT_VALUES",
        "The upper limit of 5 Mbit/s is below the promised 6 Mbit/s",
    ),
    no(
        "host_qos.all_or_none_have_qos",
        limited("eth1", linkshare=1),
        "ACTION_TYPE_FAILED_HOST_NETWORK_QOS_INTERFACES_WITHOUT_QOS",
        "Some networks on 'eth1' have a QoS, and these have none: red, used.",
    ),
    no2(
        "setup_networks.nic_is_no_slave",
        at("blue", "eth1"),
        "NETWORK_CANNOT_BE_ATTACHED_TO_SLAVE",
        "which is in bond bond0",
    ),
    lambda site: site.update(clusters, site.names["Default"], switch_type="ovs"),
    no(
        "host_bond.mode_is_known_to_ovs",
        unlabel("lab", "spare") + bond("bond1", "eth2", "eth3", mode="5"),
        "BOND_MODE_NOT_SUPPORTED_BY_OVS",
        "which Open vSwitch does not have",
    ),
    no(
        "host_bond.options_are_known_to_ovs",
        bond("bond1", "eth2", "eth3", mode="1", min_links="1"),
        "BOND_OPTION_NOT_SUPPORTED_BY_OVS",
        "Open vSwitch has no option min_links",
    ),
    no(
        "host_attachment.network_in_use_keeps_its_base",
        at("used", "eth3"),
        "NETWORK_CANNOT_MOVE_NETWORK_USED_BY_VMS",
        "while running VMs use it: web",
    ),
    lambda site: site.update(clusters, site.names["Default"], switch_type="legacy"),
    Refusal(
        "host_attachment.attachment_is_reused",
        "POST",
        "/hosts/{sim-1}/networkattachments",
        one("red", "eth3"),
        "ATTACHMENT_IS_NOT_REUSED",
        "attached to Host sim-1 already",
    ),
    Refusal(
        "command",
        "POST",
        "/hosts/{sim-1}/setupnetworks",
        f"<action>{NAMED}</action>",
        "MALFORMED",
        "give a qos with an id to the network",
        400,
    ),
    Refusal("command", "DELETE", "/hosts/{sim-1}/unmanagednetworks/{sim-1}", "", "NOT_FOUND", "", 404),
    drift,
    no(
        "host_attachment.is_in_sync",
        at("red", "eth3"),
        "NETWORK_NOT_IN_SYNC",
        "mtu is 1400 on the host and 1500 is wanted",
    ),
    confess("bonding", "vlan", "open vswitch"),
    no("host_ability.host_can_tag", at("blue", "eth3"), "HOST_HAS_NO_VLANS", "network 'blue' needs"),
    no(
        "host_ability.host_can_bond",
        unlabel("lab", "spare") + bond("bond1", "eth2", "eth3", mode="1"),
        "HOST_HAS_NO_BONDING",
        "has no bonding, so bond bond1 cannot be created",
    ),
    switch_by("ovs"),
    no("host_ability.host_has_its_switch", at("blue", "eth3"), "HOST_HAS_NO_OPEN_VSWITCH", "which has no Open vSwitch"),
    switch_by("legacy"),
    confess(queueing="fq 8001:"),
    no(
        "host_ability.nic_can_be_shaped",
        limited(linkshare=50),
        "NIC_HAS_FOREIGN_QUEUEING",
        "other software shapes the traffic of eth3 (fq 8001:)",
    ),
    confess(ipv6_off=True),
    no(
        "host_ability.nic_has_ipv6",
        at("bare", "eth3", ip("2001:db8::5", "64", version="v6")),
        "NIC_HAS_NO_IPV6",
        "IPv6 is disabled on eth3",
    ),
    confess(),
    insert_card,
    no(
        "host_attachment.nic_is_for_hosts",
        at("blue", "dyn0"),
        "ACTION_TYPE_FAILED_NIC_IS_DYNAMIC",
        "dynamic vNICs of the virtual interface card of Host sim-1: dyn0",
    ),
    no(
        "host_bond.slave_is_for_hosts",
        bond("bond1", "eth1", "dyn0"),
        "ACTION_TYPE_FAILED_NIC_IS_DYNAMIC",
        "Only VMs can have",
    ),
    no(
        "host_label.labelled_nic_is_for_hosts",
        label("new", "dyn0"),
        "ACTION_TYPE_FAILED_NIC_IS_DYNAMIC",
        "Only VMs can have",
    ),
    remove_card,
    occupy,
    no(
        "host_unmanaged.nic_carries_no_unmanaged",
        at("blue", "eth3"),
        "NIC_CARRIES_UNMANAGED_NETWORK",
        "which carries docker0: not made by Netweft",
    ),
    no(
        "host_label.labelled_nic_carries_no_unmanaged",
        label("new", "eth3"),
        "NIC_CARRIES_UNMANAGED_NETWORK",
        "which carries docker0: not made by Netweft",
    ),
    no(
        "host_bond.bond_name_is_free",
        unlabel("spare") + bond("bond9", "eth1", "eth3"),
        "NETWORK_BOND_NAME_EXISTS",
        "already has a link 'bond9'",
    ),
    no(
        "host_bond.slave_carries_no_unmanaged",
        unlabel("lab", "spare") + bond("bond1", "eth2", "eth3"),
        "NETWORK_BOND_SLAVE_HAS_UNMANAGED_NETWORK",
        "which Netweft does not manage, so it cannot join bond1",
    ),
    Refusal(
        "host_unmanaged.unmanaged_may_be_removed",
        "DELETE",
        "/hosts/{sim-1}/unmanagednetworks/{docker0}",
        "",
        "UNMANAGED_NETWORK_IS_NOT_OURS",
        "removes only what it made",
    ),
    bring_along,
    no2(
        "setup_networks.kept_networks_stay",
        at("pink", "eth3"),
        "NETWORKS_OF_ANOTHER_ENGINE_IN_THE_WAY",
        "has networks of another engine that this change would displace: alien",
    ),
    forget_management,
    no2(
        "setup_networks.management_is_attached",
        at("pink", "eth3"),
        "MANAGEMENT_NETWORK_NOT_ON_HOST",
        "Management network 'ovirtmgmt' is not attached to Host sim-2",
    ),
    *(
        part
        for name in ("non_responsive", "installing", "install_failed", "unassigned", "down")
        for part in status(name)
    ),
)
