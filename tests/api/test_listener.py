"""What one connection may do before anybody has logged in on it, and who has to go when there are too many."""

from __future__ import annotations

import base64
import contextlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.served import PASSWORD, Engine, serving
from databases import Databases
from netweft.api import bodies
from netweft.engine.bootstrap import ADMIN
from netweft.engine.connections import Connections, Limits, site_of
from netweft.engine.db import Database

LIMITS = Limits(
    connections=12, anonymous=8, per_address=6, head_seconds=1.0, idle_seconds=1, discard_seconds=1.0, send_seconds=1.0,
    close_seconds=1.0,
)  # fmt: skip
TOKEN = "/ovirt-engine/sso/oauth/token"
GET = b"GET /ovirt-engine/api/networks HTTP/1.1\r\nHost: engine\r\n"
POST = b"POST /ovirt-engine/api/networks HTTP/1.1\r\nHost: engine\r\nContent-Type: application/xml\r\n"


@pytest.fixture
def options() -> dict[str, Any]:
    """Those of the web application; a test gives others."""
    return {}


@pytest.fixture
def engine(sqlite: Databases, tmp_path: Path, options: dict[str, Any]) -> Iterator[Engine]:
    """What is tested here has nothing to do with the database, so SQLite is enough."""
    db = Database(sqlite.create())
    with serving(db, tmp_path, limits=LIMITS, **options) as engine:
        yield engine
    db.close()


@contextmanager
def calling(engine: Engine) -> Iterator[socket.socket]:
    url = httpx.URL(engine.url)
    with socket.create_connection((url.host, url.port or 0), timeout=60) as connection:
        yield connection


def rest_of(connection: socket.socket) -> bytes:
    """All that comes until the engine hangs up."""
    found = b""
    try:
        while part := connection.recv(65536):
            found += part
    except ConnectionResetError:
        pass  # it had more to read when it hung up
    return found


def status_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n")[0].partition(b" ")[2][:3]


def authorized() -> bytes:
    return b"Authorization: Basic " + base64.b64encode(f"{ADMIN}:{PASSWORD}".encode()) + b"\r\n"


@pytest.mark.parametrize("sent", [b"", b"GET", b"\r\n\r\n", GET, GET + b"X: y"], ids=range(5))
def test_a_head_that_does_not_come_is_not_waited_for(engine: Engine, sent: bytes) -> None:
    with calling(engine) as connection:
        connection.sendall(sent)
        assert status_of(rest_of(connection)) == (b"408" if sent else b"")


def test_a_head_that_comes_too_slowly_is_not_waited_for(engine: Engine) -> None:
    with calling(engine) as connection:
        connection.sendall(GET)
        connection.settimeout(0.1)
        answer = b""
        for number in range(600):
            with contextlib.suppress(TimeoutError):
                connection.sendall(b"X-%d: y\r\n" % number)
                answer = connection.recv(65536)
                break
        assert status_of(answer) == b"408"


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 40_000,
        GET + b"X: " + b"a" * 40_000,
        GET + b"a" * 40_000,
        GET + b"a:\r\n" * 20_000 + b"\r\n",
        GET + b"a: b\r\n" * 101 + b"\r\n",
        GET + authorized() + b"a: b\r\n" * 101 + b"\r\n",
    ],
    ids=["path", "value", "name", "20,000", "101", "101 of a user"],
)
def test_heads_are_bounded(engine: Engine, head: bytes) -> None:
    with calling(engine) as connection:
        connection.sendall(head)
        assert status_of(rest_of(connection)) == b"431"


def test_what_follows_a_chunked_body_is_not_kept(engine: Engine) -> None:
    with calling(engine) as connection:
        trailer = b"a: b\r\n" * 500
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n" + trailer + b"\r\n")
        assert status_of(rest_of(connection)) == b"401"


def test_requests_that_wait_on_one_connection_are_bounded(engine: Engine) -> None:
    with calling(engine) as connection:
        connection.sendall((GET + b"\r\n") * 500)
        assert rest_of(connection).count(b"HTTP/1.1") <= LIMITS.pipeline + 1


def test_a_large_body_is_not_read_of_who_has_not_logged_in(engine: Engine) -> None:
    with calling(engine) as connection:
        connection.sendall(POST + b"Content-Length: 4000000\r\n\r\n<network>")
        assert status_of(connection.recv(65536)) == b"401"
        assert rest_of(connection) == b"", "the rest is not waited for"
    with calling(engine) as connection:
        connection.sendall(POST + b"Content-Length: 99000000\r\n\r\n<network>")
        assert status_of(rest_of(connection)) == b"401"
    with calling(engine) as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n9\r\n<network>\r\n")
        assert status_of(rest_of(connection)) == b"401"


QUICK = bodies.BodyLimits(
    anonymous=bodies.BodyLimit(octets=16 * 1024, seconds=0.5),
    of_user=bodies.BodyLimit(octets=2**20, seconds=0.5, rate=2**20),
)


@pytest.mark.parametrize("options", [{"bodies": QUICK}])
def test_a_body_that_comes_too_slowly_is_not_waited_for(engine: Engine) -> None:
    form = b"POST " + TOKEN.encode() + b" HTTP/1.1\r\nHost: engine\r\n"
    for head, length, status in [
        (POST, b"1000", b"408"),
        (form, b"1000", b"400"),
        (POST + authorized(), b"500000", b"408"),
    ]:
        with calling(engine) as connection:
            connection.sendall(head + b"Content-Length: " + length + b"\r\n\r\n<network>")
            assert status_of(rest_of(connection)) == status, head


def test_a_large_body_of_a_user_is_read(engine: Engine) -> None:
    with engine.client() as client:
        padding = "<!--" + "x" * 3_000_000 + "-->"
        body = f"<network>{padding}<name>padded</name><data_center><name>Default</name></data_center></network>"
        assert client.post_xml("networks", body).findtext("name") == "padded"
        answer = client.post("networks", content=b" " * (bodies.OF_USER.octets + 1))
        assert answer.status_code == 413
        assert client.get("networks").status_code == 200, "the connection lives on"


def test_a_body_that_ends_early_is_no_error_of_ours(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    with calling(engine) as connection:
        connection.sendall(POST + b"Content-Length: 1000\r\n\r\n<network>")
    with engine.client() as client:
        client.get("networks")
    assert not caplog.records


def test_who_takes_no_answer_is_cut_off(sqlite: Databases, tmp_path: Path) -> None:
    """Answers of twenty megabytes: far more than the kernel keeps for a connection."""
    db = Database(sqlite.create())
    with serving(db, tmp_path, limits=replace(LIMITS, pipeline=40)) as engine, calling(engine) as connection:
        one = len(httpx.get(f"{engine.url}/ovirt-engine/api/openapi.json").content)
        connection.sendall(b"GET /ovirt-engine/api/openapi.json HTTP/1.1\r\nHost: engine\r\n\r\n" * 41)
        time.sleep(2 * LIMITS.send_seconds + 2)
        assert len(rest_of(connection)) < 41 * one
    db.close()


def test_the_oldest_anonymous_connection_is_closed_and_users_stay(engine: Engine) -> None:
    with ExitStack() as stack:
        user = stack.enter_context(calling(engine))
        user.sendall(GET + authorized() + b"\r\n")
        assert status_of(user.recv(65536)) == b"200"
        anonymous = [stack.enter_context(calling(engine)) for _ in range(LIMITS.per_address + 1)]
        assert rest_of(anonymous[0]) == b""
        user.sendall(GET + authorized() + b"Connection: close\r\n\r\n")
        assert status_of(rest_of(user)) == b"200"


def test_one_address_does_not_crowd_out_another() -> None:
    connections = Connections(LIMITS)
    gone: list[str] = []
    for number in range(20):
        assert connections.enter("192.0.2.66", lambda number=number: gone.append(f"far {number}"))
    for number in range(3):
        assert connections.enter("192.0.2.1", lambda number=number: gone.append(f"near {number}"))
    assert len(connections) == LIMITS.anonymous
    assert gone == [f"far {number}" for number in range(15)]


def test_users_go_only_for_users_and_nobody_goes_who_is_served() -> None:
    connections = Connections(LIMITS)
    gone: list[int] = []
    places = []
    for number in range(LIMITS.connections):
        place = connections.enter("192.0.2.1", lambda number=number: gone.append(number))
        assert place
        connections.authenticated(place)
        places.append(place)
    places[0].busy = True
    connections.used(places[1])
    assert connections.enter("192.0.2.2", lambda: gone.append(99))
    assert gone == [2], "the one that was used longest ago, and is not being served"
    assert connections.enter("192.0.2.2", lambda: gone.append(98))
    assert gone == [2, 99], "an anonymous connection before any user"
    for place in places:
        place.busy = True
    anonymous_one = connections.enter("192.0.2.2", lambda: gone.append(97))
    assert anonymous_one
    anonymous_one.busy = True
    assert connections.enter("192.0.2.2", lambda: None) is None


def test_limits_leave_files_for_the_engine() -> None:
    for descriptors in (256, 1024, 65536):
        limits = Limits().within(descriptors)
        assert limits.per_address < limits.anonymous < limits.connections <= descriptors // 2


def test_a_client_is_an_address_or_a_network() -> None:
    assert site_of("192.0.2.1") == site_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert site_of("2001:db8::1") == site_of("2001:db8::ffff:2") != site_of("2001:db8:0:1::1")
    assert site_of("fe80::1%eth0") == site_of("fe80::2")
    assert site_of("nobody") == "nobody"


def test_those_who_guess_hold_nobody_up(sqlite: Databases, tmp_path: Path) -> None:
    """Sixty at once with as many names, while a user who has a token works; many right ones at once all get in."""
    db = Database(sqlite.create())
    with serving(db, tmp_path) as engine, engine.client() as client, ThreadPoolExecutor(60) as guessers:

        def log_in(name: str, password: str) -> int:
            form = {"grant_type": "password", "scope": "ovirt-app-api", "username": name, "password": password}
            return httpx.post(engine.url + TOKEN, data=form, timeout=60).status_code

        guesses = [guessers.submit(log_in, f"user-{number}@internal", "wrong") for number in range(60)]
        assert client.get("networks").status_code == 200
        assert {guess.result() for guess in guesses} <= {400, 503}
        right = [guessers.submit(log_in, ADMIN, PASSWORD) for _ in range(20)]
        assert [answer.result() for answer in right] == [200] * 20
    db.close()


def test_an_authorization_of_any_octets_is_refused(engine: Engine) -> None:
    with calling(engine) as connection:
        connection.sendall(GET + b"Connection: close\r\nAuthorization: Basic \xff\xfe\r\n\r\n")
        assert rest_of(connection).startswith(b"HTTP/1.1 401 ")


def test_who_hangs_up_before_the_answers_leaves_no_error(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        with calling(engine) as connection:
            connection.sendall((GET + b"\r\n") * LIMITS.pipeline)
    with calling(engine) as connection:
        connection.sendall(GET + b"Connection: close\r\n\r\n")
        assert rest_of(connection).startswith(b"HTTP/1.1 401 ")
    assert "Exception in ASGI application" not in caplog.text


def test_what_several_processes_take_is_no_more_than_one_takes() -> None:
    part = Limits(connections=100, anonymous=50, per_address=10).divided(3)
    assert (part.connections, part.anonymous, part.per_address) == (34, 17, 4)
    assert part.head_seconds == Limits().head_seconds
    assert Limits().divided(1) == Limits()
