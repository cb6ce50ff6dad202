"""Who may see the page, and for how long."""

from __future__ import annotations

from playwright.sync_api import expect

from web.conftest import Opened, Site, Window, item


def test_login_is_refused_and_done(opened: Opened) -> None:
    window = opened()
    page = window.open("networks?search=nowhere")
    window.log_in(password="a wrong one")
    expect(page.get_by_role("alert")).to_contain_text("The user name or the password is wrong")
    window.log_in()
    expect(page.get_by_role("heading", name="Networks")).to_be_visible()
    assert page.url.endswith("/ui/networks?search=nowhere"), "whoever had an address gets there"
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")


def test_logging_out_ends_the_session(site: Site, window: Window) -> None:
    (cookie,) = window.page.context.cookies()
    window.page.get_by_role("button", name="Log out").click()
    expect(window.page.get_by_role("alert")).to_have_count(0)
    expect(window.page.get_by_role("dialog", name="Log in again")).to_be_visible()
    with site.engine.door() as door:
        headers = {"Cookie": f"{cookie['name']}={cookie['value']}", "Prefer": "persistent-auth"}
        assert door.get("/ovirt-engine/api", headers=headers).status_code == 401


def test_an_ended_session_leaves_what_is_on_the_page(site: Site, window: Window) -> None:
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
