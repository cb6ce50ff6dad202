"""From the entry point to everything that it leads to: no href dangles."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from api.served import Client, Engine, serving
from api.walk import populate
from databases import database_url, databases, db, new_database, postgresql, pytest_generate_tests, sqlite
from netweft.api.routes import API
from netweft.engine.db import Database

__all__ = [
    "database_url", "databases", "db", "new_database", "postgresql", "pytest_generate_tests", "sqlite",
]  # fmt: skip


@pytest.fixture
def client(db: Database, tmp_path: Path) -> Iterator[Client]:
    with serving(db, tmp_path) as engine:
        populate(engine)
        yield from _client(engine)


def _client(engine: Engine) -> Iterator[Client]:
    with engine.client() as client:
        yield client


def test_no_href_dangles(client: Client) -> None:
    waiting, seen, actions = deque([API]), {API}, set()
    dangling = []
    while waiting:
        href = waiting.popleft()
        answer = client.get(f"{client.base_url.copy_with(raw_path=href.encode())}")
        if answer.status_code != 200:
            dangling.append(f"{href}: {answer.status_code}")
            continue
        root = etree.fromstring(answer.content)
        actions |= {link.get("href") for link in root.iterfind(".//actions/link")}
        found = {str(element.get("href")) for element in root.iter() if element.get("href")} - actions
        for deeper in sorted(found):
            target = deeper.partition("?search={query}")[0]
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    assert dangling == []
    assert len(seen) > 60, "the crawl ended early"
    for href in sorted(actions):
        allowed = client.request("OPTIONS", f"{client.base_url.copy_with(raw_path=href.encode())}").headers["allow"]
        assert "POST" in allowed, href
