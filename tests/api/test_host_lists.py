"""What it takes to show many hosts with all that is on them grows as they do, and no faster."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

import rows
from databases import Databases
from netweft.agent.simulated import capabilities, hardware
from netweft.api.follow import follow
from netweft.api.hosts import HOSTS
from netweft.api.routes import Call, Query, Services
from netweft.api.types import Host
from netweft.core.host import Bridge
from netweft.core.protocol import HostReport
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.networks import AddNetwork, add_network
from netweft.engine.db import Database, utc_now
from netweft.engine.model.clusters import clusters
from netweft.engine.pki import open_authority
from netweft.engine.queries.references import Ref
from netweft.engine.reports.host_reports import TakeReport, take_report
from netweft.engine.secrets import open_box
from netweft.engine.seed import seed


def report(number: int, management: str) -> HostReport:
    """Of a host that has nothing but its management network."""
    host = hardware(number)
    host = host.with_link(replace(host.nics["eth0"], master="ovirtmgmt"))
    host = host.with_link(Bridge(name="ovirtmgmt", owner=management))
    return HostReport(capabilities=capabilities(f"h{number}"), host=host, generation=0, dirty=False)


def calls_to_show(databases: Databases, folder: Path, *, hosts: int, networks: int) -> int:
    """How often a function is called to show so many hosts with their NICs and attachments, of so many networks each
    that the host lacks.
    """
    with databases.fresh() as db:
        return _calls_to_show(db, folder, hosts, networks)


def _calls_to_show(db: Database, folder: Path, hosts: int, networks: int) -> int:
    with db.write() as tx:
        rows.add_roles(tx)
        seed(tx, SYSTEM)
        cluster_id = tx.execute(sa.select(clusters.c.id)).scalar_one()
    desired = [
        db.run(add_network, SYSTEM, AddNetwork(name=f"n{number}", data_center=Ref(name="Default"), vlan_id=number)).id
        for number in range(1, networks + 1)
    ]
    with db.write() as tx:
        for number in range(1, hosts + 1):
            host_id = rows.add_host(tx, cluster_id, f"h{number}")
            for network_id in desired:
                rows.attach(tx, host_id, network_id)
            take_report(tx, TakeReport(host_id=host_id, report=report(number, desired[0]), asked_at=utc_now()))
    box = open_box(folder)
    services = Services(authority=db.run(open_authority, box), box=box, provider_types=frozenset())
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    for counted in (None, count):  # the first time much is made that is kept
        call: Call[None] = Call(
            db=db, actor=SYSTEM, ids={}, query=Query({}), body=None, headers={}, services=services, origin=str,
            sub_get=lambda href: pytest.fail(f"{href} was asked for by itself"),
        )  # fmt: skip
        sys.setprofile(counted)
        try:
            shown = HOSTS.all(call)
            follow(call, Host, shown, "nics,network_attachments")
        finally:
            sys.setprofile(None)
    assert [len(host.network_attachments) for host in shown] == [networks] * hosts  # type: ignore[arg-type]  # they were followed
    return calls


@pytest.mark.parametrize("grown", [{"hosts": 24, "networks": 5}, {"hosts": 3, "networks": 40}])
def test_hosts_are_shown_in_time_that_grows_as_they_do(
    sqlite: Databases, tmp_path: Path, grown: dict[str, int]
) -> None:
    """Eight times as many."""
    before = calls_to_show(sqlite, tmp_path, hosts=3, networks=5)
    assert calls_to_show(sqlite, tmp_path, **grown) < 8 * before
