"""Hosts with real agents (simulated networking): installing, watching, going in and out of service, leaving."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fleet import Fleet, running_fleet
from netweft.core.errors import NotFoundError, ValidationError
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network
from netweft.engine.commands.clusters import AddCluster, add_cluster
from netweft.engine.commands.hosts import (
    UpdateHost,
    activate_host,
    deactivate_host,
    refresh_host,
    remove_host,
    update_host,
)
from netweft.engine.commands.networks import AddNetwork, add_network
from netweft.engine.db import Database, utc_now
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.hosts import host_nics
from netweft.engine.queries.references import Ref


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(db, tmp_path, 2) as fleet:
        yield fleet


def require_network(fleet: Fleet, name: str = "storage") -> str:
    """A network that the cluster requires; while no host carries it, it is not operational."""
    network_id = fleet.db.run(
        add_network, SYSTEM, AddNetwork(name=name, data_center=Ref(name="Default"), vlan_id=100)
    ).id
    with fleet.db.read() as tx:
        cluster_id = tx.execute(sa.select(clusters.c.id).where(clusters.c.name == "Default")).scalar_one()
    fleet.db.run(attach_network, SYSTEM, AttachNetwork(cluster_id=cluster_id, network=Ref(id=network_id)))
    return network_id


def network_status(fleet: Fleet, network_id: str) -> str:
    with fleet.db.read() as tx:
        query = sa.select(cluster_networks.c.status).where(cluster_networks.c.network_id == network_id)
        return str(tx.execute(query).scalar_one())


def code_of(fleet: Fleet, command: Any, *args: Any) -> str:
    with pytest.raises(ValidationError) as refusal:
        fleet.db.run(command, SYSTEM, *args)
    return refusal.value.code


def test_a_host_that_joined_is_installed_and_comes_up(fleet: Fleet) -> None:
    assert fleet.status() == "up"
    assert fleet.carried() == {"ovirtmgmt": "eth0"}
    bridge = fleet.host().bridges["ovirtmgmt"]
    assert [str(address) for address in bridge.addresses] == ["198.18.0.2/15"]
    assert fleet.data().differences() == {}
    assert fleet.report().dirty is False
    assert fleet.data().row.generation == 1
    assert set(fleet.data().nics.values()) == {"eth0", "eth1", "eth2", "eth3"}
    assert 504 in fleet.codes()


def test_nics_keep_their_ids_and_vanish_with_the_hardware(fleet: Fleet) -> None:
    before = dict(fleet.data().nics)
    fleet.done(fleet.db.run(refresh_host, SYSTEM, fleet.id()))
    assert fleet.data().nics == before
    host = fleet.host()
    from dataclasses import replace  # noqa: PLC0415 - used once

    fleet.simulate(host=replace(host, nics={name: nic for name, nic in host.nics.items() if name != "eth3"}))
    fleet.done(fleet.db.run(refresh_host, SYSTEM, fleet.id()))
    assert fleet.data().nics == {nic_id: name for nic_id, name in before.items() if name != "eth3"}


def test_links_that_go_down_are_events(fleet: Fleet) -> None:
    fleet.monitor.round(fleet.db)
    fleet.simulate(carrier={"eth1": False})
    fleet.monitor.round(fleet.db)
    fleet.simulate(carrier={"eth1": True})
    fleet.monitor.round(fleet.db)
    assert [code for code in fleet.codes() if code in {609, 610}] == [610, 609]


def test_a_silent_host_is_lost_and_found(fleet: Fleet) -> None:
    fleet.restart_monitor(lost_after=0.0)
    fleet.simulate(unreachable=("always",))
    fleet.monitor.round(fleet.db)
    assert (fleet.status(1), fleet.status(2)) == ("non_responsive", "up")
    fleet.failed(fleet.db.run(activate_host, SYSTEM, fleet.id()))
    assert fleet.status() == "non_responsive"
    fleet.simulate()
    fleet.monitor.round(fleet.db)
    assert fleet.status() == "up"
    assert [code for code in fleet.codes() if code in {12, 18}] == [12, 18, 12]
    assert 13 in fleet.codes()


def test_an_agent_that_starts_again_is_looked_at(fleet: Fleet) -> None:
    fleet.monitor.round(fleet.db)
    fleet.restart_agents()
    fleet.monitor.round(fleet.db)
    fleet.simulate(carrier={"eth1": False})
    fleet.monitor.round(fleet.db)
    assert 610 in fleet.codes()


def test_a_host_without_a_required_network_is_not_operational(fleet: Fleet) -> None:
    storage = require_network(fleet)
    fleet.done(fleet.db.run(refresh_host, SYSTEM, fleet.id(1)))
    assert network_status(fleet, storage) == "non_operational"
    assert (fleet.status(1), fleet.status(2)) == ("up", "up")  # nobody has it yet, so nobody is knocked out
    fleet.attach("storage", "eth1", 1)
    fleet.attach("storage", "eth1", 2)
    assert network_status(fleet, storage) == "operational"
    host = fleet.host()
    from dataclasses import replace  # noqa: PLC0415 - used once

    fleet.simulate(host=replace(host, bridges={"ovirtmgmt": host.bridges["ovirtmgmt"]}, vlans={}))
    fleet.monitor.round(fleet.db)
    assert fleet.status() == "non_operational"
    assert "storage" in fleet.data().row.status_reason
    assert 519 in fleet.codes()
    fleet.simulate(host=host)
    fleet.monitor.round(fleet.db)
    assert fleet.status() == "up"


def test_a_required_network_whose_nic_is_down_for_long_takes_the_host_out(fleet: Fleet) -> None:
    require_network(fleet)
    fleet.attach("storage", "eth1", 1)
    fleet.attach("storage", "eth1", 2)
    fleet.simulate(carrier={"eth1": False})
    fleet.monitor.round(fleet.db)
    assert fleet.status() == "up"
    with fleet.db.write() as tx:  # a minute and more goes by
        here = sa.and_(host_nics.c.host_id == fleet.id(), host_nics.c.name == "eth1")
        from datetime import timedelta  # noqa: PLC0415 - used once

        tx.execute(sa.update(host_nics).where(here).values(down_since=utc_now() - timedelta(seconds=61)))
    fleet.done(fleet.db.run(refresh_host, SYSTEM, fleet.id()))
    assert fleet.status() == "non_operational"
    assert "eth1 (storage)" in fleet.data().row.status_reason
    assert 603 in fleet.codes()


def test_maintenance_and_back(fleet: Fleet) -> None:
    assert code_of(fleet, activate_host, fleet.id()) == "VDS_ALREADY_UP"
    assert code_of(fleet, remove_host, fleet.id()) == "VDS_CANNOT_REMOVE_VDS_STATUS_ILLEGAL"
    fleet.db.run(deactivate_host, SYSTEM, fleet.id())
    assert fleet.status() == "maintenance"
    assert code_of(fleet, deactivate_host, fleet.id()) == "VDS_CANNOT_MAINTENANCE_VDS_IS_IN_MAINTENANCE"
    fleet.monitor.round(fleet.db)
    assert fleet.status() == "maintenance"
    fleet.done(fleet.db.run(activate_host, SYSTEM, fleet.id()))
    assert fleet.status() == "up"


def test_a_host_leaves(fleet: Fleet) -> None:
    fleet.db.run(deactivate_host, SYSTEM, fleet.id())
    fleet.db.run(remove_host, SYSTEM, fleet.id())
    with pytest.raises(NotFoundError):
        fleet.data()
    fleet.monitor.round(fleet.db)


def test_a_host_is_renamed(fleet: Fleet) -> None:
    fleet.db.run(update_host, SYSTEM, UpdateHost(id=fleet.id(), name="renamed", comment="c"))
    assert (fleet.data().row.name, fleet.data().row.comment) == ("renamed", "c")


def test_a_host_moves_to_a_cluster_that_has_its_networks(fleet: Fleet) -> None:
    cluster_id = fleet.db.run(add_cluster, SYSTEM, AddCluster(name="other", data_center=Ref(name="Default")))
    move = UpdateHost(id=fleet.id(), cluster=Ref(id=cluster_id))
    assert code_of(fleet, update_host, move) == "VDS_STATUS_NOT_VALID_FOR_UPDATE"
    require_network(fleet)
    fleet.attach("storage", "eth1")
    fleet.db.run(deactivate_host, SYSTEM, fleet.id())
    assert code_of(fleet, update_host, move) == "NETWORK_NOT_EXISTS_IN_CLUSTER"
    from netweft.engine.commands.setup_networks import remove_attachment  # noqa: PLC0415 - used once

    fleet.done(fleet.db.run(remove_attachment, SYSTEM, fleet.id(), fleet.attachment_id("storage")))
    fleet.db.run(update_host, SYSTEM, move)
    fleet.done(fleet.db.run(activate_host, SYSTEM, fleet.id()))
    assert (fleet.status(), fleet.data().row.cluster_name) == ("up", "other")
    assert fleet.carried() == {"ovirtmgmt": "eth0"}
