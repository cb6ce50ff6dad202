"""A peer that pings every 10 ms loses a host, and its guests, for less than a second while networks move. Kernel bonds
are tested in the metal suite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contract.namespaces import current_networking
from ovs_host import entered, namespace, ovs_host
from silence import NICS, PEER_ADDRESSES, check_silences, guests_of, lan, placed

if TYPE_CHECKING:
    from pathlib import Path


def test_an_address_to_another_nic(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with lan(PEER_ADDRESSES) as place, namespace() as host, entered(host):
        place.plug(NICS)
        way = [placed(on, "legacy", vm=False) for on in ("eth0", "eth1")]
        check_silences(current_networking(tmp_path), place, way, tmp_path, capsys)


def test_a_bridge_with_guests_to_another_nic(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with lan(PEER_ADDRESSES) as place, namespace() as host, entered(host), guests_of(tmp_path) as guests:
        place.plug(NICS)
        way = [placed(on, "legacy", vm=True) for on in ("eth0", "eth1")]
        check_silences(current_networking(tmp_path, guests=guests.plugged), place, way, tmp_path, capsys, guests)


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(("eth0", "eth1"), id="to-another-nic"),
        pytest.param(("eth0", "eth1 eth2"), id="between-nic-and-bond"),
        pytest.param(("eth0 eth1", "eth0"), id="between-bond-and-its-member"),
    ],
)
def test_on_open_vswitch(tmp_path: Path, capsys: pytest.CaptureFixture[str], way: tuple[str, ...]) -> None:
    with lan(PEER_ADDRESSES) as place, ovs_host() as (_, ovsdb):
        place.plug(NICS)
        check_silences(
            current_networking(tmp_path, ovsdb), place, [placed(on, "ovs", vm=True) for on in way], tmp_path, capsys
        )


def test_another_member_of_a_bond_on_open_vswitch_with_guests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with lan(PEER_ADDRESSES) as place, ovs_host() as (_, ovsdb), guests_of(tmp_path, ovsdb) as guests:
        place.plug(NICS)
        way = [placed(on, "ovs", vm=True) for on in ("eth0 eth1", "eth1 eth2", "eth0 eth2")]
        check_silences(current_networking(tmp_path, ovsdb, guests.plugged), place, way, tmp_path, capsys, guests)
