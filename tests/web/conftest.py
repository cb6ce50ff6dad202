"""A browser in front of a real engine with simulated hosts. A test finds elements by role and name only, as a screen
reader does; reports of the page (content security policy, errors) fail the test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

import browser
import waiting
from engine_process import PASSWORD, EngineProcess
from netweft.agent.simulated_machine import Simulation
from netweft.api.auth import COOKIE
from netweft.client import Client
from netweft.core.host import Host
from netweft.engine.agents import Agents
from netweft.engine.db import Database
from netweft.engine.model.hosts import hosts
from netweft.engine.pki import open_authority
from netweft.engine.secrets import open_box
from netweft.engine.settings import DATABASE_FILE

HOSTS = ("sim-1", "sim-2", "sim-3")
_PATIENCE = 20_000
"""Milliseconds after which an expected element counts as missing."""
WIDE = {"width": 1440, "height": 900}
CONTEXT: dict[str, Any] = {"ignore_https_errors": True, "viewport": WIDE, "reduced_motion": "reduce"}
"""Reduced motion: here the processor draws each frame of an animation."""
_vlans = count(500)

expect.set_options(timeout=_PATIENCE)
HIDE = """(isHidden) => {
    Object.defineProperty(document, 'hidden', {configurable: true, get: () => isHidden});
    document.dispatchEvent(new Event('visibilitychange'));
}"""
"""The event of a hidden tab: a headless browser shows all its tabs."""


@dataclass
class Site:
    """An engine with simulated hosts. ``doors``: the id and the agent's address of each."""

    engine: EngineProcess
    client: Client
    agents: Agents
    doors: dict[str, tuple[str, str]]

    def id(self, host: str) -> str:
        return self.doors[host][0]

    def simulate(self, host: str, /, **faults: Any) -> None:
        """Set the faults of a simulated host; without arguments, clear them."""
        answer = self.agents.of(*self.doors[host]).ask(
            "POST", "/v1/simulation", msgspec.json.encode(Simulation(**faults))
        )
        assert answer.status == 200, answer.body

    def host(self, host: str) -> Host:
        """The actual networking of a host."""
        return self.agents.of(*self.doors[host]).report().host

    def add_network(self, name: str, *on: str, nic: str = "eth1") -> str:
        """Add a network of the cluster, on these hosts. Returns its id."""
        cluster = self.client.find("clusters", "Default")
        body = {"name": name, "data_center": {"id": cluster["data_center"]["id"]}, "vlan": {"id": next(_vlans)}}
        network = self.client.add("networks", body)
        self.client.add(f"clusters/{cluster['id']}/networks", {"id": network["id"], "required": False})
        for host in on:
            attachment = {"network": {"id": network["id"]}, "host_nic": {"name": nic}}
            body = {"modified_network_attachments": [attachment]}
            self.client.action(f"hosts/{self.id(host)}/setupnetworks", body)
        return str(network["id"])

    def add_user(self, name: str) -> str:
        """Add a user without a role, with the common password. Returns the id."""
        return str(self.client.add("users", {"user_name": f"{name}@internal", "password": PASSWORD})["id"])

    def grant(self, user: str, role: str, on: str = "") -> str:
        """Grant a user a role on the object of a path, without one on the system. Returns the permission's id."""
        body = {"user": {"id": user}, "role": {"id": self.client.find("roles", role)["id"]}}
        return str(self.client.add(f"{on}/permissions".lstrip("/"), body)["id"])

    def put_back(self, host: str) -> None:
        """Remove what a test has set up on a host: guests, all networks but the first, bonds, labels and faults."""
        self.simulate(host)
        for guest in self.client.list("vms", search=f"host={host}"):
            self.client.action(f"vms/{guest['id']}/stop")
        path = f"hosts/{self.id(host)}"
        nics = self.client.list(f"{path}/nics", follow="network_labels")
        for nic in nics:
            for label in nic.get("network_labels", []):
                self.client.remove(f"{path}/nics/{nic['id']}/networklabels/{label['id']}")
        there = self.client.list(f"{path}/networkattachments", follow="network")
        gone = [{"id": one["id"]} for one in there if one["network"]["name"] != "ovirtmgmt"]
        bonds = [{"id": nic["id"]} for nic in nics if "bonding" in nic]
        body = {"removed_network_attachments": gone, "removed_bonds": bonds, "commit_on_success": True}
        self.client.action(f"{path}/setupnetworks", body)

    def carried(self, host: str) -> dict[str, str]:
        """The networks of a host with the NICs that they are on."""
        path = f"hosts/{self.id(host)}/networkattachments"
        found = self.client.list(path, follow="network,host_nic")
        return {one["network"]["name"]: one["host_nic"]["name"] for one in found}


until = partial(waiting.until, seconds=_PATIENCE / 1000)


def item(page: Page | Locator, name: str) -> Locator:
    """A network or a NIC that can be picked up: its description follows its name."""
    return page.get_by_role("button", name=re.compile(rf"^{re.escape(name)}\b"))


def heading(page: Page, name: str) -> Locator:
    """The heading of this name: of "Networks", not also of "Networks: none matches"."""
    return page.get_by_role("heading", name=name, exact=True)


def uplink(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=f"{name}, ")


def place(page: Page, network: str, nth: int = 1) -> None:
    """Place a network on one of its targets."""
    item(page, network).click()
    page.get_by_role("button", name="Place here").nth(nth).click()


def drafted(site: Site, window: Window, host: str, network: str) -> Page:
    """The page of a host on which a new network is placed, which is not applied."""
    site.add_network(network)
    page = window.open(f"hosts/{site.id(host)}")
    place(page, network)
    expect(page.get_by_role("button", name="Apply 1 change")).to_be_enabled()
    return page


def set_up(page: Page, host_id: str) -> Any:
    """Apply the basket, and wait for the end of the change. Returns the request."""
    with page.expect_request(f"**/hosts/{host_id}/setupnetworks") as sent:
        page.get_by_role("button", name="Apply").click()
    return json.loads(sent.value.post_data or "")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("engine")
    with (
        EngineProcess(folder, options=("--simulated-hosts", str(len(HOSTS)), "--simulated-cards", "1")) as engine,
        closing(Database(f"sqlite:///{folder}/{DATABASE_FILE}")) as db,
        engine.client() as client,
    ):
        authority = db.run(open_authority, open_box(folder))
        with closing(Agents(authority)) as agents:
            yield Site(engine, client, agents, _doors(client, db))


@pytest.fixture(scope="module", autouse=True)
def _hosts_as_they_were(site: Site) -> Iterator[None]:
    """Each file begins with hosts that carry the management network only."""
    yield
    for host in HOSTS:
        site.put_back(host)


def _doors(client: Client, db: Database) -> dict[str, tuple[str, str]]:
    """The id and the agent's address of each host, once all are up."""
    until(lambda: len(client.list("hosts", search="status=up")) == len(HOSTS))
    with db.read() as tx:
        found = tx.execute(sa.select(hosts.c.name, hosts.c.id, hosts.c.agent_url))
        return {row.name: (row.id, row.agent_url) for row in found}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with browser.chromium() as started:
        yield started


@dataclass
class Window:
    """A page of the browser, and its reports."""

    page: Page
    url: str
    reported: list[str] = field(default_factory=list)

    def open(self, place: str) -> Page:
        self.page.goto(f"{self.url}/ui/{place}")
        return self.page

    def log_in(self, name: str = "admin@internal", password: str = PASSWORD) -> None:
        self.page.get_by_label("User name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()

    def hear(self, message: ConsoleMessage) -> None:
        """The page shows refusals of the engine; every other report is a defect."""
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            self.reported.append(message.text)


Opened = Callable[..., Window]


@pytest.fixture
def opened(site: Site, chromium: Browser) -> Iterator[Opened]:
    """New windows of a browser without stored data; ``url``: of the engine; ``options``: of the browser's context."""
    windows: list[Window] = []

    def open_window(url: str = site.engine.url, **options: Any) -> Window:
        context = chromium.new_context(**{**CONTEXT, **options})
        window = Window(context.new_page(), url)
        window.page.set_default_timeout(_PATIENCE)
        window.page.on("console", window.hear)
        window.page.on("pageerror", lambda error: window.reported.append(str(error)))
        windows.append(window)
        return window

    yield open_window
    reported = [text for window in windows for text in window.reported]
    for window in windows:
        window.page.context.close()
    assert not reported, reported


def logged_in(window: Window, engine: EngineProcess, name: str = "admin@internal") -> Window:
    """A window whose browser has a session of a user. Logging in on the page takes as long as most of a test."""
    with engine.door() as door:
        answer = door.get("/ovirt-engine/api", auth=(name, PASSWORD), headers={"Prefer": "persistent-auth"})
    window.page.context.add_cookies([{"name": COOKIE, "value": answer.cookies[COOKIE], "url": engine.url}])
    return window


@pytest.fixture
def window(site: Site, opened: Opened) -> Window:
    """An empty window, in which the administrator has logged in."""
    return logged_in(opened(), site.engine)
