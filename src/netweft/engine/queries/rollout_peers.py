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
from netweft.engine.model.rollouts import rollout_hosts
from netweft.engine.model.vnics import vnics
from netweft.engine.queries.networks import NETWORKS
from netweft.engine.queries.rollouts import HostOfRollout


class _Ended(msgspec.Struct, frozen=True):
    """What of a report is about the last change."""

    change: Change | None = None


class _Linked(msgspec.Struct, frozen=True):
    """The part of a report with the MAC addresses of the host."""

    host: Host


_ENDED = msgspec.json.Decoder(_Ended)
_LINKED = msgspec.json.Decoder(_Linked)


def lost_peers(tx: Tx, rollout_id: str, members: Sequence[HostOfRollout]) -> Mapping[str, tuple[Peer, ...] | None]:
    """The peers that each of the hosts has lost by its change, with the names of their networks; None while it asks.

    Other hosts of the rollout do not count: two hosts of which one has changed cannot reach each other until the other
    one has. Nor do guests, which are on hosts, and come and go.
    """
    by_host = _lost_by_host(tx, members)
    lost = {peer for peers in by_host.values() for peer in peers or ()}
    if not lost:
        return by_host
    names = _names(tx, {peer.network for peer in lost})
    counted = lost - _within(tx, rollout_id, lost)
    return {host_id: peers and _named(peers, counted, names) for host_id, peers in by_host.items()}


def _named(peers: Sequence[Peer], counted: Collection[Peer], names: Mapping[str, str]) -> tuple[Peer, ...]:
    """Those that count, with the names of their networks."""
    return tuple(replace(one, network=names.get(one.network, one.network)) for one in peers if one in counted)


def _lost_by_host(tx: Tx, members: Sequence[HostOfRollout]) -> dict[str, tuple[Peer, ...] | None]:
    """Each host's report of its change of the rollout; none after a later change."""
    found: dict[str, tuple[Peer, ...] | None] = {one.host_id: () for one in members}
    requests = {one.host_id: one.job_id for one in members}
    query = sa.select(host_reports.c.host_id, host_reports.c.report).where(host_reports.c.host_id.in_(found))
    for host_id, report in tx.execute(query):
        change = _ENDED.decode(report).change
        if change and change.request == requests[host_id]:
            found[host_id] = change.lost_peers
    return found


def _names(tx: Tx, network_ids: Collection[str]) -> dict[str, str]:
    return NETWORKS.names(tx, network_ids)


def _within(tx: Tx, rollout_id: str, peers: Collection[Peer]) -> set[Peer]:
    """Those that are hosts of the rollout or guests. Reports of all its hosts are read only for who is not known by a
    static address or as a vNIC: perhaps a host that has its address by DHCP.
    """
    hosts = sa.select(rollout_hosts.c.host_id).where(rollout_hosts.c.rollout_id == rollout_id)
    static = host_addresses.c.address.in_({one.address for one in peers}), host_addresses.c.host_id.in_(hosts)
    known = set(tx.scalars(sa.select(host_addresses.c.address).where(*static)))
    known |= set(tx.scalars(sa.select(vnics.c.mac).where(vnics.c.mac.in_({one.mac for one in peers}))))
    found = {one for one in peers if one.address in known or one.mac in known}
    if found == peers:
        return found
    reports = tx.scalars(sa.select(host_reports.c.report).where(host_reports.c.host_id.in_(hosts)))
    macs = {link.mac for report in reports for link in _LINKED.decode(report).host.links().values()}
    return {one for one in peers if one in found or one.mac in macs - {""}}
