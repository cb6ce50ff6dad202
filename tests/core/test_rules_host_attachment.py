"""The rules on attachments and bonds: each validation of SetupNetworks fails once, and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from netweft.core.errors import ValidationError
from netweft.core.host import Bond, Bridge, Host, Nic, OvsBridge, OvsPort, Vlan
from netweft.core.host_request import (
    AttachmentChange,
    BondChange,
    FinalSet,
    HostView,
    NetworkView,
    Ref,
    Resolved,
    SetupRequest,
    removed_ids,
)
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, IpAssignment, NetworkIntent
from netweft.core.rules.host_unmanaged import left_behind, unmanaged_networks
from netweft.core.rules.setup_networks import validate


def net(name: str, vlan: int | None = None, **values: Any) -> NetworkView:
    roles = frozenset(values.pop("roles", ()))
    users, in_cluster = tuple(values.pop("users", ())), values.pop("in_cluster", True)
    intent = NetworkIntent(id=f"id-{name}", name=name, host_side_name=name, vlan=vlan, **values)
    return NetworkView(
        intent=intent, in_cluster=in_cluster, roles=roles, is_management="management" in roles, users=users
    )


NETWORKS = {
    view.intent.id: view
    for view in (
        net("mgmt", roles=("management", "default_route")),
        net("red", 10),
        net("blue", 20),
        net("pink", 10),
        net("plain"),
        net("plain2", mtu=9000),
        net("tagged9000", 30, mtu=9000),
        net("used", 40, users=("vm1",)),
        net("elsewhere", 50, in_cluster=False),
        net("display", 60, roles=("display",)),
        net("storage", 70, vm=False),
    )
}
DHCP = IpAssignment(version=4, method="dhcp")


def attachment(name: str, nic: str, *assignments: IpAssignment) -> AttachmentIntent:
    return AttachmentIntent(id=f"a-{name}", network_id=f"id-{name}", nic=nic, assignments=assignments)


REPORT = Host(
    nics={name: Nic(name=name) for name in ("eth0", "eth1", "eth2", "eth3", "eth4")},
    bonds={"bond7": Bond(name="bond7", mode="balance-rr")},
    vlans={"eth1.10": Vlan(name="eth1.10", base="eth1", tag=10, owner="id-red")},
).with_link(Nic(name="eth4", master="bond7"))
BOND = BondIntent(id="b0", name="bond0", slaves=("eth2", "eth3"), options={"mode": "4"})


def host(**values: Any) -> HostView:
    intent = HostIntent(
        switch_type=values.pop("switch_type", "legacy"),
        attachments=values.pop(
            "attachments", (attachment("mgmt", "eth0", DHCP), attachment("red", "eth1"), attachment("used", "eth1"))
        ),
        bonds=values.pop("bonds", ()),
    )
    nics = {f"n-{name}": name for name in (*REPORT.nics, *REPORT.bonds, *REPORT.vlans)}
    defaults: dict[str, Any] = {"id": "h", "name": "h1", "status": "up", "report": REPORT, "networks": NETWORKS}
    return HostView(**{**defaults, "intent": intent, "nics": nics, **values})


def set_up(network: str = "", nic: str = "", **values: Any) -> AttachmentChange:
    return AttachmentChange(network=Ref(name=network), nic=Ref(name=nic), **values)


def ip(address: str = "10.0.0.5", prefix: int = 24, gateway: str = "", **values: Any) -> tuple[IpAssignment, ...]:
    return (IpAssignment(**{"method": "static", "address": address, "prefix": prefix, "gateway": gateway, **values}),)


def bond(*slaves: str, name: str = "bond0", **options: str) -> BondChange:
    return BondChange(bond=Ref(name=name), slaves=tuple(Ref(name=slave) for slave in slaves), options=options or {})


def decide(request: SetupRequest, view: HostView | None = None) -> FinalSet:
    numbers = count(1)
    return validate(view or host(), request, lambda: f"new-{next(numbers)}")


def request(*changes: AttachmentChange, **values: Any) -> SetupRequest:
    return SetupRequest(attachments=changes, **values)


WITH_BOND = host(bonds=(BOND,), attachments=(attachment("mgmt", "eth0", DHCP), attachment("red", "bond0")))
IN_OVS = host(switch_type="ovs")
DRIFTED = host(differences={"a-red": ("mtu is 1400 on the host and 1500 is wanted",)})
OCCUPIED = host(
    report=replace(
        REPORT.with_link(Nic(name="eth3", master="br9")).with_link(Bridge(name="br9")),
        vlans={**REPORT.vlans, "theirs": Vlan(name="theirs", base="eth2", tag=9)},
    )
)
ELSEWHERE = host(addresses_elsewhere={("id-blue", "10.0.0.5"): "h2"})

REFUSED: dict[str, tuple[SetupRequest, str, HostView | None]] = {
    "status": (request(), "VDS_STATUS_ILLEGAL", host(status="non_responsive")),
    "timeout": (request(connectivity_timeout=0), "VALIDATION_CONNECTIVITY_TIMEOUT_INVALID", None),
    "unknown id": (request(set_up("red", id="x")), "MODIFIED_NETWORK_ATTACHMENT_DOES_NOT_EXISTS", None),
    "no network": (request(set_up(nic="eth2")), "NETWORK_ATTACHMENT_NETWORK_ID_OR_NAME_IS_NOT_SET", None),
    "unknown name": (request(set_up("nothing", "eth2")), "NETWORK_HAVING_NAME_NOT_EXISTS", None),
    "unknown network id": (
        request(AttachmentChange(network=Ref(id="nothing"), nic=Ref(name="eth2"))),
        "NETWORK_HAVING_ID_NOT_EXISTS",
        None,
    ),
    "two NICs": (
        request(AttachmentChange(network=Ref(name="blue"), nic=Ref(id="n-eth1", name="eth2"))),
        "NETWORK_ATTACHMENT_REFERENCES_NICS_INCOHERENTLY",
        None,
    ),
    "two networks": (
        request(AttachmentChange(network=Ref(id="id-blue", name="red"), nic=Ref(name="eth2"))),
        "NETWORK_ATTACHMENT_REFERENCES_NETWORK_INCOHERENTLY",
        None,
    ),
    "both lists": (
        request(set_up("red", "eth2"), removed=(Ref(id="a-red"),)),
        "NETWORK_ATTACHMENT_IN_BOTH_LISTS",
        None,
    ),
    "VLAN device": (request(set_up("blue", "eth1.10")), "ATTACHMENT_REFERENCE_VLAN_DEVICE", None),
    "another attachment": (request(set_up("red", "eth2", id="a-used")), "ATTACHMENT_IS_NOT_REUSED", None),
    "attached already": (request(set_up("red", "eth2", is_new=True)), "ATTACHMENT_IS_NOT_REUSED", None),
    "other cluster": (
        request(AttachmentChange(network=Ref(id="id-elsewhere"), nic=Ref(name="eth2"))),
        "NETWORK_NOT_EXISTS_IN_CLUSTER",
        None,
    ),
    "role without address": (
        request(set_up("display", "eth2")),
        "ACTION_TYPE_FAILED_ROLE_NETWORK_HAS_NO_BOOT_PROTOCOL",
        None,
    ),
    "no NIC": (request(set_up("blue")), "NETWORK_ATTACHMENT_NIC_NOT_SET", None),
    "unknown NIC": (request(set_up("blue", "eth9")), "HOST_NETWORK_INTERFACE_NOT_EXIST", None),
    "other network": (request(set_up("blue", "eth1", id="a-red")), "CANNOT_CHANGE_ATTACHED_NETWORK", None),
    "two addresses": (
        request(set_up("blue", "eth2", assignments=(*ip(), *ip("10.0.1.5")))),
        "NETWORK_ATTACHMENT_MORE_THAN_ONE_IP_ASSIGNMENT",
        None,
    ),
    "no address": (
        request(set_up("blue", "eth2", assignments=ip("", 0))),
        "NETWORK_ATTACHMENT_IP_CONFIGURATION_STATIC_BOOT_PROTOCOL_MISSING_IP_ADDRESS_DETAILS",
        None,
    ),
    "DHCP with address": (
        request(set_up("blue", "eth2", assignments=ip(method="dhcp"))),
        "NETWORK_ATTACHMENT_IP_CONFIGURATION_INCOMPATIBLE_BOOT_PROTOCOL_AND_IP_ADDRESS_DETAILS",
        None,
    ),
    "IPv4 autoconf": (
        request(set_up("blue", "eth2", assignments=ip("", 0, method="autoconf"))),
        "NETWORK_ATTACHMENT_IP_CONFIGURATION_MISSING_BOOT_PROTOCOL",
        None,
    ),
    "no such address": (
        request(set_up("blue", "eth2", assignments=ip("10.0.0.256"))),
        "NETWORK_ATTACHMENT_ADDRESS_INVALID",
        None,
    ),
    "no such prefix": (
        request(set_up("blue", "eth2", assignments=ip("10.0.0.5", 33))),
        "NETWORK_ATTACHMENT_ADDRESS_INVALID",
        None,
    ),
    "broadcast": (
        request(set_up("blue", "eth2", assignments=ip("10.0.0.255"))),
        "NETWORK_ATTACHMENT_ADDRESS_INVALID",
        None,
    ),
    "multicast": (
        request(set_up("blue", "eth2", assignments=ip("224.0.0.5"))),
        "NETWORK_ATTACHMENT_ADDRESS_INVALID",
        None,
    ),
    "gateway outside": (
        request(set_up("blue", "eth2", assignments=ip(gateway="10.9.9.9"))),
        "NETWORK_ATTACHMENT_GATEWAY_OUTSIDE_SUBNET",
        None,
    ),
    "gateway is no address": (
        request(set_up("blue", "eth2", assignments=ip(gateway="x"))),
        "NETWORK_ATTACHMENT_GATEWAY_OUTSIDE_SUBNET",
        None,
    ),
    "IPv6 gateway": (
        request(set_up("blue", "eth2", assignments=ip("2001:db8::5", 64, "fe80::1", version=6))),
        "NETWORK_ATTACHMENT_IPV6_GATEWAY_WITHOUT_DEFAULT_ROUTE",
        None,
    ),
    "resolvers": (
        request(set_up("blue", "eth2", dns=("not an address",))),
        "NETWORK_ATTACHMENT_NAME_SERVERS_INVALID",
        None,
    ),
    "unknown property": (
        request(set_up("blue", "eth2", properties={"x": "y"})),
        "ACTION_TYPE_FAILED_NETWORK_CUSTOM_PROPERTIES_BAD_INPUT",
        None,
    ),
    "bridge options without bridge": (
        request(set_up("storage", "eth2", properties={"bridge_opts": "priority=1"})),
        "ACTION_TYPE_FAILED_NETWORK_CUSTOM_PROPERTIES_BAD_INPUT",
        None,
    ),
    "bad bridge option": (
        request(set_up("blue", "eth2", properties={"bridge_opts": "priority=many"})),
        "ACTION_TYPE_FAILED_NETWORK_CUSTOM_PROPERTIES_BAD_INPUT",
        None,
    ),
    "OVS base under guests": (request(set_up("used", "eth2")), "NETWORK_CANNOT_MOVE_NETWORK_USED_BY_VMS", IN_OVS),
    "removing nothing": (request(removed=(Ref(id="x"),)), "NETWORK_ATTACHMENTS_NOT_EXISTS", None),
    "removing management": (request(removed=(Ref(id="a-mgmt"),)), "NETWORK_CANNOT_REMOVE_MANAGEMENT_NETWORK", None),
    "removing what is used": (request(removed=(Ref(name="used"),)), "NETWORK_CANNOT_DETACH_NETWORK_USED_BY_VMS", None),
    "syncing nothing": (request(synchronized=("x",)), "NETWORK_ATTACHMENT_NOT_EXISTS", None),
    "bond by unknown id": (request(bonds=(BondChange(bond=Ref(id="x")),)), "BOND_DOES_NOT_EXIST", None),
    "bond without name": (
        request(bonds=(BondChange(bond=Ref()),)),
        "BOND_DOES_NOT_HAVE_NEITHER_ID_NOR_NAME_SPECIFIED",
        None,
    ),
    "two bonds": (
        request(bonds=(BondChange(bond=Ref(id="b0", name="bond1")),)),
        "BOND_REFERENCES_NICS_INCOHERENTLY",
        WITH_BOND,
    ),
    "bond name": (request(bonds=(bond("eth2", "eth3", name="team0"),)), "NETWORK_BOND_NAME_BAD_FORMAT", None),
    "bond name too long": (
        request(bonds=(bond("eth2", "eth3", name="bond012345678901"),)),
        "NETWORK_BOND_NAME_BAD_FORMAT",
        None,
    ),
    "bond name taken": (
        request(bonds=(bond("eth2", "eth3", name="bond9"),)),
        "NETWORK_BOND_NAME_EXISTS",
        host(report=REPORT.with_link(Bridge(name="bond9"))),
    ),
    "bond mode": (request(bonds=(bond("eth2", "eth3", mode="9"),)), "INVALID_BOND_MODE", None),
    "bond option": (request(bonds=(bond("eth2", "eth3", mode="1", x="y"),)), "NETWORK_BOND_INVALID_OPTION", None),
    "OVS bond mode": (request(bonds=(bond("eth2", "eth3", mode="5"),)), "BOND_MODE_NOT_SUPPORTED_BY_OVS", IN_OVS),
    "one slave, twice": (request(bonds=(bond("eth2", "eth2"),)), "NETWORK_INTERFACE_ALREADY_IN_BOND", None),
    "unknown slave": (request(bonds=(bond("eth2", "eth9"),)), "HOST_NETWORK_INTERFACE_NOT_EXIST", None),
    "slave is a VLAN": (request(bonds=(bond("eth2", "eth1.10"),)), "NETWORK_INTERFACE_IS_NOT_A_NIC", None),
    "slave of another": (
        request(bonds=(bond("eth3", "eth4", name="bond1"),)),
        "NETWORK_INTERFACE_ALREADY_IN_BOND",
        WITH_BOND,
    ),
    "slave with network": (
        request(bonds=(bond("eth1", "eth2"),)),
        "NETWORK_INTERFACE_ATTACHED_TO_NETWORK_CANNOT_BE_SLAVE",
        None,
    ),
    "slave with new network": (
        request(set_up("blue", "eth3"), bonds=(bond("eth2", "eth3"),)),
        "NETWORK_CANNOT_BE_ATTACHED_TO_SLAVE",
        None,
    ),
    "slave with what others made": (
        request(bonds=(bond("eth2", "eth3"),)),
        "NETWORK_BOND_SLAVE_HAS_UNMANAGED_NETWORK",
        OCCUPIED,
    ),
    "slave of a bond that is not ours": (
        request(bonds=(bond("eth3", "eth4"),)),
        "NETWORK_INTERFACE_ALREADY_IN_BOND",
        None,
    ),
    "removing no bond": (request(removed_bonds=(Ref(name="bond3"),)), "NETWORK_BOND_NOT_EXISTS", None),
    "removing a bond in use": (
        request(removed_bonds=(Ref(name="bond0"),)),
        "BOND_USED_BY_NETWORK_ATTACHMENTS",
        WITH_BOND,
    ),
    "bond in both lists": (
        request(bonds=(BondChange(bond=Ref(name="bond0")),), removed_bonds=(Ref(id="b0"),)),
        "BONDS_UPDATED_AND_REMOVED_SIMULTANEOUSLY",
        WITH_BOND,
    ),
    "network twice": (
        request(set_up("blue", "eth2"), set_up("blue", "eth3")),
        "NETWORKS_ALREADY_ATTACHED_TO_IFACES",
        None,
    ),
    "two untagged": (
        request(set_up("plain", "eth2"), set_up("plain2", "eth2")),
        "NETWORK_INTERFACES_NOT_EXCLUSIVELY_USED_BY_UNTAGGED_NETWORK",
        None,
    ),
    "VLAN twice": (request(set_up("pink", "eth1")), "NETWORK_VLAN_ALREADY_ON_NIC", None),
    "MTU": (request(set_up("plain", "eth2"), set_up("tagged9000", "eth2")), "NETWORK_MTU_DIFFERENCES", None),
    "bond mode under a VM network": (
        request(set_up("blue", "bond0"), bonds=(bond("eth2", "eth3", mode="0"),)),
        "INVALID_BOND_MODE_FOR_BOND_WITH_VM_NETWORK",
        None,
    ),
    "on a slave": (request(set_up("blue", "eth2")), "NETWORK_CANNOT_BE_ATTACHED_TO_SLAVE", WITH_BOND),
    "unmanaged that is of the cluster": (
        request(removed_unmanaged=("blue",)),
        "REMOVED_UNMANAGED_NETWORK_IS_A_CLUSTER_NETWORK",
        None,
    ),
    "unmanaged that is not there": (
        request(removed_unmanaged=("x",)),
        "REMOVED_UNMANAGED_NETWORK_DOES_NOT_EXISTS",
        None,
    ),
    "unmanaged of others": (request(removed_unmanaged=("br9",)), "UNMANAGED_NETWORK_IS_NOT_OURS", OCCUPIED),
    "NIC of others": (request(set_up("blue", "eth3")), "NIC_CARRIES_UNMANAGED_NETWORK", OCCUPIED),
    "overlapping subnets": (
        request(
            set_up("blue", "eth2", assignments=ip("10.0.0.5", 16)),
            set_up("tagged9000", "eth2", assignments=ip("10.0.1.5")),
        ),
        "NETWORK_SUBNETS_OVERLAP",
        None,
    ),
    "address of another host": (
        request(set_up("blue", "eth2", assignments=ip())),
        "NETWORK_ADDRESS_ALREADY_IN_USE",
        ELSEWHERE,
    ),
    "out of sync": (request(set_up("red", "eth2")), "NETWORK_NOT_IN_SYNC", DRIFTED),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    request, code, view = REFUSED[case]
    with pytest.raises(ValidationError) as refusal:
        decide(request, view)
    assert refusal.value.code == code
    assert refusal.value.text.startswith("Cannot setup Networks. ")


def on(final: FinalSet) -> Mapping[str, str]:
    return {one.network_id.removeprefix("id-"): one.nic for one in final.attachments}


def test_allowed_and_what_comes_of_it() -> None:
    final = decide(
        request(set_up("blue", "eth2", assignments=ip(gateway="10.0.0.1"), dns=("192.0.2.53", "fe80::1%eth0")))
    )
    assert on(final) == {"mgmt": "eth0", "red": "eth1", "used": "eth1", "blue": "eth2"}
    assert final.touched == {"new-1"}
    assert on(decide(request(set_up("red", "eth3"))))["red"] == "eth3"
    assert on(decide(request(set_up(nic="eth3", id="a-red"))))["red"] == "eth3"
    assert decide(request(set_up("red"))).touched == frozenset()
    assert on(decide(request(removed=(Ref(name="red"),)))) == {"mgmt": "eth0", "used": "eth1"}
    assert decide(request(synchronized=("a-red",))).touched == {"a-red"}
    assert decide(request(set_up("red", "eth2"), synchronized=("a-red",)), DRIFTED).touched == {"a-red"}
    assert on(decide(request(set_up("used", "eth2"))))["used"] == "eth2"  # a Linux bridge just gets another port
    decide(request(set_up("blue", "eth2", assignments=(DHCP,))))
    v6 = ip("2001:db8::5", 64, "2001:db8::1", version=6)
    decide(request(set_up("mgmt", "eth0", assignments=v6)))
    decide(request(set_up("blue", "eth2", assignments=ip("2001:db8::", 127, version=6))))
    decide(request(set_up("blue", "eth2", properties={"bridge_opts": "priority=1"})))
    assert validate(host(status="installing"), request(), lambda: "x", installs=True).touched == frozenset()


def test_bonds_and_what_comes_of_them() -> None:
    made = decide(request(set_up("blue", "bond0"), bonds=(bond("eth3", "eth2"),)))
    assert made.bond("bond0") == BondIntent(
        id="new-2",
        name="bond0",
        slaves=("eth2", "eth3"),
        options={"mode": "4", "miimon": "100", "xmit_hash_policy": "2"},
    )
    assert made.touched_bonds == {"bond0"}
    changed = decide(request(bonds=(BondChange(bond=Ref(id="b0"), options={"mode": "1"}),)), WITH_BOND)
    assert changed.bond("bond0") == replace(BOND, options={"mode": "1"})
    gone = decide(request(set_up("red", "eth1"), removed_bonds=(Ref(name="bond0"),)), WITH_BOND)
    assert gone.bonds == ()
    # One that the host has by itself is taken over as it is by whoever puts a network on it.
    taken = decide(request(set_up("storage", "bond7")), host(report=REPORT))
    assert taken.bond("bond7") == BondIntent(
        id="n-bond7", name="bond7", slaves=("eth4",), options={"mode": "balance-rr"}
    )
    out_of_sync = host(
        bonds=(replace(BOND, options={"mode": "0"}),),
        attachments=(attachment("mgmt", "eth0", DHCP), attachment("red", "bond0")),
        differences={"a-red": ("x",)},
    )
    decide(request(set_up("blue", "eth1")), out_of_sync)


def test_left_behind_may_go_and_subnets_that_do_not_overlap_may_be() -> None:
    leftover = host(report=REPORT.with_link(Bridge(name="old", owner="id-old")))
    decide(request(removed_unmanaged=("old",)), leftover)
    apart = request(set_up("blue", "eth2", assignments=ip()), set_up("pink", "eth2", assignments=ip("10.0.1.5")))
    assert len(decide(apart).touched) == 2


def test_in_an_ovs_cluster_a_network_under_guests_may_change_in_place() -> None:
    assert decide(request(set_up("used", "eth1", assignments=ip())), IN_OVS).touched == {"a-used"}


def test_ids_of_what_is_removed() -> None:
    assert removed_ids(host(), request(removed=(Ref(id="a"), Ref(name="red"), Ref(name="x")))) == ["a", "a-red", "x"]


def test_what_others_made_and_what_we_left() -> None:
    assert unmanaged_networks(OCCUPIED.report, {"bond7"}) == {"theirs": "eth2", "br9": "eth3"}
    over_vlan = OCCUPIED.report.with_link(Vlan(name="theirs", base="eth2", tag=9, master="br8")).with_link(
        Bridge(name="br8")
    )
    assert unmanaged_networks(over_vlan, set())["br8"] == "eth2"
    ours = OCCUPIED.report.with_link(Bridge(name="old", owner="id-old"))
    ours = ours.with_link(Nic(name="eth1", owner="base", master="old"))
    assert left_behind(ours, {"red"}) == {"old": "eth1"}
    ovs = replace(
        REPORT,
        ovs_bridges={"br": OvsBridge(name="br"), "mine": OvsBridge(name="mine", owner="base")},
        ovs_ports={
            "eth1": OvsPort(name="eth1", bridge="br", interfaces=("eth1",)),
            "eth2": OvsPort(name="eth2", bridge="mine", interfaces=("eth2",), owner="base"),
            "gone": OvsPort(name="gone", bridge="mine", owner="id-gone"),
        },
    )
    assert unmanaged_networks(ovs, set()) == {"br": "eth1"}
    assert left_behind(ovs, set()) == {"gone": ""}


def test_names_in_sentences() -> None:
    assert str(Ref(id="x")) == "x"
    assert str(Ref(id="x", name="y")) == "y"
    one = Resolved(change=set_up("red"), existing=None, network=NETWORKS["id-red"], nic="")
    assert one.network is not None
    assert one.network.name == "red"
