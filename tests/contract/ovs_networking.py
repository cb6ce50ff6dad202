"""A host with NICs and a private Open vSwitch, and the agent's networking driver for it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from contract.made_of import made_of
from contract.namespaces import current_networking, kernel_kinds, make_nic
from ovs_host import ovs_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netweft.agent.machine import MachineNetworking
    from netweft.agent.ovsdb import Ovsdb
    from netweft.core.host import Host

DATAPATH = os.environ.get("NETWEFT_OVS_DATAPATH", "netdev")
"""What forwards the frames of the bridges: ``netdev`` (user space, on any kernel) or ``system`` (a kernel's module)."""


@contextmanager
def ovs_networking(nics: Mapping[str, str]) -> Iterator[tuple[MachineNetworking, Ovsdb]]:
    """The drivers of a host with those NICs (MAC by name); the calling thread is in its namespace meanwhile."""
    with TemporaryDirectory() as folder, ovs_host() as (_, ovsdb):
        for number, (name, mac) in enumerate(nics.items()):
            make_nic(name, mac, far=f"far{number}")
        yield current_networking(Path(folder), ovsdb), ovsdb


def possible(host: Host) -> Host:
    """The part of a host that this kernel can make, with bridges of DATAPATH."""
    left = made_of(host, kernel_kinds())
    uplinks = left.nics.keys() | left.bonds.keys()
    ports = {
        name: replace(port, dhcp4=False, dhcp6=False, leased_default=False)
        for name, port in host.ovs_ports.items()
        if uplinks.issuperset(port.interfaces)
    }
    bridges = {name: replace(bridge, datapath=DATAPATH) for name, bridge in host.ovs_bridges.items()}
    return replace(left, ovs_bridges=bridges, ovs_ports=ports)
