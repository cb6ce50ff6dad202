"""A real engine on a real socket, and a client that checks every answer against the schema of the official SDK."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from lxml import etree
from sqlalchemy import insert

import memory_provider
from clients import schema
from databases import HASHER
from netweft.api.http import create_app, end_answers
from netweft.api.routes import API, Services
from netweft.engine.access import authorize, tokens
from netweft.engine.access.objects import SYSTEM_REF, ObjectRef
from netweft.engine.bootstrap import ADMIN, bootstrap
from netweft.engine.connections import Limits
from netweft.engine.db import Database, Tx, new_id, utc_now
from netweft.engine.http_server import HttpServer
from netweft.engine.model.users import users
from netweft.engine.pki import Authority, open_authority
from netweft.engine.secrets import open_box

if TYPE_CHECKING:
    import ovirtsdk4

LIMITS = Limits()
PASSWORD = "correct horse battery staple"


@dataclass
class Engine:
    """A running engine. ``db`` is for looking what is stored and for preparing what the API cannot."""

    db: Database
    authority: Authority
    url: str

    def client(self, user: str = ADMIN, password: str = PASSWORD, **headers: str) -> Client:
        return Client(self, user, password, headers)

    def sdk(self, user: str = ADMIN, password: str = PASSWORD) -> ovirtsdk4.Connection:
        import ovirtsdk4  # noqa: PLC0415 - it is built on the machine, and the suite "cli" does without

        return ovirtsdk4.Connection(url=self.url + API, username=user, password=password, insecure=True)

    def add_user(self, name: str, role: str = "", on: ObjectRef = SYSTEM_REF) -> str:
        """A user who logs in with PASSWORD, with one role or none."""

        def add(tx: Tx) -> str:
            user_id = _insert_user(tx, name)
            if role:
                authorize.grant(tx, user_id, role, on)
            return user_id

        return self.db.run(add)


class Client(httpx.Client):
    """Speaks to the API with a token, and fails the test when an answer is not what oVirt's schema says."""

    def __init__(self, engine: Engine, user: str, password: str, headers: dict[str, str]) -> None:
        super().__init__(base_url=engine.url + API, trust_env=False, verify=False, timeout=60)
        self.headers.update({"Accept": "application/xml", "Content-Type": "application/xml"})
        answer = httpx.post(
            f"{engine.url}/ovirt-engine/sso/oauth/token",
            data={"grant_type": "password", "scope": "ovirt-app-api", "username": user, "password": password},
            trust_env=False,
            verify=False,  # a trust store takes long to load, and this is no TLS
        )
        self.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        self.headers.update(headers)

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        answer = super().send(request, **options)
        if request.url.path.startswith(API) and not options.get("stream"):
            assert not (found := check(answer)), f"{request.method} {request.url}: {found}\n{answer.text}"
        return answer

    def xml(self, path: str, **query: Any) -> etree._Element:
        """The document at a path, which must be there."""
        answer = self.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return etree.fromstring(answer.content)

    def post_xml(self, path: str, body: str, status: int = 201) -> etree._Element:
        answer = self.post(path, content=body.encode())
        assert answer.status_code == status, answer.text
        return etree.fromstring(answer.content)

    def put_xml(self, path: str, body: str) -> etree._Element:
        answer = self.put(path, content=body.encode())
        assert answer.status_code == 200, answer.text
        return etree.fromstring(answer.content)

    def action(self, path: str, body: str = "<action/>") -> etree._Element:
        return self.post_xml(path, body, 200)

    def add_network(self, name: str, vlan: int) -> tuple[str, str]:
        """A network of the cluster Default that its hosts may lack; the ids of both."""
        place = "<data_center><name>Default</name></data_center>"
        body = f"<network><name>{name}</name>{place}<vlan id='{vlan}'/></network>"
        network, cluster = (
            str(self.post_xml("/networks", body).get("id")),
            self.first_id("/clusters", search="name=Default"),
        )
        attach = f"<network id='{network}'><required>false</required></network>"
        self.post_xml(f"/clusters/{cluster}/networks", attach)
        return network, cluster

    def first_id(self, path: str, **query: Any) -> str:
        """The id of the first entity of a collection."""
        return str(self.xml(path, **query)[0].get("id"))


def check(answer: httpx.Response) -> list[str]:
    """What is wrong with an answer of the API, whatever its status."""
    if not answer.content or answer.request.method == "HEAD":
        return []
    media = answer.headers["content-type"]
    if answer.request.url.path.endswith("/openapi.json"):
        return []
    if media == "application/xml":
        return schema.findings(answer.content)
    return schema.json_findings(answer.content) if media == "application/json" else [f"content type {media}"]


@contextmanager
def serving(db: Database, folder: Path, limits: Limits = LIMITS, **options: Any) -> Iterator[Engine]:
    """A new engine in an empty database, served on loopback until the block ends. No worker runs its jobs.

    ``options``: of the web application.
    """
    db.run(bootstrap, folder, PASSWORD, HASHER)
    box = open_box(folder)
    authority = db.run(open_authority, box)
    services = Services(
        authority=authority,
        box=box,
        provider_types=memory_provider.INSTALLED.networks.types,
        configuration_provider_types=memory_provider.INSTALLED.configuration.types,
    )
    with serving_app(db, services, limits, **options) as address:
        yield Engine(db, authority, address)


@contextmanager
def serving_app(db: Database, services: Services, limits: Limits = LIMITS, **options: Any) -> Iterator[str]:
    """The web application of an engine that is there, served on loopback until the block ends; gives its address."""
    app = create_app(db, services, secure=False, hasher=HASHER, **options)
    with socket.create_server(("127.0.0.1", 0)) as door:
        ending = partial(end_answers, db, services)
        server = HttpServer(app, [door], tls=None, limits=limits, grace=1, ending=ending)
        server.start()
        assert server.is_running(), "the server did not start"
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.stop()


_HASH = tokens.hash_password(PASSWORD, HASHER)


def _insert_user(tx: Tx, name: str) -> str:
    user_id = new_id()
    values = {"name": name.partition("@")[0], "domain": "internal", "last_name": "", "email": "", "is_group": False}
    tx.execute(
        insert(users).values(id=user_id, user_name=name, enabled=True, created=utc_now(), password_hash=_HASH, **values)
    )
    return user_id
