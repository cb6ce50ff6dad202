"""The field's way to change things: read an entity, send the whole of it back. What does not differ stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ovirtsdk4.reader import Reader
from ovirtsdk4.writer import Writer

from api.served import Client, Engine, serving
from api.walk import ROUTES, name_of, path_of, populate
from databases import database_url, databases, db, new_database, postgresql, pytest_generate_tests, sqlite
from netweft.api.routes import API
from netweft.engine.db import Database

__all__ = [
    "database_url", "databases", "db", "new_database", "postgresql", "pytest_generate_tests", "sqlite",
]  # fmt: skip

# Attachments change the host: proved where there are hosts.
UNPROVED_HERE = ("networkattachments",)
PUTS = [r for r in ROUTES if r.method == "PUT" and r.root == API and not any(name in r.path for name in UNPROVED_HERE)]


@pytest.fixture
def engine(db: Database, tmp_path: Path) -> Iterator[Engine]:
    with serving(db, tmp_path) as engine:
        populate(engine)
        yield engine


@pytest.fixture
def client(engine: Engine) -> Iterator[Client]:
    with engine.client() as client:
        yield client


def test_sending_an_entity_back_changes_nothing(client: Client) -> None:
    assert PUTS
    for route in PUTS:
        path = path_of(client, route).lstrip("/")
        before = client.get(path)
        if before.status_code == 404:
            continue
        body = Writer.write(Reader.read(before.text), indent=True)
        answer = client.put(path, content=body.encode())
        assert answer.status_code == 200, f"{name_of(route)}: {answer.text}"
        assert client.get(path).text == before.text, name_of(route)
        raw = client.put(path, content=before.content)
        assert raw.status_code == 200, f"{name_of(route)}: {raw.text}"
        assert client.get(path).text == before.text, name_of(route)
        as_json = client.get(path, headers={"Accept": "application/json"})
        again = client.put(path, content=as_json.content, headers={"Content-Type": "application/json"})
        assert again.status_code == 200, f"{name_of(route)}: {again.text}"
        assert client.get(path).text == before.text, name_of(route)
