"""The part of a host that a given kernel can make; without DHCP clients, which are programs and not its business."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from netweft.core.host import Bond, Host, Link, Nic

Some = TypeVar("Some", bound=Link)
Base = TypeVar("Base", Nic, Bond)

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet


def made_of(host: Host, kinds: AbstractSet[str]) -> Host:
    """The host without the bonds, VLAN devices and shaping that the kernel cannot make, and without what stands on
    them.
    """
    missing: set[str] = set() if "bond" in kinds else set(host.bonds)
    missing |= set() if "vlan" in kinds else set(host.vlans)
    while above := {name for name, vlan in host.vlans.items() if vlan.base in missing} - missing:
        missing |= above
    shaped = "hfsc" in kinds
    return replace(
        host,
        nics={name: _shaped(_plain(link, missing), shaped=shaped) for name, link in host.nics.items()},
        bonds={
            name: _shaped(_plain(link, missing), shaped=shaped)
            for name, link in host.bonds.items()
            if name not in missing
        },
        vlans={name: _plain(link, missing) for name, link in host.vlans.items() if name not in missing},
        bridges={name: _plain(link, missing) for name, link in host.bridges.items()},
        routes=tuple(route for route in host.routes if route.link not in missing),
    )


def _shaped(link: Base, *, shaped: bool) -> Base:
    return link if shaped else replace(link, shaping=())


def _plain(link: Some, missing: AbstractSet[str]) -> Some:
    master = "" if link.master in missing else link.master
    return replace(link, dhcp4=False, dhcp6=False, leased_default=False, master=master)
