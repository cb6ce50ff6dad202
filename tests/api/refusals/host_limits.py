"""What a host has reported that is in the way of networks: the rows of :mod:`api.refusals.entry_points` of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from api.refusals.entry_points import (
    ABLE_TO_BOND,
    ABLE_TO_TAG,
    BOND_NAME,
    HAS_IPV6,
    HAS_SWITCH,
    NAME_IS_FREE,
    SHAPABLE,
    Part,
    clusters_in_north,
    comes_by_label,
    in_north,
    move,
    network,
    settled,
)
from api.refusals.setup_networks import attach, bond, ip, one, switch_by
from api.refusals.site import Refusal, Site, Step, Table
from netweft.core.host import Bridge, Nic
from netweft.engine.model.networks import networks

HOSTS = 1

NETWORKS: Mapping[str, str] = {"plain": "", "store": "<vlan id='50'/><usages/>"}
BY_LABEL: Mapping[str, str] = {"tagged": "<vlan id='10'/>", "dear": "<qos id='{gold}'/>", "taken": "", "any": ""}
GOLD = "<outbound_average_linkshare>50</outbound_average_linkshare>"


def prepare(site: Site) -> None:
    """sim-1 has plain on bond0; store, not for VMs, with an IPv6 address on eth3; and nothing on eth4."""
    site.names["Default"], site.names["sim-1"] = site.client.first_id("/clusters"), site.fleet.id()
    site.names["dc"] = site.client.first_id("/datacenters")
    site.add("/datacenters/{dc}/qoss", f"<qos><name>gold</name><type>hostnetwork</type>{GOLD}</qos>", "gold")
    for name, more in {**NETWORKS, **BY_LABEL}.items():
        site.network(name, site.filled(more))
        site.attach(name)
    on_eth3 = one("store", "eth3", ip("2001:db8::5", "64", version="v6"))
    site.act("/hosts/{sim-1}/setupnetworks", bond("bond0", "eth1", "eth2", mode="1") + attach(one("plain", "bond0")))
    site.act("/hosts/{sim-1}/setupnetworks", attach(on_eth3))
    site.fleet.simulate(host=site.fleet.host().with_link(Nic(name="eth4")))
    site.act("/hosts/{sim-1}/refresh")
    site.names |= {name: nic_id for nic_id, name in site.fleet.data().nics.items()}
    clusters_in_north(site, NETWORKS)
    site.add("/datacenters/{north}/qoss", f"<qos><name>iron</name><type>hostnetwork</type>{GOLD}</qos>", "iron")


def report(*lacks: str, taken: str = "", ipv6_off: bool = False, queueing: str = "") -> Step:
    """sim-1 lacks something; others shape eth3 and eth4, have switched IPv6 off on eth3,
    or have a bridge called ``taken``.
    """

    def step(site: Site) -> None:
        host = site.fleet.host()
        host = replace(host, bridges={name: bridge for name, bridge in host.bridges.items() if bridge.owner})
        host = host.with_link(replace(host.nics["eth3"], ipv6_off=ipv6_off, queueing=queueing))
        host = host.with_link(replace(host.nics["eth4"], queueing=queueing))
        site.fleet.simulate(lacks=lacks, host=host.with_link(Bridge(name=taken)) if taken else host)
        site.act("/hosts/{sim-1}/refresh")

    return step


def lose_bond(site: Site) -> None:
    """The bond is gone, and others have a bridge of its name."""
    bonds = {name: bond for name, bond in site.fleet.host().bonds.items() if name != "bond0"}
    site.fleet.simulate(host=replace(site.fleet.host(), bonds=bonds).with_link(Bridge(name="bond0")))
    site.act("/hosts/{sim-1}/refresh")


def by_label(rule: str, name: str, code: str, words: str) -> tuple[Part, ...]:
    """The network comes by a label: its NIC gets it; it gets that of the NIC; it comes into the cluster with it."""
    labels = "/hosts/{sim-1}/nics/{eth4}/networklabels"
    return (
        lambda site: site.add(f"/networks/{{{name}}}/networklabels", f"<network_label id='by-{name}'/>", f"by-{name}"),
        settled,
        Refusal(rule, "POST", labels, f"<network_label id='by-{name}'/>", code, words),
        lambda site: site.client.delete(site.filled(f"/networks/{{{name}}}/networklabels/by-{name}")),
        lambda site: site.add(labels, "<network_label id='eth4'/>", "label"),
        *comes_by_label(rule, name, "eth4", words),
        lambda site: site.client.delete(site.filled(f"{labels}/eth4")),
        settled,
    )


def cluster(rule: str, switch: str, code: str, words: str) -> Refusal:
    body = f"<cluster><switch_type>{switch}</switch_type></cluster>"
    return Refusal(rule, "PUT", "/clusters/{Default}", body, code, f"On Host sim-1: {words}")


TAG, BOND, SWITCH = "HOST_HAS_NO_VLANS", "HOST_HAS_NO_BONDING", "HOST_HAS_NO_OPEN_VSWITCH"
SHAPE, IPV6, NAME = "NIC_HAS_FOREIGN_QUEUEING", "NIC_HAS_NO_IPV6", "NETWORK_NAME_USED_BY_LINK_OF_HOST"
NO_TAG = "The kernel of Host sim-1 has no VLANs, which network "
NO_BOND = "The kernel of Host sim-1 has no bonding, so bond bond0 cannot be created"
NO_SWITCH = "be put on Host sim-1, which has no Open vSwitch"
SHAPED = "cannot be applied: other software shapes the traffic of eth4 (fq 8001:)"
NO_IPV6 = "IPv6 is disabled on eth3 of Host sim-1, so network 'store'"
IS_TAKEN = "'store' is called 'store' on hosts, and Host sim-1 has a link of that name"

TABLE: Table = (
    report("bonding", "vlan", "open vswitch"),
    network(ABLE_TO_TAG, "plain", "<vlan id='7'/>", TAG, f"On Host sim-1: {NO_TAG}'plain'"),
    *by_label(ABLE_TO_TAG, "tagged", TAG, NO_TAG),
    switch_by("ovs"),
    *by_label(HAS_SWITCH, "any", SWITCH, NO_SWITCH),
    switch_by("legacy"),
    report(queueing="fq 8001:"),
    network(SHAPABLE, "store", "<qos id='{gold}'/>", SHAPE, "Host sim-1: The QoS of network 'store' cannot be applied"),
    *by_label(SHAPABLE, "dear", SHAPE, SHAPED),
    report(ipv6_off=True),
    network(HAS_IPV6, "store", "<vlan/>", IPV6, f"On Host sim-1: {NO_IPV6}"),
    report(taken="store"),
    network(NAME_IS_FREE, "store", "<usages><usage>vm</usage></usages>", NAME, f"On Host sim-1: Network {IS_TAKEN}"),
    report(taken="taken"),
    *by_label(NAME_IS_FREE, "taken", NAME, "Network 'taken' is called 'taken' on hosts"),
    # What is wrong already stops nothing else.
    report("bonding", "vlan", queueing="fq 8001:", ipv6_off=True, taken="taken"),
    lambda site: site.change("/networks/{store}", "<network><mtu>1400</mtu></network>"),
    settled,
    lambda site: site.act("/hosts/{sim-1}/deactivate"),
    report("open vswitch", taken="store"),
    cluster(HAS_SWITCH, "ovs", SWITCH, "Network 'plain' cannot"),
    cluster(NAME_IS_FREE, "ovs", NAME, f"Network {IS_TAKEN}"),
    move(HAS_SWITCH, SWITCH, "Network 'plain' cannot", "ovs"),
    *in_north(
        "store",
        "<usages><usage>vm</usage></usages>",
        "<usages/>",
        move(NAME_IS_FREE, NAME, f"Network {IS_TAKEN}"),
    ),
    report("bonding", "vlan", ipv6_off=True, queueing="fq 8001:"),
    *in_north("plain", "<vlan id='7'/>", "<vlan/>", move(ABLE_TO_TAG, TAG, f"{NO_TAG}'plain'")),
    *in_north("store", "<vlan/>", "<vlan id='50'/>", move(HAS_IPV6, IPV6, NO_IPV6)),
    *in_north("store", "<qos id='{iron}'/>", "<qos/>", move(SHAPABLE, SHAPE, "The QoS of network 'store'")),
    switch_by("ovs"),
    cluster(ABLE_TO_TAG, "legacy", TAG, f"{NO_TAG}'store'"),
    cluster(ABLE_TO_BOND, "legacy", BOND, NO_BOND),
    move(ABLE_TO_BOND, BOND, NO_BOND),
    lambda site: site.change("/networks/{north:store}", "<network><vlan/></network>"),
    move(HAS_IPV6, IPV6, NO_IPV6),
    lambda site: site.update(networks, site.names["store"], vlan_id=None),
    cluster(HAS_IPV6, "legacy", IPV6, NO_IPV6),
    lose_bond,
    cluster(BOND_NAME, "legacy", "NETWORK_BOND_NAME_EXISTS", "Host sim-1 already has a link 'bond0'"),
    move(BOND_NAME, "NETWORK_BOND_NAME_EXISTS", "Host sim-1 already has a link 'bond0'"),
)
