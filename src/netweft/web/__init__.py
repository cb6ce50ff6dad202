"""The web page at ``/ui/``: files for a browser, which then talks to the public API like any other client."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

PLACE = "/ui"
STATIC = Path(__file__).parent / "static"
VENDOR = "vendor/"
"""Below ``static``: what others made, copied there when Netweft is installed (``tools/web``)."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
"""The page runs files of the engine only, and nobody shows it inside another page."""
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_MAIN, _STYLES = "main.js", "page.css"
_IMPORT = re.compile(r"""(?:^|;)(?:import|export)\b[^;'"]*?['"](\.{1,2}/[^'"]+)['"]""", re.MULTILINE)
"""A module that is imported before one begins."""
_LATER = re.compile(r"(\w+): later\(\(\) => import\('\./([^']+)'\)")
"""An area with the module that shows it, which is imported when that is shown first."""
_COMMENT = re.compile(rb"^[ ]*(?://.*|/\*\*(?:[^*]|\*(?!/))*\*/)$", re.MULTILINE)
_FOR_GOOD = "public, max-age=31536000, immutable"
_ZIPPED = {".js", ".css", ".svg"}
_TYPES = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
_MISSING = """<main><h1>Netweft</h1><p>The web page is not complete: the files that it takes from npm are not there.
Where Netweft was installed from its source, install <code>npm</code> and run <code>make install</code> again, then
start the engine anew.</p><p>The command <code>netweft</code> and the API work without them.</p></main>"""
_FRAME = """<div id="app"></div><noscript>This page needs JavaScript. The command netweft and the API do the
same.</noscript>"""


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    zipped: bytes | None
    kind: str


def with_page(app: ASGIApp, folder: Path = STATIC) -> ASGIApp:
    """The web page in front of ``app``, which answers everything else. ``folder``: the files of the page.

    Without the files from npm the page says so.
    """
    page = _page(folder)

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["path"] in {"/", PLACE} or scope["path"].startswith(f"{PLACE}/")):
            await page(scope, receive, send)
        else:
            await app(scope, receive, send)

    return served


def _page(folder: Path) -> Starlette:
    """All addresses of the page. Every one that is no file answers with the same document, which then shows what the
    address names. The files' addresses change with their contents, so that browsers keep them.
    """
    files = _files(folder)
    version = hashlib.sha256(b"".join(name.encode() + files[name].content for name in sorted(files))).hexdigest()[:12]
    static = f"{PLACE}/static/{version}"
    is_complete = any(name.startswith(VENDOR) for name in files)
    documents = {area: _document(static, modules) for area, modules in _modules(folder).items()} if is_complete else {}
    other = _document(static, sorted(loaded_at_once(_MAIN, folder)) if is_complete else [])

    def redirect(_: Request) -> Response:
        return RedirectResponse(f"{PLACE}/")

    def show(request: Request) -> Response:
        area, _, one = request.path_params["place"].partition("/")
        document = documents.get((area or "overview", bool(one)), other)
        return Response(document, media_type="text/html", headers={**_HEADERS, "Cache-Control": "no-cache"})

    def send_file(request: Request) -> Response:
        file = files.get(request.path_params["name"])
        if file is None:
            return Response("There is no such file.\n", 404, headers=_HEADERS, media_type="text/plain")
        headers = {**_HEADERS, "Cache-Control": _FOR_GOOD, "Vary": "Accept-Encoding"}
        if file.zipped is None or "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(file.content, media_type=file.kind, headers=headers)
        return Response(file.zipped, media_type=file.kind, headers={**headers, "Content-Encoding": "gzip"})

    return Starlette(
        routes=[
            Route("/", redirect),
            Route(PLACE, redirect),
            Route(f"{static}/{{name:path}}", send_file),
            Route(f"{PLACE}/{{place:path}}", show),
        ]
    )


def _files(folder: Path) -> dict[str, _File]:
    """The files of the page by their path below ``folder``; its style sheets are one."""
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix in _TYPES]
    found = {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.suffix != ".css"}
    found[_STYLES] = b"".join(path.read_bytes() for path in paths if path.suffix == ".css")
    return {name: _file(name, content) for name, content in found.items()}


def _file(name: str, content: bytes) -> _File:
    suffix = Path(name).suffix
    content = sent(name, content)
    return _File(content, gzip.compress(content, mtime=0) if suffix in _ZIPPED else None, _TYPES[suffix])


def sent(name: str, content: bytes) -> bytes:
    """What a browser gets of a file: of our modules not the comments that have lines of their own. The lines stay, so
    that what a browser says of a line is true of the file.
    """
    if not name.endswith(".js") or name.startswith(VENDOR):
        return content
    return _COMMENT.sub(lambda found: b"\n" * found[0].count(b"\n"), content)


def loaded_at_once(name: str, folder: Path = STATIC) -> set[str]:
    """The module of this name and all that it cannot begin without, below ``folder``; what is imported later, when it
    is shown first, is not among them.
    """
    found: set[str] = set()
    left = {name}
    while left:
        one = left.pop()
        found.add(one)
        left |= _imports(one, folder) - found
    return found


@cache
def _imports(name: str, folder: Path) -> frozenset[str]:
    """What a module imports before it begins, below ``folder``; most are asked about for each area."""
    path = folder / name
    return frozenset(os.path.relpath(path.parent / one, folder) for one in _IMPORT.findall(path.read_text()))


def _modules(folder: Path) -> dict[tuple[str, bool], list[str]]:
    """What is needed to show an area's list, or (``True``) one thing of it, by the tables of the main module."""
    lists, _, ones = (folder / _MAIN).read_text().partition("const ONES")
    begins = loaded_at_once(_MAIN, folder)
    return {
        (area, is_one): sorted(begins | loaded_at_once(module, folder))
        for text, is_one in ((lists, False), (ones, True))
        for area, module in _LATER.findall(text)
    }


def _document(static: str, modules: list[str]) -> bytes:
    """The document of an area. ``modules``: those that it needs, which it names so that a browser loads them at once
    and not one after the other; none where the page is not complete.
    """
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark"><title>Netweft</title>',
        f'<link rel="icon" href="{static}/mark.svg" type="image/svg+xml">',
        f'<link rel="stylesheet" href="{static}/{_STYLES}">',
        *[f'<link rel="modulepreload" href="{static}/{escape(name)}">' for name in modules],
        f'<script type="module" src="{static}/{_MAIN}"></script></head>' if modules else "</head>",
        f"<body>{_FRAME if modules else _MISSING}</body>",
        "</html>",
    ]
    return "\n".join(lines).encode()
