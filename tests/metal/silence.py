"""As tests/e2e/test_silence.py, for bonds of the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contract.namespaces import current_networking
from ovs_host import entered, namespace
from silence import NICS, PEER_ADDRESSES, check_silences, guests_of, lan, placed

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("mode", ["1", "4"])
def test_another_member_of_a_bond_with_guests(tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: str) -> None:
    with lan(PEER_ADDRESSES) as place, namespace() as host, entered(host), guests_of(tmp_path) as guests:
        place.plug(NICS)
        way = [placed(on, "legacy", vm=True, mode=mode) for on in ("eth0 eth1", "eth1 eth2", "eth0 eth2")]
        check_silences(current_networking(tmp_path, guests=guests.plugged), place, way, tmp_path, capsys, guests)


@pytest.mark.parametrize("vm", [pytest.param(False, id="address"), pytest.param(True, id="bridge-with-address")])
@pytest.mark.parametrize("way", [("eth0", "eth1 eth2"), ("eth0 eth1", "eth0")])
def test_between_nic_and_bond(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], way: tuple[str, ...], vm: bool
) -> None:
    with lan(PEER_ADDRESSES) as place, namespace() as host, entered(host):
        place.plug(NICS)
        check_silences(
            current_networking(tmp_path), place, [placed(on, "legacy", vm=vm) for on in way], tmp_path, capsys
        )
