"""Reads of what providers of networks have on hosts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

import sqlalchemy as sa

from netweft.core.candidates import ProviderAgent
from netweft.core.host_names import HostNames
from netweft.engine.db import Tx
from netweft.engine.model.hosts import host_reports, hosts
from netweft.engine.model.provider_hosts import ProviderHostRow, provider_hosts
from netweft.engine.model.records import Record
from netweft.engine.queries.grouping import grouped
from netweft.engine.statements import Among, Statement

_OF_PROVIDERS = Statement(
    sa.select(provider_hosts).where(Among(provider_hosts.c.provider_id, "provider_ids")), record=ProviderHostRow
)


Known: TypeAlias = Mapping[str, Sequence[ProviderHostRow]]
"""The hosts of providers, by the provider's id; those that do not say on which hosts they can have ports are left out.
"""


def hosts_of(tx: Tx, provider_ids: Collection[str]) -> Known:
    """The hosts on which providers can have ports."""
    return grouped(_OF_PROVIDERS.all(tx, provider_ids=provider_ids), "provider_id")


def agents_on(known: Known, hostnames: Mapping[str, str]) -> dict[str, dict[str, ProviderAgent]]:
    """For each host what each provider has there, by the provider's id. ``hostnames``: how the hosts call themselves,
    by id.
    """
    found: dict[str, dict[str, ProviderAgent]] = defaultdict(dict)
    for provider_id, rows in known.items():
        by_name = {row.name: row for row in rows}
        names = HostNames(by_name)
        for host_id, hostname in hostnames.items():
            if name := names.find(hostname):
                row = by_name[name]
                agent = ProviderAgent(is_alive=row.is_alive, physical_networks=frozenset(row.physical_networks))
                found[host_id][provider_id] = agent
    return found


class _Twin(Record, frozen=True):
    """A host, and another that a provider takes it for: of the same name or, ``system_id``, the same chassis."""

    host_id: str
    other: str
    hostname: str
    system_id: str


def twins_of(tx: Tx, host_ids: Collection[str]) -> dict[str, str]:
    """For each of the hosts that a provider may take for another one, as those are that were cloned from one image: the
    other host, and what both have in common. A host that is away is nobody's twin: it may have been replaced.
    """
    found = {}
    for twin in (*_NAMESAKES.all(tx, ids=host_ids), *_SAME_CHASSIS.all(tx, ids=host_ids)):
        cure = (
            f"whose ovn-controller has the same system-id {twin.system_id}: give each its own"
            if twin.system_id
            else f"which is called {twin.hostname} as well: rename one"
        )
        found[twin.host_id] = f"Host {twin.other}, {cure}"
    return found


def same_chassis(tx: Tx, host_ids: Collection[str]) -> frozenset[str]:
    """Those of the hosts that another host is the same chassis as."""
    return frozenset(twin.host_id for twin in _SAME_CHASSIS.all(tx, ids=host_ids))


_ONE, _OTHER = host_reports.alias("one"), host_reports.alias("other")


def _twins(system_id: sa.ColumnElement[str], *alike: sa.ColumnElement[bool]) -> Statement[_Twin]:
    columns = (_ONE.c.host_id, hosts.c.name.label("other"), _ONE.c.hostname, system_id.label("system_id"))
    joined = _ONE.join(_OTHER, sa.and_(_OTHER.c.host_id != _ONE.c.host_id, *alike))
    query = sa.select(*columns).select_from(joined.join(hosts, hosts.c.id == _OTHER.c.host_id))
    is_there = (hosts.c.status != status for status in ("down", "install_failed", "non_responsive"))
    query = query.where(Among(_ONE.c.host_id, "ids"), *is_there)
    return Statement(query.order_by(hosts.c.name.desc()), record=_Twin)


_NAMESAKES = _twins(sa.literal(""), _ONE.c.hostname == _OTHER.c.hostname, _ONE.c.hostname != "")
_SAME_CHASSIS = _twins(
    _ONE.c.system_id,
    _ONE.c.system_id == _OTHER.c.system_id,
    _ONE.c.ovn_remote == _OTHER.c.ovn_remote,
    _ONE.c.system_id != "",
)
