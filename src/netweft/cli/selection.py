"""How much of a list is printed and in which order: ``--search``, ``--sort`` and ``--max``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any, TypeAlias

import click

from netweft.cli.noun_types import Whole
from netweft.cli.output import Columns, pick
from netweft.client.tree import Tree, Trees

Run: TypeAlias = Callable[..., None]
"""What carries a command out."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What the three options say. ``sort`` has the form ``BY[:desc]``; ``most`` is None for no bound."""

    search: str
    sort: str
    most: int | None

    def within(self, condition: str) -> Selection:
        """The same of what meets a condition of the search language; ``""`` for none."""
        return replace(self, search=" and ".join(f"({one})" for one in (condition, self.search) if one))

    def query(self) -> dict[str, str | int]:
        """The query of a collection that the API searches. Raises click.UsageError."""
        found: dict[str, str | int] = {} if self.most is None else {"max": self.most}
        if text := " ".join(filter(None, (self.search, order(self.sort)))):
            found["search"] = text
        return found

    def arrange(self, found: Trees, columns: Columns) -> Trees:
        """Sort by a column and cut off at the bound, where the API does neither. Raises click.UsageError."""
        by, _, direction = self.sort.partition(":")
        is_descending = _direction(direction) == "desc"
        if by:
            paths = {heading.lower(): path for heading, path in columns.items()}
            if by.lower() not in paths:
                raise click.UsageError(f"--sort: {by} is none of {', '.join(paths)}.")
            found = sorted(found, key=lambda entity: _sort_key(entity, paths[by.lower()]), reverse=is_descending)
        return found[: self.most]


def order(sort: str) -> str:
    """What a search ends with for an option of the form ``BY[:desc]``. Raises click.UsageError."""
    field, _, direction = sort.partition(":")
    return f"sortby {field} {_direction(direction)}" if field else ""


def searched(sample: str, most: int = 0) -> Callable[[Run], Run]:
    """Give a command the options of a list that the API searches, as ``selection``. ``sample``: a search for the help;
    ``most``: the bound unless told otherwise, 0 for none.
    """
    search = click.option("--search", default="", help=f"Only those that match, for example '{sample}'.")
    return _selects(search, _sort_option("a field, as in --search"), max_option(most))


def unsearched(what: str, columns: Columns) -> Callable[[Run], Run]:
    """The same for a list of ``what`` that the API cannot search: it is sorted here by one of its columns."""

    def refuse(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str:
        if value is not None:
            raise click.UsageError(f"--search: the API cannot search {what}. Use --sort and --max.")
        return ""

    search = click.option("--search", hidden=True, callback=refuse, help="Refused: the API cannot search these.")
    return _selects(search, _sort_option(f"one of {', '.join(columns)}"), max_option(0))


def max_option(most: int) -> Callable[[Run], Run]:
    """The option for the bound of a list."""
    default = most or None
    return click.option(
        "--max", "most", type=Whole(min=1), default=default, show_default=bool(most), help="How many at most."
    )


def _sort_option(by: str) -> Callable[[Run], Run]:
    text = f"Sort by {by}; with :desc in descending order."
    return click.option("--sort", default="", metavar="BY[:desc]", help=text)


def _selects(*options: Callable[[Run], Run]) -> Callable[[Run], Run]:
    def decorate(function: Run) -> Run:
        @functools.wraps(function)
        def command(*args: Any, search: str, sort: str, most: int | None, **rest: Any) -> None:  # noqa: ANN401 (handed on)
            function(*args, selection=Selection(search, sort, most), **rest)

        made: Run = command
        for option in reversed(options):
            made = option(made)
        return made

    return decorate


def _direction(text: str) -> str:
    if text not in {"", "asc", "desc"}:
        raise click.UsageError(f"--sort: {text!r} is neither asc nor desc.")
    return text


def _sort_key(entity: Tree, path: str) -> tuple[bool, int, str]:
    """Numbers by their value and before texts."""
    text = pick(entity, path)
    return (not text.isdigit(), int(text) if text.isdigit() else 0, text)


def part_of_history(run: Run) -> Run:
    """Give a command the options that say how much of a history to show, for :func:`asked_part`."""
    before = click.option(
        "--before", type=_Moment(), help="Only what was before: a date with a time, or the time of today (14:05)."
    )
    most = click.option("--max", "most", type=Whole(min=1), help="How many at most.")
    return before(most(run))


def asked_part(before: datetime | None, most: int | None) -> dict[str, str | int]:
    """The query for these options."""
    return {
        **({} if most is None else {"max": most}),
        **({} if before is None else {"before": before.astimezone(UTC).isoformat()}),
    }


class _Moment(click.ParamType[Any]):
    """A moment in ISO 8601; without a zone in that of this machine, without a date of today."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 (click's own)
        """The moment."""
        text = str(value)
        try:
            return datetime.fromisoformat(text).astimezone()
        except ValueError:
            pass
        try:
            return datetime.combine(datetime.now().astimezone(), time.fromisoformat(text)).astimezone()
        except ValueError:
            self.fail(f"{text!r} is no time, such as 14:05 or 2026-11-29T14:05.", param, ctx)
