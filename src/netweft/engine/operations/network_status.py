"""The status of required networks: operational when all hosts of the cluster that are up have them.

The required networks that a host lacks are stored in rows (``missing_networks``), so that what changes on one host
costs the same however many others there are. Every change that they depend on calls one of the functions here: of a
host's status from or to up, of the networks that a host has, of whether a network is required.

All of them lock the row of the cluster's management network first (:func:`hold`): of two that change at once, the later
one sees the other's rows. Hosts must be locked before, as always before networks of clusters; and they are
best called late in a transaction, as others wait for its end.
"""

from __future__ import annotations

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import cluster_networks, missing_networks
from netweft.engine.model.host_networks import attachments
from netweft.engine.model.hosts import hosts
from netweft.engine.statements import Statement


def hold(tx: Tx, cluster_id: str) -> None:
    """Keep others from changing statuses of the cluster's networks until the transaction ends. To be called before
    rows of these networks are locked: statuses are updated in the same order.
    """
    _HOLD.all(tx, cluster_id=cluster_id)


def attachments_changed(tx: Tx, host_id: str) -> None:
    """A host has other networks than before, which matters while it is up."""
    if up := _UP.first(tx, host_id=host_id):
        host_changed(tx, host_id, *up)


def host_changed(tx: Tx, host_id: str, cluster_id: str) -> None:
    """A host came up, is up no longer, or was removed."""
    hold(tx, cluster_id)
    _FORGET_HOST.run(tx, host_id=host_id)
    _FIND_OF_HOST.run(tx, host_id=host_id)
    _SET_STATUSES.run(tx, cluster_id=cluster_id)


def network_changed(tx: Tx, cluster_id: str, network_id: str) -> None:
    """A network was attached to a cluster, or is required there where it was not, or no longer."""
    hold(tx, cluster_id)
    _FORGET_NETWORK.run(tx, cluster_id=cluster_id, network_id=network_id)
    _FIND_OF_NETWORK.run(tx, cluster_id=cluster_id, network_id=network_id)
    _SET_STATUSES.run(tx, cluster_id=cluster_id)


_CLUSTER: sa.BindParameter[str] = sa.bindparam("cluster_id")
_NETWORK: sa.BindParameter[str] = sa.bindparam("network_id")
_HOST: sa.BindParameter[str] = sa.bindparam("host_id")

_UP = Statement(sa.select(hosts.c.cluster_id).where(hosts.c.id == _HOST, hosts.c.status == "up"))

# One row that every cluster has. Whoever only uses networks (queries.cluster_networks.lock_to_use) is not kept waiting.
_HOLD = Statement(
    sa.select(cluster_networks.c.network_id)
    .where(cluster_networks.c.cluster_id == _CLUSTER, cluster_networks.c.management)
    .with_for_update(key_share=True)
)

_FORGET_HOST = Statement(sa.delete(missing_networks).where(missing_networks.c.host_id == _HOST))
_FORGET_NETWORK = Statement(
    sa.delete(missing_networks).where(
        missing_networks.c.cluster_id == _CLUSTER, missing_networks.c.network_id == _NETWORK
    )
)

_ATTACHED = sa.exists().where(
    attachments.c.host_id == hosts.c.id, attachments.c.network_id == cluster_networks.c.network_id
)
_MISSING = (
    sa.select(cluster_networks.c.cluster_id, cluster_networks.c.network_id, hosts.c.id)
    .join(hosts, hosts.c.cluster_id == cluster_networks.c.cluster_id)
    .where(hosts.c.status == "up", cluster_networks.c.required, ~_ATTACHED)
)
_COLUMNS = ["cluster_id", "network_id", "host_id"]
_FIND_OF_HOST = Statement(sa.insert(missing_networks).from_select(_COLUMNS, _MISSING.where(hosts.c.id == _HOST)))
_FIND_OF_NETWORK = Statement(
    sa.insert(missing_networks).from_select(
        _COLUMNS, _MISSING.where(cluster_networks.c.cluster_id == _CLUSTER, cluster_networks.c.network_id == _NETWORK)
    )
)

_LACKING = sa.exists().where(
    missing_networks.c.cluster_id == cluster_networks.c.cluster_id,
    missing_networks.c.network_id == cluster_networks.c.network_id,
)
# Optional networks are always operational. A required one is operational when every host that is up has it,
# non-operational when one has not, and stays as it was while no host is up.
_WANTED = sa.case(
    (~cluster_networks.c.required, "operational"),
    (_LACKING, "non_operational"),
    (sa.exists().where(hosts.c.cluster_id == cluster_networks.c.cluster_id, hosts.c.status == "up"), "operational"),
    else_=cluster_networks.c.status,
)
_SET_STATUSES = Statement(
    sa.update(cluster_networks)
    .where(cluster_networks.c.cluster_id == _CLUSTER, cluster_networks.c.status != _WANTED)
    .values(status=_WANTED)
)
