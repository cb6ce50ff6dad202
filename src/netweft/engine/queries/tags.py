"""Reads of tags, and of what has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.tags import TagRow, host_tags, tags, template_tags, vm_tags
from netweft.engine.noun import Noun
from netweft.engine.statements import rows

ROOT_ID = "00000000-0000-0000-0000-000000000000"
"""The tag above all others (oVirt's id of it), which has no row."""

TAGGED: dict[str, tuple[sa.Table, sa.Column[Any]]] = {
    "vm": (vm_tags, vm_tags.c.vm_id),
    "host": (host_tags, host_tags.c.host_id),
    "template": (template_tags, template_tags.c.template_id),
}
"""By noun: which have which tags, and the column with theirs ids."""


TAGS = Noun(tags, TagRow, "tag", search={"name": tags.c.name, "id": tags.c.id, "description": tags.c.description})
get = TAGS.get


class _Tagged(TagRow, frozen=True, kw_only=True):
    thing: str


def of_things(tx: Tx, noun: str, ids: Collection[str]) -> dict[str, list[TagRow]]:
    """The tags of each thing by name."""
    table, thing = TAGGED[noun]
    query = sa.select(tags, thing.label("thing")).join(table, table.c.tag_id == tags.c.id)
    found: dict[str, list[TagRow]] = defaultdict(list)
    for row in rows(tx, _Tagged, query.where(thing.in_(ids)).order_by(tags.c.name)):
        found[row.thing].append(row)
    return found


def below(tx: Tx, tag_id: str) -> set[str]:
    """The ids of a tag and of all below it."""
    return set(tx.scalars(sa.select(_and_below(tags.c.id == tag_id).c.id)))


def having(noun: str, thing: sa.ColumnElement[Any]) -> Callable[[Callable[[Any], Any]], sa.ColumnElement[bool]]:
    """For a search: given a test of a tag's name, the condition that the thing has a tag which passes it, or one below
    such a tag.
    """
    table, column = TAGGED[noun]

    def condition(test: Callable[[Any], Any]) -> sa.ColumnElement[bool]:
        wanted = sa.select(_and_below(test(tags.c.name)).c.id)
        return thing.in_(sa.select(column).where(table.c.tag_id.in_(wanted)))

    return condition


def _and_below(which: sa.ColumnElement[bool]) -> sa.CTE:
    found = sa.select(tags.c.id).where(which).cte(recursive=True)
    return found.union(sa.select(tags.c.id).where(tags.c.parent_id == found.c.id))
