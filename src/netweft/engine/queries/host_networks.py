"""Reads of hosts' desired state and reports, with the same number of queries for any number of hosts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import msgspec
import sqlalchemy as sa

from netweft.core.drift import Drift, find_drift
from netweft.core.errors import NotFoundError
from netweft.core.host import Host
from netweft.core.host_limits import HostLimits, limits_of
from netweft.core.host_request import HostView, NetworkView, SetupRequest, claims, written
from netweft.core.intent import AttachmentIntent, BondIntent, ChassisIntent, HostIntent, HostSetup
from netweft.core.keep import KEEP
from netweft.core.neighbours import Neighbours
from netweft.core.protocol import HostReport
from netweft.core.rules.host_consistency import applicable
from netweft.core.sync import Location, Reported, compare_attachment, locate_networks
from netweft.engine.db import Tx
from netweft.engine.model.clusters import clusters
from netweft.engine.model.host_networks import Candidate, host_changes
from netweft.engine.model.hosts import HostReportRow, HostRow, host_reports, hosts
from netweft.engine.model.rollouts import NOTHING_HELD, Held, NetworkInCluster
from netweft.engine.queries.cluster_hosts import HostInCluster, chassis_of, in_clusters, lack_of
from netweft.engine.queries.host_addresses import elsewhere
from netweft.engine.queries.host_rows import attachments_of, bonds_of, labels_of, nics_of
from netweft.engine.queries.network_views import networks_among, users_of, views_of, with_users
from netweft.engine.queries.provider_hosts import same_chassis
from netweft.engine.queries.rollouts import held_of
from netweft.engine.statements import Among, Statement


@dataclass(frozen=True, slots=True)
class _Networking:
    """The part of a report about networking."""

    host: Host


_REPORT = msgspec.json.Decoder(HostReport)
_NETWORKING = msgspec.json.Decoder(_Networking)


class _Reported(HostRow, frozen=True, kw_only=True):
    report: bytes | None


@dataclass(frozen=True, kw_only=True)  # without slots, for what is computed once
class HostData:
    """The stored state of a host's networking. ``row``: the host's and its cluster's columns; ``report``: None before
    the first one; ``labels``: NICs by label.
    """

    row: HostInCluster
    intent: HostIntent
    nics: Mapping[str, str]
    networks: Mapping[str, NetworkView]
    report: HostReport | None
    reported_at: datetime | None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def host(self) -> Host:
        """What it reports, nothing before the first report."""
        return self.report.host if self.report else Host()

    @property
    def neighbours(self) -> Neighbours | None:
        """The LLDP neighbours of its NICs; None where LLDP is not received."""
        return self.report.neighbours if self.report else None

    @cached_property
    def drift(self) -> Drift:
        """How the host differs from what is wanted of it; before the first report in nothing."""
        if self.report is None:
            return Drift()
        drift = find_drift(self.intent, self.report.host, self.report.guests if self.report.is_settled else ())
        lack = lack_of(self.row, self.report)
        return replace(drift, obstacle=" ".join(filter(None, (drift.obstacle, lack)))) if lack else drift

    @cached_property
    def locations(self) -> Mapping[str, Location]:
        """Where networks are on the host, by their ids."""
        return locate_networks(self.host)

    def compare(self, attachment: AttachmentIntent) -> tuple[Reported, ...]:
        """How the attachment stands on the host, property by property."""
        return self._compared[attachment.id]

    @cached_property
    def _compared(self) -> Mapping[str, tuple[Reported, ...]]:
        return {
            one.id: compare_attachment(self.intent, one, self.host, self.drift, self.locations)
            for one in self.intent.attachments
        }

    def is_in_sync(self, attachment: AttachmentIntent) -> bool:
        """Whether every property is as wanted that is of the network itself."""
        return attachment.id not in self._differences

    def differences(self) -> Mapping[str, tuple[str, ...]]:
        """For each attachment out of sync a few words on every property that differs. Shared properties (of its
        NIC or bond) do not count: every setup synchronizes them.
        """
        return self._differences

    @cached_property
    def _differences(self) -> Mapping[str, tuple[str, ...]]:
        found = {}
        for attachment in self.intent.attachments:
            wrong = [one for one in self.compare(attachment) if not (one.in_sync or one.is_shared)]
            if wrong:
                found[attachment.id] = tuple(
                    f"{one.name} is {one.actual or 'none'} on the host and {one.expected or 'none'} is wanted"
                    for one in wrong
                )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """What was read of all hosts, by host. ``networks``: of any cluster; ``copies``: hosts with another's chassis."""

    attachments: Mapping[str, Sequence[AttachmentIntent]]
    bonds: Mapping[str, Sequence[BondIntent]]
    nics: Mapping[str, Mapping[str, str]]
    labels: Mapping[str, Mapping[str, str]]
    users: Mapping[str, Mapping[str, Sequence[str]]]
    held: Mapping[str, Held]
    reports: Mapping[str, tuple[HostReport, datetime | None]]
    networks: Sequence[NetworkInCluster]
    copies: frozenset[str]

    def host(self, stored: HostInCluster, in_cluster: Mapping[str, NetworkView]) -> HostData:
        """One host. ``in_cluster``: the networks as a host of its cluster sees them."""
        held = self.held.get(stored.id, NOTHING_HELD)
        row = msgspec.structs.replace(stored, **held.cluster.given())
        known = {**in_cluster, **views_of(row.cluster_id, held.networks)} if held.networks else in_cluster
        views = with_users(known, self.users[row.id])
        report, reported_at = self.reports.get(row.id, (None, None))
        setup = HostSetup(
            attachments=held.set_up(self.attachments[row.id]),
            bonds=tuple(self.bonds[row.id]),
            kept=tuple(row.kept),
            inherited=row.inherited,
        )
        chassis = chassis_of(row, held.rows(self.networks), report, is_copy=row.id in self.copies)
        return HostData(
            row=row,
            intent=intent_of(row.switch_type, setup, views, report, chassis),
            nics=self.nics[row.id],
            networks=views,
            report=report,
            reported_at=reported_at,
            labels=self.labels[row.id],
        )


def load(
    tx: Tx,
    host_ids: Collection[str],
    mentioned: Collection[str] = (),
    reports: Mapping[str, HostReport] | None = None,
    *,
    held: Mapping[str, Held] | None = None,
) -> dict[str, HostData]:
    """Those of the hosts that exist. Takes nine queries for any number of hosts, and one more where a provider wants
    them as chassis.

    ``mentioned``: ids of networks to load besides those of the clusters and those that hosts carry. ``reports``: by
    host, for callers who have just stored them. ``held``: what hosts keep, instead of what is stored.
    """
    hosts_found = in_clusters(tx, host_ids)
    wanted = attachments_of(tx, host_ids)
    carried = {attachment.network_id for each in wanted.values() for attachment in each}
    cluster_ids = {row.cluster_id for row in hosts_found}
    managed = [row.id for row in hosts_found if row.plugin]
    read = _Rows(
        attachments=wanted,
        bonds=bonds_of(tx, host_ids),
        nics=nics_of(tx, host_ids),
        labels=labels_of(tx, host_ids),
        networks=networks_among(tx, cluster_ids, carried | set(mentioned)),
        users=users_of(tx, host_ids),
        reports=_reports(tx, host_ids) if reports is None else {key: (one, None) for key, one in reports.items()},
        copies=same_chassis(tx, managed) if managed else frozenset(),
        held=held_of(tx, host_ids) if held is None else held,
    )
    shared = {cluster_id: views_of(cluster_id, read.networks) for cluster_id in cluster_ids}
    return {row.id: read.host(row, shared[row.cluster_id]) for row in hosts_found}


def _reports(tx: Tx, host_ids: Collection[str]) -> dict[str, tuple[HostReport, datetime]]:
    return {row.host_id: (_REPORT.decode(row.report), row.taken_at) for row in _REPORTS.all(tx, ids=host_ids)}


_REPORTS = Statement(sa.select(host_reports).where(Among(host_reports.c.host_id, "ids")), record=HostReportRow)


def load_one(
    tx: Tx, host_id: str, mentioned: Collection[str] = (), *, held: Mapping[str, Held] | None = None
) -> HostData:
    """:func:`load` for one host; raises NotFoundError."""
    loaded = load(tx, (host_id,), mentioned, held=held).get(host_id)
    if loaded is None:
        raise NotFoundError(f"There is no host with the id {host_id}.")
    return loaded


def last_report(tx: Tx, host_id: str) -> tuple[HostRow, HostReport | None]:
    """The host's own columns and its last report, without its desired state (:func:`load`). Raises NotFoundError."""
    row = _LAST_REPORT.first(tx, id=host_id)
    if row is None:
        raise NotFoundError(f"There is no host with the id {host_id}.")
    return row, _REPORT.decode(row.report) if row.report else None


_LAST_REPORT = Statement(
    sa.select(hosts, host_reports.c.report)
    .outerjoin(host_reports, host_reports.c.host_id == hosts.c.id)
    .where(hosts.c.id == sa.bindparam("id")),
    record=_Reported,
)


def last_networking(tx: Tx, host_id: str) -> tuple[str, Host | None]:
    """A host's name, and the networking that it reported last; raises NotFoundError. It may have a thousand guests, so
    the rest of the report is not read.
    """
    row = _LAST_REPORT.first(tx, id=host_id)
    if row is None:
        raise NotFoundError(f"There is no host with the id {host_id}.")
    return row.name, _NETWORKING.decode(row.report).host if row.report else None


def intent_of(
    switch_type: str,
    setup: HostSetup,
    views: Mapping[str, NetworkView],
    report: HostReport | None,
    chassis: ChassisIntent | None = None,
) -> HostIntent:
    """The intent of a host for attachments and bonds that need not be stored. Attachments of networks that are gone
    are left out. ``chassis``: what a provider wants of it.
    """
    present = tuple(one for one in setup.attachments if one.network_id in views)
    role = next((network_id for network_id, view in views.items() if "default_route" in view.roles), "")
    datapaths = report.capabilities.ovs_datapaths if report else ()
    return HostIntent(
        switch_type="ovs" if switch_type == "ovs" else "legacy",
        networks=tuple(views[one.network_id].intent for one in present),
        attachments=present,
        bonds=setup.bonds,
        default_route_network=role,
        ovs_datapath="system" if "system" in datapaths or not datapaths else datapaths[0],
        kept=setup.kept,
        inherited=setup.inherited,
        chassis=chassis,
    )


def intent_to_bring(data: HostData, setup: HostSetup) -> HostIntent:
    """The intent for a host to have a setup, by its last report: without what cannot be there as it is
    wanted (:func:`netweft.core.rules.host_consistency.applicable`).
    """
    chassis = None if isinstance(setup, Candidate) and setup.is_leaving else data.intent.chassis
    return applicable(intent_of(data.row.switch_type, setup, data.networks, data.report, chassis), data.host)


def view(
    tx: Tx, host_id: str, request: SetupRequest | None = None, *, held: Mapping[str, Held] | None = None
) -> HostView:
    """A host as the rules of SetupNetworks need it, with the networks that a request names by id; ``held`` as
    :func:`load` has it. Raises NotFoundError.
    """
    mentioned = {change.network.id for change in request.attachments} if request else ()
    data = load_one(tx, host_id, mentioned, held=held)
    return HostView(
        id=host_id,
        name=data.row.name,
        status=data.row.status,
        intent=data.intent,
        report=data.host,
        nics=data.nics,
        networks=data.networks,
        differences=data.differences(),
        is_drifting=not data.drift.is_empty,
        addresses_elsewhere=elsewhere(tx, _addresses(data.intent.attachments, request), host_id),
        labels=data.labels,
        limits=limits_of(data.report.host, data.report.capabilities.lacks) if data.report else HostLimits(),
    )


def wanted(tx: Tx, host_ids: Collection[str]) -> list[HostView]:
    """What is wanted of each host when every rollout has reached it, and for one with a change under way also what that
    is to bring, as rules need it: of what hosts report their limits, without guests, and addresses elsewhere. Six
    queries, however many hosts there are.
    """
    rows = _LIMITED.all(tx, ids=host_ids)
    stored, bonds, labels = attachments_of(tx, host_ids), bonds_of(tx, host_ids), labels_of(tx, host_ids)
    candidates = candidates_of(tx, host_ids)
    for row in rows:
        candidates[row.id].insert(0, Candidate(attachments=tuple(stored[row.id]), bonds=tuple(bonds[row.id])))
    carried = {one.network_id for each in candidates.values() for candidate in each for one in candidate.attachments}
    known = networks_among(tx, {row.cluster_id for row in rows}, carried)
    views = {cluster_id: views_of(cluster_id, known) for cluster_id in {row.cluster_id for row in rows}}
    limits = {row.id: row.limits or HostLimits() for row in rows}
    return [
        HostView(
            id=row.id,
            name=row.name,
            status=row.status,
            intent=intent_of(row.switch_type, candidate, views[row.cluster_id], None),
            report=Host(),
            nics={},
            networks=views[row.cluster_id],
            labels=labels[row.id] if candidate.labels is None else candidate.labels,
            limits=limits[row.id],
        )
        for row in rows
        for candidate in candidates[row.id]
    ]


class _Limited(HostRow, frozen=True, kw_only=True):
    """A host, its cluster's type of switches, and its limits, None before it has reported."""

    switch_type: str
    limits: HostLimits | None


_LIMITED = Statement(
    sa.select(hosts, clusters.c.switch_type, host_reports.c.limits)
    .join(clusters, clusters.c.id == hosts.c.cluster_id)
    .outerjoin(host_reports, host_reports.c.host_id == hosts.c.id)
    .where(Among(hosts.c.id, "ids"))
    .order_by(hosts.c.name),
    record=_Limited,
)


def _addresses(present: Sequence[AttachmentIntent], request: SetupRequest | None) -> set[str]:
    """The static addresses that a host has, and those that a request asks for."""
    requested = (
        [change.assignments for change in request.attachments if change.assignments is not KEEP] if request else []
    )
    texts = {written(ip.address) for assignments in requested for ip in assignments}
    return (texts - {""}) | {address for _, address in claims(present)}


def candidates_of(tx: Tx, host_ids: Collection[str]) -> dict[str, list[Candidate]]:
    """What changes under way are to bring to each host, oldest first."""
    found: dict[str, list[Candidate]] = defaultdict(list)
    for host_id, candidate in _CANDIDATES.all(tx, ids=host_ids):
        found[host_id].append(candidate)
    return found


_CANDIDATES = Statement(
    sa.select(host_changes.c.host_id, host_changes.c.candidate)
    .where(
        Among(host_changes.c.host_id, "ids"), host_changes.c.state == "pending", host_changes.c.candidate.is_not(None)
    )
    .order_by(host_changes.c.generation)
)
