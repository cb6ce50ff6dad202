"""Which form a request has and an answer gets: XML first, JSON on request."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Any

from netweft.api import json_codec, xml_codec
from netweft.api.schema import Value
from netweft.core.errors import NetweftError


class UnsupportedMediaError(NetweftError):
    """The request's format is not supported."""

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"


_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


class Form(Enum):
    """A form of documents, with its content type."""

    XML = "application/xml"
    JSON = "application/json"


@lru_cache(maxsize=100)
def answer_form(accept: str) -> Form:
    """The form that an Accept header asks for: XML unless it prefers JSON (RFC 9110, section 12.5.1; equal preference
    goes to XML).
    """
    weights = {Form.XML: 0.0, Form.JSON: 0.0}
    for part in accept.lower().split(","):
        media, _, parameters = part.partition(";")
        for form in Form:
            if media.strip() in {form.value, f"text/{form.name.lower()}", "application/*", "*/*"}:
                weights[form] = max(weights[form], _weight(parameters))
    return Form.JSON if weights[Form.JSON] > weights[Form.XML] else Form.XML


def _weight(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def check_charset(content_type: str) -> None:
    """Raise UnsupportedMediaError for a request in another encoding than UTF-8. (ASCII is a part of it.)"""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in _CHARSETS:
            raise UnsupportedMediaError(f"The charset '{value[:60]}' is not supported; send UTF-8.")


def request_form(content_type: str) -> Form:
    """The form of a request's body; XML when its Content-Type says nothing. Raises UnsupportedMediaError."""
    media = content_type.partition(";")[0].strip().lower()
    check_charset(content_type)
    if media in {"", "application/xml", "text/xml"} or media.endswith("+xml"):
        return Form.XML
    if media == "application/json" or media.endswith("+json"):
        return Form.JSON
    raise UnsupportedMediaError(
        f"Content-Type '{media[:60]}' is not understood; send application/xml or application/json."
    )


def write(form: Form, kind: type[Value], value: Any, base: str) -> bytes:  # noqa: ANN401 (one value of ``kind``, or a list of them)
    """An answer. ``base``: the root of the API, put before every href."""
    if form is Form.XML:
        return (
            xml_codec.write_collection(kind, value, base)
            if isinstance(value, list)
            else xml_codec.write_entity(value, base)
        )
    return (
        json_codec.write_collection(kind, value, base)
        if isinstance(value, list)
        else json_codec.write_entity(value, base)
    )


def read(form: Form, body: bytes, kind: type[Value]) -> Value:
    """A request. Raises MalformedError, which names the element that is wrong."""
    return xml_codec.read(body, kind) if form is Form.XML else json_codec.read(body, kind)
