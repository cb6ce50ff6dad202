"""Events about networks, subnets and port profiles on providers: one when something is wrong, one when it is well
again, however often it was tried between. What became of ports, the events of their machines say. Parts of commands
and jobs.
"""

from __future__ import annotations

import sqlalchemy as sa

from netweft.engine import audit
from netweft.engine.actor import SYSTEM
from netweft.engine.audit import Severity
from netweft.engine.db import Tx
from netweft.engine.model.networks import networks
from netweft.engine.model.provider_objects import provider_objects
from netweft.engine.model.providers import providers
from netweft.engine.model.records import Record
from netweft.engine.model.subnets import subnets
from netweft.engine.statements import rows

FAILED, WELL = 20_166, 20_167
"""Event codes of our own."""

_WORDS = {"network": "Network", "subnet": "Subnet", "profile": "Port profile", "member": "Port"}
_ON_IT = sa.case(
    (provider_objects.c.kind == "network", provider_objects.c.object_id), else_=provider_objects.c.parent_id
)


class _Named(Record, frozen=True):
    """A provider's object: what it is called here, and which network it is of."""

    kind: str
    wanted: str
    provider: str
    name: str
    external_id: str
    network_id: str | None
    data_center_id: str | None


_NAMED = (
    sa.select(
        provider_objects.c.kind,
        provider_objects.c.wanted,
        providers.c.name.label("provider"),
        sa.func.coalesce(subnets.c.name, networks.c.name, provider_objects.c.object_id).label("name"),
        provider_objects.c.external_id,
        _ON_IT.label("network_id"),
        networks.c.data_center_id,
    )
    .select_from(provider_objects)
    .join(providers, providers.c.id == provider_objects.c.provider_id)
    .outerjoin(networks, networks.c.id == _ON_IT)
    .outerjoin(subnets, subnets.c.id == provider_objects.c.object_id)
    .where(provider_objects.c.kind != "port")
    .order_by(provider_objects.c.kind, "name")
)


def report(tx: Tx, error: str, *which: sa.ColumnElement[bool]) -> None:
    """Something is wrong with these objects, or nothing (``error``: empty). No event says twice the same of one."""
    which = (*which, provider_objects.c.reported.is_(not error), provider_objects.c.kind != "port")
    found = rows(tx, _Named, _NAMED.where(*which))
    for row in found:
        name = f"{row.external_id} of network {row.name}" if row.kind == "member" else row.name
        what = f"{_WORDS[row.kind]} {name} on provider {row.provider}"
        about = audit.About(network=row.network_id, data_center=row.data_center_id)
        if error:
            audit.record(tx, SYSTEM, FAILED, f"{what}: {error}", Severity.ERROR, **about)
        elif row.wanted == "absent":
            audit.record(tx, SYSTEM, WELL, f"{what} was removed.", **about)
        else:
            audit.record(tx, SYSTEM, WELL, f"{what} is synchronized again.", **about)
    if found:
        tx.execute(sa.update(provider_objects).where(*which).values(reported=bool(error)))
