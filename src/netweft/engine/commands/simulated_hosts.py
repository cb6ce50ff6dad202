"""Simulated hosts, which come to be when the agent joins that simulates them; many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from msgspec.structs import asdict

from netweft.core.errors import DeniedError, MalformedError
from netweft.core.rules import check
from netweft.core.rules import host as rules
from netweft.engine import audit
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.hosts import ADDED, AddHost, enqueue_install, host_joined, joined_values, new_row
from netweft.engine.db import Tx, lock
from netweft.engine.model.clusters import clusters
from netweft.engine.model.hosts import HostRow, hosts
from netweft.engine.queries.references import Ref
from netweft.engine.statements import rows

HOST_ENROLLED = 20_001
"""Event code; of our own, as oVirt's hosts are installed from the engine and do not join."""
_MAX = 2000
"""Names that still fit into one certificate."""
_NOT_INSTALLED = ("installing", "install_failed")
_ADD = "Cannot add Host."


def register_simulated_hosts(tx: Tx, names: Sequence[str], url: str) -> dict[str, str]:
    """The ids, by name, of the hosts that the agent at ``url`` simulates. Those that are not there yet are added to
    cluster Default, or the first by name, and installed; those whose agent was elsewhere are installed again; all
    others go on as they are.

    Raises MalformedError, DeniedError where a host has such a name that is not simulated.
    """
    if not 0 < len(names) <= _MAX:
        raise MalformedError(f"This token is for an agent that simulates 1 to {_MAX} hosts.")
    known = {row.name: row for row in rows(tx, HostRow, sa.select(hosts).where(hosts.c.name.in_(names)))}
    for name, row in known.items():
        there = f"{url}/{name}"
        if row.address != name or not row.agent_url.endswith(f"/{name}"):
            raise DeniedError(f"There is a host {name} already that is not simulated.")
        if row.agent_url != there or row.status in _NOT_INSTALLED:
            host_joined(tx, row.id, there)
            record_joined(tx, row.id, name, there)
    added = _add(tx, [name for name in names if name not in known], url)
    return {name: added.get(name) or known[name].id for name in names}


def _add(tx: Tx, names: Sequence[str], url: str) -> Mapping[str, str]:
    """As :func:`netweft.engine.commands.hosts.add_host` and ``host_joined`` do with one, in few statements."""
    if not names:
        return {}
    default = sa.select(clusters.c.id).order_by(clusters.c.name != "Default", clusters.c.name)
    cluster_id = tx.scalars(default).first()
    if cluster_id is None:
        raise DeniedError("There is no cluster that simulated hosts could join.")
    cluster = lock(tx, clusters, cluster_id)
    taken = list(tx.scalars(sa.select(hosts.c.address).where(hosts.c.address.in_(names))))
    check(_ADD, *(rules.name_is_valid(name) for name in names), *(rules.address_is_free(name, taken) for name in names))
    specs = [AddHost(name=name, address=name, cluster=Ref(id=cluster_id)) for name in names]
    rows = [{**asdict(new_row(spec, cluster_id)), **joined_values(f"{url}/{spec.name}")} for spec in specs]
    tx.execute(sa.insert(hosts), rows)
    for row in rows:
        text = f"Host {row['name']} was added to cluster {cluster.name} by {SYSTEM.name}."
        ids = {"host": row["id"], "cluster": cluster_id, "data_center": cluster.data_center_id}
        audit.record(tx, SYSTEM, ADDED, text, **ids)
        enqueue_install(tx, SYSTEM, row["id"], row["name"])
        record_joined(tx, row["id"], row["name"], row["agent_url"])
    return {row["name"]: row["id"] for row in rows}


def record_joined(tx: Tx, host_id: str, name: str, url: str) -> None:
    """An event: the agent of a host has joined."""
    audit.record(tx, SYSTEM, HOST_ENROLLED, f"The agent of host {name} joined from {url}.", host=host_id)
