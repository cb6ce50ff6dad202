"""``netweft agent``: options, startup and shutdown."""

from __future__ import annotations

import argparse
import fcntl
import logging
import math
import os
import platform
import resource
import signal
import ssl
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from netweft import agent
from netweft.agent.chassis import CHASSIS_PATIENCE
from netweft.agent.guests import GuestError
from netweft.agent.identity import Identity, IdentityError
from netweft.agent.join import TOKEN_VARIABLE, join, join_for
from netweft.agent.leave import LeaveError, leave
from netweft.agent.networking import NetworkingError
from netweft.agent.ovn_controller import RUN_DIRECTORY
from netweft.agent.serve import CONNECTIONS, Server
from netweft.agent.store import StoreError
from netweft.core.limits import PORT_MAX
from netweft.core.protocol import AGENT_PORT
from netweft.core.simulated_fleet import Part, parse_part
from netweft.systemd import notify_systemd

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from netweft.agent.service import HostService

log = logging.getLogger("netweft.agent")


class StartError(Exception):
    """The agent cannot run with these options; the message says what to change."""


PATIENCE = 60.0
"""Seconds that a stop waits for a change to be rolled back; the unit file's TimeoutStopSec is above it."""

CONNECTIONS_PER_SIMULATED_HOST = 3
"""One for the engine's monitoring, one for its jobs, and one for a confirmation."""

MOST_DESCRIPTORS = 65536
"""Upper limit for the open files of an agent."""

WHOLE = Part(1, 1)

_SIGNAL_POLL = 1.0
"""Poll interval in seconds for signals."""

EPILOG = """\
The first start joins an engine, with the token and the fingerprint that the engine shows for the host. Later starts
need neither. With a new token the host joins again: an engine that has removed and re-added it, or another engine.
While an agent runs, the same command joins for it and exits.
Pass the token in a file or in NETWEFT_ENROLL_TOKEN: every user of the machine can read command lines.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run an agent until SIGTERM or SIGINT.

    Returns the exit status: 0 after a signal to end, 1 when it cannot run.
    """
    options = parse(argv)
    logging.basicConfig(
        stream=sys.stderr, level=options.log_level.upper(), format="%(levelname)s %(name)s: %(message)s"
    )
    try:
        _run(options)
    except (StartError, LeaveError, IdentityError, NetworkingError, StoreError, OSError, ssl.SSLError) as error:
        print(f"netweft agent: {error}", file=sys.stderr)  # noqa: T201  # the output of the program
        return 1
    return 0


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; exits when it is invalid."""
    return _parser().parse_args(argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="netweft agent",
        description=agent.__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_places(parser)
    _add_joining(parser.add_argument_group("joining an engine"))
    host = parser.add_argument_group("the host")
    _add_host(host)
    _add_guests(host)
    add = parser.add_argument
    add("--simulated", type=int, default=0, metavar="N", help="simulate hosts sim-1 to sim-N instead, without root")
    add("--simulated-cards", type=int, default=0, metavar="N", help="give the first N a virtual interface card")
    add(
        "--part",
        type=parse_part,
        default=WHOLE,
        metavar="I/P",
        help="be the first (1/2) or second (2/2) of several agents that share the simulated hosts and their --state",
    )
    add("--log-level", default="info", choices=("debug", "info", "warning", "error"), help="(%(default)s)")
    add("--version", action="version", version=agent.version())
    return parser


def _add_places(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--state",
        type=Path,
        default=Path("/var/lib/netweft"),
        metavar="DIR",
        help="folder for state that survives a crash (%(default)s)",
    )
    add(
        "--run",
        type=Path,
        default=Path("/run/netweft"),
        metavar="DIR",
        help="folder for state that a boot discards (%(default)s)",
    )
    add(
        "--listen",
        default=f"0.0.0.0:{AGENT_PORT}",
        metavar="HOST:PORT",
        help="address to listen on for the engine (%(default)s)",
    )


def seconds(text: str) -> float:
    """A duration. Raises ValueError if it is negative or not finite."""
    value = float(text)
    if not 0 <= value < math.inf:
        raise ValueError(text)
    return value


def _add_joining(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--enroll", default="", metavar="URL", help="the engine, for example https://engine.example.com:8443")
    add("--token", default="", metavar="T", help="the one-time token; better in a file or the environment")
    add("--token-file", type=Path, metavar="FILE", help=f"a file that holds it (else ${TOKEN_VARIABLE})")
    add("--ca-fingerprint", default="", metavar="SHA256", help="of the engine's certificate authority")
    add(
        "--address",
        default="",
        metavar="URL",
        help="URL of this agent for the engine (the local address of the connection to it)",
    )
    add("--join-only", action="store_true", help="exit after joining; a service is started separately")
    add(
        "--leave",
        action="store_true",
        help="remove what Netweft created on this host, except its management network, leave the engine, and exit",
    )
    add("--hostname", default=platform.node(), metavar="NAME", help="the host's name (%(default)s)")


def _add_host(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--ovsdb", default="/run/openvswitch/db.sock", metavar="SOCKET", help="Open vSwitch's database (%(default)s)")
    add(
        "--ovn",
        type=Path,
        default=Path(RUN_DIRECTORY),
        metavar="DIR",
        help="run directory of ovn-controller (%(default)s)",
    )
    add(
        "--ovn-wait",
        type=seconds,
        default=CHASSIS_PATIENCE,
        metavar="S",
        help="time limit for ovn-controller to connect to its database (%(default)g s)",
    )
    add("--lldpd", type=Path, default=Path("/run/lldpd.socket"), metavar="SOCKET", help="lldpd (%(default)s)")
    add(
        "--resolv-conf", type=Path, default=Path("/etc/resolv.conf"), metavar="FILE", help="resolver file (%(default)s)"
    )
    add(
        "--boot-wait",
        type=seconds,
        default=30,
        metavar="S",
        help="how long to wait for NICs after a boot (%(default)s s)",
    )
    add(
        "--boot-id",
        default="",
        metavar="ID",
        help="identifies the boot, for hosts in namespaces (the machine's boot id)",
    )


def _add_guests(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--guests", default="", metavar="LIST", help="guest drivers, separated by commas: libvirt, namespace (none)")
    add("--libvirt-uri", default="qemu:///system", metavar="URI", help="URI of libvirt (%(default)s)")
    add(
        "--libvirt-kind",
        default="auto",
        choices=("auto", "kvm", "qemu"),
        help="KVM, or QEMU's software emulation; auto uses KVM where it works (%(default)s)",
    )
    add(
        "--pki",
        type=Path,
        default=Path("/etc/pki"),
        metavar="DIR",
        help="where libvirt and QEMU find keys and certificates to move guests to other hosts (%(default)s)",
    )


def _run(options: argparse.Namespace) -> None:
    hosts = options.state
    if options.part != WHOLE:
        options.state = hosts / f"part-{options.part.number}"
    for folder in (hosts, options.state):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(options.state) as other:
        if other is None and options.leave:
            _leave(options)
        elif other is None:
            _run_alone(options, hosts)
        elif options.enroll and not options.simulated and not options.leave:
            join_for(other, options, _host_and_port(options.listen)[1])
        else:
            raise StartError(f"another agent runs on {options.state}")


@contextmanager
def _alone(state: Path) -> Iterator[int | None]:
    """Lock a state folder against a second agent; the kernel releases the lock when this process ends. Yields the
    process id of another agent that has the lock, else None.
    """
    descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(descriptor, 20, 0)
        if not text:
            raise StartError(f"another agent is starting on {state}") from None
        yield int(text)
    else:
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield None
    finally:
        os.close(descriptor)


def _run_alone(options: argparse.Namespace, hosts: Path) -> None:
    """``hosts``: the folder of the simulated hosts; several agents may share it."""
    _raise_descriptors()
    numbers = options.part.numbers(options.simulated)
    connections = CONNECTIONS + CONNECTIONS_PER_SIMULATED_HOST * len(numbers)
    server = Server(_host_and_port(options.listen), connections)
    try:
        identity = Identity(options.state)
        names = tuple(f"sim-{number}" for number in numbers)
        join(options, identity, server.port, names)
        if options.join_only:
            return
        if names:
            services = _simulated(hosts, options.state, numbers, options.simulated_cards)
        else:
            from netweft.agent.real import real_host  # noqa: PLC0415  # its imports cost memory that a simulation does not need

            services = {"": real_host(options)}
        server.open(identity, services)
        _serve(server, services)
    finally:
        server.server_close()


def _raise_descriptors() -> None:
    """Raise the limit of open files, as each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _leave(options: argparse.Namespace) -> None:
    from netweft.agent.real import real_host  # noqa: PLC0415  # as above

    service = real_host(options)
    try:
        leave(service, Identity(options.state), options.address)
        service.changes.commit()
    finally:
        service.close(PATIENCE)


def _serve(server: Server, services: Mapping[str, HostService]) -> None:
    signals: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: signals.put(number))
    thread = Thread(target=server.serve_forever, name="accept", daemon=True)
    thread.start()
    print(f"netweft agent: serving {len(services)} host(s) at port {server.port}", flush=True)  # noqa: T201  # the same
    notify_systemd("READY=1")
    while _next(signals) == signal.SIGHUP:
        _show_identity(server, services)
    notify_systemd("STOPPING=1")
    server.shutdown()
    thread.join()
    for service in services.values():
        service.close(PATIENCE)


def _next(signals: SimpleQueue[int]) -> int:
    """The next signal. The kernel may deliver it to another thread; the handler runs when the main thread wakes up."""
    while True:
        with suppress(Empty):
            return signals.get(timeout=_SIGNAL_POLL)


def _show_identity(server: Server, services: Mapping[str, HostService]) -> None:
    """Use the identity whose files another process has replaced; if it is unusable, log it and keep the old one."""
    try:
        server.rejoin()
        for service in services.values():
            service.certificate_changed()
    except (OSError, ssl.SSLError, GuestError):
        log.exception("cannot use the new identity")
    else:
        log.info("the host is now host %s of its engine", server.identity.host_id)


def _simulated(hosts: Path, state: Path, numbers: Sequence[int], cards: int) -> Mapping[str, HostService]:
    from netweft.agent.guests.simulated import take  # noqa: PLC0415  # not for a real host
    from netweft.agent.guests.simulated_arrivals import receive  # noqa: PLC0415  # the same
    from netweft.agent.simulated import SimulatedService  # noqa: PLC0415  # the same

    names = {number: f"sim-{number}" for number in numbers}
    services = {
        f"/{name}": SimulatedService(name, number, hosts / name, has_card=number <= cards)
        for number, name in names.items()
    }
    if state != hosts:
        receive(state, take)
    return services


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > PORT_MAX:
        raise StartError(f"--listen takes HOST:PORT, not {text!r}")
    return host.strip("[]"), int(port)
