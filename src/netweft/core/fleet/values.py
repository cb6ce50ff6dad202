"""The kinds of values in the fleet file. Each is checked, normalized for comparison, and described as JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_address, ip_network
from typing import Any, Final, Protocol, TypeAlias

from netweft.core.rules.provider import certificates_of

Place: TypeAlias = tuple[str | int, ...]
"""Where in the file: keys, and positions in lists."""
Schema: TypeAlias = dict[str, Any]

_SHOWN = 60
"""Characters of a value that a sentence shows."""
MAC: Final = "^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$"
"""Six hexadecimal pairs with colons."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong at a place of the file, a sentence."""

    place: Place
    text: str


class Kind(Protocol):
    """What values of a field may be."""

    def mistakes(self, value: Any, place: Place) -> Iterator[Mistake]:  # noqa: ANN401 -- what a file holds
        """What is wrong with a value."""

    def normal(self, value: Any) -> Any:  # noqa: ANN401 -- the same
        """A value without mistakes in the form in which equal ones are equal."""

    def schema(self) -> Schema:
        """It in the words of JSON Schema."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text. ``form``: ``mac``, ``address`` (IP), ``network`` (such as ``192.0.2.0/24``), ``certificates`` (PEM), or
    any. A number counts as the text that it is written as.
    """

    form: str = ""

    def mistakes(self, value: Any, place: Place) -> Iterator[Mistake]:  # noqa: ANN401, D102
        if isinstance(value, bool) or not isinstance(value, str | int):
            yield Mistake(place, _no_text(value))
        elif self.form and _written(self.form, str(value)) is None:
            yield Mistake(place, f"'{str(value)[:_SHOWN]}' is no {_FORMS[self.form]}.")

    def normal(self, value: Any) -> Any:  # noqa: ANN401, D102
        return _written(self.form, str(value)) if self.form else str(value)

    def schema(self) -> Schema:  # noqa: D102
        return {"type": "string", "pattern": MAC} if self.form == "mac" else {"type": ["string", "integer"]}


def _no_text(value: object) -> str:
    if value is None:
        return 'A text is missing here; "" is an empty one.'
    if isinstance(value, Mapping | list):
        return f"A text should be here, and not a {'list' if isinstance(value, list) else 'mapping'}."
    return f"'{value}' is no text. Put it in quotes if it is meant as one."


_FORMS = {
    "mac": "MAC address, such as 56:6f:1a:00:00:01",
    "address": "IP address, such as 192.0.2.1",
    "network": "network of addresses, such as 192.0.2.0/24",
    "certificates": "certificate in PEM",
}


def _written(form: str, text: str) -> str | None:
    """The text in the one way in which it is always written; None when it is none of the form."""
    try:
        if form == "network":
            return str(ip_network(text))
        if form == "address":
            return str(ip_address(text))
    except ValueError:
        return None
    if form == "certificates":
        return "".join(certificates_of(text)) or None
    pairs = text.lower().split(":")
    is_mac = len(pairs) == 6 and all(len(pair) == 2 and _is_hex(pair) for pair in pairs)  # noqa: PLR2004 -- of a MAC
    return ":".join(pairs) if is_mac else None


def _is_hex(text: str) -> bool:
    return set(text) <= set("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Flag:
    """``true`` or ``false``."""

    def mistakes(self, value: Any, place: Place) -> Iterator[Mistake]:  # noqa: ANN401, D102
        if not isinstance(value, bool):
            yield Mistake(place, f"{_quoted(value)} is neither true nor false.")

    def normal(self, value: Any) -> Any:  # noqa: ANN401, D102
        return value

    def schema(self) -> Schema:  # noqa: D102
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number, both ends included."""

    least: int
    most: int

    def mistakes(self, value: Any, place: Place) -> Iterator[Mistake]:  # noqa: ANN401, D102
        if isinstance(value, bool) or not isinstance(value, int) or not self.least <= value <= self.most:
            yield Mistake(place, f"{_quoted(value)} is no number from {self.least} to {self.most}.")

    def normal(self, value: Any) -> Any:  # noqa: ANN401, D102
        return value

    def schema(self) -> Schema:  # noqa: D102
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]

    def mistakes(self, value: Any, place: Place) -> Iterator[Mistake]:  # noqa: ANN401, D102
        if value not in self.words:
            yield Mistake(
                place, f"{_quoted(value)} is none of: {', '.join(self.words)}.{suggestion(value, self.words)}"
            )

    def normal(self, value: Any) -> Any:  # noqa: ANN401, D102
        return value

    def schema(self) -> Schema:  # noqa: D102
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Items:
    """A list. ``in_order``: whether the order of its items matters; otherwise equal ones are given once."""

    of: Kind
    in_order: bool = False
    least: int = 0

    def mistakes(self, value: Any, place: Place) -> Iterator[Mistake]:  # noqa: ANN401, D102
        if not isinstance(value, list):
            yield Mistake(place, f"{_quoted(value)} is no list.")
            return
        if len(value) < self.least:
            yield Mistake(place, f"There should be {self.least} here at least.")
        seen = []
        for at, item in enumerate(value):
            wrong = tuple(self.of.mistakes(item, (*place, at)))
            yield from wrong
            if not wrong and not self.in_order:
                if (normal := self.of.normal(item)) in seen:
                    yield Mistake((*place, at), f"{_quoted(item)} is given twice.")
                seen.append(normal)

    def normal(self, value: Any) -> Any:  # noqa: ANN401, D102
        found = [self.of.normal(item) for item in value]
        return found if self.in_order else sorted(found, key=repr)

    def schema(self) -> Schema:  # noqa: D102
        least = {"minItems": self.least} if self.least else {}
        return {"type": "array", "items": self.of.schema(), **least}


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts by name, such as the options of a bond."""

    least: int = 0

    def mistakes(self, value: Any, place: Place) -> Iterator[Mistake]:  # noqa: ANN401, D102
        if not isinstance(value, Mapping):
            yield Mistake(place, f"{_quoted(value)} is no mapping of names to values.")
            return
        if len(value) < self.least:
            yield Mistake(place, f"There should be {self.least} here at least.")
        for name, item in value.items():
            if not isinstance(item, str | int):
                yield Mistake((*place, name), f"{_quoted(item)} is neither a text nor a number.")

    def normal(self, value: Any) -> Any:  # noqa: ANN401, D102
        return {name: _plain(item) for name, item in sorted(value.items())}

    def schema(self) -> Schema:  # noqa: D102
        least = {"minProperties": self.least} if self.least else {}
        return {"type": "object", "additionalProperties": {"type": ["string", "integer", "boolean"]}, **least}


def _plain(value: str | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A key of a mapping. ``can_be_nothing``: it may be null. ``needed``: it has to be there."""

    name: str
    kind: Kind
    help: str
    can_be_nothing: bool = False
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """A mapping with known keys, which is compared as a whole; a key with null counts as absent. ``is_one``: at least
    one key must be given.
    """

    parts: tuple[Part, ...]
    is_one: bool = False

    def mistakes(self, value: Any, place: Place) -> Iterator[Mistake]:  # noqa: ANN401, D102
        yield from key_mistakes(value, place, [part.name for part in self.parts])
        if not isinstance(value, Mapping):
            return
        for part in self.parts:
            if value.get(part.name) is not None:
                yield from part.kind.mistakes(value[part.name], (*place, part.name))
            elif part.needed:
                yield Mistake(place, f"'{part.name}' is missing here.")
        if self.is_one and all(item is None for item in value.values()):
            yield Mistake(place, f"Name at least one of: {', '.join(part.name for part in self.parts)}.")

    def normal(self, value: Any) -> Any:  # noqa: ANN401, D102
        given = [part for part in self.parts if value.get(part.name) is not None]
        return {part.name: part.kind.normal(value[part.name]) for part in given}

    def schema(self) -> Schema:  # noqa: D102
        needed = [part.name for part in self.parts if part.needed]
        return {
            "type": "object",
            "properties": {part.name: schema_of(part.kind, part.help, nothing=not part.needed) for part in self.parts},
            "additionalProperties": False,
            **({"required": needed} if needed else {}),
            **({"minProperties": 1} if self.is_one else {}),
        }


@dataclass(frozen=True, slots=True)
class Either:
    """A text, or a mapping of some parts in the place of it."""

    text: Text
    parts: Parts

    def mistakes(self, value: Any, place: Place) -> Iterator[Mistake]:  # noqa: ANN401, D102
        yield from (self.parts if isinstance(value, Mapping) else self.text).mistakes(value, place)

    def normal(self, value: Any) -> Any:  # noqa: ANN401, D102
        return (self.parts if isinstance(value, Mapping) else self.text).normal(value)

    def schema(self) -> Schema:  # noqa: D102
        return {"anyOf": [self.text.schema(), self.parts.schema()]}


def schema_of(kind: Kind, about: str, *, nothing: bool) -> Schema:
    """A field in the words of JSON Schema. ``nothing``: it may be null."""
    schema = kind.schema()
    return {"description": about, **({"anyOf": [schema, {"type": "null"}]} if nothing else schema)}


def key_mistakes(value: Any, place: Place, known: list[str]) -> Iterator[Mistake]:  # noqa: ANN401 -- what a file holds
    """The mistakes in a value that should be a mapping of known keys."""
    if not isinstance(value, Mapping):
        yield Mistake(place, f"{_quoted(value)} is no mapping with some of: {', '.join(known)}.")
        return
    for key in value:
        if key not in known:
            hint = suggestion(key, known) or f" Known are: {', '.join(known)}."
            yield Mistake((*place, key), f"There is no key '{key}' here.{hint}")


def suggestion(word: object, known: list[str] | tuple[str, ...]) -> str:
    """A suggestion of the known word that was probably meant, as a sentence; empty when none is similar."""
    close = get_close_matches(str(word), known, 1)
    return f" Did you mean '{close[0]}'?" if close else ""


def _quoted(value: object) -> str:
    if value is None:
        return "Nothing"
    return f"'{value}'" if isinstance(value, str | int) else "What is here"
