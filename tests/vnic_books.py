"""Whether the books agree after many vNICs were made at once: rows, addresses, the pool's own list, events."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from netweft.core.rules.mac_pool import mac_number
from netweft.engine.commands.vnics import ADDED
from netweft.engine.db import Tx
from netweft.engine.model.events import events
from netweft.engine.model.mac_pools import mac_addresses
from netweft.engine.model.vnics import vnics


def check_books(tx: Tx, names: Collection[str]) -> None:
    """Fail unless exactly the vNICs of these names exist, each with a MAC address of its own that its pool lists once,
    and each with the event that tells of it.
    """
    rows = tx.execute(sa.select(vnics.c.name, vnics.c.mac)).all()
    assert sorted(row.name for row in rows) == sorted(names), "vNICs were lost, or are there twice"
    macs = {mac_number(row.mac) for row in rows}
    assert len(macs) == len(rows), f"{len(rows) - len(macs)} MAC addresses are there twice"
    listed = tx.execute(sa.select(mac_addresses.c.address, mac_addresses.c.uses)).all()
    assert sorted(row.address for row in listed) == sorted(macs), "the pool lists other addresses than vNICs have"
    assert {row.uses for row in listed} == {1}
    told = tx.scalar(sa.select(sa.func.count()).where(events.c.code == ADDED))
    assert told == len(rows), f"{told} events tell of {len(rows)} vNICs"
