"""Who may send requests to an agent, and how it answers malformed ones."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest

from agent.rig import Authority, Engine, client_context, served
from netweft.agent import serve
from netweft.agent.pending_connections import PendingConnections
from netweft.agent.wire import ENGINE_NAME
from netweft.core.protocol import HostReport, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEEP = b"[" * 200_000


def _refusal(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, msgspec.json.decode(response.content, type=Refusal).code


def test_certificates_of_other_hosts_are_refused(engine: Engine, authority: Authority, tmp_path: Path) -> None:
    host = authority.issue(tmp_path / "host", "host-2.example.com")
    with httpx.Client(base_url=engine.url, verify=client_context(host)) as client:
        assert _refusal(client.get("/v1/host")) == (403, "denied")
        assert _refusal(client.put("/v1/host", content=b"{}")) == (403, "denied")


def test_the_name_must_be_a_name_of_the_certificate(engine: Engine, authority: Authority, tmp_path: Path) -> None:
    similar = authority.issue(tmp_path / "host", f"{ENGINE_NAME}.example.com")
    with httpx.Client(base_url=engine.url, verify=client_context(similar)) as client:
        assert _refusal(client.get("/v1/host")) == (403, "denied")


def test_certificates_of_other_authorities_are_refused(engine: Engine, tmp_path: Path) -> None:
    foreign = Authority().issue(tmp_path / "foreign", ENGINE_NAME)
    context = ssl.create_default_context(cafile=str(engine.identity.authority))
    context.load_cert_chain(foreign.certificate, foreign.key)
    with httpx.Client(base_url=engine.url, verify=context) as client, pytest.raises(httpx.TransportError):
        client.get("/v1/host")


def test_clients_without_certificate_are_refused(engine: Engine) -> None:
    context = ssl.create_default_context(cafile=str(engine.identity.authority))
    with httpx.Client(base_url=engine.url, verify=context) as client, pytest.raises(httpx.TransportError):
        client.get("/v1/host")
    plain = engine.url.replace("https", "http")
    with httpx.Client(base_url=plain) as client, pytest.raises(httpx.TransportError):
        client.get("/v1/host")
    assert engine.report()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v1/host", b""),
        ("PUT", "/v1/host", b"{"),
        ("PUT", "/v1/host", b"\xff\xfe"),
        ("PUT", "/v1/host", b"null"),
        ("PUT", "/v1/host", b'{"generation": "1", "desired": {}, "confirm_within": 1}'),
        ("PUT", "/v1/host", b'{"generation": 1.5, "desired": {}, "confirm_within": 1}'),
        ("PUT", "/v1/host", b'{"generation": 1, "desired": [], "confirm_within": 1}'),
        ("PUT", "/v1/host", b'{"generation": 1, "desired": {}, "confirm_within": null}'),
        ("PUT", "/v1/host", b'{"generation": 99999999999999999999, "desired": {}, "confirm_within": 1}'),
        ("PUT", "/v1/host", DEEP),
        ("POST", "/v1/host/confirm", b"{}"),
        ("POST", "/v1/host/rollback", b"[]"),
        ("PUT", "/v1/guests/g1", b"{}"),
        ("POST", "/v1/guests/g1/migrate", b"{}"),
        ("POST", "/v1/simulation", b'{"refuse": []}'),
        ("GET", "/v1/events?after=x", b""),
        ("GET", "/v1/events?after=-1", b""),
        ("GET", "/v1/events?wait=inf", b""),
        ("GET", "/v1/events?wait=nan", b""),
    ],
)
def test_invalid_requests_are_refused(engine: Engine, method: str, path: str, body: bytes) -> None:
    before = engine.report()
    assert _refusal(engine.client.request(method, path, content=body)) == (400, "malformed")
    assert engine.report() == before


def test_unknown_paths_are_refused(engine: Engine) -> None:
    for path in ("/v1/nothing", "/", "/v1/guests/", "/v1/guests/a/b"):
        assert _refusal(engine.client.get(path)) == (404, "unknown")
    assert _refusal(engine.client.delete("/v1/host")) == (405, "unknown")
    assert _refusal(engine.client.get("/v1/guests/g1")) == (405, "unknown")
    for verb in ("shutdown", "reboot", "suspend"):
        assert _refusal(engine.client.post(f"/v1/guests/g1/{verb}")) == (409, "failed")
        assert _refusal(engine.client.get(f"/v1/guests/g1/{verb}")) == (404, "unknown")
    with httpx.Client(verify=engine.context) as client:
        assert _refusal(client.get(engine.url.replace("sim-1", "sim-2") + "/v1/host")) == (404, "unknown")


def _talk(engine: Engine, request: bytes) -> bytes:
    """The raw answer to raw octets."""
    url = httpx.URL(engine.url)
    with (
        socket.create_connection((url.host, url.port or 0), timeout=30) as plain,
        engine.context.wrap_socket(plain, server_hostname=url.host) as tls,
    ):
        tls.sendall(request)
        answer = b""
        while chunk := tls.recv(65536):
            answer += chunk
    return answer


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"PATCH /sim-1/v1/host HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /sim-1/v1/host HTTP/7.0\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET /sim-1/v1/host HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
        (b"PUT /sim-1/v1/host HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"PUT /sim-1/v1/host HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"400"),
        (b"PUT /sim-1/v1/host HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", b"400"),
        (b"PUT /sim-1/v1/host HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        (b"PUT /sim-1/v1/host HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
    ],
)
def test_other_protocols_are_refused(engine: Engine, request_line: bytes, status: bytes) -> None:
    head, _, body = _talk(engine, request_line).partition(b"\r\n\r\n")
    assert head.split()[1] == status
    assert msgspec.json.decode(body, type=Refusal).code == "malformed"


def test_a_connection_serves_many_requests(engine: Engine) -> None:
    once = b"GET /sim-1/v1/host HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /sim-1/v1/host HTTP/1.1\r\nConnection: close\r\n\r\n"
    answers = _talk(engine, once * 2 + last).split(b"HTTP/1.1 200 OK")[1:]
    assert len(answers) == 3
    assert msgspec.json.decode(answers[2].partition(b"\r\n\r\n")[2], type=HostReport) == engine.report()


def _silent(host: str, port: int, _context: ssl.SSLContext) -> socket.socket:
    return socket.create_connection((host, port))


def _half_open(host: str, port: int, context: ssl.SSLContext) -> socket.socket:
    """Half of a ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=host).do_handshake()
    connection = socket.create_connection((host, port))
    connection.sendall(outgoing.read()[:100])
    return connection


def _certified(host: str, port: int, context: ssl.SSLContext) -> socket.socket:
    """A handshake as far as this side knows; the agent may not like the certificate, or that there is none."""
    return context.wrap_socket(socket.create_connection((host, port)), server_hostname=host)


@pytest.mark.parametrize("connect", [_silent, _half_open, _certified])
@pytest.mark.parametrize("certificate", ["none", "unknown", "another host's"])
def test_unauthenticated_connections_do_not_block_the_engine(
    engine: Engine, authority: Authority, tmp_path: Path, connect: Callable[..., socket.socket], certificate: str
) -> None:
    context = ssl.create_default_context(cafile=str(engine.identity.authority))
    if certificate != "none":
        signer = authority if certificate == "another host's" else Authority()
        pair = signer.issue(tmp_path / "other", "host-2.example.com")
        context.load_cert_chain(pair.certificate, pair.key)
    url = httpx.URL(engine.url)
    crowd = [connect(url.host, url.port or 0, context) for _ in range(100)]
    try:
        for _ in range(3):
            with engine.connect() as client:
                assert client.get("/v1/host").status_code == 200
        crowd += [connect(url.host, url.port or 0, context) for _ in range(2 * serve.MAX_UNAUTHENTICATED)]
        with engine.connect() as client:
            assert client.get("/v1/host").status_code == 200
    finally:
        for connection in crowd:
            connection.close()


def test_at_the_limit_the_oldest_connection_of_the_busiest_address_is_closed() -> None:
    near, far = zip(*(socket.socketpair() for _ in range(4)), strict=True)
    pending = PendingConnections(3)
    engine = pending.add(near[0], "192.0.2.1")
    first = pending.add(near[1], "192.0.2.66")
    pending.add(near[2], "192.0.2.66")
    pending.add(near[3], "192.0.2.66")
    assert far[1].recv(1) == b"", "the oldest of the address with most"
    assert not pending.remove(first)
    assert pending.remove(engine)
    pending.close_older_than(-1.0)
    assert (far[2].recv(1), far[3].recv(1)) == (b"", b"")
    far[0].setblocking(False)
    with pytest.raises(BlockingIOError):
        far[0].recv(1)
    for connection in (*near, *far):
        connection.close()


def test_connections_without_a_handshake_are_closed(authority: Authority, tmp_path: Path) -> None:
    with served(tmp_path, authority, handshake=0.5) as address:
        url = httpx.URL(address)
        with socket.create_connection((url.host, url.port or 0)) as silent:
            silent.settimeout(30)
            assert silent.recv(1) == b""
