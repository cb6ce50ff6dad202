"""What commands print: a table for people, JSON or YAML for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click
import yaml
from rich.console import Console
from rich.table import Table

FORMATS = ("table", "json", "yaml")

Columns = Mapping[str, str]
"""Heading -> dotted path into the entity."""


def pick(entity: Any, path: str) -> str:  # noqa: ANN401 (an entity is any JSON)
    """The text at a dotted path, ``""`` when it is not there; a list is joined by commas."""
    for key in path.split("."):
        entity = entity.get(key) if isinstance(entity, Mapping) else None
    if isinstance(entity, list):
        return ", ".join(
            item if isinstance(item, str) else str(item.get("name") or item.get("id", "")) for item in entity
        )
    return "" if entity is None else str(entity)


def show_many(entities: Sequence[Any], columns: Columns, form: str) -> None:
    """Print a collection."""
    if form != "table":
        _dump(list(entities), form)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in columns:
        table.add_column(heading, overflow="fold")
    for entity in entities:
        table.add_row(*(pick(entity, path) for path in columns.values()))
    _console().print(table)


def show_one(entity: Any, form: str) -> None:  # noqa: ANN401 (an entity is any JSON)
    """Print one entity; as a table, a line per value that it holds."""
    if form != "table":
        _dump(entity, form)
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for path, value in _leaves(entity, ""):
        table.add_row(path, value)
    _console().print(table)


def say(text: str) -> None:
    """A line for the person at the terminal, kept out of what programs read."""
    click.echo(text, err=True)


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
    return [(path, ", ".join(map(str, value)) if isinstance(value, list) else str(value))]


def _dump(value: Any, form: str) -> None:  # noqa: ANN401 (JSON is any value)
    if form == "json":
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        click.echo(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), nl=False)


def _console() -> Console:
    # Cells are data: no markup in them, and when piped no wrapping at 80 columns.
    console = Console(markup=False, highlight=False)
    return console if console.is_terminal else Console(markup=False, highlight=False, width=400)
