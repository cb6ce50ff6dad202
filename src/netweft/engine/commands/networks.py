"""Adding, changing, labelling and removing the networks of data centres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from msgspec.structs import replace

from netweft.core.errors import NotFoundError, Problem
from netweft.core.keep import KEEP, Keep
from netweft.core.network_filters import DEFAULT_FILTER
from netweft.core.rules import check, fields
from netweft.core.rules import network as rules
from netweft.core.rules import provider_network as provider_rules
from netweft.core.rules import qos as qos_rules
from netweft.engine import audit
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.changes import Texts, changes, lines, made, updated
from netweft.engine.commands.cluster_networks import detach_from_hosts
from netweft.engine.commands.hosts import follow
from netweft.engine.commands.vnic_profiles import add_default_profile, remove_profiles, rename_default_profile
from netweft.engine.db import Tx, lock, new_id
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.networks import NetworkRow, networks
from netweft.engine.operations import host_labels, host_rules, port_profiles, provider_networks, rollouts, vnic_sync
from netweft.engine.operations.races import translate_constraint_errors
from netweft.engine.queries import networks as queries
from netweft.engine.queries import provider_objects as object_queries
from netweft.engine.queries import qos as qos_queries
from netweft.engine.queries.networks import Names
from netweft.engine.queries.qos import QOSS
from netweft.engine.queries.references import Ref, ask, only_one, resolve
from netweft.engine.statements import add, pipelined

_ADD = "Cannot add Network."
_UPDATE = "Cannot edit Network."
_REMOVE = "Cannot remove Network."
_LABEL = "Cannot label Network."

_HOST_SIDE = ("vlan_id", "mtu", "vm_network", "stp", "name_servers", "qos_id")
"""The columns that hosts have to follow. A network that hosts carry keeps its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fields(Texts):
    """``mtu`` in octets, 0 for the default; ``vlan_id``: None for untagged."""

    vlan_id: int | Keep | None = KEEP
    mtu: int | Keep = KEEP
    vm_network: bool | Keep = KEEP
    stp: bool | Keep = KEEP
    port_isolation: bool | Keep = KEEP
    name_servers: tuple[str, ...] | Keep = KEEP
    qos_id: str | Keep | None = KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNetwork(_Fields):
    """A network to be.

    ``profile_required``: a VM network gets a vNIC profile of its name, which everyone may use when ``profile_public``.
    ``provider``: that shall have it, None for the hosts; ``physical``: the network of hosts whose wire and VLAN it is
    on there, or ``physical_name``, what the provider calls the wire, on which it is in its own VLAN; neither for one of
    tunnels. ``external_id``: of the provider's network that it is, empty to have one made.
    """

    name: str
    data_center: Ref
    provider: Ref | None = None
    physical: Ref | None = None
    physical_name: str = ""
    external_id: str = ""
    label: str | None = None
    profile_required: bool = True
    profile_public: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateNetwork(_Fields):
    """What changes of a network. Its label is changed by commands of its own; ``provider`` and ``physical``, as
    :class:`AddNetwork` has them, stay as they are.
    """

    id: str
    data_center: Ref | Keep = KEEP
    provider: Ref | Keep | None = KEEP
    physical: Ref | Keep | None = KEEP


def add_network(tx: Tx, actor: Actor, spec: AddNetwork) -> NetworkRow:
    """Add a network to a data centre; its creator becomes its administrator.

    Needs CREATE_STORAGE_POOL_NETWORK on the data centre. Raises NotFoundError, DeniedError, ValidationError.
    """
    network_id = new_id()
    with pipelined(tx):
        meant = ask(tx, data_centers, spec.data_center, "data centre")
        clashes = queries.ask_namesakes(tx, spec.data_center, spec.name, rules.host_side_name(spec.name, network_id))
    data_center_id = only_one(meant.all(), spec.data_center, "data centre")
    authorize.require(
        tx, actor, ActionGroup.CREATE_STORAGE_POOL_NETWORK, ObjectRef(ObjectType.DATA_CENTER, data_center_id)
    )
    return _create(tx, actor, network_id, data_center_id, spec, clashes.all())


def create_network(tx: Tx, actor: Actor, data_center_id: str, spec: AddNetwork) -> NetworkRow:
    """:func:`add_network` for a command that has checked its own permissions."""
    network_id = new_id()
    clashes = queries.namesakes(tx, data_center_id, spec.name, rules.host_side_name(spec.name, network_id))
    return _create(tx, actor, network_id, data_center_id, spec, clashes)


def _create(
    tx: Tx, actor: Actor, network_id: str, data_center_id: str, spec: AddNetwork, clashes: Sequence[Names]
) -> NetworkRow:
    """``clashes``: what :func:`queries.namesakes` finds."""
    host_side_name = rules.host_side_name(spec.name, network_id)
    network = made(NetworkRow, spec, id=network_id, data_center_id=data_center_id, host_side_name=host_side_name)
    check(
        _ADD,
        *_field_problems(network),
        rules.label_is_valid(network.label),
        _qos_problem(tx, data_center_id, network.qos_id),
    )
    check(_ADD, *_name_problems(network.name, clashes))
    network = _placed(tx, network, spec)
    with translate_constraint_errors(_ADD, lambda constraint: _name_problem(constraint, network.name)), pipelined(tx):
        add(tx, networks, network)
        if actor.user_id:
            authorize.grant(tx, actor.user_id, "NetworkAdmin", ObjectRef(ObjectType.NETWORK, network_id))
        if network.vm_network and spec.profile_required:
            filter_id = DEFAULT_FILTER if network.provider_id is None else None
            add_default_profile(tx, network_id, network.name, filter_id, public=spec.profile_public)
        text = f"Network {network.name} was added by {actor.name}."
        audit.record(tx, actor, 942, text, data_center=data_center_id, network=network_id, changes=("added",))
    if network.provider_id is not None:
        provider_networks.begin(tx, actor, network, spec.external_id)
    return network


def _placed(tx: Tx, network: NetworkRow, spec: AddNetwork) -> NetworkRow:
    """The new network as it is on its provider, if it is on one."""
    if spec.provider is None:
        physical = spec.physical is not None or bool(spec.physical_name)
        check(_ADD, provider_rules.physical_network_needs_provider(network.name, is_given=physical))
        return network
    names = {"physical_name": spec.physical_name, "external_id": spec.external_id}
    return provider_networks.on_provider(tx, _ADD, network, spec.provider, spec.physical, **names)


def update_network(tx: Tx, actor: Actor, spec: UpdateNetwork) -> str | None:
    """Change a network, and have every host that carries it follow, or its provider. Returns the id of the job that
    brings the change to the provider, if there is one.

    The new intent stays also when a host refuses: the network is out of sync there until it is put right. vNICs that
    run on the network follow when their host has, as far as they can, and are out of sync until then.

    Needs CONFIGURE_STORAGE_POOL_NETWORK on the network. Raises NotFoundError, DeniedError, ValidationError.
    """
    before = lock(tx, networks, spec.id)
    _require_configure(tx, actor, spec.id)
    after = _after(before, spec)
    changed = changes(before, after)
    on_hosts = {"name", *_HOST_SIDE} & changed.keys()
    watched = host_rules.watch(tx, _UPDATE, [spec.id] if on_hosts else ())
    _check_update(tx, before, after, spec, watched.names)
    if not changed:
        return None
    with translate_constraint_errors(_UPDATE, lambda constraint: _name_problem(constraint, after.name)):
        tx.execute(sa.update(networks).where(networks.c.id == spec.id).values(changed))
    if on_hosts:
        seen_there = replace(before, **{name: changed[name] for name in on_hosts})
        what = ", ".join(_lines(tx, before, seen_there))
        follow(tx, actor, watched, f"network {after.name} has changed ({what})")
    if "name" in changed:
        rename_default_profile(tx, spec.id, before.name, after.name)
    if before.vm_network and not after.vm_network:
        remove_profiles(tx, spec.id)
    job_id = None
    if provider_networks.THERE & changed.keys():
        job_id = provider_networks.want_again(tx, actor, after)
    if port_profiles.THERE & changed.keys():
        port_profiles.want_again(tx, actor, spec.id)
    if {"vlan_id", "mtu"} & changed.keys():
        vnic_sync.mark_on(tx, (spec.id,))
    text = f"Network {after.name} was changed by {actor.name}."
    lines = _lines(tx, before, after)
    audit.record(tx, actor, 1114, text, data_center=before.data_center_id, network=spec.id, changes=lines)
    return job_id


def _lines(tx: Tx, before: NetworkRow, after: NetworkRow) -> tuple[str, ...]:
    """What has changed, with the QoS by its name."""
    names = QOSS.names(tx, [one.qos_id for one in (before, after) if one.qos_id])
    return lines(*(replace(one, qos_id=names.get(one.qos_id or "")) for one in (before, after)))


def label_network(tx: Tx, actor: Actor, network_id: str, label: str) -> None:
    """Give a network that has none its label, and put it on the NICs that have the same one.

    Needs CONFIGURE_STORAGE_POOL_NETWORK on it. Raises NotFoundError, DeniedError, ValidationError.
    """
    before = lock(tx, networks, network_id)
    _require_configure(tx, actor, network_id)
    check(
        _LABEL,
        rules.label_is_valid(label),
        rules.is_not_labelled(before.name, before.label),
        provider_rules.is_not_labelled(before.name, is_provided=before.provider_id is not None),
    )
    inputs = rollouts.snapshot(tx, (), (network_id,))
    tx.execute(sa.update(networks).where(networks.c.id == network_id).values(label=label))
    lacking = host_labels.lacking(tx, networks.c.id == network_id)
    rollouts.bring_labels(tx, actor, inputs, lacking, f"network {before.name} has got label {label}")
    text = f"Network {before.name} was labelled {label} by {actor.name}."
    lines = (f"label none became {label}",)
    audit.record(tx, actor, 1132, text, data_center=before.data_center_id, network=network_id, changes=lines)


def unlabel_network(tx: Tx, actor: Actor, network_id: str, label: str) -> None:
    """Take a network's label away, and the network off the NICs where it was by it.

    Needs CONFIGURE_STORAGE_POOL_NETWORK on it. Raises NotFoundError also when it has another label, DeniedError.
    """
    before = lock(tx, networks, network_id)
    _require_configure(tx, actor, network_id)
    if before.label != label:
        raise NotFoundError(f"The network '{before.name}' has no label '{label}'.")
    inputs = rollouts.snapshot(tx, (), (network_id,))
    tx.execute(sa.update(networks).where(networks.c.id == network_id).values(label=None))
    carrying = host_labels.carrying(tx, network_id, label)
    reason = f"network {before.name} has lost label {label}"
    rollouts.bring_labels(tx, actor, inputs, carrying, reason, lost=(network_id,))
    text = f"Label {label} was removed from network {before.name} by {actor.name}."
    lines = (f"label {label} became none",)
    audit.record(tx, actor, 1134, text, data_center=before.data_center_id, network=network_id, changes=lines)


def remove_network(tx: Tx, actor: Actor, network_id: str) -> str | None:
    """Remove a network with its profiles, from its clusters (where the management network takes its roles), hosts, and
    the provider on which it was made. Returns the id of the job that does the last, if there is one.

    Needs DELETE_STORAGE_POOL_NETWORK on it. Raises NotFoundError, DeniedError, ValidationError.
    """
    network = lock(tx, networks, network_id)
    authorize.require(tx, actor, ActionGroup.DELETE_STORAGE_POOL_NETWORK, ObjectRef(ObjectType.NETWORK, network_id))
    check(
        _REMOVE,
        rules.is_no_management_network(network.name, queries.managed_clusters(tx, network_id)),
        rules.unused_by_vms(network.name, queries.vms_using(tx, network_id)),
        rules.unused_by_templates(network.name, queries.templates_using(tx, network_id)),
        provider_rules.physical_network_is_unused(network.name, object_queries.networks_over(tx, network_id)),
    )
    provider_networks.check_removal(tx, _REMOVE, network)
    there = queries.clusters_with(tx, network_id)
    for cluster_id in there:
        lock(tx, clusters, cluster_id)
    detach_from_hosts(tx, actor, there, network_id, f"network {network.name} was removed")
    remove_profiles(tx, network_id)
    authorize.forget(tx, network_id)
    job_id = provider_networks.release(tx, actor, network)
    port_profiles.release_all(tx, actor, network_id)
    with translate_constraint_errors(_REMOVE, lambda _: None):
        tx.execute(sa.delete(networks).where(networks.c.id == network_id))
    text = f"Network {network.name} was removed by {actor.name}."
    audit.record(tx, actor, 944, text, data_center=network.data_center_id, network=network_id, changes=("removed",))
    return job_id


def _require_configure(tx: Tx, actor: Actor, network_id: str) -> None:
    authorize.require(tx, actor, ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK, ObjectRef(ObjectType.NETWORK, network_id))


def _after(before: NetworkRow, spec: UpdateNetwork) -> NetworkRow:
    """The network as it will be."""
    after = updated(before, spec)
    if after.name == before.name:
        return after
    return replace(after, host_side_name=rules.host_side_name(after.name, before.id))


def _check_update(tx: Tx, before: NetworkRow, after: NetworkRow, spec: UpdateNetwork, hosts: Mapping[str, str]) -> None:
    """All rules on what the network will be, whatever it is that changes. ``hosts``: names of those that carry it."""
    data_center_id = before.data_center_id
    if spec.data_center is not KEEP:
        data_center_id = resolve(tx, data_centers, spec.data_center, "data centre")
    check(
        _UPDATE,
        rules.data_center_is_kept(before.data_center_id, data_center_id),
        *_field_problems(after),
        _qos_problem(tx, data_center_id, after.qos_id),
        rules.isolation_is_kept(before=before.port_isolation, after=after.port_isolation),
    )
    provider_networks.check_update(tx, _UPDATE, before, after, spec.provider, spec.physical)
    port_profiles.check_network(tx, _UPDATE, before, after)
    if after.name != before.name:
        clashes = queries.namesakes(tx, data_center_id, after.name, after.host_side_name, besides=before.id)
        check(
            _UPDATE,
            *_name_problems(after.name, clashes),
            rules.rename_leaves_hosts_alone(before.name, list(hosts.values())),
        )
    if after.mtu != before.mtu:
        check(
            _UPDATE,
            rules.mtu_leaves_room_for_ipv6(before.name, after.mtu, queries.hosts_with_ipv6(tx, before.id)),
        )
    if before.vm_network and not after.vm_network:
        check(
            _UPDATE,
            rules.unused_by_vms(before.name, queries.vms_using(tx, before.id)),
            rules.unused_by_templates(before.name, queries.templates_using(tx, before.id)),
        )


def _field_problems(network: NetworkRow) -> tuple[Problem | None, ...]:
    """The rules that look at the network alone."""
    is_vm_network = network.vm_network
    return (
        *fields.texts_are_valid("network", network),
        rules.name_is_no_bond(network.name),
        rules.vlan_is_valid(network.vlan_id),
        rules.mtu_is_valid(network.mtu),
        rules.name_servers_are_valid(network.name_servers),
        rules.stp_needs_vm_network(stp=network.stp, is_vm_network=is_vm_network),
        rules.isolation_needs_vm_network(port_isolation=network.port_isolation, is_vm_network=is_vm_network),
    )


def _qos_problem(tx: Tx, data_center_id: str, qos_id: str | None) -> Problem | None:
    return qos_rules.serves_networks(qos_id, qos_queries.types_of(tx, data_center_id, qos_id)) if qos_id else None


def _name_problems(name: str, clashes: Sequence[Names]) -> tuple[Problem | None, ...]:
    """The rules that look at the other networks of the data centre: those that have one of its names."""
    return (
        rules.name_is_free(name, {other.name for other in clashes}),
        rules.name_is_no_host_side_name(name, {other.host_side_name for other in clashes if other.name != name}),
    )


def _name_problem(constraint: str, name: str) -> Problem | None:
    """The problem for a violated unique constraint: the name, or host-side name, was used concurrently."""
    return rules.name_is_free(name, (name,)) if constraint.startswith("uq_networks_") else None
