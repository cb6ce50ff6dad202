"""Hosts with real agents (simulated networking): installing, watching, going in and out of service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet import Fleet, running_fleet
from netloom.engine.commands.authorize import SYSTEM
from netloom.engine.commands.hosts import activate_host, deactivate_host, refresh_host, remove_host
from netloom.engine.db import Database


@pytest.fixture
def fleet(db: Database, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(db, tmp_path) as fleet:
        yield fleet


def test_a_host_that_joined_is_installed_and_comes_up(fleet: Fleet) -> None:
    assert fleet.status() == "up"
    assert fleet.carried() == {"ovirtmgmt": "eth0"}
    bridge = fleet.host().bridges["ovirtmgmt"]
    assert [str(address) for address in bridge.addresses] == ["198.18.0.2/15"]
    assert fleet.data().differences() == {}
    assert fleet.report().dirty is False
    assert fleet.data().row.acknowledged_generation == 1
    assert 504 in fleet.codes()
