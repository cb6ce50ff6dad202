"""Each fault of the proxy, from the client's side, and its effect on the service."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent.rig import Authority
from providers.faults import CLOSE, HANG, LOSE, LOSE_AND_HANG, Fault, FaultyProxy, answer
from waiting import until


class Ports(BaseHTTPRequestHandler):
    """A service that creates ports, and lists them."""

    made: list[str]

    def do_POST(self) -> None:
        self.made.append(self.rfile.read(int(self.headers["content-length"])).decode())
        self._say(201, self.made[-1])

    def do_GET(self) -> None:
        self._say(200, self.made)

    def _say(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Nothing."""


@pytest.fixture
def made() -> list[str]:
    return []


@pytest.fixture
def service(made: list[str]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Ports,), {"made": made}))
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def proxy(service: str) -> Iterator[FaultyProxy]:
    with FaultyProxy(service) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: FaultyProxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.url, trust_env=False, timeout=30.0) as client:
        yield client


def test_requests_without_a_rule_pass(proxy: FaultyProxy, client: httpx.Client, made: list[str]) -> None:
    proxy.fail("DELETE", CLOSE)
    assert client.post("/v2.0/ports", content="a").json() == "a"
    assert client.get("/v2.0/ports?name=a").json() == ["a"] == made
    assert proxy.seen == ["POST /v2.0/ports", "GET /v2.0/ports?name=a"]


@pytest.mark.parametrize("status", [401, 409, 500])
def test_an_answer_is_injected_without_the_request(
    proxy: FaultyProxy, client: httpx.Client, made: list[str], status: int
) -> None:
    rule = proxy.fail("POST .*/ports", answer(status, "MacAddressInUse"))
    failed = client.post("/v2.0/ports", content="a")
    assert (failed.status_code, failed.json()["NeutronError"]["type"]) == (status, "MacAddressInUse")
    assert (made, rule.met) == ([], ["POST /v2.0/ports"])
    assert client.post("/v2.0/ports", content="a").status_code == 201


@pytest.mark.parametrize(("fault", "acts"), [(CLOSE, False), (LOSE, True)])
def test_a_connection_ends_before_the_request_acts_or_after(
    proxy: FaultyProxy, client: httpx.Client, made: list[str], fault: Fault, *, acts: bool
) -> None:
    proxy.fail("POST", fault)
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/v2.0/ports", content="a")
    assert made == ["a"] * acts


@pytest.mark.parametrize(("fault", "acts"), [(HANG, False), (LOSE_AND_HANG, True)])
def test_a_request_hangs_until_the_client_times_out_with_or_without_effect(
    proxy: FaultyProxy, client: httpx.Client, made: list[str], fault: Fault, *, acts: bool
) -> None:
    proxy.fail("POST", fault)
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v2.0/ports", content="a", timeout=0.5)
    assert client.get("/v2.0/ports").json() == ["a"] * acts == made


def test_hanging_requests_end_when_the_proxy_is_repaired(proxy: FaultyProxy, client: httpx.Client) -> None:
    proxy.fail("GET", HANG, times=100)

    def mend() -> None:
        until(lambda: proxy.seen, "a request")
        proxy.mend()

    mending = Thread(target=mend)
    mending.start()
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/v2.0/ports")
    mending.join()
    assert client.get("/v2.0/ports").is_success


def test_the_given_number_of_matching_requests_fail_from_the_nth_on(
    proxy: FaultyProxy, client: httpx.Client, made: list[str]
) -> None:
    rule = proxy.fail("POST", answer(500), nth=2, times=2)
    statuses = []
    for name in "abcd":
        statuses.append(client.post("/v2.0/ports", content=name).status_code)
        client.get("/v2.0/ports")
    assert statuses == [201, 500, 500, 201]
    assert (made, len(rule.met)) == (["a", "d"], 2)


def test_an_unreachable_service_ends_the_connection() -> None:
    with FaultyProxy("http://127.0.0.1:1") as proxy, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(proxy.url, trust_env=False)


def test_a_client_verifies_the_certificate_before_it_sends_a_request(
    service: str, made: list[str], tmp_path: Path
) -> None:
    authority = Authority()
    key = ec.generate_private_key(ec.SECP256R1())
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (tmp_path / "both.pem").write_text(authority.sign(key.public_key(), "localhost") + secret)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "both.pem")
    with FaultyProxy(service, tls=tls) as proxy:
        for one in (authority, Authority("Somebody else's authority")):
            context = ssl.create_default_context(cadata=one.pem)
            with suppress(httpx.ConnectError):
                httpx.post(proxy.url, content=one.name.rfc4514_string(), verify=context, trust_env=False)
        assert (made, proxy.seen) == ([authority.name.rfc4514_string()], ["POST /"])
        proxy.fail("POST", HANG)
        trusting = ssl.create_default_context(cadata=authority.pem)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(proxy.url, verify=trusting, trust_env=False, timeout=0.5)
