"""API tests run against a real socket, on SQLite and on PostgreSQL, and every answer passes the strict check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ovirtsdk4
import pytest

from api.served import Client, Engine, serving
from databases import database_url, databases, db, new_database, postgresql, pytest_generate_tests, sqlite
from netweft.engine.db import Database

__all__ = [
    "database_url", "databases", "db", "new_database", "postgresql", "pytest_generate_tests", "sqlite",
]  # fmt: skip


@pytest.fixture
def engine(db: Database, tmp_path: Path) -> Iterator[Engine]:
    with serving(db, tmp_path) as engine:
        yield engine


@pytest.fixture
def client(engine: Engine) -> Iterator[Client]:
    with engine.client() as client:
        yield client


@pytest.fixture
def sdk(engine: Engine) -> Iterator[ovirtsdk4.Connection]:
    connection = engine.sdk()
    yield connection
    connection.close()
