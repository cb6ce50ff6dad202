"""Migrated databases are what the tables say, on both databases, however many replicas migrate at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, text

from databases import Databases
from netweft.engine.db import Database, MigrationError
from netweft.engine.model.everything import metadata


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

    def plain(items: list[Any]) -> list[str]:
        return sorted(text_of(item) for item in items)

    return {
        table: {
            "columns": plain(inspector.get_columns(table)),
            "key": plain([inspector.get_pk_constraint(table)]),
            "references": plain(inspector.get_foreign_keys(table)),
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
