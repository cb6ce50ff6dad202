"""Answers to drift of a host, and what others made on it."""

from __future__ import annotations

from dataclasses import replace

from api.refusals.site import Refusal, Site, Table
from netweft.core.host import Address, Bridge, Host, Route, Vlan

HOSTS = 1
DRIFT = "/netweft/v1/hosts/{sim-1}/drift"
UNMANAGED = "/netweft/v1/hosts/{sim-1}/unmanagednetworks/adopt"


def prepare(site: Site) -> None:
    site.names["sim-1"] = site.fleet.id()
    site.names["Default"] = site.client.first_id("/clusters")
    site.network("office", "<vlan id='10'/>")
    site.attach("office")


def by_hand(site: Site, host: Host) -> None:
    """Somebody makes this of the host, and the engine sees it."""
    site.fleet.simulate(host=host)
    site.fleet.monitor.round(site.fleet.db)


def turn_down(site: Site) -> None:
    host = site.fleet.host()
    by_hand(site, host.with_link(replace(host.nics["eth0"], mtu=1400)))


def build(site: Site) -> None:
    """A bridge on a VLAN with a route that is not ours, one without a NIC, one in a VLAN that no network has."""
    host = site.fleet.host()
    mac = host.nics["eth1"].mac
    for link in (
        Vlan(name="eth1.10", base="eth1", tag=10, master="br10", mac=mac),
        Bridge(name="br10", mac=mac, addresses=(Address(ip="10.0.0.5", prefix=24),)),
        Bridge(name="lonely"),
        Vlan(name="eth3.10", base="eth3", tag=10, master="br11", mac=host.nics["eth3"].mac),
        Bridge(name="br11", mac=host.nics["eth3"].mac),
        Vlan(name="eth2.20", base="eth2", tag=20, master="br20", mac=host.nics["eth2"].mac),
        Bridge(name="br20", mac=host.nics["eth2"].mac),
    ):
        host = host.with_link(link)
    theirs = Route(to="192.0.2.0/24", via="10.0.0.1", link="br10", protocol=4)
    by_hand(site, replace(host, routes=tuple(sorted((*host.routes, theirs)))))


def no(rule: str, path: str, body: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "POST", path, body, code, words)


TABLE: Table = (
    no(
        "host_drift.drift_is_there",
        f"{DRIFT}/ignore",
        "{}",
        "DRIFT_IS_NOT_THERE",
        "Nothing differs on Host sim-1",
    ),
    turn_down,
    no(
        "host_drift.drift_is_there",
        f"{DRIFT}/ignore",
        '{"differences": ["eth3"]}',
        "DRIFT_IS_NOT_THERE",
        "Nothing of eth3 differs on Host sim-1. Only these differ: eth0, eth0.mtu",
    ),
    no(
        "host_drift.drift_is_ignored_until_later",
        f"{DRIFT}/ignore",
        '{"until": "2001-01-01T00:00:00Z"}',
        "DRIFT_IGNORED_UNTIL_PAST",
        "Give a later one",
    ),
    no(
        "host_drift.drift_is_ignored",
        f"{DRIFT}/count",
        "{}",
        "DRIFT_IS_NOT_IGNORED",
        "None of these differences is ignored",
    ),
    no(
        "host_drift.drift_can_be_adopted",
        f"{DRIFT}/adopt",
        "{}",
        "DRIFT_CANNOT_BE_ADOPTED",
        "eth0: mtu should be 1500, and is 1400 (the network defines this for all its hosts: change the network)",
    ),
    build,
    no(
        "foreign_network.foreign_network_exists",
        UNMANAGED,
        '{"networks": [{"name": "br77"}]}',
        "FOREIGN_NETWORK_NOT_EXISTS",
        "'br77'. It has: br10, br11, br20, lonely",
    ),
    no(
        "foreign_network.foreign_network_is_one",
        UNMANAGED,
        '{"networks": [{"name": "lonely"}]}',
        "FOREIGN_NETWORK_CANNOT_BE_TAKEN_OVER",
        "It has no NIC or bond below it",
    ),
    no(
        "foreign_network.foreign_network_fits",
        UNMANAGED,
        '{"networks": [{"name": "br20"}]}',
        "FOREIGN_NETWORK_FITS_NO_NETWORK",
        "add and attach it first (netweft network add br20 --vlan 20)",
    ),
    no(
        "foreign_network.foreign_network_fits",
        UNMANAGED,
        '{"networks": [{"name": "br20", "network": "office"}]}',
        "FOREIGN_NETWORK_FITS_NO_NETWORK",
        "'br20' cannot become network 'office', which has VLAN 10 instead of 20",
    ),
    no(
        "foreign_network.foreign_networks_differ",
        UNMANAGED,
        '{"networks": [{"name": "br10", "network": "office"}, {"name": "br11", "network": "office"}]}',
        "FOREIGN_NETWORKS_ARE_ONE",
        "br10, br11 cannot all become network 'office', which is on a host once",
    ),
    no(
        "foreign_network.foreign_network_loses_nothing",
        UNMANAGED,
        '{"networks": [{"name": "br10", "network": "office"}]}',
        "FOREIGN_NETWORK_LOSES_TRAFFIC",
        "remove route to 192.0.2.0/24",
    ),
)
