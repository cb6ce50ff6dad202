"""WCAG 2.2 AA as far as a program can tell (axe-core), on every screen, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from web.conftest import Opened, Site, Window, heading, item
from web.test_providers import add_away
from web.test_vms import add_machine

AXE = Path(__file__).parents[2] / ".cache/page/node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES: dict[Literal["light", "dark"], Any] = {
    "light": {"type": "tag", "values": TAGS},
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
"""The dark scheme can differ in colours only: the elements are the same."""
RUN = """async (rules) => (await axe.run(document, {runOnly: rules, resultTypes: ['violations']})).violations.map(
    (found) => [found.id, ...found.nodes.map((node) => `${node.html.slice(0, 150)}: ${node.failureSummary}`)])"""
HEIGHT = 900
WIDE, NARROW = 1440, 420
NARROWEST = 320
"""The width at which no horizontal scrolling may be necessary (WCAG 2.2, 1.4.10)."""


def check(page: Page, what: str) -> None:
    """Check that no rule is violated, light and dark, and that no horizontal scrolling is necessary."""
    page.evaluate("scrollTo(0, 0)")  # elements that a fixed bar covers partly can be scrolled
    for scheme, rules in RULES.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found: list[Any] = page.evaluate(RUN, rules)
        assert not found, f"{what}, {scheme}: {found}"
    assert page.viewport_size is not None
    width = page.viewport_size["width"]
    for narrower in (width, NARROWEST) if width == NARROW else (width,):
        page.set_viewport_size({"width": narrower, "height": HEIGHT})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{what} is too wide at {narrower}"
    page.set_viewport_size({"width": width, "height": HEIGHT})


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
    page = window.open("hosts")
    page.get_by_role("checkbox", name="Pick all on this page").check()
    page.get_by_role("button", name="Columns of Hosts").click()
    expect(page.get_by_role("menu")).to_be_visible()
    check(page, "hosts that are picked, columns to choose from")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Synchronize…").click()
    expect(page.get_by_role("listitem").filter(has_text="To be done").first).to_be_visible()
    check(page, "what is done with several hosts")
    page = window.open("nowhere")
    expect(heading(page, "There is no such page")).to_be_visible()
    check(page, "an address of nothing")
    page = window.open("hosts/no-such-host")
    expect(page.get_by_role("alert")).to_be_visible()
    check(page, "no such host")


def look_at_setup(window: Window, site: Site) -> None:
    page = window.open(f"hosts/{site.id('sim-1')}")
    expect(heading(page, "Uplinks")).to_be_visible()
    check(page, "host")
    item(page, "looked at").click()
    check(page, "placing")
    page.keyboard.press("1")
    review, apply = (page.get_by_role("button", name=name) for name in ("Review", "Apply 1 change"))
    expect(review.or_(apply)).to_be_visible()
    if review.is_visible():
        review.click()
    expect(apply).to_be_enabled()
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


def look_at_vms(window: Window, site: Site) -> None:
    page = window.open("vms?search=no-such-thing")
    expect(page.get_by_role("button", name="Clear the filter")).to_be_visible()
    check(page, "vNICs, of which none matches")
    page = window.open("vms?search=color%3Dblue")
    expect(page.get_by_role("alert")).to_be_visible()
    check(page, "vNICs, refused")
    for place in ("vms?sort=mac", "vms?by=vm"):
        page = window.open(place)
        expect(page.get_by_role("table")).to_be_visible()
        check(page, place)
    page = window.open(f"vms/{site.client.find('vms', 'looked-at')['id']}")
    page.get_by_role("button", name="Actions for nic1").click()
    expect(page.get_by_role("menu")).to_be_visible()
    check(page, "a VM, menu open")
    page.get_by_role("menuitem", name="Edit…").click()
    look_at_dialog(page, "a vNIC's form")


def look_at_policies(window: Window, _: Site) -> None:
    for place, button in (
        ("policies/profiles", "New profile…"),
        ("policies/qos", "New QoS…"),
        ("policies/macpools", "New MAC pool…"),
        ("users", "Add user…"),
        ("users/permissions", "Grant a role…"),
    ):
        page = window.open(place)
        expect(page.get_by_role("table")).to_be_visible()
        check(page, place)
        page.get_by_role("button", name=button).click()
        look_at_dialog(page, f"{place}, form")
    page = window.open("users/roles?role=NetworkAdmin")
    expect(page.get_by_text("assign cluster network")).to_be_visible()
    check(page, "roles")


def look_at_providers(window: Window, site: Site) -> None:
    page = window.open("providers?search=no-such-thing")
    expect(page.get_by_role("button", name="Clear the filter")).to_be_visible()
    page.get_by_role("button", name="Clear the filter").click()
    expect(page.get_by_role("table")).to_be_visible()
    check(page, "providers")
    page.get_by_role("button", name="Add provider…").click()
    page.get_by_label("It requires a log-in").check()
    look_at_dialog(page, "a provider's form")
    page = window.open(f"providers/{site.client.find('openstacknetworkproviders', 'away')['id']}")
    page.get_by_role("button", name="List what it has").click()
    expect(page.get_by_role("alert").last).to_contain_text("cannot be reached")
    check(page, "a provider that does not answer")


def look_at_networks(window: Window, site: Site) -> None:
    page = window.open("networks?show=loose&search=no-such-thing")
    expect(page.get_by_role("button", name="Clear the filter")).to_be_visible()
    page = window.open("networks/new")
    page.get_by_label("Name", exact=True).fill("bond")
    page.get_by_text("Subnet", exact=True).click()
    page.get_by_role("button", name="Create the network").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_text("Same as API call or command").click()
    check(page, "making a network, refused")
    network = site.client.find("networks", "carried")["id"]
    for tab in ("clusters", "hosts", "profiles", "history"):
        page = window.open(f"networks/{network}/{tab}")
        expect(page.get_by_role("table")).to_be_visible()
        check(page, f"{tab} of a network")
    page = window.open(f"networks/{network}/vms")
    expect(heading(page, "No vNICs")).to_be_visible()
    check(page, "vNICs of a network")
    page.get_by_role("button", name="Remove…").click()
    expect(page.get_by_role("dialog").get_by_role("definition").first).to_be_visible()
    look_at_dialog(page, "removing a network")


def look_at_clusters(window: Window, site: Site) -> None:
    page = window.open("clusters")
    expect(page.get_by_role("table")).to_be_visible()
    check(page, "clusters")
    cluster = site.client.find("clusters", "Default")["id"]
    page = window.open(f"clusters/{cluster}")
    page.get_by_label("Wave").fill("11")
    page.get_by_role("button", name="Plan the change").click()
    expect(page.get_by_role("button", name="Change the cluster")).to_be_visible()
    check(page, "cluster")
    page = window.open(f"clusters/{cluster}/networks")
    page.get_by_role("button", name="Change carried in Default").click()
    page.get_by_role("menuitem", name="Change…").click()
    expect(page.get_by_role("dialog").get_by_text("Same as API call")).to_be_visible()
    check(page, "a network in a cluster")


def look_at_matrix(window: Window, _: Site) -> None:
    page = window.open("matrix?networks=no-such-thing")
    expect(page.get_by_role("button", name="Clear the filter")).to_be_visible()
    page = window.open("matrix?clusters=color%3Dblue")
    expect(page.get_by_role("alert")).to_be_visible()
    check(page, "matrix, refused")
    page = window.open("matrix")
    page.get_by_role("gridcell").first.click()
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("button", name="Apply 1 change").or_(page.get_by_role("alert"))).to_be_visible()
    check(page, "matrix")
    page.keyboard.press("Escape")
    page.get_by_role("gridcell").first.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page, "roles in the matrix")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="As a table").click()
    expect(page.get_by_role("table")).to_be_visible()
    check(page, "matrix as a table")


def look_at_dialog(page: Page, what: str) -> None:
    """A form in a dialog, with the request that it makes, also while it is refused."""
    page.get_by_role("dialog").get_by_text("Same as API call").click()
    expect(page.get_by_role("region", name="Request")).to_be_visible()
    check(page, what)
    page.get_by_role("button", name="Cancel").click()


def look_at_overview(window: Window, _: Site) -> None:
    page = window.open("overview")
    expect(heading(page, "Last changes")).to_be_visible()
    check(page, "overview")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page, "keys")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("sim-")
    expect(page.get_by_role("option").nth(2)).to_be_visible()
    check(page, "finding")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def look_at_tabs_of_a_host(window: Window, site: Site) -> None:
    host = f"hosts/{site.id('sim-1')}"
    page = window.open(f"{host}/topology")
    page.get_by_role("button", name="carried").click()
    check(page, "topology")
    page.get_by_role("button", name="Table").click()
    expect(page.get_by_role("table")).to_be_visible()
    check(page, "topology as a table")
    page = window.open(f"{host}/history?from=1")
    page.get_by_text("What generation 1 requested").click()
    expect(heading(page, "It had after it")).to_be_visible()
    check(page, "history")
    page.get_by_role("button", name="Restore 1").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page, "restoring")
    page = window.open(f"hosts/{site.id('sim-2')}/drift")
    expect(heading(page, "No drift").or_(page.get_by_role("table"))).to_be_visible()
    check(page, "drift")
    page = window.open(f"hosts/{site.id('sim-3')}/drift")
    page.get_by_role("button", name="Ignore all").click()
    check(page, "ignoring drift")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Ignore all")).to_be_focused()
    check(page, "drift that is there")


LOOKS: list[Callable[[Window, Site], None]] = [
    look_at_lists,
    look_at_setup,
    look_at_setup_forms,
    look_at_network,
    look_at_networks,
    look_at_clusters,
    look_at_matrix,
    look_at_vms,
    look_at_policies,
    look_at_providers,
    look_at_overview,
    look_at_tabs_of_a_host,
]


@pytest.fixture(scope="module", autouse=True)
def _things(site: Site) -> None:
    """Data for the screens: a network on hosts, one on none, a rollout, a VM, an unreachable provider."""
    site.add_network("looked at")
    network = site.add_network("carried", "sim-1", "sim-2")
    site.client.update(f"networks/{network}", {"mtu": 9000})
    add_machine(site, "looked-at", "looked at")
    add_away(site, "away")
    center = site.client.find("datacenters", "Default")["id"]
    for number in range(6):  # a matrix that is wider than small screens
        site.client.add("clusters", {"name": f"wide-{number}", "data_center": {"id": center}})
    shares = {"name": "looked at", "type": "hostnetwork", "outbound_average_linkshare": 50}
    site.client.add(f"datacenters/{center}/qoss", shares)
    site.add_network("misplaced", "sim-3")
    host = site.host("sim-3")
    site.simulate("sim-3", host=host.with_link(replace(host.bridges["misplaced"], mtu=1400)))


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_screen_is_accessible(opened: Opened, site: Site, width: int) -> None:
    window = opened(viewport={"width": width, "height": HEIGHT}, reduced_motion="reduce")
    window.page.add_init_script(path=AXE)
    expect(window.open("hosts").get_by_role("button", name="Log in")).to_be_visible()
    check(window.page, "login")
    window.log_in()
    expect(window.page.get_by_role("table")).to_be_visible()
    for look in LOOKS:
        look(window, site)
