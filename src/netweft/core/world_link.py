"""A link as it changes, with its unobservable state."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Final, TypeAlias

from netweft.core.host import Bond, Bridge, Nic, OvsPort, Vlan
from netweft.core.limits import IPV6_MIN_MTU
from netweft.core.shaping import by_tag

AnyLink: TypeAlias = Nic | Bond | Vlan | Bridge | OvsPort


class Unknown(Enum):
    """The type of :data:`UNKNOWN`."""

    UNKNOWN = "not known"

    def __str__(self) -> str:
        return self.value


UNKNOWN: Final = Unknown.UNKNOWN
"""In place of an MTU or MAC address that the kernel chose by what no observation shows. It equals no other value, so a
plan that needs a certain one sets it.
"""

_FROZEN = (
    "owner",
    "up",
    "master",
    "addresses",
    "dhcp4",
    "dhcp6",
    "leased_default",
    "autoconf",
    "dynamic",
)


class WorldLink:
    """A link that can change. ``value`` is the link as it was when it entered the world, for what never changes (kind,
    base, tag, mode). ``mtu`` and ``mac`` are UNKNOWN where the kernel chose them by what no observation shows; a Host
    has 0 and an empty text for that.
    """

    __slots__ = (
        "addresses",
        "autoconf",
        "dhcp4",
        "dhcp6",
        "dynamic",
        "leased_default",
        "mac",
        "master",
        "mtu",
        "name",
        "options",
        "owner",
        "shaping",
        "stp",
        "up",
        "value",
    )

    def __init__(self, value: AnyLink) -> None:
        self.value = value
        self.name = value.name
        self.owner = value.owner
        self.up = value.up
        self.mtu: int | Unknown = value.mtu or UNKNOWN
        self.mac: str | Unknown = value.mac or UNKNOWN
        self.master = value.master
        self.addresses = value.addresses
        self.dhcp4 = value.dhcp4
        self.dhcp6 = value.dhcp6
        self.leased_default = value.leased_default
        self.autoconf = value.autoconf
        self.dynamic = value.dynamic
        self.options = None if isinstance(value, Nic | Vlan) else value.options
        self.stp = isinstance(value, Bridge) and value.stp
        classes = value.shaping if isinstance(value, Nic | Bond) else ()
        self.shaping = {traffic.tag: traffic for traffic in classes}

    @property
    def has_room_for_ipv6(self) -> bool:
        """Whether the link has IPv6 at all: not below its least MTU, and perhaps not at an unknown one
        (addrconf_notify()).
        """
        return self.mtu is not UNKNOWN and self.mtu >= IPV6_MIN_MTU

    def reset(self) -> None:
        """Make it a new link: down, and with no relation to others, whatever its value is."""
        self.up = self.dhcp4 = self.dhcp6 = self.leased_default = self.autoconf = False
        self.master = ""
        self.addresses = self.dynamic = ()
        self.shaping = {}

    def freeze(self) -> AnyLink:
        """The link as a value."""
        changed: dict[str, object] = {
            name: mine for name in _FROZEN if (mine := getattr(self, name)) != getattr(self.value, name)
        }
        mtu, mac = 0 if self.mtu is UNKNOWN else self.mtu, "" if self.mac is UNKNOWN else self.mac
        if mtu != self.value.mtu:
            changed["mtu"] = mtu
        if mac != self.value.mac:
            changed["mac"] = mac
        if isinstance(self.value, Bond | Bridge) and self.options != self.value.options:
            changed["options"] = self.options
        if isinstance(self.value, Bridge) and self.stp != self.value.stp:
            changed["stp"] = self.stp
        if isinstance(self.value, Nic | Bond) and (classes := by_tag(self.shaping.values())) != self.value.shaping:
            changed["shaping"] = classes
        return replace(self.value, **changed) if changed else self.value  # type: ignore[arg-type] # names and types are those of the value's own fields
