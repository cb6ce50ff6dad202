"""Forms of a host's networks: addresses, labels, options of bonds, virtual functions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from web.conftest import Site, Window, heading, item, set_up, uplink

NOTHING = "Nothing to change yet"


def by_mouse(page: Page, what: str, action: str) -> None:
    page.get_by_role("button", name=f"Actions for {what}", exact=True).click()
    page.get_by_role("menuitem", name=action).click()


def by_keys(page: Page, what: str, action: str) -> None:
    item(page, what).focus()
    page.keyboard.press(".")
    entry = page.get_by_role("menuitem", name=action)
    expect(page.get_by_role("menuitem").first).to_be_focused()
    while not entry.evaluate("(one) => one === document.activeElement"):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")


def by_key_of_its_own(page: Page, what: str, _: str) -> None:
    item(page, what).focus()
    page.keyboard.press("e")


Hand = Callable[[Page, str, str], None]


def add(page: Page) -> Any:
    """Submit a form. Returns the request for a plan."""
    with page.expect_request("**/requestplans") as asked:
        page.get_by_role("button", name="Add to changes").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    return json.loads(asked.value.post_data or "")["body"]


@pytest.mark.parametrize("hand", [by_mouse, by_keys, by_key_of_its_own])
def test_a_network_is_edited(site: Site, window: Window, hand: Hand) -> None:
    name = f"edited {hand.__name__.removeprefix('by_').replace('_', ' ')}"
    site.add_network(name, "sim-1")
    page = window.open(f"hosts/{site.id('sim-1')}")
    hand(page, name, "Edit…")
    page.get_by_role("combobox", name="IPv4").select_option("Static")
    page.get_by_label("IPv4 address").fill("203.0.113.11")
    page.get_by_label("IPv4 prefix").fill("28")
    page.get_by_label("DNS name servers").fill("192.0.2.53, 192.0.2.54")
    page.get_by_label("Bridge options").fill("priority=7")
    request = add(page)
    (attachment,) = request["modified_network_attachments"]["network_attachment"]
    address = {"version": "v4", "address": "203.0.113.11", "netmask": "255.255.255.240"}
    assert attachment["ip_address_assignments"]["ip_address_assignment"] == [
        {"assignment_method": "static", "ip": address},
        {"assignment_method": "none", "ip": {"version": "v6"}},
    ]
    assert attachment["dns_resolver_configuration"]["name_servers"]["name_server"] == ["192.0.2.53", "192.0.2.54"]
    assert attachment["properties"]["property"] == [{"name": "bridge_opts", "value": "priority=7"}]
    expect(item(page, name)).to_be_focused()


def test_an_edit_survives_events_and_is_undone_alone(site: Site, window: Window) -> None:
    site.add_network("kept", "sim-2")
    site.add_network("beside")
    page = window.open(f"hosts/{site.id('sim-2')}")
    by_mouse(page, "kept", "Edit…")
    page.get_by_role("combobox", name="IPv4").select_option("Static")
    page.get_by_label("IPv4 address").fill("198.51.100.11")
    page.get_by_label("IPv4 gateway").fill("203.0.113.1")
    page.get_by_role("button", name="Add to changes").click()
    expect(page.get_by_role("alert")).to_contain_text("203.0.113.1 is not another station's address")
    expect(page.get_by_label("IPv4 gateway")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("IPv4 gateway").fill("198.51.100.1")
    add(page)
    item(page, "beside").click()
    uplink(page, "eth1").get_by_role("button", name="Place here").click()
    page.reload()
    site.add_network("of somebody else", "sim-2")
    expect(item(uplink(page, "eth1"), "of somebody else")).to_be_visible()
    page.get_by_role("button", name="Undo: Attach beside").click()
    expect(page.get_by_text("IPv4 198.51.100.11/24 via 198.51.100.1")).to_be_visible()
    expect(page.get_by_role("button", name="Apply 1 change")).to_be_enabled()
    set_up(page, site.id("sim-2"))
    expect(heading(page, "Kept")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    item(page, "kept").focus()
    page.keyboard.press("e")
    expect(page.get_by_label("IPv4 address")).to_have_value("198.51.100.11")
    page.get_by_role("button", name="Add to changes").click()
    expect(heading(page, NOTHING)).to_be_visible()


def test_a_label_attaches_and_detaches_its_networks(site: Site, window: Window) -> None:
    site.client.add(f"networks/{site.add_network('labelled')}/networklabels", {"id": "blue"})
    page = window.open(f"hosts/{site.id('sim-3')}")
    for hand in (by_mouse, by_keys):
        hand(page, "eth1", "Labels…")
        page.get_by_role("checkbox", name="blue").check()
        request = add(page)
        assert request["modified_labels"] == {"network_label": [{"id": "blue", "host_nic": {"name": "eth1"}}]}
        assert "modified_network_attachments" not in request
        expect(item(uplink(page, "eth1"), "labelled")).to_be_visible()
        if hand is by_mouse:
            page.get_by_role("button", name="Undo: Add label blue").click()
    expect(page.get_by_text("create bridge labelled")).to_be_visible()
    set_up(page, site.id("sim-3"))
    expect(heading(page, "Kept")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    item(page, "labelled").click()
    expect(uplink(page, "eth2").get_by_text("labelled goes with the label blue")).to_be_visible()
    page.keyboard.press("Escape")
    by_keys(page, "eth1", "Labels…")
    page.get_by_role("checkbox", name="blue").uncheck()
    assert add(page)["removed_labels"] == {"network_label": [{"id": "blue"}]}
    set_up(page, site.id("sim-3"))
    expect(heading(page, "Kept")).to_be_visible()
    assert "labelled" not in site.carried("sim-3")


def test_options_of_a_bond_change(site: Site, window: Window) -> None:
    page = window.open(f"hosts/{site.id('sim-1')}")
    item(page, "eth3").click()
    page.get_by_role("button", name="Bond with eth2").click()
    page.get_by_label("LACP rate").select_option("fast")
    page.get_by_role("button", name="Create bond").click()
    by_mouse(page, "bond0", "Edit bond…")
    expect(page.get_by_label("LACP rate")).to_have_value("fast")
    page.get_by_role("combobox", name="Mode").select_option("Active-backup")
    page.get_by_label("Primary").select_option("eth3")
    page.get_by_label("Further options").fill("updelay=200")
    (bond,) = add(page)["modified_bonds"]["host_nic"]
    options = {one["name"]: one["value"] for one in bond["bonding"]["options"]["option"]}
    assert options == {"mode": "1", "miimon": "100", "primary": "eth3", "updelay": "200"}
    set_up(page, site.id("sim-1"))
    expect(heading(page, "Kept")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    by_mouse(page, "bond0", "Edit bond…")
    page.get_by_label("Further options").fill("updelay=250")
    page.get_by_role("button", name="Add to changes").click()
    expect(page.get_by_role("alert")).to_contain_text("updelay cannot be 250")
    page.get_by_role("button", name="Undo: Change bond0").click()
    by_mouse(page, "bond0", "Break bond")
    set_up(page, site.id("sim-1"))
    expect(heading(page, "Kept")).to_be_visible()
    assert not site.host("sim-1").bonds


def test_virtual_functions_change_at_once(site: Site, window: Window) -> None:
    site.add_network("quick")
    nic = site.client.find(f"hosts/{site.id('sim-2')}/nics", "eth3")
    path = f"hosts/{site.id('sim-2')}/nics/{nic['id']}"
    page = window.open(f"hosts/{site.id('sim-2')}")
    by_keys(page, "eth3", "Virtual functions…")
    page.get_by_label("Virtual functions, at most 8").fill("4")
    page.get_by_label("They serve").select_option("certain networks")
    page.get_by_role("combobox", name="Network").fill("quick")
    page.keyboard.press("Enter")
    page.get_by_role("combobox", name="Label").fill("green")
    page.get_by_role("button", name="Add label").click()
    page.get_by_text("Same as API call").click()
    expect(page.get_by_text("netweft host functions sim-2 eth3 4 --for quick")).to_be_visible()
    page.get_by_role("button", name="Change now").click()
    expect(page.get_by_text("4 of 8 VFs")).to_be_visible()
    assert [one["name"] for one in site.client.list(f"{path}/virtualfunctionallowednetworks")] == ["quick"]
    assert [one["id"] for one in site.client.list(f"{path}/virtualfunctionallowedlabels")] == ["green"]
    by_mouse(page, "eth3", "Virtual functions…")
    page.get_by_role("button", name="Remove quick").click()
    page.get_by_label("Virtual functions, at most 8").fill("0")
    page.get_by_role("button", name="Change now").click()
    expect(page.get_by_text("4 of 8 VFs")).to_have_count(0)
    assert not site.client.list(f"{path}/virtualfunctionallowednetworks")


def test_dynamic_vnics_are_shown_but_are_no_targets(site: Site, window: Window) -> None:
    page = window.open(f"hosts/{site.id('sim-1')}")
    card = page.get_by_role("region", name="Interface card")
    expect(card.get_by_role("listitem")).to_have_count(4)
    expect(card.get_by_role("listitem").first).to_contain_text("free")
    item(page, "ovirtmgmt").click()
    expect(card.get_by_role("button")).to_have_count(0)
