"""What the default provider of a cluster wants on hosts: each that can becomes a chassis of its OVN, and follows what
changes of that; one that cannot says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.test_providers import add as add_provider
from engine.test_providers import change as change_provider
from engine.test_setup_networks import add as add_network
from fleet import Fleet, running_fleet
from netweft.core.errors import ValidationError
from netweft.core.host import Chassis
from netweft.core.host_request import Ref as Named
from netweft.core.host_request import SetupRequest
from netweft.engine.actor import SYSTEM
from netweft.engine.commands import networks
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network, detach_network
from netweft.engine.commands.clusters import AddCluster, UpdateCluster, add_cluster, update_cluster
from netweft.engine.commands.hosts import activate_host, remove_host
from netweft.engine.commands.networks import AddNetwork, remove_network
from netweft.engine.commands.providers import UpdateProvider, remove_provider, update_provider
from netweft.engine.commands.setup_networks import sync_all_networks
from netweft.engine.db import Database
from netweft.engine.model.clusters import clusters
from netweft.engine.model.host_networks import host_changes
from netweft.engine.model.hosts import host_drifts
from netweft.engine.queries import hosts as host_queries
from netweft.engine.queries import providers as provider_queries
from netweft.engine.queries.references import Ref

REMOTE, OTHER = "tcp:192.0.2.1:6642", "tcp:192.0.2.2:6642,tcp:192.0.2.3:6642"
PLUGIN = {"plugin_remote": REMOTE}


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(db, tmp_path) as fleet:
        yield fleet


def cluster_id(fleet: Fleet) -> str:
    with fleet.db.read() as tx:
        return str(tx.execute(sa.select(clusters.c.id)).scalar_one())


def give(fleet: Fleet, *providers: str, **values: Any) -> None:
    """The default provider of the cluster, by name, or none; its hosts have followed."""
    given = tuple(Ref(name=name) for name in providers)
    fleet.db.run(update_cluster, SYSTEM, UpdateCluster(id=cluster_id(fleet), providers=given, **values))
    wait(fleet)


def wait(fleet: Fleet) -> None:
    fleet.until(lambda: "pending" not in fleet.change_states())


def chassis(fleet: Fleet) -> Chassis:
    found = fleet.host().chassis
    assert found is not None
    return found


def changed(fleet: Fleet) -> int:
    return len(fleet.change_states())


def provided(fleet: Fleet, name: str, **values: Any) -> str:
    """A network of the provider in the cluster."""
    spec = AddNetwork(name=name, data_center=Ref(name="Default"), provider=Ref(name="blue"), **values)
    network_id = fleet.db.run(networks.add_network, SYSTEM, spec).id
    fleet.db.run(attach_network, SYSTEM, AttachNetwork(cluster_id=cluster_id(fleet), network=Ref(id=network_id)))
    wait(fleet)
    return network_id


def test_hosts_are_chassis_of_what_their_clusters_provider_says(fleet: Fleet) -> None:
    provider_id = add_provider(fleet, **PLUGIN)
    before = changed(fleet)
    give(fleet, "blue")
    address = fleet.host().links()["ovirtmgmt"].addresses[0].ip
    found = chassis(fleet)
    assert (found.system_id, found.remote) == (fleet.id(), REMOTE)
    assert (found.encap_type, found.encap_ip, dict(found.mappings)) == ("geneve", address, {})
    assert fleet.change_states()[before:] == ["applied"]
    assert change_provider(fleet, provider_id, plugin_remote=OTHER, description="moved") is None
    wait(fleet)
    assert chassis(fleet).remote == OTHER
    give(fleet)
    assert (chassis(fleet).owner, chassis(fleet).remote) == ("", "")
    assert fleet.data().drift.is_empty


def test_a_provider_that_wants_nothing_changes_no_host(fleet: Fleet) -> None:
    provider_id = add_provider(fleet)
    before = changed(fleet)
    give(fleet, "blue")
    change_provider(fleet, provider_id, name="red")
    give(fleet)
    assert changed(fleet) == before
    assert chassis(fleet) == Chassis()


def test_what_is_changed_with_the_address_follows_when_the_provider_has_answered(fleet: Fleet) -> None:
    provider_id = add_provider(fleet)
    give(fleet, "blue")
    fleet.failed(change_provider(fleet, provider_id, url="http://down.example", **PLUGIN))
    assert chassis(fleet) == Chassis()
    fleet.done(change_provider(fleet, provider_id, url="http://other.example", **PLUGIN))
    wait(fleet)
    assert chassis(fleet).remote == REMOTE


def test_physical_networks_are_the_networks_that_hosts_have(fleet: Fleet) -> None:
    fleet.set_status("maintenance")
    give(fleet, switch_type="ovs")
    fleet.done(fleet.db.run(activate_host, SYSTEM, fleet.id()))
    add_provider(fleet, url="http://wired.example", **PLUGIN, plugin_mappings="physnet1:storage")
    give(fleet, "blue")
    for name, vlan, nic in (("wire", 7, "eth1"), ("storage", 8, "eth2"), ("lab", 9, "eth3")):
        add_network(fleet, name, vlan_id=vlan)
        fleet.attach(name, nic)
    assert dict(chassis(fleet).mappings) == {"physnet1": "br-eth2"}
    wired = provided(fleet, "red", physical=Ref(name="wire"))
    named = provided(fleet, "green", physical_name="lab")
    add_network(fleet, "a,b:c")
    provided(fleet, "odd", physical_name="a,b:c")
    assert dict(chassis(fleet).mappings) == {"physnet1": "br-eth2", "wire": "br-eth1", "lab": "br-eth3"}
    before = changed(fleet)
    provided(fleet, "tunnelled")
    assert changed(fleet) == before
    fleet.db.run(detach_network, SYSTEM, cluster_id(fleet), named)
    fleet.db.run(remove_network, SYSTEM, wired)
    wait(fleet)
    assert dict(chassis(fleet).mappings) == {"physnet1": "br-eth2"}
    fleet.done(fleet.setup(SetupRequest(removed=(Named(name="storage"),))))
    assert dict(chassis(fleet).mappings) == {}
    assert fleet.data().drift.is_empty


def test_a_host_without_ovn_controller_says_so(fleet: Fleet) -> None:
    fleet.simulate(lacks=("ovn",))
    fleet.monitor.round(fleet.db)
    add_provider(fleet, **PLUGIN)
    give(fleet, "blue")
    fleet.monitor.round(fleet.db)
    assert chassis(fleet) == Chassis()
    assert "has no ovn-controller, which provider blue of its cluster needs" in fleet.data().drift.obstacle
    with fleet.db.read() as tx:
        (told,) = tx.execute(sa.select(host_drifts.c.lines)).scalar_one()
    assert "install openvswitch-switch and ovn-host" in told
    fleet.simulate()
    fleet.monitor.round(fleet.db)
    assert fleet.data().drift.obstacle == ""
    assert not fleet.data().drift.is_empty
    fleet.done(fleet.db.run(sync_all_networks, SYSTEM, fleet.id()))
    assert chassis(fleet).system_id == fleet.id()


def test_a_host_that_joins_is_a_chassis_at_once(db: Database, tmp_path: Path) -> None:
    with running_fleet(db, tmp_path, installs=False) as fleet:
        fleet.start_worker()
        add_provider(fleet, **PLUGIN)
        give(fleet, "blue")
        fleet.until(lambda: fleet.status() == "up")
        fleet.until(lambda: chassis(fleet).remote == REMOTE)


def test_a_host_follows_what_has_changed_while_it_was_installed(db: Database, tmp_path: Path) -> None:
    with running_fleet(db, tmp_path, installs=False) as fleet:
        fleet.simulate(step_seconds=0.2)
        fleet.start_worker()
        fleet.until(lambda: (change := fleet.report().change) is not None and change.phase == "applying")
        add_provider(fleet, **PLUGIN)
        spec = UpdateCluster(id=cluster_id(fleet), providers=(Ref(name="blue"),))
        fleet.db.run(update_cluster, SYSTEM, spec)
        assert fleet.status() == "installing"
        fleet.until(lambda: fleet.status() == "up")
        fleet.until(lambda: chassis(fleet).remote == REMOTE)


def test_a_host_that_is_removed_and_cleared_is_no_chassis_any_more(fleet: Fleet) -> None:
    add_provider(fleet, **PLUGIN)
    give(fleet, "blue")
    fleet.set_status("maintenance")
    host_id = fleet.id()
    assert chassis(fleet).system_id == host_id
    fleet.done(fleet.db.run(remove_host, SYSTEM, host_id, clean=True))
    assert (chassis(fleet).owner, chassis(fleet).remote) == ("", "")


def test_hosts_say_whether_they_are_chassis(fleet: Fleet) -> None:
    add_provider(fleet, **PLUGIN)

    def is_configured() -> bool:
        with fleet.db.read() as tx:
            return bool(host_queries.get(tx, fleet.id()).ovn_configured)

    assert is_configured() is False
    give(fleet, "blue")
    fleet.monitor.round(fleet.db)
    assert is_configured() is True


def test_a_cluster_begins_with_its_provider_which_stays_as_long(fleet: Fleet) -> None:
    provider_id = add_provider(fleet)
    spec = AddCluster(name="racks", data_center=Ref(name="Default"), providers=(Ref(id=provider_id),))
    racks = fleet.db.run(add_cluster, SYSTEM, spec)
    with pytest.raises(ValidationError, match="default provider of these clusters: racks"):
        fleet.db.run(remove_provider, SYSTEM, provider_id)
    fleet.db.run(update_cluster, SYSTEM, UpdateCluster(id=racks, description="kept"))
    with fleet.db.read() as tx:
        query = sa.select(clusters.c.provider_id).where(clusters.c.id == racks)
        assert tx.execute(query).scalar_one() == provider_id
        assert not tx.execute(sa.select(host_changes.c.reason).where(host_changes.c.reason.contains("provider"))).all()
    fleet.db.run(update_cluster, SYSTEM, UpdateCluster(id=racks, providers=()))
    fleet.db.run(remove_provider, SYSTEM, provider_id)


def test_plan_of_a_change_of_the_provider_says_what_its_hosts_will_do(fleet: Fleet) -> None:
    """As if it had answered; nothing has changed by that."""
    provider_id = add_provider(fleet, **PLUGIN)
    give(fleet, "blue")
    before, known = chassis(fleet), changed(fleet)
    plan = fleet.plan(update_provider, UpdateProvider(id=provider_id, plugin_remote=OTHER), box=fleet.box)
    with fleet.db.read() as tx:
        assert provider_queries.get(tx, provider_id).plugin_remote == REMOTE
    (host,) = plan.hosts
    assert host.name == "sim-1"
    assert host.plan is not None
    assert OTHER in host.plan.steps[0].text
    assert (chassis(fleet), changed(fleet)) == (before, known)
