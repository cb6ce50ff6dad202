"""dnsmasq(8) as the DHCP server of guests: its configuration, and its processes.

It runs in a network namespace of its own, where one link leads to the guests. It keeps no leases in a file, and is
started again with each change: so an address that was freed has no lease, and one that a guest asks to keep is
acknowledged by a server that has just begun (``dhcp-authoritative``). Guests are known by MAC address alone: two that
were made of one disk call themselves by the same client id.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, ip_interface
from time import monotonic, sleep
from typing import TYPE_CHECKING

from netweft.agent.processes import NOTE, POLL_INTERVAL, Background, Process, start_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from netweft.core.guest_protocol import GuestNic, Lease

LINK = "guests"
"""The name of its link in its namespace."""

LEASE_SECONDS, LEASE6_SECONDS = 3600, 600
"""How long guests may use an address, of IPv4 and of IPv6; they ask again at half of it.

DHCPv6 knows guests by an identifier that they choose: one that was installed anew has another, and dnsmasq keeps the
address for the former until its lease has ended.
"""

_ADVERTISED_EVERY = 600
"""Seconds between two router advertisements that nobody asked for."""

_IPV6_MTU = 1280
"""The least that IPv6 has (RFC 8200, section 5)."""

_START_PATIENCE = 10.0
"""Seconds after which a server that does not say that it serves has failed."""

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
    """A dnsmasq that runs. ``configuration``: its own."""

    process: Process
    configuration: str


def configuration(nics: Sequence[GuestNic]) -> str:
    """What dnsmasq is told to serve the leases of these vNICs, which are in one network.

    Of several IPv4 addresses of a vNIC the first is served: DHCP has one for each client.
    """
    nics = sorted(nics, key=lambda nic: nic.id)
    tags: dict[str, str] = {}
    ranges, hosts = [], []
    for nic in nics:
        said = [nic.mac]
        for lease in _served(nic):
            options = "\n".join(_options(lease, nic.mtu))
            said.append(f"set:{tags.setdefault(options, f'o{len(tags)}')}")
            address = ip_interface(lease.address)
            said.append(str(address.ip) if isinstance(address, IPv4Interface) else f"[{address.ip}]")
            ranges.append(_range(address))
        hosts.append(f"dhcp-host={','.join(said)}")
    lines = [f"# {' '.join(addresses(nics))}", *dict.fromkeys(ranges), *hosts]  # other addresses: another process
    lines += [line.replace("TAG", tag) for options, tag in tags.items() for line in options.split("\n")]
    if any(not lease.server for nic in nics for lease in nic.leases):
        mtu = min(nic.mtu for nic in nics)
        told = str(mtu) if mtu >= _IPV6_MTU else "off"
        lines += ["enable-ra", f"ra-param={LINK},mtu:{told},{_ADVERTISED_EVERY},0"]
        lines += [f"dhcp-option=option6:dns-server{_bracketed(one)}" for one in _advertised_servers(nics)]
    return _GENERAL + "\n".join(lines) + "\n"


def addresses(nics: Sequence[GuestNic]) -> tuple[str, ...]:
    """The addresses with prefix of the server's link: dnsmasq serves the subnets that it has an address of. Of IPv6 it
    is one that no guest sees, nor has (RFC 4291, section 2.6.1).
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
    """An empty option is one that dnsmasq does not send, though it would by itself."""
    if not lease.server:
        yield f"dhcp-option=tag:TAG,option6:dns-server{_bracketed(lease.dns_servers)}"
        return
    routes = [*lease.routes]
    # Who asks for these routes must not use the gateway (RFC 3442), so it is among them.
    if routes and lease.gateway and not any(destination == "0.0.0.0/0" for destination, _ in routes):
        routes.append(("0.0.0.0/0", lease.gateway))
    flat = [part for route in routes for part in route]
    wanted = {"router": [lease.gateway], "dns-server": lease.dns_servers, "mtu": [str(mtu)]}
    if flat:
        wanted["classless-static-route"] = flat
    for name, values in wanted.items():
        yield ",".join((f"dhcp-option=tag:TAG,option:{name}", *(value for value in values if value)))


def _advertised_servers(nics: Sequence[GuestNic]) -> list[tuple[str, ...]]:
    """The name servers of IPv6 that router advertisements tell: all guests hear the same ones."""
    found = {server: None for nic in nics for lease in nic.leases if not lease.server for server in lease.dns_servers}
    return [tuple(found)] if found else []


def _bracketed(servers: Sequence[str]) -> str:
    return "".join(f",[{server}]" for server in servers)


class Servers:
    """The dnsmasqs of one agent, by name. ``folder`` is ours alone and is emptied by a reboot."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._background = Background()

    def running(self) -> dict[str, Server]:
        """Those that run; what is left of others goes."""
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
        """Start one in the calling thread's network namespace, and wait until it serves. Raises DnsmasqError."""
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
        """End one. Its namespace goes with it, and the link to it."""
        self._background.end(server.process, (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL))
        self._note(name).unlink(missing_ok=True)

    def _configuration(self, name: str) -> Path:
        return self._folder / f"{name}.conf"

    def _note(self, name: str) -> Path:
        return self._folder / f"{name}.server"
