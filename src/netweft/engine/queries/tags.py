"""Reads of tags, and of what has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.engine.db import Tx
from netweft.engine.model.tags import host_tags, tags, template_tags, vm_tags

ROOT_ID = "00000000-0000-0000-0000-000000000000"
"""The tag above all others (oVirt's id of it), which has no row."""

TAGGED: dict[str, tuple[sa.Table, sa.Column[Any]]] = {
    "vm": (vm_tags, vm_tags.c.vm_id),
    "host": (host_tags, host_tags.c.host_id),
    "template": (template_tags, template_tags.c.template_id),
}
"""By noun: which have which tags, and the column with theirs ids."""


def select() -> sa.Select[Any]:
    """Every column of tags."""
    return sa.select(tags)


def get(tx: Tx, tag_id: str) -> sa.Row[Any]:
    """One of them; raises NotFoundError."""
    row = tx.execute(select().where(tags.c.id == tag_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no tag with the id {tag_id}.")
    return row


def of_things(tx: Tx, noun: str, ids: Collection[str]) -> dict[str, list[sa.Row[Any]]]:
    """The tags of each thing by name; ``thing`` is whose they are."""
    table, thing = TAGGED[noun]
    query = sa.select(tags, thing.label("thing")).join(table, table.c.tag_id == tags.c.id)
    found: dict[str, list[sa.Row[Any]]] = defaultdict(list)
    for row in tx.execute(query.where(thing.in_(ids)).order_by(tags.c.name)):
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
