"""VLAN trunks to vNICs: the allow-list of a vNIC profile's custom property ``trunk``, an addition of Netweft."""

from __future__ import annotations

import re

from netweft.core.limits import VLAN_MAX

_PART = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?")


def parse_trunk(text: str) -> tuple[int, ...]:
    """The VLANs of ``100,200-210``, ascending, none twice; nothing for an empty text. Raises ValueError."""
    vlans: set[int] = set()
    for part in filter(None, (one.strip() for one in text.split(","))):
        found = _PART.fullmatch(part)
        first = int(found[1]) if found else 0
        last = int(found[2] or found[1]) if found else 0
        if not 1 <= first <= last <= VLAN_MAX:
            raise ValueError(
                f"'{part[:40]}' is neither a VLAN from 1 to {VLAN_MAX} nor a range of them such as 200-210"
            )
        vlans.update(range(first, last + 1))
    return tuple(sorted(vlans))
