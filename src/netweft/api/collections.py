"""What all collections of the API have in common: lists, single entities, the same below a parent, what ``follow``
loads, removal. From a noun's declaration (:class:`netweft.engine.noun.Noun`) and what shows its rows.

    NETWORKS = Collection(routes, queries.NETWORKS, Network, "/networks/{network_id}", show=show)
    NETWORKS.reads("Networks of all data centres.", "One network.")

What is special about a noun stands in its own file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import UNSET
from msgspec.structs import asdict
from sqlalchemy import Select

from netweft.api.follow import loads, loads_link
from netweft.api.request_fields import require_visible, required_ref
from netweft.api.routes import READ, Call, Handler, Later, Needs, Routes, many
from netweft.api.schema import Entity, Value, plain_fields, shared_fields
from netweft.api.search import LISTED, Searchable, page
from netweft.core.errors import NotFoundError
from netweft.engine.access import visibility
from netweft.engine.access.objects import PARENT, ObjectType
from netweft.engine.actor import Actor
from netweft.engine.db import Tx
from netweft.engine.model.records import R, Record
from netweft.engine.noun import Noun
from netweft.engine.queries.references import Ref
from netweft.engine.statements import rows

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

E = TypeVar("E", bound=Entity)


@dataclass(frozen=True, slots=True)
class Parent:
    """What a noun's entities also show below: its path, such as ``/networks/{network_id}``, and the column that has its
    id, which the path calls it as well. A request names it in the element ``network``.
    """

    path: str
    type: ObjectType
    column: str

    @property
    def word(self) -> str:
        """What sentences call it."""
        return self.type.replace("_", " ")


class Collection(Generic[R, E]):
    """The entities of one noun at ``path``, which ends with the name of its id, and below its parent, whose path is
    ``below``. ``show``: what makes an entity of a row, or ``show_all`` of many at once.
    """

    def __init__(
        self,
        routes: Routes,
        noun: Noun[R],
        kind: type[E],
        path: str,
        *,
        show: Callable[[R], E] | None = None,
        show_all: Callable[[Tx, Sequence[R]], list[E]] | None = None,
        below: str = "",
    ) -> None:
        self.routes = routes
        self.noun = noun
        self.kind = kind
        self.path = path
        if noun.object_type is None:
            raise TypeError(f"no rights are given on {noun.word}")
        self.type: ObjectType = noun.object_type
        self.parent = Parent(below, *PARENT[self.type]) if below else None
        self._show = show_all or _each(show)
        self._id = _id_name(path)
        self._searchable = Searchable(noun.search, key=noun.table.c.id)
        loads(kind)(self._load)

    def one(self, call: Call[Any], noun_id: str) -> E:
        """The entity as it is now. Raises NotFoundError."""
        with call.read() as tx:
            return self._read(tx, noun_id)

    def _read(self, tx: Tx, noun_id: str) -> E:
        return self._show(tx, [self.noun.get(tx, noun_id)])[0]

    def all(self, call: Call[Any]) -> list[E]:
        """Those that a request asks for."""
        with call.read() as tx:
            return self._listed(tx, call)

    def id(self, call: Call[Any]) -> str:
        """The id of the one that a request is about."""
        return call.ids[self._id]

    def _load(self, tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, E]:
        rows = self.visible(tx, call, self.noun.table.c.id.in_(ids))
        return {str(entity.id): entity for entity in self._show(tx, rows)}

    def visible(self, tx: Tx, call: Call[Any], *conditions: Any) -> list[R]:  # noqa: ANN401 - of SQLAlchemy
        """The rows on these conditions that who asks may see, in order."""
        statement = visibility.only_visible(tx, call.actor, self.type, self.noun.select.where(*conditions))
        return self.noun.all(tx, statement.order_by(next(iter(self.noun.search.values())), self.noun.table.c.id))

    def _listed(self, tx: Tx, call: Call[Any], *conditions: Any) -> list[E]:  # noqa: ANN401 - of SQLAlchemy
        statement = visibility.only_visible(tx, call.actor, self.type, self.noun.select.where(*conditions))
        return self._show(tx, self.noun.all(tx, page(tx, call, statement, self._searchable)))

    def reads(
        self,
        listed: str,
        one: str,
        *,
        below: tuple[str, str] | None = None,
        queries: tuple[tuple[str, ...], tuple[str, ...]] = (LISTED, ()),
    ) -> None:
        """Lists and single entities; the texts describe them. ``below``: the same below the parent (empty: not there).
        ``queries``: the parameters of both.
        """

        def list_all(call: Call[None]) -> list[E]:
            return self.all(call)

        def get(call: Call[None]) -> E:
            with call.read() as tx:
                require_visible(tx, call, self.type, self.id(call))
                return self._read(tx, self.id(call))

        self.routes.get(_above(self.path), many(self.kind), needs=READ, queries=queries[0])(
            _described(list_all, listed)
        )
        self.routes.get(self.path, self.kind, needs=READ, queries=queries[1])(_described(get, one))
        if below is not None:
            self._reads_below(get, *below)

    def _reads_below(self, get: Callable[[Call[None]], E], listed: str, one: str) -> None:
        parent = self._parent()

        def list_below(call: Call[None]) -> list[E]:
            parent_id = call.ids[parent.column]
            with call.read() as tx:
                require_visible(tx, call, parent.type, parent_id)
                return self._listed(tx, call, self.noun.table.c[parent.column] == parent_id)

        def get_below(call: Call[None]) -> E:
            self._require_inside(call)
            return get(call)

        path = parent.path + self.path
        self.routes.get(_above(path), many(self.kind), needs=READ, queries=LISTED)(_described(list_below, listed))
        if one:
            self.routes.get(path, self.kind, needs=READ)(_described(get_below, one))

    def adds(
        self, needs: Needs, *, below: str, queries: Sequence[str] = ()
    ) -> Callable[[Callable[[Call[E], Ref], E | Later]], None]:
        """Declare what adds an entity, given its parent: the one that the request names, or the one of the path."""
        parent = self._parent()
        element = parent.column.removesuffix("_id")
        first, *more = element.split("_")
        where = f"{self.kind.__name__} [{first}{''.join(map(str.capitalize, more))}"

        def declare(add: Callable[[Call[E], Ref], E | Later]) -> None:
            def post(call: Call[E]) -> E | Later:
                return add(call, required_ref(getattr(call.body, element), where))

            def post_below(call: Call[E]) -> E | Later:
                return add(call, Ref(id=call.ids[parent.column]))

            paths = _above(self.path), _above(parent.path + self.path)
            self.routes.post(paths[0], self.kind, needs=needs, queries=queries)(_described(post, add.__doc__))
            self.routes.post(paths[1], self.kind, needs=needs, queries=queries)(_described(post_below, below))

        return declare

    def changes(
        self, needs: Needs, *, below: str = "", queries: Sequence[str] = ()
    ) -> Callable[[Callable[[Call[E]], str | None]], None]:
        """Declare what changes the entity of a request's path; the answer is the entity then, if there is a job that
        may fail to bring the change elsewhere (whose id is given) when that has ended.
        """

        def declare(change: Callable[[Call[E]], str | None]) -> None:
            def put(call: Call[E]) -> E | Later:
                job_id = change(call)
                if job_id:
                    return Later(job_id, lambda: self.one(call, self.id(call)), may_fail=True)
                return self.one(call, self.id(call))

            self.routes.put(self.path, self.kind, needs=needs, queries=queries)(_described(put, change.__doc__))
            if below:
                twin = self._inside(put)
                self.routes.put(self._parent().path + self.path, self.kind, needs=needs)(_described(twin, below))

        return declare

    def removes(
        self,
        needs: Needs,
        remove: Callable[[Tx, Actor, str], str | None],
        text: str,
        *,
        below: str = "",
        queries: Sequence[str] = (),
    ) -> None:
        """The command that removes one; it gives the id of the job that removes it elsewhere, if there is one."""

        def delete(call: Call[None]) -> Later | None:
            job_id = call.run(remove, call.actor, self.id(call))
            return Later(job_id, may_fail=True) if job_id else None

        self.routes.delete(self.path, needs=needs, queries=queries)(_described(delete, text))
        if below:
            twin = self._inside(delete)
            self.routes.delete(self._parent().path + self.path, needs=needs)(_described(twin, below))

    def follows(self, parent_kind: type[Entity], attribute: str) -> None:
        """Let ``follow`` put the entities of each parent into its attribute."""
        column = self._parent().column

        def load(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, list[E]]:
            found: defaultdict[str, list[E]] = defaultdict(list)
            rows = self.visible(tx, call, self.noun.table.c[column].in_(ids))
            for row, entity in zip(rows, self._show(tx, rows), strict=True):
                found[getattr(row, column)].append(entity)
            return found

        loads_link(parent_kind, attribute)(load)

    def _parent(self) -> Parent:
        if self.parent is None:
            raise TypeError(f"{self.noun.word} is below nothing")
        return self.parent

    def _inside(self, handler: Handler) -> Handler:
        def inside(call: Call[Any]) -> Any:  # noqa: ANN401 - what the other gives
            self._require_inside(call)
            return handler(call)

        return inside

    def _require_inside(self, call: Call[Any]) -> None:
        """Raise NotFoundError unless the one of the path is below the parent of the path."""
        parent = self._parent()
        with call.read() as tx:
            row = self.noun.get(tx, self.id(call))
        if getattr(row, parent.column) != call.ids[parent.column]:
            raise NotFoundError(
                f"The {parent.word} {call.ids[parent.column]} has no {self.noun.word} with the id {self.id(call)}."
            )


def one(tx: Tx, record: type[R], statement: Select[Any], what: str) -> R:
    """The only row of a statement. Raises NotFoundError, for example of ``"user 12"``."""
    for row in rows(tx, record, statement):
        return row
    raise NotFoundError(f"There is no {what}.")


def same_fields(kind: type[Value], row: Record, *besides: str) -> dict[str, Any]:
    """The fields of an entity that are columns of its row and go as they are; None is not shown."""
    values = ((name, getattr(row, name)) for name in _plain(kind, type(row)) if name not in besides)
    return {name: UNSET if value is None else value for name, value in values}


def filled(value: Value) -> dict[str, Any]:
    """The fields of a value that say something."""
    return {name: field for name, field in asdict(value).items() if field is not UNSET}


def spec_fields(body: Value, spec: type[DataclassInstance]) -> dict[str, Any]:
    """The fields of a command that a request says, and that go there as they are."""
    values = ((name, getattr(body, name)) for name in shared_fields(type(body), spec))
    return {name: value for name, value in values if value is not UNSET}


@cache
def _plain(kind: type[Value], record: type[Record]) -> tuple[str, ...]:
    return tuple(name for name in plain_fields(kind) if name in record.__struct_fields__)


def _each(show: Callable[[R], E] | None) -> Callable[[Tx, Sequence[R]], list[E]]:
    if show is None:
        raise TypeError("either show or show_all")
    return lambda _, rows: [show(row) for row in rows]


def _described(handler: Handler, text: str | None) -> Handler:
    handler.__doc__ = text
    return handler


def _above(path: str) -> str:
    return path.rpartition("/")[0]


def _id_name(path: str) -> str:
    return path.rpartition("/")[2][1:-1]
