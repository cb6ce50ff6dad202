"""Views: few requests, loading and errors, live updates."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Route, expect

from engine_process import EngineProcess
from web.conftest import HIDE, Opened, Site, Window, heading, item
from web.test_providers import add_away
from web.test_vms import add_machine

OF_THE_PAGE = ("/netweft/v1/events", "/events?max=1", "/netweft/v1/rights", "authenticated_user")
"""Requests of every view: the user, and the events."""
MOST_REQUESTS = 3
MOST_CONNECTIONS = 6


VIEWS = ["overview", "hosts", "host", *(f"host/{tab}" for tab in ("topology", "history", "drift"))]
VIEWS += ["networks", "network", "rollouts", "events"]
VIEWS += ["networks/new", *(f"network/{tab}" for tab in ("clusters", "hosts", "vms", "profiles", "history"))]
VIEWS += ["clusters", "cluster", "cluster/networks", "matrix", "matrix?view=table"]
VIEWS += ["vms", "vms?by=vm", "vm", "policies/profiles", "policies/qos", "policies/macpools", "providers", "provider"]
VIEWS += ["users", "user", "users/permissions", "users/roles"]


def test_a_view_takes_few_requests(site: Site, window: Window) -> None:
    host, network, cluster = (
        site.client.find(*one)["id"] for one in (("hosts", "sim-1"), ("networks", "ovirtmgmt"), ("clusters", "Default"))
    )
    things = {
        "host": f"hosts/{host}",
        "network": f"networks/{network}",
        "cluster": f"clusters/{cluster}",
        "vm": f"vms/{add_machine(site, 'seldom-asked', 'ovirtmgmt')}",
        "provider": f"providers/{add_away(site, 'seldom asked')}",
        "user": f"users/{site.client.list('users')[0]['id']}",
    }
    for view in VIEWS:
        thing, _, tab = view.partition("/")
        place = f"{things[thing]}/{tab}".rstrip("/") if thing in things else view
        window.page.goto("about:blank")  # the view shown before sends no more requests
        asked: list[str] = []
        window.page.on("request", lambda request, asked=asked: asked.append(request.url))
        page = window.open(place)
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        expect(page.get_by_role("status").filter(has_text="Loading")).to_have_count(0)
        own = {  # each once, as an event makes a view repeat its requests
            url for url in asked if "/ui/" not in url and not url.endswith(OF_THE_PAGE)
        }
        assert 0 < len(own) <= MOST_REQUESTS, (view, own)


def test_the_filter_of_a_list_is_in_its_address(site: Site, window: Window) -> None:
    page = window.open("hosts")
    expect(page.get_by_role("row")).to_have_count(4)
    page.keyboard.press("/")
    page.keyboard.type("sim-2")
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("link", name="sim-2")).to_have_attribute("href", f"/ui/hosts/{site.id('sim-2')}")
    expect(page).to_have_url(re.compile(r"\?search=sim-2$"))
    page.reload()
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("searchbox").fill("status=maintenance")
    page.get_by_role("button", name="Clear the filter").click()
    expect(page.get_by_role("row")).to_have_count(4)


def test_loading_and_errors_of_a_view_are_shown(window: Window) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    window.page.route("**/netweft/v1/rows/networks**", hold)
    page = window.open("networks")
    expect(page.get_by_role("status").filter(has_text="Loading")).to_be_visible()
    while not held:  # the page waits before the request arrives here
        page.wait_for_timeout(20)
    held[0].abort()
    expect(page.get_by_role("alert")).to_contain_text("The engine cannot be reached")
    window.page.unroute("**/netweft/v1/rows/networks**")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("link", name="ovirtmgmt")).to_be_visible()


def test_a_user_without_rights_sees_granted_objects_and_a_notice(site: Site, opened: Opened) -> None:
    ann = site.add_user("ann")
    window = opened()
    page = window.open("hosts")
    window.log_in("ann")
    expect(heading(page, "No hosts yet")).to_be_visible()
    site.grant(ann, "HostAdmin", f"hosts/{site.id('sim-1')}")
    page.reload()
    page.get_by_role("link", name="sim-1").click()
    expect(heading(page, "Uplinks")).to_be_visible()
    window.open(f"hosts/{site.id('sim-2')}")
    item(page, "eth3").click()
    page.get_by_role("button", name="Bond with eth2").click()
    page.get_by_role("button", name="Create bond").click()
    expect(page.get_by_role("alert")).to_contain_text("not authorized")
    expect(page.get_by_role("button", name="Apply 1 change")).to_be_disabled()


def test_users_reach_every_address(site: Site, opened: Opened) -> None:
    site.add_user("dan")
    window = opened()
    page = window.open("overview")
    window.log_in("dan")
    expect(heading(page, "Overview")).to_be_visible()
    for place in ("matrix", "providers", f"networks/{site.client.find('networks', 'ovirtmgmt')['id']}/clusters"):
        window.open(place)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("status").filter(has_text="Loading")).to_have_count(0)
        expect(page.get_by_text("You may not see this")).to_have_count(0)


def test_an_address_of_no_object_shows_an_error(window: Window) -> None:
    for place in ("constructor", "policies/toString", "__proto__", "hosts/%25/x"):
        page = window.open(place)
        expect(heading(page, "There is no such page")).to_be_visible()
    page = window.open("hosts/%25")
    expect(page.get_by_role("alert")).to_be_visible()
    for page_number in ("abc", "-1", "0"):
        page = window.open(f"networks?page={page_number}")
        expect(page.get_by_role("link", name="ovirtmgmt")).to_be_visible()
        page = window.open(f"matrix?page={page_number}")
        expect(page.get_by_role("alert")).to_have_count(0)


def test_search_words_may_contain_punctuation(site: Site, window: Window) -> None:
    ranges = [{"from": "02:00:00:00:00:01", "to": "02:00:00:00:00:09"}]
    site.client.add("macpools", {"name": "a=b", "ranges": ranges})
    page = window.open("events")
    for words in ("MAC pool a", '"', "("):
        page.get_by_role("searchbox").fill(words)
        expect(page.get_by_role("alert")).to_have_count(0)
    page.keyboard.press("Control+k")
    page.keyboard.type("a=b")
    page.get_by_role("option", name="a=b").click()
    expect(page.get_by_role("row", name="a=b")).to_be_visible()


def test_two_users_change_one_host(site: Site, opened: Opened) -> None:
    site.add_network("of ann")
    site.add_network("of bob")
    windows = [opened(), opened()]
    for window, network in zip(windows, ("of ann", "of bob"), strict=True):
        window.open(f"hosts/{site.id('sim-1')}")
        window.log_in()
        item(window.page, network).click()
        window.page.get_by_role("button", name="Place here").nth(1).click()
        expect(window.page.get_by_role("button", name="Apply 1 change")).to_be_enabled()
    windows[0].page.get_by_role("button", name="Apply 1 change").click()
    expect(heading(windows[0].page, "Kept")).to_be_visible()
    second = windows[1].page
    expect(second.get_by_role("button", name="of ann").and_(second.get_by_role("button", name=", on "))).to_be_visible()
    expect(second.get_by_role("button", name="Undo: Attach of bob")).to_be_visible()
    second.get_by_role("button", name="Apply 1 change").click()
    expect(heading(second, "Kept")).to_be_visible()
    assert {"of ann", "of bob"} <= site.carried("sim-1").keys()


def test_the_page_survives_a_restart_of_the_engine(opened: Opened, tmp_path: Path) -> None:
    with EngineProcess(tmp_path / "engine") as engine:
        window = opened(engine.url)
        page = window.open("networks")
        window.log_in()
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        engine.stop()
        expect(page.get_by_role("status").filter(has_text="Live updates lost")).to_be_visible()
        engine.start()
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        with engine.client() as client:
            center = client.find("datacenters", "Default")["id"]
            client.add("networks", {"name": "made meanwhile", "data_center": {"id": center}})
        expect(page.get_by_role("link", name="made meanwhile")).to_be_visible()


def test_more_tabs_than_connections_of_the_browser(site: Site, window: Window) -> None:
    """A browser has six per engine: a hidden tab uses none, and updates itself when it is shown."""
    page = window.open("hosts")
    for _ in range(MOST_CONNECTIONS):
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        page.evaluate(HIDE, True)
        page = page.context.new_page()
        page.goto(f"{window.url}/ui/networks")
    expect(heading(page, "Networks")).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.evaluate(HIDE, True)
    site.add_network("made while nobody looked")
    page.evaluate(HIDE, False)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="made while nobody looked")).to_be_visible()


def test_events_while_the_page_opens_are_shown(site: Site, window: Window) -> None:
    """Between what a view has read and the beginning of the stream."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    window.page.route("**/netweft/v1/events", hold)
    page = window.open("networks")
    expect(page.get_by_role("link", name="ovirtmgmt", exact=True)).to_be_visible()
    while not held:
        page.wait_for_timeout(50)
    site.add_network("made while the page opened")
    held[0].continue_()
    expect(page.get_by_role("link", name="made while the page opened")).to_be_visible()
