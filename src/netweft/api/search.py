"""The query language of ``search=``, as far as clients use it, put into SQL.

    search   = [noun ":"] [condition] ["sortby" field ["asc" | "desc"]] ["page" number]
    condition = term {"or" term};  term = factor {"and" factor};  factor = ["not"] (test | "(" condition ")")
    test     = field ("=" | "!=" | "<" | "<=" | ">" | ">=") value  |  value
    value    = word or "words in quotes", with ``*`` for any characters

A lone value is looked for in the noun's first text field. Letters of either case are the same unless
``case_sensitive=true`` (on SQLite for ASCII only).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    String,
    Text,
    TypeDecorator,
    and_,
    func,
    not_,
    or_,
)

from netweft.api.routes import Call, Query
from netweft.api.scalars import date_of
from netweft.core.errors import MalformedError
from netweft.engine.access import visibility
from netweft.engine.db import Tx
from netweft.engine.model.records import R
from netweft.engine.noun import Across, Noun, Searchable
from netweft.engine.statements import rows

PAGE_SIZE = 100
"""Entities on a page when ``max`` does not say (oVirt's default)."""
LISTED = ("search", "max", "case_sensitive")
"""The query parameters of every list that can be searched."""
_DEPTH_MAX = 20
_LENGTH_MAX = 4000
_NUMBER_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


_TOKEN = re.compile(
    r'\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<op>!=|<=|>=|=|<|>)|(?P<par>[()])|(?P<word>[^\s()=<>!"]+))'
)


def listed(
    tx: Tx, call: Call[Any], noun: Noun[R], *conditions: ColumnElement[bool], within: str | None = None
) -> list[R]:
    """The rows of a noun that a request asks for, of those on these conditions that who asks may see. ``within``: the
    id of what they are below. Raises MalformedError, NotFoundError.
    """
    statement = visibility.of_noun(tx, call.actor, noun, *conditions, within=within)
    return page(tx, call, Searchable(statement, noun.record, noun.search, noun.order))


def page(tx: Tx, call: Call[Any], searchable: Searchable[R]) -> list[R]:
    """The rows that a request asks for: those that its search is about, in its order, on its page. Raises
    MalformedError.
    """
    statement, number = searched(tx, call.query, searchable)
    return rows(tx, searchable.record, window(statement, call.query.size(), number))


def searched(
    tx: Tx, query: Query, searchable: Searchable[Any], named: str = "search"
) -> tuple[Select[Any], int | None]:
    """The statement with the search and order that the parameter ``named`` asks for, and the number of the page, None
    when it says none. Raises MalformedError.
    """
    search = query.text(named)
    if len(search) > _LENGTH_MAX:
        raise MalformedError("The search is too long.")
    is_exact = query.flag("case_sensitive")
    parser = _Parser(_tokens(search), searchable.fields, exact=is_exact, sqlite=tx.dialect.name == "sqlite")
    condition, asked, number = parser.parse()
    statement = searchable.statement if condition is None else searchable.statement.where(condition)
    *order, key = searchable.order
    return statement.order_by(*(asked or order), key), number


def window(statement: Select[Any], size: int | None, number: int | None = None) -> Select[Any]:
    """The page of that number of a statement, with ``size`` rows (None: all, or 100 where there is a number)."""
    if size is not None:
        size = min(size, _NUMBER_MAX)
    if number is not None:
        size = PAGE_SIZE if size is None else size
        statement = statement.offset((number - 1) * size)
    return statement if size is None else statement.limit(size)


def _tokens(search: str) -> list[_Token]:
    tokens, at = [], 0
    text = search.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise MalformedError(f"search: cannot be understood from '{text[at : at + 40]}' on.")
        kind = match.lastgroup or ""
        word = match[kind]
        tokens.append(_Token("value", re.sub(r"\\(.)", r"\1", word[1:-1])) if kind == "quoted" else _Token(kind, word))
        at = match.end()
    if tokens and tokens[0].kind == "word" and tokens[0].text.endswith(":"):
        return tokens[1:]
    return tokens


class _Parser:
    """Recursive descent over the grammar above."""

    def __init__(self, tokens: list[_Token], fields: Mapping[str, Any], *, exact: bool, sqlite: bool) -> None:
        self.tokens = tokens
        self.at = 0
        self.fields = fields
        self.exact = exact
        self.sqlite = sqlite

    def parse(self) -> tuple[ColumnElement[bool] | None, list[ColumnElement[Any]], int | None]:
        condition = None if self._ends() else self._or(0)
        order: list[ColumnElement[Any]] = []
        number = None
        while self.at < len(self.tokens):
            if self._takes("sortby"):
                order = [self._sort_key()]
            elif self._takes("page"):
                number = self._page_number()
            else:
                raise MalformedError(f"search: '{self._text()}' is not expected there.")
        return condition, order, number

    def _text(self) -> str:
        return self.tokens[self.at].text[:60] if self.at < len(self.tokens) else "the end"

    def _is(self, word: str) -> bool:
        return (
            self.at < len(self.tokens)
            and self.tokens[self.at].kind in {"word", "par"}
            and self.tokens[self.at].text.lower() == word
        )

    def _takes(self, word: str) -> bool:
        if self._is(word):
            self.at += 1
            return True
        return False

    def _ends(self) -> bool:
        """Whether no condition begins here: ``page`` and ``sortby`` are keywords unless an operator follows."""
        if self.at >= len(self.tokens):
            return True
        has_operator = self.at + 1 < len(self.tokens) and self.tokens[self.at + 1].kind == "op"
        return (self._is("page") or self._is("sortby")) and not has_operator

    def _next(self, what: str, *kinds: str) -> str:
        if self.at >= len(self.tokens) or self.tokens[self.at].kind not in kinds:
            raise MalformedError(f"search: {what} is expected instead of '{self._text()}'.")
        self.at += 1
        return self.tokens[self.at - 1].text

    def _or(self, depth: int) -> ColumnElement[bool]:
        if depth > _DEPTH_MAX:
            raise MalformedError("search: too many parentheses.")
        parts = [self._and(depth)]
        while self._takes("or"):
            parts.append(self._and(depth))
        return or_(*parts)

    def _and(self, depth: int) -> ColumnElement[bool]:
        parts = [self._factor(depth)]
        while self._takes("and"):
            parts.append(self._factor(depth))
        return and_(*parts)

    def _factor(self, depth: int) -> ColumnElement[bool]:
        if self._takes("not"):
            return not_(self._factor(depth + 1)) if depth <= _DEPTH_MAX else self._or(depth + 1)
        if self._takes("("):
            inner = self._or(depth + 1)
            self._next("')'", "par")
            return inner
        return self._test()

    def _test(self) -> ColumnElement[bool]:
        if self.tokens[self.at].kind == "value" if self.at < len(self.tokens) else False:
            return self._any_of(next(iter(self.fields)), "=", self._next("a value", "value"))
        name = self._next("a field", "word")
        if self.at >= len(self.tokens) or self.tokens[self.at].kind != "op":
            return self._any_of(next(iter(self.fields)), "=", name)
        operator = self._next("an operator", "op")
        return self._any_of(name, operator, self._next("a value", "word", "value"))

    def _any_of(self, name: str, operator: str, value: str) -> ColumnElement[bool]:
        field = self._field(name)
        if callable(field):
            across = cast("Across", field)
            if operator == "!=":
                return not_(across(lambda column: self._compare(column, "=", value, name)))
            return across(lambda column: self._compare(column, operator, value, name))
        return self._compare(field, operator, value, name)

    def _field(self, name: str) -> Any:  # noqa: ANN401 (a column, an expression, or a function of a test)
        field = self.fields.get(name.lower())
        if field is None:
            raise MalformedError(
                f"search: there is no field '{name[:60]}' here; there are {', '.join(sorted(self.fields))}."
            )
        return field

    def _sort_key(self) -> ColumnElement[Any]:
        field = self._field(self._next("a field", "word"))
        if callable(field):
            raise MalformedError("search: sortby does not support that field.")
        if self._takes("desc"):
            return cast("ColumnElement[Any]", field.desc())
        self._takes("asc")
        return cast("ColumnElement[Any]", field.asc())

    def _page_number(self) -> int:
        text = self._next("a page number", "word")
        if not text.isascii() or not text.isdigit() or not 0 < int(text[:10]) <= _NUMBER_MAX // 1000:
            raise MalformedError(f"search: '{text[:60]}' is not the number of a page.")
        return int(text)

    def _compare(self, column: Any, operator: str, value: str, name: str) -> ColumnElement[bool]:  # noqa: ANN401 (a column or an expression)
        kind = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
        if isinstance(kind, Boolean | Integer | DateTime):
            return _plain(column, operator, _typed(kind, value, name))
        if not isinstance(kind, String | Text):
            raise MalformedError(f"search: {name} cannot be compared.")
        if "*" in value and operator in {"=", "!="}:
            like = self._like(column, value)
            return not_(like) if operator == "!=" else like
        return _plain(column, operator, value) if self.exact else _plain(func.lower(column), operator, value.lower())

    def _like(self, column: Any, value: str) -> ColumnElement[bool]:  # noqa: ANN401 (the same)
        if self.exact and self.sqlite:  # its LIKE takes no notice of case
            pattern = "".join(f"[{c}]" if c in "[]?" else c for c in value)
            return cast("ColumnElement[bool]", column.op("GLOB", is_comparison=True)(pattern))
        pattern = re.sub(r"([\\%_])", r"\\\1", value).replace("*", "%")
        if self.exact:
            return cast("ColumnElement[bool]", column.like(pattern, escape="\\"))
        return func.lower(column).like(pattern.lower(), escape="\\")


def _plain(column: Any, operator: str, value: object) -> ColumnElement[bool]:  # noqa: ANN401 (a column or an expression)
    comparisons: Mapping[str, Callable[[], Any]] = {
        "=": lambda: column == value,
        "!=": lambda: column != value,
        "<": lambda: column < value,
        "<=": lambda: column <= value,
        ">": lambda: column > value,
        ">=": lambda: column >= value,
    }
    return cast("ColumnElement[bool]", comparisons[operator]())


def _typed(kind: object, value: str, name: str) -> object:
    text = value.strip().lower()
    if isinstance(kind, Boolean) and text in {"true", "false"}:
        return text == "true"
    if isinstance(kind, Integer) and re.fullmatch(r"-?[0-9]{1,10}", text) and abs(int(text)) <= _NUMBER_MAX:
        return int(text)
    if isinstance(kind, DateTime):
        try:
            return date_of(value)
        except ValueError as error:
            raise MalformedError(
                f"search: {name} is compared with a date such as 2026-01-31, not '{value[:60]}'."
            ) from error
    raise MalformedError(f"search: {name} cannot be compared with '{value[:60]}'.")
