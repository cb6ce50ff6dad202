"""``GET /netweft/v1/rows/hosts``: hosts with the numbers of what is on them, for lists."""

from __future__ import annotations

from datetime import datetime

import msgspec

from netweft.api.routes import ADDITIONS, READ, Call, Routes, many
from netweft.api.search import LISTED, page
from netweft.api.values import Named
from netweft.engine.access import visibility
from netweft.engine.queries import host_lines as queries
from netweft.engine.queries.host_lines import CountedHost

routes = Routes("host_rows", ADDITIONS)


class RowOfHost(msgspec.Struct, kw_only=True, frozen=True):
    """A host as a list shows it. ``seen``: when it last reported, null before its first report, as are ``synced``
    (whether it matches its configuration) and ``committed`` (whether its boot restores the running configuration).
    ``changing``: whether its networks are being changed; ``generation``: of its intent; ``missing``: required networks
    that it lacks; ``uplinks``: NICs and bonds with networks, ``uplinks_down``: those of them without a link. Only
    objects that the user may see are counted.
    """

    id: str
    name: str
    description: str
    address: str
    status: str
    status_reason: str
    cluster: Named
    data_center: Named
    agent_version: str
    seen: datetime | None
    generation: int
    changing: bool
    synced: bool | None
    committed: bool | None
    networks: int
    missing: int
    uplinks: int
    uplinks_down: int
    bonds: int
    vms: int


@routes.get("/rows/hosts", many(RowOfHost), needs=READ, queries=LISTED)
def list_hosts(call: Call[None]) -> list[RowOfHost]:
    """Hosts with counts of what is on them; the counts can be searched and sorted, too."""
    with call.read() as tx:
        return [_row(row) for row in page(tx, call, queries.counted(visibility.narrow(tx, call.actor)))]


def _row(row: CountedHost) -> RowOfHost:
    capabilities = row.capabilities
    return RowOfHost(
        id=row.id,
        name=row.name,
        description=row.description,
        address=row.address,
        status=row.status,
        status_reason=row.status_reason,
        cluster=Named(id=row.cluster_id, name=row.cluster_name),
        data_center=Named(id=row.data_center_id, name=row.data_center_name),
        agent_version=capabilities.agent_version if capabilities else "",
        seen=row.seen,
        generation=row.generation,
        changing=row.is_changing,
        synced=row.drifts_since is None if capabilities else None,
        committed=not row.dirty if capabilities else None,
        networks=row.networks,
        missing=row.missing,
        uplinks=row.uplinks,
        uplinks_down=row.uplinks_down,
        bonds=row.bonds,
        vms=row.vms,
    )
