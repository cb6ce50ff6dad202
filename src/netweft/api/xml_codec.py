"""XML in both directions, from the declarations alone. Writers and readers are put together once per type."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, Protocol
from xml.sax.saxutils import escape, quoteattr

from lxml import etree
from msgspec import UNSET

from netweft.api import elements
from netweft.api.scalars import WRITE, check_count, read_scalar
from netweft.api.schema import Entity, Field, Value, fields_by_name, fields_of, links_of
from netweft.core.errors import MalformedError

_STEP = "    "
_ATTRIBUTES = ("id", "href", "rel")
_SPECIAL = re.compile('[&<>"\r]')
_UNQUOTED = re.compile('[&<>"\r\n\t]')

WriteField = Callable[[Any, list[str], str, str], None]


class WriteStruct(Protocol):
    """Appends the lines of one value: ``pad`` is its indentation, ``tag`` its element, ``base`` the root of the API
    that hrefs begin with.
    """

    def __call__(self, value: Value, out: list[str], pad: str, tag: str, base: str) -> None:
        """Append the lines."""


def write_entity(value: Value, base: str) -> bytes:
    """A document with one value at its root."""
    out: list[str] = []
    _struct_writer(type(value))(value, out, "", value.meta.tag, base)
    return _document(out)


def write_collection(kind: type[Value], values: list[Any], base: str) -> bytes:
    """A document with a list of one type."""
    plural = kind.meta.plural
    if not values:
        return _document([f"<{plural}/>"])
    out = [f"<{plural}>"]
    write, tag = _struct_writer(kind), kind.meta.tag
    for value in values:
        write(value, out, _STEP, tag, base)
    out.append(f"</{plural}>")
    return _document(out)


def _document(lines: list[str]) -> bytes:
    return ('<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + "\n".join(lines) + "\n").encode()


def _text(value: str) -> str:
    return escape(value, {"\r": "&#13;"}) if _SPECIAL.search(value) else value


def _quoted(value: str) -> str:
    return quoteattr(value) if _UNQUOTED.search(value) else f'"{value}"'


@functools.cache
def _struct_writer(kind: type[Value]) -> WriteStruct:
    fields = fields_of(kind)
    has_id, has_href, has_rel = (any(f.name == name for f in fields) for name in _ATTRIBUTES)
    inner = [f for f in fields if f.name not in _ATTRIBUTES]
    parts: list[tuple[str, WriteField]] = [(f.attribute, _field_writer(f)) for f in inner]
    is_entity = issubclass(kind, Entity)

    def write(value: Value, out: list[str], pad: str, tag: str, base: str) -> None:
        start = len(out)
        out.append("")
        deeper = pad + _STEP
        found = 0
        for attribute, put in parts:
            item = getattr(value, attribute)
            if item is not UNSET:
                found += 1
                put(item, out, deeper, base)
        attributes = ""
        href = getattr(value, "href", UNSET) if has_href else UNSET
        if href is not UNSET:
            attributes = f" href={_quoted(base + href)}"
        if has_id and value.id is not UNSET:  # type: ignore[attr-defined]  # has_id says that it is there
            attributes += f" id={_quoted(_identifier(value.id))}"  # type: ignore[attr-defined]  # the same
        if has_rel:
            attributes += f" rel={_quoted(value.rel)}"  # type: ignore[attr-defined]  # the same
        if not found:
            out[start] = f"{pad}<{tag}{attributes}/>"
            return
        out[start] = f"{pad}<{tag}{attributes}>"
        if is_entity and href is not UNSET and not _is_reference(value, found):
            out[start + 1 : start + 1] = _links(kind, value, deeper, base + href)
        out.append(f"{pad}</{tag}>")

    return write


def _identifier(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _is_reference(value: Any, found: int) -> bool:  # noqa: ANN401 (an entity of any type)
    return found == 1 and value.name is not UNSET


def _links(kind: type[Value], value: Value, pad: str, href: str) -> list[str]:
    lines = []
    if kind.meta.acts:
        lines.append(f"{pad}<actions>")
        lines += [f'{pad}{_STEP}<link href={_quoted(f"{href}/{name}")} rel="{name}"/>' for name in kind.meta.acts]
        lines.append(f"{pad}</actions>")
    for rel, attribute in links_of(kind):
        if not attribute or getattr(value, attribute) is UNSET:
            lines.append(f'{pad}<link href={_quoted(f"{href}/{rel}")} rel="{rel}"/>')
    return lines


def _field_writer(field: Field) -> WriteField:
    name = field.name
    if field.struct is not None:
        return _structs_writer(field, field.struct) if field.many else _one_struct_writer(name, field.struct)
    plain = WRITE[field.kind]

    def write_one(value: Any, out: list[str], pad: str, _base: str) -> None:  # noqa: ANN401 (what the declaration says)
        out.append(f"{pad}<{name}>{_text(plain(value))}</{name}>")

    def write_many(values: list[Any], out: list[str], pad: str, _base: str) -> None:
        if not values:
            out.append(f"{pad}<{name}/>")
            return
        out.append(f"{pad}<{name}>")
        out.extend(f"{pad}{_STEP}<{field.item}>{_text(plain(value))}</{field.item}>" for value in values)
        out.append(f"{pad}</{name}>")

    return write_many if field.many else write_one


def _one_struct_writer(name: str, kind: type[Value]) -> WriteField:
    def write(value: Value, out: list[str], pad: str, base: str) -> None:
        _struct_writer(kind)(value, out, pad, name, base)

    return write


def _structs_writer(field: Field, kind: type[Value]) -> WriteField:
    name, item = field.name, field.item

    def write_bare(values: list[Value], out: list[str], pad: str, base: str) -> None:
        for value in values:
            _struct_writer(kind)(value, out, pad, item, base)

    def write(values: list[Value], out: list[str], pad: str, base: str) -> None:
        if not values:
            out.append(f"{pad}<{name}/>")
            return
        put, deeper = _struct_writer(kind), pad + _STEP
        out.append(f"{pad}<{name}>")
        for value in values:
            put(value, out, deeper, item, base)
        out.append(f"{pad}</{name}>")

    return write if field.is_wrapped else write_bare


def read(body: bytes, kind: type[Value]) -> Value:
    """The value of a document. Raises MalformedError: not XML, a document type declaration, another root element, a
    value of the wrong type.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        text = error.msg if isinstance(error, etree.XMLSyntaxError) else str(error)
        raise MalformedError(f"The request is not well-formed XML: {text}.") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise MalformedError("The request has a document type declaration, which is not supported.")
    if root.tag != kind.meta.tag:
        raise MalformedError(
            f"The request begins with element '{str(root.tag)[:60]}' where '{kind.meta.tag}' is expected."
        )
    return _read_struct(root, kind, kind.meta.tag, is_whole=True)


def _read_struct(element: etree._Element, kind: type[Value], where: str, *, is_whole: bool) -> Value:
    """``is_whole``: it is not a mere reference, so that all of it counts."""
    fields = fields_by_name(kind)
    found: dict[str, object] = {}
    for name in _ATTRIBUTES:
        text = element.get(name)
        if text is not None and name in fields:
            found[name] = read_scalar(fields[name], text, f"{where}.{name}")
    for child in element:
        field = None if child.tag in _ATTRIBUTES else fields.get(child.tag)
        if field is not None:
            read_field = _read_many if field.many else _read_one
            is_part = is_whole and elements.is_part(kind, field)
            found[field.attribute] = read_field(child, field, f"{where}.{field.name}", is_part=is_part)
        elif is_whole and child.tag in elements.foreign_to(kind):
            texts = (text for one in child.iter() for text in (one.text, one.get("id")) if text)
            elements.refuse_foreign(kind, str(child.tag), where, texts)
    return kind(**found)


def _read_one(element: etree._Element, field: Field, where: str, *, is_part: bool) -> object:
    if field.struct is not None:
        return _read_struct(element, field.struct, where, is_whole=is_part)
    if len(element):
        raise MalformedError(f"{where}: elements where a value is expected.")
    if field.is_removable and not (element.text or "").strip():
        return None
    return read_scalar(field, element.text or "", where)


def _read_many(element: etree._Element, field: Field, where: str, *, is_part: bool) -> list[object]:
    if element.text and element.text.strip():
        raise MalformedError(f"{where}: text where elements '{field.item}' are expected.")
    check_count(field, len(element), where)
    items = []
    for child in element:
        if child.tag != field.item:
            raise MalformedError(f"{where}: element '{str(child.tag)[:60]}' where '{field.item}' is expected.")
        items.append(_read_one(child, field, f"{where}.{field.item}", is_part=is_part))
    return items
