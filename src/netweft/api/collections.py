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
from typing import TYPE_CHECKING, Any, Concatenate, Generic, TypeVar

from msgspec import UNSET

from netweft.api.follow import loads, loads_link
from netweft.api.request_fields import required_ref
from netweft.api.routes import READ, Call, Handler, Later, Needs, Routes, many
from netweft.api.schema import Entity, Value, plain_fields, shared_fields
from netweft.api.search import LISTED, listed
from netweft.core.errors import NotFoundError
from netweft.engine.access import visibility
from netweft.engine.access.objects import ObjectRef, ObjectType, above
from netweft.engine.actor import Actor
from netweft.engine.db import Tx
from netweft.engine.model.records import R, Record
from netweft.engine.noun import Noun
from netweft.engine.queries.references import Ref

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

E = TypeVar("E")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Parent:
    """What a noun's entities are below: its type, and the column that has its id, which paths call it as well. A
    request names it in the element ``network``, for example.
    """

    type: ObjectType
    column: str

    @property
    def word(self) -> str:
        """What sentences call it."""
        return self.type.replace("_", " ")


class Collection(Generic[R, E]):
    """The entities of one noun at ``path``, which ends with the name of its id. ``below``: the path of its parent, such
    as ``/networks/{network_id}``, where they are shown as well; those of a noun that is only there have the parent in
    ``path``. ``show``: what makes an entity of a row, or ``show_all`` of many at once. ``kind``: the type of an entity,
    in Netweft's additions any that msgspec writes.
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
        self.below = below
        self.parent = Parent(*above(noun)) if noun.parent else None
        self._show = show_all or _each(show)
        self._ids = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        if issubclass(kind, Entity):
            loads(kind)(self._load)

    def one(self, call: Call[Any], noun_id: str) -> E:
        """The entity as it is now. Raises NotFoundError."""
        with call.read() as tx:
            return self._show(tx, [self.noun.get(tx, noun_id)])[0]

    def all(self, call: Call[Any]) -> list[E]:
        """Those that a request asks for. Raises NotFoundError unless who asks may see the parent in its path."""
        with call.read() as tx:
            return self._show(tx, listed(tx, call, self.noun, within=self._within(call)))

    def get(self, call: Call[Any]) -> E:
        """The one that a request is about. Raises NotFoundError as :meth:`row` does."""
        with call.read() as tx:
            return self._show(tx, [self.row(tx, call)])[0]

    def id(self, call: Call[Any]) -> str:
        """The id of the one that a request is about."""
        return call.ids[self._ids[-1]]

    def row(self, tx: Tx, call: Call[Any]) -> R:
        """The row that a request is about. Raises NotFoundError when there is none that who asks may see, and none
        below the parent in its path.
        """
        row = visibility.find(tx, call.actor, self.noun, self.id(call), self._within(call))
        if row is None:
            raise self._missing(call)
        return row

    def _load(self, tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, E]:
        return {str(getattr(entity, "id", "")): entity for entity in self._show(tx, self.among(tx, call, ids))}

    def among(self, tx: Tx, call: Call[Any], ids: Sequence[str]) -> list[R]:
        """The rows with these ids that who asks may see, in order."""
        return self.visible(tx, call, self.noun.table.c.id.in_(ids))

    def visible(self, tx: Tx, call: Call[Any], *conditions: Any) -> list[R]:  # noqa: ANN401 - of SQLAlchemy
        """The rows on these conditions that who asks may see, in order."""
        return self.noun.all(tx, visibility.of_noun(tx, call.actor, self.noun, *conditions).order_by(*self.noun.order))

    def _within(self, call: Call[Any]) -> str | None:
        """The id of the parent in the path, None where there is none."""
        return call.ids.get(self.parent.column) if self.parent else None

    def _missing(self, call: Call[Any]) -> NotFoundError:
        parent, noun_id, within = self.parent, self.id(call), self._within(call)
        if parent is not None and within is not None:
            return NotFoundError(f"The {parent.word} {within} has no {self.noun.word} with the id {noun_id}.")
        if self.noun.object_type is not None:
            return visibility.missing(ObjectRef(self.noun.object_type, noun_id))
        return self.noun.missing(noun_id)

    def reads(
        self,
        listed: str,
        one: str,
        *,
        below: tuple[str, str] = ("", ""),
        queries: tuple[tuple[str, ...], tuple[str, ...]] = (LISTED, ()),
        needs: Needs = READ,
    ) -> None:
        """Lists and single entities; the texts describe them (empty: not there). ``below``: the same below the parent.
        ``queries``: the parameters of both.
        """
        self._reads_at(self.path, listed, one, queries, needs)
        self._reads_at(self.below + self.path, *below, (LISTED, ()), needs)

    def _reads_at(
        self, path: str, listed: str, one: str, queries: tuple[tuple[str, ...], tuple[str, ...]], needs: Needs
    ) -> None:
        def list_all(call: Call[None]) -> list[E]:
            return self.all(call)

        def get(call: Call[None]) -> E:
            return self.get(call)

        if listed:
            declare = self.routes.get(_above(path), many(self.kind), needs=needs, queries=queries[0])
            declare(_described(list_all, listed))
        if one:
            self.routes.get(path, self.kind, needs=needs, queries=queries[1])(_described(get, one))

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

            paths = _above(self.path), _above(self.below + self.path)
            self.routes.post(paths[0], self.kind, needs=needs, queries=queries)(_described(post, add.__doc__))
            self.routes.post(paths[1], self.kind, needs=needs, queries=queries)(_described(post_below, below))

        return declare

    def brought(self, call: Call[Any], job_id: str | None, noun_id: str) -> E | Later:
        """The entity, once a job has ended that brings it elsewhere and may fail, if there is one."""
        if job_id:
            return Later(job_id, lambda: self.one(call, noun_id), may_fail=True)
        return self.one(call, noun_id)

    def changes(
        self, needs: Needs, *, takes: type[B] | None = None, below: str = "", queries: Sequence[str] = ()
    ) -> Callable[[Callable[[Call[B]], str | None]], None]:
        """Declare what changes the entity of a request's path; the answer is the entity then, if there is a job that
        may fail to bring the change elsewhere (whose id is given) when that has ended.
        """

        def declare(change: Callable[[Call[B]], str | None]) -> None:
            def put(call: Call[B]) -> E | Later:
                return self.brought(call, change(call), self.id(call))

            body = takes or self.kind
            self.routes.put(self.path, body, gives=self.kind, needs=needs, queries=queries)(
                _described(put, change.__doc__)
            )
            if below:
                twin = self._inside(put)
                self.routes.put(self.below + self.path, body, gives=self.kind, needs=needs)(_described(twin, below))

        return declare

    def removes(
        self,
        needs: Needs,
        remove: Callable[Concatenate[Tx, Actor, ...], str | None],
        text: str,
        *,
        below: str = "",
        queries: Sequence[str] = (),
    ) -> None:
        """The command that removes one, given the ids in ``path``; it gives the id of the job that removes it
        elsewhere, if there is one.
        """

        def delete(call: Call[None]) -> Later | None:
            job_id = call.run(remove, call.actor, *(call.ids[name] for name in self._ids))
            return Later(job_id, may_fail=True) if job_id else None

        self.routes.delete(self.path, needs=needs, queries=queries)(_described(delete, text))
        if below:
            twin = self._inside(delete)
            self.routes.delete(self.below + self.path, needs=needs)(_described(twin, below))

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
        column = self._parent().column
        with call.read() as tx:
            row = self.noun.find(tx, self.id(call))
        if row is None or getattr(row, column) != call.ids[column]:
            raise self._missing(call)


def same_fields(kind: type[Value], row: Record, *besides: str) -> dict[str, Any]:
    """The fields of an entity that are columns of its row and go as they are; None is not shown."""
    values = ((name, getattr(row, name)) for name in _plain(kind, type(row)) if name not in besides)
    return {name: UNSET if value is None else value for name, value in values}


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
