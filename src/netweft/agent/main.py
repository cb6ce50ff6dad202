"""``netweft agent``: its options, what it puts together, and how it begins and ends."""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import platform
import resource
import signal
import ssl
import sys
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from netweft import agent
from netweft.agent.enroll import enroll
from netweft.agent.identity import Identity, IdentityError
from netweft.agent.networking import NetworkingError
from netweft.agent.serve import CONNECTIONS, Server
from netweft.agent.store import StoreError
from netweft.core.protocol import AGENT_PORT
from netweft.systemd import tell_systemd

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from netweft.agent.service import HostService

log = logging.getLogger("netweft.agent")


class StartError(Exception):
    """The agent cannot work as it was started; the message says what to change."""


PATIENCE = 60.0
"""Seconds that a stop waits for a change to be taken back; the unit file's TimeoutStopSec is above it."""

CONNECTIONS_PER_SIMULATED_HOST = 2

MOST_DESCRIPTORS = 65536
"""More files than this an agent never has open."""

TOKEN_VARIABLE = "NETWEFT_ENROLL_TOKEN"  # noqa: S105  # the name of a variable

EPILOG = """\
The first start joins an engine, with the token and the fingerprint that the engine gives for the host. Later starts
need neither.
The token is best given in a file or in NETWEFT_ENROLL_TOKEN: a command line can be read by every user of the machine.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run an agent until SIGTERM or SIGINT.

    Returns the exit status: 0 when it was asked to end, 1 when it could not work.
    """
    options = _parser().parse_args(argv)
    logging.basicConfig(
        stream=sys.stderr, level=options.log_level.upper(), format="%(levelname)s %(name)s: %(message)s"
    )
    try:
        _run(options)
    except (StartError, IdentityError, NetworkingError, StoreError, OSError, ssl.SSLError) as error:
        print(f"netweft agent: {error}", file=sys.stderr)  # noqa: T201  # the program's own words
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="netweft agent",
        description=agent.__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--state",
        type=Path,
        default=Path("/var/lib/netweft"),
        metavar="DIR",
        help="what must survive a crash (%(default)s)",
    )
    add(
        "--run",
        type=Path,
        default=Path("/run/netweft"),
        metavar="DIR",
        help="what must not survive a boot (%(default)s)",
    )
    add(
        "--listen",
        default=f"0.0.0.0:{AGENT_PORT}",
        metavar="HOST:PORT",
        help="where the engine reaches the agent (%(default)s)",
    )
    join = parser.add_argument_group("joining an engine")
    join.add_argument(
        "--enroll", default="", metavar="URL", help="the engine, for example https://engine.example.com:8443"
    )
    join.add_argument(
        "--token", default="", metavar="T", help="the one-time token; better in a file or the environment"
    )
    join.add_argument("--token-file", type=Path, metavar="FILE", help=f"a file that holds it (else ${TOKEN_VARIABLE})")
    join.add_argument("--ca-fingerprint", default="", metavar="SHA256", help="of the engine's certificate authority")
    join.add_argument(
        "--address", default="", metavar="URL", help="how the engine reaches this agent (the address towards it)"
    )
    join.add_argument("--join-only", action="store_true", help="end once joined: a service shall be started then")
    join.add_argument("--hostname", default=platform.node(), metavar="NAME", help="the host's name (%(default)s)")
    host = parser.add_argument_group("the host")
    host.add_argument(
        "--ovsdb", default="/run/openvswitch/db.sock", metavar="SOCKET", help="Open vSwitch's database (%(default)s)"
    )
    host.add_argument(
        "--resolv-conf", type=Path, default=Path("/etc/resolv.conf"), metavar="FILE", help="resolver file (%(default)s)"
    )
    host.add_argument(
        "--guests", default="", metavar="LIST", help="guest drivers, separated by commas: libvirt, namespace (none)"
    )
    host.add_argument(
        "--libvirt-uri", default="qemu:///system", metavar="URI", help="where libvirt is reached (%(default)s)"
    )
    host.add_argument(
        "--libvirt-kind",
        default="auto",
        choices=("auto", "kvm", "qemu"),
        help="KVM, or QEMU's software emulation; auto takes KVM where it works (%(default)s)",
    )
    host.add_argument(
        "--pki",
        type=Path,
        default=Path("/etc/pki"),
        metavar="DIR",
        help="where libvirt and QEMU find keys and certificates to move guests to other hosts (%(default)s)",
    )
    host.add_argument(
        "--boot-wait",
        type=float,
        default=30,
        metavar="S",
        help="how long to wait after a boot for NICs (%(default)s s)",
    )
    host.add_argument(
        "--boot-id", default="", metavar="ID", help="names the boot, for hosts in namespaces (the machine's own)"
    )
    add("--simulated", type=int, default=0, metavar="N", help="simulate hosts sim-1 to sim-N instead, without root")
    add("--log-level", default="info", choices=("debug", "info", "warning", "error"), help="(%(default)s)")
    add("--version", action="version", version=agent.version())
    return parser


def _run(options: argparse.Namespace) -> None:
    options.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(options.state):
        _run_alone(options)


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Keep a second agent away from a state folder; the kernel lets go of it when this one ends, in whichever way."""
    descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StartError(f"another agent runs on {state}") from error
    else:
        yield
    finally:
        os.close(descriptor)


def _run_alone(options: argparse.Namespace) -> None:
    _raise_descriptors()
    connections = CONNECTIONS + CONNECTIONS_PER_SIMULATED_HOST * options.simulated
    server = Server(_host_and_port(options.listen), connections)
    try:
        identity = Identity(options.state)
        names = tuple(f"sim-{number}" for number in range(1, options.simulated + 1))
        _join(options, identity, server.port, names)
        if options.join_only:
            return
        if names:
            services = _simulated(options.state, names)
        else:
            from netweft.agent.real import real_host  # noqa: PLC0415  # what it brings along is memory that a simulation does not need

            services = {"": real_host(options)}
        server.open(identity, services)
        _serve(server, services)
    finally:
        server.server_close()


def _raise_descriptors() -> None:
    """Let this process have as many files open as it may, within reason: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _serve(server: Server, services: Mapping[str, HostService]) -> None:
    asked = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: asked.set())
    thread = Thread(target=server.serve_forever, name="accept", daemon=True)
    thread.start()
    print(f"netweft agent: serving {len(services)} host(s) at port {server.port}", flush=True)  # noqa: T201  # the same
    tell_systemd("READY=1")
    asked.wait()
    tell_systemd("STOPPING=1")
    server.shutdown()
    thread.join()
    for service in services.values():
        service.close(PATIENCE)


def _join(options: argparse.Namespace, identity: Identity, port: int, names: tuple[str, ...]) -> None:
    """Join an engine if that is asked and has not happened yet, or so long ago that nobody knows the host any more."""
    if identity.is_of(options.ca_fingerprint, names if options.enroll else ()):
        # Without an engine to ask, the host gets its networks all the same.
        if not options.enroll or not identity.has_expired():
            return
        log.warning("the host's certificate has expired: it joins anew")
    if not options.enroll:
        raise StartError(
            f"{options.state} holds no certificate: join an engine with --enroll, --token-file and --ca-fingerprint"
        )
    if not options.ca_fingerprint:
        raise StartError("--enroll needs --ca-fingerprint, by which the engine is known to be the right one")
    enroll(
        identity,
        url=options.enroll.rstrip("/"),
        token=_token(options),
        fingerprint=options.ca_fingerprint,
        address=options.address,
        port=port,
        hostname=options.hostname,
        simulated=names,
    )
    log.info("joined the engine at %s", options.enroll)


def _token(options: argparse.Namespace) -> str:
    token = (
        options.token_file.read_text().strip()
        if options.token_file
        else options.token or os.environ.get(TOKEN_VARIABLE, "")
    )
    if not token:
        raise StartError(f"--enroll needs a token: --token-file, or ${TOKEN_VARIABLE}")
    return str(token)


def _simulated(state: Path, names: tuple[str, ...]) -> Mapping[str, HostService]:
    from netweft.agent.simulated import SimulatedService  # noqa: PLC0415  # not for a real host

    return {f"/{name}": SimulatedService(name, number, state / name) for number, name in enumerate(names, 1)}


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit():
        raise StartError(f"--listen takes HOST:PORT, not {text!r}")
    return host.strip("[]"), int(port)
