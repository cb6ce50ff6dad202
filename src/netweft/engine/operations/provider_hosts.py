"""Writing down on which hosts providers can have ports. Part of jobs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.provider_hosts import ProviderHostRow, provider_hosts
from netweft.engine.statements import rows


def replace(tx: Tx, provider_id: str, found: Sequence[ProviderHostRow]) -> None:
    """These are the hosts of a provider, and no others. Writes nothing when that is known."""
    known = rows(tx, ProviderHostRow, sa.select(provider_hosts).where(provider_hosts.c.provider_id == provider_id))
    if {one.name: one for one in known} == {one.name: one for one in found}:
        return
    tx.execute(sa.delete(provider_hosts).where(provider_hosts.c.provider_id == provider_id))
    if found:
        tx.execute(sa.insert(provider_hosts), [msgspec.structs.asdict(one) for one in found])
