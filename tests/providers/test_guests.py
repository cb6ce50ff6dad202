"""Virtual machines on networks of providers, through the API, on hosts with real agents: the whole way."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from e2e.site import Site, site, wait
from netweft.lab.openvswitch import OpenVSwitch
from providers.ovn import Ovn, chassis_of

LAB = """
name: clouds
guests: namespace
engine: {address: 10.77.0.1/24}
hosts:
  alpha: {address: 10.77.0.11/24, nics: {eth0: {access: 4094}, eth1: {}}}
  beta: {address: 10.77.0.12/24, nics: {eth0: {access: 4094}, eth1: {}}}
"""


@pytest.fixture(scope="module")
def hosts(ovn: Ovn) -> Iterator[Site]:
    """Two hosts that are chassis of the OVN."""
    folder = Path(tempfile.mkdtemp(prefix="nl"))  # sockets in it need a short name
    try:
        (folder / "lab.yaml").write_text(LAB)
        with site(folder, folder / "lab.yaml", "10.77.0.1") as built, ExitStack() as chassis:
            for number, (name, host) in enumerate(built.place.hosts.items(), start=21):
                place = folder / "lab" / "hosts" / name / "ovs"
                switch = OpenVSwitch(folder=place, namespace=host.namespace, processes=())
                chassis.enter_context(chassis_of(name, switch, ovn.central, ovn.wires, f"10.99.0.{number}"))
            wait("all chassis", lambda: {"alpha", "beta"}.issubset(ovn.central.chassis()))
            yield built
    finally:
        shutil.rmtree(folder)


def test_hosts_are_chassis(hosts: Site, ovn: Ovn) -> None:
    assert {"alpha", "beta"}.issubset(ovn.central.chassis())
    assert hosts.status("alpha") == "up"
