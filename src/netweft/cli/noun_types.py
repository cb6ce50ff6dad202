"""What a noun of the command line is declared with; :mod:`netweft.cli.nouns` is the table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from netweft.client.tree import Tree

NOTHING = object()
"""Value of an option that takes away what its field holds."""
NONE = "none"
"""The word for it."""


@dataclass(frozen=True, slots=True)
class Field:
    """An option of ``add`` and ``set``, and the dotted path of the entity that it fills.

    ``type``: of the value; ``bool`` for an option without one. ``many``: may be given more than once. ``default``: for
    ``add``, when the option is not given. ``only_add``: cannot be changed later.
    """

    option: str
    path: str
    help: str
    type: Any = str
    many: bool = False
    default: Any = None
    names: str = ""
    """The noun whose name or id the option's value is; a ``path`` that ends with ``id`` is filled with its id."""
    metavar: str = ""
    """How help writes the value, where its type does not say."""
    only: Mapping[str, str] = field(default_factory=dict)
    """What such a thing must hold to be meant, such as the type of a QoS."""
    removable: bool = False
    """Whether ``none`` takes it away."""
    only_add: bool = False
    required: bool = False
    """Whether ``add`` needs the option."""
    convert: Callable[[Any], Any] | None = None
    """Makes the entity's value of the option's."""
    completed: Callable[[Any, Tree], Any] | None = None
    """For ``set``: makes the option's value whole with what the entity holds already."""
    in_query: bool = False
    """Whether the API takes it in the query of the request (``path``: the parameter), where oVirt's entity has no place
    for it.
    """

    @property
    def parameter(self) -> str:
        """The name under which click hands the value over."""
        return self.option.removeprefix("--").split("/")[0].replace("-", "_")


@dataclass(frozen=True, slots=True)
class Action:
    """A verb that calls an action of the API which takes no more than the thing itself, and waits for its job.

    ``about``: what it does, beginning with a verb. ``nothing``: what to say when there was nothing to wait for.
    """

    verb: str
    path: str
    about: str
    nothing: str = "Done."
    body: Mapping[str, Any] = field(default_factory=dict)
    """What the API is sent."""


@dataclass(frozen=True, slots=True)
class Noun:
    """One noun. ``name``: its words on the command line; ``path``: its collection, below that of its ``parent`` (the
    name of a noun); ``one``: it with its article. ``sample``, ``sample_options``: what an example calls one, and gives
    it. ``verbs``: which of list, show, add, set, remove it has.
    """

    name: str
    path: str
    one: str
    columns: Mapping[str, str]
    help: str
    fields: tuple[Field, ...] = ()
    sample: str = ""
    sample_options: str = ""
    verbs: tuple[str, ...] = ("list", "show", "add", "set", "remove")
    actions: tuple[Action, ...] = ()
    wide: Mapping[str, str] = field(default_factory=lambda: {"ID": "id"})
    """What ``-o wide`` shows besides."""
    parent: str = ""
    parent_option: str = ""
    """The option that names the parent, for what has names of its own; else it is named before."""
    picks: str = ""
    """The noun of which one that exists is added and removed here, as a tag is of a machine."""
    searchable: bool = True
    most: int = 0
    """The default number of entities in a list; 0 for all."""
    refers: Mapping[str, str] = field(default_factory=dict)
    """Fields that are references, and the noun that they are to: the API answers with ids."""
    within: str = ""
    """The field of ``refers`` with what names are unique in, for nouns of which several may have the same name."""
    key: str = "name"
    """What people call it by; ``search_key``: the same in the search language."""
    search_key: str = "name"
    unsearched: Mapping[str, str] = field(default_factory=dict)
    """Names that the API's search does not find, and their ids."""
    suffix: str = ""
    """What a name has that does not say otherwise, from an ``@`` on."""
    is_addition: bool = False
    """Whether its collection is one of Netweft's additions."""
    beside: tuple[str, ...] = ()
    """Fields from the addition at the same path that oVirt's entity does not have."""
    force: str = ""
    """What ``remove --force`` does, empty where there is no such option."""
    counts: Mapping[str, str] = field(default_factory=dict)
    """What the verb ``counts`` shows: numbers of related objects."""
    more: str = ""
    """The module of this package with its verbs that are no usual ones (``COMMANDS``)."""

    @property
    def argument(self) -> str:
        """The word that stands for one of them on the command line."""
        return self.name.rpartition(" ")[2].replace("-", "_")


class Whole(click.IntRange):
    """A whole number within bounds."""

    name = "integer"


class TextFile(click.ParamType[Any]):
    """A file with a text, such as a password; a line's end behind it does not count."""

    name = "FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 (click's own)
        """The text."""
        try:
            return Path(str(value)).read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            self.fail(f"{value} cannot be read: {reason}.", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 (click's own)
        """Files."""
        return [CompletionItem(incomplete, type="file")]


class FilledText(click.ParamType[Any]):
    """A text that is not empty."""

    name = "TEXT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 (click's own)
        """The text."""
        return value or self.fail("it is empty", param, ctx)


class MaybeNothing(click.ParamType[Any]):
    """Values of a type, or the word that takes them away."""

    def __init__(self, kind: Any) -> None:  # noqa: ANN401 (what click takes for a type)
        self._kind = click.types.convert_type(kind)
        self.name = self._kind.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 (click's own)
        """The value, or NOTHING."""
        return NOTHING if value in (NONE, NOTHING) else self._kind.convert(value, param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """That of the type."""
        metavar: str | None = self._kind.get_metavar(param, ctx)
        return metavar

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """That of the type."""
        completed: list[CompletionItem] = self._kind.shell_complete(ctx, param, incomplete)
        return completed
