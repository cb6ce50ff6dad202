"""Actions that the user may not perform are disabled, with the missing right."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from web.conftest import Opened, Site, heading, logged_in

READER = "reader@internal"
ACTIONS = {
    "networks": ("New network", "create_storage_pool_network"),
    "policies/macpools": ("New MAC pool…", "create_mac_pool"),
    "providers": ("Add provider…", "create_storage_pool"),
    "users": ("Add user…", "add_users_and_groups_from_directory"),
    "networks/{network}": ("Remove…", "delete_storage_pool_network"),
}


@pytest.fixture(scope="module")
def network(site: Site) -> str:
    site.grant(site.add_user("reader"), "ReadOnlyAdmin")
    return site.add_network("seen only", "sim-1")


@pytest.fixture
def page(site: Site, opened: Opened, network: str) -> Page:  # noqa: ARG001 - with the network there is the user
    window = logged_in(opened(), site.engine, READER)
    window.open("networks")
    expect(heading(window.page, "Networks")).to_be_visible()
    return window.page


def test_actions_that_no_role_allows_are_disabled(site: Site, page: Page, network: str) -> None:
    for place, (name, right) in ACTIONS.items():
        page.goto(f"{site.engine.url}/ui/{place.format(network=network)}")
        action = page.get_by_role("button", name=name)
        expect(action).to_have_attribute("title", f"None of your roles allows this: it takes {right}.")
        expect(action).to_be_disabled()


def test_a_menu_names_the_missing_right(page: Page, site: Site) -> None:
    page.goto(f"{site.engine.url}/ui/policies/macpools")
    page.get_by_role("button", name="Actions for Default").click()
    expect(page.get_by_role("menuitem", name=re.compile("^Edit"))).to_contain_text("it takes edit_mac_pool")
    page.get_by_role("menuitem", name=re.compile("^Remove")).click(force=True)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_menu_of_disabled_items_is_reachable_by_keys(page: Page, site: Site) -> None:
    page.goto(f"{site.engine.url}/ui/policies/macpools")
    button = page.get_by_role("button", name="Actions for Default")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem").last).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()


def test_forms_that_no_role_allows_cannot_be_submitted(page: Page, site: Site) -> None:
    page.goto(f"{site.engine.url}/ui/networks/new")
    page.get_by_label("Name", exact=True).fill("never")
    expect(page.get_by_role("button", name="Create the network")).to_be_disabled()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").get_by_text("create_storage_pool_network")).to_be_attached()
    assert not site.client.list("networks", search="name=never")
    page.goto(f"{site.engine.url}/ui/users")
    for user, may in (("admin@internal", False), (READER, True)):
        page.get_by_role("button", name=f"Actions for {user}").click()
        expect(page.get_by_role("menuitem", name="Set password")).to_be_enabled(enabled=may)
        page.keyboard.press("Escape")


def test_a_granted_role_takes_effect_soon(opened: Opened, site: Site, network: str) -> None:
    window = opened()
    page = window.page
    page.clock.install()
    window.open(f"networks/{network}")
    window.log_in(READER)
    label = page.get_by_role("button", name="Label…")
    expect(label).to_be_disabled()
    reader = site.client.list("users", search="name=reader")[0]["id"]
    granted = site.grant(reader, "NetworkAdmin", f"networks/{network}")
    page.clock.fast_forward(11_000)
    page.get_by_role("link", name="Hosts").first.click()
    page.go_back()
    expect(label).to_be_enabled()
    site.client.remove(f"networks/{network}/permissions/{granted}")


@pytest.mark.usefixtures("network")  # which is not committed
def test_a_refusal_for_one_host_is_shown(opened: Opened, site: Site) -> None:
    """For a user who has the right on another host, so that it is not disabled."""
    keeper = site.add_user("keeper")
    site.grant(keeper, "HostAdmin", f"hosts/{site.id('sim-2')}")
    site.grant(keeper, "ReadOnlyAdmin")
    site.add_network("unstored", "sim-1")
    window = opened()
    page = window.open(f"hosts/{site.id('sim-1')}")
    window.log_in("keeper@internal")
    page.get_by_role("button", name="Commit", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Not committed. The user keeper@internal is not authorized")


def test_without_the_right_a_change_is_planned_but_not_applied(page: Page, site: Site) -> None:
    page.goto(f"{site.engine.url}/ui/hosts/{site.id('sim-1')}")
    page.get_by_role("button", name=re.compile("^seen only")).click()
    page.get_by_role("button", name="Place here").first.click()
    expect(page.get_by_role("button", name="Apply 1 change")).to_have_attribute(
        "title", re.compile("configure_host_network")
    )
