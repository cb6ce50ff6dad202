"""What of a guest's vNICs can change while it runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from netweft.core.guest_protocol import GuestNic

FIXED_WHILE_PLUGGED = (
    "mac",
    "mtu",
    "model",
    "queues",
    "boot_order",
    "port",
    "function",
    "profile",
    "guid",
    "standby",
    "stands_by",
)
"""What of a vNIC no libvirt changes while it is plugged into a running guest; of a virtual function that is all."""


def apply_hot_pluggable(now: Iterable[GuestNic], desired: Iterable[GuestNic]) -> tuple[GuestNic, ...]:
    """The vNICs that a running guest can have without unplugging any that stays, in the desired order."""
    plugged = {nic.id: nic for nic in now}
    return tuple(_apply_hot_pluggable(plugged[nic.id], nic) if nic.id in plugged else nic for nic in desired)


def apply_on_arrival(now: Iterable[GuestNic], desired: Iterable[GuestNic]) -> tuple[GuestNic, ...]:
    """The vNICs of a guest that continues on another host or later: as :func:`apply_hot_pluggable`, except dynamic
    vNICs of virtual interface cards, which differ there.
    """
    desired = tuple(desired)
    places = {nic.id: nic for nic in desired if nic.profile}
    return tuple(
        replace(nic, bridge=place.bridge, function=place.function, profile=place.profile, guid=place.guid)
        if nic.profile and (place := places.get(nic.id))
        else nic
        for nic in apply_hot_pluggable(now, desired)
    )


def _apply_hot_pluggable(now: GuestNic, desired: GuestNic) -> GuestNic:
    if now.function:
        return replace(now, name=desired.name)
    return replace(desired, **{name: getattr(now, name) for name in FIXED_WHILE_PLUGGED})
