"""The schema of oVirt's v4 API, read out of the installed official SDK, and a check of answers that is stricter than
the SDK's own reader.

The reader ignores unknown elements and unknown enum values, reads wrong item tags, and takes an element where an
attribute is due. Here all of that is a finding.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

# What real engines send although the SDK does not know it, and what `follow` puts in place of a link of host NICs; and
# elements of our own (docs/api.md).
ALSO_LINKS = {
    "HostNic": {"networkattachments", "linklayerdiscoveryprotocolelements"},
    "Host": {"nics", "permissions", "tags"},
    "OpenStackNetwork": {"subnets"},
}
ALSO_FIELDS = {
    "Cluster": {
        **{f"rollout_{name}": ("scalar", "integer") for name in ("canaries", "soak", "wave")},
        "rollout_evacuates": ("scalar", "boolean"),
        "rollout_on_failure": ("scalar", "string"),
        "drift_healing": ("scalar", "string"),
    },
    "Host": {"networks_committed": ("scalar", "boolean"), "networks_in_sync": ("scalar", "boolean")},
    "HostNic": {"network_attachments": ("many", "NetworkAttachment")},
}
ANY_LINK = {"Api"}

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
SCALARS = {
    "string": re.compile(r"(?s).*"),
    "boolean": re.compile("true|false"),
    "integer": re.compile("-?[0-9]+"),
    "decimal": re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?"),
    "date": DATE,
}


@dataclass
class Kind:
    """One type. ``fields``: element -> (one | many | scalar | scalars, type, scalar or enum)."""

    name: str
    has_id: bool = False
    fields: dict[str, tuple[str, str]] = field(default_factory=dict)
    rels: set[str] = field(default_factory=set)
    items: dict[str, str] = field(default_factory=dict)


@dataclass
class Schema:
    kinds: dict[str, Kind]
    enums: dict[str, set[str]]
    roots: dict[str, tuple[str, str]]
    singular: dict[str, str]

    @functools.cached_property
    def string_tags(self) -> set[str]:
        """Elements that may be written as <a></a>: texts, alone or in lists."""
        tags = {
            tag
            for kind in self.kinds.values()
            for tag, (how, of) in kind.fields.items()
            if (how, of) == ("scalar", "string")
        }
        lists = {
            kind.items[tag]
            for kind in self.kinds.values()
            for tag, (how, of) in kind.fields.items()
            if (how, of) == ("scalars", "string")
        }
        return tags | lists


@functools.cache
def schema() -> Schema:
    """Built once per run from the sources of the installed package."""
    readers, writers, types = (_tree(module) for module in ("readers", "writers", "types"))
    kinds = {node.name.removesuffix("Reader"): _kind(node) for node in readers.body if isinstance(node, ast.ClassDef)}
    for node in writers.body:
        if isinstance(node, ast.ClassDef) and node.name.removesuffix("Writer") in kinds:
            _read_items(node, kinds[node.name.removesuffix("Writer")])
    for name, extra in ALSO_FIELDS.items():
        kinds[name].fields.update(extra)
        kinds[name].items.update({tag: tag.removesuffix("s") for tag in extra})
    for name, rels in ALSO_LINKS.items():
        kinds[name].rels |= rels
    roots = dict(_roots(readers))
    singular = {name: tag for tag, (how, name) in roots.items() if how == "one"}
    return Schema(kinds, dict(_enums(types)), roots, singular)


def _tree(module: str) -> ast.Module:
    spec = importlib.util.find_spec(f"ovirtsdk4.{module}")
    assert spec is not None
    assert spec.origin is not None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


def _kind(node: ast.ClassDef) -> Kind:
    kind = Kind(node.name.removesuffix("Reader"))
    for branch in ast.walk(node):
        if not isinstance(branch, ast.If) or not isinstance(branch.test, ast.Compare):
            continue
        name = getattr(branch.test.left, "id", "")
        value = getattr(branch.test.comparators[0], "value", None)
        if name == "rel" and isinstance(value, str):
            kind.rels.add(value)
        elif name == "tag" and isinstance(value, str) and isinstance(branch.body[0], ast.Assign):
            kind.fields[value] = _field(branch.body[0].value)
    kind.has_id = "get_attribute('id')" in ast.unparse(node)
    return kind


def _field(call: ast.expr) -> tuple[str, str]:
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Attribute)
    assert isinstance(call.func.value, ast.Name)
    owner, method = call.func.value.id, call.func.attr
    if owner != "Reader":
        return method.removeprefix("read_"), owner.removesuffix("Reader")
    if method in {"read_enum", "read_enums"}:
        enum = call.args[0]
        assert isinstance(enum, ast.Attribute)
        return "scalars" if method == "read_enums" else "scalar", enum.attr
    what = method.removeprefix("read_")
    return ("scalars", what.removesuffix("s")) if what.endswith("s") else ("scalar", what)


def _read_items(node: ast.ClassDef, kind: Kind) -> None:
    """The tags of list items, which only the writers know."""
    write_one = next(part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "write_one")
    plural = ""
    for part in ast.walk(write_one):
        if not isinstance(part, ast.Call) or not isinstance(part.func, ast.Attribute):
            continue
        if part.func.attr == "write_many":
            singular, plural_tag = (getattr(argument, "value", "") for argument in part.args[2:4])
            kind.items[plural_tag] = singular
    for block in ast.walk(write_one):
        if isinstance(block, ast.If):
            starts = [c.args[0].value for c in _calls(block, "write_start") if isinstance(c.args[0], ast.Constant)]
            inner = [
                c.args[1].value
                for loop in block.body
                if isinstance(loop, ast.For)
                for c in _calls(loop, "")
                if len(c.args) > 1 and isinstance(c.args[1], ast.Constant)
            ]
            for plural in starts:
                if inner:
                    kind.items[plural] = inner[0]


def _calls(node: ast.AST, attribute: str) -> Iterator[ast.Call]:
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and attribute in part.func.attr:
            yield part


def _enums(types: ast.Module) -> Iterator[tuple[str, set[str]]]:
    for node in types.body:
        if isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") == "Enum" for base in node.bases):
            yield (
                node.name,
                {
                    part.value.value
                    for part in node.body
                    if isinstance(part, ast.Assign) and isinstance(part.value, ast.Constant)
                },
            )


def _roots(readers: ast.Module) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in readers.body:
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and "Reader.register" in ast.unparse(node.value.func)
        ):
            tag, method = node.value.args
            assert isinstance(tag, ast.Constant)
            assert isinstance(method, ast.Attribute)
            assert isinstance(method.value, ast.Name)
            yield tag.value, (method.attr.removeprefix("read_"), method.value.id.removesuffix("Reader"))


# The check


def findings(body: bytes) -> list[str]:
    """What is wrong with an XML answer; empty when nothing is."""
    try:
        root = etree.fromstring(body)
    except etree.XMLSyntaxError as error:
        return [f"not XML: {error}"]
    return [*_shape(body.decode()), *_root(root)]


def _shape(text: str) -> Iterator[str]:
    depth = 0
    for line in text.splitlines():
        if line.startswith("<?xml"):
            continue
        starts = len(re.findall(r"<[^/!?][^>]*[^/]>|<[^/!?/]>", line))
        ends = len(re.findall(r"</", line))
        tags = len(re.findall(r"<[^/!?]", line))
        if tags > 1:
            yield f"more than one element on a line: {line.strip()[:120]}"
        begins = line.lstrip(" ").startswith("<")
        own = depth - 1 if line.lstrip(" ").startswith("</") else depth
        if begins and len(line) - len(line.lstrip(" ")) != 4 * own:
            yield f"indentation is not {4 * own}: {line[:120]!r}"
        depth += starts - ends
    for found in re.finditer(r"<(\w+)([^<>]*)></\1>", text):
        tag, attributes = found.groups()
        if attributes:
            yield f"not self-closed, which breaks the SDK's reader: {found[0]}"
        elif tag not in schema().string_tags:
            yield f"an empty element that is no text: {found[0]}"
    if re.search(r'<\w+[^<>]* id="[^"]*" href=', text):
        yield "id before href"
    if "xmlns" in text:
        yield "a namespace"


def _root(root: etree._Element) -> Iterator[str]:
    how, name = schema().roots.get(root.tag, ("", ""))
    if how == "one":
        yield from _one(root, schema().kinds[name], root.tag)
    elif how == "many":
        yield from _many(root, name, schema().singular[name], root.tag)
    else:
        yield f"unknown root element {root.tag}"


def _one(element: etree._Element, kind: Kind, where: str) -> Iterator[str]:
    allowed = {"href", "id"} if kind.has_id else {"href"}
    yield from (f"{where}: attribute {name}" for name in element.attrib if name not in allowed)
    href = element.get("href")
    if href is not None and not href.startswith("/"):
        yield f"{where}: href {href} is no absolute path"
    yield from _no_text(element, where)
    seen = set()
    for child in element:
        inner = f"{where}/{child.tag}"
        if child.tag == "link":
            yield from _link(child, kind, inner)
        elif child.tag == "actions":
            yield from (
                f"{inner}: element {link.tag}"
                for link in child
                if link.tag != "link" or set(link.attrib) != {"href", "rel"}
            )
        elif child.tag not in kind.fields:
            yield f"{inner}: no such element of {kind.name}"
        else:
            if child.tag in seen:
                yield f"{inner}: twice"
            seen.add(child.tag)
            yield from _child(child, kind, inner)


def _no_text(element: etree._Element, where: str) -> Iterator[str]:
    if element.text and element.text.strip():
        yield f"{where}: text {element.text.strip()[:40]!r} in a structure"


def _link(link: etree._Element, kind: Kind, where: str) -> Iterator[str]:
    if set(link.attrib) != {"href", "rel"} or len(link) or link.text:
        yield f"{where}: a link has href and rel and nothing else"
    if kind.name not in ANY_LINK and link.get("rel") not in kind.rels:
        yield f"{where}: {kind.name} has no link {link.get('rel')}"


def _child(child: etree._Element, kind: Kind, where: str) -> Iterator[str]:
    how, of = kind.fields[child.tag]
    if how == "one":
        yield from _one(child, schema().kinds[of], where)
    elif how == "many":
        yield from _many(child, of, kind.items.get(child.tag, schema().singular.get(of, "")), where)
    elif how == "scalar":
        yield from _scalar(child, of, where)
    else:
        yield from _no_text(child, where)
        for item in child:
            if item.tag != kind.items.get(child.tag):
                yield f"{where}: item {item.tag} where {kind.items.get(child.tag)} is expected"
            yield from _scalar(item, of, f"{where}/{item.tag}")


def _many(element: etree._Element, name: str, item_tag: str, where: str) -> Iterator[str]:
    yield from (f"{where}: attribute {attribute}" for attribute in element.attrib if attribute != "href")
    yield from _no_text(element, where)
    for item in element:
        if item.tag != item_tag:
            yield f"{where}: item {item.tag} where {item_tag} is expected"
        yield from _one(item, schema().kinds[name], f"{where}/{item.tag}")


def _scalar(element: etree._Element, of: str, where: str) -> Iterator[str]:
    if element.attrib:
        yield f"{where}: attributes on a value"
    if len(element):
        yield f"{where}: elements in a value"
    text = element.text or ""
    if of in SCALARS:
        if not SCALARS[of].fullmatch(text):
            yield f"{where}: {text[:60]!r} is no {of}"
    elif text not in schema().enums[of]:
        yield f"{where}: {text[:60]!r} is no {of}"


def json_findings(body: bytes) -> list[str]:
    """What is wrong with a JSON answer of oVirt's API: every leaf is a string, and every list stands alone in its
    wrapper.
    """
    return list(_json(json.loads(body), "$"))


def _json(tree: Any, where: str) -> Iterator[str]:
    if isinstance(tree, dict):
        for name, part in tree.items():
            if isinstance(part, list):
                if len(tree) != 1 and name != "link":
                    yield f"{where}.{name}: a list that is not wrapped"
                for item in part:
                    yield from _json(item, f"{where}.{name}")
            else:
                yield from _json(part, f"{where}.{name}")
    elif not isinstance(tree, str):
        yield f"{where}: {tree!r} is not a string"
