"""Finding the thing that a caller means by its id, its name, or both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import ColumnElement, Table, bindparam, select

from netweft.core.errors import MalformedError, NotFoundError
from netweft.engine.db import Tx
from netweft.engine.model.records import Record
from netweft.engine.statements import Answer, Statement, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A client's reference to an object: its id, its name, or both, which must then agree."""

    id: str | None = None
    name: str | None = None


class Found(Record, frozen=True):
    """What a reference may mean."""

    id: str


def resolve(tx: Tx, table: Table, ref: Ref, kind: str, *where: ColumnElement[bool]) -> str:
    """The id of the row that ``ref`` means; ``where`` narrows where its name is looked for.

    Raises MalformedError when neither id nor name is given, NotFoundError when no row has what was given.
    """
    if where and ref.name and not ref.id:
        named = select(table.c.id).where(table.c.name == ref.name, *where).limit(2)
        return only_one(rows(tx, Found, named), ref, kind)
    return only_one(ask(tx, table, ref, kind).all(), ref, kind)


def ask(tx: Tx, table: Table, ref: Ref, kind: str) -> Answer[Found]:
    """:func:`resolve` for who asks more at once: :func:`only_one` takes the rows of the answer. Raises
    MalformedError.
    """
    if not ref.id and not ref.name:
        raise MalformedError(f"The {kind} is missing: give its id or its name.")
    return _meant(table, by_id=bool(ref.id), by_name=bool(ref.name)).ask(tx, id=ref.id, name=ref.name)


def only_one(found: Sequence[Found], ref: Ref, kind: str) -> str:
    """The id of the only row found. Raises MalformedError, NotFoundError."""
    if len(found) == 1:
        return found[0].id
    which = " ".join(part for part in (ref.id and f"with the id {ref.id}", ref.name and f"named '{ref.name}'") if part)
    if found:
        raise MalformedError(f"There are several of the kind {kind} {which}. Give its id.")
    raise NotFoundError(f"There is no {kind} {which}.")


@cache
def _meant(table: Table, *, by_id: bool, by_name: bool) -> Statement[Found]:
    conditions = [table.c.id == bindparam("id")] if by_id else []
    conditions += [table.c.name == bindparam("name")] if by_name else []
    return Statement(select(table.c.id).where(*conditions).limit(2), record=Found)
