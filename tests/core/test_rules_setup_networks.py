"""Every rule on setting up a host's networks, through :func:`validate` as commands call it: who breaks it is named."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from netweft.core.errors import ValidationError
from netweft.core.host import Bond, Bridge, GuestPort, Host, Nic, OvsBridge, OvsPort, Vlan
from netweft.core.host_limits import limits_of
from netweft.core.host_request import (
    DEFAULT_BOND_OPTIONS,
    AttachmentChange,
    BondChange,
    FinalSet,
    HostView,
    NetworkView,
    Ref,
    SetupRequest,
)
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, HostQos, IpAssignment, NetworkIntent
from netweft.core.rules.host_unmanaged import left_behind, unmanaged_networks
from netweft.core.rules.setup_networks import network_occurs_once, validate

STATIC = IpAssignment(method="static", address="192.0.2.5", prefix=24, gateway="192.0.2.1")
OTHER = IpAssignment(method="static", address="198.51.100.5", prefix=24)
DHCP = IpAssignment(method="dhcp")


def network(name: str, vlan: int | None, *, mtu: int = 0, vm: bool = True, **fields: object) -> NetworkView:
    intent = NetworkIntent(id=f"id-{name}", name=name, host_side_name=f"on-{name}", vlan=vlan, mtu=mtu, vm=vm)
    return NetworkView(intent=intent, **{"in_cluster": True, **fields})  # type: ignore[arg-type] # fields of the view


NETWORKS = (
    network("mgmt", None, roles=frozenset({"management", "default_route"}), is_management=True),
    network("blue", 10),
    network("red", 20),
    network("store", 30, vm=False),
    network("plain", None),
    network("simple", None),
    network("big", 40, mtu=9000),
    network("tiny", 41, mtu=1279),
    network("far", 50, in_cluster=False),
    network("show", 60, roles=frozenset({"display"})),
    network("busy", 70, users=("web", "db")),
    network("azure", 10),
)
REPORT = Host(
    nics={f"eth{n}": Nic(name=f"eth{n}", owner="base" if n < 3 else "") for n in range(10)}
    | {name: Nic(name=name, master="bond0", owner="base") for name in ("eth4", "eth5")}
    | {"eth6": Nic(name="eth6", master="bondx"), "eth3": Nic(name="eth3", master="virbr0")},
    bonds={"bond0": Bond(name="bond0", owner="base"), "bondx": Bond(name="bondx")},
    vlans={"eth1.7": Vlan(name="eth1.7", base="eth1", tag=7), "eth2.10": Vlan(name="eth2.10", base="eth2", tag=10)},
    bridges={"virbr0": Bridge(name="virbr0"), "old": Bridge(name="old", owner="id-gone")},
    ovs_bridges={"sw": OvsBridge(name="sw")},
    ovs_ports={"eth7": OvsPort(name="eth7", bridge="sw", interfaces=("eth7",))},
)
BOND0 = BondIntent(id="id-bond0", name="bond0", slaves=("eth4", "eth5"), options={"mode": "1"})
VIEW = HostView(
    id="h",
    name="one",
    status="up",
    intent=HostIntent(
        networks=tuple(view.intent for view in NETWORKS),
        attachments=(
            AttachmentIntent(id="a-mgmt", network_id="id-mgmt", nic="eth0", assignments=(STATIC,)),
            AttachmentIntent(id="a-blue", network_id="id-blue", nic="eth2"),
            AttachmentIntent(id="a-busy", network_id="id-busy", nic="eth2"),
            AttachmentIntent(id="a-red", network_id="id-red", nic="bond0"),
        ),
        bonds=(BOND0,),
    ),
    report=replace(REPORT, vlans={"eth1.7": REPORT.vlans["eth1.7"]}),
    nics={f"id-{name}": name for name in (*REPORT.nics, "bond0", "bondx")},
    networks={view.intent.id: view for view in NETWORKS},
)

BROUGHT = replace(
    VIEW,
    intent=replace(VIEW.intent, kept=("id-theirs",)),
    report=VIEW.report.with_link(Bridge(name="theirs", owner="id-theirs")).with_link(
        replace(VIEW.report.nics["eth8"], owner="base", master="theirs")
    ),
)


def on(name: str, nic: str = "eth8", **fields: object) -> SetupRequest:
    """A request that puts a network on a NIC."""
    return SetupRequest(attachments=(change(name, nic, **fields),))


def change(name: str = "", nic: str = "", **fields: object) -> AttachmentChange:
    return AttachmentChange(network=Ref(name=name), nic=Ref(name=nic), **fields)  # type: ignore[arg-type] # fields of the change


def bonded(name: str = "bond1", *slaves: str, **options: str) -> BondChange:
    chosen = slaves or ("eth9", "eth8")
    given = {"options": options} if options else {}
    return BondChange(bond=Ref(name=name), slaves=tuple(Ref(name=slave) for slave in chosen), **given)  # type: ignore[arg-type] # the only option


def bond(name: str = "bond1", *slaves: str, **options: str) -> SetupRequest:
    return SetupRequest(bonds=(bonded(name, *slaves, **options),))


def addressed(*assignments: IpAssignment, name: str = "blue") -> SetupRequest:
    return on(name, assignments=assignments)


def ip6(method: str = "static", address: str = "2001:db8::5", prefix: int = 64, gateway: str = "") -> IpAssignment:
    return IpAssignment(version=6, method=method, address=address, prefix=prefix, gateway=gateway)  # type: ignore[arg-type] # one of the methods


def ip4(address: str, prefix: int = 24, gateway: str = "", method: str = "static") -> IpAssignment:
    return IpAssignment(method=method, address=address, prefix=prefix, gateway=gateway)  # type: ignore[arg-type] # one of the methods


def checked(request: SetupRequest, view: HostView = VIEW, **options: bool) -> FinalSet:
    numbers = count(1)
    return validate(view, request, lambda: f"new-{next(numbers)}", **options)


OVS = replace(VIEW, intent=replace(VIEW.intent, switch_type="ovs"))
CHANGED = replace(VIEW, differences={"a-blue": ("mtu is 1500 on the host and 9000 is wanted",)})
TAKEN = replace(VIEW, addresses_elsewhere={("id-store", "198.51.100.5"): "two"})
MODE0 = BondIntent(id="id-bond0", name="bond0", slaves=("eth4", "eth5"), options={"mode": "0"})
WITH_MODE0 = replace(VIEW, intent=replace(VIEW.intent, bonds=(MODE0,)))

QOS = HostQos(link_share=10, upper_limit=5, real_time=5)
ALL_QOS = replace(
    VIEW,
    networks={key: replace(view, intent=replace(view.intent, qos=QOS)) for key, view in VIEW.networks.items()},
)

HOLDS: list[tuple[SetupRequest, HostView]] = [
    (on("store", "eth8", qos=QOS), VIEW),
    (on("store", "eth2"), ALL_QOS),
    (on("store", "eth2", qos=replace(QOS, link_share=1)), ALL_QOS),
    (on("blue", "eth8", qos=None), ALL_QOS),
    (SetupRequest(), VIEW),
    (SetupRequest(), replace(VIEW, status="maintenance")),
    (on("store", "eth8"), VIEW),
    (bond("bond1", mode="4", min_links="2"), VIEW),
    (bond("bond1", mode="1", miimon="0", arp_interval="100", arp_ip_target="192.0.2.1"), VIEW),
    (SetupRequest(attachments=(AttachmentChange(network=Ref(id="id-store"), nic=Ref(id="id-eth8")),)), VIEW),
    (
        SetupRequest(
            attachments=(
                AttachmentChange(network=Ref(id="id-store", name="store"), nic=Ref(id="id-bond0", name="bond0")),
            )
        ),
        VIEW,
    ),
    (SetupRequest(attachments=(AttachmentChange(id="a-blue", nic=Ref(name="eth8")),)), VIEW),
    (on("blue", "eth8"), VIEW),
    (on("blue", assignments=()), VIEW),
    (on("show", assignments=(DHCP,)), VIEW),
    (addressed(DHCP, ip6("autoconf", "", 0)), VIEW),
    (addressed(OTHER, ip6()), VIEW),
    (addressed(OTHER, ip6("none", "", 0), name="tiny"), VIEW),
    (addressed(ip4("198.51.100.4", 31), ip6(address="2001:db8::", prefix=127)), VIEW),
    (addressed(STATIC, ip6(gateway="fe80::1"), name="mgmt"), VIEW),
    (on("blue", properties={"bridge_opts": "forward_delay=400"}), VIEW),
    (on("store", properties={"bridge_opts": ""}), VIEW),
    (on("store", dns=("192.0.2.1", "fe80::1%eth0")), VIEW),
    (on("store", dns=None), VIEW),
    (on("busy", "eth8"), VIEW),
    (on("busy", "eth2", assignments=(DHCP,)), OVS),
    (SetupRequest(removed=(Ref(id="a-blue"),)), VIEW),
    (SetupRequest(removed=(Ref(name="blue"),)), VIEW),
    (SetupRequest(synchronized=("a-blue",)), CHANGED),
    (on("blue", nic=""), CHANGED),
    (SetupRequest(attachments=(change("blue", "eth8"),), synchronized=("a-blue",)), CHANGED),
    (on("store"), TAKEN),
    (on("big", "eth2"), VIEW),
    (bond("bond1", mode="4", miimon="100"), VIEW),
    (bond("bond1", mode="802.3ad"), OVS),
    (SetupRequest(bonds=(BondChange(bond=Ref(id="id-bond0")),)), VIEW),
    (SetupRequest(bonds=(bonded("bond1", "eth4", "eth8"), bonded("bond0", "eth5", "eth9"))), VIEW),
    (SetupRequest(removed_bonds=(Ref(name="bond0"),), removed=(Ref(id="a-red"),)), VIEW),
    (
        SetupRequest(
            bonds=(bonded("bond1", "eth4", "eth5"),),
            removed_bonds=(Ref(name="bond0"),),
            attachments=(change("red", "bond1"),),
        ),
        VIEW,
    ),
    (bond("bond1", "eth9", "eth8", mode="0"), VIEW),
    (SetupRequest(bonds=(bonded(mode="0"),), attachments=(change("store", "bond1"),)), VIEW),
    (SetupRequest(), replace(WITH_MODE0, differences={"a-red": ("vlan",)})),
    (SetupRequest(removed_unmanaged=("old",)), VIEW),
    (replace(on("plain"), removed_unmanaged=("theirs",)), BROUGHT),
]


@pytest.mark.parametrize(("request_", "view"), HOLDS)
def test_what_may_be(request_: SetupRequest, view: HostView) -> None:
    checked(request_, view)


REFUSED: list[tuple[SetupRequest, HostView, str, str]] = [
    # A, B
    (SetupRequest(), replace(VIEW, status="non_responsive"), "VDS_STATUS_ILLEGAL", "non_responsive"),
    (SetupRequest(), replace(VIEW, status="installing"), "VDS_STATUS_ILLEGAL", "installing"),
    (SetupRequest(connectivity_timeout=0), VIEW, "VALIDATION_CONNECTIVITY_TIMEOUT_INVALID", "0 seconds"),
    (SetupRequest(connectivity_timeout=121), VIEW, "VALIDATION_CONNECTIVITY_TIMEOUT_INVALID", "121 seconds"),
    # D
    (on("blue", id="a-none"), VIEW, "MODIFIED_NETWORK_ATTACHMENT_DOES_NOT_EXISTS", "a-none"),
    (
        SetupRequest(attachments=(AttachmentChange(nic=Ref(name="eth8")),)),
        VIEW,
        "NETWORK_ATTACHMENT_NETWORK_ID_OR_NAME_IS_NOT_SET",
        "names no network",
    ),
    (on("green"), VIEW, "NETWORK_HAVING_NAME_NOT_EXISTS", "'green'"),
    (
        SetupRequest(attachments=(AttachmentChange(network=Ref(id="id-green"), nic=Ref(name="eth8")),)),
        VIEW,
        "NETWORK_HAVING_ID_NOT_EXISTS",
        "'id-green'",
    ),
    (
        SetupRequest(attachments=(AttachmentChange(network=Ref(name="store"), nic=Ref(id="id-eth8", name="eth1")),)),
        VIEW,
        "NETWORK_ATTACHMENT_REFERENCES_NICS_INCOHERENTLY",
        "'eth8', not 'eth1'",
    ),
    (
        SetupRequest(attachments=(AttachmentChange(network=Ref(id="id-store", name="big"), nic=Ref(name="eth8")),)),
        VIEW,
        "NETWORK_ATTACHMENT_REFERENCES_NETWORK_INCOHERENTLY",
        "'store', not 'big'",
    ),
    (
        SetupRequest(attachments=(change("blue", "eth8"),), removed=(Ref(id="a-blue"),)),
        VIEW,
        "NETWORK_ATTACHMENT_IN_BOTH_LISTS",
        "'blue'",
    ),
    (on("store", "eth1.7"), VIEW, "ATTACHMENT_REFERENCE_VLAN_DEVICE", "to 'eth1' instead"),
    (on("blue", is_new=True), VIEW, "ATTACHMENT_IS_NOT_REUSED", "a-blue"),
    (on("blue", id="a-red"), VIEW, "ATTACHMENT_IS_NOT_REUSED", "a-blue"),
    (
        SetupRequest(attachments=(AttachmentChange(network=Ref(id="id-far"), nic=Ref(name="eth8")),)),
        VIEW,
        "NETWORK_NOT_EXISTS_IN_CLUSTER",
        "'far'",
    ),
    (on("show"), VIEW, "ACTION_TYPE_FAILED_ROLE_NETWORK_HAS_NO_BOOT_PROTOCOL", "'show' has the role display"),
    (
        addressed(IpAssignment(), name="mgmt"),
        VIEW,
        "ACTION_TYPE_FAILED_ROLE_NETWORK_HAS_NO_BOOT_PROTOCOL",
        "management and default_route",
    ),
    (
        SetupRequest(attachments=(AttachmentChange(network=Ref(name="store")),)),
        VIEW,
        "NETWORK_ATTACHMENT_NIC_NOT_SET",
        "'store'",
    ),
    (on("store", "eth99"), VIEW, "HOST_NETWORK_INTERFACE_NOT_EXIST", "no NIC or bond 'eth99'. It has: bond0"),
    (
        SetupRequest(attachments=(AttachmentChange(network=Ref(name="store"), nic=Ref(id="id-x")),)),
        VIEW,
        "HOST_NETWORK_INTERFACE_NOT_EXIST",
        "'id-x'",
    ),
    (on("store", id="a-blue"), VIEW, "CANNOT_CHANGE_ATTACHED_NETWORK", "'store'"),
    # Addresses
    (addressed(DHCP, OTHER), VIEW, "NETWORK_ATTACHMENT_MORE_THAN_ONE_IP_ASSIGNMENT", "'blue'"),
    (
        addressed(ip4("", 24)),
        VIEW,
        "STATIC_BOOT_PROTOCOL_MISSING_IP_ADDRESS_DETAILS",
        "'blue' needs an address and a netmask",
    ),
    (
        addressed(ip6(prefix=0)),
        VIEW,
        "STATIC_BOOT_PROTOCOL_MISSING_IP_ADDRESS_DETAILS",
        "'blue' needs an address and a prefix length",
    ),
    (
        addressed(ip4("192.0.2.5", method="dhcp")),
        VIEW,
        "INCOMPATIBLE_BOOT_PROTOCOL_AND_IP_ADDRESS_DETAILS",
        "'dhcp' does not allow",
    ),
    (
        addressed(ip4("", 0, method="autoconf")),
        VIEW,
        "IP_CONFIGURATION_MISSING_BOOT_PROTOCOL",
        "'autoconf' is for IPv6 only",
    ),
    *(
        (addressed(ip4(*bad)), VIEW, "NETWORK_ATTACHMENT_ADDRESS_INVALID", f"{bad[0]}/{bad[1]}")
        for bad in (
            ("198.51.100.0", 24),
            ("198.51.100.255", 24),
            ("224.0.0.1", 24),
            ("127.0.0.1", 8),
            ("0.0.0.0", 8),
            ("0.1.2.3", 24),
            ("240.0.0.1", 24),
            ("nine", 24),
            ("2001:db8::5", 64),
            ("198.51.100.5", 33),
        )
    ),
    *(
        (
            addressed(ip6(address=bad)),
            VIEW,
            "NETWORK_ATTACHMENT_ADDRESS_INVALID",
            f"{bad}/64 is not an IPv6 address that a host can have. Give a global or",
        )
        for bad in ("fe80::1", "2001:db8::", "::ffff:192.0.2.1", "ff02::1", "fec0::5", "2001:db8::5%x")
    ),
    *(
        (
            addressed(ip4("198.51.100.5", 24, bad)),
            VIEW,
            "NETWORK_ATTACHMENT_GATEWAY_OUTSIDE_SUBNET",
            f"the gateway {bad}",
        )
        for bad in (
            "192.0.2.1",
            "198.51.100.5",
            "198.51.100.0",
            "198.51.100.255",
            "169.254.0.1",
            "224.0.0.1",
            "2001:db8::1",
            "near",
        )
    ),
    (
        addressed(ip6(gateway="2001:db8::1")),
        VIEW,
        "IPV6_GATEWAY_WITHOUT_DEFAULT_ROUTE",
        "'blue' does not have the default route role",
    ),
    *(
        (addressed(ip, name="tiny"), VIEW, "NETWORK_ATTACHMENT_IPV6_MTU_TOO_SMALL", "has an MTU of 1279")
        for ip in (ip6(), ip6(method="dhcp", address="", prefix=0))
    ),
    # L, B, ours
    (
        on("blue", properties={"queues": "4"}),
        VIEW,
        "ACTION_TYPE_FAILED_NETWORK_CUSTOM_PROPERTIES_BAD_INPUT",
        "no custom property queues",
    ),
    (
        on("blue", properties={"bridge_opts": "priority=99999999"}),
        VIEW,
        "ACTION_TYPE_FAILED_NETWORK_CUSTOM_PROPERTIES_BAD_INPUT",
        "priority cannot be",
    ),
    (
        on("store", properties={"bridge_opts": "priority=9"}),
        VIEW,
        "ACTION_TYPE_FAILED_NETWORK_CUSTOM_PROPERTIES_BAD_INPUT",
        "'store' are not valid: bridge_opts is for VM networks",
    ),
    (on("store", dns=("192.0.2.1",) * 4), VIEW, "NETWORK_ATTACHMENT_NAME_SERVERS_INVALID", "192.0.2.1, 192.0.2.1"),
    *(
        (on("store", dns=bad), VIEW, "NETWORK_ATTACHMENT_NAME_SERVERS_INVALID", bad[-1])
        for bad in (
            ("dns.example",),
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "2001:db8:0::1"),
            ("0.0.0.0",),
            ("192.0.2.1%eth0",),
            ("fe80::53",),
            ("2001:db8::53%eth0",),
            ("fe80::53%x\nnameserver 192.0.2.6",),
        )
    ),
    (
        on("blue", assignments=(ip4("198.51.100.5", 24),), dns=("198.51.100.255",)),
        VIEW,
        "NETWORK_ATTACHMENT_NAME_SERVERS_INVALID",
        "198.51.100.255",
    ),
    (
        on("blue", properties={"bridge_opts": "priority=9 priority=8"}),
        VIEW,
        "ACTION_TYPE_FAILED_NETWORK_CUSTOM_PROPERTIES_BAD_INPUT",
        "bridge_opts has priority twice",
    ),
    *(
        (
            on("blue"),
            replace(VIEW, limits=limits_of(taken)),
            "NETWORK_NAME_USED_BY_LINK_OF_HOST",
            "'blue' is called 'on-blue'",
        )
        for taken in (
            VIEW.report.with_link(Nic(name="on-blue", owner="base")),
            VIEW.report.with_link(Bridge(name="on-blue")),
            replace(VIEW.report, unmanaged=("on-blue",)),
            replace(VIEW.report, guest_ports={"on-blue": GuestPort(name="on-blue", vnic="v", bridge="b")}),
            replace(VIEW.report, ovs_bridges={**VIEW.report.ovs_bridges, "on-blue": OvsBridge(name="on-blue")}),
        )
    ),
    (
        on("busy", "eth8"),
        OVS,
        "NETWORK_CANNOT_MOVE_NETWORK_USED_BY_VMS",
        "'busy' cannot move from 'eth2' to 'eth8' while running VMs use it: web, db",
    ),
    # E
    (SetupRequest(removed=(Ref(id="a-none"),)), VIEW, "NETWORK_ATTACHMENTS_NOT_EXISTS", "'a-none'"),
    (SetupRequest(removed=(Ref(name="green"),)), VIEW, "NETWORK_ATTACHMENTS_NOT_EXISTS", "'green'"),
    (SetupRequest(removed=(Ref(id="a-mgmt"),)), VIEW, "NETWORK_CANNOT_REMOVE_MANAGEMENT_NETWORK", "'mgmt'"),
    (
        SetupRequest(removed=(Ref(id="a-busy"),)),
        VIEW,
        "NETWORK_CANNOT_DETACH_NETWORK_USED_BY_VMS",
        "'busy' is used by running VMs on Host one: web, db",
    ),
    (SetupRequest(synchronized=("a-none",)), VIEW, "NETWORK_ATTACHMENT_NOT_EXISTS", "a-none"),
    # F
    (SetupRequest(bonds=(BondChange(bond=Ref(id="id-none")),)), VIEW, "BOND_DOES_NOT_EXIST", "'id-none'"),
    (
        SetupRequest(bonds=(BondChange(bond=Ref()),)),
        VIEW,
        "BOND_DOES_NOT_HAVE_NEITHER_ID_NOR_NAME_SPECIFIED",
        "neither id nor name",
    ),
    (
        SetupRequest(bonds=(BondChange(bond=Ref(id="id-bond0", name="bond9")),)),
        VIEW,
        "BOND_REFERENCES_NICS_INCOHERENTLY",
        "'bond0', not 'bond9'",
    ),
    (bond("team0"), VIEW, "NETWORK_BOND_NAME_BAD_FORMAT", "'team0'"),
    (bond("bond456789abcdef"), VIEW, "NETWORK_BOND_NAME_BAD_FORMAT", "15 characters"),
    (
        bond("bondbr"),
        replace(VIEW, report=VIEW.report.with_link(Bridge(name="bondbr"))),
        "NETWORK_BOND_NAME_EXISTS",
        "'bondbr'",
    ),
    (bond("bond1", mode="7"), VIEW, "INVALID_BOND_MODE", "bond1 has the unknown mode '7'"),
    (bond("bond1", mode="1", lacp_rate="1"), VIEW, "NETWORK_BOND_INVALID_OPTION", "bond1"),
    (bond("bond1", mode="1", miimon="abc"), VIEW, "NETWORK_BOND_INVALID_OPTION", "miimon cannot be 'abc'"),
    (
        bond("bond1", mode="1", num_grat_arp="1", num_unsol_na="1"),
        VIEW,
        "NETWORK_BOND_INVALID_OPTION",
        "num_peer_notif is given twice",
    ),
    (bond("bond1", mode="1", primary="eth99"), VIEW, "NETWORK_BOND_INVALID_OPTION", "'eth99', which is not one of its"),
    (bond("bond1", mode="1", min_links="1"), OVS, "BOND_OPTION_NOT_SUPPORTED_BY_OVS", "has no option min_links"),
    (bond("bond1", miimon="100"), VIEW, "INVALID_BOND_MODE", "The options of bond bond1 name no mode"),
    (
        bond("bond1", mode="4", min_links="3"),
        VIEW,
        "NETWORK_BOND_INVALID_OPTION",
        "min_links is 3, and it has 2 slaves",
    ),
    (
        bond("bond1", mode="1", miimon="0", arp_interval="100"),
        VIEW,
        "NETWORK_BOND_INVALID_OPTION",
        "arp_interval needs arp_ip_target",
    ),
    (bond("bond1", "eth8", "eth8"), VIEW, "NETWORK_INTERFACE_ALREADY_IN_BOND", "NIC eth8 is named twice"),
    (bond("bond1", "eth8", "eth9", "eth8"), VIEW, "NETWORK_INTERFACE_ALREADY_IN_BOND", "NIC eth8 is named twice"),
    (bond("bond1", mode="0"), OVS, "BOND_MODE_NOT_SUPPORTED_BY_OVS", "bond1 has mode balance-rr"),
    (
        bond("bond1", "eth8"),
        VIEW,
        "NETWORK_BONDS_INVALID_SLAVE_COUNT",
        "bond1 must have at least 2 slaves, and it would have 1",
    ),
    (
        bond("bond1", "eth8", "eth99"),
        VIEW,
        "HOST_NETWORK_INTERFACE_NOT_EXIST",
        "no NIC eth99 that could join bond bond1",
    ),
    (
        SetupRequest(bonds=(BondChange(bond=Ref(name="bond1"), slaves=(Ref(id="id-x"), Ref(name="eth8"))),)),
        VIEW,
        "HOST_NETWORK_INTERFACE_NOT_EXIST",
        "(unknown id)",
    ),
    (bond("bond1", "eth8", "eth1.7"), VIEW, "NETWORK_INTERFACE_IS_NOT_A_NIC", "eth1.7"),
    (bond("bond1", "eth8", "eth4"), VIEW, "NETWORK_INTERFACE_ALREADY_IN_BOND", "NIC eth4 is in bond bond0"),
    (bond("bond1", "eth8", "eth6"), VIEW, "NETWORK_INTERFACE_ALREADY_IN_BOND", "NIC eth6 is in bond bondx"),
    (
        bond("bond1", "eth8", "eth2"),
        VIEW,
        "NETWORK_INTERFACE_ATTACHED_TO_NETWORK_CANNOT_BE_SLAVE",
        "'blue' is on NIC eth2",
    ),
    (
        SetupRequest(bonds=(bonded("bond9", "eth8", "eth7"),), attachments=(change("store", "eth8"),)),
        VIEW,
        "NETWORK_CANNOT_BE_ATTACHED_TO_SLAVE",
        "'store' cannot be attached to NIC eth8",
    ),
    (bond("bond1", "eth8", "eth7"), VIEW, "NETWORK_BOND_SLAVE_HAS_UNMANAGED_NETWORK", "NIC eth7 carries sw"),
    # G, H
    (SetupRequest(removed_bonds=(Ref(name="bond7"),)), VIEW, "NETWORK_BOND_NOT_EXISTS", "'bond7'"),
    (
        SetupRequest(removed_bonds=(Ref(name="bond0"),)),
        VIEW,
        "BOND_USED_BY_NETWORK_ATTACHMENTS",
        "bond0 is used by networks: red",
    ),
    (
        SetupRequest(
            bonds=(BondChange(bond=Ref(name="bond0")),), removed_bonds=(Ref(id="id-bond0"),), removed=(Ref(id="a-red"),)
        ),
        VIEW,
        "BONDS_UPDATED_AND_REMOVED_SIMULTANEOUSLY",
        "bond0",
    ),
    # I to N
    (
        SetupRequest(attachments=(change("plain", "eth8"), change("simple", "eth8"))),
        VIEW,
        "NETWORK_INTERFACES_NOT_EXCLUSIVELY_USED_BY_UNTAGGED_NETWORK",
        "'eth8' would carry several untagged networks: plain, simple",
    ),
    (
        on("azure", "eth2"),
        VIEW,
        "NETWORK_VLAN_ALREADY_ON_NIC",
        "VLAN 10 would be on 'eth2' more than once, for networks azure, blue",
    ),
    (
        SetupRequest(attachments=(change("plain", "eth8"), change("big", "eth8"))),
        VIEW,
        "NETWORK_MTU_DIFFERENCES",
        "big (9000), plain (1500)",
    ),
    (
        on("blue", "bond0"),
        WITH_MODE0,
        "INVALID_BOND_MODE_FOR_BOND_WITH_VM_NETWORK",
        "Bond bond0 has mode balance-rr, which cannot carry the VM networks blue, red",
    ),
    (
        on("store", "bond0"),
        replace(VIEW, intent=replace(VIEW.intent, bonds=(replace(BOND0, options={"mode": "9"}),))),
        "INVALID_BOND_MODE_FOR_BOND_WITH_VM_NETWORK",
        "mode 9",
    ),
    (
        on("store", "eth4"),
        VIEW,
        "NETWORK_CANNOT_BE_ATTACHED_TO_SLAVE",
        "'store' is on NIC eth4, which is in bond bond0",
    ),
    # O
    (SetupRequest(removed_unmanaged=("blue",)), VIEW, "REMOVED_UNMANAGED_NETWORK_IS_A_CLUSTER_NETWORK", "'blue'"),
    (SetupRequest(removed_unmanaged=("on-blue",)), VIEW, "REMOVED_UNMANAGED_NETWORK_IS_A_CLUSTER_NETWORK", "'on-blue'"),
    (SetupRequest(removed_unmanaged=("virbr0",)), VIEW, "UNMANAGED_NETWORK_IS_NOT_OURS", "'virbr0'"),
    (SetupRequest(removed_unmanaged=("nothing",)), VIEW, "REMOVED_UNMANAGED_NETWORK_DOES_NOT_EXISTS", "'nothing'"),
    (
        on("store", "eth3"),
        VIEW,
        "NIC_CARRIES_UNMANAGED_NETWORK",
        "'store' cannot be put on 'eth3', which carries virbr0",
    ),
    (on("store", "eth1"), VIEW, "NIC_CARRIES_UNMANAGED_NETWORK", "eth1.7"),
    (
        on("store", "eth8"),
        replace(VIEW, intent=replace(VIEW.intent, attachments=VIEW.intent.attachments[1:])),
        "MANAGEMENT_NETWORK_NOT_ON_HOST",
        "Management network 'mgmt' is not attached to Host one",
    ),
    (
        on("plain", "eth8"),
        BROUGHT,
        "NETWORKS_OF_ANOTHER_ENGINE_IN_THE_WAY",
        "has networks of another engine that this change would displace: theirs",
    ),
    # M
    (
        on("blue", "eth8", qos=HostQos(upper_limit=5)),
        VIEW,
        "HOST_NETWORK_QOS_SETUP_NETWORKS_MISSING_VALUES",
        "network 'blue' on this host is not valid. A QoS of the type 'hostnetwork' needs outbound_average_linkshare",
    ),
    (on("blue", "eth8", qos=replace(QOS, link_share=0)), VIEW, "QOS_OUT_OF_RANGE_VALUES", "linkshare cannot be 0"),
    (
        on("blue", "eth8", qos=replace(QOS, real_time=6)),
        VIEW,
        "HOST_NETWORK_QOS_SETUP_NETWORKS_INCONSISTENT_VALUES",
        "upper limit of 5 Mbit/s is below the promised 6 Mbit/s",
    ),
    (
        on("store", "eth2", qos=QOS),
        VIEW,
        "ACTION_TYPE_FAILED_HOST_NETWORK_QOS_INTERFACES_WITHOUT_QOS",
        "Some networks on 'eth2' have a QoS, and these have none: blue, busy.",
    ),
    # What oVirt forgets
    (
        addressed(ip4("192.0.2.130", 25)),
        VIEW,
        "NETWORK_SUBNETS_OVERLAP",
        "192.0.2.0/24 of network 'mgmt' and 192.0.2.128/25 of network 'blue'",
    ),
    (
        addressed(OTHER, name="store"),
        TAKEN,
        "NETWORK_ADDRESS_ALREADY_IN_USE",
        "198.51.100.5 on network 'store' is in use by Host two",
    ),
    # P
    (
        on("blue", "eth8"),
        CHANGED,
        "NETWORK_NOT_IN_SYNC",
        "'blue' is not in sync on Host one and has to be synchronized: mtu is 1500",
    ),
]


@pytest.mark.parametrize(("request_", "view", "code", "words"), REFUSED)
def test_what_may_not_be(request_: SetupRequest, view: HostView, code: str, words: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        checked(request_, view)
    assert refusal.value.text.startswith("Cannot setup Networks. ")
    assert words in refusal.value.text
    assert refusal.value.code.endswith(code)


def test_a_host_that_is_being_installed_is_set_up_by_the_engine_only() -> None:
    checked(on("store"), replace(VIEW, status="installing"), installs=True)


def test_a_network_that_is_stored_twice_is_reported() -> None:
    twice = (*VIEW.intent.attachments, AttachmentIntent(id="a-2", network_id="id-blue", nic="eth8"))
    final = FinalSet(attachments=twice, bonds=(), touched=frozenset(), touched_bonds=frozenset())
    problem = network_occurs_once(VIEW, final)
    assert problem is not None
    assert (problem.code, "Host one: blue" in problem.text) == ("NETWORKS_ALREADY_ATTACHED_TO_IFACES", True)


def test_the_final_set() -> None:
    request = SetupRequest(
        attachments=(
            AttachmentChange(id="a-blue", nic=Ref(id="id-eth8"), assignments=(DHCP,)),
            AttachmentChange(network=Ref(name="store"), nic=Ref(name="bond1"), dns=("192.0.2.53",)),
        ),
        removed=(Ref(name="red"),),
        bonds=(BondChange(bond=Ref(name="bond1"), slaves=(Ref(name="eth5"), Ref(name="eth4"))),),
        removed_bonds=(Ref(name="bond0"),),
        synchronized=("a-busy",),
    )
    final = checked(request)
    by_id = {one.id: one for one in final.attachments}
    assert set(by_id) == {"a-mgmt", "a-busy", "a-blue", "new-1"}
    assert by_id["a-blue"] == replace(VIEW.attachments["a-blue"], nic="eth8", assignments=(DHCP,))
    assert (by_id["new-1"].network_id, by_id["new-1"].nic, by_id["new-1"].dns) == ("id-store", "bond1", ("192.0.2.53",))
    assert final.touched == {"a-blue", "new-1", "a-busy"}
    assert final.touched_bonds == {"bond1"}
    made = final.bond("bond1")
    assert made is not None
    assert (made.slaves, made.options) == (("eth4", "eth5"), DEFAULT_BOND_OPTIONS)
    assert final.bond("bond0") is None


def test_an_ip_version_that_nothing_is_wanted_of_may_be_sent_back_as_none() -> None:
    sent = (ip4("198.51.100.7"), ip6("none", "", 0))
    kept = checked(SetupRequest(attachments=(AttachmentChange(id="a-blue", assignments=sent),)))
    assert next(one for one in kept.attachments if one.id == "a-blue").assignments == sent[:1]
    added = checked(on("store", assignments=sent))
    assert next(one for one in added.attachments if one.id == "new-1").assignments == sent


def test_a_bond_that_others_made_can_carry_networks_and_is_adopted_with_them() -> None:
    report = replace(
        VIEW.report, bonds={"bond0": VIEW.report.bonds["bond0"], "bondx": Bond(name="bondx", mode="802.3ad")}
    )
    final = checked(on("store", "bondx"), replace(VIEW, report=report))
    adopted = final.bond("bondx")
    assert adopted == BondIntent(id="id-bondx", name="bondx", slaves=("eth6",), options={"mode": "802.3ad"})
    assert final.touched_bonds == {"bondx"}


def test_what_others_made_of_a_host() -> None:
    assert unmanaged_networks(REPORT, {"bond0"}) == {
        "eth1.7": "eth1",
        "eth2.10": "eth2",
        "virbr0": "eth3",
        "sw": "eth7",
    }
    over_vlan = Host(
        nics={"eth0": Nic(name="eth0")},
        vlans={"v": Vlan(name="v", base="eth0", tag=5, master="br", owner="n"), "w": Vlan(name="w", base="wg0", tag=5)},
        bridges={"br": Bridge(name="br"), "alone": Bridge(name="alone")},
        ovs_bridges={"sw": OvsBridge(name="sw", owner="base")},
        ovs_ports={
            "eth0": OvsPort(name="eth0", bridge="sw", interfaces=("eth0",)),
            "i": OvsPort(name="i", bridge="sw"),
        },
    )
    assert unmanaged_networks(over_vlan, set()) == {"br": "eth0"}


def test_what_we_left_behind() -> None:
    ovs_ports = {
        "lost": OvsPort(name="lost", owner="id-gone", bridge="sw"),
        "sw": OvsPort(name="sw", owner="base", bridge="sw"),
    }
    host = replace(
        REPORT, ovs_ports=ovs_ports, bridges={**REPORT.bridges, "on-blue": Bridge(name="on-blue", owner="b")}
    )
    host = host.with_link(Vlan(name="eth2.5", owner="id-gone", base="eth2", tag=5, master="old"))
    assert left_behind(host, {"on-blue"}) == {"lost": "", "old": "eth2.5"}
