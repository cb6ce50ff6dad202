"""Simulated hosts under an engine without its HTTP door: real jobs, real agents behind HTTPS with mutual TLS, a real
database.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
import structlog

import memory_provider
from databases import HASHER
from netweft.agent.identity import Identity
from netweft.agent.serve import Server
from netweft.agent.service import Reply, Request
from netweft.agent.simulated import SimulatedService
from netweft.agent.simulated_machine import Simulation
from netweft.core.host import Host
from netweft.core.host_request import AttachmentChange, Ref, SetupRequest
from netweft.core.protocol import HostReport
from netweft.engine.actor import SYSTEM
from netweft.engine.agents import Agent, Agents
from netweft.engine.bootstrap import bootstrap
from netweft.engine.commands.enrollments import EnrollRequest, create_simulated_enrollment, enroll
from netweft.engine.commands.rehearsals import RehearsedError, RequestPlan, explain, rehearse
from netweft.engine.commands.setup_networks import SetupHostNetworks, setup_host_networks
from netweft.engine.db import Database
from netweft.engine.jobs.host_watch import Intervals
from netweft.engine.jobs.monitor import Monitor
from netweft.engine.jobs.outside import Outside
from netweft.engine.jobs.providers import Providers
from netweft.engine.jobs.registry import ASKING, job_functions
from netweft.engine.model.events import events
from netweft.engine.model.host_networks import host_changes
from netweft.engine.model.hosts import hosts
from netweft.engine.model.jobs import jobs
from netweft.engine.patience import Patience
from netweft.engine.pki import Authority, open_authority
from netweft.engine.queries import host_networks
from netweft.engine.queries.host_networks import HostData
from netweft.engine.queue import Outcome, Status, busy_with, wait_for
from netweft.engine.secrets import SecretBox, open_box
from netweft.engine.worker import Worker

PATIENCE = 60.0
"""Seconds after which something that must happen counts as not happening."""

_AT_ONCE = Patience(soak=0.0, rollout=0.02)
"""That of an engine whose rollouts lose no time."""


NO_GUESTS = "no memory is left on this host"
"""A reason for which a simulated host starts and changes no guest."""


class RecordingService(SimulatedService):
    """A simulated host that records the requests it receives."""

    def __init__(self, name: str, number: int, folder: Path) -> None:
        super().__init__(name, number, folder)
        self.requests: list[Request] = []

    def answer(self, request: Request) -> Reply | None:
        self.requests.append(request)
        return super().answer(request)


class AgentsProcess:
    """The agent program's server with its simulated hosts, in this process; it can be stopped and started again."""

    def __init__(self, folder: Path, authority: Authority, db: Database, count: int) -> None:
        self._folder, self._authority, self._db = folder, authority, db
        self._count = count
        self._server: Server | None = None
        server = Server(("127.0.0.1", 0))
        self.port = server.port
        self.identity = Identity(folder)
        self._join()
        self._open(server)

    def _join(self) -> None:
        names = tuple(f"sim-{number}" for number in range(1, self._count + 1))
        token = self._db.run(create_simulated_enrollment, SYSTEM)
        requests = self.identity.request("sim")
        request = EnrollRequest(
            token=token, requests=requests, address=f"https://127.0.0.1:{self.port}", hostname="sim", simulated=names
        )
        reply = self._db.run(enroll, self._authority, request)
        self.ids = dict(reply.host_ids)
        self.identity.install(reply.certificates, reply.authorities)

    def join_again(self) -> None:
        """Join with a new token; hosts that were removed meanwhile come to be again."""
        self._join()
        if self._server:
            self._server.rejoin()

    def _open(self, server: Server) -> None:
        names = [f"sim-{number}" for number in range(1, self._count + 1)]
        self.services = {
            f"/{name}": RecordingService(name, number, self._folder / name) for number, name in enumerate(names, 1)
        }
        server.open(self.identity, self.services)
        self._thread = Thread(target=server.serve_forever, args=(0.01,))
        self._thread.start()
        self._server = server

    def start(self) -> None:
        """Start again at the same door."""
        self._open(Server(("127.0.0.1", self.port)))

    def stop(self) -> None:
        """Stop, as the program does on SIGTERM."""
        if self._server is None:
            return
        self._server.shutdown()
        self._thread.join()
        for service in self.services.values():
            service.close(PATIENCE)
        self._server.server_close()
        self._server = None


@dataclass
class Fleet:
    """Simulated hosts sim-1 ... in cluster Default, and the engine's worker."""

    db: Database
    agents: Agents
    process: AgentsProcess
    monitor: Monitor
    box: SecretBox
    patience: Patience = _AT_ONCE
    agent_package: Path | None = None
    _workers: list[Worker] = field(default_factory=list)

    @property
    def outside(self) -> Outside:
        """What jobs reach; providers of external networks are in memory."""
        providers = Providers(memory_provider.INSTALLED, self.box)
        return Outside(agents=self.agents, providers=providers, box=self.box, agent_package=self.agent_package)

    def start_worker(self) -> None:
        """An engine process begins to work."""
        self._workers.append(Worker(self.db, job_functions(self.outside), asking=ASKING, patience=self.patience))
        self._workers[-1].start()

    def stop_worker(self) -> None:
        """It ends in good order."""
        while self._workers:
            self._workers.pop().stop()

    def restart_worker(self, **patience: float) -> None:
        """Another engine process follows, whose jobs wait so long for hosts."""
        self.stop_worker()
        self.patience = replace(_AT_ONCE, **patience)
        self.start_worker()

    def restart_monitor(self, **intervals: float) -> None:
        """Another engine process follows, which does at such intervals what it does with hosts."""
        self.monitor.close()
        self.monitor = Monitor(self.agents, intervals=Intervals(**intervals))

    def restart_agents(self) -> None:
        """The agent program ends and starts again; connections to it end with it, as those to a process do."""
        self.process.stop()
        self.agents.connections.close()
        self.process.start()

    def id(self, number: int = 1) -> str:
        return self.process.ids[f"sim-{number}"]

    def agent(self, number: int = 1) -> Agent:
        return self.agents.of(self.id(number), f"https://127.0.0.1:{self.process.port}/sim-{number}")

    def host(self, number: int = 1) -> Host:
        """The networking of a simulated host as it is."""
        return self.process.services[f"/sim-{number}"].driver.observe()

    def requests(self, path: str, number: int = 1) -> int:
        """The number of GET requests for a path that a simulated host has received."""
        received = self.process.services[f"/sim-{number}"].requests
        return sum(request.method == "GET" and request.path == path for request in received)

    def report(self, number: int = 1) -> HostReport:
        return self.agent(number).report()

    def simulate(self, number: int = 1, **faults: Any) -> None:
        """Let something go wrong from now on; without arguments nothing more."""
        body = msgspec.json.encode(Simulation(**faults))
        answer = self.agent(number).ask("POST", "/v1/simulation", body)
        assert answer.status == 200, answer.body

    def outcome(self, job_id: str | None) -> Outcome:
        """Wait for a job's end."""
        assert job_id is not None
        ended = wait_for(self.db, job_id, PATIENCE)
        assert ended is not None, f"job {job_id} has not ended"
        return ended

    def done(self, job_id: str | None) -> None:
        """Wait for a job's good end."""
        ended = self.outcome(job_id)
        assert ended.status is Status.FINISHED, ended

    def failed(self, job_id: str | None) -> Outcome:
        """Wait for a job's bad end."""
        ended = self.outcome(job_id)
        assert ended.status is Status.FAILED, ended
        return ended

    def setup(self, request: SetupRequest, number: int = 1) -> str | None:
        return self.db.run(setup_host_networks, SYSTEM, SetupHostNetworks(host_id=self.id(number), request=request))

    def plan(self, command: Callable[..., object], spec: object, **more: Any) -> RequestPlan:
        """What a command would have hosts do."""
        actor = replace(SYSTEM, correlation_id="a plan")
        with pytest.raises(RehearsedError) as told:
            rehearse(self.db, "a plan", command, actor, spec, **more)
        with self.db.read() as tx:
            return explain(tx, told.value.rehearsed)

    def attach(self, network: str, nic: str, number: int = 1, **values: Any) -> None:
        """Put a network on a NIC and wait until it is there."""
        attachment = AttachmentChange(network=Ref(name=network), nic=Ref(name=nic), **values)
        self.done(self.setup(SetupRequest(attachments=(attachment,)), number))

    def data(self, number: int = 1) -> HostData:
        with self.db.read() as tx:
            return host_networks.load_one(tx, self.id(number))

    def carried(self, number: int = 1) -> dict[str, str]:
        """Networks that the engine wants on a host, with their NICs."""
        data = self.data(number)
        return {data.networks[a.network_id].name: a.nic for a in data.intent.attachments}

    def attachment_id(self, network: str, number: int = 1) -> str:
        data = self.data(number)
        return next(a.id for a in data.intent.attachments if data.networks[a.network_id].name == network)

    def status(self, number: int = 1) -> str:
        return str(self.data(number).row.status)

    def set_status(self, status: str, number: int = 1) -> None:
        with self.db.write() as tx:
            tx.execute(sa.update(hosts).where(hosts.c.id == self.id(number)).values(status=status))

    def change_states(self, number: int = 1) -> list[str]:
        """How the changes of a host ended, oldest first."""
        query = sa.select(host_changes.c.state).where(host_changes.c.host_id == self.id(number))
        with self.db.read() as tx:
            return list(tx.scalars(query.order_by(host_changes.c.generation)))

    def codes(self) -> list[int]:
        """Codes of all events, oldest first."""
        with self.db.read() as tx:
            return list(tx.scalars(sa.select(events.c.code).order_by(events.c.id)))

    def idle(self, key: str) -> None:
        """Wait until no job of a lock key is left."""
        self.until(lambda: not self.db.run(busy_with, key))

    def rolled_out(self) -> None:
        """Wait until no rollout goes on."""
        mine = sa.select(jobs.c.id).where(jobs.c.kind == "roll_out", jobs.c.status == "started")
        self.until(lambda: not self.db.run(lambda tx: tx.scalar(mine.limit(1))))

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, "it never came to hold"
            time.sleep(0.04)  # each look takes some of the processor from what is waited for


@contextmanager
def running_fleet(db: Database, folder: Path, count: int = 1, *, installs: bool = True) -> Iterator[Fleet]:
    """A seeded database with so many simulated hosts; they are installed, unless the engine is not to work yet."""
    # As the engine prints tracebacks: with the values of variables, as structlog does by itself, one takes minutes.
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, plain],
        # Not to sys.stdout, which is the command line's while a test runs it in this process.
        logger_factory=structlog.PrintLoggerFactory(sys.__stderr__),
    )
    box = open_box(folder)
    authority = db.run(open_authority, box)
    db.run(bootstrap, folder, "a password of tests", HASHER)
    process = AgentsProcess(folder, authority, db, count)
    agents = Agents(authority)
    fleet = Fleet(db, agents, process, Monitor(agents), box)
    try:
        if installs:
            fleet.start_worker()
        for number in range(1, count + 1) if installs else ():
            fleet.until(lambda number=number: fleet.status(number) != "installing")  # type: ignore[misc]  # a default binds it
        yield fleet
    finally:
        fleet.stop_worker()
        fleet.monitor.close()
        process.stop()
        agents.close()
