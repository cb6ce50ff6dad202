"""vNICs: in the list of all vNICs, and changed on the page of a running VM."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from web.conftest import Site, Window, heading


def add_machine(site: Site, name: str, *networks: str, host: str = "") -> str:
    """A virtual machine with a vNIC on each network; with ``host`` it runs there. Returns its id."""
    vm = site.client.add("vms", {"name": name, "cluster": {"name": "Default"}, "template": {"name": "Blank"}})
    for number, network in enumerate(networks, 1):
        profile = site.client.find("vnicprofiles", network)["id"]
        site.client.add(f"vms/{vm['id']}/nics", {"name": f"nic{number}", "vnic_profile": {"id": profile}})
    if host:
        site.client.action(f"vms/{vm['id']}/start", {"host": {"id": site.id(host)}})
    return str(vm["id"])


def row(page: Page, text: str) -> Locator:
    return page.get_by_role("row").filter(has_text=text)


def choose(page: Page, of: str, action: str) -> None:
    """An action of a row's menu."""
    page.get_by_role("button", name=f"Actions for {of}", exact=True).click()
    page.get_by_role("menuitem", name=action).click()


def test_a_vnic_changes_while_its_vm_runs(site: Site, window: Window) -> None:
    for network in ("red wire", "blue wire"):
        site.add_network(network, "sim-2")
    vm = add_machine(site, "rewired", "red wire", host="sim-2")
    page = window.open("vms")
    page.get_by_role("searchbox").fill("rewired")
    expect(page.get_by_role("row")).to_have_count(2)
    expect(row(page, "nic1")).to_contain_text("sim-2")
    page.get_by_role("link", name="rewired").click()
    choose(page, "nic1", "Edit…")
    page.get_by_role("dialog").get_by_label("Profile").select_option(label="blue wire")
    page.get_by_text("Same as API call").click()
    expect(page.get_by_role("region", name="Command")).to_contain_text("netweft vm nic set rewired nic1 --profile")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(row(page, "nic1")).to_contain_text("blue wire")
    expect(page.get_by_role("button", name="Actions for nic1")).to_be_focused()
    for action, shown in (
        ("Take the link down", "Down"),
        ("Unplug", "Unplugged"),
        ("Plug in", "Plugged in"),
        ("Bring the link up", "Up"),
    ):
        choose(page, "nic1", action)
        expect(row(page, "nic1").get_by_text(shown, exact=True)).to_be_visible()
    (vnic,) = site.client.list(f"vms/{vm}/nics", follow="vnic_profile")
    assert (vnic["vnic_profile"]["name"], vnic["plugged"], vnic["linked"]) == ("blue wire", "true", "true")


def test_a_refused_form_keeps_its_fields(site: Site, window: Window) -> None:
    site.add_network("green wire", "sim-2")
    vm = add_machine(site, "stubborn", "green wire", host="sim-2")
    page = window.open(f"vms/{vm}")
    choose(page, "nic1", "Edit…")
    page.get_by_role("dialog").get_by_label("MAC address").fill("02:00:00:00:00:77")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("MAC address")
    expect(page.get_by_role("dialog").get_by_label("MAC address")).to_have_value("02:00:00:00:00:77")
    page.get_by_role("button", name="Cancel").click()
    choose(page, "nic1", "Unplug")
    expect(row(page, "nic1")).to_contain_text("Unplugged")
    choose(page, "nic1", "Edit…")
    page.get_by_role("dialog").get_by_label("MAC address").fill("02:00:00:00:00:77")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(row(page, "nic1")).to_contain_text("02:00:00:00:00:77")


def test_vnics_are_added_and_removed_by_keys(site: Site, window: Window) -> None:
    vm = add_machine(site, "keyed")
    page = window.open("vms?by=vm&search=keyed")
    page.get_by_role("link", name="keyed").click()
    expect(heading(page, "No vNICs yet")).to_be_visible()
    page.get_by_role("button", name="Add vNIC…").press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(row(page, "nic1")).to_contain_text("no network")
    page.get_by_role("button", name="Actions for nic1").press("Enter")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Remove").press("Enter")
    expect(heading(page, "No vNICs yet")).to_be_visible()
    expect(page.get_by_role("main")).to_be_focused()
    assert site.client.list(f"vms/{vm}/nics") == []


def test_a_mac_address_in_use_is_reported(site: Site, window: Window) -> None:
    pool = site.client.find("macpools", "Default")["id"]
    site.client.update(f"macpools/{pool}", {"allow_duplicates": True})
    for name in ("twin-one", "twin-two"):
        vm = add_machine(site, name)
        site.client.add(f"vms/{vm}/nics", {"name": "nic1", "mac": {"address": "02:00:00:00:00:99"}, "plugged": False})
    page = window.open("vms")
    page.get_by_role("searchbox").fill("02:00:00:00:00:99")
    expect(row(page, "Also of twin-two/nic1")).to_contain_text("twin-one")
    page.get_by_role("button", name="vNIC", exact=True).click()
    expect(page).to_have_url(re.compile("sort=name$"))
    expect(page.get_by_role("columnheader", name="vNIC")).to_have_attribute("aria-sort", "ascending")
