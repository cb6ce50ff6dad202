"""An emulator of NVIDIA's UFM: partitions over its REST API, with the refusals of the real one."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

GUESSES = {
    "names": "partition_name of resources/pkeys/add is told back as partition",
    "twice": "adding a PKey that is there is refused with 400",
    "management": "0x7fff is refused with 400, whatever is to be done to it",
    "systems": "system_guid of resources/vports is what the host's sysfs shows as sys_image_guid",
    "members": "a partition with members can be deleted, and they lose it",
}
"""Assumptions that have to be compared with a real one."""
USER, PASSWORD = "admin", "only this one"
_GUID = re.compile(r"(0x)?[0-9a-fA-F]{16,20}")


class RefusalError(Exception):
    """An answer with another status, and its text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


@dataclass
class Fabric:
    """What one has. ``empty_for_missing``: a missing partition is answered with ``{}`` instead of 404."""

    version: str = "6.22.1 build 5"
    empty_for_missing: bool = False
    partitions: dict[str, dict[str, Any]] = field(default_factory=dict)
    vports: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.partitions["0x7fff"] = {"partition": "management", "ip_over_ib": True, "guids": [], "qos_conf": {}}

    def add(self, body: dict[str, Any]) -> None:
        """An empty partition."""
        key = self.key(body.get("pkey"))
        if key in self.partitions:
            raise RefusalError(400, f"Partition {key} exists already")
        limit = body.get("mtu_limit", 2)
        if limit not in (2, 4):
            raise RefusalError(400, "mtu_limit must be 2 or 4")
        qos = {"mtu_limit": limit, "service_level": 0, "rate_limit": 2.5}
        name = body.get("partition_name", f"api_pkey_{key}")
        self.partitions[key] = {
            "partition": name,
            "ip_over_ib": bool(body.get("ip_over_ib")),
            "guids": [],
            "qos_conf": qos,
        }

    def join(self, body: dict[str, Any]) -> None:
        """Add GUIDs, and the partition if necessary."""
        key = self.key(body.get("pkey"))
        if body.get("membership", "full") not in ("full", "limited"):
            raise RefusalError(400, "membership is full or limited")
        for guid in body.get("guids", ()):
            if not _GUID.fullmatch(guid):
                raise RefusalError(400, f"invalid GUID {guid}")
        if key not in self.partitions:
            self.add({"pkey": key, "ip_over_ib": body.get("ip_over_ib")})
        here = self.partitions[key]["guids"]
        known = {one["guid"].lower() for one in here}
        # It returns GUIDs in upper case.
        new = [one for one in body.get("guids", ()) if one.lower() not in known]
        here += [{"guid": one.upper(), "membership": body.get("membership", "full"), "index0": False} for one in new]

    def leave(self, key: str, guids: str) -> None:
        """Remove GUIDs."""
        found = self.partitions.get(self.key(key))
        if found is None:
            raise RefusalError(404, f"Partition {key} was not found")
        gone = {one.lower() for one in guids.split(",")}
        found["guids"] = [one for one in found["guids"] if one["guid"].lower() not in gone]

    def remove(self, key: str) -> None:
        """A partition."""
        if self.partitions.pop(self.key(key), None) is None:
            raise RefusalError(404, f"Partition {key} was not found")

    def limit(self, body: dict[str, Any]) -> None:
        """The settings of a partition's ports."""
        key = self.key(body.get("pkey"))
        if key not in self.partitions:
            raise RefusalError(404, f"Partition {key} was not found")
        if body.get("mtu_limit") not in (2, 4):
            raise RefusalError(400, "mtu_limit must be 2 or 4")
        self.partitions[key]["qos_conf"] |= {name: value for name, value in body.items() if name != "pkey"}

    def key(self, text: object) -> str:
        """A PKey in its notation. Raises RefusalError for an invalid one, and for the fabric's own."""
        if not re.fullmatch(r"0x[0-9a-fA-F]{1,4}", str(text)):
            raise RefusalError(400, f"invalid PKey {text}")
        number = int(str(text), 16)
        if not 0 < number < 0x7FFF:
            raise RefusalError(400, f"PKey {text} must not be changed")
        return hex(number)

    def shown(self, path: str, query: dict[str, list[str]]) -> object:
        """The answer to a GET."""
        parts = [name for name in ("guids_data", "qos_conf") if query.get(name) == ["true"]]
        desired = {"guids_data": "guids", "qos_conf": "qos_conf"}
        if path == "app/ufm_version":
            return {"ufm_release_version": self.version}
        if path == "resources/vports":
            return self.vports
        if path == "resources/pkeys":
            if not parts:
                return list(self.partitions)
            return {key: _part(one, desired[parts[0]]) for key, one in self.partitions.items()}
        found = self.partitions.get(path.removeprefix("resources/pkeys/"))
        if found is None and self.empty_for_missing:
            return {}
        if found is None:
            raise RefusalError(404, "Partition was not found")
        return _part(found, *(desired[one] for one in parts))


def _part(one: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: one[name] for name in ("partition", "ip_over_ib", *names)}


class Handler(BaseHTTPRequestHandler):
    """One request."""

    fabric: ClassVar[Fabric]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self._answer(lambda path: self.fabric.shown(path, parse_qs(parts.query)))

    def do_POST(self) -> None:
        steps = {"resources/pkeys/add": self.fabric.add, "resources/pkeys": self.fabric.join}
        self._change(steps)

    def do_PUT(self) -> None:
        self._change({"resources/pkeys/qos_conf": self.fabric.limit})

    def do_DELETE(self) -> None:
        def act(path: str) -> object:
            found = re.fullmatch(r"resources/pkeys/(\w+)(?:/guids/([\w,]+))?", path)
            if found is None:
                raise RefusalError(404, "no such page")
            return self.fabric.leave(found[1], found[2]) if found[2] else self.fabric.remove(found[1])

        self._answer(act)

    def _change(self, steps: dict[str, Callable[[dict[str, Any]], None]]) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))

        def act(path: str) -> object:
            if path not in steps:
                raise RefusalError(404, "no such page")
            try:
                told = json.loads(body)
            except ValueError:
                raise RefusalError(400, "the body is no JSON") from None
            return steps[path](told)

        self._answer(act)

    def _answer(self, act: Callable[[str], object]) -> None:
        try:
            path = self._let_in()
            with self.fabric.lock:
                content = json.dumps(act(path))
            status = 200
        except RefusalError as error:
            status, content = error.status, error.text
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content.encode())

    def _let_in(self) -> str:
        """The body of the request. Raises RefusalError."""
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {login}":
            raise RefusalError(401, "Unauthorized")
        path = urlsplit(self.path).path
        if not path.startswith("/ufmRest/"):
            raise RefusalError(404, "no such page")
        return path.removeprefix("/ufmRest/")

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def emulated(fabric: Fabric) -> Iterator[str]:
    """A UFM on loopback; gives its URL."""
    handler = type("Bound", (Handler,), {"fabric": fabric})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
