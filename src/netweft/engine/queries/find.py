"""Finding things of all kinds by a part of their name, address or MAC, with as many queries in any fleet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.host_networks import host_addresses
from netweft.engine.model.hosts import hosts
from netweft.engine.model.mac_pools import mac_pools
from netweft.engine.model.networks import networks
from netweft.engine.model.providers import providers
from netweft.engine.model.qos import qoss
from netweft.engine.model.records import Record
from netweft.engine.model.rollouts import rollouts
from netweft.engine.model.subnets import subnets, vnic_addresses
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.noun import Narrow, ObjectType
from netweft.engine.statements import rows

Expression = Any
"""A column of the database, or an expression of some."""


class Hit(Record, frozen=True):
    """Something that was found. ``parent_id``: of what it is in, where it has no place of its own; ``context``: what
    tells it from others of its name; ``rank``: 0 for what is called exactly so, 1 for what begins so, 2 for the rest.
    """

    kind: str
    id: str
    name: str
    parent_id: str | None
    context: str
    rank: int


def _vlan() -> Expression:
    tagged = sa.literal("VLAN ") + sa.cast(networks.c.vlan_id, sa.String)
    return sa.case((networks.c.vlan_id.is_(None), "untagged"), else_=tagged)


def _words(*parts: Expression) -> Expression:
    """Columns and words with blanks between them."""
    first, *others = (sa.literal(part) if isinstance(part, str) else part for part in parts)
    for part in others:
        first = first + sa.literal(" ") + part
    return first


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where things of a kind are. ``type``: by whose rights they are seen (None: by who began them); ``fits``: the
    texts that are looked through; ``has_macs``: they are MAC addresses, which people write in two ways.
    """

    kind: str
    type: ObjectType | None
    rows: sa.FromClause
    id: Expression
    name: Expression
    context: Expression
    fits: tuple[Expression, ...]
    parent: Expression = field(default_factory=sa.null)
    has_macs: bool = False

    def matching(self, text: str) -> sa.Select[Any]:
        """Those of which a text contains another one, which is in lower case."""
        wanted = text.replace("-", ":") if self.has_macs else text
        lowered = [sa.func.lower(column) for column in self.fits]
        rank = sa.case(
            (sa.or_(*(column == wanted for column in lowered)), 0),
            (sa.or_(*(column.startswith(wanted, autoescape=True) for column in lowered)), 1),
            else_=2,
        )
        return (
            sa.select(
                sa.literal(self.kind).label("kind"),
                self.id.label("id"),
                self.name.label("name"),
                self.parent.label("parent_id"),
                self.context.label("context"),
                rank.label("rank"),
            )
            .select_from(self.rows)
            .where(sa.or_(*(column.contains(wanted, autoescape=True) for column in lowered)))
        )


_NUMBER = sa.cast(rollouts.c.number, sa.String)

_SOURCES: Final = (
    _Source(
        kind="host",
        type=ObjectType.HOST,
        rows=hosts.join(clusters, clusters.c.id == hosts.c.cluster_id),
        id=hosts.c.id,
        name=hosts.c.name,
        context=_words(hosts.c.address, "in", clusters.c.name),
        fits=(hosts.c.name, hosts.c.address),
    ),
    _Source(
        kind="network",
        type=ObjectType.NETWORK,
        rows=networks.join(data_centers, data_centers.c.id == networks.c.data_center_id),
        id=networks.c.id,
        name=networks.c.name,
        context=_words(_vlan(), "in", data_centers.c.name),
        fits=(networks.c.name, sa.cast(networks.c.vlan_id, sa.String)),
    ),
    _Source(
        kind="cluster",
        type=ObjectType.CLUSTER,
        rows=clusters.join(data_centers, data_centers.c.id == clusters.c.data_center_id),
        id=clusters.c.id,
        name=clusters.c.name,
        context=_words("in", data_centers.c.name),
        fits=(clusters.c.name,),
    ),
    _Source(
        kind="vm",
        type=ObjectType.VM,
        rows=vms.join(clusters, clusters.c.id == vms.c.cluster_id),
        id=vms.c.id,
        name=vms.c.name,
        context=_words(vms.c.status, "in", clusters.c.name),
        fits=(vms.c.name,),
    ),
    _Source(
        kind="vnic",
        type=ObjectType.VM,
        rows=vnics.join(vms, vms.c.id == vnics.c.vm_id),
        id=vnics.c.id,
        name=vnics.c.name,
        parent=vms.c.id,
        context=_words(vnics.c.mac, "of", vms.c.name),
        fits=(vnics.c.mac,),
        has_macs=True,
    ),
    _Source(
        kind="vnic",
        type=ObjectType.VM,
        rows=vnic_addresses.join(vnics, vnics.c.id == vnic_addresses.c.vnic_id).join(vms, vms.c.id == vnics.c.vm_id),
        id=vnics.c.id,
        name=vnics.c.name,
        parent=vms.c.id,
        context=_words(vnic_addresses.c.address, "of", vms.c.name),
        fits=(vnic_addresses.c.address,),
    ),
    _Source(
        kind="host",
        type=ObjectType.HOST,
        rows=host_addresses.join(hosts, hosts.c.id == host_addresses.c.host_id).join(
            networks, networks.c.id == host_addresses.c.network_id
        ),
        id=hosts.c.id,
        name=hosts.c.name,
        context=_words(host_addresses.c.address, "on", networks.c.name),
        fits=(host_addresses.c.address,),
    ),
    _Source(
        kind="vnic_profile",
        type=ObjectType.VNIC_PROFILE,
        rows=vnic_profiles.join(networks, networks.c.id == vnic_profiles.c.network_id),
        id=vnic_profiles.c.id,
        name=vnic_profiles.c.name,
        parent=networks.c.id,
        context=_words("of network", networks.c.name),
        fits=(vnic_profiles.c.name,),
    ),
    _Source(
        kind="subnet",
        type=ObjectType.NETWORK,
        rows=subnets.join(networks, networks.c.id == subnets.c.network_id),
        id=subnets.c.id,
        name=subnets.c.name,
        parent=networks.c.id,
        context=_words(subnets.c.cidr, "of network", networks.c.name),
        fits=(subnets.c.name, subnets.c.cidr),
    ),
    _Source(
        kind="qos",
        type=ObjectType.DATA_CENTER,
        rows=qoss.join(data_centers, data_centers.c.id == qoss.c.data_center_id),
        id=qoss.c.id,
        name=qoss.c.name,
        parent=data_centers.c.id,
        context=_words("in", data_centers.c.name),
        fits=(qoss.c.name,),
    ),
    _Source(
        kind="mac_pool",
        type=ObjectType.MAC_POOL,
        rows=mac_pools,
        id=mac_pools.c.id,
        name=mac_pools.c.name,
        context=mac_pools.c.description,
        fits=(mac_pools.c.name,),
    ),
    _Source(
        kind="provider",
        type=ObjectType.PROVIDER,
        rows=providers,
        id=providers.c.id,
        name=providers.c.name,
        context=_words(providers.c.type, "at", providers.c.url),
        fits=(providers.c.name, providers.c.url),
    ),
    _Source(
        kind="rollout",
        type=None,
        rows=rollouts,
        id=rollouts.c.id,
        name=_NUMBER,
        context=_words(rollouts.c.reason, "-", rollouts.c.status),
        fits=(_NUMBER, rollouts.c.reason),
    ),
)
"""In the order in which what fits equally well is shown."""


def find(tx: Tx, narrow: Narrow, owner: str | None, text: str, most: int) -> list[Hit]:
    """What is called like a text, or has it as address, MAC or VLAN, the best first. ``owner``: whose rollouts are
    meant, None for all.
    """
    wanted = text.strip().lower()
    if not wanted:
        return []
    found: dict[tuple[str, str], Hit] = {}
    for source in _SOURCES:
        statement = source.matching(wanted).order_by("rank", "name").limit(most)
        if source.type is not None:
            statement = narrow(source.type, statement)
        elif owner is not None:
            statement = statement.where(rollouts.c.owner_id == owner)
        for hit in rows(tx, Hit, statement):
            known = found.get((hit.kind, hit.id))
            if known is None or hit.rank < known.rank:
                found[hit.kind, hit.id] = hit
    return sorted(found.values(), key=lambda hit: hit.rank)[:most]
