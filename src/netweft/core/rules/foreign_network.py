"""Whether unmanaged links of a host may become networks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from netweft.core.brown_field import ForeignNetwork, misfit
from netweft.core.errors import Problem
from netweft.core.host import Loss
from netweft.core.impact import StepImpact
from netweft.core.intent import NetworkIntent
from netweft.core.rules.fields import listed


def foreign_network_exists(host: str, name: str, there: Collection[str]) -> Problem | None:
    """The named unmanaged link exists. ``there``: the names of all of them."""
    if name in there:
        return None
    choice = f"It has: {listed(there)}." if there else "It has none."
    text = f"Host {host} has no unmanaged bridge, VLAN device or port '{name}'. {choice}"
    return Problem("FOREIGN_NETWORK_NOT_EXISTS", text)


def foreign_network_is_one(host: str, one: ForeignNetwork) -> Problem | None:
    """It is such as networks are."""
    if not one.problem:
        return None
    text = f"'{one.name}' of Host {host} cannot be taken over. {one.problem}"
    return Problem("FOREIGN_NETWORK_CANNOT_BE_TAKEN_OVER", text)


def foreign_network_fits(one: ForeignNetwork, network: NetworkIntent | None, given: str) -> Problem | None:
    """There is a network that it can become. ``given``: the name of the network in the request, empty for none."""
    if network is None:
        missing = f"The Cluster has no network '{given}'" if given else f"No network of the Cluster fits '{one.name}'"
        vlan = f" --vlan {one.vlan}" if one.vlan is not None else ""
        needs = f"It needs one with VLAN {one.vlan or 'none'} and an MTU of {one.mtu}: add and attach it first"
        text = f"{missing}. {needs} (netweft network add {one.name}{vlan})."
        return Problem("FOREIGN_NETWORK_FITS_NO_NETWORK", text)
    wrong = misfit(one, network)
    if not wrong:
        return None
    text = f"'{one.name}' cannot become network '{network.name}', which has {wrong}."
    return Problem("FOREIGN_NETWORK_FITS_NO_NETWORK", text)


def foreign_networks_differ(chosen: Mapping[str, str], networks: Mapping[str, NetworkIntent]) -> Problem | None:
    """Each becomes a network of its own. ``chosen``: ids of networks by the names of what becomes them."""
    for network_id, times in Counter(chosen.values()).items():
        if times > 1:
            names = listed(name for name, one in chosen.items() if one == network_id)
            text = f"{names} cannot all become network '{networks[network_id].name}', which is on a host once."
            return Problem("FOREIGN_NETWORKS_ARE_ONE", text)
    return None


def foreign_network_loses_nothing(steps: Iterable[StepImpact]) -> Problem | None:
    """Taking over an unmanaged link interrupts no traffic."""
    costly = [f"{one.text} ({one.loss.value})" for one in steps if one.loss is not Loss.NONE]
    if not costly:
        return None
    text = (
        f"It cannot be taken over without loss, since Netweft would have to: {'; '.join(costly)}. Change the network,"
        " or what is on the host, so that both are the same."
    )
    return Problem("FOREIGN_NETWORK_LOSES_TRAFFIC", text)
