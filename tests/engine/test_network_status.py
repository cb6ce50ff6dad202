"""The statuses of a cluster's networks, which follow from all its hosts, are kept by what changes on one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from itertools import product

import pytest
import sqlalchemy as sa
from hypothesis import given

import rows
from core.strategies import sources
from databases import Databases
from meanwhile import meanwhile
from netweft.core.intent import AttachmentIntent
from netweft.engine import seed as bootstrap
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.cluster_networks import (
    AttachNetwork,
    UpdateClusterNetwork,
    attach_network,
    detach_network,
    update_cluster_network,
)
from netweft.engine.commands.clusters import AddCluster, add_cluster
from netweft.engine.commands.hosts import UpdateHost, forget_host, host_joined, set_status, update_host
from netweft.engine.commands.networks import AddNetwork, add_network
from netweft.engine.db import Database, Tx, lock, new_id
from netweft.engine.model.cluster_networks import cluster_networks, missing_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.host_networks import Candidate, attachments
from netweft.engine.model.hosts import hosts
from netweft.engine.operations import host_changes
from netweft.engine.operations.network_status import attachments_changed
from netweft.engine.queries.references import Ref
from netweft.engine.queries.rollouts import held_of
from properties import examples

Statuses = dict[tuple[str, str], str]
"""By cluster and network."""

OUT_OF_SERVICE = ("maintenance", "non_responsive", "non_operational")


def evaluate_all_hosts(tx: Tx) -> None:
    """What the statuses mean: optional networks are operational; a required one is operational when every host that
    is up has it, non-operational when one has not, and stays as it was while no host is up.
    """
    up = sa.and_(hosts.c.cluster_id == cluster_networks.c.cluster_id, hosts.c.status == "up")
    carried = sa.exists().where(
        attachments.c.host_id == hosts.c.id, attachments.c.network_id == cluster_networks.c.network_id
    )
    lacking = sa.exists().where(up, ~carried.correlate(hosts, cluster_networks))
    desired = sa.case(
        (~cluster_networks.c.required, "operational"),
        (lacking, "non_operational"),
        (sa.exists().where(up), "operational"),
        else_=cluster_networks.c.status,
    )
    tx.execute(sa.update(cluster_networks).values(status=desired))


def statuses(tx: Tx) -> Statuses:
    return {(row.cluster_id, row.network_id): row.status for row in tx.execute(sa.select(cluster_networks))}


class UndoneError(Exception):
    """Raised to undo a transaction."""


def statuses_by_all_hosts(db: Database, before: Statuses) -> Statuses:
    """What :func:`evaluate_all_hosts` makes of the statuses that there were."""
    found: Statuses = {}

    def evaluate(tx: Tx) -> None:
        nonlocal found
        for (cluster_id, network_id), status in before.items():
            here = cluster_networks.c.cluster_id == cluster_id, cluster_networks.c.network_id == network_id
            tx.execute(sa.update(cluster_networks).where(*here, cluster_networks.c.required).values(status=status))
        evaluate_all_hosts(tx)
        found = statuses(tx)
        raise UndoneError

    with pytest.raises(UndoneError):
        db.run(evaluate)
    return found


class World:
    """Two clusters with the same networks, and hosts that nobody simulates. ``places``: clusters by id of host."""

    def __init__(self, db: Database) -> None:
        self.db = db
        with db.write() as tx:
            rows.add_roles(tx)
            bootstrap.seed(tx, SYSTEM)
            first = tx.execute(sa.select(clusters.c.id)).scalar_one()
        second = db.run(add_cluster, SYSTEM, AddCluster(name="racks", data_center=Ref(name="Default")))
        self.clusters = (first, second)
        self.networks = [
            db.run(add_network, SYSTEM, AddNetwork(name=f"n{number}", data_center=Ref(name="Default"))).id
            for number in range(3)
        ]
        for cluster_id in self.clusters:
            for number, network_id in enumerate(self.networks):
                self.attach(cluster_id, network_id, required=number != 0)
        self.places: dict[str, str] = {}
        for cluster_id in (first, first, first, second):
            self.add_host(cluster_id)

    def attach(self, cluster_id: str, network_id: str, *, required: bool) -> None:
        spec = AttachNetwork(cluster_id=cluster_id, network=Ref(id=network_id), required=required)
        self.db.run(attach_network, SYSTEM, spec)

    def require(self, cluster_id: str, network_id: str, *, required: bool) -> None:
        spec = UpdateClusterNetwork(cluster_id=cluster_id, network_id=network_id, required=required)
        self.db.run(update_cluster_network, SYSTEM, spec)

    def add_host(self, cluster_id: str) -> None:
        host_id = self.db.run(rows.add_host, cluster_id, f"h-{new_id()}", "maintenance")
        self.places[host_id] = cluster_id

    def turn(self, host_id: str, status: str) -> None:
        self.db.run(turned(host_id, status))

    def give(self, host_id: str, network_ids: list[str]) -> None:
        """Make these the networks that the host has."""
        self.db.run(equipped(host_id, *network_ids))

    def in_clusters(self) -> Statuses:
        with self.db.read() as tx:
            return statuses(tx)


class Chances:
    """One thing after the other that changes what statuses follow from."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world = world
        self.chance = chance
        self.management = next(network_id for _, network_id in world.in_clusters() if network_id not in world.networks)

    def host(self, places: Iterable[str]) -> str:
        """One of them, in the order in which they came, as their ids are others each time."""
        return self.chance.choice(list(places))

    def in_clusters(self) -> list[tuple[str, str]]:
        """The networks of clusters, likewise."""
        there, everything = self.world.in_clusters(), (self.management, *self.world.networks)
        return [pair for pair in product(self.world.clusters, everything) if pair in there]

    def step(self) -> None:
        steps: list[Callable[[], None]] = [self.turn, self.turn, self.give, self.give, self.require, self.attach]
        self.chance.choice([*steps, self.move, self.replace])()

    def turn(self) -> None:
        host_id = self.host(self.world.places)
        self.world.turn(host_id, self.chance.choice(["up", "up", *OUT_OF_SERVICE]))

    def give(self) -> None:
        host_id = self.host(self.world.places)
        there = [key[1] for key in self.in_clusters() if key[0] == self.world.places[host_id]]
        self.world.give(host_id, [network_id for network_id in there if self.chance.random() < 0.8])

    def require(self) -> None:
        """Optional becomes required, and the other way round."""
        cluster_id, network_id = self.chance.choice(self.in_clusters())
        if network_id != self.management:
            self.world.require(cluster_id, network_id, required=self.chance.random() < 0.7)

    def attach(self) -> None:
        """A network comes to a cluster, or goes."""
        cluster_id, network_id = self.chance.choice(self.world.clusters), self.chance.choice(self.world.networks)
        if (cluster_id, network_id) in self.world.in_clusters():
            self.world.db.run(detach_network, SYSTEM, cluster_id, network_id)
        else:
            self.world.attach(cluster_id, network_id, required=self.chance.random() < 0.7)

    def move(self) -> None:
        """A host that waits for no rollout goes to the other cluster with what both have."""
        with self.world.db.read() as tx:
            waiting = held_of(tx, self.world.places)
        if not (idle := [one for one in self.world.places if one not in waiting]):
            return
        host_id = self.host(idle)
        there = next(one for one in self.world.clusters if one != self.world.places[host_id])
        self.world.turn(host_id, "maintenance")
        self.world.give(host_id, [self.management])
        self.world.db.run(update_host, SYSTEM, UpdateHost(id=host_id, cluster=Ref(id=there)))
        self.world.places[host_id] = there

    def replace(self) -> None:
        """A host joins anew, or goes and another comes."""
        host_id = self.host(self.world.places)
        if self.chance.random() < 0.5:
            self.world.db.run(host_joined, host_id, "https://192.0.2.1")
            return
        self.world.db.run(lambda tx: forget_host(tx, SYSTEM, lock(tx, hosts, host_id)))
        self.world.add_host(self.world.places.pop(host_id))


def test_statuses_are_what_all_hosts_together_say(databases: Databases) -> None:
    seen = set()

    @examples(5)
    @given(sources)
    def walks(chance: random.Random) -> None:
        with databases.fresh() as db:
            chances = Chances(World(db), chance)
            for _ in range(40):
                before = chances.world.in_clusters()
                chances.step()
                after = chances.world.in_clusters()
                assert after == statuses_by_all_hosts(db, before)
                assert stored(db) == lacked(db)
                seen.update(after.values())

    walks()
    assert seen == {"operational", "non_operational"}


def turned(host_id: str, status: str) -> Callable[[Tx], object]:
    return lambda tx: set_status(tx, lock(tx, hosts, host_id), status, "")


def equipped(host_id: str, *network_ids: str) -> Callable[[Tx], object]:
    desired = tuple(AttachmentIntent(id=new_id(), network_id=network_id, nic="eth1") for network_id in network_ids)

    def give(tx: Tx) -> None:
        lock(tx, hosts, host_id)
        if host_changes.store(tx, host_id, Candidate(attachments=desired)):
            attachments_changed(tx, host_id)

    return give


def demanded(cluster_id: str, network_id: str) -> Callable[[Tx], object]:
    spec = UpdateClusterNetwork(cluster_id=cluster_id, network_id=network_id, required=True)
    return lambda tx: update_cluster_network(tx, SYSTEM, spec)


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("case", ["comes and is mended", "goes and comes", "demanded and comes", "demanded and given"])
def test_what_changes_at_once_leaves_no_wrong_status(db: Database, case: str, turn: int) -> None:
    """None of two sees what the other has written before it is committed. ``turn``: which of them is first."""
    world = World(db)
    (cluster_id, _), (optional, desired, other) = world.clusters, world.networks
    one, two = [host_id for host_id, place in world.places.items() if place == cluster_id][:2]
    with db.read() as tx:
        management = tx.scalars(sa.select(cluster_networks.c.network_id).where(cluster_networks.c.management)).first()
    assert management
    everything = (management, desired, other)
    begin: list[Callable[[Tx], object]]
    if case == "comes and is mended":
        begin = [equipped(one, *everything[:1]), equipped(two, *everything[:1]), turned(two, "up")]
        acts = [turned(one, "up"), equipped(two, *everything)]
    elif case == "goes and comes":
        begin = [equipped(one, *everything[:1]), equipped(two, *everything), turned(one, "up")]
        acts = [turned(one, "maintenance"), turned(two, "up")]
    elif case == "demanded and comes":
        begin = [equipped(one, *everything), turned(one, "up"), equipped(two, *everything)]
        acts = [demanded(cluster_id, optional), turned(two, "up")]
    else:
        begin = [equipped(one, *everything), turned(one, "up")]
        acts = [demanded(cluster_id, optional), equipped(one, *everything, optional)]
    for act in begin:
        db.run(act)
    meanwhile(db, *acts[::turn]).result()
    found = world.in_clusters()
    assert found == statuses_by_all_hosts(db, found)
    assert stored(db) == lacked(db)


def stored(db: Database) -> set[tuple[str, str]]:
    """The rows of hosts with networks that they lack."""
    with db.read() as tx:
        return {(row.host_id, row.network_id) for row in tx.execute(sa.select(missing_networks))}


def lacked(db: Database) -> set[tuple[str, str]]:
    """The hosts that are up with the required networks of their clusters that they have no attachment of."""
    with db.read() as tx:
        up = tx.execute(
            sa.select(hosts.c.id, cluster_networks.c.network_id)
            .join(cluster_networks, cluster_networks.c.cluster_id == hosts.c.cluster_id)
            .where(hosts.c.status == "up", cluster_networks.c.required)
        )
        had = tx.execute(sa.select(attachments.c.host_id, attachments.c.network_id))
        return {(row.id, row.network_id) for row in up} - {(row.host_id, row.network_id) for row in had}
