"""Whether a host that answers can be in service: are the networks there that its cluster requires, and do their NICs
have a link?
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from netweft.core.rules.fields import listed
from netweft.core.sync import Location

LINK_GRACE = 60.0
"""Seconds that a NIC below a required network may be down before the host counts as not operational, as in oVirt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """``up`` or ``non_operational``, and in that case why: a sentence and oVirt's reason (``NETWORK_UNREACHABLE``
    ...).
    """

    status: str
    text: str = ""
    reason: str = ""


def health(required: Mapping[str, str], locations: Mapping[str, Location], down: Collection[str], name: str) -> Health:
    """The status of a host. ``required``: names by id of the networks that are required and operational in its cluster.

    ``down``: names of its NICs and bonds that have been down for longer than the grace period.
    """
    missing = [network for network_id, network in required.items() if network_id not in locations]
    if missing:
        text = (
            f"Host {name} does not comply with the cluster networks, the following are missing on it: "
            f"{listed(missing)}."
        )
        return Health(status="non_operational", text=text, reason="NETWORK_UNREACHABLE")
    bases = [(locations[network_id].base, network) for network_id, network in required.items()]
    dark = sorted((base, network) for base, network in bases if base in down)
    if dark:
        which = ", ".join(f"{nic} ({network})" for nic, network in dark)
        text = f"Host {name} has network interfaces which are down and carry required networks: {which}."
        return Health(status="non_operational", text=text, reason="NETWORK_INTERFACE_IS_DOWN")
    return Health(status="up")
