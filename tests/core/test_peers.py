"""Which addresses next to a host are peers, and where it asks for them when its links are others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosts import without_link
from netweft.core.host import Address, Bridge, Host, Nic, Route, Vlan
from netweft.core.peers import PEERS_MAX, LinkPeer, peers_among, where_to_ask
from netweft.core.protocol import Peer

STORAGE = Address(ip="203.0.113.7", prefix=24)
GUESTS = (Address(ip="198.51.100.7", prefix=24), Address(ip="2001:db8::7", prefix=64))
HOST = Host(
    nics={"eth0": Nic(name="eth0", addresses=(Address(ip="192.0.2.7", prefix=24),)), "eth1": Nic(name="eth1")},
    vlans={"eth1.100": Vlan(name="eth1.100", owner="storage", base="eth1", tag=100, dynamic=(STORAGE,))},
    bridges={"guests": Bridge(name="guests", owner="guests", addresses=GUESTS)},
    routes=(Route(to="10.0.0.0/8", link="eth1.100", via="203.0.113.254"),),
)
OTHER_VLAN = replace(
    HOST, vlans={"eth1.200": Vlan(name="eth1.200", owner="storage", base="eth1", tag=200, addresses=(STORAGE,))}
)


@pytest.mark.parametrize(
    ("link", "address", "network"),
    [
        ("eth1.100", "203.0.113.9", "storage"),
        ("guests", "2001:db8::9", "guests"),
        ("guests", "203.0.113.9", ""),
        ("guests", "fe80::9", ""),
        ("guests", "198.51.100.7", ""),
        ("eth0", "192.0.2.9", ""),
        ("eth9", "192.0.2.9", ""),
    ],
)
def test_peers_are_next_to_addresses_on_networks_of_ours(link: str, address: str, network: str) -> None:
    found = peers_among(HOST, [LinkPeer(link=link, address=address)])
    assert found == ((Peer(network=network, address=address),) if network else ())


def test_gateways_come_first_and_not_too_many() -> None:
    known = [LinkPeer(link="eth1.100", address=f"203.0.113.{number}") for number in range(200, 255)]
    found = peers_among(HOST, [*known, LinkPeer(link="guests", address="198.51.100.9")])
    assert [peer.network for peer in found] == [*PEERS_MAX * ["storage"], "guests"]
    assert found[0].address == "203.0.113.254"


def test_a_peer_is_probed_where_its_network_is() -> None:
    storage, guest = Peer(network="storage", address="203.0.113.9"), Peer(network="guests", address="2001:db8::9")
    assert where_to_ask(OTHER_VLAN, (storage, guest)) == {
        storage: LinkPeer(link="eth1.200", address="203.0.113.9"),
        guest: LinkPeer(link="guests", address="2001:db8::9"),
    }
    assert where_to_ask(without_link(HOST, "eth1.100"), (storage,)) == {}
    moved = replace(HOST.vlans["eth1.100"], dynamic=(Address(ip="203.0.112.7", prefix=24),))
    assert where_to_ask(HOST.with_link(moved), (storage,)) == {}


NEXT = st.ip_addresses(network="203.0.113.0/24") | st.ip_addresses(network="2001:db8::/120")


@given(st.lists(st.builds(LinkPeer, link=st.sampled_from(("eth1.100", "guests")), address=NEXT.map(str))))
def test_each_peer_is_probed_where_it_was(known: list[LinkPeer]) -> None:
    found = peers_among(HOST, known)
    assert set(where_to_ask(HOST, found).values()) <= set(known)
    assert len(where_to_ask(HOST, found)) == len(set(found))
