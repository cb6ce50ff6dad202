"""Setting up the networks of a host: by mouse, by picking and placing, by keys; kept, rolled back, synchronized."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from web.conftest import HOSTS, Site, Window, drafted, heading, item, place, set_up, uplink


def drag(page: Page, what: Locator, where: Locator) -> None:
    start, end = what.bounding_box(), where.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 20, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(start["x"] + 40, start["y"] + start["height"], steps=3)
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + 20, steps=6)
    page.mouse.up()


def by_mouse(page: Page, what: str, where: str) -> None:
    drag(page, item(page, what), uplink(page, where))


def by_placing(page: Page, what: str, where: str) -> None:
    item(page, what).click()
    uplink(page, where).get_by_role("button", name="Place here").or_(
        uplink(page, where).get_by_role("button", name="Bond with")
    ).click()


def by_keys(page: Page, what: str, where: str) -> None:
    item(page, what).focus()
    page.keyboard.press("Enter")
    place = (
        uplink(page, where)
        .get_by_role("button", name="Place here")
        .or_(uplink(page, where).get_by_role("button", name="Bond with"))
    )
    page.keyboard.press(place.locator("kbd").inner_text())


Hand = Callable[[Page, str, str], None]
HANDS: list[Hand] = [by_mouse, by_placing, by_keys]


@pytest.fixture(scope="module")
def gesture(site: Site) -> str:
    """A network that no host carries."""
    return site.add_network("gesture")


@pytest.fixture(scope="module")
def requests() -> list[Any]:
    return []


@pytest.mark.parametrize(("host", "hand"), [*zip(HOSTS, HANDS, strict=True)], ids=["mouse", "placing", "keys"])
def test_mouse_and_keyboard_make_the_same_request(
    site: Site, window: Window, gesture: str, requests: list[Any], host: str, hand: Hand
) -> None:
    page = window.open(f"hosts/{site.id(host)}")
    hand(page, "eth3", "eth2")
    page.get_by_role("dialog").get_by_label("Mode").select_option("Active-backup")
    page.get_by_role("button", name="Create bond").click()
    hand(page, "gesture", "bond0")
    expect(page.get_by_text("No VM and no host service loses traffic.")).to_be_visible()
    requests.append(set_up(page, site.id(host)))
    expect(heading(page, "Kept")).to_be_visible()
    assert site.carried(host)["gesture"] == "bond0"
    expect(page.get_by_role("main")).to_be_focused()
    page.get_by_role("button", name="Commit: boot with it").press("Enter")
    expect(page.get_by_text("not committed")).to_have_count(0)
    expect(page.get_by_role("main")).to_be_focused()
    attachment = {"network": {"id": gesture}, "host_nic": {"name": "bond0"}}
    assert requests[0]["modified_network_attachments"] == {"network_attachment": [attachment]}
    assert all(request == requests[0] for request in requests)


def test_a_change_reverted_by_hand_leaves_no_change(site: Site, window: Window) -> None:
    site.add_network("there and back")
    page = window.open(f"hosts/{site.id('sim-1')}")
    by_keys(page, "there and back", "eth1")
    expect(page.get_by_role("button", name="Apply 1 change")).to_be_enabled()
    item(page, "there and back").focus()
    page.keyboard.press("Delete")
    expect(heading(page, "Nothing to change yet")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="Undo: Attach there and back")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Undo: Attach there and back").click()
    expect(heading(page, "Nothing to change yet")).to_be_visible()


def test_a_host_rolls_a_change_back(site: Site, window: Window) -> None:
    site.add_network("lost")
    page = window.open(f"hosts/{site.id('sim-2')}")
    site.simulate("sim-2", unreachable=("awaiting_confirmation",))
    by_placing(page, "lost", "eth1")
    page.get_by_role("spinbutton").fill("5")
    page.get_by_role("spinbutton").blur()
    set_up(page, site.id("sim-2"))
    expect(page.get_by_role("img", name=re.compile(r"^[1-5] seconds until the host takes"))).to_be_visible()
    expect(heading(page, "Not kept")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("sim-2")
    site.simulate("sim-2")
    assert "lost" not in site.carried("sim-2")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Undo: Attach lost").click()


def test_the_progress_is_shown(site: Site, window: Window) -> None:
    site.add_network("steps")
    site.simulate("sim-1", step_seconds=0.4)
    page = window.open(f"hosts/{site.id('sim-1')}")
    by_placing(page, "steps", "eth1")
    set_up(page, site.id("sim-1"))
    expect(page.get_by_text(re.compile(r"^[1-9] of [1-9] steps done$"))).to_be_visible()
    expect(heading(page, "Kept")).to_be_visible()
    site.simulate("sim-1")


def test_a_change_goes_on_while_another_tab_is_shown(site: Site, window: Window) -> None:
    site.add_network("meanwhile")
    site.simulate("sim-1", step_seconds=0.4)
    page = window.open(f"hosts/{site.id('sim-1')}")
    by_placing(page, "meanwhile", "eth1")
    set_up(page, site.id("sim-1"))
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("table")).to_be_visible()
    page.get_by_role("link", name="Set up networks").click()
    expect(heading(page, "Kept")).to_be_visible()
    site.simulate("sim-1")
    assert "meanwhile" in site.carried("sim-1")


def test_a_network_is_synchronized(site: Site, window: Window) -> None:
    site.add_network("drifted", "sim-3", nic="eth1")
    host = site.host("sim-3")
    site.simulate("sim-3", host=host.with_link(replace(host.bridges["drifted"], mtu=1400)))
    page = window.open(f"hosts/{site.id('sim-3')}")
    page.get_by_role("button", name="1 out of sync").click()
    expect(page.get_by_role("cell", name="1400")).to_be_visible()
    page.get_by_role("button", name="Sync in this change").click()
    request = set_up(page, site.id("sim-3"))
    assert next(iter(request)) == "synchronized_network_attachments"
    expect(heading(page, "Kept")).to_be_visible()
    assert site.host("sim-3").bridges["drifted"].mtu == 1500


def test_a_refusal_is_shown_with_its_text(site: Site, window: Window) -> None:
    page = window.open(f"hosts/{site.id('sim-1')}")
    by_placing(page, "ovirtmgmt", "eth1")
    item(page, "ovirtmgmt").focus()
    page.keyboard.press("Delete")
    expect(page.get_by_role("alert")).to_contain_text("ovirtmgmt")
    expect(page.get_by_role("button", name="Apply")).to_be_disabled()
    page.get_by_role("button", name="Discard").click()


def on(page: Page, network: str, nic: str) -> Locator:
    """A network that is shown on a NIC."""
    return item(page, network).and_(page.get_by_role("button", name=f", on {nic}"))


def test_undo_keeps_changes_of_others(site: Site, window: Window) -> None:
    site.put_back("sim-2")
    other = site.add_network("of other")
    page = drafted(site, window, "sim-2", "of me")
    body = {"modified_network_attachments": [{"network": {"id": other}, "host_nic": {"name": "eth2"}}]}
    site.client.action(f"hosts/{site.id('sim-2')}/setupnetworks", body)
    expect(on(page, "of other", "eth2")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(heading(page, "Nothing to change yet")).to_be_visible()


def test_a_draft_made_during_a_change_is_kept_after_it(site: Site, window: Window) -> None:
    site.add_network("wanted later")
    site.simulate("sim-1", step_seconds=0.5)
    page = drafted(site, window, "sim-1", "sent first")
    page.get_by_role("button", name="Apply 1 change").click()
    expect(heading(page, "Applying")).to_be_visible()
    place(page, "wanted later")
    expect(heading(page, "Kept")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("button", name="Undo: Attach wanted later")).to_be_visible()
    expect(page.get_by_role("button", name="Apply 1 change")).to_be_enabled()
    site.simulate("sim-1")


def test_the_result_of_a_change_is_shown_after_the_next_login(site: Site, window: Window) -> None:
    site.simulate("sim-1", step_seconds=1.0)
    page = drafted(site, window, "sim-1", "outlasting")
    page.get_by_role("button", name="Apply 1 change").click()
    expect(heading(page, "Applying")).to_be_visible()
    page.context.clear_cookies()
    window.log_in()
    expect(heading(page, "Kept")).to_be_visible()
    site.simulate("sim-1")


def test_the_timeout_that_is_shown_is_sent(site: Site, window: Window) -> None:
    page = drafted(site, window, "sim-2", "timed")
    field = page.get_by_label("Take back after")
    field.fill("33")
    with page.expect_request(f"**/hosts/{site.id('sim-2')}/setupnetworks") as sent:
        field.press("Control+Enter")
    assert sent.value.post_data_json["connectivity_timeout"] == 33
    expect(heading(page, "Kept")).to_be_visible()


def test_a_click_on_a_target_places_the_network(site: Site, window: Window) -> None:
    site.put_back("sim-3")
    site.add_network("clicked")
    page = window.open(f"hosts/{site.id('sim-3')}")
    item(page, "clicked").click()
    uplink(page, "eth2").get_by_role("listitem").get_by_text("Place here").click()
    expect(on(page, "clicked", "eth2")).to_be_visible()
    item(page, "clicked").click()
    item(page, "eth1").click()
    expect(on(page, "clicked", "eth1")).to_be_visible()
    item(page, "eth1").click()
    item(page, "eth3").click()
    expect(page.get_by_role("dialog", name="bond")).to_be_visible()


def test_an_invalid_stored_draft_is_ignored(site: Site, window: Window) -> None:
    window.open("hosts").evaluate(
        "(key) => sessionStorage.setItem(key, '{nonsense')", f"netweft.setup.{site.id('sim-3')}"
    )
    page = window.open(f"hosts/{site.id('sim-3')}")
    expect(heading(page, "Nothing to change yet")).to_be_visible()
