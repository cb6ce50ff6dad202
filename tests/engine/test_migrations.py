"""Migrated databases are what the tables say, on both databases, however many replicas migrate at once."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, Connection, MetaData, Table, insert, inspect, make_url, select, text

import rows
from databases import Databases
from netweft.engine.bootstrap import bootstrap
from netweft.engine.db import Database, MigrationError, utc_now
from netweft.engine.db_engines import sqlite_engine
from netweft.engine.model.cluster_networks import missing_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.everything import metadata
from netweft.engine.model.host_networks import host_addresses, host_changes
from netweft.engine.model.networks import networks


@pytest.fixture
def empty(databases: Databases) -> Iterator[Database]:
    url = databases.empty()
    db = Database(url)
    yield db
    db.close()
    databases.drop(url)


def described(tx: Connection) -> dict[str, Any]:
    """All that the database knows of its tables."""
    inspector = inspect(tx)

    def text_of(value: object) -> str:
        if isinstance(value, dict):
            return str(sorted((key, text_of(part)) for key, part in value.items()))
        return str(value)

    def unnamed(items: list[Any]) -> list[Any]:
        """SQLAlchemy does not read the name of a reference that was added to a table of SQLite with its column."""
        return [{**one, "name": None} for one in items] if tx.dialect.name == "sqlite" else items

    def plain(items: list[Any]) -> list[str]:
        return sorted(text_of(item) for item in items)

    return {
        table: {
            "columns": plain(inspector.get_columns(table)),
            "key": plain([inspector.get_pk_constraint(table)]),
            "references": plain(unnamed(inspector.get_foreign_keys(table))),
            "unique": plain(inspector.get_unique_constraints(table)),
            "checks": plain(inspector.get_check_constraints(table)),
            "indexes": plain(inspector.get_indexes(table)),
        }
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def test_migrations_make_what_the_tables_say(db: Database, empty: Database) -> None:
    with empty.write() as tx:
        metadata.create_all(tx)
    with empty.read() as declared, db.read() as migrated:
        assert described(migrated) == described(declared)


def test_an_upgrade_keeps_what_refers_to_networks(empty: Database) -> None:
    """SQLite makes a table anew that a batch alters, and with the old one all goes that refers to it."""
    empty.migrate("0013")
    with empty.write() as tx:
        for table, values in (
            ("data_centers", {"id": "d"}),
            ("networks", {"id": "n", "data_center_id": "d"}),
            ("vnic_profiles", {"id": "p", "network_id": "n", "custom_properties": {}}),
            ("subnets", {"id": "s", "network_id": "n"}),
        ):
            tx.execute(insert(old := Table(table, MetaData(), autoload_with=tx)).values(**_filled(old), **values))
    empty.migrate()
    with empty.read() as tx:
        for table in ("networks", "vnic_profiles", "subnets"):
            assert tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 1, table


def _filled(table: Table) -> dict[str, Any]:
    """Values for the columns of a row that must have one."""
    values: dict[str, Any] = {str: "x", int: 0, bool: False, datetime: utc_now(), dict: []}
    needed = [one for one in table.columns if not (one.nullable or one.server_default or one.primary_key)]
    return {
        one.name: values.get(_kind(one), "[]")
        for one in needed
        if not one.foreign_keys and one.name != "custom_properties"
    }


def _kind(column: Column[Any]) -> type:
    return bool if str(column.type) == "BOOLEAN" else column.type.python_type


def test_no_constraint_is_deferred() -> None:
    """SQLite would check it at COMMIT, which several requests share."""
    deferred = [c.name for table in metadata.tables.values() for c in table.constraints if c.deferrable or c.initially]
    assert deferred == []


def test_replicas_that_start_together_migrate_once(empty: Database) -> None:
    url = empty.url.render_as_string(hide_password=False)
    errors: list[BaseException] = []

    def start() -> None:
        db = Database(url)
        try:
            db.migrate()
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            errors.append(error)
        finally:
            db.close()

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_new_file_is_opened_by_several_at_once(tmp_path: Path) -> None:
    """SQLite does not wait when several ask for a log written ahead."""
    together = threading.Barrier(3)

    def opened(number: int) -> None:
        engine = sqlite_engine(make_url(f"sqlite:///{tmp_path}/{number // 3}.db"), pool_size=1)
        together.wait(10)
        engine.connect().close()
        engine.dispose()

    with ThreadPoolExecutor(3) as threads:
        assert len(list(threads.map(opened, range(600)))) == 600


def test_addresses_that_hosts_have_get_their_rows(empty: Database, tmp_path: Path) -> None:
    """Those of attachments and of changes under way; one that two hosts have stays one's."""
    empty.migrate()
    empty.run(bootstrap, tmp_path, "a password of tests")
    with empty.write() as tx:
        cluster, network = (
            tx.execute(select(clusters.c.id)).scalar_one(),
            tx.execute(select(networks.c.id)).scalar_one(),
        )
        one, other = (rows.add_host(tx, cluster, name) for name in ("one", "other"))
        for host, addresses in ((one, ("10.0.0.5", "2001:DB8::5")), (other, ("10.0.0.5",))):
            rows.attach(tx, host, network, *({"method": "static", "address": address} for address in addresses))
        given = [{"method": "static", "address": "10.0.0.7"}, {"method": "dhcp", "address": ""}]
        coming = [{"network_id": key, "assignments": given} for key in (network, "gone")]
        values = {"generation": 1, "reason": "", "job_id": "", "state": "pending", "created_at": utc_now()}
        tx.execute(insert(host_changes).values(host_id=other, candidate={"attachments": coming}, **values))
        tx.execute(text("DROP TABLE host_addresses"))
        with Operations.context(MigrationContext.configure(tx)):
            importlib.import_module("netweft.engine.migrations.versions.0005_host_addresses").upgrade()
    with empty.read() as tx:
        found = {row.address: row.host_id for row in tx.execute(select(host_addresses))}
    assert found.pop("10.0.0.5") in {one, other}
    assert found == {"2001:db8::5": one, "10.0.0.7": other}


def test_networks_that_hosts_lack_get_their_rows(db: Database, tmp_path: Path) -> None:
    """Of hosts that are up, those that their cluster requires."""
    db.run(bootstrap, tmp_path, "a password of tests")
    with db.write() as tx:
        cluster = tx.execute(select(clusters.c.id)).scalar_one()
        management = tx.execute(select(networks.c.id)).scalar_one()
        bare, other = rows.add_host(tx, cluster, "bare"), rows.add_host(tx, cluster, "other")
        rows.add_host(tx, cluster, "resting", "maintenance")
        rows.attach(tx, other, management)
        tx.execute(text(importlib.import_module("netweft.engine.migrations.versions.0009_missing_networks").FILL))
    with db.read() as tx:
        found = [(row.host_id, row.network_id, row.cluster_id) for row in tx.execute(select(missing_networks))]
    assert found == [(bare, management, cluster)]


def test_a_database_of_a_newer_version_is_refused(empty: Database) -> None:
    """In a database of its own: the others are emptied and used again, with the version that they have."""
    empty.migrate()
    empty.run(lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = 'future'")))
    with pytest.raises(MigrationError, match="cannot use the database"):
        empty.migrate()


def test_addresses_that_two_pools_have_already_stay_with_both(empty: Database) -> None:
    """As machines of an older version have them: one of the pools keeps the address for itself from then on."""
    config = Config()
    config.set_main_option("script_location", "netweft.engine:migrations")
    with empty.write() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, "0001")
        for pool, lax in (("a", "false"), ("b", "false"), ("c", "true")):
            tx.execute(text(f"INSERT INTO mac_pools VALUES ('{pool}', '{pool}', '', '', {lax}, false)"))
            tx.execute(text(f"INSERT INTO mac_addresses VALUES ('{pool}', 7, 1)"))
    empty.migrate()
    with empty.read() as tx:
        rows = tx.execute(text("SELECT pool_id, exclusive FROM mac_addresses ORDER BY pool_id")).all()
    assert [(row.pool_id, bool(row.exclusive)) for row in rows] == [("a", True), ("b", False), ("c", False)]


def test_providers_of_other_types_than_external_become_writable(empty: Database) -> None:
    empty.migrate("0019")
    with empty.write() as tx:
        old = Table("providers", MetaData(), autoload_with=tx)
        for kind in ("neutron", "external"):
            values = {"id": kind, "name": kind, "type": kind, "status": "ok", "read_only": True}
            tx.execute(insert(old).values({**_filled(old), **values}))
    empty.migrate()
    with empty.read() as tx:
        found = {row.type: bool(row.read_only) for row in tx.execute(select(old.c.type, old.c.read_only))}
    assert found == {"neutron": False, "external": True}
