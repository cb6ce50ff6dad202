"""What nouns of the file of a fleet and their fields are declared with; :mod:`netweft.core.fleet.nouns` is the table of
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from netweft.core.fleet.values import Flag, Kind, Number, Part, Parts, Text

INTEGER_MAX: Final = 2**31 - 1
"""Numbers that every database takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a noun. ``can_be_nothing``: null clears it. ``needed``: required to add an object. ``only_add``: it
    cannot be changed later. ``refers``: the noun that it refers to. ``is_secret``: it is sent when something else is,
    and neither shown nor compared.
    """

    name: str
    kind: Kind
    help: str
    can_be_nothing: bool = False
    needed: bool = False
    only_add: bool = False
    refers: str = ""
    is_secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """The objects of one kind in the file, by name under ``key``, at its top or in a noun that has this among its
    ``nouns``. ``refers``: the noun that its names belong to, for objects that exist on their own and are assigned here.
    """

    name: str
    key: str
    help: str
    fields: tuple[Field, ...]
    nouns: tuple[Noun, ...] = ()
    refers: str = ""

    def field(self, name: str) -> Field:
        """The field of that name. Raises StopIteration."""
        return next(field for field in self.fields if field.name == name)


def text(name: str, about: str, **more: Any) -> Field:  # noqa: ANN401 -- handed on
    """A field with a text."""
    return Field(name=name, kind=Text(), help=about, **more)


def flag(name: str, about: str) -> Field:
    """A field that is true or false."""
    return Field(name=name, kind=Flag(), help=about)


def limit(name: str, about: str, most: int = INTEGER_MAX) -> Field:
    """A field with a number that may be null."""
    return Field(name=name, kind=Number(0, most), help=about, can_be_nothing=True)


DESCRIPTION = text("description", "Its description.")
COMMENT = text("comment", "A comment on it.")
TEXTS = (DESCRIPTION, COMMENT)
"""What nearly everything has."""
SECRET: Final = Parts(
    (
        Part(name="env", kind=Text(), help="The environment variable that holds it."),
        Part(name="file", kind=Text(), help="The file that holds it."),
    ),
    is_one=True,
)
HELD_ELSEWHERE: Final = (
    "Where the secret is: in an environment variable or in a file. It is sent with every request about the object."
)
