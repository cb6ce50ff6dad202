"""DHCP for guests: served by the host that they run on, to them and to nobody else."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netweft.agent.guest_dhcp import GuestDhcp
from netweft.agent.guests.namespace import NamespaceGuests
from netweft.core.host import OvsBridge
from netweft.core.protocol import GuestNic, GuestSpec, Lease
from netweft.core.steps import CreateOvsBridge
from netweft.lab.agents import run_inside
from netweft.lab.namespaces import ip
from ovs_host import namespace, ovs_host, standing_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netweft.agent.ovsdb import Ovsdb

ON_EVENT = """\
#!/bin/sh
# What udhcpc(8) is told, one line for each event.
echo "$1 $ip $serverid $router $dns $mtu $staticroutes $lease" >>"$EVENTS"
case $1 in bound|renew) ip -4 address replace "$ip/$mask" dev "$interface" ;; esac
"""


@dataclass
class Host:
    """A host with guests that are namespaces, in the namespace of the calling thread."""

    driver: NamespaceGuests
    dhcp: GuestDhcp
    folder: Path

    def apply(self) -> None:
        """As the agent does."""
        assert self.dhcp.apply(lambda: [nic for state in self.driver.list() for nic in state.nics]) == []

    def start(self, number: int, **fields: object) -> GuestSpec:
        """Run a guest that is to have 192.0.2.NUMBER."""
        nic = vnic(number, **fields)
        spec = GuestSpec(id=str(uuid.uuid4()), name=f"vm{number}", driver="namespace", memory=0, nics=(nic,))
        self.driver.start(spec)
        self.apply()
        return spec

    def stop(self, guest: GuestSpec) -> None:
        self.driver.stop(guest.id)
        self.apply()


def vnic(number: int, **fields: object) -> GuestNic:
    lease = Lease(
        address=f"192.0.2.{number}/24",
        server="192.0.2.2",
        gateway="192.0.2.1",
        dns_servers=("192.0.2.53",),
        routes=(("10.0.0.0/8", "192.0.2.9"),),
    )
    mac = f"02:00:00:00:00:{number:02x}"
    nic = GuestNic(id=str(uuid.uuid4()), name="nic1", mac=mac, bridge="br0", mtu=1400, leases=(lease,))
    return replace(nic, **fields)  # type: ignore[arg-type] # the tests name real fields


@pytest.fixture
def on_linux(tmp_path: Path) -> Iterator[Host]:
    with namespace() as name, standing_in(name):
        ip("", "link", "add", "br0", "up", "type", "bridge")
        yield from host(tmp_path, None)


@pytest.fixture
def on_ovs(tmp_path: Path) -> Iterator[Host]:
    with ovs_host() as (_, ovsdb):
        ovsdb.execute([CreateOvsBridge(OvsBridge(name="br0", datapath="netdev"))])
        yield from host(tmp_path, ovsdb)


def host(folder: Path, ovsdb: Ovsdb | None) -> Iterator[Host]:
    one = Host(NamespaceGuests(folder / "guests", ovsdb), GuestDhcp(folder / "dhcp"), folder)
    try:
        yield one
    finally:
        for state in one.driver.list():
            one.driver.stop(state.id)
        one.apply()
        assert not list(one.folder.glob("dhcp/*.server"))


def ask(guest: str, folder: Path, *more: str) -> list[str]:
    """What udhcpc in a namespace gets: the words of its last event but its name; empty for no answer."""
    script, events = folder / "on-event", folder / f"{guest}.events"
    script.write_text(ON_EVENT)
    script.chmod(0o755)
    events.unlink(missing_ok=True)
    options = [word for name in ("mtu", "dns", "router", "staticroutes", "lease") for word in ("-O", name)]
    command = ["udhcpc", "-f", "-q", "-n", "-t", "2", "-T", "1", "-i", "nic1", "-s", str(script), *options, *more]
    run_inside(guest, ["env", f"EVENTS={events}", *command])
    bound = [line for line in events.read_text().splitlines() if line.startswith(("bound", "renew"))]
    return bound[-1].split()[1:] if bound else []


def test_a_guest_gets_its_address(on_linux: Host) -> None:
    guest = on_linux.start(7)
    got = ask(f"nwg-{guest.id}", on_linux.folder)
    assert got[:5] == ["192.0.2.7", "192.0.2.2", "192.0.2.1", "192.0.2.53", "1400"]
