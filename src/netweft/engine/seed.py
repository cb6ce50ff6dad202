"""What a new engine has: a MAC pool, a data centre with its management network, a cluster, and the template Blank."""

from __future__ import annotations

import secrets

import sqlalchemy as sa

from netweft.core.rules.mac_pool import MacRange
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import EVERYONE
from netweft.engine.actor import Actor
from netweft.engine.commands.clusters import AddCluster, add_cluster
from netweft.engine.commands.data_centers import AddDataCenter, add_data_center
from netweft.engine.commands.mac_pools import AddMacPool, insert_pool
from netweft.engine.db import Tx, utc_now
from netweft.engine.model.mac_pools import mac_pools
from netweft.engine.model.templates import templates
from netweft.engine.queries.references import Ref
from netweft.engine.queries.templates import BLANK_ID

_PREFIX = 0x566F
"""The first two octets of the default pool: locally administered, unicast, and what people know from oVirt."""

_MEMORY = 1 << 30
"""Octets of a VM that says nothing of its memory."""


def seed(tx: Tx, actor: Actor) -> None:
    """Fill an empty database. Does nothing when it was done before, also when what it made was removed since."""
    if tx.scalar(sa.select(mac_pools.c.id).where(mac_pools.c.is_default)) is not None:
        return
    # Two octets at random, so that engines on one wire give different addresses.
    first = (_PREFIX << 32) | (secrets.randbelow(1 << 16) << 16)
    insert_pool(tx, AddMacPool(name="Default", ranges=(MacRange(first, first + 0xFFFF),), is_default=True))
    tx.execute(
        sa.insert(templates).values(
            id=BLANK_ID,
            name="Blank",
            description="Blank template",
            comment="",
            memory=_MEMORY,
            sockets=1,
            cores=1,
            threads=1,
            created_at=utc_now(),
        )
    )
    authorize.grant(tx, EVERYONE, "UserTemplateBasedVm", ObjectRef(ObjectType.TEMPLATE, BLANK_ID))
    data_center_id = add_data_center(tx, actor, AddDataCenter(name="Default", description="The default Data Center"))
    add_cluster(
        tx,
        actor,
        AddCluster(name="Default", description="The default server cluster", data_center=Ref(id=data_center_id)),
    )
