"""Providers: adding, importing networks, subnets, and an unreachable one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import expect

import memory_fabric
from engine_process import EngineProcess
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.providers import insert_provider
from netweft.engine.db import Database, new_id
from netweft.engine.model.providers import ProviderRow
from netweft.engine.settings import DATABASE_FILE
from netweft.providers import configuration
from netweft.providers.contract import ENTRY_POINTS
from web.conftest import Opened, Site, Window, heading, logged_in
from web.test_vms import choose, row

TESTS = Path(__file__).parents[1]
NOBODY = "http://127.0.0.1:1"


def add_away(site: Site, name: str) -> str:
    """Store a provider that does not answer, which the API would refuse. Returns its id."""
    row = ProviderRow(id=new_id(), name=name, type="neutron", url=NOBODY)
    with closing(Database(f"sqlite:///{site.engine.data / DATABASE_FILE}")) as db:
        db.run(insert_provider, SYSTEM, row)
    return row.id


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """An engine with further kinds of a provider and of a fabric, found by entry points as any is, and one of each."""
    folder = tmp_path_factory.mktemp("providers")
    about = folder / "modules" / "further-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: further\nVersion: 1\n")
    points = {ENTRY_POINTS: "memory_provider", configuration.ENTRY_POINTS: "memory_fabric"}
    lines = "".join(f"[{group}]\nmemory = {module}:connect\n" for group, module in points.items())
    (about / "entry_points.txt").write_text(lines)
    path = os.pathsep.join((str(about.parent), str(TESTS), os.environ.get("PYTHONPATH", "")))
    started = EngineProcess(folder / "engine", environment={"PYTHONPATH": path}, anew=True)
    with started as engine, engine.client() as client:
        provider = {"name": "cloud", "type": "memory", "url": "http://there.example"}
        client.add("openstacknetworkproviders", provider)
        account = {"username": "netweft", "password": memory_fabric.PASSWORD}
        fabric = {"name": "fabric", "type": "memory", "url": "https://fabric.example", **account}
        client.addition("POST", "configurationproviders", fabric)
        yield engine


@pytest.fixture
def window(engine: EngineProcess, opened: Opened) -> Window:
    window = logged_in(opened(engine.url), engine)
    window.open("providers")
    expect(heading(window.page, "Providers")).to_be_visible()
    return window


def test_networks_are_imported_and_get_subnets(engine: EngineProcess, window: Window) -> None:
    page = window.page
    expect(row(page, "cloud")).to_contain_text("Answers")
    page.get_by_role("link", name="cloud").click()
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_text("It answers.")).to_be_visible()
    page.get_by_role("button", name="List what it has").click()
    page.get_by_label("blue").check()
    page.get_by_role("button", name="Import 1 network").click()
    expect(row(page, "blue")).to_contain_text("imported")
    expect(page.get_by_label("blue is here")).to_be_disabled()
    page.get_by_role("button", name="Subnets of blue").click()
    page.get_by_role("button", name="Add subnet…").click()
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("desks")
    page.get_by_role("dialog").get_by_label("CIDR").fill("192.0.2.7/24")
    page.get_by_role("dialog").get_by_role("button", name="Add subnet").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("dialog").get_by_label("CIDR").fill("192.0.2.0/24")
    page.get_by_role("dialog").get_by_role("button", name="Add subnet").click()
    expect(row(page, "desks")).to_contain_text("192.0.2.0/24")
    choose(page, "desks", "Edit…")
    page.get_by_role("dialog").get_by_label("Gateway").fill("192.0.2.1")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(row(page, "desks")).to_contain_text("192.0.2.1")
    choose(page, "desks", "Remove…")
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("desks", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Remove…").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("alert")).to_contain_text("blue")
    with engine.client() as client:
        assert client.find("networks", "blue")["external_provider"]


def test_a_provider_without_an_answer_is_not_added_and_the_form_keeps_its_fields(window: Window) -> None:
    page = window.page
    page.get_by_role("button", name="Add provider…").click()
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("away")
    page.get_by_role("dialog").get_by_label("URL", exact=True).fill(NOBODY)
    page.get_by_role("dialog").get_by_label("It requires a log-in").check()
    page.get_by_role("dialog").get_by_label("URL of Keystone").fill(f"{NOBODY}/v3")
    page.get_by_role("dialog").get_by_label("User", exact=True).fill("netweft")
    page.get_by_role("dialog").get_by_label("Password", exact=True).fill("a secret word")
    for field in ("Project", "User's domain", "Project's domain"):
        page.get_by_role("dialog").get_by_label(field, exact=True).fill("default")
    page.get_by_text("Same as API call").click()
    expect(page.get_by_role("region", name="Request")).to_contain_text("netweft")
    expect(page.get_by_role("region", name="Request")).not_to_contain_text("a secret word")
    page.get_by_role("button", name="Test and add").click()
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    expect(page.get_by_role("dialog").get_by_label("URL of Keystone")).to_have_value(f"{NOBODY}/v3")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Add fabric…").click()
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("second")
    page.get_by_role("dialog").get_by_label("Address").fill("127.0.0.1:1")
    page.get_by_role("dialog").get_by_label("User", exact=True).fill("netweft")
    page.get_by_role("dialog").get_by_label("Password", exact=True).fill("a secret word")
    page.get_by_role("button", name="Test and add").click()
    expect(page.get_by_role("alert")).to_be_visible()


def test_a_provider_is_changed(engine: EngineProcess, window: Window) -> None:
    page = window.page
    page.get_by_role("link", name="cloud").click()
    page.get_by_role("button", name="Edit…").click()
    page.get_by_role("dialog").get_by_label("Description").fill("third floor")
    page.get_by_role("dialog").get_by_label("Read-only").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_text("third floor")).to_be_visible()
    expect(page.get_by_text("changes nothing (read-only)")).to_be_visible()
    page.get_by_role("button", name="Edit…").click()
    page.get_by_role("dialog").get_by_label("URL", exact=True).fill("ftp://nowhere")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    with engine.client() as client:
        assert client.find("openstacknetworkproviders", "cloud")["url"] == "http://there.example"


def test_a_fabric_carries_a_network(engine: EngineProcess, window: Window) -> None:
    with engine.client() as client:
        center = client.find("datacenters", "Default")["id"]
        client.add("networks", {"name": "green", "data_center": {"id": center}, "vlan": {"id": 7}})
    page = window.page
    page.get_by_role("link", name="fabric").click()
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_text("It answers.")).to_be_visible()
    page.get_by_role("button", name="Carry a network…").click()
    page.get_by_role("dialog").get_by_label("Network").select_option(label="green (Default)")
    page.get_by_role("dialog").get_by_label("High performance").check()
    page.get_by_role("button", name="Carry it").click()
    expect(row(page, "green")).to_contain_text("In sync")
    choose(page, "green", "Edit…")
    expect(page.get_by_role("dialog").get_by_label("High performance")).to_be_checked()
    page.get_by_role("dialog").get_by_label("QoS policy").fill("gold")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    with engine.client() as client:
        (profile,) = client.addition("GET", f"networks/{client.find('networks', 'green')['id']}/portprofiles")
    assert (profile["qos_policy"], profile["high_performance"]) == ("gold", True)
    choose(page, "green", "Remove…")
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("None yet.")).to_be_visible()
