"""The overview, running jobs, the search, and the keyboard shortcuts."""

from __future__ import annotations

import re
from dataclasses import replace

from playwright.sync_api import expect

from web.conftest import HOSTS, Site, Window, heading


def put_right(site: Site) -> None:
    """Reset the hosts, and remove providers that do not answer."""
    for provider in site.client.list("openstacknetworkproviders"):
        site.client.remove(f"openstacknetworkproviders/{provider['id']}")
    for host in HOSTS:
        for action in ("syncallnetworks", "commitnetconfig"):
            site.client.action(f"hosts/{site.id(host)}/{action}", {})


def test_a_problem_appears_in_the_overview_and_links_to_its_fix(site: Site, window: Window) -> None:
    put_right(site)
    page = window.open("")
    expect(heading(page, "All is well")).to_be_visible()
    site.add_network("watched", "sim-1")
    uncommitted = page.get_by_role("row").filter(has_text=re.compile("Not committed"))
    expect(uncommitted.get_by_role("link")).to_have_attribute("href", f"/ui/hosts/{site.id('sim-1')}")
    site.client.action(f"hosts/{site.id('sim-1')}/commitnetconfig", {})
    host = site.host("sim-1")
    site.simulate("sim-1", host=host.with_link(replace(host.bridges["watched"], mtu=1400)))
    drifted = page.get_by_role("row").filter(has_text="watched: mtu should be 1500, and is 1400")
    expect(drifted).to_contain_text("Warning")
    expect(page.get_by_text("1 of 3 out of sync")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Network watched was added").get_by_role("link")).to_be_visible()
    drifted.get_by_role("link", name="sim-1").click()
    expect(page).to_have_url(re.compile(rf"/hosts/{site.id('sim-1')}/drift$"))
    page.get_by_role("button", name="Synchronize all").click()
    page.get_by_role("dialog").get_by_role("button", name="Synchronize").click()
    expect(page.get_by_role("dialog").get_by_text("Kept.")).to_be_visible()


def test_running_jobs_are_shown_on_every_page(site: Site, window: Window) -> None:
    network = site.add_network("moving", *HOSTS)
    cluster = site.client.find("clusters", "Default")["id"]
    site.client.update(f"clusters/{cluster}", {"rollout_soak": 3600})
    page = window.open("networks")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    site.client.update(f"networks/{network}", {"mtu": 9000})
    page.get_by_role("link", name="1 rollout under way").click()
    expect(page.get_by_role("heading", name=re.compile(r"^Rollout \d+$"))).to_be_visible()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Overview").click()
    expect(page.get_by_role("region", name="Under way")).to_contain_text("network moving has changed")
    page.get_by_role("region", name="Under way").get_by_role("link", name="Rollout").click()
    page.get_by_role("button", name="Halt").click()
    expect(page.get_by_role("link", name="under way")).to_have_count(0)
    site.client.update(f"clusters/{cluster}", {"rollout_soak": 0})
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("succeeded", exact=True)).to_be_visible()


def test_the_search_finds_objects_from_every_page_by_keys(site: Site, window: Window) -> None:
    network = site.add_network("needle")
    page = window.open("events")
    expect(heading(page, "Events")).to_be_visible()
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Name, address, MAC or VLAN")
    expect(field).to_be_focused()
    page.keyboard.type("needl")
    expect(page.get_by_role("option", name="needle").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/networks/{network}$"))
    expect(heading(page, "needle")).to_be_visible()
    page.get_by_role("button", name="Find").click()
    field.fill("sim-")
    expect(page.get_by_role("option").filter(has_text="Host")).to_have_count(3)
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option", name="sim-2")).to_have_attribute("aria-selected", "true")
    field.fill("no such thing")
    expect(page.get_by_text("Nothing matches “no such thing”.")).to_be_visible()
    field.fill("roll")
    page.get_by_role("option", name="Rollouts").click()
    expect(page).to_have_url(re.compile(r"/rollouts$"))


def test_keys_right_after_opening_a_dialog_reach_the_dialog(site: Site, window: Window) -> None:
    network = site.add_network("ghost")
    window.page.add_init_script("requestAnimationFrame = () => 0")  # a slow machine
    page = window.open("events")
    expect(heading(page, "Events")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("ghos")
    expect(page.get_by_role("option", name="ghost").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/networks/{network}$"))


def test_a_dialog_opens_right_after_another_one_closes(window: Window) -> None:
    page = window.open("hosts")
    expect(page.get_by_role("table")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.evaluate(
        """() => {
            document.querySelector('dialog[open]').close(); // of which the page hears only after the key
            document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'k', ctrlKey: true, bubbles: true}));
        }"""
    )
    find = page.get_by_role("dialog", name="Find")
    find.get_by_role("combobox").fill("sim-")
    expect(find.get_by_role("option").nth(2)).to_be_visible()


def test_keys_right_after_opening_a_menu_reach_the_menu(window: Window) -> None:
    page = window.open("policies/macpools")
    menu = page.get_by_role("button", name="Actions for Default")
    focused = "async (menu) => { menu.click(); await null; await null; return document.activeElement.role; }"
    assert menu.evaluate(focused) == "menuitem"


def test_letters_open_pages_unless_turned_off(window: Window) -> None:
    page = window.open("hosts")
    expect(page.get_by_role("table")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("n")
    expect(heading(page, "Networks")).to_be_visible()
    page.get_by_role("searchbox").press_sequentially("gh")
    expect(heading(page, "Networks")).to_be_visible()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_role("checkbox", name="Single keys work").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog", name="Find")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/networks\?search=gh$"))
