"""What the command line says of hosts that are not as desired, do not follow, are cut off, or have never joined."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

import rows
from api.served import PASSWORD, serving
from fleet import Fleet, running_fleet
from netweft.cli.main import cli
from netweft.core.host import Address, Bridge, Vlan
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.hosts import deactivate_host
from netweft.engine.db import Database
from netweft.engine.model.hosts import hosts


@dataclass(frozen=True)
class Place:
    """An engine whose hosts a test has at hand, and the program that calls it."""

    fleet: Fleet
    url: str
    cache: Path

    def __call__(self, *words: str, expect: int = 0) -> str:
        """Run ``netweft``; what it says on both streams."""
        own = {"NETWEFT_URL": self.url, "NETWEFT_PASSWORD": PASSWORD, "XDG_CACHE_HOME": str(self.cache)}
        done = CliRunner().invoke(cli, words, env=own)
        assert done.exit_code == expect, done.output
        return done.output


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with closing(Database(f"sqlite:///{tmp_path}/engine.db")) as db:
        db.migrate()
        with serving(db, tmp_path) as engine, running_fleet(db, tmp_path) as fleet:
            yield Place(fleet, engine.url, tmp_path / "cache")


def test_what_is_not_wanted_is_committed_only_when_that_is_said(place: Place) -> None:
    fleet = place.fleet
    host = fleet.host()
    fleet.simulate(host=host.with_link(replace(host.nics["eth0"], mtu=1400)))
    fleet.monitor.round(fleet.db)
    refused = place("host", "commit", "sim-1", expect=1)
    assert "eth0: mtu should be 1500, and is 1400" in refused
    assert "Nothing is committed. 'netweft host sync sim-1' synchronizes it" in refused
    told = "What is committed on Host sim-1 is not what is wanted of it: eth0: mtu should be 1500, and is 1400."
    assert f"Warning: {told}" in place("host", "commit", "sim-1", "--force")
    place("host", "sync", "sim-1")
    assert "Warning" not in place("host", "commit", "sim-1")


def test_a_host_that_listens_to_no_neighbours_says_so(place: Place) -> None:
    unknown = "Neighbours are unknown: lldpd does not answer on this host."
    assert unknown not in place("host", "nics", "sim-1", "-o", "wide")
    place.fleet.simulate(lacks=("lldpd",))
    place.fleet.monitor.round(place.fleet.db)
    assert unknown in place("host", "nics", "sim-1", "-o", "wide")


def test_a_network_that_a_host_keeps_as_it_is(place: Place) -> None:
    for name, tag in (("plain", "none"), ("red", "10")):
        place("network", "add", name, "--vlan", tag)
        place("cluster", "attach", "Default", name, "--optional")
        place.fleet.attach(name, "eth1")
    changed = place("network", "set", "red", "--mtu", "9000")
    assert "Warning: Host sim-1 keeps MTU and QoS as they are, although" in changed
    removed = place("qos", "add", "share", "--type", "hostnetwork", "--linkshare", "50")
    assert "Warning" not in removed, "nothing is told twice"
    place("network", "set", "red", "--qos", "share")
    assert "Warning: Host sim-1 keeps" in place("qos", "remove", "share"), "after every change"


def test_a_host_that_is_cut_off_is_told_with_what_stays_on_it(place: Place) -> None:
    fleet = place.fleet
    fleet.db.run(deactivate_host, SYSTEM, fleet.id())
    fleet.simulate(unreachable=("always",))
    place("host", "remove", "sim-1", "--clean", expect=1)
    (failed,) = json.loads(place("job", "list", "--search", "status=failed", "-o", "json"))
    assert "does not answer: the connection ended" in place("job", "show", failed["id"]), "a failed job says why"
    whole = place("job", "list", "--search", "status=failed", "-o", "wide")
    assert failed["error"] in whole
    (line,) = place("job", "list", "--search", "status=failed").splitlines()[1:]
    assert line.endswith("...")
    assert line.removesuffix("...").split("  ")[-1] in failed["error"], "the table has its beginning"
    told = place("host", "remove", "sim-1", "--clean", "--force")
    assert "The networks of Host sim-1 could not be removed from it" in told
    assert "These networks stay on it: ovirtmgmt. 'netweft agent --leave' there takes them off" in told


def test_a_host_that_has_never_joined(place: Place) -> None:
    with place.fleet.db.write() as tx:
        cluster_id = tx.scalars(sa.select(hosts.c.cluster_id)).first()
        assert cluster_id is not None
        rows.add_host(tx, cluster_id, "late", status="maintenance")
    assert "Unknown: the host has not reported yet" in place("host", "drift", "late")
    for words in (("activate", "late"), ("refresh", "late"), ("commit", "late"), ("remove", "late", "--clean")):
        assert "Host late has never joined" in place("host", *words, expect=1)
    assert "Host late was removed" in place("host", "remove", "late", "--clean", "--force")


def test_what_differs_is_ignored_or_adopted(place: Place) -> None:
    fleet = place.fleet
    assert "The host matches its configuration." in place("host", "drift", "sim-1")
    assert "Nothing to do" in place("host", "adopt", "sim-1")
    assert "Nothing of nosuch differs on Host sim-1." in place("host", "adopt", "sim-1", "nosuch", expect=1)
    host = fleet.host()
    bridge = replace(host.bridges["ovirtmgmt"], options={"forward_delay": "500"})
    fleet.simulate(host=host.with_link(bridge).with_link(replace(host.nics["eth0"], mtu=1400)))
    fleet.monitor.round(fleet.db)
    refused = place("host", "adopt", "sim-1", expect=1)
    assert "eth0: mtu should be 1500, and is 1400 (the network defines this" in refused
    told = place("host", "ignore", "sim-1", "eth0.mtu", "--until", "12h", "--reason", "cable test")
    assert "cable test" in told
    assert "ovirtmgmt: options should be none, and is forward_delay=500" in told
    wide = place("host", "drift", "sim-1", "-o", "wide")
    assert "eth0.mtu" in wide
    place("host", "ignore", "sim-1", "ovirtmgmt")
    assert "it changes" in place("host", "drift", "sim-1")
    assert "No longer ignored." in place("host", "ignore", "sim-1", "--end")
    assert "Done." in place("host", "adopt", "sim-1", "ovirtmgmt")
    assert fleet.host().bridges["ovirtmgmt"].options == {"forward_delay": "500"}
    assert "The host matches its configuration." in place("host", "drift", "sim-1")
    assert "neither a time" in place("host", "ignore", "sim-1", "--until", "soon", expect=2)
    for far in ("99999999999d", "9999999d"):
        assert "later than any date" in place("host", "ignore", "sim-1", "--until", far, expect=2)
    assert "Only these differ:" not in place("host", "ignore", "sim-1", "--until", "2099-01-01T00:00", expect=1)


def test_what_others_made_becomes_networks(place: Place) -> None:
    fleet = place.fleet
    host = fleet.host()
    mac = host.nics["eth1"].mac
    host = host.with_link(Vlan(name="eth1.10", base="eth1", tag=10, master="br10", mac=mac))
    fleet.simulate(host=host.with_link(Bridge(name="br10", mac=mac, addresses=(Address(ip="10.1.0.5", prefix=24),))))
    fleet.monitor.round(fleet.db)
    assert "netweft network add br10 --vlan 10" in place("host", "adopt-unmanaged", "sim-1", "--plan")
    assert "Nothing to do" in place("host", "adopt-unmanaged", "sim-1")
    place("network", "add", "storage", "--vlan", "10")
    place("cluster", "attach", "Default", "storage", "--optional")
    plan = place("host", "adopt-unmanaged", "sim-1", "--plan")
    assert "storage" in plan
    assert "10.1.0.5/24" in plan
    assert "worst loss: none" in place("plan", "host", "adopt-unmanaged", "sim-1", "br10=storage")
    assert "Done." in place("host", "adopt-unmanaged", "sim-1", "br10=storage")
    assert fleet.host().bridges["br10"].addresses == (Address(ip="10.1.0.5", prefix=24),)
    assert "10.1.0.5/24" in place("host", "attachments", "sim-1")
    assert "The host matches its configuration." in place("host", "drift", "sim-1")
