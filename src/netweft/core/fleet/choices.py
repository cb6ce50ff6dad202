"""What a file leaves open and the fleet decides: NICs by facts, and addresses out of a pool."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, TypeAlias

from netweft.core.fleet.items import Fleet, Values
from netweft.core.fleet.values import Mistake, Place, suggestion
from netweft.core.rules.fields import listed_facts

Nics: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By host that has reported some, its NICs, bonds and VLAN devices by name, and what it reports of each, by the names
that the file has for it.
"""
_Address: TypeAlias = IPv4Address | IPv6Address
_FAMILIES = ("ipv4", "ipv6")


def decided(desired: Fleet, current: Fleet, nics: Nics) -> tuple[Fleet, list[Mistake]]:
    """The file with names of NICs and with addresses, and what cannot be found. A host keeps an address that it has
    from a pool; else it gets the lowest that no host has, in the order of the hosts' names.
    """
    mistakes: list[Mistake] = []
    bonds = defaultdict[str, set[str]](set)
    for noun, names in (*current.things, *desired.things):
        if noun == "host bond":
            bonds[names[0]].add(names[1])
    taken = _addresses(current.things.values()) | _addresses(desired.things.values())
    things = dict(desired.things)
    for key in sorted(key for key in things if key[0].startswith("host ")):
        values, place, before = dict(things[key]), desired.places[key], current.things.get(key, {})
        mistakes += _decide_nics(key[1][0], values, place, nics, bonds[key[1][0]])
        for family in _FAMILIES:
            if (values.get(family) or {}).get("pool"):
                mistakes += _decide_address(values, family, place, before, taken)
        things[key] = values
    return Fleet(things, desired.collections, desired.places), mistakes


def _decide_nics(
    host: str, values: dict[str, Any], place: Place, nics: Nics, bonds: Collection[str]
) -> Iterator[Mistake]:
    if "slaves" in values:
        found = [_found(selector, host, nics.get(host), ()) for selector in values["slaves"]]
        values["slaves"] = sorted({name for names, _ in found for name in names})
        yield from (Mistake((*place, "slaves"), text) for _, text in found if text)
    if "nic" in values:
        selector = values["nic"]
        names, text = _found(selector, host, nics.get(host), bonds)
        if len(names) > 1:
            text = f"{listed_facts(selector)}: {', '.join(names)} of host {host} match. Add facts, or name one of them."
        values["nic"] = names[0] if names else ""
        if text:
            yield Mistake((*place, "nic"), text)


def _found(
    selector: str | Mapping[str, Any], host: str, there: Mapping[str, Mapping[str, Any]] | None, bonds: Collection[str]
) -> tuple[list[str], str]:
    """The names of the selected NICs, and what is wrong. For a host that has reported nothing, names are accepted as
    they are.
    """
    if isinstance(selector, str):
        if there is None or selector in there or selector in bonds:
            return [selector], ""
        return [selector], f"Host {host} has no NIC '{selector}'.{suggestion(selector, (*there, *bonds))}"
    if there is None:
        return [], f"Host {host} has not reported its NICs: only names can be given."
    names = sorted(name for name, facts in there.items() if selector.items() <= facts.items())
    return names, "" if names else f"{listed_facts(selector)}: no NIC of host {host} matches."


def _decide_address(
    values: dict[str, Any], family: str, place: Place, before: Values, taken: set[str]
) -> Iterator[Mistake]:
    """Replace the pool by an address, which is in use from then on."""
    assignment = dict(values[family])
    text = assignment.pop("pool")
    ends = _ends(text)
    values[family] = assignment
    if ends is None:
        yield Mistake((*place, family, "pool"), f"'{text}' is no pool, such as 192.0.2.10-192.0.2.99.")
        return
    kept = (before.get(family) or {}).get("address", "")
    if not (kept and _is_within(kept, *ends)):
        kept = next((one for one in _addresses_of(*ends) if one not in taken), "")
    if not kept:
        yield Mistake((*place, family, "pool"), f"No address of {text} is free.")
    taken.add(kept)
    assignment["address"] = kept


def _ends(text: str) -> tuple[_Address, _Address] | None:
    first, _, last = text.partition("-")
    try:
        ends = ip_address(first.strip()), ip_address(last.strip())
    except ValueError:
        return None
    return ends if ends[0].version == ends[1].version and int(ends[0]) <= int(ends[1]) else None


def _is_within(text: str, first: _Address, last: _Address) -> bool:
    address = ip_address(text)
    return address.version == first.version and int(first) <= int(address) <= int(last)


def _addresses_of(first: _Address, last: _Address) -> Iterator[str]:
    """The addresses of a pool, the lowest first."""
    kind = type(first)
    return (str(kind(number)) for number in range(int(first), int(last) + 1))


def _addresses(all_values: Iterable[Values]) -> set[str]:
    """The static addresses of attachments."""
    found = ((values.get(family) or {}).get("address") for values in all_values for family in _FAMILIES)
    return {one for one in found if one}
