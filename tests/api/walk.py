"""Walking over all endpoints: paths for their templates, bodies for their types, and what is stored meanwhile."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from lxml import etree
from msgspec import UNSET
from sqlalchemy import func, select

from api.served import Client, Engine
from netweft.api import nouns, xml_codec
from netweft.api.element_table import ACTIONS, ELEMENTS, EVERY_ACTION
from netweft.api.routes import ADDITIONS, API, Route
from netweft.api.schema import Entity, Field, Value, fields_of
from netweft.engine.db import Tx, new_id
from netweft.engine.model.base import metadata
from netweft.engine.model.clusters import clusters
from netweft.engine.model.vnic_profiles import vnic_profiles
from rows import add_host, add_vm, add_vnic

ROUTES = tuple(nouns.router())
READS = [route for route in ROUTES if route.method == "GET"]
CHANGES = [route for route in ROUTES if route.method != "GET"]
UNWATCHED = {"tokens", "login_failures", "alembic_version"}


def name_of(route: Route) -> str:
    """For the report of a test."""
    return f"{route.method} {route.url}"


def populate(engine: Engine) -> None:
    """A host and a virtual machine with a vNIC, so that every path leads somewhere."""

    def add(tx: Tx) -> None:
        cluster_id = tx.execute(select(clusters.c.id)).scalars().one()
        profile_id = tx.execute(select(vnic_profiles.c.id)).scalars().first()
        add_host(tx, cluster_id, "host-1")
        add_vnic(tx, add_vm(tx, cluster_id, "vm-1"), profile_id, "56:6f:00:00:00:01")

    engine.db.run(add)


def path_of(client: Client, route: Route) -> str:
    """A path of the route below its root that leads to things that are there, as far as there are any."""
    path = ""
    for segment in route.path.strip("/").split("/"):
        if not segment:
            continue
        path += "/" + (_first(client, path) if segment.startswith("{") else segment)
    return path


def _first(client: Client, collection: str) -> str:
    answer = client.get(collection.lstrip("/"))
    found = etree.fromstring(answer.content) if answer.status_code == 200 and answer.content else ()
    return str(found[0].get("id")) if len(found) else new_id()


def url_of(engine: Engine, route: Route, path: str) -> str:
    return engine.url + (ADDITIONS if route.root == ADDITIONS else API) + path


def body_of(client: Client, route: Route, path: str) -> bytes:
    """What is at the path, or the first entity of the collection there, as clients send it back; else every field."""
    if route.root == ADDITIONS:
        return b"{}"
    kind: type[Value] = route.takes
    if not route.is_action:
        answer = client.get(path.lstrip("/"))
        if answer.status_code == 200:
            root = etree.fromstring(answer.content)
            if root.tag == kind.meta.tag:
                return answer.content
            if len(root):
                return etree.tostring(root[0])
    value = filled(kind, fixed=False)
    if route.is_action:
        taken = {*EVERY_ACTION.split(), *ACTIONS.get(route.path.rpartition("/")[2], "").split()} - {"vm"}
        for field in fields_of(kind):
            if field.name not in taken:
                setattr(value, field.attribute, UNSET)
    return xml_codec.write_entity(value, API)


def filled(kind: type[Value], depth: int = 1, *, fixed: bool = True) -> Value:
    """A value with something in every field; without ``fixed`` not in those that have one value only."""
    value, known = kind(), ELEMENTS.get(kind)
    left = set() if fixed or not known else {path.partition(".")[0] for path in known.fixed}
    for field in fields_of(kind):
        if field.name not in left and (field.struct is None or depth):
            one = _sample(field, depth, fixed=fixed)
            setattr(value, field.attribute, [one] if field.many else one)
    return value


def _sample(field: Field, depth: int, *, fixed: bool) -> Any:
    if field.struct is not None:
        return filled(field.struct, depth - 1, fixed=fixed)
    if field.choices:
        return field.choices[0]
    if field.name == "href":
        return "/x"
    return {"text": "x", "integer": 1, "decimal": 1.0, "boolean": True}.get(field.kind) or _DATE


_DATE = msgspec.convert("2026-01-31T12:00:00Z", type=__import__("datetime").datetime)


def stored(engine: Engine) -> dict[str, Any]:
    """All rows of all tables, except those that a mere login changes."""
    found = {}
    with engine.db.read() as tx:
        for table in metadata.sorted_tables:
            if table.name not in UNWATCHED:
                rows = sorted(repr(tuple(row)) for row in tx.execute(select(table)))
                found[table.name] = rows
    return found


def counted(engine: Engine) -> dict[str, int]:
    """How many rows each table has."""
    with engine.db.read() as tx:
        return {t.name: tx.execute(select(func.count()).select_from(t)).scalar_one() for t in metadata.sorted_tables}


def is_entity(route: Route) -> bool:
    return route.takes is not None and route.root == API and issubclass(route.takes, Entity)


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def as_json(tree: Any) -> bytes:
    return json.dumps(tree).encode()
