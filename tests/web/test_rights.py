"""What the user may not do is on the page, disabled, with the right that is missing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from engine_process import PASSWORD
from web.conftest import Opened, Site, heading

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
    user = site.client.add("users", {"user_name": READER, "password": PASSWORD})
    role = next(one for one in site.client.list("roles") if one["name"] == "ReadOnlyAdmin")
    site.client.add("permissions", {"user": {"id": user["id"]}, "role": {"id": role["id"]}})
    return site.add_network("seen only", "sim-1")


@pytest.fixture
def page(opened: Opened, network: str) -> Page:  # noqa: ARG001 - with the network there is the user
    window = opened()
    window.open("networks")
    window.log_in(READER)
    expect(heading(window.page, "Networks")).to_be_visible()
    return window.page


def test_actions_that_no_role_allows_are_disabled(site: Site, page: Page, network: str) -> None:
    for place, (name, right) in ACTIONS.items():
        page.goto(f"{site.engine.url}/ui/{place.format(network=network)}")
        action = page.get_by_role("button", name=name)
        expect(action).to_have_attribute("title", f"None of your roles allows this: it takes {right}.")
        expect(action).to_be_disabled()


def test_a_menu_says_what_is_missing(page: Page, site: Site) -> None:
    page.goto(f"{site.engine.url}/ui/policies/macpools")
    page.get_by_role("button", name="Actions for Default").click()
    expect(page.get_by_role("menuitem", name=re.compile("^Edit"))).to_contain_text("it takes edit_mac_pool")
    page.get_by_role("menuitem", name=re.compile("^Remove")).click(force=True)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_change_of_a_host_can_be_looked_at_and_not_applied(page: Page, site: Site) -> None:
    page.goto(f"{site.engine.url}/ui/hosts/{site.id('sim-1')}")
    page.get_by_role("button", name=re.compile("^seen only")).click()
    page.get_by_role("button", name="Place here").first.click()
    expect(page.get_by_role("button", name="Apply 1 change")).to_have_attribute(
        "title", re.compile("configure_host_network")
    )
