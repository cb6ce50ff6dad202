"""What is asked and refused, as rows of tables: which rule, the request, and what the answer must say.

Each noun has a module of its own here with ``prepare`` and ``TABLE``; ``HOSTS`` is the number of simulated hosts that
it needs. A table is worked off from top to bottom; a function between its rows changes what is there. ``{name}`` in a
path or a body stands for the id of that name (:attr:`Site.names`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import sqlalchemy as sa
from lxml import etree

import rows
from api import walk
from api.served import Client, Engine
from fleet import Fleet
from netweft.api.routes import ADDITIONS
from netweft.engine.db import utc_now
from netweft.engine.model.vms import vms

IN_DEFAULT = "<data_center><name>Default</name></data_center>"
HOME = "<cluster><name>Default</name></cluster>"
LONG = "x" * 4001


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that must be refused. ``rule``: module and function of core.rules; ``words``: part of the detail."""

    rule: str
    method: str
    path: str
    body: str
    code: str
    words: str
    status: int = 409

    def __str__(self) -> str:
        return f"{self.rule}: {self.method} {self.path} {self.body[:300]}"


@dataclass
class Site:
    """An engine, and the ids of what is in it by the names that tables call them by."""

    engine: Engine
    client: Client
    hosts: Fleet | None
    names: dict[str, str] = field(default_factory=dict)

    @property
    def fleet(self) -> Fleet:
        assert self.hosts is not None, "this noun's module asks for no hosts"
        return self.hosts

    def filled(self, text: str) -> str:
        for name, value in self.names.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def send(self, row: Refusal) -> httpx.Response:
        path, body = self.filled(row.path), self.filled(row.body)
        if path.startswith(ADDITIONS):
            headers = {"Content-Type": "application/json"}
            return self.client.request(row.method, self.engine.url + path, content=body.encode(), headers=headers)
        return self.client.request(row.method, path, content=body.encode() or None)

    def add(self, path: str, body: str, name: str = "") -> str:
        """Add something by the API; its id is known by ``name``."""
        found = str(self.client.post_xml(self.filled(path), self.filled(body)).get("id"))
        self.names[name or path] = found
        return found

    def change(self, path: str, body: str) -> None:
        self.client.put_xml(self.filled(path), self.filled(body))

    def act(self, path: str, body: str = "") -> None:
        self.client.action(self.filled(path), f"<action>{self.filled(body)}</action>")

    def network(self, name: str, more: str = "", where: str = IN_DEFAULT) -> str:
        return self.add("/networks", f"<network><name>{name}</name>{more}{where}</network>", name)

    def attach(self, network: str, cluster: str = "Default", more: str = "<required>false</required>") -> None:
        """Attach a network to a cluster, both by name."""
        body = f"<network id='{self.names[network]}'>{more}</network>"
        self.client.post_xml(f"/clusters/{self.names[cluster]}/networks", body)

    def profile(self, network: str) -> str:
        """The profile that came with a network; its id is known by the network's name with ``profile:`` before it."""
        found = self.client.first_id(f"/networks/{self.names[network]}/vnicprofiles")
        self.names[f"profile:{network}"] = found
        return found

    def insert(self, write: Callable[..., str], *arguments: Any, name: str) -> str:
        """Write a row that the API would not, or not so soon; its id is known by ``name``."""
        with self.engine.db.write() as tx:
            self.names[name] = write(tx, *arguments)
        return self.names[name]

    def run_vm(self, name: str, host_id: str, cluster: str = "Default") -> None:
        """A virtual machine that is up on a host."""
        vm_id = self.insert(rows.add_vm, self.names[cluster], name, "up", name=name)
        self.update(vms, vm_id, host_id=host_id, changed_at=utc_now())

    def update(self, table: sa.Table, row_id: str, **values: Any) -> None:
        with self.engine.db.write() as tx:
            tx.execute(sa.update(table).where(table.c.id == row_id).values(**values))

    def stored(self) -> dict[str, Any]:
        """All rows of all tables but those that tell of the attempt itself, or that the engine lives."""
        found = walk.stored(self.engine)
        del found["events"], found["replicas"]
        return found


Step = Callable[[Site], object]
Table = Sequence[Refusal | Step]


def work_off(site: Site, table: Table) -> list[str]:
    """Send every request of a table; returns what is wrong with the answers, or with what is stored after them."""
    wrong, before = [], site.stored()
    for row in table:
        if not isinstance(row, Refusal):
            row(site)
            before = site.stored()
            continue
        answer = site.send(row)
        codes, detail = answer.headers.get("Netweft-Code", "").split(", "), _detail(answer)
        if answer.status_code != row.status or row.code not in codes or row.words not in detail:
            wrong.append(f"{row}\n   {answer.status_code} {', '.join(codes)}: {detail or answer.text[:300]}")
        after = site.stored()
        changed = [name for name, has in after.items() if has != before[name]]
        if changed:
            wrong.append(f"{row}\n   changed rows of {', '.join(changed)}")
        before = after
    return wrong


def _detail(answer: httpx.Response) -> str:
    if not answer.is_error or not answer.content:
        return ""
    if "json" in answer.headers["content-type"]:
        return str(answer.json().get("detail", ""))
    return etree.fromstring(answer.content).findtext(".//detail") or ""
