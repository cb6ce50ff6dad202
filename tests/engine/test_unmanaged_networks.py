"""What others made on a host is taken over under its own names, which stay through all that happens there later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.test_setup_networks import add, attachment, request
from fleet import Fleet, running_fleet
from netweft.core.errors import ValidationError
from netweft.core.host import Address, Bridge, Host, Vlan
from netweft.core.host_request import Ref
from netweft.core.kept import kept_names
from netweft.core.rules.host_unmanaged import left_behind
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.hosts import deactivate_host, remove_host
from netweft.engine.commands.networks import UpdateNetwork, update_network
from netweft.engine.commands.unmanaged_networks import AdoptUnmanaged, adopt_unmanaged, unmanaged_of
from netweft.engine.db import Database

ADDRESS = Address(ip="10.0.0.5", prefix=24)


def by_hand(host: Host) -> Host:
    """Two bridges on VLAN devices of one NIC, by names of others."""
    mac = host.nics["eth1"].mac
    for link in (
        Vlan(name="vlan10", base="eth1", tag=10, master="br10", mac=mac),
        Bridge(name="br10", mac="02:00:00:00:77:10", addresses=(ADDRESS,)),
        Vlan(name="vlan20", base="eth1", tag=20, master="br20", mac=mac),
        Bridge(name="br20", mac=mac),
    ):
        host = host.with_link(link)
    return host


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    """sim-1 has them taken over as storage and tenants."""
    with running_fleet(db, tmp_path) as fleet:
        add(fleet, "storage", vlan_id=10)
        add(fleet, "tenants", vlan_id=20)
        fleet.simulate(host=by_hand(fleet.host()))
        fleet.monitor.round(fleet.db)
        fleet.done(adopt(fleet))
        yield fleet


def adopt(fleet: Fleet, **desired: str) -> str | None:
    named = {name: Ref(name=network) for name, network in desired.items()}
    return fleet.db.run(adopt_unmanaged, SYSTEM, AdoptUnmanaged(host_id=fleet.id(), wanted=named))


def names(fleet: Fleet) -> dict[str, str]:
    """What is on the host under names of others."""
    return {name: one.name for name, one in fleet.data().intent.inherited.items()}


def carried(fleet: Fleet) -> dict[str, str]:
    """The bridges of networks, by the networks' names."""
    data = fleet.data()
    return {data.networks[network_id].name: place.top for network_id, place in data.locations.items()}


ALL = {"storage": "br10", "eth1.10": "vlan10", "tenants": "br20", "eth1.20": "vlan20"}


def test_it_is_the_hosts_setup(fleet: Fleet) -> None:
    assert names(fleet) == ALL
    assert carried(fleet) == {"ovirtmgmt": "ovirtmgmt", "storage": "br10", "tenants": "br20"}
    assert fleet.host().bridges["br10"].mac == "02:00:00:00:77:10"
    assert fleet.data().drift.is_empty
    assert unmanaged_of(fleet.data()) == []
    assert adopt(fleet) is None
    known = {view.intent.host_side_name for view in fleet.data().networks.values()}
    assert set(left_behind(fleet.host(), known)) == {"br10", "br20"}, "by names alone they would be left-overs"


def test_other_networks_come_beside_it(fleet: Fleet) -> None:
    add(fleet, "third", vlan_id=30)
    fleet.done(fleet.setup(request(attachment("third", "eth1"))))
    assert carried(fleet)["third"] == "third"
    assert names(fleet) == ALL
    assert fleet.data().drift.is_empty


def test_a_network_that_is_detached_goes_with_its_names(fleet: Fleet) -> None:
    fleet.done(fleet.setup(request(removed=(Ref(name="tenants"),))))
    assert names(fleet) == {"storage": "br10", "eth1.10": "vlan10"}
    assert "br20" not in fleet.host().bridges
    fleet.done(fleet.setup(request(attachment("tenants", "eth2"))))
    assert carried(fleet)["tenants"] == "tenants"


def test_another_vlan_of_the_network_leaves_the_bridge(fleet: Fleet) -> None:
    network_id = next(one for one, view in fleet.data().networks.items() if view.name == "storage")
    fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=network_id, vlan_id=11))
    fleet.until(lambda: fleet.data().locations[network_id].vlan == 11)
    fleet.until(lambda: "pending" not in fleet.change_states())
    assert carried(fleet)["storage"] == "br10"
    assert fleet.host().bridges["br10"].addresses == (ADDRESS,)
    assert fleet.data().drift.is_empty


def test_a_host_that_joins_again_has_the_names_that_it_had(fleet: Fleet) -> None:
    before = fleet.host()
    fleet.db.run(deactivate_host, SYSTEM, fleet.id())
    fleet.db.run(remove_host, SYSTEM, fleet.id())
    fleet.process.join_again()
    fleet.until(lambda: fleet.status() == "up")
    assert names(fleet) == ALL
    assert kept_names(fleet.host(), fleet.data().intent.kept) == {}
    assert fleet.host().bridges == before.bridges
    assert fleet.data().drift.is_empty


def test_marks_that_a_boot_lost_are_set_again_by_any_setup(fleet: Fleet) -> None:
    host = fleet.host()
    for link in (*host.bridges.values(), *host.vlans.values()):
        if link.name != "ovirtmgmt":
            host = host.with_link(replace(link, owner=""))
    fleet.simulate(host=host)
    fleet.monitor.round(fleet.db)
    assert not fleet.data().drift.is_empty
    fleet.done(fleet.setup(request()))
    assert fleet.data().drift.is_empty
    assert {fleet.host().bridges[name].owner for name in ("br10", "br20")}.isdisjoint({""})


def test_what_is_there_twice_is_asked_for(fleet: Fleet) -> None:
    host = fleet.host()
    fleet.simulate(host=host.with_link(Bridge(name="br9")).with_link(replace(host.nics["eth3"], master="br9")))
    fleet.monitor.round(fleet.db)
    with pytest.raises(ValidationError, match="The Cluster has no network 'nothing'"):
        adopt(fleet, br9="nothing")
    with pytest.raises(ValidationError, match=r"'br10'\. It has: br9"):
        adopt(fleet, br10="storage")
