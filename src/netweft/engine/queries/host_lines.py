"""Reads of hosts with the numbers of what is on them, for lists."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.host_networks import attachments, host_bonds
from netweft.engine.model.hosts import host_drifts, host_nics, host_reports, hosts
from netweft.engine.model.networks import networks
from netweft.engine.model.vms import vms
from netweft.engine.noun import Narrow, ObjectType, Searchable
from netweft.engine.queries.hosts import HOSTS, HostDetails


class CountedHost(HostDetails, frozen=True, kw_only=True):
    """A host, when it was ``seen`` last (None before its first report), and how many networks, required networks that
    it lacks, bonds, VMs and NICs or bonds with networks it has (``uplinks_down``: of these, without a link).
    """

    seen: datetime | None
    networks: int
    missing: int
    uplinks: int
    uplinks_down: int
    bonds: int
    vms: int


def counted(narrow: Narrow) -> Searchable[CountedHost]:
    """All hosts that may be seen. What may not be seen is not counted."""
    counts = _counts(narrow)
    seen = host_reports.c.asked_at
    statement = HOSTS.select.add_columns(seen.label("seen"), *(count.label(name) for name, count in counts.items()))
    named = {"synced": host_drifts.c.since.is_(None), "committed": sa.not_(hosts.c.dirty), "seen": seen}
    fields = {**HOSTS.search, **named, **counts}
    return Searchable(narrow(ObjectType.HOST, statement), CountedHost, fields, HOSTS.order)


def _counts(narrow: Narrow) -> dict[str, sa.ScalarSelect[int]]:
    carried = attachments.join(networks, networks.c.id == attachments.c.network_id)
    demanded = cluster_networks.join(networks, networks.c.id == cluster_networks.c.network_id)
    lacked = sa.and_(
        cluster_networks.c.cluster_id == hosts.c.cluster_id,
        cluster_networks.c.required,
        ~sa.exists()
        .where(attachments.c.host_id == hosts.c.id, attachments.c.network_id == cluster_networks.c.network_id)
        .correlate(hosts, cluster_networks),
    )
    number, mine = sa.func.count(), attachments.c.host_id == hosts.c.id
    uplinks = attachments.join(
        host_nics, sa.and_(host_nics.c.host_id == attachments.c.host_id, host_nics.c.name == attachments.c.nic)
    )
    uplink = sa.func.count(host_nics.c.id.distinct())
    selects = {
        "networks": narrow(ObjectType.NETWORK, sa.select(number).select_from(carried).where(mine)),
        "missing": narrow(ObjectType.NETWORK, sa.select(number).select_from(demanded).where(lacked)),
        "uplinks": sa.select(uplink).select_from(uplinks).where(mine),
        "uplinks_down": sa.select(uplink).select_from(uplinks).where(mine, host_nics.c.down_since.is_not(None)),
        "bonds": sa.select(number).select_from(host_bonds).where(host_bonds.c.host_id == hosts.c.id),
        "vms": narrow(ObjectType.VM, sa.select(number).select_from(vms).where(vms.c.host_id == hosts.c.id)),
    }
    return {name: select.correlate(hosts).scalar_subquery() for name, select in selects.items()}
