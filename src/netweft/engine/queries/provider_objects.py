"""Reads of what the engine wants on providers of networks, and of what is there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.jobs import jobs
from netweft.engine.model.networks import networks
from netweft.engine.model.provider_objects import ProviderObjectRow, provider_objects
from netweft.engine.model.providers import providers
from netweft.engine.model.records import Record
from netweft.engine.model.subnets import SubnetRow, subnets
from netweft.engine.statements import rows

RECONCILE = "reconcile_provider"
"""The kind of the job that brings a provider what is wanted of it."""
NETWORK, SUBNET, PROFILE, MEMBER = "network", "subnet", "profile", "member"
"""Kinds of objects; for ports see :mod:`netweft.engine.queries.ports`."""

_BUT_PORTS = provider_objects.c.kind != "port"


def of_network(tx: Tx, network_id: str) -> ProviderObjectRow | None:
    """What there is of a network on its provider."""
    found = of_networks(tx, (network_id,))
    return found[0] if found else None


def of_networks(tx: Tx, network_ids: Collection[str]) -> list[ProviderObjectRow]:
    """What there is of networks on their providers."""
    return _of_kind(tx, NETWORK, network_ids)


def of_subnets(tx: Tx, subnet_ids: Collection[str]) -> list[ProviderObjectRow]:
    """What there is of subnets on the providers of their networks."""
    return _of_kind(tx, SUBNET, subnet_ids)


def _of_kind(tx: Tx, kind: str, object_ids: Collection[str]) -> list[ProviderObjectRow]:
    here = provider_objects.c.kind == kind, provider_objects.c.object_id.in_(object_ids)
    return rows(tx, ProviderObjectRow, sa.select(provider_objects).where(*here))


class NamedObject(ProviderObjectRow, frozen=True, kw_only=True):
    """What is wanted of a provider, with the name here of the network or the subnet that it is, or is of; None for what
    is no more, and for ports of vNICs.
    """

    name: str | None


def of_provider(tx: Tx, provider_id: str) -> list[NamedObject]:
    """All that is wanted, or still to be removed, there."""
    network_id = sa.case(
        (provider_objects.c.kind == MEMBER, provider_objects.c.parent_id), else_=provider_objects.c.object_id
    )
    query = (
        sa.select(provider_objects, sa.func.coalesce(networks.c.name, subnets.c.name).label("name"))
        .outerjoin(networks, networks.c.id == network_id)
        .outerjoin(subnets, subnets.c.id == provider_objects.c.object_id)
        .where(provider_objects.c.provider_id == provider_id)
    )
    return rows(tx, NamedObject, query.order_by(provider_objects.c.kind, provider_objects.c.object_id))


def but_ports(tx: Tx, provider_id: str) -> list[ProviderObjectRow]:
    """The networks and subnets that are wanted, or still to be removed, there."""
    return rows(
        tx,
        ProviderObjectRow,
        sa.select(provider_objects).where(_BUT_PORTS, provider_objects.c.provider_id == provider_id),
    )


def due(tx: Tx, provider_id: str, wanted: str, kind: str, now: datetime) -> list[ProviderObjectRow]:
    """What of a kind is to be made, or removed, on a provider now. ``wanted``: ``present`` or ``absent``."""
    here = (
        provider_objects.c.provider_id == provider_id,
        provider_objects.c.wanted == wanted,
        provider_objects.c.kind == kind,
        provider_objects.c.next_try <= now,
    )
    query = sa.select(provider_objects).where(*here)
    return rows(tx, ProviderObjectRow, query.order_by(provider_objects.c.object_id))


def providers_due(tx: Tx, now: datetime) -> list[str]:
    """The providers on which something is to be done now."""
    query = sa.select(provider_objects.c.provider_id).distinct().where(_BUT_PORTS, provider_objects.c.next_try <= now)
    return sorted(tx.scalars(query))


class Summary(Record, frozen=True):
    """How far a provider is: how many networks (or port profiles of them) are wanted of it, of how much it has not done
    what is wanted at the last try, how much is still to be removed from it, and when all that was due had been tried
    last.
    """

    provider_id: str
    networks: int
    failing: int
    to_remove: int
    reconciled_at: datetime | None


def summaries(tx: Tx) -> dict[str, Summary]:
    """How far each provider is."""
    last = (
        sa.select(sa.func.max(jobs.c.end_time))
        .where(
            jobs.c.kind == RECONCILE,
            jobs.c.lock_key == sa.literal("provider:") + providers.c.id,
            jobs.c.status == "finished",
        )
        .scalar_subquery()
    )
    here = provider_objects.c.provider_id == providers.c.id
    is_network = provider_objects.c.kind.in_((NETWORK, PROFILE))
    query = (
        sa.select(
            providers.c.id.label("provider_id"),
            sa.func.count(sa.case((sa.and_(is_network, provider_objects.c.wanted == "present"), 1))).label("networks"),
            sa.func.count(sa.case((provider_objects.c.state == "error", 1))).label("failing"),
            sa.func.count(sa.case((provider_objects.c.wanted == "absent", 1))).label("to_remove"),
            last.label("reconciled_at"),
        )
        .select_from(providers.outerjoin(provider_objects, here))
        .group_by(providers.c.id)
    )
    return {row.provider_id: row for row in rows(tx, Summary, query)}


@dataclass(frozen=True, slots=True)
class Known:
    """What is wanted of all providers, or still to be removed: ``objects`` by kind and id, the providers' ids of
    ``networks``.
    """

    objects: frozenset[tuple[str, str]]
    networks: frozenset[str]


def wanted_anywhere(tx: Tx) -> Known:
    """Of all providers, as two of them may be the same system."""
    query = sa.select(provider_objects.c.kind, provider_objects.c.object_id, provider_objects.c.external_id)
    found = tx.execute(query).all()
    return Known(
        objects=frozenset((kind, object_id) for kind, object_id, _ in found),
        networks=frozenset(external_id for kind, _, external_id in found if kind == NETWORK),
    )


def still_there(tx: Tx, provider_id: str) -> int:
    """How much is wanted of a provider, or still to be removed from it."""
    query = sa.select(sa.func.count()).select_from(provider_objects)
    return int(tx.execute(query.where(provider_objects.c.provider_id == provider_id)).scalar_one())


def subnets_there(tx: Tx, network_id: str) -> list[str]:
    """The ids of the subnets of a network that its provider is to have."""
    here = provider_objects.c.kind == SUBNET, provider_objects.c.parent_id == network_id
    return list(
        tx.scalars(sa.select(provider_objects.c.object_id).where(provider_objects.c.wanted == "present", *here))
    )


def networks_on(tx: Tx, provider_id: str) -> list[str]:
    """The names of the networks that are on a provider."""
    return list(tx.scalars(sa.select(networks.c.name).where(networks.c.provider_id == provider_id).order_by("name")))


def networks_over(tx: Tx, network_id: str) -> list[str]:
    """The names of the networks of providers whose physical network this one is."""
    query = sa.select(networks.c.name).where(networks.c.physical_network_id == network_id)
    return list(tx.scalars(query.order_by(networks.c.name)))


def network_with(tx: Tx, data_center_id: str, provider_id: str, external_id: str) -> str:
    """The name of the network of a data centre that is this one of a provider; empty when none is."""
    here = (
        provider_objects.c.kind == NETWORK,
        provider_objects.c.provider_id == provider_id,
        provider_objects.c.external_id == external_id,
        networks.c.data_center_id == data_center_id,
    )
    query = sa.select(networks.c.name).join(provider_objects, provider_objects.c.object_id == networks.c.id)
    return tx.scalar(query.where(*here)) or ""


def external_ids_in(tx: Tx, provider_id: str, data_center_id: str) -> set[str]:
    """What the provider calls those of its networks that are in a data centre."""
    query = sa.select(provider_objects.c.external_id).join(networks, provider_objects.c.object_id == networks.c.id)
    here = provider_objects.c.provider_id == provider_id, networks.c.data_center_id == data_center_id
    return set(tx.scalars(query.where(provider_objects.c.kind == NETWORK, *here)))


def subnet(tx: Tx, subnet_id: str) -> SubnetRow | None:
    """A subnet, None for one that has been removed."""
    found = rows(tx, SubnetRow, sa.select(subnets).where(subnets.c.id == subnet_id))
    return found[0] if found else None
