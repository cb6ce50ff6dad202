"""Shares of outbound frames on a link: rules on classes of traffic, for all modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netweft.core.host import FOREIGN_SHAPING, MEGABIT, TrafficClass
from netweft.core.limits import VLAN_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_SHARE = 100
"""The largest share of a class of traffic (oVirt: MaxHostNetworkQosShares)."""

MAX_OCTETS = 0xFFFFFFFF
"""Octets a second: the largest limit of a class of traffic (linux/pkt_sched.h, struct tc_service_curve)."""


def by_tag(classes: Iterable[TrafficClass]) -> tuple[TrafficClass, ...]:
    """Classes in the order in which a link has them: the one without tag first."""
    return tuple(sorted(classes, key=lambda traffic: -1 if traffic.tag is None else traffic.tag))


def rest_of(classes: Iterable[TrafficClass]) -> TrafficClass:
    """The class of untagged frames where no untagged network has a QoS."""
    return TrafficClass(tag=None, share=max(traffic.share for traffic in classes))


def class_problem(name: str, traffic: TrafficClass) -> str | None:
    """hfsc_change_class(): a class needs a curve, so a share; values have to fit into 32 bits."""
    if traffic.tag is not None and not 0 <= traffic.tag <= VLAN_MAX:
        return f"{name}: there is no VLAN {traffic.tag}"
    if not 0 < traffic.share <= MAX_SHARE:
        return f"{name}: a share of {traffic.share} is not between 1 and {MAX_SHARE}"
    for limit in (traffic.upper_limit, traffic.real_time):
        if limit is not None and (limit % 8 or not 0 < limit // 8 <= MAX_OCTETS):
            return f"{name}: {limit} bit/s is no limit of whole octets up to {MAX_OCTETS} of them a second"
    return None


def class_text(traffic: TrafficClass) -> str:
    """A class of traffic in words."""
    if traffic == FOREIGN_SHAPING:
        return "something that others changed"
    whose = "the rest" if traffic.tag is None else f"VLAN {traffic.tag}"
    most = f", at most {rate_text(traffic.upper_limit)}" if traffic.upper_limit is not None else ""
    least = f", {rate_text(traffic.real_time)} promised" if traffic.real_time is not None else ""
    return f"{whose} with share {traffic.share}{most}{least}"


def rate_text(rate: int) -> str:
    """A rate in bit/s for people."""
    return f"{rate // MEGABIT} Mbit/s" if rate % MEGABIT == 0 else f"{rate} bit/s"
