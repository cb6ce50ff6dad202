"""The web page: octets sent to a browser, and the time until Chromium shows a host with hundreds of networks.

Half of the networks are on the host, half are not. A figure of a gesture is from its event to the frame that shows it.
"""

from __future__ import annotations

import gzip
import statistics
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from figures import Figure
from playwright.sync_api import Browser, Page, StorageState, ViewportSize

from browser import chromium
from engine_process import PASSWORD, EngineProcess
from netweft.client import Client
from netweft.web import STATIC, loaded_at_once, sent

NETWORKS = 550
_ON_A_SCREEN = 40
"""Networks that fill a screen: some twenty on the host, and as many others."""
_SCREEN: ViewportSize = {"width": 1440, "height": 900}
_TIMES = 5
_GESTURES = 15
_SHOWN = """(count) => new Promise((done) => {
    const look = () => {
        const there = document.querySelectorAll('.row').length;
        if (there > count) requestAnimationFrame(() => done(performance.now()));
        else requestAnimationFrame(look);
    };
    look();
})"""
"""When more than this number of networks were painted, in milliseconds since the navigation began."""
_GESTURE = """async ([gesture, count]) => {
    const frame = () => new Promise((done) => requestAnimationFrame(() => {
        const {port1, port2} = new MessageChannel();
        port1.onmessage = done;
        port2.postMessage(null);
    }));
    const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
    const does = {
        pick: (item) => item.click(),
        key: () => press('ArrowDown'),
        place: () => press('1'),
    };
    const items = [...document.querySelectorAll('.tray [data-item]')];
    const taken = [];
    for (const item of items.filter((_, n) => n % Math.floor(items.length / count) === 0).slice(0, count)) {
        item.focus();
        if (gesture === 'place') item.click();
        await frame();
        const begun = performance.now();
        does[gesture](item);
        await frame();
        taken.push(performance.now() - begun);
        press('Escape');
        await frame();
    }
    return taken;
}"""


def measure() -> list[Figure]:
    begins = loaded_at_once("main.js")
    host = begins | loaded_at_once("pages/host.js")
    everything = sorted(str(path.relative_to(STATIC)) for path in STATIC.rglob("*.js"))
    styles = b"".join(path.read_bytes() for path in STATIC.rglob("*.css"))
    return [
        _sent("scripts of a host's page, the largest", _zipped(host), 110),
        _sent("scripts that every page begins with", _zipped(begins), 110),
        _sent("all scripts together", len(gzip.compress(b"".join(map(_script, everything)))), 110),
        _sent("style sheet", len(gzip.compress(styles)), 20),
        *_shown(),
    ]


def _zipped(names: Iterable[str]) -> int:
    """Octets of files that are sent separately."""
    return sum(len(gzip.compress(_script(name))) for name in names)


def _script(name: str) -> bytes:
    return sent(name, (STATIC / name).read_bytes())


def _sent(what: str, octets: int, limit: int) -> Figure:
    return Figure(what=f"web page, {what}, gzipped", ours=octets / 1000, unit="kB", goal=f"<= {limit} kB")


def _shown() -> list[Figure]:
    with (
        tempfile.TemporaryDirectory() as folder,
        EngineProcess(Path(folder), options=("--simulated-hosts", "1")) as engine,
        engine.client() as client,
        chromium() as browser,
    ):
        host = _host(client)
        state = _logged_in(browser, engine.url)
        place = f"{engine.url}/ui/hosts/{host}"
        views = [_open(browser, state, place) for _ in range(_TIMES)]
        page = views[-1].page
        gestures = {name: statistics.median(page.evaluate(_GESTURE, [name, _GESTURES])) for name in ("pick", "key")}
        gestures["place"] = statistics.median(page.evaluate(_GESTURE, ["place", _GESTURES]))
    said = f"a host with {NETWORKS} networks"
    return [
        _shown_after(f"first view of {said}, in a new browser", [view.first for view in views], "< 1,000 ms"),
        _shown_after("the same in a browser that was there before", [view.again for view in views], "< 1,000 ms"),
        _shown_after("and until all of them are drawn", [view.whole for view in views], ""),
        Figure(what=f"web page, pick one up on {said}", ours=gestures["pick"], unit="ms", goal="< 50 ms"),
        Figure(what=f"web page, to the next by key on {said}", ours=gestures["key"], unit="ms", goal="< 50 ms"),
        Figure(what=f"web page, place one on {said}", ours=gestures["place"], unit="ms", goal="< 300 ms"),
    ]


def _host(client: Client) -> str:
    """The id of a host that has half of the networks."""
    while not client.list("hosts", search="status=up"):
        time.sleep(0.1)
    host = str(client.list("hosts")[0]["id"])
    cluster = client.find("clusters", "Default")
    ids = []
    for number in range(NETWORKS):
        body = {"name": f"net-{number}", "vlan": {"id": number + 2}, "data_center": {"name": "Default"}}
        ids.append(client.add("networks", body)["id"])
        client.add(f"clusters/{cluster['id']}/networks", {"id": ids[-1], "required": False})
    attachments = [{"network": {"id": one}, "host_nic": {"name": "eth1"}} for one in ids[::2]]
    client.action(f"hosts/{host}/setupnetworks", {"modified_network_attachments": attachments})
    return host


def _logged_in(browser: Browser, url: str) -> StorageState:
    with browser.new_context(ignore_https_errors=True) as context:
        page = context.new_page()
        page.goto(f"{url}/ui/hosts")
        page.get_by_label("User name").fill("admin@internal")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("table").wait_for()
        return context.storage_state()


@dataclass(frozen=True, slots=True)
class _View:
    """A page, and the milliseconds until its screen was full of networks in a browser that had nothing of it yet, until
    it was when the page was opened once more, and until all networks were there.
    """

    page: Page
    first: float
    again: float
    whole: float


def _open(browser: Browser, state: StorageState, place: str) -> _View:
    context = browser.new_context(ignore_https_errors=True, storage_state=state, viewport=_SCREEN)
    page = context.new_page()
    page.goto(place, wait_until="commit")
    first = float(page.evaluate(_SHOWN, _ON_A_SCREEN))
    page.evaluate(_SHOWN, NETWORKS)
    page.goto("about:blank")
    page.goto(place, wait_until="commit")
    again, whole = (float(page.evaluate(_SHOWN, count)) for count in (_ON_A_SCREEN, NETWORKS))
    return _View(page, first, again, whole)


def _shown_after(what: str, milliseconds: list[float], goal: str) -> Figure:
    return Figure(what=f"web page, {what}", ours=statistics.median(milliseconds), unit="ms", goal=goal)
