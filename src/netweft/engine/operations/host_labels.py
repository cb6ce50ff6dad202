"""Carrying labels to hosts: networks of a cluster that have the label of a NIC come onto it, and go with the label."""

from __future__ import annotations

import sqlalchemy as sa

from netweft.core.host_labels import propagation
from netweft.core.rules.setup_networks import validate
from netweft.engine import queue
from netweft.engine.actor import Actor
from netweft.engine.db import Tx, new_id
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.host_networks import attachments, nic_labels
from netweft.engine.model.hosts import hosts
from netweft.engine.model.networks import networks
from netweft.engine.operations import host_changes
from netweft.engine.payloads import PropagateLabels
from netweft.engine.queries import host_networks as queries
from netweft.engine.queries.host_networks import Candidate

_REACHABLE = ("up", "maintenance", "non_operational")
"""Other hosts get what their labels mean once they come up."""


def propagate(tx: Tx, actor: Actor, reason: str, *which: sa.ColumnElement[bool]) -> None:
    """Have every host, among those that ``which`` (of hosts, networks and cluster_networks) lets pass, be given the
    networks that it lacks on its NICs with labels. ``reason`` completes the sentence "Applied because ...".

    Asks for no right, and waits for nothing: what a host refuses is an event. To be called on each change that labels
    depend on, and when a host comes up; repeated, it does nothing.
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
    for host in tx.execute(query.where(hosts.c.status.in_(_REACHABLE), sa.not_(there), *which)).all():
        request(tx, actor, host.id, host.name, [], reason)


def withdraw(tx: Tx, actor: Actor, network_id: str, label: str, reason: str) -> None:
    """Have a network taken off the NICs that have a label which it has no more. Never a management network."""
    managing = sa.exists().where(cluster_networks.c.network_id == network_id, cluster_networks.c.management)
    joined = hosts.join(nic_labels, nic_labels.c.host_id == hosts.c.id).join(
        attachments, sa.and_(attachments.c.host_id == hosts.c.id, attachments.c.nic == nic_labels.c.nic)
    )
    query = sa.select(hosts.c.id, hosts.c.name).select_from(joined).order_by(hosts.c.name)
    query = query.where(nic_labels.c.label == label, attachments.c.network_id == network_id, sa.not_(managing))
    for host in tx.execute(query).all():
        request(tx, actor, host.id, host.name, [network_id], reason)


def request(tx: Tx, actor: Actor, host_id: str, name: str, lost: list[str], reason: str) -> None:
    """Enqueue the job that gives a host what its labels mean, and takes the networks ``lost`` off."""
    payload = PropagateLabels(host_id=host_id, lost=lost, reason=reason)
    description = f"Applying labels on Host {name}: {reason}"
    queue.enqueue(tx, actor, "propagate_labels", host_changes.key_of(host_id), description, payload)


def setup_by_labels(tx: Tx, host_id: str, lost: list[str], action: str) -> Candidate | None:
    """What a host is to be set up with by its labels, and without the networks ``lost``; None when it need not be
    asked. Raises NotFoundError, and ValidationError with ``action``.
    """
    view = queries.view(tx, host_id)
    final = validate(view, propagation(view, lost), new_id, action)
    return Candidate.of(final, final.labels) if final.needs_host else None
