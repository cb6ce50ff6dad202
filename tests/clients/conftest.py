"""Engines for foreign clients: the program itself, with simulated hosts, behind a door that checks every answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ovirtsdk4
import pytest

from clients.recorder import API, Recorder
from engine_process import PASSWORD, EngineProcess

USER = "admin@internal"
HOSTS = ("sim-1", "sim-2")
_PATIENCE = 60.0


@dataclass(frozen=True)
class Site:
    """One engine and the door before it. ``url`` is the base URL that clients are given."""

    engine: EngineProcess
    recorder: Recorder

    @property
    def url(self) -> str:
        return self.recorder.url + API

    def connect(self, **options: Any) -> ovirtsdk4.Connection:
        """The official SDK, as its users open it."""
        return ovirtsdk4.Connection(**{"url": self.url, "username": USER, "password": PASSWORD, **options})


def until_up(connection: ovirtsdk4.Connection, names: tuple[str, ...] = HOSTS) -> None:
    """Wait until these hosts have joined and are up."""
    service = connection.system_service().hosts_service()
    deadline = time.monotonic() + _PATIENCE
    while {host.name for host in service.list(search="status=up")} < set(names):
        assert time.monotonic() < deadline, "the simulated hosts do not come up"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An engine with two simulated hosts, for the tests of one file together."""
    options = ("--insecure-http", "--simulated-hosts", str(len(HOSTS)))
    with (
        EngineProcess(tmp_path_factory.mktemp("engine"), options=options) as engine,
        Recorder(engine.url) as recorder,
    ):
        site = Site(engine, recorder)
        connection = site.connect()
        until_up(connection)
        connection.close()
        yield site


@pytest.fixture(scope="module")
def sdk(site: Site) -> Iterator[ovirtsdk4.Connection]:
    connection = site.connect()
    yield connection
    connection.close()


@pytest.fixture
def strict(site: Site) -> Iterator[None]:
    """Fails a test in which an answer was not what oVirt's schema says, or was a defect of the engine."""
    yield
    findings, site.recorder.findings = site.recorder.findings, []
    assert findings == []
