"""A real host, put together: the machine's networking, its guests, and the thread that watches the kernel."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from netloom.agent.capabilities import read_capabilities
from netloom.agent.change import Changes
from netloom.agent.dhcp import Dhcp
from netloom.agent.events import Events
from netloom.agent.machine import BOOT_ID, MachineNetworking
from netloom.agent.monitor import Monitor
from netloom.agent.ovsdb import Ovsdb
from netloom.agent.resolver import Resolver
from netloom.agent.service import Guests, HostService
from netloom.agent.store import Store

if TYPE_CHECKING:
    from argparse import Namespace


class RealService(HostService):
    """The host that this process runs on."""

    monitor: Monitor

    def close(self, patience: float) -> None:
        """As every host; and the kernel is watched no more."""
        super().close(patience)
        self.monitor.close()


def real_host(options: Namespace) -> HostService:
    """The machine's host service, recovered: see Changes.recover. Raises NetworkingError, StoreError."""
    events = Events()
    ovsdb = Ovsdb(options.ovsdb) if Path(options.ovsdb).exists() else None
    door = MachineNetworking(
        dhcp=Dhcp(options.run / "dhcp"),
        resolver=Resolver(path=options.resolv_conf, saved=options.state / "resolv.conf"),
        ovsdb=ovsdb,
        boot=options.boot_id or BOOT_ID.read_text().strip(),
    )
    changes = Changes(Store(options.state), door, events)
    changes.recover(options.boot_wait)
    drivers = [name for name in options.guests.split(",") if name]
    service = RealService(
        capabilities=partial(read_capabilities, ovsdb, drivers),
        door=door,
        changes=changes,
        guests=Guests([], events),
        events=events,
    )
    service.monitor = Monitor(events)
    return service
