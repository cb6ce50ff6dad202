"""The things that rights are about, and which is above which.

system -> data centre -> cluster -> host, VM; data centre -> network -> vNIC profile; system -> MAC pool, template,
provider.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select

from netweft.engine.db import Tx, lock
from netweft.engine.model.records import Record, Stored
from netweft.engine.noun import Noun, ObjectType
from netweft.engine.queries.clusters import CLUSTERS
from netweft.engine.queries.data_centers import DATA_CENTERS
from netweft.engine.queries.hosts import HOSTS
from netweft.engine.queries.mac_pools import MAC_POOLS
from netweft.engine.queries.networks import NETWORKS
from netweft.engine.queries.providers import PROVIDERS
from netweft.engine.queries.templates import TEMPLATES
from netweft.engine.queries.vms import VMS
from netweft.engine.queries.vnic_profiles import VNIC_PROFILES

__all__ = ["PARENT", "SYSTEM_ID", "SYSTEM_REF", "ObjectRef", "ObjectType", "above", "lock_named", "table_of"]

SYSTEM_ID = "aaa00000-0000-0000-0000-123456789aaa"
"""The object above all others (oVirt's id of it)."""


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """A thing that rights are about."""

    type: ObjectType
    id: str


SYSTEM_REF = ObjectRef(ObjectType.SYSTEM, SYSTEM_ID)

_NOUNS: tuple[Noun[Any], ...] = (
    DATA_CENTERS,
    CLUSTERS,
    HOSTS,
    NETWORKS,
    VNIC_PROFILES,
    VMS,
    TEMPLATES,
    MAC_POOLS,
    PROVIDERS,
)
_TABLES = {noun.object_type: noun.table for noun in _NOUNS if noun.object_type}
_TYPES: dict[Table, ObjectType] = {table: object_type for object_type, table in _TABLES.items()}


def above(noun: Noun[Any]) -> tuple[ObjectType, str]:
    """The type of what a noun is below, and the column that says which one."""
    (parent,) = noun.table.c[noun.parent].foreign_keys
    return _TYPES[parent.column.table], noun.parent


PARENT = {noun.object_type: above(noun) for noun in _NOUNS if noun.object_type and noun.parent}
"""The type of the thing that is above those of a type, and the column that says which. The system is above all."""


def table_of(object_type: ObjectType) -> Stored[Record]:
    """The table in which things of a type are rows."""
    return _TABLES[object_type]


def lock_named(tx: Tx, ref: ObjectRef) -> str:
    """Lock a thing as :func:`netweft.engine.db.lock` does; returns its name."""
    table = table_of(ref.type)
    lock(tx, table, ref.id)
    return str(tx.scalar(select(table.c.name).where(table.c.id == ref.id)))
