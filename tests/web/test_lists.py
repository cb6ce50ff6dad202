"""What every list does: narrowed, saved as a file, walked through by keys."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from web.conftest import Site, Window, heading


def test_hosts_with_what_is_on_them(site: Site, window: Window) -> None:
    site.add_network("for hosts", "sim-1")
    page = window.open("hosts")
    row = page.get_by_role("row").filter(has_text="sim-1")
    line = site.client.addition("GET", "rows/hosts", search="name=sim-1")[0]
    for name in ("cluster", "networks", "uplinks", "bonds", "vms", "address"):
        told = line[name]["name"] if name == "cluster" else str(line[name])
        expect(row.get_by_role("cell", name=told, exact=True).first).to_be_visible()
    page.get_by_label("Show").select_option("Without a required network")
    expect(heading(page, "No such host")).to_be_visible()
    page.get_by_role("button", name="Show all hosts").click()
    page.get_by_role("button", name="Networks").click()
    expect(page).to_have_url(re.compile(r"sort=networks"))
    expect(page.get_by_role("columnheader", name="Networks")).to_have_attribute("aria-sort", "ascending")


def saved(page: Page, kind: str) -> str:
    """The file that a list is saved as."""
    with page.expect_download() as download:
        page.get_by_role("button", name="as a file").click()
        page.get_by_role("menuitem", name=f"As {kind}").click()
    return Path(download.value.path()).read_text()


def test_a_list_is_saved_as_its_filter_finds_it(site: Site, window: Window) -> None:
    center = {"data_center": {"name": "Default"}}
    site.client.add("networks", {"name": "saved-1", "description": '=1+1 "so", or not', "mtu": 9000, **center})
    for number in (2, 3):
        site.client.add("networks", {"name": f"saved-{number}", "vlan": {"id": 3000 + number}, **center})
    page = window.open("networks?search=saved-&sort=name+desc")
    expect(page.get_by_role("link", name="saved-1")).to_be_visible()
    rows = list(csv.DictReader(saved(page, "CSV").splitlines()))
    assert [(row["name"], row["vlan"], row["data_center"]) for row in rows] == [
        ("saved-3", "3003", "Default"), ("saved-2", "3002", "Default"), ("saved-1", "", "Default"),
    ]  # fmt: skip
    assert rows[2]["description"] == '\'=1+1 "so", or not', "text is no formula in a spreadsheet"
    site.client.update(f"clusters/{site.client.find('clusters', 'Default')['id']}", {"rollout_soak": -1})
    (cluster,) = csv.DictReader(saved(window.open("clusters?search=Default"), "CSV").splitlines())
    assert cluster["rollout_soak"] == "-1", "a number is no text"
    page = window.open("networks?search=saved-&sort=name+desc")
    tree = json.loads(saved(page, "JSON"))
    assert [(one["name"], one["mtu"], one["vlan"]) for one in tree] == [
        ("saved-3", 0, 3003), ("saved-2", 0, 3002), ("saved-1", 9000, None),
    ]  # fmt: skip


def test_rows_are_walked_through_by_keys(site: Site, window: Window) -> None:
    ranges = [{"from": "02:00:00:00:01:00", "to": "02:00:00:00:01:09"}]
    site.client.add("macpools", {"name": "walked", "ranges": ranges})
    page = window.open("hosts")
    page.get_by_role("region", name="Hosts").focus()
    for key, host in (("ArrowDown", "sim-1"), ("ArrowDown", "sim-2"), ("ArrowUp", "sim-1"), ("ArrowUp", "sim-1")):
        page.keyboard.press(key)
        expect(page.get_by_role("link", name=host)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="sim-2")).to_be_visible()
    window.open("policies/macpools")
    page.get_by_role("button", name="Actions for walked").focus()
    page.keyboard.press(".")
    expect(page.get_by_role("menuitem", name="Edit…")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.get_by_role("dialog", name="New MAC pool")).to_be_visible()
