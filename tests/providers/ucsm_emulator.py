"""An emulator of Cisco's UCS Manager: a program that speaks its XML API, holds state, and refuses what the real one
does.

Run by a Python that has Cisco's own ``ucsmsdk``, whose description of 2,054 classes is the schema. ``POST /nuova`` is
the API; ``/control`` is for tests: faults to inject, and all that is there. What nobody could compare with a real one
is in :data:`GUESSES`.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import socket
import ssl
import struct
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.etree import ElementTree as ET

from ucsm_domain import (
    BLADES,
    DEFAULTS,
    GUESSES,
    XML_ERROR,
    Domain,
    Fault,
    Mo,
    RefusalError,
    Tree,
    initial,
    parent_of,
    schema,
)


def shown(one: Mo, *, rn: bool = False) -> ET.Element:
    """All properties of its class, empty where nothing is known."""
    values = {
        key: one.values.get(key, "")
        for key in schema(one.class_id).properties
        if key not in {"childAction", "rn", "status", "sacl"}
    }
    values["dn"] = one.dn
    if rn:
        del values["dn"]
        values["rn"] = one.dn.rpartition("/")[2]
    return ET.Element(one.class_id, values)


def nested(tree: Tree, one: Mo, *, deep: bool, rn: bool = False) -> ET.Element:
    element = shown(one, rn=rn)
    if deep:
        for child in tree.values():
            if parent_of(child.dn) == one.dn:
                element.append(nested(tree, child, deep=True, rn=True))
    return element


def query(domain: Domain, request: ET.Element) -> list[ET.Element]:
    """The children of the answer to a method that reads."""
    tree, deep = domain.tree, request.get("inHierarchical") == "true"
    configs = ET.Element("outConfigs")
    if request.tag == "configResolveDn":
        configs.tag = "outConfig"
        found = [tree[dn] for dn in [request.get("dn", "")] if dn in tree]
    elif request.tag == "configResolveDns":
        desired = [one.get("value", "") for one in request.iter("dn")]
        found = [tree[dn] for dn in desired if dn in tree]
        unresolved = ET.Element("outUnresolved")
        for dn in desired:
            if dn not in tree:
                ET.SubElement(unresolved, "dn", value=dn)
    elif request.tag == "configResolveClass":
        schema(request.get("classId", ""))
        tests = [(one.get("property", ""), one.get("value", "")) for one in request.iter("eq")]
        found = [
            one
            for one in tree.values()
            if one.class_id == request.get("classId") and all(one.values.get(key) == value for key, value in tests)
        ]
    elif request.tag == "configResolveChildren":
        class_id = request.get("classId", "")
        below = [one for one in tree.values() if parent_of(one.dn) == request.get("inDn")]
        found = [one for one in below if one.class_id == class_id or not class_id]
    else:
        raise RefusalError(XML_ERROR, f"XML PARSING ERROR: no method named {request.tag}", is_root=True)
    configs.extend([nested(tree, one, deep=deep) for one in found])
    return [configs, unresolved] if request.tag == "configResolveDns" else [configs]


def write(domain: Domain, request: ET.Element, user: str) -> list[ET.Element]:
    """The children of the answer to a method that changes."""
    if request.tag == "configConfMo":
        answer = ET.Element("outConfig")
        answer.extend([shown(one) for one in domain.configure(user, list(request.find("inConfig") or ()))])
        return [answer]
    answer = ET.Element("outConfigs")
    pairs = list(request.iter("pair"))
    done = iter(domain.configure(user, [one for pair in pairs for one in pair]))
    for pair in pairs:
        ET.SubElement(answer, "pair", key=pair.get("key", "")).append(shown(next(done)))
    return [answer]


SESSIONS = {"aaaLogin": Domain.log_in, "aaaRefresh": Domain.refresh, "aaaLogout": Domain.log_out}


def _fail_if_told(fault: str) -> None:
    """Raises RefusalError for a fault that is an error code."""
    if fault.isdecimal() or fault.startswith("ERR-"):
        raise RefusalError(fault, f"told to fail ({fault})", is_root=fault.startswith("ERR-"))


def answer_to(domain: Domain, body: bytes, fault: str) -> bytes:
    """The document that answers a document."""
    try:
        request = ET.fromstring(body)
    except ET.ParseError as error:
        return error_document(RefusalError(XML_ERROR, f"XML PARSING ERROR: {error}", is_root=True), "error", "")
    cookie = request.get("cookie", "")
    try:
        _fail_if_told(fault)
        with domain.lock:
            if request.tag in SESSIONS:
                answer = ET.Element(request.tag, {"response": "yes", **SESSIONS[request.tag](domain, request)})
            else:
                user = domain.user_of(cookie)
                parts = (
                    write(domain, request, user) if request.tag.startswith("configConfMo") else query(domain, request)
                )
                answer = ET.Element(request.tag, {"cookie": cookie, "response": "yes"})
                answer.extend(parts)
    except RefusalError as refusal:
        return error_document(refusal, request.tag, cookie)
    return ET.tostring(answer)


def error_document(refusal: RefusalError, method: str, cookie: str) -> bytes:
    values = {"cookie": cookie, "response": "yes", "errorCode": refusal.code, "errorDescr": refusal.text}
    if refusal.is_root:
        return ET.tostring(ET.Element("error", {**values, "invocationResult": "594"}))
    return ET.tostring(ET.Element(method, {**values, "invocationResult": "unidentified-fail"}))


class Handler(BaseHTTPRequestHandler):
    """One request to a connection, as the real one does."""

    domain: Domain

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path == "/control":
            self._reply(json.dumps(control(self.domain, json.loads(body or b"{}"))).encode())
        elif self.path != "/nuova":
            self.send_error(404)
        else:
            method = re.match(rb"\s*(?:<\?[^>]*\?>\s*)?<(\w+)", body)
            self._act(body, self.domain.fault_of(method[1].decode() if method else ""))

    def _act(self, body: bytes, fault: str) -> None:
        self.close_connection = True
        if fault == "close":
            self._reset()
        elif fault == "hang":
            self._wait()
        elif fault == "http-500":
            self.send_error(500)
        elif fault == "drip":
            self._drip()
        else:
            answer = answer_to(self.domain, body, fault)
            if fault == "lose":
                self._reset()
            elif fault == "truncate":
                self._reply(answer[: len(answer) // 2])
            else:
                self._reply(answer)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _wait(self) -> None:
        """Wait until the client has closed the connection."""
        self.connection.settimeout(120)
        with suppress(OSError):
            self.connection.recv(1)

    def _drip(self) -> None:
        """Send single octets endlessly."""
        with suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            for _ in range(1200):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.1)

    def _reply(self, body: bytes) -> None:
        with suppress(OSError):
            self.send_response(200)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Does not log: there are thousands of requests."""


def control(domain: Domain, told: dict[str, Any]) -> dict[str, Any]:
    """Requests of tests that control it. Answers with the whole state."""
    with domain.lock:
        if "faults" in told:
            domain.faults = [Fault(**one) for one in told["faults"]]
        if told.get("forget_sessions"):
            domain.cookies.clear()
        for name in ("sessions_max", "lifetime"):
            if name in told:
                setattr(domain, name, told[name])
        for class_id, dn, values in told.get("put", ()):
            domain.tree[dn] = Mo(class_id, dn, {**DEFAULTS.get(class_id, {}), **values})
        for dn in told.get("drop", ()):
            domain.tree = {
                name: one for name, one in domain.tree.items() if name != dn and not name.startswith(f"{dn}/")
            }
        if told.get("reset"):
            domain.tree, domain.faults, domain.cookies = initial(), [], {}
        domain._settle()
        seen, domain.seen = domain.seen, []
        return {
            "objects": {dn: {"class": one.class_id, **one.values} for dn, one in sorted(domain.tree.items())},
            "sessions": len(domain.cookies),
            "seen": seen,
            "guesses": GUESSES,
        }


def main() -> None:
    """Serve until the end of standard input, or until SIGTERM. The first line of the output is the port."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--server", action="append", default=[], help="UUID of a blade's hardware; may be repeated")
    parser.add_argument("--until-signal", action="store_true", help="serve until SIGTERM instead")
    parser.add_argument("--certificate", help="PEM file with key and certificate: HTTPS instead of HTTP")
    arguments = parser.parse_args()
    users = {"netweft": ("only this one", frozenset({"admin"})), "reader": ("only reads", frozenset({"read-only"}))}
    domain = Domain(users=users)
    for blade, hardware in zip(BLADES, arguments.server, strict=False):
        domain.tree[blade].values["uuid"] = hardware
    handler = type("Bound", (Handler,), {"domain": domain})
    server = ThreadingHTTPServer((arguments.address, arguments.port), handler)
    server.daemon_threads = True
    if arguments.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments.certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(server.server_address[1], flush=True)  # noqa: T201 - for whoever started it
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with suppress(KeyboardInterrupt):
        if arguments.until_signal:
            signal.pause()
        input()


if __name__ == "__main__":
    with suppress(EOFError):
        main()
