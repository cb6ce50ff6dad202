"""The floor of requests that change something: bare inserts, by the driver, of the rows that a request writes."""

from __future__ import annotations

import itertools
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
from sqlalchemy import Connection, Table, delete

from netweft.core.network_filters import DEFAULT_FILTER
from netweft.core.rules.mac_pool import mac_text
from netweft.engine.access.roles import EVERYONE, ROLES
from netweft.engine.db import new_id, utc_now
from netweft.engine.model.events import events
from netweft.engine.model.mac_pools import mac_addresses
from netweft.engine.model.networks import networks
from netweft.engine.model.users import permissions
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics

_FIRST_MAC, _LAST_MAC = 0x0A00 << 32, (0x0A01 << 32) - 1
"""Of bare vNICs; no pool has them."""

Request = Callable[[], None]
Row = tuple[Table, dict[str, Any]]


def network_rows(data_center: str, user: str) -> Iterator[Sequence[Row]]:
    """The rows of successive POSTs of networks: the network, its administrator, its profile and its permission, the
    event.
    """
    while True:
        network, profile, now = new_id(), new_id(), str(utc_now())
        name = f"bare{network}"
        texts = {"description": "", "comment": ""}
        flags = {"vm_network": True, "stp": False, "port_isolation": False}
        side = f"on{network.replace('-', '')[:13]}"
        kind = {"is_default": True, "port_mirroring": False, "passthrough": False, "migratable": True}
        yield (
            (
                networks,
                {"id": network, "data_center_id": data_center, "name": name, "host_side_name": side, "mtu": 0}
                | {"name_servers": "[]", **texts, **flags},
            ),
            (permissions, _permission(user, "NetworkAdmin", "network", network, now)),
            (
                vnic_profiles,
                {"id": profile, "network_id": network, "name": name, "network_filter_id": DEFAULT_FILTER}
                | {"custom_properties": json.dumps({}), **texts, **kind},
            ),
            (permissions, _permission(EVERYONE, "VnicProfileUser", "vnic_profile", profile, now)),
            (events, _event(942, f"Network {name} was added by admin@internal.", now, network_id=network)),
        )


def vnic_rows(vm: str, pool: str) -> Iterator[Sequence[Row]]:
    """The rows of successive POSTs of vNICs: the MAC address, the vNIC, the event."""
    for number in itertools.count():
        address, now = _FIRST_MAC + number, str(utc_now())
        flags = {"plugged": True, "linked": True, "synced": True, "interface": "virtio", "description": ""}
        vnic = {"id": new_id(), "vm_id": vm, "name": f"bare{number}", "profile_id": None, "mac": mac_text(address)}
        yield (
            (mac_addresses, {"pool_id": pool, "address": address, "uses": 1}),
            (vnics, {**vnic, **flags}),
            (events, _event(932, f"Interface bare{number} (virtio) was added to VM.", now, vm_id=vm)),
        )


def forget_vnics(tx: Connection) -> None:
    """Remove what :func:`vnic_rows` made."""
    tx.execute(delete(mac_addresses).where(mac_addresses.c.address.between(_FIRST_MAC, _LAST_MAC)))
    tx.execute(delete(vnics).where(vnics.c.name.startswith("bare")))
    tx.execute(delete(events).where(events.c.description.startswith("Interface bare")))


def _permission(user: str, role: str, kind: str, object_id: str, now: str) -> dict[str, Any]:
    who = {"id": new_id(), "user_id": user, "role_id": ROLES[role].id}
    return who | {"object_type": kind, "object_id": object_id, "created": now}


def _event(code: int, text: str, now: str, **about: str) -> dict[str, Any]:
    who = {"origin": "oVirt", "user_name": "admin@internal", "correlation_id": new_id()}
    return {"code": code, "severity": "normal", "description": text, "time": now, "removed": False, **who, **about}


def bare_request(database: str, rows: Iterator[Sequence[Row]]) -> Callable[[], Request]:
    """Makes a client with a database connection of its own that inserts the rows of one request, in a transaction."""
    lock = threading.Lock()

    def next_rows() -> Sequence[Row]:
        with lock:
            return next(rows)

    if not database.startswith("sqlite"):

        def make_postgres() -> Request:
            connection = psycopg.connect(database)

            def request() -> None:
                for table, row in next_rows():
                    connection.execute(_insert(table, row, "%s"), list(row.values()))
                connection.commit()

            return request

        return make_postgres
    turn = threading.Lock()  # SQLite has one writer; a queue of threads is faster than sleeping and retrying

    def make() -> Request:
        connection = sqlite3.connect(database.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous=FULL")

        def request() -> None:
            values = next_rows()
            with turn:
                connection.execute("BEGIN IMMEDIATE")
                for table, row in values:
                    connection.execute(_insert(table, row, "?"), list(row.values()))
                connection.execute("COMMIT")

        return request

    return make


def _insert(table: Table, row: dict[str, Any], mark: str) -> str:
    return f"INSERT INTO {table.name} ({', '.join(row)}) VALUES ({', '.join([mark] * len(row))})"
