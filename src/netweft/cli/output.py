"""The output of commands: a table for people, JSON or YAML for programs."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from netweft.client.scalars import typed

FORMATS = ("table", "wide", "json", "yaml")
TABLES = ("table", "wide")

Columns = Mapping[str, str]
"""Heading -> dotted path into the entity."""

_GAP = "  "
_NARROWEST = 8
"""Columns of a terminal that a cell which is folded keeps at least."""
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def pick(entity: Any, path: str) -> str:  # noqa: ANN401 (an entity is any JSON)
    """The text at a dotted path, ``""`` when it is not there; a list is joined by commas."""
    for key in path.split("."):
        entity = entity.get(key) if isinstance(entity, Mapping) else None
    if isinstance(entity, list):
        return ", ".join(map(_item, entity))
    return _text(entity)


def _text(value: Any) -> str:  # noqa: ANN401 (JSON is any value)
    """A value as the API writes it; ``""`` for none."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


_PAIRS = (("from", "-", "to"), ("first", "-", "last"), ("destination", " by ", "next_hop"), ("address", "", ""))
"""Items of lists that have no name: what they are shown by."""


def _item(item: Any) -> str:  # noqa: ANN401 (JSON is any value)
    if isinstance(item, str):
        return item
    for first, joint, second in _PAIRS:
        if first in item:
            return f"{item[first]}{joint}{item[second]}" if second else str(item[first])
    return next((str(item[key]) for key in ("name", "datum", "id") if item.get(key)), "")


def show_many(entities: Sequence[Any], columns: Columns, form: str, wide: Columns | None = None) -> None:
    """Print a collection; ``wide``: the columns of the form of that name, besides."""
    if form not in TABLES:
        _dump(list(entities), form)
        return
    chosen = {**columns, **(wide or {})} if form == "wide" else columns
    rows = [tuple(chosen), *(tuple(cell(pick(entity, path)) for path in chosen.values()) for entity in entities)]
    click.echo("\n".join(listing(rows, _width()) if form == "wide" else table(rows, _width())))


def show_one(entity: Any, form: str) -> None:  # noqa: ANN401 (an entity is any JSON)
    """Print one entity; as a table, a line per value that it holds."""
    if form not in TABLES:
        _dump(entity, form)
        return
    click.echo("\n".join(table(_leaves(entity, ""), _width())))


def show_facts(entity: Any, columns: Columns, form: str, wide: Columns | None = None) -> None:  # noqa: ANN401 (an entity is any JSON)
    """Print what a list shows of one entity, a line per column that holds something."""
    if form not in TABLES:
        _dump(entity, form)
        return
    chosen = {**columns, **(wide or {})} if form == "wide" else columns
    facts = [(heading.lower(), cell(pick(entity, path))) for heading, path in chosen.items()]
    click.echo("\n".join(table([fact for fact in facts if fact[1]], _width())))


def say(text: str) -> None:
    """A line for the person at the terminal, kept out of what programs read."""
    click.echo(text, err=True)


def listing(rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Lines of a table whose first row has the headings; where its words do not fit into ``width``, a block for each
    other row, with a value per line.
    """
    if width is None or sum(_least_widths(rows)) + len(_GAP) * (len(rows[0]) - 1) <= width:
        return table(rows, width)
    headings = [heading.lower() for heading in rows[0]]
    blocks = [table([fact for fact in zip(headings, row, strict=True) if fact[1]], width) for row in rows[1:]]
    return [line for block in blocks for line in (*block, "")][:-1]


def table(rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Lines of text with one row's cells each below those of the others; ``width``: how long they may be at most. The
    widest columns are folded where that is too little: between words, and within words only where that does not do.
    """
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if width is not None:
        room = width - len(_GAP) * (len(widths) - 1)
        _narrow(widths, _least_widths(rows), room)
        _narrow(widths, [_NARROWEST] * len(widths), room)
    lines = []
    for row in rows:
        cells = [_folded(text, wide) for text, wide in zip(row, widths, strict=True)]
        for line in range(max(map(len, cells))):
            parts = (folded[line] if line < len(folded) else "" for folded in cells)
            lines.append(_GAP.join(map(str.ljust, parts, widths)).rstrip())
    return lines


def _folded(text: str, width: int) -> list[str]:
    from textwrap import wrap  # noqa: PLC0415 - few tables have to be folded

    return wrap(text, width, break_on_hyphens=False) if len(text) > width else [text]


def _least_widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """How wide columns have to be for their longest words."""
    return [max(len(word) for text in column for word in text.split() or [""]) for column in zip(*rows, strict=True)]


def _narrow(widths: list[int], least: list[int], room: int) -> None:
    """Take from the widest columns until all have room, or none is wider than it has to be at ``least``."""
    while sum(widths) > room:
        wider = [width if width > minimum else 0 for width, minimum in zip(widths, least, strict=True)]
        if not any(wider):
            return
        widths[wider.index(max(wider))] -= 1


def _width() -> int | None:
    """Columns of the terminal; None where the output goes elsewhere, and is not folded."""
    return os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else None


def cell(text: str) -> str:
    """A text for a table: times in seconds, and nothing in it that a terminal takes for an order."""
    return _CONTROL.sub(" ", _TIME.sub(r"\1 \2", text))


def _leaves(value: Any, path: str) -> list[tuple[str, str]]:  # noqa: ANN401 (JSON is any value)
    if isinstance(value, Mapping):
        skipped = ("href", "link", "actions")
        return [
            leaf
            for key, item in value.items()
            if key not in skipped
            for leaf in _leaves(item, f"{path}.{key}" if path else key)
        ]
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return [leaf for number, item in enumerate(value, 1) for leaf in _leaves(item, f"{path}[{number}]")]
    text = ", ".join(map(_text, value)) if isinstance(value, list) else _text(value)
    return [(path, _CONTROL.sub(" ", text))]


def line_of(value: Any, form: str) -> str:  # noqa: ANN401 (JSON is any value)
    """One value of a stream: a JSON document on a line, or a YAML document."""
    return json.dumps(typed(value), ensure_ascii=False) if form == "json" else f"---\n{_yaml(typed(value))}".rstrip()


def _dump(value: Any, form: str) -> None:  # noqa: ANN401 (JSON is any value)
    chosen = typed(value)
    if form == "json":
        click.echo(json.dumps(chosen, indent=2, ensure_ascii=False))
    else:
        click.echo(_yaml(chosen), nl=False)


def _yaml(value: Any) -> str:  # noqa: ANN401 (JSON is any value)
    import yaml  # noqa: PLC0415 - takes as long as all the rest, for one form of four

    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))
