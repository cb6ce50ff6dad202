"""Keeping a row for each static address of hosts: no two of them get one address of a network, also at the same time.

A host has the addresses of its attachments, and those of pending changes: they are reserved from the moment at which a
change is stored until it has ended without them.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from netweft.core.errors import BusyError
from netweft.core.host_request import Claim, claims
from netweft.core.rules import check
from netweft.core.rules.host_addresses import address_is_unique
from netweft.engine.db import Tx
from netweft.engine.model.host_networks import host_addresses
from netweft.engine.queries.host_addresses import elsewhere
from netweft.engine.queries.host_networks import candidates_of
from netweft.engine.queries.host_rows import attachments_of
from netweft.engine.queries.networks import NETWORKS, known_among
from netweft.engine.statements import Statement


def align(tx: Tx, host_id: str) -> set[Claim]:
    """Make a host's rows those of its attachments and of its changes under way. Repeating it changes nothing.

    Returns the addresses that other hosts have: a host may report an address, or both had it before there were rows.
    Waits for a transaction that is about to take one of the same addresses.
    """
    claims = _of_known_networks(tx, stored(tx, host_id) | _coming(tx, host_id))
    own: set[Claim] = set(_OWN.all(tx, host_id=host_id))
    for network_id, address in own - claims:
        here = host_addresses.c.network_id == network_id, host_addresses.c.address == address
        tx.execute(sa.delete(host_addresses).where(*here))
    return claims - own - _insert(tx, host_id, claims - own)


_OWN = Statement(
    sa.select(host_addresses.c.network_id, host_addresses.c.address).where(
        host_addresses.c.host_id == sa.bindparam("host_id")
    )
)


def reserve(tx: Tx, action: str, host_id: str, had: Collection[Claim]) -> None:
    """:func:`align` for a change that was just stored; raises ValidationError when another host has a new address.

    ``had``: the host's former addresses, which are not checked. Raises BusyError when the other host has just released
    the address.
    """
    taken = align(tx, host_id) - set(had)
    if not taken:
        return
    others = elsewhere(tx, {address for _, address in taken}, host_id)
    ids = {network_id for network_id, _ in taken}
    names = NETWORKS.names(tx, ids)
    check(action, *(address_is_unique(names[claim[0]], claim, others) for claim in sorted(taken)))
    raise BusyError(
        "Related operation is currently in progress: an address of the request belonged to another host until now."
        " Repeat the request."
    )


def stored(tx: Tx, host_id: str) -> frozenset[Claim]:
    """The addresses of a host's attachments."""
    return claims(attachments_of(tx, (host_id,))[host_id])


def release(tx: Tx, network_id: str, host_ids: sa.Select[str]) -> None:
    """Release hosts' addresses on a network that is removed from them."""
    tx.execute(
        sa.delete(host_addresses).where(
            host_addresses.c.network_id == network_id, host_addresses.c.host_id.in_(host_ids)
        )
    )


def _coming(tx: Tx, host_id: str) -> frozenset[Claim]:
    return claims([one for candidate in candidates_of(tx, (host_id,))[host_id] for one in candidate.attachments])


def _of_known_networks(tx: Tx, claims: Collection[Claim]) -> set[Claim]:
    """Without those of networks that were removed while a change that brings them is under way."""
    ids = {network_id for network_id, _ in claims}
    known = known_among(tx, ids)
    return {claim for claim in claims if claim[0] in known}


def _insert(tx: Tx, host_id: str, new: Collection[Claim]) -> set[Claim]:
    """Insert the free addresses, in a fixed order, so that transactions cannot deadlock; returns them."""
    if not new:
        return set()
    rows = [{"network_id": network_id, "address": address, "host_id": host_id} for network_id, address in sorted(new)]
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    added = make(host_addresses).values(rows).on_conflict_do_nothing()
    return set(tx.execute(added.returning(host_addresses.c.network_id, host_addresses.c.address)))
