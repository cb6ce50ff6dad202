"""An engine that installs agents by SSH, on a machine with a real SSH server, which joins it by the real program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.served import serving_app
from fleet import Fleet
from netweft.api.routes import Services
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.host_deployments import WayIn, add_and_deploy, install_host
from netweft.engine.commands.hosts import AddHost
from netweft.engine.model.hosts import HostRow
from netweft.engine.model.jobs import jobs
from netweft.engine.queries.hosts import plain
from netweft.engine.queries.references import Ref
from netweft.engine.queue import Outcome
from ssh_host import SshHost, make_package, ssh_host


@dataclass
class Deployments:
    """An engine that works, an address at which hosts join it, and a machine."""

    fleet: Fleet
    engine_url: str
    machine: SshHost
    ports: Iterator[int] = field(default_factory=lambda: count(54322))

    def way(self, **other: Any) -> WayIn:
        return WayIn(**{"by_key": True, "engine_url": self.engine_url, "has_package": True, **other})

    def add(self, name: str = "one", fingerprint: str = "", address: str = "", **way: Any) -> str:
        spec = AddHost(
            name=name,
            address=address or f"{self.machine.address}:{next(self.ports)}",
            cluster=Ref(name="Default"),
            ssh_port=self.machine.port,
            ssh_fingerprint=fingerprint,
        )
        return self.fleet.db.run(add_and_deploy, SYSTEM, spec, self.way(**way), box=self.fleet.box)

    def again(self, host_id: str, **way: Any) -> str:
        return self.fleet.db.run(install_host, SYSTEM, host_id, self.way(**way), box=self.fleet.box)

    def ended(self, host_id: str) -> Outcome:
        """How the last job that put an agent on a host ended."""
        with self.fleet.db.read() as tx:
            mine = sa.select(jobs.c.id).where(jobs.c.kind == "deploy_agent", jobs.c.lock_key == f"host:{host_id}")
            job_id = tx.scalars(mine.order_by(jobs.c.number.desc())).first()
        return self.fleet.outcome(job_id)

    def row(self, host_id: str) -> HostRow:
        with self.fleet.db.read() as tx:
            return plain(tx, host_id)

    def failed(self, host_id: str) -> Outcome:
        """How it failed; the host says the same."""
        ended = self.ended(host_id)
        assert ended.status == "failed", ended
        assert self.row(host_id).status == "install_failed"
        assert self.row(host_id).status_reason == ended.error
        assert not self.installations(host_id)
        return ended

    def joined(self, host_id: str) -> None:
        """It went well: the host has joined, and its installation is what is left to do."""
        ended = self.ended(host_id)
        assert ended.status == "finished", ended
        row = self.row(host_id)
        assert (row.status, row.agent_url) == ("installing", "https://127.0.0.1:1"), row
        assert self.installations(host_id) == 1
        assert json.loads(self.machine.joined.read_text())["host_id"] == host_id

    def installations(self, host_id: str) -> int:
        mine = sa.and_(jobs.c.kind == "install_host", jobs.c.lock_key == f"host:{host_id}", jobs.c.status == "started")
        with self.fleet.db.read() as tx:
            return len(tx.execute(sa.select(jobs.c.id).where(mine)).all())


@contextmanager
def deployments(fleet: Fleet, folder: Path) -> Iterator[Deployments]:
    """Let hosts join the engine of a fleet, which has an agent for them from now on."""
    fleet.agent_package = make_package(folder)
    authority = fleet.agents.authority
    services = Services(authority=authority, box=fleet.box, provider_types=frozenset(), has_agent_package=True)
    options = "--listen 127.0.0.1:0 --address https://127.0.0.1:1"
    with serving_app(fleet.db, services) as url, ssh_host(folder / "machine", join_options=options) as machine:
        machine.trust(authority.ssh.certificate)
        yield Deployments(fleet, url, machine)
