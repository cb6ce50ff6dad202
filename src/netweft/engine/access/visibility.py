"""What users may see: the things on which, above which or below which they have a permission."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, bindparam, exists, false, literal, or_, select

from netweft.core.errors import DeniedError, NotFoundError
from netweft.engine.access.authorize import is_administrator
from netweft.engine.access.objects import PARENT, SYSTEM_ID, ObjectRef, ObjectType, above, table_of
from netweft.engine.access.roles import EVERYONE
from netweft.engine.actor import Actor
from netweft.engine.db import Tx
from netweft.engine.model.records import R
from netweft.engine.model.users import permissions
from netweft.engine.noun import Narrow, Noun
from netweft.engine.statements import Statement, first_row


def visible(tx: Tx, actor: Actor, object_type: ObjectType) -> ColumnElement[bool] | None:
    """Condition on the table of a type: the rows that the actor may see; None for all.

    Raises DeniedError for a user without any administrative role who does not ask for the filtered view, as oVirt does.
    """
    if not actor.filtered:
        if is_administrator(tx, actor):
            return None
        raise DeniedError(
            f"The user {actor.name} may only see what permissions were granted on: send the header Filter: true."
        )
    return table_of(object_type).c.id.in_(visible_ids(actor, object_type))


def only_visible(tx: Tx, actor: Actor, object_type: ObjectType, statement: Select[Any]) -> Select[Any]:
    """A statement about things of a type, for the rows that the actor may see. Raises as :func:`visible` does."""
    condition = visible(tx, actor, object_type)
    return statement if condition is None else statement.where(condition)


def of_noun(
    tx: Tx, actor: Actor, noun: Noun[Any], *conditions: ColumnElement[bool], within: str | None = None
) -> Select[Any]:
    """The rows of a noun on these conditions that the actor may see. ``within``: the id of what they are below. Raises
    NotFoundError unless the actor may see that, and as :func:`visible` does.
    """
    return noun.select.where(*conditions, *_limits(tx, actor, noun, within))


def find(tx: Tx, actor: Actor, noun: Noun[R], noun_id: str, within: str | None = None) -> R | None:
    """The one with that id, None when there is none that the actor may see. Raises as :func:`of_noun` does."""
    limits = _limits(tx, actor, noun, within)
    if not limits:
        return noun.find(tx, noun_id)
    column = noun.table.c.id
    wanted = literal(noun_id, column.type)  # those of events are numbers
    return first_row(tx, noun.record, noun.select.where(column == wanted, *limits))


def _limits(tx: Tx, actor: Actor, noun: Noun[Any], within: str | None) -> list[ColumnElement[bool]]:
    limits: list[ColumnElement[bool]] = []
    if within is not None:
        parent_type, column = above(noun)
        require_visible(tx, actor, ObjectRef(parent_type, within))
        limits.append(noun.table.c[column] == within)
    if noun.object_type is not None:
        own = visible(tx, actor, noun.object_type)
        return limits if own is None else [*limits, own]
    if noun.parent and within is None:
        parent_type, column = above(noun)
        if visible(tx, actor, parent_type) is not None:
            limits.append(noun.table.c[column].in_(visible_ids(actor, parent_type)))
    elif noun.owner and actor.filtered:
        limits.append(noun.table.c[noun.owner].in_((actor.user_id, EVERYONE)))
    return limits


def narrow(tx: Tx, actor: Actor) -> Narrow:
    """:func:`only_visible` for statements about many types. Whether the actor sees everything is asked once. Raises as
    :func:`visible` does.
    """
    if visible(tx, actor, ObjectType.DATA_CENTER) is None:
        return lambda _type, statement: statement
    return partial(only_visible, tx, actor)


def visible_among(tx: Tx, actor: Actor, object_type: ObjectType, ids: Sequence[str]) -> list[str]:
    """Those of the ids that are of things which the actor may see. Raises as :func:`visible` does."""
    column = table_of(object_type).c.id
    return list(tx.scalars(only_visible(tx, actor, object_type, select(column).where(column.in_(ids)))))


def visible_ids(actor: Actor, object_type: ObjectType) -> Select[Any]:
    """The ids of a type on which, above which or below which the actor has a permission.

    Above: a role on a data centre shows its networks. Below: whoever may use a VM sees the cluster and the data
    centre it is in.
    """
    table = table_of(object_type).alias()
    if actor.is_system:
        return select(table.c.id)
    held = permissions.alias()
    on_system = (
        exists().where(held.c.user_id.in_((actor.user_id, EVERYONE)), held.c.object_id == SYSTEM_ID).correlate(None)
    )
    return select(table.c.id).where(
        or_(on_system, _is_below(table, object_type, actor), _is_above(table, object_type, actor))
    )


# Every sub-query below has aliases of its own, so that none is taken for a reference to the query around it.


def _held(actor: Actor) -> Select[Any]:
    """The ids of the things on which the actor has a permission."""
    held = permissions.alias()
    return select(held.c.object_id).where(held.c.user_id.in_((actor.user_id, EVERYONE)))


def _is_below(table: FromClause, object_type: ObjectType, actor: Actor) -> ColumnElement[bool]:
    """Condition on rows of a type: there is a permission on them or above them."""
    own = table.c.id.in_(_held(actor))
    if object_type not in PARENT:
        return own
    parent_type, column = PARENT[object_type]
    parent = table_of(parent_type).alias()
    return or_(own, table.c[column].in_(select(parent.c.id).where(_is_below(parent, parent_type, actor))))


def _is_above(table: FromClause, object_type: ObjectType, actor: Actor) -> ColumnElement[bool]:
    """Condition on rows of a type: there is a permission on something below them."""
    conditions = []
    for child_type, (parent_type, column) in PARENT.items():
        if parent_type == object_type:
            child = table_of(child_type).alias()
            inside = or_(child.c.id.in_(_held(actor)), _is_above(child, child_type, actor))
            conditions.append(table.c.id.in_(select(child.c[column]).where(inside)))
    return or_(false(), *conditions)


def require_visible(tx: Tx, actor: Actor, ref: ObjectRef) -> None:
    """Raise NotFoundError unless the thing exists and the actor may see it (DeniedError as :func:`visible` does)."""
    table = table_of(ref.type)
    condition = visible(tx, actor, ref.type)
    if condition is None:
        found = _present(ref.type).first(tx, id=ref.id)
    else:
        found = tx.execute(select(literal(1)).where(table.c.id == ref.id, condition)).first()
    if found is None:
        raise missing(ref)


def missing(ref: ObjectRef) -> NotFoundError:
    """The error that there is no such thing, or none that the actor may see."""
    return NotFoundError(f"There is no {ref.type.replace('_', ' ')} {ref.id}.")


@cache
def _present(object_type: ObjectType) -> Statement[tuple[Any, ...]]:
    return Statement(select(literal(1)).where(table_of(object_type).c.id == bindparam("id")))
