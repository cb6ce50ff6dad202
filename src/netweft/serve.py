"""``netweft serve``: runs the engine with its API, and stops it gracefully."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from netweft.api.http import create_app, end_answers
from netweft.api.routes import Services
from netweft.core.errors import NetweftError
from netweft.engine import audit, queue
from netweft.engine.agents import Agents
from netweft.engine.bootstrap import ADMIN, PASSWORD_FILE, bootstrap
from netweft.engine.clock import CLOCK
from netweft.engine.connections import raise_descriptors
from netweft.engine.data_folder import FolderError, check_sqlite, open_folder, sentence
from netweft.engine.db import Database, new_id
from netweft.engine.http_server import HttpServer
from netweft.engine.jobs import registry
from netweft.engine.jobs.clock_watch import ClockWatch
from netweft.engine.jobs.monitor import Monitor
from netweft.engine.jobs.outside import Outside
from netweft.engine.jobs.provider_watch import ProviderMonitor
from netweft.engine.jobs.providers import Providers
from netweft.engine.jobs.renewal import Renewal
from netweft.engine.logs import configure_logging
from netweft.engine.operations import host_changes, rollouts
from netweft.engine.patience import Patience
from netweft.engine.pki import Authority, open_authority, renew_client
from netweft.engine.processes import EndedError, Processes, Share, own_share
from netweft.engine.secrets import SecretBox, SecretError, open_box
from netweft.engine.server_tls import ServerTls, own_names
from netweft.engine.settings import Address, Settings, from_command_line
from netweft.engine.simulation import Simulation
from netweft.engine.slots import Slots
from netweft.engine.worker import Timer, Worker
from netweft.providers.installed import Installed
from netweft.systemd import notify_systemd
from netweft.web import with_page

GRACE = 10
"""Seconds that requests get to end when the engine does."""
_POLL_INTERVAL = 0.5
"""Seconds between checks."""
_START_POLL_INTERVAL = 0.05
_SWEEP_EVERY = 3600.0
_GARBAGE = (20_000, 20, 20)
"""How many new objects begin a search for garbage (``gc.set_threshold``): a large answer is as many, and nearly all of
it goes without one.
"""
_CHECKPOINT_EVERY = 1.0

log = structlog.get_logger(__name__)


class StartError(Exception):
    """The engine cannot start; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the engine until SIGTERM or SIGINT. Returns the exit status: 0 after a signal, 1 after a
    failure.
    """
    gc.set_threshold(*_GARBAGE)
    arguments = sys.argv[1:] if arguments is None else arguments
    settings = from_command_line(arguments)
    os.umask(0o077)  # whatever the engine writes is its own
    configure_logging(settings.log_level, as_json=settings.log_json)
    stop_requested = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop_requested.set())
    try:
        serve(settings, arguments, stop_requested)
    except (StartError, EndedError, FolderError, SecretError, NetweftError, OSError, SQLAlchemyError) as error:
        print(f"netweft serve: {sentence(error, settings.data)}", file=sys.stderr)  # noqa: T201 - for whoever started it
        return 1
    return 0


def serve(settings: Settings, arguments: Sequence[str], stop_requested: threading.Event) -> None:
    """Run the engine until ``stop_requested`` is set. ``arguments``: what the settings were read from.

    Raises StartError, EndedError, FolderError, SecretError, NetweftError, OSError, SQLAlchemyError.
    """
    open_folder(settings.data)
    share = own_share()
    if share is not None:
        _run(settings, share.listeners, stop_requested, share)
        return
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(_listener(address)) for address in settings.addresses]
        if settings.processes > 1:
            _run_several(settings, arguments, listeners, stop_requested)
        else:
            _run(settings, listeners, stop_requested)


def _run_several(
    settings: Settings, arguments: Sequence[str], listeners: Sequence[socket.socket], stop_requested: threading.Event
) -> None:
    """Run several engine processes."""
    with contextlib.ExitStack() as stack:
        db = Database(settings.database_url)
        stack.callback(db.close)
        authority = _prepare(settings, db, open_box(settings.data))
        processes = Processes(arguments, listeners, settings.processes)
        stack.callback(processes.stop)
        processes.start()
        while not processes.watch():
            if stop_requested.wait(_START_POLL_INTERVAL):
                return
        _announce_and_wait(settings, db, authority, listeners, stop_requested, processes.watch)


def _run(
    settings: Settings, listeners: Sequence[socket.socket], stop_requested: threading.Event, share: Share | None = None
) -> None:
    """Run one engine process. ``share``: of one of several, whose parent process does what is done once."""
    limits = settings.limits.divided(settings.processes).within(raise_descriptors())
    with contextlib.ExitStack() as stack:
        if not settings.database:
            stack.enter_context(_only_engine_in(settings.data))
            check_sqlite(settings.data)
        db = Database(settings.database_url)
        stack.callback(db.close)
        box = open_box(settings.data)
        authority = _prepare(settings, db, box)
        tls = None if settings.insecure_http else ServerTls(authority, _names(settings, listeners), settings.data)
        installed = Installed()
        worker = _worker(settings, db, box, authority, tls, installed, stack)
        stack.callback(worker.stop)
        services = _services(settings, box, authority, installed)
        app = with_page(create_app(db, services, secure=tls is not None))
        ending = partial(end_answers, db, services)
        server = HttpServer(app, listeners, tls=tls.context if tls else None, limits=limits, grace=GRACE, ending=ending)
        server.start()
        stack.callback(server.stop)
        worker.start()  # after the server: reconnecting a thousand hosts takes a while

        def watch() -> None:
            if not server.is_running():
                raise StartError("the HTTP server has ended; its log shows why")

        if share is None:
            _announce_and_wait(settings, db, authority, listeners, stop_requested, watch)
        else:
            share.report_ready()
            while not stop_requested.wait(_POLL_INTERVAL):
                watch()


def _services(settings: Settings, box: SecretBox, authority: Authority, installed: Installed) -> Services:
    return Services(
        authority=authority,
        box=box,
        provider_types=installed.networks.types,
        configuration_provider_types=installed.configuration.types,
        has_agent_package=settings.agent_package_file is not None,
    )


def _worker(
    settings: Settings,
    db: Database,
    box: SecretBox,
    authority: Authority,
    tls: ServerTls | None,
    installed: Installed,
    stack: contextlib.ExitStack,
) -> Worker:
    """The worker that runs jobs, monitors hosts and renews certificates, until the stack ends."""
    slots = Slots(settings.job_threads)
    agents = Agents(authority, slots.waiting)
    stack.callback(agents.close)
    replica = new_id()
    monitor = Monitor(agents, "" if db.is_sqlite else replica)
    stack.callback(monitor.close)
    outside = Outside(
        agents=agents, providers=Providers(installed, box), box=box, agent_package=settings.agent_package_file
    )
    provider_monitor = ProviderMonitor(outside.providers)
    stack.callback(provider_monitor.close)
    renewal = Renewal(agents, box, tls.renew if tls else lambda: None)
    timers = [
        *registry.timers(monitor, provider_monitor),
        renewal.timer(),
        ClockWatch().timer(),
        Timer(name="sweep", every=_SWEEP_EVERY, run=_sweep),
        Timer(name="checkpoint", every=_CHECKPOINT_EVERY, run=Database.checkpoint),
    ]
    return Worker(
        db,
        registry.job_functions(outside),
        timers,
        slots=slots,
        asking=registry.ASKING,
        replica=replica,
        patience=Patience(soak=settings.rollout_soak),
    )


def _announce_and_wait(
    settings: Settings,
    db: Database,
    authority: Authority,
    listeners: Sequence[socket.socket],
    stop_requested: threading.Event,
    watch: Callable[[], object],
) -> None:
    """Announce the URLs, run the simulated hosts, and ``watch`` until ``stop_requested`` is set."""
    urls = [_url(settings, listener) for listener in listeners]
    _announce(settings, authority, urls)
    with contextlib.ExitStack() as stack:
        simulation = None
        if settings.simulated_hosts:
            simulation = Simulation(
                db,
                settings.data / "simulated",
                settings.simulated_hosts,
                urls[0],
                authority.fingerprint,
                cards=settings.simulated_cards,
            )
            stack.callback(simulation.stop)
        notify_systemd("READY=1")
        while not stop_requested.wait(_POLL_INTERVAL):
            watch()
            if simulation is not None:
                simulation.watch()
        log.info("ending")
        notify_systemd("STOPPING=1")


@contextlib.contextmanager
def _only_engine_in(folder: Path) -> Iterator[None]:
    """Lock the folder: with SQLite only one engine may run, since it takes over every job. Raises StartError."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartError(f"another engine is running in {folder}") from error
        yield


def _prepare(settings: Settings, db: Database, box: SecretBox) -> Authority:
    """Migrate and initialise the database; return the certificate authority."""
    password = settings.admin_password.get_secret_value() if settings.admin_password is not None else None
    db.migrate()
    with db.alone() as tx:  # replicas that start together make these once
        CLOCK.follow(tx)
        bootstrap(tx, settings.data, password)
        authority = open_authority(tx, box, timedelta(days=settings.certificate_days))
        authority.client = renew_client(tx, box, authority)  # it may have run out while no engine was running
        return authority


def _sweep(db: Database) -> None:
    """Remove expired records."""
    db.run(queue.sweep)
    db.run(audit.sweep)
    db.run(host_changes.sweep)
    db.run(rollouts.sweep)


def _listener(address: Address) -> socket.socket:
    """A socket that listens. Raises StartError."""
    try:
        family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((address.host, address.port), family=family, backlog=1024)
    except OSError as error:
        raise StartError(f"cannot listen at {address}: {error.strerror or error}") from error


def _names(settings: Settings, listeners: Sequence[socket.socket]) -> list[str]:
    """All names and addresses that this engine is reached under."""
    names = [*own_names(), *settings.name]
    for address, listener in zip(settings.addresses, listeners, strict=True):
        if not address.is_wildcard:
            names += [address.host, listener.getsockname()[0]]
    return names


def _url(settings: Settings, listener: socket.socket) -> str:
    """How this machine reaches a listener."""
    host, port = listener.getsockname()[:2]
    address = Address(host, port)
    if address.is_wildcard:
        address = Address("::1" if ":" in host else "127.0.0.1", port)
    return f"{'http' if settings.insecure_http else 'https'}://{address}"


def _announce(settings: Settings, authority: Authority, urls: Sequence[str]) -> None:
    """Print URLs, CA fingerprint and password file; programs parse the first words of each line."""
    lines = [f"serving {url}/ovirt-engine/api" for url in urls]
    lines += [f"web page {url}/ui/" for url in urls]
    lines.append(f"ca-fingerprint {authority.fingerprint}")
    password = settings.data / PASSWORD_FILE
    if password.exists():
        lines.append(f"password of {ADMIN} in {password}")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
