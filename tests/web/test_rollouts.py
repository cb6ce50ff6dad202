"""A change of a network, planned for all hosts, and its rollout."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from web.conftest import HOSTS, Site, Window

ROLLOUT = re.compile(r"^rollout \d+$")


def test_a_network_is_changed_on_all_hosts_and_back(site: Site, window: Window) -> None:
    network = site.add_network("rolled", *HOSTS)
    page = window.open("networks?search=rolled")
    page.get_by_role("link", name="rolled").click()
    page.get_by_label("VLAN").fill("900")
    page.get_by_role("button", name="Plan the change").click()
    expect(page.get_by_text("3 of 3 hosts would change.")).to_be_visible()
    page.get_by_role("button", name="Change the network").click()
    page.get_by_role("link", name=ROLLOUT).click()
    expect(page.get_by_text("succeeded", exact=True)).to_be_visible()
    for host in HOSTS:
        expect(page.get_by_role("listitem").filter(has_text=host)).to_contain_text("changed")
    assert site.client.get(f"networks/{network}")["vlan"]["id"] == "900"
    page.get_by_role("button", name="Revert…").click()
    page.get_by_role("dialog").get_by_role("button", name="Revert").click()
    expect(page.get_by_text("reverted", exact=True).first).to_be_visible()
    expect(page.get_by_role("button", name="Revert…")).to_have_count(0)
    page.get_by_role("link", name="Rollouts").first.click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("rolled")


def test_a_rollout_is_halted_and_resumed(site: Site, window: Window) -> None:
    site.add_network("slow", *HOSTS)
    site.client.update(f"clusters/{site.client.find('clusters', 'Default')['id']}", {"rollout_soak": 3600})
    page = window.open("networks?search=slow")
    page.get_by_role("link", name="slow").click()
    page.get_by_label("MTU").fill("9000")
    page.get_by_role("button", name="Plan the change").click()
    page.get_by_role("button", name="Change the network").click()
    page.get_by_role("link", name=ROLLOUT).click()
    page.get_by_role("button", name="Halt").click()
    expect(page.get_by_text("halted", exact=True)).to_be_visible()
    site.client.update(f"clusters/{site.client.find('clusters', 'Default')['id']}", {"rollout_soak": 0})
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("succeeded", exact=True)).to_be_visible()


def test_a_network_that_no_host_has_is_changed_at_once(site: Site, window: Window) -> None:
    network = site.add_network("free")
    page = window.open(f"networks/{network}")
    page.get_by_label("VLAN").fill("901")
    page.get_by_role("button", name="Plan the change").click()
    page.get_by_role("button", name="Change the network").click()
    expect(page.get_by_role("status").filter(has_text="The network has changed.").first).to_be_visible()
    assert site.client.get(f"networks/{network}")["vlan"]["id"] == "901"
