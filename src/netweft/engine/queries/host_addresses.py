"""Reads of the static addresses of hosts."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from netweft.core.host_request import Claim
from netweft.engine.db import Tx
from netweft.engine.model.host_networks import host_addresses
from netweft.engine.model.hosts import hosts
from netweft.engine.statements import Among, Statement


def elsewhere(tx: Tx, addresses: Collection[str], *host_ids: str) -> dict[Claim, str]:
    """Names of the hosts, besides these, that have one of the addresses on any network, or are being given it."""
    if not addresses:
        return {}
    found = _ELSEWHERE.all(tx, addresses=addresses, hosts=host_ids)
    return {(network_id, address): name for network_id, address, name in found}


_ELSEWHERE = Statement(
    sa.select(host_addresses.c.network_id, host_addresses.c.address, hosts.c.name)
    .join(hosts, hosts.c.id == host_addresses.c.host_id)
    .where(Among(host_addresses.c.address, "addresses"), ~Among(host_addresses.c.host_id, "hosts"))
)
