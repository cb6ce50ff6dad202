"""What was read can be sent back as it is, whatever has happened to it since it was set up: it asks for nothing new."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from api.refusals.entry_points import settled
from api.refusals.setup_networks import attach, bond, bridge, ip, label, one
from api.refusals.site import IN_DEFAULT, Site
from api.served import Client, Engine
from fleet import running_fleet

pytestmark = pytest.mark.hosts

NETWORKS = {
    "red": "<vlan id='10'/>",
    "blue": "<vlan id='20'/>",
    "six": "<vlan id='30'/>",
    "lab": "<vlan id='40'/>",
    "store": "<vlan id='50'/><usages/>",
}
ROLE = "<network><usages><usage>vm</usage><usage>default_route</usage></usages></network>"


@pytest.fixture
def site(engine: Engine, client: Client, tmp_path: Path) -> Iterator[Site]:
    """A host with addresses of every kind, a bond, a label, a QoS and a role that is not the management network's."""
    with running_fleet(engine.db, tmp_path, 1) as fleet:
        site = Site(engine, client, fleet)
        site.names["Default"], site.names["host"] = client.first_id("/clusters"), fleet.id()
        site.names["dc"], site.names["ovirtmgmt"] = client.first_id("/datacenters"), client.first_id("/networks")
        limit = "<outbound_average_linkshare>50</outbound_average_linkshare>"
        site.add("/datacenters/{dc}/qoss", f"<qos><name>gold</name><type>hostnetwork</type>{limit}</qos>", "gold")
        for name, more in NETWORKS.items():
            site.network(name, more)
            site.attach(name)
        site.add("/networks/{lab}/networklabels", "<network_label id='lab'/>")
        site.change("/clusters/{Default}/networks/{six}", ROLE)
        six = ip("2001:db8::5", "64", "2001:db8::1", version="v6"), ip("10.0.6.5", "24", "10.0.6.1")
        ones = (
            one("red", "eth1", ip("10.0.1.5", "24", "10.0.1.1")),
            one("blue", "eth1", ip(method="dhcp"), more=bridge("priority=1")),
            one("six", "eth1", *six),
            one("store", "bond0", ip(method="autoconf", version="v6")),
        )
        site.act("/hosts/{host}/setupnetworks", bond("bond0", "eth2", "eth3", mode="0") + attach(*ones))
        site.act("/hosts/{host}/setupnetworks", label("lab", "eth1"))
        yield site


def role_moves(site: Site) -> None:
    site.change(
        "/clusters/{Default}/networks/{ovirtmgmt}", ROLE.replace("<usage>vm", "<usage>management</usage><usage>vm")
    )


def networks_change(site: Site) -> None:
    site.change("/networks/{red}", "<network><vlan id='11'/><mtu>1400</mtu></network>")
    site.change("/networks/{store}", "<network><mtu>9000</mtu></network>")


def qos_comes(site: Site) -> None:
    """To one of several networks of a NIC: the host is left as it is."""
    site.change("/networks/{red}", "<network><qos id='{gold}'/></network>")


def qos_goes(site: Site) -> None:
    site.client.delete(site.filled("/datacenters/{dc}/qoss/{gold}")).raise_for_status()


def label_elsewhere(site: Site) -> None:
    """A network that is on eth1 has the label of bond0, where it cannot be."""
    site.act("/hosts/{host}/setupnetworks", label("far", "bond0"))
    site.add("/networks/{blue}/networklabels", "<network_label id='far'/>")


def host_drifts(site: Site) -> None:
    host = site.fleet.host()
    site.fleet.simulate(host=host.with_link(replace(host.bridges["red"], mtu=1300)))
    site.act("/hosts/{host}/refresh")


def host_moves(site: Site) -> None:
    site.act("/hosts/{host}/deactivate")
    site.add("/clusters", f"<cluster><name>south</name>{IN_DEFAULT}</cluster>", "south")
    for name in NETWORKS:
        site.attach(name, "south")
    site.change("/hosts/{host}", "<host><cluster id='{south}'/></host>")


STATES: tuple[Callable[[Site], None], ...] = (
    role_moves,
    networks_change,
    qos_comes,
    qos_goes,
    label_elsewhere,
    host_drifts,
    host_moves,
)


def test_what_was_read_can_be_sent_back(site: Site) -> None:
    wrong = send_back(site, "at first")
    for state in STATES:
        state(site)
        settled(site)
        wrong += send_back(site, state.__name__)
    assert not wrong, "\n".join(wrong)


def send_back(site: Site, state: str) -> list[str]:
    """Read and send back everything, one by one and all attachments and bonds of the host at once."""
    before, wrong = set(map(repr, site.fleet.data().intent.attachments)), []
    collections = ["/networks", "/clusters", "/hosts", "/datacenters", "/vnicprofiles", "/datacenters/{dc}/qoss"]
    collections += [f"/clusters/{found.get('id')}/networks" for found in site.client.xml("/clusters")]
    collections += ["/hosts/{host}/networkattachments"]
    for path in map(site.filled, collections):
        for found in site.client.xml(path):
            answer = site.client.put(f"{path}/{found.get('id')}", content=etree.tostring(found))
            if answer.is_error:
                wrong.append(f"{state}: {path} {found.findtext('name')}: {answer.text[:400]}")
    answer = site.client.post(site.filled("/hosts/{host}/setupnetworks"), content=whole(site))
    if answer.is_error:
        wrong.append(f"{state}: setupnetworks: {answer.text[:400]}")
    settled(site)
    assert set(map(repr, site.fleet.data().intent.attachments)) - before == set(), state
    return wrong


def whole(site: Site) -> bytes:
    """An action with all attachments and bonds of the host."""
    action = etree.Element("action")
    attachments = etree.SubElement(action, "modified_network_attachments")
    attachments.extend(site.client.xml(site.filled("/hosts/{host}/networkattachments")))
    bonds = etree.SubElement(action, "modified_bonds")
    bonds.extend(nic for nic in site.client.xml(site.filled("/hosts/{host}/nics")) if nic.find("bonding") is not None)
    return etree.tostring(action)
