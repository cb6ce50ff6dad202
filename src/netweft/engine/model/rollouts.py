"""Rollouts: changes for several hosts, and the definitions that each host keeps until the change reaches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace
from sqlalchemy import Index, PrimaryKeyConstraint, String, true

from netweft.core.intent import AttachmentIntent
from netweft.core.rollout import Health
from netweft.engine.model.base import ID_LENGTH
from netweft.engine.model.networks import NetworkRow
from netweft.engine.model.records import Columns, Growing, Id, LongText, Record, Refers, With, stored


class NetworkInCluster(NetworkRow, frozen=True, kw_only=True):
    """A network, what it is in a cluster (None for one that is in none), and the limits of its QoS."""

    cluster_id: str | None
    management: bool | None
    display: bool | None
    migration: bool | None
    default_route: bool | None
    gluster: bool | None
    outbound_average_linkshare: int | None
    outbound_average_upperlimit: int | None
    outbound_average_realtime: int | None


class OfCluster(Columns, frozen=True, kw_only=True):
    """What hosts depend on of their cluster, and of its default provider."""

    switch_type: str | UnsetType = UNSET
    provider_id: str | UnsetType | None = UNSET
    provider_name: str | UnsetType | None = UNSET
    plugin_remote: str | UnsetType | None = UNSET
    plugin_mappings: str | UnsetType | None = UNSET


OF_GUESTS = ("vlan_id", "mtu", "port_isolation")
"""The columns of a network that vNICs of guests follow."""


class Definitions(msgspec.Struct, frozen=True, kw_only=True):
    """The definitions that hosts depend on: networks, a row for each cluster that has one; clusters by their ids."""

    networks: tuple[NetworkInCluster, ...] = ()
    clusters: Mapping[str, OfCluster] = {}

    def beside(self, earlier: Definitions) -> Definitions:
        """Merged with those of an earlier rollout that are not among these."""
        mine = {(one.cluster_id, one.id) for one in self.networks}
        others = (one for one in earlier.networks if (one.cluster_id, one.id) not in mine)
        return Definitions(networks=(*self.networks, *others), clusters={**earlier.clusters, **self.clusters})

    def ids(self) -> set[str]:
        """The ids of all."""
        return {one.id for one in self.networks} | self.clusters.keys()


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """The former definitions that a host keeps until a rollout reaches it: networks of its cluster, columns of the
    cluster, and attachments that it is to lose.
    """

    networks: tuple[NetworkInCluster, ...] = ()
    cluster: OfCluster = OfCluster()
    attachments: tuple[AttachmentIntent, ...] = ()

    def over(self, newer: Held) -> Held:
        """These, extended by those of a newer change."""
        known = {one.id for one in self.networks}
        lost = {one.network_id for one in self.attachments}
        return Held(
            networks=(*self.networks, *(one for one in newer.networks if one.id not in known)),
            cluster=replace(newer.cluster, **self.cluster.given()),
            attachments=(*self.attachments, *(one for one in newer.attachments if one.network_id not in lost)),
        )

    def rows(self, known: Sequence[NetworkInCluster]) -> Sequence[NetworkInCluster]:
        """The networks of a host's cluster, with those that the host keeps."""
        if not self.networks:
            return known
        kept = {one.id for one in self.networks}
        return [*self.networks, *(row for row in known if row.id not in kept)]

    def kept_of(self, network_id: str | None) -> dict[str, Any]:
        """The columns for guests of a network that the host keeps; empty for any other."""
        rows = [one for one in self.networks if one.id == network_id]
        return {name: getattr(rows[0], name) for name in OF_GUESTS} if rows else {}

    def set_up(self, attachments: Sequence[AttachmentIntent]) -> tuple[AttachmentIntent, ...]:
        """The host's attachments, with those that it keeps."""
        lost = {one.network_id for one in self.attachments}
        return (*(one for one in attachments if one.network_id not in lost), *self.attachments)


NOTHING_HELD = Held()


class GuestMove(msgspec.Struct, kw_only=True):
    """A guest that is moved. ``job``: the migration under way, or the last; ``reason``: why it was not moved."""

    id: str
    name: str
    job: str = ""
    reason: str = ""


class RolloutRow(Record, frozen=True):
    """A change that goes out to several hosts."""

    # The order in which they were begun.
    number: Growing
    id: Annotated[str, String(ID_LENGTH), With(unique=True)]
    # A core.rollout.Status.
    status: Annotated[str, String(16), With(index=True)]
    owner_name: Annotated[str, String(255)]
    correlation_id: Annotated[str, String(64)]
    created_at: datetime
    # What has changed; completes the sentence "Applied because ...".
    reason: LongText
    owner_id: Id | None = None
    ended_at: datetime | None = None
    # Why it was halted, or how it ended; may be empty.
    error: LongText = ""
    # Why it cannot be reverted; empty where it can.
    irreversible: LongText = ""
    # What it changed, as it was before and as it is after.
    before: Definitions = Definitions()
    after: Definitions = Definitions()


rollouts = stored(
    "rollouts",
    RolloutRow,
    sqlite_autoincrement=True,
)


class RolloutHostRow(Record, frozen=True):
    """A host of a rollout."""

    rollout_id: Annotated[str, Refers("rollouts.id", on_delete="CASCADE", index=False)]
    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE")]
    # From 0 on; those of a wave change at the same time.
    wave: int
    canary: bool
    # A core.rollout.HostState.
    state: Annotated[str, String(16)]
    # Whether the host keeps its former definitions.
    held: bool
    # Its former definitions, as far as the rollout changes them.
    before: Held
    # Its task: apply its desired state, propagate its labels, and the networks that it loses by them.
    applies: bool
    labels: bool
    lost: tuple[str, ...] = ()
    # Of the current change, or the last one.
    job_id: Id | None = None
    changed_at: datetime | None = None
    error: LongText = ""
    # Those that are moved to other hosts while it changes.
    guests: tuple[GuestMove, ...] = ()
    # How it was before, and right after it changed.
    health: Health | None = None


rollout_hosts = stored(
    "rollout_hosts",
    RolloutHostRow,
    PrimaryKeyConstraint("rollout_id", "host_id"),
)

# The desired state of hosts is read often, and few hosts keep former definitions.
Index(
    "ix_rollout_hosts_held",
    rollout_hosts.c.host_id,
    sqlite_where=rollout_hosts.c.held == true(),
    postgresql_where=rollout_hosts.c.held,
)
