"""Finding the thing that a caller means by its id, its name, or both."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Row, Table, select

from netloom.core.errors import MalformedError, NotFoundError
from netloom.engine.db import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """What a client said of a thing: its id, its name, or both, which must then agree."""

    id: str | None = None
    name: str | None = None


def resolve(tx: Tx, table: Table, ref: Ref, kind: str, *where: ColumnElement[bool]) -> str:
    """The id of the row that ``ref`` means; ``where`` narrows where its name is looked for.

    Raises MalformedError when neither id nor name is given, NotFoundError when no row has what was given.
    """
    if not ref.id and not ref.name:
        raise MalformedError(f"Which {kind} is missing: give its id or its name.")
    query = select(table.c.id)
    if ref.id:
        query = query.where(table.c.id == ref.id)
    if ref.name:
        query = query.where(table.c.name == ref.name)
    if not ref.id:
        query = query.where(*where)
    found: list[Row[tuple[str]]] = list(tx.execute(query.limit(2)))
    if len(found) == 1:
        return str(found[0].id)
    said = " ".join(part for part in (ref.id and f"with the id {ref.id}", ref.name and f"named '{ref.name}'") if part)
    if found:
        raise MalformedError(f"There are several of the kind {kind} {said}. Give its id.")
    raise NotFoundError(f"There is no {kind} {said}.")
