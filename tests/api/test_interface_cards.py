"""Hosts with a virtual interface card, through the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.served import Client, Engine
from fleet import Fleet, running_fleet
from netweft.core.host import Nic, NicFacts
from netweft.core.interface_cards import NO_MAC, VENDOR
from netweft.engine.db import new_id


@pytest.fixture
def fleet(engine: Engine, tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(engine.db, tmp_path) as fleet:
        yield fleet


def nic(name: str, device: str, function: int, mac: str = NO_MAC) -> Nic:
    return Nic(name=name, mac=mac, facts=NicFacts(vendor=VENDOR, device=device, pci_address=f"0000:81:00.{function}"))


def test_a_card_is_shown_and_its_dynamic_nics_only_there(engine: Engine, client: Client, fleet: Fleet) -> None:
    host_id = fleet.id()
    path = f"{engine.url}/netweft/v1/hosts/{host_id}/interfacecards"
    assert client.get(path).json() == []
    host = fleet.host()
    for one in (
        nic("enp1", "0x0043", 0, "00:25:b5:00:00:01"),
        nic("dyn0", "0x0044", 1),
        nic("dyn1", "0x0044", 2, "00:1a:4a:00:00:01"),
        nic("plain", "0x02b7", 3, "00:25:b5:00:00:02"),
    ):
        host = host.with_link(one)
    fleet.simulate(host=host)
    client.action(f"/hosts/{host_id}/refresh")
    (card,) = client.get(path).json()
    assert (card["model"], card["static"], card["free"]) == ("M81KR", ["enp1"], 1)
    assert [(one["name"], one["free"]) for one in card["dynamic"]] == [("dyn0", True), ("dyn1", False)]
    names = {one.findtext("name") for one in client.xml(f"/hosts/{host_id}/nics")}
    assert {"eth0", "enp1", "plain"} <= names
    assert not names & {"dyn0", "dyn1"}
    assert client.get(path.replace(host_id, new_id())).status_code == 404
