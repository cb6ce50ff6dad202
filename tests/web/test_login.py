"""Sessions: login, logout and expiry."""

from __future__ import annotations

from playwright.sync_api import expect

from engine_process import PASSWORD
from web.conftest import HIDE, Opened, Site, Window, drafted, heading, item


def test_login_is_refused_and_done(opened: Opened) -> None:
    window = opened()
    page = window.open("networks?search=nowhere")
    window.log_in(password="a wrong one")
    expect(page.get_by_role("alert")).to_contain_text("The user name or the password is wrong")
    window.log_in()
    expect(heading(page, "Networks")).to_be_visible()
    assert page.url.endswith("/ui/networks?search=nowhere"), "whoever had an address gets there"
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")


def test_escape_does_not_leave_the_page_without_a_login(window: Window) -> None:
    page = window.open("hosts")
    expect(heading(page, "Hosts")).to_be_visible()
    page.context.clear_cookies()
    page.get_by_role("link", name="VMs").click()
    dialog = page.get_by_role("dialog", name="Log in again")
    expect(dialog).to_be_visible()
    for _ in range(4):
        page.keyboard.press("Escape")
        page.wait_for_timeout(50)  # browsers apply the second one only some time after the first
    expect(dialog).to_be_visible()
    window.log_in()
    expect(heading(page, "VMs")).to_be_visible()


def test_a_failed_logout_is_reported(window: Window) -> None:
    page = window.open("hosts")
    expect(heading(page, "Hosts")).to_be_visible()
    page.context.set_offline(True)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("alert")).to_contain_text("You are not logged out")


def test_logging_out_ends_the_session(site: Site, opened: Opened) -> None:
    window = opened()
    page = window.open("hosts")
    window.log_in()
    expect(heading(page, "Hosts")).to_be_visible()
    (cookie,) = page.context.cookies()
    page.get_by_role("button", name="Log out").click()
    expect(heading(page, "Netweft")).to_be_visible()
    expect(page.get_by_role("table")).to_have_count(0)
    with site.engine.door() as door:
        headers = {"Cookie": f"{cookie['name']}={cookie['value']}", "Prefer": "persistent-auth"}
        assert door.get("/ovirt-engine/api", headers=headers).status_code == 401


def test_an_expired_session_keeps_the_content_of_the_page(site: Site, window: Window) -> None:
    site.add_network("draft")
    page = window.open(f"hosts/{site.id('sim-1')}")
    item(page, "draft").click()
    page.get_by_role("button", name="Place here").first.click()
    page.context.clear_cookies()
    page.get_by_role("button", name="Undo", exact=True).click()
    page.get_by_role("button", name="Redo", exact=True).click()
    expect(page.get_by_role("dialog", name="Log in again")).to_be_visible()
    page.keyboard.press("Escape")
    window.log_in()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Undo: Attach draft")).to_be_visible()
    page.get_by_role("button", name="Discard").click()


def test_drafts_of_one_user_are_not_shown_to_the_next(site: Site, window: Window) -> None:
    site.add_user("erin")
    page = drafted(site, window, "sim-2", "private")
    page.context.clear_cookies()
    page.get_by_role("button", name="Undo: Attach private").click()
    page.get_by_role("button", name="Undo", exact=True).click()
    window.log_in("erin")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(heading(page, "Uplinks")).to_have_count(0)
    assert page.evaluate("sessionStorage.length") == 0


def test_drafts_in_hidden_tabs_are_not_shown_to_the_next_user(site: Site, window: Window) -> None:
    site.add_user("frank")
    hidden = drafted(site, window, "sim-2", "secret")
    expect(hidden.get_by_text("Live", exact=True)).to_be_visible()
    hidden.evaluate(HIDE, True)
    page = hidden.context.new_page()
    page.goto(f"{window.url}/ui/hosts")
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("User name").fill("frank")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("frank@internal")).to_be_visible()
    hidden.evaluate(HIDE, False)
    expect(hidden.get_by_text("frank@internal")).to_be_visible()
    expect(heading(hidden, "Uplinks")).to_have_count(0)
    assert hidden.evaluate("sessionStorage.length") == 0
