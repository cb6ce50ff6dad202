"""Lists: filtering, exporting, selecting by keys."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from web.conftest import HOSTS, Site, Window, heading, until


def test_hosts_are_listed_with_their_networks_and_guests(site: Site, window: Window) -> None:
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


def test_a_filtered_list_is_exported(site: Site, window: Window) -> None:
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


def test_rows_are_selected_by_keys(site: Site, window: Window) -> None:
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


def bulk(page: Page, action: str) -> Locator:
    """The dialog of an operation on all selected rows."""
    page.get_by_role("group", name="Picked").get_by_role("button", name=f"{action}…").click()
    return page.get_by_role("dialog", name=re.compile(rf"^{action}: \d+$"))


def test_selected_hosts_are_changed_one_after_the_other(window: Window) -> None:
    page = window.open("hosts")
    page.get_by_role("checkbox", name="Pick sim-1").check()
    page.get_by_role("link", name="sim-3").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="Pick sim-3")).to_be_checked()
    expect(page.get_by_role("group", name="Picked").get_by_text("2 picked")).to_be_visible()
    dialog = bulk(page, "Put into maintenance")
    expect(dialog.get_by_role("listitem").filter(has_text="To be done")).to_have_count(2)
    dialog.get_by_role("button", name="Put into maintenance 2").click()
    expect(dialog.get_by_role("listitem").filter(has_text="Done")).to_have_count(2)
    dialog.get_by_role("button", name="Close").last.click()
    expect(page.get_by_role("main")).to_be_focused()
    expect(page.get_by_role("checkbox", name="Pick sim-1")).not_to_be_checked()
    for host, status in (("sim-1", "maintenance"), ("sim-2", "up"), ("sim-3", "maintenance")):
        expect(page.get_by_role("row").filter(has_text=host).get_by_text(status, exact=True)).to_be_visible()
    page.get_by_role("checkbox", name="Pick all on this page").check()
    dialog = bulk(page, "Activate")
    expect(dialog.get_by_role("listitem").filter(has_text="sim-2")).to_contain_text("Refused")
    dialog.get_by_role("button", name="Activate 2").click()
    expect(dialog.get_by_role("listitem").filter(has_text="Done")).to_have_count(2)
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("group", name="Picked").get_by_text("1 picked")).to_be_visible()


def test_hosts_that_differ_are_synchronized_until_the_first_refusal(site: Site, window: Window) -> None:
    site.add_network("synced", *HOSTS)
    for name in HOSTS:
        site.client.action(f"hosts/{site.id(name)}/commitnetconfig", {})
    for name in ("sim-2", "sim-3"):
        host = site.host(name)
        other = replace(host.bridges["synced"], mtu=1400)
        site.simulate(name, host=host.with_link(other))
        site.client.action(f"hosts/{site.id(name)}/refresh", {})
    site.simulate("sim-2", refuse={"SetMtu": 1})
    page = window.open("hosts?sort=name")
    page.get_by_role("checkbox", name="Pick all on this page").check()
    dialog = bulk(page, "Synchronize")
    expect(dialog.get_by_text("No VM and no host service loses traffic.")).to_be_visible()
    dialog.get_by_role("button", name="Synchronize 3").click()
    expect(dialog.get_by_role("listitem").filter(has_text="sim-1")).to_contain_text("Done")
    expect(dialog.get_by_role("listitem").filter(has_text="sim-2")).to_contain_text("Refused")
    expect(dialog.get_by_role("listitem").filter(has_text="sim-3")).to_contain_text("To be done")
    assert site.host("sim-3").bridges["synced"].mtu == 1400
    dialog.get_by_role("button", name="Synchronize 2").click()
    for name in ("sim-2", "sim-3"):
        expect(dialog.get_by_role("listitem").filter(has_text=name)).to_contain_text("Done")
        assert site.host(name).bridges["synced"].mtu == 1500
    expect(dialog.get_by_role("button", name="Close").last).to_be_focused()


def test_leaving_the_page_ends_an_operation_on_several_hosts(site: Site, window: Window) -> None:
    site.add_network("deserted", *HOSTS)
    for name in HOSTS:
        host = site.host(name)
        site.simulate(name, host=host.with_link(replace(host.bridges["deserted"], mtu=1400)), step_seconds=0.7)
        site.client.action(f"hosts/{site.id(name)}/refresh", {})
    page = window.open("overview")
    page.get_by_role("link", name="Hosts", exact=True).first.click()
    page.get_by_role("checkbox", name="Pick all on this page").check()
    dialog = bulk(page, "Synchronize")
    dialog.get_by_role("button", name="Synchronize 3").click()
    expect(dialog.get_by_text("Under way")).to_be_visible()
    page.go_back()
    expect(heading(page, "Overview")).to_be_visible()
    until(lambda: [site.host(name).bridges["deserted"].mtu for name in HOSTS].count(1500) == 1)
    for name in HOSTS:
        site.simulate(name)
    page.wait_for_timeout(1500)
    assert [site.host(name).bridges["deserted"].mtu for name in HOSTS].count(1500) == 1


def test_a_request_without_an_answer_has_an_unknown_outcome(site: Site, window: Window) -> None:
    page = window.open("hosts?search=sim-3")
    page.route("**/deactivate", lambda route: (route.fetch(), route.abort()))
    page.get_by_role("checkbox", name="Pick sim-3").check()
    dialog = bulk(page, "Put into maintenance")
    dialog.get_by_role("button", name="Put into maintenance 1").click()
    expect(dialog.get_by_role("listitem").filter(has_text="sim-3")).to_contain_text("Not known")
    site.client.action(f"hosts/{site.id('sim-3')}/activate", {})


def test_the_first_selected_row_stays_in_place(window: Window) -> None:
    page = window.open("hosts")
    box = page.get_by_role("checkbox", name="Pick sim-2")
    before = box.bounding_box()
    box.check()
    expect(page.get_by_text("1 picked")).to_be_visible()
    assert box.bounding_box() == before
    page.get_by_role("button", name="Pick none").press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.get_by_role("button", name="Name").press("Enter")
    expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")
    expect(page.get_by_role("button", name="Name")).to_be_focused()


def test_columns_and_the_height_of_rows_are_kept(window: Window) -> None:
    page = window.open("hosts")
    for item in ("Hide Address", "Lower rows"):
        page.get_by_role("button", name="Columns of Hosts").click()
        page.get_by_role("menuitem", name=item).click()
    for _ in range(2):
        expect(page.get_by_role("columnheader", name="Address")).to_have_count(0)
        assert page.get_by_role("row").nth(1).evaluate("row => row.offsetHeight") < 30
        page.reload()
        expect(page.get_by_role("columnheader", name="Seen")).to_be_visible()
    page.get_by_role("button", name="Columns of Hosts").click()
    page.get_by_role("menuitem", name="Show Address").click()
    expect(page.get_by_role("columnheader", name="Address")).to_be_visible()


def test_f6_moves_the_focus_between_areas(window: Window) -> None:
    page = window.open("hosts")
    page.get_by_label("Part of a name").focus()
    page.keyboard.press("F6")
    expect(page.get_by_role("banner").get_by_role("link", name="Netweft")).to_be_focused()
    page.keyboard.press("F6")
    expect(page.get_by_role("navigation", name="Main").get_by_role("link").first).to_be_focused()
    page.keyboard.press("F6")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Shift+F6")
    expect(page.get_by_role("navigation", name="Main").get_by_role("link").first).to_be_focused()


def test_f6_skips_an_empty_basket(site: Site, window: Window) -> None:
    page = window.open(f"hosts/{site.id('sim-1')}")
    expect(heading(page, "Uplinks")).to_be_visible()
    brand = page.get_by_role("banner").get_by_role("link", name="Netweft")
    page.keyboard.press("F6")
    expect(brand).to_be_focused()
    for _ in range(3):
        page.keyboard.press("F6")
        expect(brand).not_to_be_focused()
    page.keyboard.press("F6")
    expect(brand).to_be_focused()
    page.keyboard.press("Shift+F6")
    expect(page.get_by_label("Name or VLAN")).to_be_focused()
