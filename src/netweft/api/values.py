"""Small values that several nouns show or take: addresses of NICs, what was measured, named options."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec
from msgspec import UNSET

from netweft.api.types import Datum, Ip, Statistic
from netweft.core.errors import MalformedError, NotFoundError
from netweft.core.options import repeated


class Named(msgspec.Struct, kw_only=True, frozen=True):
    """Something by its id and its name."""

    id: str
    name: str


def named(thing_id: str | None, name: str | None) -> Named | None:
    """Something that need not be there."""
    return None if thing_id is None else Named(id=thing_id, name=name or "")


def ip(version: int, address: str = "", prefix: int = 0, gateway: str = "") -> Ip:
    """An address of one version; without address only the version, which clients look for first."""
    netmask = str(prefix)
    if version == 4:  # noqa: PLR2004 -- IP version
        netmask = str(ip_network(f"0.0.0.0/{prefix}").netmask)
    return Ip(
        address=address or UNSET,
        gateway=gateway or UNSET,
        netmask=netmask if address else UNSET,
        version="v4" if version == 4 else "v6",  # noqa: PLR2004 -- the same
    )


def by_name(kind: str, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Values by name. Raises MalformedError for a name that is given twice."""
    if twice := repeated(name for name, _ in pairs):
        raise MalformedError(f"The {kind} '{twice[:60]}' is given twice. Give it once.")
    return dict(pairs)


def named_id(*parts: str) -> str:
    """An id for what has none of its own, always the same for the same parts."""
    return str(uuid5(NAMESPACE_URL, "/".join(("netweft", *parts))))


def measured(name: str, value: float, href: str, unit: str, *, kind: str = "gauge", **owner: Any) -> Statistic:  # noqa: ANN401 -- a reference
    """A measured number in the collection at ``href``."""
    statistic_id = named_id(href, name)
    return Statistic(
        id=statistic_id,
        href=f"{href}/{statistic_id}",
        name=name,
        description=name.replace(".", " ").capitalize(),
        kind=kind,
        type="integer",
        unit=unit,
        values=[Datum(datum=value)],
        **owner,
    )


def find_statistic(values: list[Statistic], statistic_id: str) -> Statistic:
    """The statistic with an id. Raises NotFoundError."""
    for value in values:
        if value.id == statistic_id:
            return value
    raise NotFoundError(f"There is no statistic with the id {statistic_id}.")
