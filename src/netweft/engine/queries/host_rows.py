"""Reads of the rows of what is wanted of hosts: attachments, bonds, NICs, labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

import sqlalchemy as sa

from netweft.core.intent import AttachmentIntent, BondIntent
from netweft.engine.db import Tx
from netweft.engine.model.host_networks import (
    AttachmentRow,
    HostBondRow,
    NicLabelRow,
    attachments,
    host_bonds,
    nic_labels,
)
from netweft.engine.model.hosts import host_nics
from netweft.engine.statements import Among, Statement


def attachments_of(tx: Tx, host_ids: Collection[str]) -> dict[str, list[AttachmentIntent]]:
    """The stored attachments of each host, by network."""
    found: dict[str, list[AttachmentIntent]] = defaultdict(list)
    for row in _ATTACHMENTS.all(tx, ids=host_ids):
        found[row.host_id].append(row.intent)
    return found


_ATTACHMENTS = Statement(
    sa.select(attachments).where(Among(attachments.c.host_id, "ids")).order_by(attachments.c.network_id),
    record=AttachmentRow,
)


def bonds_of(tx: Tx, host_ids: Collection[str]) -> dict[str, list[BondIntent]]:
    """The bonds that are wanted on each host, by name."""
    found: dict[str, list[BondIntent]] = defaultdict(list)
    for row in _BONDS.all(tx, ids=host_ids):
        found[row.host_id].append(row.intent)
    return found


_BONDS = Statement(
    sa.select(host_bonds).where(Among(host_bonds.c.host_id, "ids")).order_by(host_bonds.c.name), record=HostBondRow
)


def nics_of(tx: Tx, host_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """The names by id of what each host reported of NICs, bonds and VLAN devices."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for host_id, nic_id, name in _NICS.all(tx, ids=host_ids):
        found[host_id][nic_id] = name
    return found


_NICS = Statement(
    sa.select(host_nics.c.host_id, host_nics.c.id, host_nics.c.name)
    .where(Among(host_nics.c.host_id, "ids"))
    .order_by(host_nics.c.name)
)


def labels_of(tx: Tx, host_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """The NICs of each host by their labels."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in _LABELS.all(tx, ids=host_ids):
        found[row.host_id][row.label] = row.nic
    return found


_LABELS = Statement(
    sa.select(nic_labels).where(Among(nic_labels.c.host_id, "ids")).order_by(nic_labels.c.label), record=NicLabelRow
)


def hosts_of_nics(tx: Tx, nic_ids: Collection[str]) -> list[str]:
    """The hosts that NICs belong to."""
    return list(tx.scalars(sa.select(host_nics.c.host_id).distinct().where(host_nics.c.id.in_(nic_ids))))
