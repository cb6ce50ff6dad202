"""The files of the page, which the engine serves without authentication."""

from __future__ import annotations

import asyncio
import gzip
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.types import ASGIApp

from netweft.engine.access.roles import ActionGroup
from netweft.web import POLICY, STATIC, VENDOR, loaded_at_once, sent, with_page
from web.conftest import Site

LIMIT_OF_SCRIPTS = 110_000
LIMIT_OF_STYLES = 20_000
MOST_LINES = 400


def test_the_root_leads_to_the_page(site: Site) -> None:
    with site.engine.door() as door:
        for path in ("/", "/ui"):
            answer = door.get(path)
            assert (answer.status_code, answer.headers["location"]) == (307, "/ui/")
        assert f"web page {site.engine.url}/ui/" in site.engine.log.read_text()


def test_every_address_is_answered_under_the_policy(site: Site) -> None:
    with site.engine.door() as door:
        page = door.get("/ui/hosts/nobody?search=x")
        files = re.findall(r'(?:href|src)="([^"]+)"', page.text)
        assert len(files) <= 60
        assert any(file.endswith("/pages/setup.js") for file in files)
        assert not any(
            file.endswith("/pages/setup.js") for file in re.findall(r'href="([^"]+)"', door.get("/ui/hosts").text)
        )
        assert not re.search(r"<script(?! type=\"module\" src=)|<style| style=| on[a-z]+=", page.text)
        for answer in (page, door.get("/ui/static/0/no.js"), *map(door.get, files)):
            assert answer.headers["content-security-policy"] == POLICY
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert all("immutable" in door.get(file).headers["cache-control"] for file in files)
        assert door.get(files[0].replace("mark.svg", "no.svg")).status_code == 404
        assert door.get(files[0].replace("mark.svg", "../__init__.py")).status_code in {200, 404}
        assert "def with_page" not in door.get(files[0].replace("mark.svg", "..%2f__init__.py")).text
        assert door.post("/ui/hosts").status_code == 405
        plain = door.get(files[-1], headers={"Accept-Encoding": "identity"})
        assert plain.content == door.get(files[-1]).content


def test_rights_that_the_page_knows_are_action_groups() -> None:
    pages = "".join(module.read_text() for module in STATIC.glob("pages/*.js"))
    listed = re.findall(r"""rights?(?:=|: |=\$\{\[)((?:['"][a-z_]+['"](?:, )?)+)""", pages)
    named = re.findall(r"[a-z_]+", " ".join(listed))
    assert len(named) > 40
    assert set(named) <= set(ActionGroup)


def test_the_engine_works_without_the_npm_packages(tmp_path: Path) -> None:
    shutil.copytree(STATIC, tmp_path / "static", ignore=shutil.ignore_patterns("vendor"))
    with ThreadPoolExecutor(1) as pool:  # the thread of the tests has a loop of the browser's
        page = pool.submit(asyncio.run, _get(with_page(Starlette(), tmp_path / "static"), "/ui/hosts")).result()
    assert "run <code>make install</code> again" in page
    assert "<script" not in page


async def _get(app: ASGIApp, path: str) -> str:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://engine") as client:
        return (await client.get(path)).text


def test_the_page_is_small() -> None:
    """The size of all scripts, and of those that each view needs: the initial ones and the modules of its area."""
    later = {
        str(path.parent.relative_to(STATIC) / name)
        for path in STATIC.rglob("*.js")
        for name in re.findall(r"import\('\./([^']+)'\)", path.read_text())
    }
    assert len(later) > 10
    for area in later:
        files = loaded_at_once("main.js") | loaded_at_once(area)
        assert sum(len(gzip.compress(script(name))) for name in files) <= LIMIT_OF_SCRIPTS, area
    styles = b"".join(path.read_bytes() for path in STATIC.rglob("*.css"))
    assert len(gzip.compress(styles)) <= LIMIT_OF_STYLES
    there = {str(path.relative_to(STATIC)) for path in STATIC.rglob("*.js")}
    assert there == loaded_at_once("main.js").union(*map(loaded_at_once, later)), "each module is used"
    assert len(gzip.compress(b"".join(map(script, sorted(there))))) <= LIMIT_OF_SCRIPTS


def script(name: str) -> bytes:
    return sent(name, (STATIC / name).read_bytes())


def test_comments_are_stripped_and_line_numbers_stay() -> None:
    text = "/** What. */\nexport const a = 1; // why\n\n  // next\n/** More\n * lines. */\nconst b = `//${a}`;\n"
    kept = "\nexport const a = 1; // why\n\n\n\n\nconst b = `//${a}`;\n"
    assert sent("pages/one.js", text.encode()) == kept.encode()
    assert sent("vendor/one.js", text.encode()) == sent("one.css", text.encode()) == text.encode()


def test_modules_are_short_and_never_parse_text_as_markup() -> None:
    for path in STATIC.rglob("*.js"):
        if VENDOR.strip("/") in path.parts:
            continue
        text = path.read_text()
        assert text.count("\n") <= MOST_LINES, path
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\b|new Function", text), path


def test_a_session_is_for_pages_of_the_engine_only(site: Site) -> None:
    with site.engine.door() as door:
        persistent = {"Prefer": "persistent-auth", "Accept": "application/json"}
        door.get("/ovirt-engine/api", headers=persistent, auth=("admin@internal", "a long and unusual password"))
        assert door.cookies
        assert door.get("/ovirt-engine/api", headers=persistent).status_code == 200
        for origin in ("cross-site", "same-site"):
            answer = door.get("/ovirt-engine/api", headers={**persistent, "Sec-Fetch-Site": origin})
            assert answer.status_code == 401, origin
        assert door.get("/ovirt-engine/api", headers={**persistent, "Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_the_browser_shows_no_password_prompt_of_its_own(site: Site) -> None:
    with site.engine.door() as door:
        script = door.get("/ovirt-engine/api", headers={"Sec-Fetch-Dest": "empty"})
        assert script.headers["www-authenticate"].startswith("Bearer")
        assert door.get("/ovirt-engine/api").headers["www-authenticate"].startswith("Basic")
