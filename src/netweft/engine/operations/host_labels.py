"""Propagating labels to hosts: networks of a cluster with the label of a NIC are attached to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from netweft.core.host_labels import propagation
from netweft.core.rules.setup_networks import validate
from netweft.engine import queue
from netweft.engine.actor import Actor
from netweft.engine.db import Tx, new_id
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.host_networks import Candidate, attachments, nic_labels
from netweft.engine.model.hosts import hosts
from netweft.engine.model.networks import networks
from netweft.engine.model.rollouts import Held
from netweft.engine.operations import host_changes
from netweft.engine.payloads import PropagateLabels
from netweft.engine.queries import host_networks as queries

_REACHABLE = ("up", "maintenance", "non_operational")
"""Hosts in other statuses get their labels' networks when they come up."""


def propagate(tx: Tx, actor: Actor, reason: str, host_id: str) -> None:
    """Attach the networks that a host lacks on its labelled NICs. ``reason`` completes the sentence
    "Applied because ...".

    Needs no permission, and does not wait: failures are recorded as events. To be called on each change of the host
    that labels depend on, and when it comes up; repeating it does nothing.
    """
    for name in lacking(tx, hosts.c.id == host_id, hosts.c.status.in_(_REACHABLE)).values():
        request(tx, actor, host_id, name, [], reason)


def lacking(tx: Tx, *which: sa.ColumnElement[bool]) -> dict[str, str]:
    """Names by id, in the order of names, of the hosts that lack networks on their NICs with labels, among those that
    ``which`` (of hosts, networks and cluster_networks) selects. Hosts that have yet to join get them then.
    """
    joined = (
        hosts.join(nic_labels, nic_labels.c.host_id == hosts.c.id)
        .join(cluster_networks, cluster_networks.c.cluster_id == hosts.c.cluster_id)
        .join(networks, sa.and_(networks.c.id == cluster_networks.c.network_id, networks.c.label == nic_labels.c.label))
    )
    there = sa.exists().where(
        attachments.c.host_id == hosts.c.id,
        attachments.c.network_id == networks.c.id,
        attachments.c.nic == nic_labels.c.nic,
    )
    query = sa.select(hosts.c.id, hosts.c.name).select_from(joined).distinct().order_by(hosts.c.name)
    joining = hosts.c.status.in_(("installing", "install_failed"))
    return dict(tx.execute(query.where(sa.not_(joining), sa.not_(there), *which)).all())


def carrying(tx: Tx, network_id: str, label: str) -> list[str]:
    """The ids of the hosts that have a network on a NIC with a label. Never for a management network."""
    managing = sa.exists().where(cluster_networks.c.network_id == network_id, cluster_networks.c.management)
    joined = hosts.join(nic_labels, nic_labels.c.host_id == hosts.c.id).join(
        attachments, sa.and_(attachments.c.host_id == hosts.c.id, attachments.c.nic == nic_labels.c.nic)
    )
    query = sa.select(hosts.c.id).select_from(joined).order_by(hosts.c.name)
    query = query.where(nic_labels.c.label == label, attachments.c.network_id == network_id, sa.not_(managing))
    return list(tx.scalars(query))


def request(tx: Tx, actor: Actor, host_id: str, name: str, lost: Sequence[str], reason: str) -> str:
    """Enqueue the job that propagates a host's labels, and removes the networks ``lost``; returns its id."""
    payload = PropagateLabels(host_id=host_id, lost=tuple(lost), reason=reason)
    description = f"Applying labels on Host {name}: {reason}"
    return queue.enqueue(tx, actor, "propagate_labels", host_changes.key_of(host_id), description, payload)


def setup_by_labels(
    tx: Tx, host_id: str, lost: Sequence[str], action: str, *, held: Mapping[str, Held] | None = None
) -> Candidate | None:
    """The setup of a host by its labels, and without the networks ``lost``; None when it need not change. ``held``: as
    :func:`netweft.engine.queries.host_networks.load` has it. Raises NotFoundError, and ValidationError with ``action``.
    """
    view = queries.view(tx, host_id, held=held)
    final = validate(view, propagation(view, lost), new_id, action)
    return Candidate.of(final, final.labels) if final.needs_host else None
