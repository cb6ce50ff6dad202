"""Whether the required networks of a cluster are there on all its hosts that are up."""

from __future__ import annotations

import sqlalchemy as sa

from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.host_networks import attachments
from netweft.engine.model.hosts import hosts


def refresh_status(tx: Tx, cluster_id: str) -> None:
    """Bring the status of the cluster's networks up to date.

    To be called when hosts, attachments or ``required`` change. Optional networks are always operational. A required
    one is operational when every host that is up has it, non-operational when one has not, and stays as it was while
    no host is up.
    """
    up = sa.and_(hosts.c.cluster_id == cluster_id, hosts.c.status == "up")
    carried = sa.exists().where(
        attachments.c.host_id == hosts.c.id, attachments.c.network_id == cluster_networks.c.network_id
    )
    # Said explicitly, as the row that is updated is two levels up, where SQLAlchemy does not look by itself.
    has = carried.correlate(hosts, cluster_networks)
    lacking = sa.exists().where(up, sa.not_(has))
    wanted = sa.case(
        (sa.not_(cluster_networks.c.required), "operational"),
        (lacking, "non_operational"),
        (sa.exists().where(up), "operational"),
        else_=cluster_networks.c.status,
    )
    tx.execute(
        sa.update(cluster_networks)
        .where(cluster_networks.c.cluster_id == cluster_id, cluster_networks.c.status != wanted)
        .values(status=wanted)
    )
