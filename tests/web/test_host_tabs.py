"""The tabs of a host: its history, its drift, the paths of its guests to the switches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from web.conftest import Site, Window, heading


def tab(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Parts of").get_by_role("link", name=name).click()


def apply(page: Page, verb: str) -> None:
    """Apply the plan of a dialog, wait until it is kept, and close the dialog."""
    page.get_by_role("dialog").get_by_role("button", name=verb, exact=True).click()
    expect(page.get_by_role("dialog").get_by_text("Kept. The engine has reached the host")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def pick(page: Page, generation: int) -> None:
    page.get_by_role("checkbox", name=re.compile(rf"^Generation {generation}$")).click()


def test_an_earlier_setup_is_compared_and_restored(site: Site, window: Window) -> None:
    host = site.id("sim-3")
    site.add_network("first", "sim-3")
    site.add_network("second", "sim-3")
    generation = site.client.addition("GET", f"hosts/{host}/history")[0]["generation"]
    page = window.open(f"hosts/{host}")
    tab(page, "History")
    expect(heading(page, "sim-3")).to_be_visible()
    pick(page, generation - 1)
    expect(page).to_have_url(re.compile(rf"/hosts/{host}/history\?from={generation - 1}$"))
    expect(heading(page, f"From generation {generation - 1} to now")).to_be_visible()
    pick(page, generation - 2)
    expect(page).to_have_url(re.compile(rf"\?from={generation - 2}&to={generation - 1}$"))
    page.reload()
    there = page.get_by_role("region", name=f"From generation {generation - 2} to {generation - 1}")
    expect(there).to_contain_text("network first was added: on eth1")
    there.get_by_text(f"What generation {generation - 1} requested").click()
    expect(there.get_by_role("table").get_by_role("cell", name="first")).to_be_visible()
    there.get_by_role("button", name=f"Restore {generation - 1}").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("No VM and no host service loses traffic.")).to_be_visible()
    dialog.get_by_text("Same as API call or command").click()
    expect(dialog).to_contain_text(f"netweft host restore sim-3 {generation - 1}")
    apply(page, "Restore")
    assert "second" not in site.carried("sim-3")
    history = page.get_by_role("region", name="History", exact=True)
    expect(history.get_by_role("row").nth(1)).to_contain_text(f"{generation + 1}")
    expect(history.get_by_role("row").nth(1)).to_contain_text("network second was removed")
    page.get_by_role("searchbox").fill("no such words")
    page.get_by_role("button", name="Clear the filter").click()
    expect(history).to_be_visible()


@pytest.fixture
def drifted(site: Site) -> Iterator[str]:
    """A host with a manual change: one of its networks has another MTU."""
    if "astray" not in site.carried("sim-2"):
        site.add_network("astray", "sim-2")
    was = site.host("sim-2")
    site.simulate("sim-2", host=was.with_link(replace(was.bridges["astray"], mtu=1400)))
    yield site.id("sim-2")
    site.simulate("sim-2")


def drift_of(page: Page) -> Locator:
    return page.get_by_role("region", name="Differences").get_by_role("row").filter(has_text="astray.mtu")


def test_drift_is_ignored_counted_again_and_corrected(site: Site, window: Window, drifted: str) -> None:
    page = window.open(f"hosts/{drifted}/drift")
    expect(drift_of(page)).to_contain_text("15001400")
    page.get_by_role("checkbox", name="astray.mtu").click()
    page.get_by_role("button", name="Ignore 1 picked").click()
    page.get_by_label("Until").fill("2099-01-01T00:00")
    page.get_by_label("Reason").fill("being looked at")
    page.get_by_role("dialog").get_by_role("button", name="Ignore", exact=True).click()
    expect(heading(page, "No drift")).to_be_visible()
    ignored = page.get_by_role("region", name="Ignored").get_by_role("row").nth(1)
    expect(ignored).to_contain_text("being looked at")
    ignored.get_by_role("button", name="Count again").click()
    expect(drift_of(page)).to_be_visible()
    page.get_by_role("button", name="Synchronize all").click()
    apply(page, "Synchronize")
    expect(heading(page, "No drift")).to_be_visible()
    expect(page.get_by_text("Default is not synchronized until somebody asks for it")).to_be_visible()
    assert site.host("sim-2").bridges["astray"].mtu == 1500


def test_adopting_is_refused_or_done(site: Site, window: Window, drifted: str) -> None:
    page = window.open(f"hosts/{drifted}/drift")
    page.get_by_role("button", name="Adopt all").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("astray")
    expect(page.get_by_role("dialog").get_by_role("button", name="Adopt")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Adopt all")).to_be_focused()
    was = site.host("sim-2")
    links = {name: link for name, link in was.bridges.items() if name != "astray"}
    vlans = {name: link for name, link in was.vlans.items() if link.master != "astray"}
    site.simulate("sim-2", host=replace(was, bridges=links, vlans=vlans))
    expect(drift_of(page)).to_have_count(0)
    page.get_by_role("button", name="Adopt all").click()
    apply(page, "Adopt")
    expect(heading(page, "No drift")).to_be_visible()
    assert "astray" not in site.carried("sim-2")


@pytest.fixture(scope="module")
def machine(site: Site) -> str:
    """A machine that runs on a host, with a vNIC on one of its networks. Returns the host's id."""
    host = site.id("sim-1")
    site.add_network("cabled", "sim-1")
    add_machines(site, "cabled", "web-1")
    return host


def add_machines(site: Site, network: str, *names: str) -> None:
    profile = next(one["id"] for one in site.client.list("vnicprofiles") if one["name"] == network)
    on = {"vm": {"placement_policy": {"hosts": [{"id": site.id("sim-1")}]}}}
    for name in names:
        body: dict[str, Any] = {"name": name, "cluster": {"name": "Default"}, "template": {"name": "Blank"}}
        vm = site.client.add("vms", body)["id"]
        site.client.add(f"vms/{vm}/nics", {"name": "nic1", "vnic_profile": {"id": profile}})
        site.client.action(f"vms/{vm}/start", on)


def test_a_path_is_highlighted_followed_by_keys_and_equal_in_the_table(window: Window, machine: str) -> None:
    page = window.open(f"hosts/{machine}/topology")
    guests = page.get_by_role("region", name="Guests")
    guests.get_by_role("button", name="web-1").click()
    expect(
        page.get_by_role("status").filter(has_text="web-1 on cabled by eth1 to port Gi1/0/1 of sw-1b")
    ).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(guests.get_by_role("button", name="nic1")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name=re.compile("^cabled"))).to_be_focused()
    page.keyboard.press("ArrowRight")
    nic = page.get_by_role("button", name=re.compile("^eth1"))
    expect(nic).to_be_focused()
    page.keyboard.press("Enter")
    expect(nic).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Table").click()
    expect(page).to_have_url(re.compile(r"\?sel=nic%3Aeth1&view=table$"))
    page.reload()
    row = page.get_by_role("row").filter(has_text="web-1")
    expect(row).to_contain_text("cabled")
    expect(row).to_contain_text("Gi1/0/1 of sw-1b")
    expect(row.get_by_role("button", name="eth1")).to_have_attribute("aria-pressed", "true")
    row.get_by_role("button", name="eth1").click()
    expect(page).to_have_url(re.compile(r"\?view=table$"))


def test_many_guests_are_grouped_by_network(site: Site, window: Window, machine: str) -> None:
    add_machines(site, "cabled", *(f"of-many-{number}" for number in range(60)))
    page = window.open(f"hosts/{machine}/topology")
    group = page.get_by_role("region", name="Guests").get_by_role("button", name="cabled")
    expect(group).to_contain_text("61 guests")
    expect(page.get_by_role("button", name="of-many-7", exact=True)).to_have_count(0)
    group.click()
    expect(page).to_have_url(re.compile(r"\?open="))
    expect(page.get_by_role("button", name="of-many-7", exact=True)).to_be_visible()
    group.press("ArrowRight")
    expect(page.get_by_role("region", name="Networks").get_by_role("button", name="cabled")).to_be_focused()


def test_the_header_and_its_commit_button_are_on_each_tab(site: Site, window: Window) -> None:
    site.add_network("to commit", "sim-1", nic="eth3")
    page = window.open(f"hosts/{site.id('sim-1')}/history")
    page.get_by_role("button", name="Commit").click()
    expect(page.get_by_text("not committed")).to_have_count(0)
    for name in ("Topology", "Drift", "Set up networks"):
        tab(page, name)
        expect(page.get_by_text("committed", exact=True)).to_be_visible()
    expect(heading(page, "Uplinks")).to_be_visible()
    window.open(f"hosts/{site.id('sim-1')}/nothing")
    expect(heading(page, "There is no such page")).to_be_visible()


def act(page: Page, host: str, action: str) -> None:
    page.get_by_role("button", name=f"Actions for {host}").click()
    page.get_by_role("menuitem", name=action).click()


def test_networks_are_copied_from_another_host(site: Site, window: Window) -> None:
    site.add_network("copied", "sim-1", nic="eth2")
    page = window.open(f"hosts/{site.id('sim-3')}/topology")
    act(page, "sim-3", "Copy networks from")
    dialog = page.get_by_role("dialog", name="Copy networks to sim-3")
    for source in ("sim-2", "sim-1"):
        dialog.get_by_label("From").select_option(site.id(source))
    dialog.get_by_text("Same as API call or command").click()
    expect(dialog).to_contain_text("netweft host copy-networks sim-3 sim-1")
    apply(page, "Copy")
    assert "copied" in site.carried("sim-3")
    site.client.addition(
        "POST", f"hosts/{site.id('sim-3')}/history/{generation_before(site)}/restore", {"commit": True}
    )


def generation_before(site: Site) -> int:
    return int(site.client.addition("GET", f"hosts/{site.id('sim-3')}/history")[1]["generation"])


def test_a_host_goes_to_maintenance_and_back(site: Site, window: Window) -> None:
    page = window.open(f"hosts/{site.id('sim-3')}")
    act(page, "sim-3", "Put into maintenance")
    page.get_by_role("dialog").get_by_role("button", name="Put into maintenance").click()
    expect(page.get_by_text("maintenance", exact=True)).to_be_visible()
    act(page, "sim-3", "Activate")
    page.get_by_role("dialog").get_by_role("button", name="Activate").click()
    expect(page.get_by_text("up", exact=True)).to_be_visible()
    act(page, "sim-3", "Ask for its report")
    expect(page.get_by_text("sim-3 has reported.")).to_be_attached()
