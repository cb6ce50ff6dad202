"""Engine tests run on SQLite and on a real PostgreSQL: the fixture ``db`` is both, one after the other."""

from __future__ import annotations

from databases import database_url, databases, db, new_database, postgresql, pytest_generate_tests, sqlite

__all__ = [
    "database_url", "databases", "db", "new_database", "postgresql", "pytest_generate_tests", "sqlite",
]  # fmt: skip
