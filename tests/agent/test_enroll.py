"""Joining an engine.

Its end is played by a small server that holds an authority and signs what it is sent, as the engine's own endpoint
does.
"""

from __future__ import annotations

import json
import ssl
import stat
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.rig import AgentProcess, Authority, Engine
from netweft.agent.enroll import enroll
from netweft.agent.identity import Identity, IdentityError, fingerprint_of
from netweft.core.protocol import Credentials

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Desk(ThreadingHTTPServer):
    """Where hosts join. ``shown``: the authority that it says it has; ``token``: the one that works, once."""

    def __init__(self, authority: Authority, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Clerk)
        self.authority = authority
        self.shown = authority.pem
        self.token = "secret"
        self.requests: list[dict[str, Any]] = []
        identity = authority.issue(folder, "localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity.certificate, identity.key)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away in the middle of a handshake are part of the play."""


class Clerk(BaseHTTPRequestHandler):
    server: Desk

    def do_GET(self) -> None:
        self._send(200 if self.path == "/netweft/v1/ca.pem" else 404, self.server.shown.encode())

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(request)
        if request["token"] != self.server.token:
            self._send(403, b'{"message": "this token is used up"}')
            return
        self.server.token = ""
        authority = self.server.authority
        signed = authority.sign_all(Credentials(**request["requests"]), request["hostname"])
        ids = {name: f"id-of-{name}" for name in request.get("simulated", ())}
        answer = {"certificates": signed, "authorities": authority.authorities, "host_id": "h1", "host_ids": ids}
        self._send(201, msgspec.json.encode(answer))

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing to log."""


@pytest.fixture
def desk(authority: Authority, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(authority, tmp_path / "desk")
    thread = Thread(target=desk.serve_forever, args=(0.01,))
    thread.start()
    yield desk
    desk.shutdown()
    thread.join()
    desk.server_close()


def _join(desk: Desk, folder: Path, *, fingerprint: str = "", token: str = "secret", address: str = "") -> Identity:
    identity = Identity(folder)
    fingerprint = fingerprint or desk.authority.fingerprint
    enroll(
        identity,
        url=desk.url,
        token=token,
        fingerprint=fingerprint,
        address=address,
        port=54322,
        hostname="h1.example.com",
    )
    return identity


def test_joining(desk: Desk, tmp_path: Path) -> None:
    spelled = "SHA256:" + ":".join(desk.authority.fingerprint[i : i + 2].upper() for i in range(0, 64, 2))
    identity = _join(desk, tmp_path, fingerprint=spelled)
    assert stat.S_IMODE(identity.key.stat().st_mode) == 0o600
    assert fingerprint_of(identity.authority.read_text()) == desk.authority.fingerprint
    assert desk.requests[0]["address"] == "https://127.0.0.1:54322"
    assert "PRIVATE" not in json.dumps(desk.requests)
    assert identity.is_of(spelled)
    assert not identity.is_of("00" * 32)


def test_another_authority_gets_no_token(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(IdentityError, match="do not go on"):
        _join(desk, tmp_path, fingerprint="00" * 32)
    desk.shown = Authority().pem  # the right fingerprint's certificate, on a server that it has not signed
    stranger = fingerprint_of(desk.shown)
    with pytest.raises(IdentityError, match="cannot be reached"):
        _join(desk, tmp_path, fingerprint=stranger)
    desk.shown = "no certificate"
    with pytest.raises(IdentityError, match="no certificate"):
        _join(desk, tmp_path)
    assert desk.requests == []
    assert not Identity(tmp_path).is_of("")


def test_a_token_works_once(desk: Desk, tmp_path: Path) -> None:
    _join(desk, tmp_path, address="https://192.0.2.7:1")
    assert desk.requests[0]["address"] == "https://192.0.2.7:1"
    with pytest.raises(IdentityError, match="used up"):
        _join(desk, tmp_path)
    assert Identity(tmp_path).is_of(desk.authority.fingerprint)


def test_the_program_joins_once_and_then_starts_by_itself(
    desk: Desk, tmp_path: Path, engine_identity: Identity
) -> None:
    token = tmp_path / "token"
    token.write_text("secret\n")
    state = tmp_path / "state"
    joining = ("--simulated", "2", "--enroll", desk.url, "--ca-fingerprint", desk.authority.fingerprint)
    process = AgentProcess(state, *joining, "--token-file", str(token))
    assert desk.requests[0]["simulated"] == ["sim-1", "sim-2"]
    assert desk.requests[0]["address"] == f"https://127.0.0.1:{process.port}"
    engine = Engine(f"https://127.0.0.1:{process.port}/sim-2", engine_identity)
    assert engine.report().capabilities.hostname == "sim-2"
    engine.client.close()
    assert process.stop() == 0
    assert json.loads((state / "enrollment.json").read_text())["host_ids"] == {
        "sim-1": "id-of-sim-1",
        "sim-2": "id-of-sim-2",
    }
    for options in (("--simulated", "2"), joining):
        process = AgentProcess(state, *options)
        assert process.stop() == 0
    assert len(desk.requests) == 1
    desk.token = "secret"
    process = AgentProcess(state, *joining, "--simulated", "3", "--token-file", str(token))
    assert process.stop() == 0
    assert len(desk.requests) == 2


def test_the_token_from_the_environment(desk: Desk, tmp_path: Path) -> None:
    joining = ("--simulated", "1", "--enroll", desk.url, "--ca-fingerprint", desk.authority.fingerprint)
    process = AgentProcess(tmp_path / "state", *joining, env={"NETWEFT_ENROLL_TOKEN": "secret"})
    assert process.stop() == 0
