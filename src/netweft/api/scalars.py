"""Scalars on the wire: the same texts in XML and in JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from netweft.api.schema import Field
from netweft.core.errors import MalformedError

TOO_LONG = "TOO_LONG"
"""The code for lists and texts that are longer than any request means."""
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_LARGEST = 2**63 - 1
TEXT_MAX = 64 * 1024
"""Characters of any text in a request; the fields' own rules ask for fewer."""
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot carry (its section 2.2). Whoever sends them in JSON could never read the answer in
XML.
"""


def write_date(value: datetime) -> str:
    """The form that the SDK reads: ``2026-11-22T07:10:00.000+00:00``."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds")


def _write_boolean(value: bool) -> str:
    return "true" if value else "false"


def _write_text(value: str) -> str:
    return value if value.isprintable() else _NOT_XML.sub("\ufffd", value)  # the first is sooner known


WRITE: Mapping[str, Callable[[Any], str]] = {
    "text": _write_text,
    "integer": str,
    "decimal": repr,
    "boolean": _write_boolean,
    "date": write_date,
}
"""How each kind of scalar is written."""


def read_scalar(field: Field, text: str, where: str) -> object:
    """The value of a scalar's text. Raises MalformedError that names the element."""
    if len(text) > TEXT_MAX:
        raise MalformedError(f"{where}: the text has {len(text)} characters. Send at most {TEXT_MAX}.", code=TOO_LONG)
    value = _READ[field.kind](text, where)
    if field.choices:
        value = text.strip().lower()
        if value not in field.choices:
            raise MalformedError(f"{where}: '{text[:60]}' is none of {', '.join(field.choices)}.")
    return value


def check_count(field: Field, count: int, where: str) -> None:
    """Refuse a list of too many items. Raises MalformedError that names the element."""
    if count > field.most:
        text = f"{where}: the list has {count} items. Send at most {field.most} in one request."
        raise MalformedError(text, code=TOO_LONG)


def _read_text(text: str, where: str) -> str:
    if _NOT_XML.search(text):
        raise MalformedError(f"{where}: contains a control character.")
    return text


def _read_integer(text: str, where: str) -> int:
    plain = text.strip()
    if not _INTEGER.fullmatch(plain) or abs(int(plain)) > _LARGEST:
        raise MalformedError(f"{where}: '{text[:60]}' is not an integer of at most 64 bits.")
    return int(plain)


def _read_decimal(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise MalformedError(f"{where}: '{text[:60]}' is not a number.") from error


def _read_boolean(text: str, where: str) -> bool:
    value = _BOOLEANS.get(text.strip().lower())
    if value is None:
        raise MalformedError(f"{where}: '{text[:60]}' is neither true nor false.")
    return value


def date_of(text: str, *, needs_zone: bool = False) -> datetime:
    """The moment of a text (RFC 3339), in UTC; UTC is meant where it names no zone. Raises ValueError, also for one
    outside the years that dates have.
    """
    value = datetime.fromisoformat(text.strip())
    if value.tzinfo is None:
        if needs_zone:
            raise ValueError("no zone")
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def _read_date(text: str, where: str) -> datetime:
    try:
        return date_of(text)
    except ValueError as error:
        raise MalformedError(f"{where}: '{text[:60]}' is not a date such as 2026-01-31T12:00:00Z.") from error


_READ: Mapping[str, Callable[[str, str], object]] = {
    "text": _read_text,
    "integer": _read_integer,
    "decimal": _read_decimal,
    "boolean": _read_boolean,
    "date": _read_date,
}
