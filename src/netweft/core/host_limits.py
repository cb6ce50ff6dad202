"""What a host cannot do, and unmanaged configuration there that blocks networks: the part of its report that rules need
for requests about other objects. The engine stores it beside the report, so that such a request reads no reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from netweft.core.host import Host, Nic
from netweft.core.protocol import Ability


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLimits:
    """``lacks``: what the host has reported as unsupported. ``shaped_by_others``: links whose traffic other software
    shapes, and how. ``without_ipv6``: NICs on which IPv6 is disabled. ``names``: names of NICs and unmanaged links.
    """

    lacks: frozenset[Ability] = frozenset()
    shaped_by_others: Mapping[str, str] = field(default_factory=dict)
    without_ipv6: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


def limits_of(host: Host, lacks: frozenset[Ability] = frozenset()) -> HostLimits:
    """The limits of a host as it is."""
    shaped = {link.name: link.queueing for part in (host.nics, host.bonds) for link in part.values() if link.queueing}
    ours = {link.name for part in (host.nics, host.bonds) for link in part.values() if link.shaping}
    links = host.links()
    theirs = {name for name, link in links.items() if isinstance(link, Nic) or not link.owner}
    theirs |= {name for name, bridge in host.ovs_bridges.items() if name not in links and not bridge.owner}
    return HostLimits(
        lacks=lacks,
        shaped_by_others={name: queueing for name, queueing in shaped.items() if name not in ours},
        without_ipv6=frozenset(name for name, nic in host.nics.items() if nic.ipv6_off),
        names=frozenset(theirs | host.guest_ports.keys() | set(host.unmanaged)),
    )
