"""WCAG 2.2 AA as far as a program can tell (axe-core), on every screen, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from web.conftest import Opened, Site, Window, item

AXE = Path(__file__).parents[2] / ".cache/axe/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """async (rules) => (await axe.run(document, {runOnly: rules})).violations.map(
    (found) => [found.id, ...found.nodes.map((node) => `${node.html.slice(0, 150)}: ${node.failureSummary}`)])"""
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]
WIDTHS = [1440, 420, 320]


def check(page: Page, what: str) -> None:
    """No violation of any rule, and nothing that one has to scroll sideways for."""
    page.evaluate("scrollTo(0, 0)")  # what is half below a bar that stays in sight can be scrolled from there
    found: list[Any] = page.evaluate(RUN, RULES)
    assert not found, f"{what}: {found}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{what} is too wide"


def look_at_lists(window: Window, _: Site) -> None:
    for place in ("hosts", "networks", "rollouts", "events"):
        page = window.open(f"{place}?search=no-such-thing")
        expect(page.get_by_role("button", name="Clear the filter")).to_be_visible()
        check(page, f"{place}, of which none matches")
        page.get_by_role("button", name="Clear the filter").click()
        expect(page.get_by_role("table")).to_be_visible()
        check(page, place)
        page = window.open(f"{place}?search=color%3Dblue")
        expect(page.get_by_role("alert")).to_be_visible()
        check(page, f"{place}, refused")
    page = window.open("nowhere")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    check(page, "an address of nothing")
    page = window.open("hosts/no-such-host")
    expect(page.get_by_role("alert")).to_be_visible()
    check(page, "no such host")


def look_at_setup(window: Window, site: Site) -> None:
    page = window.open(f"hosts/{site.id('sim-1')}")
    expect(page.get_by_role("heading", name="Uplinks")).to_be_visible()
    check(page, "host")
    item(page, "looked at").click()
    check(page, "placing")
    page.keyboard.press("1")
    review = page.get_by_role("button", name="Review")
    if review.is_visible():
        review.click()
    expect(page.get_by_role("button", name="Apply 1 change")).to_be_enabled()
    check(page, "basket")
    page.get_by_role("button", name="Discard").click()
    item(page, "eth3").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("1")
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page, "making a bond")


def look_at_setup_forms(window: Window, site: Site) -> None:
    page = window.open(f"hosts/{site.id('sim-1')}")
    for what, action, filled in (
        ("carried", "Edit…", ("IPv4", "Static")),
        ("eth2", "Labels…", None),
        ("eth2", "Virtual functions…", ("They serve", "certain networks")),
    ):
        button = page.get_by_role("button", name=f"Actions for {what}", exact=True)
        button.scroll_into_view_if_needed()
        button.click()
        expect(page.get_by_role("menuitem", name=action)).to_be_visible()
        check(page, f"actions for {what}")
        page.get_by_role("menuitem", name=action).click()
        if filled:
            page.get_by_role("combobox", name=filled[0], exact=True).select_option(filled[1])
        if action == "Edit…":
            page.get_by_label("IPv4 address").fill("192.0.2.255")
            page.get_by_label("IPv4 gateway").fill("192.0.2.1")
            page.get_by_role("combobox", name="QoS").select_option("Own limits on this host")
            page.get_by_label("Weighted share").fill("50")
            page.get_by_role("button", name="Add to changes").click()
            expect(page.get_by_role("alert")).to_be_visible()
        check(page, f"{action} of {what}")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def look_at_network(window: Window, site: Site) -> None:
    page = window.open(f"networks/{site.client.find('networks', 'looked at')['id']}")
    page.get_by_label("MTU").fill("9000")
    page.get_by_role("button", name="Plan the change").click()
    expect(page.get_by_role("button", name="Change the network")).to_be_visible()
    check(page, "network")
    rollout = site.client.addition("GET", "rollouts")[0]["id"]
    page = window.open(f"rollouts/{rollout}")
    page.get_by_role("button", name="Revert…").click()
    check(page, "rollout")


LOOKS: list[Callable[[Window, Site], None]] = [look_at_lists, look_at_setup, look_at_setup_forms, look_at_network]


@pytest.fixture(scope="module", autouse=True)
def _things(site: Site) -> None:
    """Something to look at: a network that hosts carry, one that they do not, a rollout."""
    site.add_network("looked at")
    network = site.add_network("carried", "sim-1", "sim-2")
    site.client.update(f"networks/{network}", {"mtu": 9000})


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_screen_is_accessible(opened: Opened, site: Site, scheme: Literal["light", "dark"], width: int) -> None:
    window = opened(color_scheme=scheme, viewport={"width": width, "height": 900}, reduced_motion="reduce")
    window.page.add_init_script(path=AXE)
    expect(window.open("hosts").get_by_role("button", name="Log in")).to_be_visible()
    check(window.page, "login")
    window.log_in()
    expect(window.page.get_by_role("table")).to_be_visible()
    for look in LOOKS:
        look(window, site)
