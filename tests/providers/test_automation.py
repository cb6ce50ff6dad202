"""Ansible's modules for providers and their networks, unmodified, on a real Neutron."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from openstack.connection import Connection

from clients.conftest import HOSTS, Site, until_up
from clients.recorder import Recorder
from clients.test_automation import twice
from engine_process import EngineProcess
from providers.neutron import PROJECT, Neutron
from providers.test_neutron import connect
from waiting import until

PLAYBOOKS = Path(__file__).parent / "playbooks"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def site(tmp_path: Path, neutron: Neutron, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An engine with simulated hosts, behind a proxy that checks every answer against oVirt's schema."""
    monkeypatch.setenv("PROVIDER_URL", neutron.url)
    options = ("--insecure-http", "--simulated-hosts", str(len(HOSTS)))
    with EngineProcess(tmp_path / "engine", options=options) as engine, Recorder(engine.url) as recorder:
        site = Site(engine, recorder)
        connection = site.connect()
        until_up(connection)
        connection.close()
        yield site
        assert recorder.findings == []


def test_playbooks_are_idempotent(site: Site, neutron: Neutron, tmp_path: Path) -> None:
    with connect(neutron.url) as cloud:
        theirs = cloud.network.create_network(name="theirs", project_id=PROJECT)
        try:
            twice(site, tmp_path, "present", playbooks=PLAYBOOKS)
            until(lambda: names(cloud) == {"red", "theirs"}, "what was added")
            twice(site, tmp_path, "absent", playbooks=PLAYBOOKS)
            until(lambda: names(cloud) == {"theirs"}, "what was there before")
        finally:
            cloud.network.delete_network(theirs.id)


def names(cloud: Connection) -> set[str]:
    return {str(one.name) for one in cloud.network.networks()}
