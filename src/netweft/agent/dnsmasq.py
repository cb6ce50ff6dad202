"""dnsmasq(8) as the DHCP server of guests: its configuration, and its processes.

It runs in a network namespace of its own with one link to the guests. It stores no leases and is restarted after each
change. So a freed address has no lease, and renewals are acknowledged by a server that has just started
(``dhcp-authoritative``). Guests are identified by MAC address only, because those cloned from one disk have the same
client id.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, ip_interface
from time import monotonic, sleep
from typing import TYPE_CHECKING

from netweft.agent.processes import NOTE, POLL_INTERVAL, Background, Process, start_time
from netweft.core.limits import IPV6_MIN_MTU

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from netweft.core.guest_protocol import GuestNic, Lease

LINK = "guests"
"""The name of dnsmasq's link in its namespace."""

LEASE_SECONDS, LEASE6_SECONDS = 3600, 600
"""Lease times of IPv4 and IPv6; clients renew at half of it.

DHCPv6 identifies clients by an identifier of their own. A guest that is reinstalled has a new one, and dnsmasq reserves
the address for the former one until its lease has expired.
"""

_ADVERTISED_EVERY = 600
"""Seconds between unsolicited router advertisements."""

_START_PATIENCE = 10.0
"""Seconds within which a server must have written its pid file."""

_LAUNCH = f"""\
note=$1
shift
{NOTE.format(more="")}
exec "$@"
"""

_GENERAL = f"""\
port=0
user=nobody
no-hosts
interface={LINK}
bind-interfaces
dhcp-authoritative
dhcp-ignore-clid
leasefile-ro
no-ping
quiet-dhcp
quiet-dhcp6
quiet-ra
"""


class DnsmasqError(Exception):
    """dnsmasq cannot be started; the message says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running dnsmasq. ``configuration``: the content of its configuration file."""

    process: Process
    configuration: str


def configuration(nics: Sequence[GuestNic]) -> str:
    """The configuration of dnsmasq for the leases of these vNICs, which are in one network.

    Only the first IPv4 address of a vNIC is served: DHCP has one for each client.
    """
    nics = sorted(nics, key=lambda nic: nic.id)
    tags: dict[str, str] = {}
    ranges, hosts = [], []
    for nic in nics:
        fields = [nic.mac]
        for lease in _served(nic):
            options = "\n".join(_options(lease, nic.mtu))
            fields.append(f"set:{tags.setdefault(options, f'o{len(tags)}')}")
            address = ip_interface(lease.address)
            fields.append(str(address.ip) if isinstance(address, IPv4Interface) else f"[{address.ip}]")
            ranges.append(_range(address))
        hosts.append(f"dhcp-host={','.join(fields)}")
    lines = [f"# {' '.join(addresses(nics))}", *dict.fromkeys(ranges), *hosts]  # other addresses need a restart
    lines += [line.replace("TAG", tag) for options, tag in tags.items() for line in options.split("\n")]
    if any(not lease.server for nic in nics for lease in nic.leases):
        mtu = min(nic.mtu for nic in nics)
        advertised = str(mtu) if mtu >= IPV6_MIN_MTU else "off"
        lines += ["enable-ra", f"ra-param={LINK},mtu:{advertised},{_ADVERTISED_EVERY},0"]
        lines += [f"dhcp-option=option6:dns-server{_bracketed(one)}" for one in _advertised_servers(nics)]
    return _GENERAL + "\n".join(lines) + "\n"


def addresses(nics: Sequence[GuestNic]) -> tuple[str, ...]:
    """The addresses of the server's link, with prefix: dnsmasq serves the subnets of its addresses. For IPv6 it is the
    subnet-router anycast address (RFC 4291, section 2.6.1), which no guest can have.
    """
    found = {_own(lease) for nic in nics for lease in _served(nic)}
    return tuple(sorted(found))


def _served(nic: GuestNic) -> Iterator[Lease]:
    yield from [lease for lease in nic.leases if lease.server][:1]
    yield from (lease for lease in nic.leases if not lease.server)


def _own(lease: Lease) -> str:
    network = ip_interface(lease.address).network
    return f"{lease.server or network.network_address}/{network.prefixlen}"


def _range(address: IPv4Interface | IPv6Interface) -> str:
    network = address.network
    if isinstance(network, IPv4Network):
        return f"dhcp-range={network.network_address},static,{network.netmask},{LEASE_SECONDS}"
    return f"dhcp-range={network.network_address},static,{network.prefixlen},{LEASE6_SECONDS}"


def _options(lease: Lease, mtu: int) -> Iterator[str]:
    """An empty option stops dnsmasq from sending its default."""
    if not lease.server:
        yield f"dhcp-option=tag:TAG,option6:dns-server{_bracketed(lease.dns_servers)}"
        return
    routes = [*lease.routes]
    # Clients that get these routes ignore the gateway (RFC 3442), so it is included.
    if routes and lease.gateway and not any(destination == "0.0.0.0/0" for destination, _ in routes):
        routes.append(("0.0.0.0/0", lease.gateway))
    flat = [part for route in routes for part in route]
    options = {"router": [lease.gateway], "dns-server": lease.dns_servers, "mtu": [str(mtu)]}
    if flat:
        options["classless-static-route"] = flat
    for name, values in options.items():
        yield ",".join((f"dhcp-option=tag:TAG,option:{name}", *(value for value in values if value)))


def _advertised_servers(nics: Sequence[GuestNic]) -> list[tuple[str, ...]]:
    """The IPv6 name servers in router advertisements, which are the same for all guests."""
    found = {server: None for nic in nics for lease in nic.leases if not lease.server for server in lease.dns_servers}
    return [tuple(found)] if found else []


def _bracketed(servers: Sequence[str]) -> str:
    return "".join(f",[{server}]" for server in servers)


class Servers:
    """The dnsmasq processes of one agent, by name. ``folder``: for their files only; emptied by a reboot."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._background = Background()

    def running(self) -> dict[str, Server]:
        """The running ones. Removes the pid files of others."""
        self._background.reap()
        found = {}
        for path in self._folder.glob("*.server"):
            pid, started = path.read_text().split()
            process = Process(int(pid), started)
            if process.runs:
                found[path.stem] = Server(process, self._configuration(path.stem).read_text())
            else:
                path.unlink()
        return found

    def start(self, name: str, text: str) -> None:
        """Start one in the calling thread's network namespace, and wait until it is ready. Raises DnsmasqError."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file, note, ready = self._configuration(name), self._note(name), self._folder / f"{name}.ready"
        for old in (note, ready):
            old.unlink(missing_ok=True)
        file.write_text(text)
        log = self._folder / f"{name}.log"
        command = ["sh", "-c", _LAUNCH, "sh", str(note), "dnsmasq", "--keep-in-foreground", "--log-facility=-"]
        try:
            pid = self._background.spawn([*command, f"--conf-file={file}", f"--pid-file={ready}"], log)
        except OSError as error:
            raise DnsmasqError(f"dnsmasq does not start: {error}") from error
        until = monotonic() + _START_PATIENCE
        while not (ready.exists() and ready.read_text()):
            if monotonic() > until:
                self._background.end(Process(pid, start_time(pid)), (signal.SIGKILL,))
            if not start_time(pid):
                raise DnsmasqError(f"dnsmasq does not start: {log.read_text(errors='replace').strip()}")
            sleep(POLL_INTERVAL)

    def stop(self, name: str, server: Server) -> None:
        """End one. The kernel then removes its namespace and the link to it."""
        self._background.end(server.process, (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL))
        self._note(name).unlink(missing_ok=True)

    def _configuration(self, name: str) -> Path:
        return self._folder / f"{name}.conf"

    def _note(self, name: str) -> Path:
        return self._folder / f"{name}.server"
