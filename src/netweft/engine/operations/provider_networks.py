"""Networks on providers: creating, updating and removing them there. Parts of commands."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy import Table

from netweft.core.keep import KEEP, Keep
from netweft.core.rules import check
from netweft.core.rules import provider_network as rules
from netweft.engine import queue
from netweft.engine.actor import Actor
from netweft.engine.db import Tx, lock
from netweft.engine.model.networks import NetworkRow, networks
from netweft.engine.model.provider_objects import ProviderObjectRow, provider_objects
from netweft.engine.model.providers import ProviderRow, providers
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.operations import ports
from netweft.engine.operations import provider_objects as objects
from netweft.engine.operations.provider_object_events import report
from netweft.engine.payloads import OnProvider
from netweft.engine.queries import provider_objects as queries
from netweft.engine.queries import providers as provider_queries
from netweft.engine.queries.provider_objects import NETWORK, RECONCILE, SUBNET
from netweft.engine.queries.providers import PROVIDERS
from netweft.engine.queries.references import Ref, resolve

THERE = frozenset({"name", "description", "mtu"})
"""The columns of a network that a provider has, and can change."""
_GONE = "The provider does not have this network any more."


def on_provider(
    tx: Tx,
    action: str,
    network: NetworkRow,
    provider: Ref,
    physical: Ref | None,
    *,
    physical_name: str = "",
    external_id: str = "",
) -> NetworkRow:
    """The columns of a new network on a provider. ``physical``: the network of hosts that carries it, or
    ``physical_name``, its name at the provider; ``external_id``: of an existing network there, empty for a new one.

    Raises NotFoundError, ValidationError.
    """
    row = PROVIDERS.get(tx, resolve(tx, providers, provider, "provider"))
    read_only = row.read_only and not external_id
    known = queries.network_with(tx, network.data_center_id, row.id, external_id) if external_id else ""
    check(
        action,
        rules.is_vm_network(network.name, vm_network=network.vm_network),
        rules.has_nothing_of_hosts(network.name, _of_hosts(network)),
        rules.provider_takes_networks(row.name, read_only=read_only),
        rules.vlan_is_of_physical_network(
            network.name,
            vlan=network.vlan_id is not None and not (physical_name or external_id),
            physical=physical is not None,
        ),
        rules.physical_name_is_valid(physical_name, is_linked=physical is not None),
        rules.is_not_imported(external_id, known),
    )
    network = replace(network, provider_id=row.id, physical_network=physical_name)
    if physical is None:
        return network
    here = networks.c.data_center_id == network.data_center_id
    # Changes of the physical network check whether it is one of these.
    wire = lock(tx, networks, resolve(tx, networks, physical, "physical network", here))
    check(action, rules.physical_network_is_native(wire.name, is_provided=wire.provider_id is not None))
    return replace(network, physical_network=wire.host_side_name, physical_network_id=wire.id, vlan_id=wire.vlan_id)


def _of_hosts(network: NetworkRow) -> list[str]:
    """The settings of a network that only hosts support."""
    asked = {
        "stp": network.stp,
        "port_isolation": network.port_isolation,
        "label": network.label,
        "dns_resolver_configuration": network.name_servers,
        "qos": network.qos_id,
    }
    return [name for name, value in asked.items() if value]


def check_update(
    tx: Tx,
    action: str,
    before: NetworkRow,
    after: NetworkRow,
    provider: Ref | Keep | None,
    physical: Ref | Keep | None,
) -> None:
    """Raises ValidationError when a network of a provider may not become that, NotFoundError."""
    given = [
        (before.provider_id, before.provider_id if provider is KEEP else _id(tx, providers, provider)),
        (before.physical_network_id, before.physical_network_id if physical is KEEP else _id(tx, networks, physical)),
    ]
    check(action, *(rules.provider_is_kept(before.name, old, new) for old, new in given))
    if before.provider_id is None:
        moves = (before.vlan_id, before.host_side_name) != (after.vlan_id, after.host_side_name)
        check(
            action, rules.physical_network_is_unused(before.name, queries.networks_over(tx, before.id) if moves else ())
        )
        return
    found = queries.of_network(tx, before.id)
    changed = [name for name in ("vlan_id", "vm_network") if getattr(before, name) != getattr(after, name)]
    if found and found.owned and any(getattr(before, name) != getattr(after, name) for name in THERE):
        require_writable(tx, action, before, f"Network '{before.name}'")
    check(
        action,
        rules.details_are_kept(before.name, changed),
        rules.has_nothing_of_hosts(before.name, _of_hosts(after)),
        rules.import_is_kept(before.name, ["mtu"] if found and not found.owned and after.mtu != before.mtu else ()),
    )


def require_writable(tx: Tx, action: str, network: NetworkRow, what: str) -> None:
    """Raises ValidationError when the network's provider, if any, is read-only. ``what``: the object that would change
    there.
    """
    if network.provider_id is not None:
        row = provider_queries.get(tx, network.provider_id)
        check(action, rules.provider_may_be_changed(row.name, what, read_only=row.read_only))


def check_removal(tx: Tx, action: str, network: NetworkRow) -> None:
    """Raises ValidationError when a network, or a subnet made there, would be removed from a read-only provider."""
    found = queries.of_network(tx, network.id)
    if found and (found.owned or queries.subnets_there(tx, network.id)):
        require_writable(tx, action, network, f"Network '{network.name}'")


def _id(tx: Tx, table: Table, ref: Ref | None) -> str | None:
    return None if ref is None else resolve(tx, table, ref, "network" if table is networks else "provider")


def begin(tx: Tx, actor: Actor, network: NetworkRow, external_id: str) -> None:
    """Want a new network on the provider, or record an imported one (``external_id``: its id there)."""
    provider_id = network.provider_id or ""
    objects.want(tx, NETWORK, network.id, provider_id, network.data_center_id)
    if external_id:
        objects.done(tx, NETWORK, network.id, provider_id, owned=False, external_id=external_id)
    else:
        reconcile(tx, actor, provider_id)


def want_again(tx: Tx, actor: Actor, network: NetworkRow) -> str | None:
    """Update a network on the provider, if it is ours. Returns the id of the job, if any."""
    found = queries.of_network(tx, network.id)
    if not found or not found.owned or network.provider_id is None:
        return None
    objects.want(tx, NETWORK, network.id, network.provider_id, network.data_center_id)
    return reconcile(tx, actor, network.provider_id)


def release(tx: Tx, actor: Actor, network: NetworkRow) -> str | None:
    """Remove a network of ours with its subnets from the provider; an imported one stays there. Returns the id of the
    job, if any.
    """
    if network.provider_id is None:
        return None
    subnets = provider_objects.c.kind == SUBNET, provider_objects.c.parent_id == network.id
    objects.release(tx, *subnets)
    objects.release(tx, provider_objects.c.kind == NETWORK, provider_objects.c.object_id == network.id)
    return reconcile(tx, actor, network.provider_id)


def compare(
    tx: Tx, actor: Actor, provider_id: str, before: Collection[ProviderObjectRow], there_are: Collection[str]
) -> None:
    """Compare with the networks found on a provider (their ids there). Missing ones of ours are created again, with
    their subnets; imported ones are shown as missing until they are back.

    ``before``: our objects when the provider was queried. Those that were added or created again since are ignored.
    """
    asked = {(row.object_id, row.external_id) for row in before if row.kind == NETWORK}
    known = [
        row
        for row in queries.but_ports(tx, provider_id)
        if row.kind == NETWORK and row.wanted == "present" and row.external_id
        if (row.object_id, row.external_id) in asked
    ]
    again = [row.object_id for row in known if row.owned and row.state == "ok" and row.external_id not in there_are]
    for row in known:
        is_gone = row.external_id not in there_are
        if not row.owned and is_gone != (row.state == "error"):
            objects.show_imported(tx, row.kind, row.object_id, provider_id, error=_GONE if is_gone else "")
    if again:
        network = provider_objects.c.kind == NETWORK, provider_objects.c.object_id.in_(again)
        report(tx, _GONE, *network)
        objects.lose(tx, *network)
        objects.lose(tx, provider_objects.c.kind == SUBNET, provider_objects.c.parent_id.in_(again))
        reconcile(tx, actor, provider_id)


def brought(tx: Tx, before: ProviderObjectRow, external_id: str, mtu: int) -> None:
    """A provider has a network as desired, by this id and with this MTU there. What was tried in vain before it
    was there is tried now; what was on it when it had another id is made again, and ports see its MTU anew.
    """
    network_id = before.object_id
    subnets = provider_objects.c.kind == SUBNET, provider_objects.c.parent_id == network_id
    if external_id != before.external_id and before.external_id:
        objects.lose(tx, *subnets)
    else:
        objects.try_now(tx, *subnets)
    if (external_id, mtu) != (before.external_id, before.mtu):
        profiles = sa.select(vnic_profiles.c.id).where(vnic_profiles.c.network_id == network_id)
        ports.want_again(tx, ports.of_vnics(vnics.c.profile_id.in_(profiles)))


def want_subnet(tx: Tx, actor: Actor, network: NetworkRow, subnet_id: str) -> str | None:
    """The provider of a network shall have a subnet of it, as it is now. Returns the id of the job, if any."""
    if network.provider_id is None:
        return None
    objects.want(tx, SUBNET, subnet_id, network.provider_id, network.id)
    return reconcile(tx, actor, network.provider_id)


def release_subnet(tx: Tx, actor: Actor, network: NetworkRow, subnet_id: str) -> str | None:
    """The provider of a network shall not have a subnet of it any more. Returns the id of the job, if any."""
    if network.provider_id is None:
        return None
    objects.release(tx, provider_objects.c.kind == SUBNET, provider_objects.c.object_id == subnet_id)
    return reconcile(tx, actor, network.provider_id)


def reconcile(tx: Tx, actor: Actor, provider_id: str) -> str:
    """Have a provider apply its desired state. Returns the job's id."""
    row: ProviderRow = provider_queries.get(tx, provider_id)
    text = f"Bringing networks to provider {row.name}"
    return queue.enqueue_once(tx, actor, RECONCILE, _key(provider_id), text, OnProvider(provider_id=provider_id))


def reconciling(tx: Tx, provider_id: str) -> str | None:
    """The id of the job by which a provider applies its desired state."""
    return queue.newest(tx, RECONCILE, _key(provider_id))


def _key(provider_id: str) -> str:
    return f"provider:{provider_id}"
