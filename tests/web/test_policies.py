"""Policies and users: added, changed and removed; refusals are shown with the engine's text."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from engine_process import PASSWORD
from web.conftest import Opened, Site, Window, heading
from web.test_vms import add_machine, choose, row


def test_a_profile_gets_a_new_qos(site: Site, window: Window) -> None:
    network = site.add_network("limited")
    page = window.open("policies/qos")
    page.get_by_role("button", name="New QoS…").click()
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("gold")
    page.get_by_role("dialog").get_by_role("group", name="Outgoing").get_by_label("Average").fill("100")
    page.get_by_role("button", name="Add QoS").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("dialog").get_by_role("group", name="Outgoing").get_by_label("Peak").fill("200")
    page.get_by_role("dialog").get_by_role("group", name="Outgoing").get_by_label("Burst").fill("10")
    page.get_by_role("button", name="Add QoS").click()
    expect(row(page, "gold")).to_contain_text("100 Mbit/s, peak 200, burst 10 MB")
    page.get_by_role("link", name="vNIC profiles").click()
    page.get_by_role("button", name="New profile…").click()
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("fast")
    page.get_by_role("dialog").get_by_label("Network", exact=True).select_option(label="limited (Default)")
    page.get_by_role("dialog").get_by_label("QoS", exact=True).select_option(label="gold (Default)")
    page.get_by_role("button", name="Add profile").click()
    expect(row(page, "fast")).to_contain_text("vdsm-no-mac-spoofing")
    choose(page, "fast", "Edit…")
    page.get_by_role("dialog").get_by_label("Passthrough").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(row(page, "fast")).to_contain_text("yes, migratable")
    found = next(one for one in site.client.list("vnicprofiles") if one["name"] == "fast")
    assert (found["network"]["id"], found["pass_through"]["mode"], "qos" in found) == (network, "enabled", False)
    choose(page, "fast", "Remove…")
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("fast", exact=True)).to_have_count(0)


def test_a_profile_that_is_used_is_not_removed(site: Site, window: Window) -> None:
    site.add_network("in use")
    add_machine(site, "using-it", "in use")
    page = window.open("policies/profiles?search=in+use")
    choose(page, "in use", "Remove…")
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("alert")).to_contain_text("using-it")
    page.get_by_role("link", name="another profile").click()
    expect(row(page, "using-it")).to_contain_text("in use")


def test_a_qos_of_a_network_on_hosts_is_planned(site: Site, window: Window) -> None:
    center = site.client.find("datacenters", "Default")["id"]
    shares = {"name": "shared wire", "type": "hostnetwork", "outbound_average_linkshare": 50}
    qos = site.client.add(f"datacenters/{center}/qoss", shares)["id"]
    network = site.add_network("shaped")
    site.client.update(f"networks/{network}", {"qos": {"id": qos}})
    attachment = {"network": {"id": network}, "host_nic": {"name": "eth2"}}
    body = {"modified_network_attachments": [attachment]}
    site.client.action(f"hosts/{site.id('sim-3')}/setupnetworks", body)
    page = window.open("policies/qos?search=shared")
    choose(page, "shared wire", "Edit…")
    page.get_by_role("dialog").get_by_label("At most").fill("800")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("1 of 1 hosts would change.")).to_be_visible()
    page.get_by_role("button", name="Save and change the hosts").click()
    expect(row(page, "shared wire")).to_contain_text("share 50, at most 800 Mbit/s")


def test_a_mac_pool_that_is_nearly_full_warns(site: Site, window: Window) -> None:
    page = window.open("policies/macpools")
    page.get_by_role("button", name="New MAC pool…").click()
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("tiny")
    page.get_by_role("dialog").get_by_label("Ranges").fill("02:aa:00:00:00:00-02:aa:00:00:00:01")
    page.get_by_role("button", name="Add MAC pool").click()
    expect(row(page, "tiny")).to_contain_text("0 of 2")
    pool = site.client.find("macpools", "tiny")["id"]
    center = site.client.find("datacenters", "Default")["id"]
    body = {"name": "tiny-racks", "data_center": {"id": center}, "mac_pool": {"id": pool}}
    cluster = site.client.add("clusters", body)["id"]
    vm = site.client.add("vms", {"name": "filling", "cluster": {"id": cluster}, "template": {"name": "Blank"}})["id"]
    for name in ("nic1", "nic2"):
        site.client.add(f"vms/{vm}/nics", {"name": name})
    expect(row(page, "tiny")).to_contain_text("100 % used")
    choose(page, "tiny", "Edit…")
    page.get_by_role("dialog").get_by_label("Ranges").fill("02:aa:00:00:00:00-02:aa:00:00:00:ff")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(row(page, "tiny")).to_contain_text("2 of 256")
    choose(page, "tiny", "Remove…")
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("alert")).to_contain_text("tiny-racks")


def test_a_user_is_added_granted_a_role_and_removed(site: Site, window: Window, opened: Opened) -> None:
    network = site.add_network("for carl")
    page = window.open("users")
    page.get_by_role("button", name="Add user…").click()
    page.get_by_role("dialog").get_by_label("User name").fill("carl")
    page.get_by_role("dialog").get_by_label("Password", exact=True).fill("short")
    page.get_by_text("Same as API call").click()
    expect(page.get_by_role("region", name="Request")).not_to_contain_text("short")
    page.get_by_role("dialog").get_by_role("button", name="Add user").click()
    expect(page.get_by_role("alert")).to_contain_text("assword")
    page.get_by_role("dialog").get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("dialog").get_by_role("button", name="Add user").click()
    page.get_by_role("link", name="carl@internal").click()
    page.get_by_role("button", name="Grant a role…").click()
    page.get_by_role("dialog").get_by_label("Role", exact=True).select_option(label="NetworkAdmin")
    page.get_by_role("dialog").get_by_label("On", exact=True).select_option(label="Network")
    page.get_by_role("dialog").get_by_label("Which", exact=True).select_option(label="for carl")
    page.get_by_role("button", name="Grant", exact=True).click()
    expect(row(page, "NetworkAdmin")).to_contain_text("Network for carl")
    others = opened()
    theirs = others.open("users")
    others.log_in("carl")
    expect(theirs.get_by_role("link", name="carl@internal")).to_be_visible()
    others.open(f"networks/{network}")
    expect(heading(theirs, "for carl")).to_be_visible()
    others.open("users")
    add = theirs.get_by_role("button", name="Add user…")
    expect(add).to_have_attribute("title", re.compile("it takes add_users_and_groups_from_directory"))
    add.click(force=True)
    expect(theirs.get_by_role("status").get_by_text("add_users_and_groups_from_directory")).to_be_attached()
    expect(theirs.get_by_role("dialog")).to_have_count(0)
    choose(page, "NetworkAdmin on for carl", "Remove…")
    page.get_by_role("button", name="Revoke").click()
    expect(heading(page, "No permissions yet")).to_be_visible()
    page.get_by_role("link", name="Users").last.click()
    choose(page, "carl@internal", "Remove…")
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("link", name="carl@internal")).to_have_count(0)


def test_a_role_lists_its_rights(window: Window) -> None:
    page = window.open("users/permissions?search=admin")
    page.get_by_role("link", name="SuperUser").first.click()
    expect(page.get_by_text("configure host network")).to_be_visible()
    page.get_by_text("NetworkAdmin").click()
    expect(page.get_by_text("assign cluster network")).to_be_visible()
    expect(page.get_by_text("create host")).to_have_count(0)
