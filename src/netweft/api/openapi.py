"""The OpenAPI 3.1 document of both APIs, from the table of endpoints and the declared types."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version as installed
from typing import Any

import msgspec

from netweft.api.faults import CODE_HEADER
from netweft.api.routes import ADDITIONS, API, PUBLIC, Access, Call, Many, Raw, Route, Routes
from netweft.api.schema import Field, Value, fields_of, reachable
from netweft.api.types import Fault

_REF = "#/components/schemas/{name}"
_SCALARS: Mapping[str, Mapping[str, Any]] = {
    "text": {"type": "string"},
    "integer": {"type": "string", "pattern": "^-?[0-9]+$"},
    "decimal": {"type": "string", "pattern": "^-?[0-9.]+(e[+-]?[0-9]+)?$"},
    "boolean": {"type": "string", "enum": ["true", "false"]},
    "date": {"type": "string", "format": "date-time"},
}
"""oVirt's JSON writes every scalar as a string."""

_QUERIES = {
    "search": "A query such as name=vlan* and datacenter=Default sortby name page 2.",
    "max": "How many entities at most.",
    "case_sensitive": "Whether the search is case-sensitive.",
    "follow": "Links to put in place, such as nics.vnic_profile,permissions.",
    "address": "Addresses that the vNIC shall have of its network's subnets, with commas between; none, or auto.",
    "datacenter": "Only what is in the data centre with this name or id.",
    "networks": "Which networks: a search, such as label=red sortby vlanid page 2.",
    "clusters": "Which clusters: a search, such as name=racks*.",
    "columns": "How many clusters at most.",
    "from": "Only what comes after the entity with this id.",
}
_CODES = {
    CODE_HEADER: {
        "description": "oVirt's codes of the messages, separated by commas.",
        "schema": {"type": "string"},
    }
}
_LOGIN_FORM = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("grant_type", "scope", "username", "password")},
    "required": ["grant_type", "username", "password"],
}
_LOGOUT_FORM = {"type": "object", "properties": {"scope": {"type": "string"}, "token": {"type": "string"}}}


def routes_for(table: Sequence[Route]) -> Routes:
    """The endpoint of the document, which is made once."""
    routes = Routes("openapi")

    @routes.raw("/openapi.json", "application/json", needs=PUBLIC)
    def get_document(_call: Call[None]) -> Raw:
        """This document."""
        return content

    content = Raw(written([*table, *routes.table]), "application/json")
    return routes


def written(table: Sequence[Route]) -> bytes:
    """The document as it is served, and kept in docs/openapi.json: the same table gives the same octets."""
    return msgspec.json.format(msgspec.json.encode(document(table), order="sorted"), indent=1) + b"\n"


def document(table: Sequence[Route]) -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        paths.setdefault(route.url, {})[route.method.lower()] = _operation(route)
    paths["/ovirt-engine/sso/oauth/token"] = {"post": _form("getToken", "Get a token for a password.", _LOGIN_FORM)}
    paths["/ovirt-engine/services/sso-logout"] = {"post": _form("logout", "Revoke a token.", _LOGOUT_FORM)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Netweft",
            "version": installed("netweft"),
            "description": "oVirt's v4 API (XML first, and JSON), and Netweft's additions under /netweft/v1 (JSON).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": _schemas(table),
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
        "security": [{"token": []}, {"basic": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": _operation_id(route),
        "tags": [route.noun],
        "summary": (inspect.getdoc(route.handler) or "").split("\n\n")[0].replace("\n", " "),
        "parameters": [*_ids(route), *_query(route)],
        "responses": _responses(route),
        "x-needs": route.needs.value,
    }
    if route.needs is PUBLIC:
        found["security"] = []
    if route.takes is not None:
        found["requestBody"] = {"required": not route.is_action, "content": _content(route, _schema_of(route.takes))}
    return found


def _operation_id(route: Route) -> str:
    words = re.findall(r"[a-z0-9.]+|\{\w+\}", route.path.lower())
    named = "".join("Of" if word.startswith("{") else word.replace(".", "").capitalize() for word in words)
    return f"{route.method.lower()}{'Additions' if route.root == ADDITIONS else ''}{named or 'Api'}"


def _ids(route: Route) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", route.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query(route: Route) -> Iterable[dict[str, Any]]:
    names = [*route.queries, *(["follow"] if route.method == "GET" and route.root == API and route.gives else [])]
    for name in names:
        text = _QUERIES.get(name, "")
        yield {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": "string"}}


def _responses(route: Route) -> dict[str, Any]:
    fault = {"description": "Why not.", "content": _content(route, _schema_of(Fault)), "headers": _CODES}
    done: dict[str, Any] = {"description": "Done."}
    if route.media:
        done["content"] = {route.media: {"schema": {"type": "string"}}}
    elif isinstance(route.gives, Many):
        done["content"] = _content(route, _list_of(route, route.gives.of))
    elif route.gives is not None:
        done["content"] = _content(route, _schema_of(route.gives))
    status = "201" if route.method == "POST" and not route.is_action else "200"
    return {status: done, "default": fault}


def _content(route: Route, schema: dict[str, Any]) -> dict[str, Any]:
    forms = ["application/json"] if route.root == ADDITIONS else ["application/xml", "application/json"]
    return {form: {"schema": schema} for form in forms}


def _list_of(route: Route, kind: Any) -> dict[str, Any]:  # noqa: ANN401 (a type of either API)
    items = {"type": "array", "items": _schema_of(kind)}
    if route.root == ADDITIONS:
        return items
    return {"type": "object", "properties": {kind.meta.tag: items}, "xml": {"name": kind.meta.plural}}


def _schema_of(kind: Any) -> dict[str, Any]:  # noqa: ANN401 (the same)
    name = getattr(kind, "__name__", "")
    return {"$ref": _REF.format(name=name)} if name != "dict" else {"type": "object"}


def _schemas(table: Sequence[Route]) -> dict[str, Any]:
    used: list[type[Value]] = [Fault]
    plain: list[Any] = []
    for route in table:
        for kind in (route.takes, route.gives.of if isinstance(route.gives, Many) else route.gives):
            if kind is not None and getattr(kind, "__name__", "") != "dict":
                (used if hasattr(kind, "meta") else plain).append(kind)
    schemas = {kind.__name__: _struct(kind) for kind in reachable(used)}
    _, found = msgspec.json.schema_components(plain, ref_template=_REF)
    return dict(sorted({**found, **schemas}.items()))


def _struct(kind: type[Value]) -> dict[str, Any]:
    fields = {field.name: _field(field) for field in fields_of(kind)}
    text = (inspect.getdoc(kind) or "").replace("\n", " ")
    return {"type": "object", "description": text, "properties": fields, "xml": {"name": kind.meta.tag}}


def _field(field: Field) -> dict[str, Any]:
    schema = _schema_of(field.struct) if field.struct is not None else dict(_SCALARS[field.kind])
    if field.choices:
        schema["enum"] = list(field.choices)
    if field.many and not field.is_wrapped:
        return {"type": "array", "items": schema, "maxItems": field.most}
    if field.many:
        items = {"type": "array", "items": schema, "maxItems": field.most}
        return {"type": "object", "properties": {field.item: items}}
    if field.name in {"id", "href"}:
        schema["xml"] = {"attribute": True}
    return schema


def _form(name: str, text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "operationId": name,
        "tags": ["tokens"],
        "summary": text,
        "security": [],
        "x-needs": Access.PUBLIC.value,
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": dict(schema)}}},
        "responses": {"200": {"description": "Done.", "content": {"application/json": {"schema": {"type": "object"}}}}},
    }
