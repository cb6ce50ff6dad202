"""A host that somebody changed by hand: seen, told once, put right by sync and by every setup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.test_setup_networks import add, attachment, request, static
from fleet import Fleet, running_fleet
from hosts import without_link
from netweft.core.drift_healing import Healing
from netweft.core.errors import ValidationError
from netweft.core.guest_protocol import GuestNic, GuestSpec
from netweft.core.host import Address, Host
from netweft.core.host_request import AttachmentChange, BondChange, LabelChange, Ref
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.clusters import UpdateCluster, update_cluster
from netweft.engine.commands.drift_answers import IgnoreDrift, adopt_host_drift, count_drift, ignore_drift
from netweft.engine.commands.host_plans import plan_host_networks
from netweft.engine.commands.networks import UpdateNetwork, update_network
from netweft.engine.commands.setup_networks import sync_all_networks
from netweft.engine.db import Database, utc_now
from netweft.engine.jobs import drift_watch
from netweft.engine.jobs.drift_healing import HEALED, LEFT_ALONE, NOT_HEALED
from netweft.engine.model.events import events
from netweft.engine.model.host_networks import attachments
from netweft.engine.model.hosts import host_differences, host_drifts, host_healings, hosts
from netweft.engine.operations.host_drifts import HOST_DRIFTS, HOST_DRIFTS_MORE, HOST_IN_SYNC


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    """sim-1 carries storage (VLAN 100, with an address and a gateway) and tenants (VLAN 200) on a bond."""
    with running_fleet(db, tmp_path) as fleet:
        add(fleet, "storage", vlan_id=100, stp=True)
        add(fleet, "tenants", vlan_id=200)
        bond = BondChange(
            bond=Ref(name="bond0"),
            slaves=(Ref(name="eth1"), Ref(name="eth2")),
            options={"mode": "1", "miimon": "100"},
        )
        storage = attachment("storage", "bond0", assignments=static("10.0.0.5", gateway="10.0.0.1"))
        fleet.done(fleet.setup(request(storage, attachment("tenants", "bond0"), bonds=(bond,), commit_on_success=True)))
        fleet.monitor.round(fleet.db)
        assert fleet.data().drift.is_empty
        yield fleet


def lines(fleet: Fleet) -> list[str]:
    """What lists know of the host's drift."""
    with fleet.db.read() as tx:
        found = tx.scalars(sa.select(host_drifts.c.lines).where(host_drifts.c.host_id == fleet.id())).one_or_none()
    return list(found or ())


def drift_codes(fleet: Fleet) -> list[int]:
    return [code for code in fleet.codes() if code in {HOST_DRIFTS, HOST_IN_SYNC}]


def by_hand(fleet: Fleet, host: Host) -> None:
    """Somebody makes this of the host, and the engine sees it."""
    fleet.simulate(host=host)
    fleet.monitor.round(fleet.db)


def with_link(host: Host, name: str, **fields: object) -> Host:
    return host.with_link(replace(host.links()[name], **fields))  # type: ignore[arg-type] # of the link's kind


def without_rules(host: Host) -> Host:
    return replace(host, rules=())


BY_HAND: dict[str, tuple[Callable[[Host], Host], tuple[str, ...], dict[str, int]]] = {
    "a bridge is down": (
        lambda host: with_link(host, "tenants", up=False),
        ("tenants: up should be on, and is off",),
        {"attachments": 1},
    ),
    "both members of a bond are down": (
        lambda host: with_link(with_link(host, "eth1", up=False), "eth2", up=False),
        ("eth1: up should be on, and is off", "eth2: up should be on, and is off"),
        {"bases": 1},
    ),
    "a member is lost": (
        lambda host: with_link(host, "eth2", master=""),
        ("eth2: master should be bond0, and is none",),
        {"bases": 1},
    ),
    "bond options": (
        lambda host: with_link(host, "bond0", options={}),
        ("bond0: options should be miimon=100, and is none",),
        {"bases": 1},
    ),
    "STP": (
        lambda host: with_link(host, "storage", stp=False),
        ("storage: stp should be on, and is off",),
        {"attachments": 1},
    ),
    "an extra address": (
        lambda host: with_link(host, "tenants", addresses=(Address(ip="198.51.100.7", prefix=24),)),
        ("tenants: addresses should be none, and is 198.51.100.7/24",),
        {"attachments": 1},
    ),
    "policy rules are gone": (
        without_rules,
        tuple(f"the rule {way} 10.0.0.0/24 to table 204276470 is missing" for way in ("to", "from")),
        {"attachments": 1},
    ),
    "the MTU of a NIC below a bridge": (
        lambda host: with_link(host, "eth0", mtu=1400),
        ("eth0: mtu should be 1500, and is 1400",),
        {"bases": 1},
    ),
    "something of ours that should have gone": (
        lambda host: host.with_link(replace(host.bridges["tenants"], name="old", owner="gone")),
        ("old exists, and should not",),
        {"host": 1},
    ),
}


@pytest.mark.parametrize("what", BY_HAND)
def test_what_was_changed_by_hand_is_seen_told_and_put_right(fleet: Fleet, what: str) -> None:
    change, said, groups = BY_HAND[what]
    by_hand(fleet, change(fleet.host()))
    assert tuple(lines(fleet)) == said
    drift = fleet.data().drift
    assert {name: len(found) for name in ("attachments", "bases", "host") if (found := getattr(drift, name))} == groups
    fleet.monitor.round(fleet.db)
    assert drift_codes(fleet) == [HOST_DRIFTS]
    with fleet.db.read() as tx:
        text = tx.execute(sa.select(events.c.description).where(events.c.code == HOST_DRIFTS)).scalar_one()
        assert plan_host_networks(tx, SYSTEM, fleet.id(), request()).steps
    assert text == f"Host sim-1 is out of sync: {'; '.join(said)}."
    fleet.done(fleet.db.run(sync_all_networks, SYSTEM, fleet.id()))
    assert lines(fleet) == []
    assert fleet.data().drift.is_empty
    by_hand(fleet, change(fleet.host()))
    fleet.done(fleet.setup(request()))
    assert fleet.data().drift.is_empty
    assert drift_codes(fleet) == [HOST_DRIFTS, HOST_IN_SYNC] * 2


def test_a_host_as_wanted_has_nothing_to_do(fleet: Fleet) -> None:
    with fleet.db.read() as tx:
        assert plan_host_networks(tx, SYSTEM, fleet.id(), request()).steps == ()
    assert fleet.setup(request()) is None
    assert fleet.db.run(sync_all_networks, SYSTEM, fleet.id()) is None
    assert drift_codes(fleet) == []


def test_a_carrier_or_a_lease_is_no_drift(fleet: Fleet) -> None:
    host = with_link(fleet.host(), "eth1", carrier=False)
    by_hand(fleet, with_link(host, "tenants", dynamic=(Address(ip="198.51.100.8", prefix=24),)))
    assert fleet.data().drift.is_empty
    assert drift_codes(fleet) == []
    assert fleet.data().differences() == {}


def test_what_is_shared_locks_nobody_out(fleet: Fleet) -> None:
    """A change of a network on a bond that lost a member is no change of what somebody else did to the network."""
    by_hand(fleet, with_link(fleet.host(), "eth2", master=""))
    data = fleet.data()
    assert not any(all(one.in_sync for one in data.compare(a)) for a in data.intent.attachments if a.nic == "bond0")
    assert data.differences() == {}
    desired = AttachmentChange(id=fleet.attachment_id("tenants"), assignments=static("10.2.0.5"))
    fleet.done(fleet.setup(request(desired)))
    assert fleet.host().ports_of("bond0") == ["eth1", "eth2"]
    assert drift_codes(fleet) == [HOST_DRIFTS, HOST_IN_SYNC]


def test_what_is_a_networks_own_has_to_be_named(fleet: Fleet) -> None:
    by_hand(fleet, with_link(fleet.host(), "tenants", up=False))
    desired = AttachmentChange(id=fleet.attachment_id("tenants"), assignments=static("10.2.0.5"))
    with pytest.raises(ValidationError, match=r"tenants\.up is off on the host and on is wanted") as refusal:
        fleet.setup(request(desired))
    assert refusal.value.code == "NETWORK_NOT_IN_SYNC"
    fleet.done(fleet.setup(request(desired, synchronized=(desired.id,))))
    assert fleet.host().bridges["tenants"].up


def test_a_label_alone_still_touches_no_host(fleet: Fleet) -> None:
    by_hand(fleet, with_link(fleet.host(), "tenants", up=False))
    label = request(labels=(LabelChange(label="red", nic=Ref(name="eth3")),))
    with fleet.db.read() as tx:
        assert plan_host_networks(tx, SYSTEM, fleet.id(), label).steps == ()
    assert fleet.setup(label) is None
    assert not fleet.host().bridges["tenants"].up


def test_what_cannot_be_put_right_says_why(fleet: Fleet) -> None:
    by_hand(fleet, with_link(fleet.host(), "tenants", owner=""))
    text = "tenants exists on the host and was not made by Netweft; rename or remove it there first."
    assert lines(fleet)[-1] == text


def test_a_network_that_the_host_has_yet_to_take_over_is_no_news(fleet: Fleet) -> None:
    network_id = next(one for one, view in fleet.data().networks.items() if view.name == "tenants")
    fleet.db.run(update_network, SYSTEM, UpdateNetwork(id=network_id, mtu=1400))
    fleet.until(lambda: fleet.host().bridges["tenants"].mtu == 1400)
    fleet.until(lambda: "pending" not in fleet.change_states())
    assert fleet.data().drift.is_empty
    assert drift_codes(fleet) == []


def test_a_port_of_a_guest_is_put_right_by_its_driver(fleet: Fleet) -> None:
    nic = GuestNic(id="11111111-0000-0000-0000-000000000000", name="nic1", mac="02:00:00:00:99:01", bridge="tenants")
    spec = GuestSpec(id="g1", name="web", driver="simulated", memory=1 << 20, nics=(nic,))
    fleet.agent().put_guest(spec)
    fleet.monitor.round(fleet.db)
    (port,) = fleet.host().guest_ports.values()
    by_hand(fleet, replace(fleet.host(), guest_ports={port.name: replace(port, bridge="storage")}))
    assert fleet.data().drift.lines() == ("vNIC nic1 of guest web: bridge should be tenants, and is storage",)
    assert lines(fleet) == [], "a guest that is not on this host according to the engine does not count"
    fleet.done(fleet.db.run(sync_all_networks, SYSTEM, fleet.id()))
    assert fleet.host().guest_ports == {port.name: port}
    assert fleet.data().drift.is_empty


def test_a_removed_host_leaves_no_drift(fleet: Fleet) -> None:
    by_hand(fleet, with_link(fleet.host(), "tenants", up=False))
    with fleet.db.write() as tx:
        known = tx.execute(sa.select(host_drifts.c.since)).scalar_one()
        assert known <= utc_now()
        tx.execute(sa.delete(hosts).where(hosts.c.id == fleet.id()))
        assert tx.execute(sa.select(host_drifts)).all() == []


def ignored(fleet: Fleet) -> dict[str, datetime | None]:
    """The texts of what is ignored, and until when."""
    with fleet.db.read() as tx:
        query = sa.select(host_differences.c.text, host_differences.c.ignored_until)
        return {
            row.text: row.ignored_until for row in tx.execute(query.where(host_differences.c.ignored_at.is_not(None)))
        }


def test_what_is_ignored_does_not_count_until_it_changes(fleet: Fleet) -> None:
    change = with_link(with_link(fleet.host(), "eth1", mtu=1400), "tenants", up=False)
    by_hand(fleet, change)
    spec = IgnoreDrift(host_id=fleet.id(), names=("eth1.mtu",), reason="cable test")
    fleet.db.run(ignore_drift, SYSTEM, spec)
    assert lines(fleet) == ["tenants: up should be on, and is off"]
    fleet.db.run(ignore_drift, SYSTEM, IgnoreDrift(host_id=fleet.id(), names=("tenants",)))
    assert lines(fleet) == []
    assert drift_codes(fleet) == [HOST_DRIFTS, HOST_IN_SYNC]
    assert set(ignored(fleet)) == {"eth1: mtu should be 1500, and is 1400", "tenants: up should be on, and is off"}
    by_hand(fleet, with_link(fleet.host(), "eth1", mtu=1300))
    assert lines(fleet) == ["eth1: mtu should be 1500, and is 1300"]
    assert set(ignored(fleet)) == {"tenants: up should be on, and is off"}
    fleet.db.run(count_drift, SYSTEM, fleet.id())
    assert lines(fleet) == ["eth1: mtu should be 1500, and is 1300", "tenants: up should be on, and is off"]
    assert HOST_DRIFTS_MORE in fleet.codes()


def test_what_is_ignored_counts_when_its_time_is_over(fleet: Fleet) -> None:
    by_hand(fleet, with_link(fleet.host(), "eth1", mtu=1400))
    until = utc_now() + timedelta(hours=1)
    fleet.db.run(ignore_drift, SYSTEM, IgnoreDrift(host_id=fleet.id(), until=until))
    drift_watch.watch(fleet.db)
    assert lines(fleet) == []
    with fleet.db.write() as tx:
        tx.execute(sa.update(host_differences).values(ignored_until=utc_now() - timedelta(seconds=1)))
    drift_watch.watch(fleet.db)
    assert lines(fleet) == ["eth1: mtu should be 1500, and is 1400"]
    assert ignored(fleet) == {}


def test_what_does_not_differ_cannot_be_ignored(fleet: Fleet) -> None:
    by_hand(fleet, with_link(fleet.host(), "eth1", mtu=1400))
    with pytest.raises(ValidationError, match=r"Nothing of eth2 differs .* Only these differ: bond0, eth1\.mtu"):
        fleet.db.run(ignore_drift, SYSTEM, IgnoreDrift(host_id=fleet.id(), names=("eth2",)))
    with pytest.raises(ValidationError, match="Give a later one"):
        fleet.db.run(ignore_drift, SYSTEM, IgnoreDrift(host_id=fleet.id(), until=utc_now()))
    with pytest.raises(ValidationError, match="None of these differences is ignored on Host sim-1"):
        fleet.db.run(count_drift, SYSTEM, fleet.id())


def test_addresses_and_options_are_adopted(fleet: Fleet) -> None:
    host = fleet.host()
    host = with_link(host, "storage", addresses=(Address(ip="10.0.0.9", prefix=24),))
    bond = host.bonds["bond0"]
    by_hand(fleet, host.with_link(replace(bond, options={**bond.options, "miimon": "50"})))
    assert fleet.data().drift.lines()
    fleet.done(fleet.db.run(adopt_host_drift, SYSTEM, fleet.id()))
    data = fleet.data()
    assert data.drift.lines() == ()
    (storage,) = [one for one in data.intent.attachments if data.networks[one.network_id].name == "storage"]
    assert storage.assignments[0].address == "10.0.0.9"
    assert data.intent.bonds[0].options["miimon"] == "50"
    assert fleet.host().bridges["storage"].addresses == (Address(ip="10.0.0.9", prefix=24),)
    assert drift_codes(fleet) == [HOST_DRIFTS, HOST_IN_SYNC]
    assert fleet.db.run(adopt_host_drift, SYSTEM, fleet.id()) is None


def test_a_network_that_somebody_removed_is_adopted_as_detached(fleet: Fleet) -> None:
    host = fleet.host()
    rest = without_link(host, "tenants", "bond0.200")
    by_hand(fleet, rest)
    fleet.done(fleet.db.run(adopt_host_drift, SYSTEM, fleet.id(), ("tenants",)))
    data = fleet.data()
    assert {data.networks[one.network_id].name for one in data.intent.attachments} == {"ovirtmgmt", "storage"}
    assert data.drift.is_empty


def test_what_no_setting_says_is_refused_by_name(fleet: Fleet) -> None:
    host = with_link(with_link(fleet.host(), "tenants", up=False), "storage", mtu=1400)
    by_hand(fleet, with_link(host, "eth2", master=""))
    with pytest.raises(ValidationError) as refusal:
        fleet.db.run(adopt_host_drift, SYSTEM, fleet.id())
    text = refusal.value.text
    assert "tenants: up should be on, and is off (no setting of an attachment or bond covers this)" in text
    assert "storage: mtu should be 1500, and is 1400 (the network defines this for all its hosts: change the" in text
    assert "eth2: master should be bond0, and is none" in text
    with pytest.raises(
        ValidationError, match=r"Nothing of eth3 differs on Host sim-1\. Only these differ: bond0, storage, tenants"
    ):
        fleet.db.run(adopt_host_drift, SYSTEM, fleet.id(), ("eth3",))


AT_ONCE = Healing(limit=3, pause=0.0, look=0.0)


def policy(fleet: Fleet, healing: str) -> None:
    fleet.db.run(update_cluster, SYSTEM, UpdateCluster(id=fleet.data().row.cluster_id, drift_healing=healing))


def healings(fleet: Fleet) -> list[int]:
    return [code for code in fleet.codes() if code in {HEALED, LEFT_ALONE, NOT_HEALED}]


def test_a_cluster_heals_its_hosts_and_ends_when_somebody_changes_them_back(fleet: Fleet) -> None:
    for _ in range(5):
        by_hand(fleet, with_link(fleet.host(), "eth1", mtu=1400))
        drift_watch.watch(fleet.db, AT_ONCE)
        assert lines(fleet) == ["eth1: mtu should be 1500, and is 1400"], "off, unless somebody says otherwise"
    policy(fleet, "always")
    for _ in range(AT_ONCE.limit):
        by_hand(fleet, with_link(fleet.host(), "eth1", mtu=1400))
        drift_watch.watch(fleet.db, AT_ONCE)
        fleet.until(lambda: fleet.host().nics["eth1"].mtu == 1500)
        fleet.until(lambda: "pending" not in fleet.change_states())
    assert healings(fleet) == [HEALED] * 3
    for _ in range(3):
        by_hand(fleet, with_link(fleet.host(), "eth1", mtu=1400))
        drift_watch.watch(fleet.db, AT_ONCE)
    assert healings(fleet) == [HEALED] * 3 + [LEFT_ALONE]
    assert lines(fleet) == ["eth1: mtu should be 1500, and is 1400"]
    with fleet.db.write() as tx:
        long_ago = utc_now() - timedelta(hours=2)
        tx.execute(sa.update(host_healings).values(tried_at=long_ago, next_at=long_ago))
    drift_watch.watch(fleet.db, AT_ONCE)
    fleet.until(lambda: fleet.host().nics["eth1"].mtu == 1500)


def test_a_cluster_heals_what_is_harmless_alone(fleet: Fleet) -> None:
    policy(fleet, "harmless")
    costly = with_link(fleet.host(), "bond0", mtu=1400)
    by_hand(fleet, costly)
    drift_watch.watch(fleet.db, AT_ONCE)
    assert healings(fleet) == []
    fleet.done(fleet.db.run(sync_all_networks, SYSTEM, fleet.id()))
    by_hand(fleet, with_link(fleet.host(), "tenants", up=False))
    drift_watch.watch(fleet.db, AT_ONCE)
    fleet.until(lambda: fleet.host().bridges["tenants"].up)
    assert healings(fleet) == [HEALED]


def test_a_host_of_which_something_is_ignored_is_not_healed(fleet: Fleet) -> None:
    policy(fleet, "always")
    by_hand(fleet, with_link(with_link(fleet.host(), "eth1", mtu=1400), "tenants", up=False))
    fleet.db.run(ignore_drift, SYSTEM, IgnoreDrift(host_id=fleet.id(), names=("eth1.mtu",)))
    drift_watch.watch(fleet.db, AT_ONCE)
    assert healings(fleet) == []


def test_what_no_plan_puts_right_is_not_tried(fleet: Fleet) -> None:
    policy(fleet, "always")
    by_hand(fleet, with_link(fleet.host(), "tenants", owner=""))
    drift_watch.watch(fleet.db, AT_ONCE)
    assert healings(fleet) == []


def test_what_rules_refuse_to_heal_is_told(fleet: Fleet) -> None:
    policy(fleet, "always")
    with fleet.db.write() as tx:
        tx.execute(sa.delete(attachments).where(attachments.c.id == fleet.attachment_id("ovirtmgmt")))
    by_hand(fleet, with_link(fleet.host(), "eth1", mtu=1400))
    drift_watch.watch(fleet.db, AT_ONCE)
    assert healings(fleet) == [NOT_HEALED]
