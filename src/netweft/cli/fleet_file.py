"""The file of a fleet: read, with the place of each mistake, compared with the fleet, and written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

from netweft.cli.output import say
from netweft.cli.session import the_session
from netweft.client import Client
from netweft.client.yaml_places import Document, YamlError
from netweft.core.fleet.changes import Change, changes
from netweft.core.fleet.checks import mistakes_in
from netweft.core.fleet.choices import Nics, decided
from netweft.core.fleet.host_nouns import HOST_NOUNS
from netweft.core.fleet.items import Fleet, Key, flatten, nest, normal, shape_mistakes
from netweft.core.fleet.values import Mistake

WRONG = 2
"""Exit code for a file with mistakes, as for a wrong command line."""
_DUMPER: type[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_WIDTH = 120


@dataclass(frozen=True, slots=True)
class State:
    """The fleet as it is, and the ids of its things."""

    fleet: Fleet
    ids: dict[Key, str]


@dataclass(frozen=True, slots=True)
class Todo:
    """The changes that make the fleet match a file."""

    state: State
    wanted: Fleet
    changes: tuple[Change, ...]


class File:
    """A file of valid structure. Prints mistakes and ends the program."""

    def __init__(self, path: Path) -> None:
        the_session().by_file = True
        self.name = str(path)
        try:
            self._document = Document(path.read_bytes())
        except YamlError as error:
            _end([f"{self.name}:{line}:{column}: {text}" for line, column, text in error.problems])
        self._refuse(shape_mistakes(self._document.value))
        self.fleet = flatten(self._document.value)

    def todo(self, client: Client, *, prune: bool) -> Todo:
        """The changes to make now. Prints mistakes with respect to the present fleet, and ends the program."""
        state = state_of(client)
        asks_for_nics = any(noun in HOST_NOUNS for noun, _ in self.fleet.things)
        wanted, mistakes = decided(self.fleet, state.fleet, _nics(client) if asks_for_nics else {})
        self._refuse([*mistakes, *mistakes_in(state.fleet, wanted, prune=prune)])
        return Todo(state, wanted, changes(state.fleet, wanted, prune=prune))

    def _refuse(self, mistakes: Sequence[Mistake]) -> None:
        placed = sorted((*self._document.find(one.place), one.text) for one in mistakes)
        if placed:
            _end([f"{self.name}:{line}:{column}: {text}" for line, column, text in placed])


def _end(lines: Sequence[str]) -> None:
    for line in lines:
        say(line)
    say(f"{len(lines)} mistake{'s' * (len(lines) > 1)}: nothing was done.")
    raise click.exceptions.Exit(WRONG)


def state_of(client: Client) -> State:
    """The fleet as it is."""
    things, ids = {}, {}
    for one in client.addition("GET", "fleet"):
        key = one["noun"], tuple(one["names"])
        things[key], ids[key] = normal(one["noun"], one["values"]), one["id"]
    return State(Fleet(things), ids)


def _nics(client: Client) -> Nics:
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for one in client.addition("GET", "fleet/nics"):
        found[one["host"]][one["name"]] = one
    return found


def written(fleet: Fleet) -> str:
    """The file that describes the fleet, in YAML."""
    return in_yaml(nest(fleet.things))


def in_yaml(tree: Any) -> str:  # noqa: ANN401 -- what YAML holds
    """A tree as YAML, in which what holds nothing else takes one line."""
    text = yaml.dump(tree, Dumper=_DUMPER, sort_keys=False, default_flow_style=None, allow_unicode=True, width=_WIDTH)
    return str(text)
