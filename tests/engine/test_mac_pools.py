"""MAC pools, and the addresses that they give."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import func, insert, select

import rows
from netweft.core.errors import DeniedError, NotFoundError, ValidationError
from netweft.core.rules.mac_pool import MacRange, mac_number, mac_text
from netweft.engine import seed as bootstrap
from netweft.engine.access.objects import SYSTEM_REF
from netweft.engine.actor import SYSTEM
from netweft.engine.commands import mac_pools as commands
from netweft.engine.commands.clusters import AddCluster, UpdateCluster, add_cluster, update_cluster
from netweft.engine.commands.mac_pools import AddMacPool, UpdateMacPool
from netweft.engine.db import Database
from netweft.engine.model import mac_pools as model
from netweft.engine.model.events import events
from netweft.engine.operations import mac_addresses
from netweft.engine.queries import mac_pools as queries
from netweft.engine.queries.references import Ref

FIRST = mac_number("02:00:00:00:00:00")


@pytest.fixture(autouse=True)
def seeded(db: Database) -> None:
    with db.write() as tx:
        rows.add_roles(tx)
        bootstrap.seed(tx, SYSTEM)


def span(first: int, size: int) -> MacRange:
    return MacRange(FIRST + first, FIRST + first + size - 1)


def add(db: Database, *ranges: MacRange, name: str = "small", allow_duplicates: bool = False) -> str:
    spec = AddMacPool(name=name, ranges=ranges or (span(1, 4),), allow_duplicates=allow_duplicates)
    return db.run(commands.add_mac_pool, SYSTEM, spec)


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(ValidationError) as refusal:
        act()
    return refusal.value.code


def used(db: Database, pool_id: str) -> dict[str, int]:
    with db.read() as tx:
        found = tx.execute(select(model.mac_addresses).where(model.mac_addresses.c.pool_id == pool_id))
        return {mac_text(row.address): row.uses for row in found}


def test_numbers_and_texts() -> None:
    assert mac_text(mac_number("02:AB:00:00:00:0f")) == "02:ab:00:00:00:0f"
    with pytest.raises(ValueError, match="no MAC address"):
        mac_number("02:AB:00:00:00")


def test_a_pool_gives_each_of_its_addresses_once(db: Database) -> None:
    pool_id = add(db, span(1, 2), span(8, 3))
    given = [db.run(mac_addresses.allocate_mac, pool_id) for _ in range(5)]
    assert sorted(given) == [mac_text(FIRST + number) for number in (1, 2, 8, 9, 10)]
    with pytest.raises(ValidationError, match="Not enough MAC addresses left in MAC Address Pool") as refusal:
        db.run(mac_addresses.allocate_mac, pool_id)
    assert refusal.value.code == "MAC_POOL_NOT_ENOUGH_MAC_ADDRESSES"
    db.run(mac_addresses.release_mac, pool_id, given[2])
    assert db.run(mac_addresses.allocate_mac, pool_id) == given[2]


def test_people_are_told_that_a_pool_runs_out(db: Database) -> None:
    pool_id = add(db, span(1, 8), span(20, 4), name="low")
    for _ in range(12):
        db.run(mac_addresses.allocate_mac, pool_id)
    with db.read() as tx:
        told = tx.execute(select(events).where(events.c.code.in_((816, 8160))).order_by(events.c.id)).all()
    assert [row.code for row in told] == [8160] * 10 + [816]
    assert {row.severity for row in told} == {"warning"}
    assert told[0].description == "MAC pool low has 10 addresses left. Add a range to it."


def test_a_large_pool_is_counted_when_few_are_left(db: Database) -> None:
    pool_id = add(db, span(0, 2000))
    used_up = [{"pool_id": pool_id, "address": FIRST + number, "uses": 1} for number in range(1999)]
    with db.write() as tx:
        tx.execute(insert(model.mac_addresses), used_up)
    assert db.run(mac_addresses.allocate_mac, pool_id) == mac_text(FIRST + 1999)
    with pytest.raises(ValidationError):
        db.run(mac_addresses.allocate_mac, pool_id)


def test_many_who_ask_at_once_get_different_addresses(db: Database) -> None:
    pool_id = add(db, span(1, 100))
    given: list[str] = []

    def work() -> None:
        given.extend(db.run(mac_addresses.allocate_mac, pool_id) for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == len(set(given)) == 80


def test_an_address_that_another_pool_uses_is_not_given(db: Database) -> None:
    pool_id = add(db, span(1, 2))
    with db.read() as tx:
        default_id = queries.default_id(tx)
    db.run(mac_addresses.take_mac, default_id, mac_text(FIRST + 1))
    assert db.run(mac_addresses.allocate_mac, pool_id) == mac_text(FIRST + 2)


def test_an_address_asked_for_is_given_once(db: Database) -> None:
    pool_id = add(db)
    assert db.run(mac_addresses.take_mac, pool_id, "02:FF:00:00:00:01") == "02:ff:00:00:00:01"
    with db.write() as tx:
        cluster = add_cluster(
            tx, SYSTEM, AddCluster(name="c", data_center=Ref(name="Default"), mac_pool=Ref(id=pool_id))
        )
        rows.add_vnic(tx, rows.add_vm(tx, cluster, "web"), None, "02:ff:00:00:00:01")
    with pytest.raises(ValidationError) as refusal:
        db.run(mac_addresses.take_mac, pool_id, "02:ff:00:00:00:01")
    assert "MAC Address 02:ff:00:00:00:01 is already in use by VM or snapshot: web" in refusal.value.text
    assert refusal.value.code == "NETWORK_MAC_ADDRESS_IN_USE"


def test_a_pool_that_allows_duplicates_counts_them(db: Database) -> None:
    pool_id = add(db, allow_duplicates=True)
    mac = mac_text(FIRST + 1)
    for _ in range(3):
        db.run(mac_addresses.take_mac, pool_id, mac)
    assert used(db, pool_id) == {mac: 3}
    refused = code_of(
        lambda: db.run(commands.update_mac_pool, SYSTEM, UpdateMacPool(id=pool_id, allow_duplicates=False))
    )
    assert refused == "ACTION_TYPE_FAILED_MAC_POOL_CONTAINS_DUPLICATES"
    for left in ({mac: 2}, {mac: 1}, {}):
        db.run(mac_addresses.release_mac, pool_id, mac)
        assert used(db, pool_id) == left
    db.run(commands.update_mac_pool, SYSTEM, UpdateMacPool(id=pool_id, allow_duplicates=False))


def test_changes(db: Database) -> None:
    pool_id = add(db)
    spec = UpdateMacPool(id=pool_id, name="large", description="d", comment="c", ranges=(span(20, 9), span(3, 9)))
    db.run(commands.update_mac_pool, SYSTEM, spec)
    with db.read() as tx:
        row = queries.get(tx, pool_id)
        assert (row.name, row.description, row.comment) == ("large", "d", "c")
        assert queries.ranges_of(tx, (pool_id,)) == {pool_id: [span(3, 9), span(20, 9)]}


def test_a_pool_that_a_cluster_uses_stays(db: Database) -> None:
    pool_id = add(db)
    spec = AddCluster(name="c", data_center=Ref(name="Default"), mac_pool=Ref(id=pool_id))
    cluster_id = db.run(add_cluster, SYSTEM, spec)
    refused = code_of(lambda: db.run(commands.remove_mac_pool, SYSTEM, pool_id))
    assert refused == "ACTION_TYPE_FAILED_CANNOT_REMOVE_STILL_USED_MAC_POOL"
    db.run(update_cluster, SYSTEM, UpdateCluster(id=cluster_id, mac_pool=Ref(name="Default")))
    db.run(commands.remove_mac_pool, SYSTEM, pool_id)
    with pytest.raises(NotFoundError):
        db.run(commands.remove_mac_pool, SYSTEM, pool_id)


def test_a_cluster_takes_its_addresses_along_to_another_pool(db: Database) -> None:
    shared, strict = add(db, allow_duplicates=True), add(db, span(50, 2), name="strict")
    macs = ["02:ff:00:00:00:01", "02:ff:00:00:00:02"]
    with db.write() as tx:
        spec = AddCluster(name="c", data_center=Ref(name="Default"), mac_pool=Ref(id=shared))
        cluster_id = add_cluster(tx, SYSTEM, spec)
        vm_id = rows.add_vm(tx, cluster_id, "web")
        for mac in macs:
            rows.add_vnic(tx, vm_id, None, mac_addresses.take_mac(tx, shared, mac))
        mac_addresses.take_mac(tx, shared, macs[0])
        mac_addresses.take_mac(tx, strict, macs[1])
    move = UpdateCluster(id=cluster_id, mac_pool=Ref(id=strict))
    refused = code_of(lambda: db.run(update_cluster, SYSTEM, move))
    assert refused == "ACTION_TYPE_FAILED_CANNOT_MIGRATE_MACS_DUE_TO_DUPLICATES"
    db.run(mac_addresses.release_mac, strict, macs[1])
    db.run(update_cluster, SYSTEM, move)
    assert used(db, strict) == dict.fromkeys(macs, 1)
    assert used(db, shared) == {macs[0]: 1}


def test_rights(db: Database) -> None:
    with db.write() as tx:
        reader = rows.add_user(tx, "reader", ("ReadOnlyAdmin", SYSTEM_REF))
        owner = rows.add_user(tx, "owner", ("MacPoolAdmin", SYSTEM_REF), ("ClusterAdmin", SYSTEM_REF))
        builder = rows.add_user(tx, "builder", ("ClusterAdmin", SYSTEM_REF))
    spec = AddMacPool(name="small", ranges=(span(1, 4),))
    with pytest.raises(DeniedError):
        db.run(commands.add_mac_pool, reader, spec)
    pool_id = db.run(commands.add_mac_pool, owner, spec)
    with pytest.raises(DeniedError):
        db.run(commands.update_mac_pool, reader, UpdateMacPool(id=pool_id, name="x"))
    with pytest.raises(DeniedError):
        db.run(commands.remove_mac_pool, reader, pool_id)
    cluster = AddCluster(name="c", data_center=Ref(name="Default"), mac_pool=Ref(id=pool_id))
    with pytest.raises(DeniedError):
        db.run(add_cluster, builder, cluster)
    db.run(add_cluster, owner, cluster)
    with db.read() as tx:
        assert tx.scalar(select(func.count()).select_from(model.mac_pools)) == 2


def test_an_address_is_in_one_pool_of_those_that_forbid_duplicates(db: Database) -> None:
    first, second = add(db), add(db, span(20, 2), name="other")
    lax = add(db, span(30, 2), name="lax", allow_duplicates=True)
    by_hand = mac_text(FIRST + 40)
    db.run(mac_addresses.take_mac, first, by_hand)
    assert code_of(lambda: db.run(mac_addresses.take_mac, second, by_hand)) == "NETWORK_MAC_ADDRESS_IN_USE"
    db.run(mac_addresses.take_mac, lax, by_hand)
    forbid = UpdateMacPool(id=lax, allow_duplicates=False)
    code = code_of(lambda: db.run(commands.update_mac_pool, SYSTEM, forbid))
    assert code == "ACTION_TYPE_FAILED_MAC_POOL_CONTAINS_DUPLICATES"
    db.run(mac_addresses.release_mac, first, by_hand)
    db.run(commands.update_mac_pool, SYSTEM, forbid)
    assert code_of(lambda: db.run(mac_addresses.take_mac, first, by_hand)) == "NETWORK_MAC_ADDRESS_IN_USE"
    db.run(commands.update_mac_pool, SYSTEM, UpdateMacPool(id=lax, allow_duplicates=True))
    db.run(mac_addresses.take_mac, first, by_hand)
    assert (used(db, first), used(db, lax)) == ({by_hand: 1}, {by_hand: 1})


def test_two_who_give_the_same_address_in_two_pools_at_once(db: Database) -> None:
    pools, by_hand = [add(db), add(db, span(20, 2), name="other")], mac_text(FIRST + 40)
    refused: list[str] = []
    ready = threading.Barrier(2)

    def take(pool_id: str) -> None:
        ready.wait()
        try:
            db.run(mac_addresses.take_mac, pool_id, by_hand)
        except ValidationError as error:
            refused.append(error.code)

    threads = [threading.Thread(target=take, args=(pool,)) for pool in pools]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["NETWORK_MAC_ADDRESS_IN_USE"]


def test_addresses_move_only_where_no_third_pool_forbids_them(db: Database) -> None:
    lax = add(db, allow_duplicates=True)
    strict, third = add(db, span(20, 2), name="strict"), add(db, span(30, 2), name="third")
    by_hand = mac_text(FIRST + 40)
    db.run(mac_addresses.take_mac, lax, by_hand)
    db.run(mac_addresses.take_mac, third, by_hand)

    def move() -> None:
        db.run(mac_addresses.move_macs, [by_hand], lax, strict, action="Cannot.")

    assert code_of(move) == "ACTION_TYPE_FAILED_CANNOT_MIGRATE_MACS_DUE_TO_DUPLICATES"
    db.run(mac_addresses.release_mac, third, by_hand)
    move()
    assert (used(db, lax), used(db, strict)) == ({}, {by_hand: 1})
