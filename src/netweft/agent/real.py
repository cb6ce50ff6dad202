"""Assembles the service of a real host: the machine's networking, its guests, and the threads that watch both."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from netweft.agent import guest_dhcp
from netweft.agent.capabilities import read_capabilities
from netweft.agent.change import Changes
from netweft.agent.dhcp import Dhcp
from netweft.agent.events import Events
from netweft.agent.functions import Functions
from netweft.agent.guest_dhcp import GuestDhcp
from netweft.agent.guests.namespace import NamespaceGuests
from netweft.agent.host_guests import Guests
from netweft.agent.identity import Identity
from netweft.agent.machine import BOOT_ID, MachineNetworking
from netweft.agent.monitor import Monitor
from netweft.agent.neighbours import NeighbourWatch
from netweft.agent.networking import NetworkingError
from netweft.agent.ovsdb import Ovsdb
from netweft.agent.ovsdb_watch import OvsdbWatch
from netweft.agent.poller import Poller
from netweft.agent.resolver import Resolver
from netweft.agent.service import HostService
from netweft.agent.store import Store
from netweft.agent.watch import Watch
from netweft.extras import how_to_get

if TYPE_CHECKING:
    from argparse import Namespace

    from netweft.agent.guests import GuestDriver
    from netweft.core.protocol import HostReport


class RealService(HostService):
    """The host that this process runs on."""

    watch: Watch
    watchers: list[Monitor | OvsdbWatch | NeighbourWatch | Poller]

    def report(self) -> HostReport:
        """See HostService. Changes after the report make events."""
        worked = self.guests.work_done()
        report = super().report()
        self.watch.reported(report.host, worked if report.is_settled else None)
        return report

    def close(self, patience: float) -> None:
        """See HostService. Also ends the watches."""
        super().close(patience)
        for one in (*self.watchers, self.watch):
            one.close()


def real_host(options: Namespace) -> HostService:
    """The machine's host service, recovered: see Changes.recover. Raises NetworkingError, StoreError.

    Open vSwitch is detected only here: after it is installed, the agent must be restarted.
    """
    events = Events()
    ovsdb = Ovsdb(options.ovsdb) if Path(options.ovsdb).exists() else None
    functions = Functions(options.state / "functions.json")
    functions.restore()
    drivers = [_driver(name, options, ovsdb) for name in options.guests.split(",") if name]
    guests = Guests(drivers, events, GuestDhcp(options.run / "guest-dhcp"))
    driver = _networking(options, ovsdb, functions, guests)
    changes = Changes(Store(options.state), driver, events, guests.repair, options.ovn_wait)
    changes.recover(options.boot_wait)
    capabilities = partial(read_capabilities, ovsdb, drivers, options.hostname)
    neighbours = NeighbourWatch(options.lldpd, lambda: events.add("host", "", "neighbours"))
    service = RealService(
        capabilities=capabilities,
        driver=driver,
        changes=changes,
        guests=guests,
        events=events,
        neighbours=neighbours.found,
    )
    service.watch = Watch(driver, events, changes.is_at_work, guests.work_done)
    guests.serve_dhcp()  # before any request: removes what is left of guests that have ended
    dhcp = guest_dhcp.watch(guests.serve_dhcp)

    def notify() -> None:
        service.watch.poll_soon()
        dhcp.poll_soon()
        neighbours.poll_soon()

    service.watchers = [Monitor(events, changes.is_at_work, guests.is_at_work, notify), dhcp, neighbours]
    if ovsdb:
        service.watchers.append(OvsdbWatch(ovsdb.path, ovsdb.timeout, notify))
    return service


def _networking(options: Namespace, ovsdb: Ovsdb | None, functions: Functions, guests: Guests) -> MachineNetworking:
    return MachineNetworking(
        dhcp=Dhcp(options.run / "dhcp"),
        resolver=Resolver(path=options.resolv_conf, saved=options.state / "resolv.conf"),
        ovsdb=ovsdb,
        boot=options.boot_id or BOOT_ID.read_text().strip(),
        functions=functions,
        ovn=options.ovn,
        guests=guests.plugged,
    )


def _driver(name: str, options: Namespace, ovsdb: Ovsdb | None) -> GuestDriver:
    if name == NamespaceGuests.name:
        return NamespaceGuests(options.state / "guests", ovsdb)
    if name == "libvirt":
        return _libvirt(options, ovsdb)
    raise NetworkingError(f"there is no guest driver {name!r}; there are: libvirt, {NamespaceGuests.name}")


def _libvirt(options: Namespace, ovsdb: Ovsdb | None) -> GuestDriver:
    try:
        from netweft.agent.guests.libvirt import LibvirtGuests  # noqa: PLC0415  # hosts without libvirt lack its library
        from netweft.agent.guests.libvirt_tls import LibvirtTls  # noqa: PLC0415  # belongs to it
    except ModuleNotFoundError as error:
        missing = f"the guest driver libvirt: there is no {error.name} here. {how_to_get('libvirt')}"
        raise NetworkingError(missing) from error
    kind = "" if options.libvirt_kind == "auto" else options.libvirt_kind
    tls = LibvirtTls(Identity(options.state), options.pki, options.libvirt_uri)
    return LibvirtGuests(options.state / "libvirt", ovsdb, options.libvirt_uri, kind, tls)
