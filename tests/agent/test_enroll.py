"""Joining an engine.

A small server stands for the engine: it has an authority and signs requests, like the engine's endpoint.
"""

from __future__ import annotations

import json
import ssl
import stat
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.rig import AgentProcess, Authority, Engine
from netweft.agent.enroll import enroll
from netweft.agent.identity import Identity, IdentityError, fingerprint_of
from netweft.agent.join import join
from netweft.agent.main import main, parse
from netweft.core.protocol import Credentials

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator
    from pathlib import Path


class Desk(ThreadingHTTPServer):
    """The server that hosts join. ``shown``: the authority that it presents; ``token``: the valid one, which works
    once.
    """

    def __init__(self, authority: Authority, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Clerk)
        self.authority = authority
        self.shown = authority.pem
        self.token = "secret"
        self.host_id = "h1"
        self.requests: list[dict[str, Any]] = []
        identity = authority.issue(folder, "localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity.certificate, identity.key)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignores clients that close the connection during the handshake."""


class Clerk(BaseHTTPRequestHandler):
    server: Desk

    def do_GET(self) -> None:
        self._send(200 if self.path == "/netweft/v1/ca.pem" else 404, self.server.shown.encode())

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(request)
        if request["token"] != self.server.token:
            self._send(403, b'{"reason": "Operation Failed", "detail": "[This token is used up.]"}')
            return
        self.server.token = ""
        authority = self.server.authority
        signed = authority.sign_all(Credentials(**request["requests"]), request["hostname"])
        ids = {name: f"id-of-{name}" for name in request.get("simulated", ())}
        answer = {
            "host_ids": ids,
            "certificates": signed,
            "authorities": authority.authorities,
            "host_id": self.server.host_id,
        }
        self._send(201, msgspec.json.encode({**answer, "host_id": self.server.host_id}))

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing to log."""


@pytest.fixture
def desk(authority: Authority, tmp_path: Path) -> Iterator[Desk]:
    with _desk(authority, tmp_path / "desk") as desk:
        yield desk


@contextmanager
def _desk(authority: Authority, folder: Path) -> Iterator[Desk]:
    desk = Desk(authority, folder)
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
    with pytest.raises(IdentityError, match="do not continue"):
        _join(desk, tmp_path, fingerprint="00" * 32)
    desk.shown = Authority().pem  # the right fingerprint's certificate, on a server that it has not signed
    foreign = fingerprint_of(desk.shown)
    with pytest.raises(IdentityError, match="cannot be reached"):
        _join(desk, tmp_path, fingerprint=foreign)
    desk.shown = "no certificate"
    with pytest.raises(IdentityError, match="no certificate"):
        _join(desk, tmp_path)
    assert desk.requests == []
    assert not Identity(tmp_path).is_of("")


def test_a_token_works_once(desk: Desk, tmp_path: Path) -> None:
    _join(desk, tmp_path, address="https://192.0.2.7:1")
    assert desk.requests[0]["address"] == "https://192.0.2.7:1"
    with pytest.raises(IdentityError, match=r"403 Forbidden: This token is used up\.$"):
        _join(desk, tmp_path)
    assert Identity(tmp_path).is_of(desk.authority.fingerprint)


def test_the_program_joins_once_and_then_starts_by_itself(
    desk: Desk, tmp_path: Path, engine_identity: Identity
) -> None:
    token = tmp_path / "token"
    token.write_text("secret\n")
    state = tmp_path / "state"
    joining = ("--simulated", "2", "--enroll", desk.url, "--ca-fingerprint", desk.authority.fingerprint)
    with AgentProcess(state, *joining, "--token-file", str(token)) as process:
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
        with AgentProcess(state, *options) as process:
            assert process.stop() == 0
    assert len(desk.requests) == 1
    desk.token = "secret"
    with AgentProcess(state, *joining, "--simulated", "3", "--token-file", str(token)) as process:
        assert process.stop() == 0
    assert len(desk.requests) == 2


def test_the_token_from_the_environment(desk: Desk, tmp_path: Path) -> None:
    joining = ("--simulated", "1", "--enroll", desk.url, "--ca-fingerprint", desk.authority.fingerprint)
    with AgentProcess(tmp_path / "state", *joining, env={"NETWEFT_ENROLL_TOKEN": "secret"}) as process:
        assert process.stop() == 0


def _asked(desk: Desk, state: Path, *more: str, authority: Authority | None = None) -> Namespace:
    """The options of the command line."""
    fingerprint = (authority or desk.authority).fingerprint
    return parse(["--state", str(state), "--enroll", desk.url, "--ca-fingerprint", fingerprint, *more])


def test_a_token_that_was_used_before_asks_for_nothing_and_a_new_one_joins_again(desk: Desk, tmp_path: Path) -> None:
    identity = Identity(tmp_path)
    join(_asked(desk, tmp_path, "--token", "secret"), identity, 1)
    first = identity.certificate.read_text()
    for again in (("--token", "secret"), ("--token-file", str(tmp_path / "gone")), ()):
        join(_asked(desk, tmp_path, *again), identity, 1)
    assert len(desk.requests) == 1
    desk.token, desk.host_id = "another", "h2"
    join(_asked(desk, tmp_path, "--token", "another"), identity, 1)
    assert (identity.host_id, identity.address) == ("h2", "https://127.0.0.1:1")
    assert identity.certificate.read_text() != first
    assert "another" not in (tmp_path / "enrollment.json").read_text()


def test_a_host_keeps_its_identity_when_the_engine_refuses_it(
    desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    identity = Identity(tmp_path)
    join(_asked(desk, tmp_path, "--token", "secret"), identity, 1)
    join(_asked(desk, tmp_path, "--token", "a mistake"), identity, 1)
    assert "used up" in caplog.text
    assert "host h1" in caplog.text
    assert identity.is_of(desk.authority.fingerprint)
    with pytest.raises(IdentityError, match="fingerprint"):
        join(_asked(desk, tmp_path, "--token", "a mistake", authority=Authority()), identity, 1)
    assert identity.is_of(desk.authority.fingerprint)


def test_a_host_joins_another_engine(desk: Desk, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    identity = Identity(tmp_path)
    join(_asked(desk, tmp_path, "--token", "secret"), identity, 1)
    with _desk(Authority(), tmp_path_factory.mktemp("other")) as other:
        join(_asked(other, tmp_path, "--token", "secret"), identity, 1)
        assert identity.is_of(other.authority.fingerprint)
        assert not identity.is_of(desk.authority.fingerprint)


def test_a_second_start_joins_for_the_running_agent(desk: Desk, tmp_path: Path, engine_identity: Identity) -> None:
    state = tmp_path / "state"
    joining = ("--enroll", desk.url, "--ca-fingerprint", desk.authority.fingerprint)
    with AgentProcess(state, "--simulated", "1", *joining, "--token", "secret") as process:
        before = ssl.get_server_certificate(("127.0.0.1", process.port))
        old = Engine(f"https://127.0.0.1:{process.port}/sim-1", engine_identity)
        assert old.report().capabilities.hostname == "sim-1"
        desk.token, desk.host_id = "another", "h2"
        listen = ("--state", str(state), "--run", str(tmp_path / "run"), "--listen", f"127.0.0.1:{process.port}")
        assert main([*listen, *joining, "--token", "another"]) == 0
        assert desk.requests[1]["address"] == f"https://127.0.0.1:{process.port}"
        deadline = time.monotonic() + 30
        while ssl.get_server_certificate(("127.0.0.1", process.port)) == before:
            assert time.monotonic() < deadline, "the agent still shows its old certificate"
            time.sleep(0.02)
        assert old.client.get("/v1/host").status_code == 403, "a connection from before is nobody's any more"
        old.client.close()
        engine = Engine(f"https://127.0.0.1:{process.port}/sim-1", engine_identity)
        assert engine.report().capabilities.hostname == "sim-1"
        engine.client.close()
        assert process.stop() == 0
