"""Taking over what a host carries and the engine does not know of: it joined, or the database was restored from a
backup.
"""

from __future__ import annotations

import sqlalchemy as sa

from netweft.core.adoption import Adoption, adopted
from netweft.core.host import Host
from netweft.core.kept import kept_names
from netweft.core.protocol import HostReport
from netweft.engine import audit
from netweft.engine.actor import SYSTEM
from netweft.engine.audit import Severity
from netweft.engine.db import Tx, new_id
from netweft.engine.model.host_networks import AttachmentRow, HostBondRow, attachments, host_bonds
from netweft.engine.model.hosts import HostRow, hosts
from netweft.engine.operations import host_addresses, host_changes
from netweft.engine.operations.network_status import attachments_changed
from netweft.engine.queries import host_networks as queries
from netweft.engine.queries.host_addresses import elsewhere
from netweft.engine.statements import add

ADOPTED, KEPT, ADDRESS_TWICE = 20_020, 20_021, 20_050
"""Event codes of our own: in oVirt what a host brings along shows as out of sync or unmanaged."""


AHEAD = 20_154
"""The same, of a host that is ahead of the engine's database."""


def take_over(tx: Tx, host: HostRow, report: HostReport) -> None:
    """A host has taken changes that this engine knows nothing of, as its database was restored from an older backup:
    what it carries becomes the engine's intent. ``host``: its row, locked.
    """
    host_changes.catch_up(tx, host.id, report.generation)
    text = (
        f"Host {host.name} has taken change {report.generation}, which this engine does not know: its database is older"
        " than the host. The host's present networks are taken over."
    )
    audit.record(tx, SYSTEM, AHEAD, text, Severity.WARNING, host=host.id, cluster=host.cluster_id)
    adopt(tx, host.id, report.host)


def adopt(tx: Tx, host_id: str, host: Host) -> Adoption:
    """Make attachments and bonds of what is ours on the host and in no row: the networks of its cluster, by their ids
    or names, with the addresses that they have there, and the bonds. What carries our mark and is no network of its
    cluster stays on the host as it is. An event tells of both; repeating it changes nothing.

    Otherwise the next change, made for something else, would silently take them off the host. The host's row must be
    locked.
    """
    data = queries.load_one(tx, host_id)
    known = {network_id: view.intent for network_id, view in data.networks.items() if view.in_cluster}
    found = adopted(host, data.intent, known, new_id)
    if found.attachments:
        for one in found.attachments:
            add(tx, attachments, AttachmentRow.of(host_id, one))
        attachments_changed(tx, host_id)
    for bond in found.bonds:
        add(tx, host_bonds, HostBondRow.of(host_id, bond))
    if found.kept != data.intent.kept:
        tx.execute(sa.update(hosts).where(hosts.c.id == host_id).values(kept=found.kept))
    if found.inherited:
        inherited = {**data.intent.inherited, **found.inherited}
        tx.execute(sa.update(hosts).where(hosts.c.id == host_id).values(inherited=inherited))
    _record_adoption(tx, data, host, found)
    if found.attachments:
        _record_taken_addresses(tx, data)
    return found


def _record_taken_addresses(tx: Tx, data: queries.HostData) -> None:
    """An address that another host has as well: both have it, whatever the engine says."""
    taken = host_addresses.align(tx, data.row.id)
    others = elsewhere(tx, {address for _, address in taken}, data.row.id)
    for claim in sorted(taken & others.keys()):
        text = f"Host {data.row.name} reports address {claim[1]}, which Host {others[claim]} has on that network."
        audit.record(tx, SYSTEM, ADDRESS_TWICE, f"{text} Change one of them.", Severity.WARNING, host=data.row.id)


def _record_adoption(tx: Tx, data: queries.HostData, host: Host, found: Adoption) -> None:
    if found.attachments:
        names = sorted(data.networks[one.network_id].name for one in found.attachments)
        text = f"Host {data.row.name} already carries these networks, which were adopted: {', '.join(names)}."
        audit.record(tx, SYSTEM, ADOPTED, text, host=data.row.id, cluster=data.row.cluster_id)
    new = kept_names(host, set(found.kept) - set(data.intent.kept))
    if new:
        text = (
            f"Host {data.row.name} carries networks of another engine, which stay until they are removed as"
            f" unmanaged networks: {', '.join(sorted(new))}."
        )
        audit.record(tx, SYSTEM, KEPT, text, Severity.WARNING, host=data.row.id, cluster=data.row.cluster_id)
