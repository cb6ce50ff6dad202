"""Reads of what providers of networks have on hosts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

import sqlalchemy as sa

from netweft.core.host_names import HostNames
from netweft.core.schedule import ProviderAgent
from netweft.engine.db import Tx
from netweft.engine.model.provider_hosts import ProviderHostRow, provider_hosts
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
