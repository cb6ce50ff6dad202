"""Reads of the peers that hosts of a rollout have lost, as the hosts reported last."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import msgspec
import sqlalchemy as sa

from netweft.core.host import Host
from netweft.core.protocol import Change, Peer
from netweft.engine.db import Tx
from netweft.engine.model.host_networks import host_addresses
from netweft.engine.model.hosts import host_reports
from netweft.engine.model.networks import networks
from netweft.engine.model.rollouts import rollout_hosts
from netweft.engine.queries.rollouts import HostOfRollout


class _Ended(msgspec.Struct, frozen=True):
    """What of a report is about the last change."""

    change: Change | None = None


class _Addressed(msgspec.Struct, frozen=True):
    """What of a report tells the addresses of the host and of its guests."""

    host: Host
    guest_addresses: dict[str, tuple[str, ...]] = {}


_ENDED = msgspec.json.Decoder(_Ended)
_ADDRESSED = msgspec.json.Decoder(_Addressed)


def lost_peers(tx: Tx, rollout_id: str, members: Sequence[HostOfRollout]) -> Mapping[str, tuple[Peer, ...] | None]:
    """The peers that each of the hosts has lost by its change, with the names of their networks; None while it asks.

    Other hosts of the rollout, and guests seen there, do not count: two hosts of which one has changed cannot reach
    each other until the other one has.
    """
    told = _told(tx, members)
    lost = {peer for peers in told.values() for peer in peers or ()}
    if not lost:
        return told
    names = _names(tx, {peer.network for peer in lost})
    within = _within(tx, rollout_id, {peer.address for peer in lost})
    return {
        host_id: None
        if peers is None
        else tuple(
            replace(peer, network=names.get(peer.network, peer.network)) for peer in peers if peer.address not in within
        )
        for host_id, peers in told.items()
    }


def _told(tx: Tx, members: Sequence[HostOfRollout]) -> dict[str, tuple[Peer, ...] | None]:
    """What each host says of its change of the rollout; nothing, once it has had a later one."""
    found: dict[str, tuple[Peer, ...] | None] = {one.host_id: () for one in members}
    requests = {one.host_id: one.job_id for one in members}
    query = sa.select(host_reports.c.host_id, host_reports.c.report).where(host_reports.c.host_id.in_(found))
    for row in tx.execute(query):
        change = _ENDED.decode(row.report).change
        if change and change.request == requests[row.host_id]:
            found[row.host_id] = change.lost_peers
    return found


def _names(tx: Tx, network_ids: Collection[str]) -> dict[str, str]:
    query = sa.select(networks.c.id, networks.c.name).where(networks.c.id.in_(network_ids))
    return {row.id: row.name for row in tx.execute(query)}


def _within(tx: Tx, rollout_id: str, addresses: Collection[str]) -> set[str]:
    """Those of the addresses that hosts of the rollout have, or guests there. Reports are read only for those that are
    no host's static ones.
    """
    hosts = sa.select(rollout_hosts.c.host_id).where(rollout_hosts.c.rollout_id == rollout_id)
    static = host_addresses.c.address.in_(addresses), host_addresses.c.host_id.in_(hosts)
    found = set(tx.scalars(sa.select(host_addresses.c.address).where(*static)))
    if found >= set(addresses):
        return found
    for report in tx.scalars(sa.select(host_reports.c.report).where(host_reports.c.host_id.in_(hosts))):
        seen = _ADDRESSED.decode(report)
        found |= {own.ip for link in seen.host.links().values() for own in (*link.addresses, *link.dynamic)}
        found |= {address for of_vnic in seen.guest_addresses.values() for address in of_vnic}
    return found
