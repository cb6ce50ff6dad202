"""Rules on single fields that every noun shares: names, descriptions, comments."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol

from netweft.core.errors import Problem
from netweft.core.limits import LINK_NAME_MAX

NAME_MAX = 256
"""Characters of a network's or vNIC profile's name."""

SHORT_NAME_MAX = 40
"""Characters of a data centre's or cluster's name."""

MACHINE_NAME = re.compile(r"[0-9A-Za-z._-]{1,255}")
"""Names of hosts and virtual machines, as in oVirt: they appear in certificates and in searches."""

DESCRIPTION_MAX = 4000
"""Characters of a description or a comment."""


def name_is_valid(kind: str, name: str, longest: int = NAME_MAX) -> Problem | None:
    """A name has 1 to ``longest`` characters, none of them a control character, and no blank at either end.

    Control characters have no form in XML 1.0, and names that differ by an invisible blank are easily confused.
    """
    if not name.strip():
        return Problem("ACTION_TYPE_FAILED_NAME_MAY_NOT_BE_EMPTY", f"{kind} name may not be empty. Give it a name.")
    if len(name) > longest:
        return Problem(
            "ACTION_TYPE_FAILED_NAME_LENGTH_IS_TOO_LONG",
            f"{kind} name '{name[:40]}...' has {len(name)} characters. Use at most {longest}.",
        )
    if name != name.strip() or not name.isprintable():
        return Problem(
            "VALIDATION_NAME_INVALID",
            f"{kind} name '{name}' begins or ends with a blank or contains a control character. Leave those out.",
        )
    return None


def text_is_valid(kind: str, what: str, text: str) -> Problem | None:
    """A description or comment is at most 4000 characters that XML 1.0 can carry."""
    if len(text) > DESCRIPTION_MAX:
        return Problem(
            "VALIDATION_DESCRIPTION_INVALID",
            f"The {what} of the {kind} has {len(text)} characters. Use at most {DESCRIPTION_MAX}.",
        )
    if any(not (character.isprintable() or character in "\t\n\r") for character in text):
        return Problem(
            "VALIDATION_DESCRIPTION_INVALID", f"The {what} of the {kind} contains a control character. Leave it out."
        )
    return None


class Described(Protocol):
    """What nearly everything has."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def description(self) -> str:
        """What it is."""

    @property
    def comment(self) -> str:
        """A comment."""


def texts_are_valid(kind: str, thing: Described, longest: int = NAME_MAX) -> tuple[Problem | None, ...]:
    """The rules on its texts."""
    return (
        name_is_valid(kind, thing.name, longest),
        text_is_valid(kind, "description", thing.description),
        text_is_valid(kind, "comment", thing.comment),
    )


def name_is_free(kind: str, name: str, others: Collection[str], *, code: str, where: str = "") -> Problem | None:
    """No other object of its kind (``others``: their names) has the name. ``where``: the scope of the name, a blank
    before it.
    """
    if name in others:
        return Problem(code, f"The {kind} name '{name}' is already used{where}. Choose a different name.")
    return None


def one_or_many(users: Collection[str], codes: tuple[str, str]) -> str:
    """The code of an object that is in use: the first of ``codes`` for one user, the second for several."""
    return codes[len(users) > 1]


def in_use(what: str, by: str, users: Collection[str], codes: tuple[str, str], remedy: str) -> Problem:
    """An object is in use (``by``: what kind of users it has; ``users``: their names; ``codes``: as for
    :func:`one_or_many`).
    """
    return Problem(one_or_many(users, codes), f"{what} is used by {by}: {listed(users)}. {remedy}")


_LINK = re.compile(rf"[0-9A-Za-z_.-]{{1,{LINK_NAME_MAX}}}")
"""Names of links that may become part of a line of a file."""


def netmask_prefix(text: str) -> int | None:
    """The length of an IPv4 netmask such as ``255.255.255.0``; None for what is none, such as the host mask
    ``0.0.0.255``.
    """
    try:
        bits = int(IPv4Address(text))
    except ValueError:
        return None
    length = bits.bit_count()
    return length if bits == ((1 << length) - 1) << (32 - length) else None


def name_server(text: str) -> IPv4Address | IPv6Address | None:
    """The address of a name server that a host can query; None for an invalid or unusable address.

    A link-local one has to include its link (RFC 4007, section 11): ``fe80::53%eth0``.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return None
    scope = getattr(address, "scope_id", None)
    if scope is not None and not (address.is_link_local and _LINK.fullmatch(scope)):
        return None
    nobodys = address.is_unspecified or address.is_multicast or (address.is_reserved and not address.is_loopback)
    lost = isinstance(address, IPv6Address) and address.is_link_local and not scope
    return None if nobodys or lost else address


def listed(names: Iterable[str], most: int = 5) -> str:
    """Names for a sentence, in order, with the number of those left out: ``a, b, c (and 7 more)``."""
    ordered = sorted(names)
    rest = len(ordered) - most
    return ", ".join(ordered[:most]) + (f" (and {rest} more)" if rest > 0 else "")


def listed_facts(facts: Mapping[str, object]) -> str:
    """Names and values for a sentence: ``driver ixgbe, speed 10000``."""
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def element_is_known(path: str) -> Problem | None:
    """Refuses an element that oVirt has and Netweft does not support, or not in this request (``path``: its place)."""
    text = f"The element {path} is not supported here. Leave it out."
    return Problem("ACTION_TYPE_FAILED_ELEMENT_NOT_SUPPORTED", text)


def element_is_fixed(path: str, given: str, only: str) -> Problem | None:
    """Refuses another value of an element that has one value here (``only``; empty: none at all)."""
    has = f"it is always '{only}' here" if only else "there is none here"
    text = f"The element {path} cannot be '{given[:100]}': {has}. Leave it out."
    return Problem("ACTION_TYPE_FAILED_ELEMENT_IS_FIXED", text)
