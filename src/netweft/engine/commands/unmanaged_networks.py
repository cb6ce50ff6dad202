"""Taking over what others made on a host before Netweft came: it becomes networks of the host's cluster, as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from netweft.core.brown_field import ForeignNetwork, foreign_networks, take_over
from netweft.core.host_request import Ref
from netweft.core.intent import NetworkIntent
from netweft.core.rules import check
from netweft.core.rules import foreign_network as rule
from netweft.core.setup_history import restore_request
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.commands.host_plans import plan_of
from netweft.engine.commands.setup_networks import SetupHostNetworks, setup_host_networks
from netweft.engine.db import Tx, lock, new_id
from netweft.engine.model.hosts import hosts
from netweft.engine.operations import host_changes
from netweft.engine.queries import host_networks as queries
from netweft.engine.queries.cluster_networks import lock_to_use
from netweft.engine.queries.host_networks import HostData

_ADOPT = "Cannot adopt unmanaged networks."


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptUnmanaged:
    """``wanted``: the names of what to take over, each with the network that it becomes (None: the one that fits); none
    for all that can be.
    """

    host_id: str
    wanted: Mapping[str, Ref | None]


def unmanaged_of(data: HostData) -> list[ForeignNetwork]:
    """What others made on a host, and which networks of its cluster it can become."""
    return foreign_networks(data.host, data.intent, _networks(data))


def adopt_unmanaged(tx: Tx, actor: Actor, spec: AdoptUnmanaged) -> str | None:
    """Make networks of what others made on a host, as it is: a setup that sets marks and does nothing that costs
    traffic, and is committed.

    Returns the job's id, None when there is nothing to take over. Needs CONFIGURE_HOST_NETWORK on the host. Raises
    NotFoundError, DeniedError, BusyError, ValidationError, HostError when no plan leads there.
    """
    host = lock(tx, hosts, spec.host_id)
    lock_to_use(tx, host.cluster_id)
    authorize.require(tx, actor, ActionGroup.CONFIGURE_HOST_NETWORK, ObjectRef(ObjectType.HOST, spec.host_id))
    host_changes.require_idle(tx, spec.host_id, host.name)
    data = queries.load_one(tx, spec.host_id)
    chosen = _chosen(data, spec.wanted)
    if not chosen:
        return None
    networks = _networks(data)
    setup = take_over(data.host, data.intent, networks, chosen, new_id)
    intent = queries.intent_of(data.row.switch_type, setup, data.networks, data.report, data.intent.chassis)
    check(_ADOPT, rule.foreign_network_loses_nothing(plan_of(tx, data, intent).steps))
    request = restore_request(setup, data.intent, (None, {}), commit=True)
    request = replace(request, inherited=setup.inherited)
    return setup_host_networks(tx, actor, SetupHostNetworks(host_id=spec.host_id, request=request), _ADOPT)


def _networks(data: HostData) -> dict[str, NetworkIntent]:
    """The networks of hosts that the host's cluster has, by id."""
    views = data.networks.items()
    return {network_id: view.intent for network_id, view in views if view.in_cluster and not view.is_provided}


def _chosen(data: HostData, wanted: Mapping[str, Ref | None]) -> dict[str, str]:
    """The ids of networks by the names of what is to become them. Raises ValidationError."""
    found = {one.name: one for one in unmanaged_of(data)}
    if not wanted:
        return {name: one.network_id for name, one in found.items() if one.network_id and not one.problem}
    name = data.row.name
    check(_ADOPT, *(rule.foreign_network_exists(name, one, found.keys()) for one in wanted))
    check(_ADOPT, *(rule.foreign_network_is_one(name, found[one]) for one in wanted))
    networks = _networks(data)
    chosen = {one: _network_id(networks, found[one], ref) for one, ref in wanted.items()}
    for one, ref in wanted.items():
        check(_ADOPT, rule.foreign_network_fits(found[one], networks.get(chosen[one]), str(ref or "")))
    check(_ADOPT, rule.foreign_networks_differ(chosen, networks))
    return chosen


def _network_id(networks: Mapping[str, NetworkIntent], one: ForeignNetwork, ref: Ref | None) -> str:
    if ref is None:
        return one.network_id
    return next((network.id for network in networks.values() if ref.name == network.name), "")
