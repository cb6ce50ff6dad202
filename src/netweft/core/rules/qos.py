"""When a QoS may be added, changed or removed.

oVirt's commands: AddNetworkQoS, UpdateNetworkQoS, RemoveNetworkQoS, AddHostNetworkQos, UpdateHostNetworkQos,
RemoveHostNetworkQos.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from netweft.core.errors import Problem
from netweft.core.rules import fields
from netweft.core.rules.fields import listed

NETWORK, HOST_NETWORK = "network", "hostnetwork"
"""Types: of the traffic of a vNIC, and of the outbound traffic of a network on a host."""

AVERAGE_MAX = 17179
"""Mbit/s (oVirt: MaxAverageNetworkQoSValue)."""
PEAK_MAX = 34359
"""Mbit/s (oVirt: MaxPeakNetworkQoSValue)."""
BURST_MAX = 10240
"""MB (oVirt: MaxBurstNetworkQoSValue)."""
SHARES_MAX = 100
"""Link shares (oVirt: MaxHostNetworkQosShares)."""

_RANGES: Final[Mapping[str, Mapping[str, tuple[int, int]]]] = {
    NETWORK: {
        f"{way}_{kind}": (0, most)
        for way in ("inbound", "outbound")
        for kind, most in (("average", AVERAGE_MAX), ("peak", PEAK_MAX), ("burst", BURST_MAX))
    },
    HOST_NETWORK: {
        "outbound_average_linkshare": (1, SHARES_MAX),
        "outbound_average_upperlimit": (1, AVERAGE_MAX),
        "outbound_average_realtime": (1, AVERAGE_MAX),
    },
}
LIMITS: Final = tuple(name for ranges in _RANGES.values() for name in ranges)
"""The names of all limits, as the API has them."""


def type_is_known(qos_type: str) -> Problem | None:
    """There are QoS of networks only: processors and disks are not Netweft's."""
    if qos_type not in _RANGES:
        return Problem(
            "ACTION_TYPE_FAILED_NETWORK_QOS_IS_NOT_SUPPORTED",
            f"A QoS of the type '{qos_type}' is not possible. Use {NETWORK} or {HOST_NETWORK}.",
        )
    return None


def type_is_kept(before: str, after: str) -> Problem | None:
    """What a QoS is for does not change."""
    if before != after:
        return Problem(
            "ACTION_TYPE_FAILED_QOS_NOT_FOUND",
            f"A QoS of the type '{before}' cannot become one of the type '{after}'. Add another QoS instead.",
        )
    return None


def name_is_free(name: str, *, is_taken: bool) -> Problem | None:
    """No other QoS of the data centre has the name."""
    used, code = (name,) if is_taken else (), "ACTION_TYPE_FAILED_QOS_NAME_EXIST"
    return fields.name_is_free("QoS", name, used, code=code, where=" in the data centre")


def limits_fit_type(qos_type: str, limits: Mapping[str, int | None]) -> Problem | None:
    """Only limits that the type has are given (``limits``: by name, None for no limit)."""
    strange = [name for name, value in limits.items() if value is not None and name not in _RANGES[qos_type]]
    if strange:
        return Problem(
            "ACTION_TYPE_FAILED_QOS_OUT_OF_RANGE_VALUES",
            f"A QoS of the type '{qos_type}' has no {listed(strange)}. Leave that out.",
        )
    return None


def limits_are_in_range(qos_type: str, limits: Mapping[str, int | None]) -> Problem | None:
    """Each limit is one that hosts can set."""
    for name, (least, most) in _RANGES[qos_type].items():
        value = limits.get(name)
        if value is not None and not least <= value <= most:
            negative = value < 0 and qos_type == NETWORK
            return Problem(
                "ACTION_TYPE_FAILED_NETWORK_QOS_NEGATIVE_VALUES"
                if negative
                else "ACTION_TYPE_FAILED_QOS_OUT_OF_RANGE_VALUES",
                f"{name} cannot be {value}. Use {least} to {most}.",
            )
    return None


def limits_are_complete(qos_type: str, limits: Mapping[str, int | None]) -> Problem | None:
    """A direction of a vNIC's traffic has average, peak and burst, or none of them; a host's network has its share."""
    if qos_type == HOST_NETWORK:
        if limits.get("outbound_average_linkshare") is None:
            return Problem(
                "ACTION_TYPE_FAILED_HOST_NETWORK_QOS_MISSING_VALUES",
                f"A QoS of the type '{HOST_NETWORK}' needs outbound_average_linkshare, 1 to {SHARES_MAX}.",
            )
        return None
    for way in ("inbound", "outbound"):
        given = [limits.get(f"{way}_{kind}") is not None for kind in ("average", "peak", "burst")]
        if any(given) and not all(given):
            return Problem(
                "ACTION_TYPE_FAILED_NETWORK_QOS_MISSING_VALUES",
                f"The {way} traffic needs average, peak and burst together. Give all three, or none.",
            )
    return None


def limits_are_consistent(qos_type: str, limits: Mapping[str, int | None]) -> Problem | None:
    """No peak is below its average, and no upper limit below what is promised."""
    if qos_type == HOST_NETWORK:
        upper, promised = limits.get("outbound_average_upperlimit"), limits.get("outbound_average_realtime")
        if upper is not None and promised is not None and upper < promised:
            return Problem(
                "ACTION_TYPE_FAILED_HOST_NETWORK_QOS_INCONSISTENT_VALUES",
                f"The upper limit of {upper} Mbit/s is below the promised {promised} Mbit/s. Raise it.",
            )
        return None
    for way in ("inbound", "outbound"):
        average, peak = limits.get(f"{way}_average"), limits.get(f"{way}_peak")
        if average is not None and peak is not None and peak < average:
            return Problem(
                "ACTION_TYPE_FAILED_NETWORK_QOS_PEAK_LOWER_THAN_AVERAGE",
                f"The {way} peak of {peak} Mbit/s is below the average of {average} Mbit/s. Raise it.",
            )
    return None


def serves_networks(qos_id: str, found: Sequence[str]) -> Problem | None:
    """A network's QoS is one of its data centre for networks on hosts (``found``: the type of that QoS, if any)."""
    if HOST_NETWORK not in found:
        what = "is for vNICs, not for networks on hosts" if found else "does not exist in the data centre"
        return Problem(
            "ACTION_TYPE_FAILED_QOS_NOT_FOUND", f"There is no QoS for networks with the id {qos_id}: it {what}."
        )
    return None


def serves_vnics(qos_id: str, found: Sequence[str]) -> Problem | None:
    """A vNIC profile's QoS is one of its data centre for networks (``found``: the type of that QoS, empty for none)."""
    if NETWORK not in found:
        what = "is for networks on hosts, not for vNICs" if found else "does not exist in the data centre"
        return Problem(
            "ACTION_TYPE_FAILED_NETWORK_QOS_NOT_EXISTS", f"There is no QoS for vNICs with the id {qos_id}: it {what}."
        )
    return None
