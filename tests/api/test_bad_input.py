"""Requests that no client should send, at every endpoint with a body: a fault that says why, and no row changed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from api.served import Client, Engine, check
from api.walk import CHANGES, is_entity, name_of, path_of, populate, stored, url_of
from netweft.api.bodies import OF_USER
from netweft.api.routes import API, Route
from netweft.api.schema import Field, Value, fields_of

BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><%s><name>&b;</name></%s>'
FILE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><%s><name>&a;</name></%s>'

PYTHON = re.compile(r"None|UNSET|Enum|<[a-z.]+ object|&lt;string|`|recursion|\\x|\\\\|\bdict\b|\b(Ref|Keep|Problem)\(")
"""What only a program that is written in Python would say."""

TAKING = [route for route in CHANGES if route.takes is not None]
XML_TAKING = [route for route in TAKING if route.root == API]


@pytest.fixture
def populated(engine: Engine) -> Engine:
    populate(engine)
    return engine


def malformed(route: Route) -> Iterator[tuple[str, bytes]]:
    """Bodies that are not what the route takes, whatever it takes."""
    xml, json = "application/xml", "application/json"
    if route.root == API:
        tag = route.takes.meta.tag.encode()
        yield xml, b"<"
        yield xml, b"<%s>" % tag
        yield xml, b"\x00\xff"
        yield xml, b"<no_such_type/>"
        yield xml, b"plain text"
        yield xml, BOMB % (tag, tag)
        yield xml, FILE % (tag, tag)
        yield xml, b"<%s>%s</%s>" % (tag, b"<a>" * 5000 + b"</a>" * 5000, tag)
        yield xml, b"<%s><name>a\x01b</name></%s>" % (tag, tag)
        yield "text/plain", b"<%s/>" % tag
        if is_entity(route):
            yield json, b'{"name": "a\\u0000b"}'
            yield json, b'{"description": {}}'
    yield json, b"{"
    yield json, b"[]"
    yield json, b"17"
    yield json, b'"text"'
    yield json, b"[" * 100_000
    yield json, b'{"name": ' * 5000 + b"1" + b"}" * 5000
    yield json, b"\xff\xfe"


def wrong_values(kind: type[Value]) -> Iterator[tuple[str, bytes]]:
    """For each field of a type a value that it cannot have; the field's name with it."""
    tag = kind.meta.tag
    for field in fields_of(kind):
        if field.name not in {"id", "href"}:
            for wrong in _wrong(field):
                yield field.name, f"<{tag}><{field.name}>{wrong}</{field.name}></{tag}>".encode()


def _wrong(field: Field) -> Iterator[str]:
    if field.many:
        yield "text"
        yield "<wrong_item/>"
    elif field.struct is None:
        yield "<a/>"
        if field.choices:
            yield "no_such_value"
        elif field.kind != "text":
            yield "no such thing"
            yield "99999999999999999999999999999999"


def send(client: Client, engine: Engine, route: Route, path: str, media: str, body: bytes) -> httpx.Response:
    url = url_of(engine, route, path)
    return client.send(client.build_request(route.method, url, content=body, headers={"Content-Type": media}))


def assert_refused(answer: httpx.Response, route: Route, body: bytes) -> None:
    report = f"{name_of(route)} {body[:80]!r}: {answer.status_code} {answer.text[:300]}"
    assert 400 <= answer.status_code < 500, report
    assert answer.content, report
    assert check(answer) == [] or route.root != API, report
    assert not PYTHON.search(answer.text), report


def test_what_is_malformed_is_refused_everywhere(populated: Engine, client: Client) -> None:
    before = stored(populated)
    for route in TAKING:
        path = path_of(client, route)
        for media, body in malformed(route):
            assert_refused(send(client, populated, route, path, media, body), route, body)
    assert stored(populated) == before


def test_wrong_values_are_refused_by_name(populated: Engine, client: Client) -> None:
    before = stored(populated)
    tried = set()
    for route in XML_TAKING:
        path = path_of(client, route)
        for name, body in wrong_values(route.takes):
            if (route.takes, body) in tried:
                continue  # one endpoint for each type is enough: the reader is the type's
            tried.add((route.takes, body))
            answer = send(client, populated, route, path, "application/xml", body)
            assert answer.status_code == 400, f"{name_of(route)} {body!r}: {answer.status_code} {answer.text}"
            assert f".{name}" in answer.text, answer.text
    assert stored(populated) == before


def test_huge_bodies_are_refused(populated: Engine, client: Client) -> None:
    before = stored(populated)
    huge = b"<x>" + b"a" * OF_USER.octets + b"</x>"
    for route in TAKING[:3]:
        answer = send(client, populated, route, path_of(client, route), "application/xml", huge)
        assert answer.status_code == 413, name_of(route)
    assert stored(populated) == before


def test_texts_that_no_column_holds_are_refused(populated: Engine, client: Client) -> None:
    """PostgreSQL refuses what is too long, SQLite does not: the rules must."""
    for route in XML_TAKING:
        if route.method == "POST" and is_entity(route):
            path, tag = path_of(client, route), route.takes.meta.tag
            body = f"<{tag}><name>{'n' * 100_000}</name><description>{'d' * 100_000}</description></{tag}>".encode()
            assert_refused(send(client, populated, route, path, "application/xml", body), route, body)


def test_unknown_elements_are_ignored(populated: Engine, client: Client) -> None:
    for route in XML_TAKING:
        if is_entity(route):
            tag = route.takes.meta.tag
            body = f"<{tag}><unknown a='b'><deeper/>text</unknown><link rel='x' href='y'/><actions/></{tag}>".encode()
            status = send(client, populated, route, path_of(client, route), "application/xml", body).status_code
            assert status < 500, name_of(route)
    body = "<network><unknown/><name>n1</name><data_center><name>Default</name><no/></data_center></network>"
    assert client.post_xml("networks", body).findtext("name") == "n1"


MEANINGLESS = [
    "search=name=",
    "search=(name=x",
    "search=name=x)",
    "search=name==x",
    "search=name=x and",
    "search=nosuchfield=x",
    "search=name=x page 0",
    "search=page x",
    "search=page 99999999999999",
    "search=sortby",
    "search=sortby nosuchfield",
    'search=name="x',
    "search=" + "(" * 200,
    "search=" + "not " * 500 + "name=x",
    "search=" + "x" * 5000,
    "max=-2",
    "max=x",
    "max=99999999999999999999",
    "case_sensitive=maybe",
    "follow=nosuchlink",
    "follow=a.b.c.d.e.f",
    "async=maybe",
]


def test_queries_that_mean_nothing(client: Client) -> None:
    for query in MEANINGLESS:
        name, _, value = query.partition("=")
        answer = client.get("networks", params={name: value})
        assert answer.status_code == 400, query
    assert client.get("networks", params={"search": "name"}).status_code == 200, "a lone word is looked for in names"


def test_our_own_answers_have_no_links_to_follow(client: Client, engine: Engine) -> None:
    for path in ("/netweft/v1/vms/x/placement", "/netweft/v1/jobs/x"):
        answer = client.get(f"{engine.url}{path}", params={"follow": "host"})
        assert answer.status_code in {400, 404}, answer.text
    populate(engine)
    vm_id = client.first_id("vms")
    answer = client.get(f"{engine.url}/netweft/v1/vms/{vm_id}/placement", params={"follow": "fit"})
    assert (answer.status_code, "have no links" in answer.text) == (400, True)
    assert client.get(f"{engine.url}/netweft/v1/vms/{vm_id}/placement", params={"follow": ""}).status_code == 200


@pytest.mark.parametrize(("charset", "status"), [("utf-8", 201), ('"UTF-8"', 201), ("us-ascii", 201), ("latin-1", 415)])
def test_the_charset_of_a_request_is_utf_8(client: Client, charset: str, status: int) -> None:
    body = b"<network><name>n1</name><data_center><name>Default</name></data_center></network>"
    media = f"application/xml; charset={charset}"
    assert client.post("networks", content=body, headers={"Content-Type": media}).status_code == status


def test_odd_requests(engine: Engine, client: Client) -> None:
    assert client.get("no/such/path").status_code == 404
    assert "nothing at" in client.get("no/such/path").text
    unknown = client.get("networks/no-such-id")
    assert (unknown.status_code, unknown.content) == (404, b"")
    wrong = client.request("DELETE", "networks")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert client.get("networks", headers={"Version": "3"}).status_code == 400
    assert client.get(f"{engine.url}{API}/v3/networks").status_code == 400
    assert client.get(f"{engine.url}{API}/v4/networks").status_code == 200
    head = client.head("networks")
    assert (head.status_code, head.content) == (200, b"")
    assert client.options("networks").headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert client.post("networks", content=b"").status_code == 400
    assert client.request("GET", "networks", content=b"<whatever").status_code == 200, "bodies of reads are not read"
    ids = [
        client.get("networks", headers={"Correlation-Id": text}).headers["correlation-id"]
        for text in ("a b;c", "x" * 99)
    ]
    assert ids == ["abc", "x" * 36]
    assert len(client.get("networks").headers["correlation-id"]) == 36
