"""What is printed: tables that fit a terminal, and JSON with the types that the API means."""

from __future__ import annotations

import typing

from netweft.api import types
from netweft.api.schema import Value, fields_of
from netweft.cli.output import listing, table
from netweft.client.scalars import NUMBERS, TRUTHS, typed
from netweft.client.tree import NO_LISTS, from_wire


def api_scalars() -> dict[str, set[str]]:
    """For each name of an element its kinds, with that of the element around it where names mean several things."""
    found: dict[str, set[str]] = {}
    for kind in vars(types).values():
        if not (isinstance(kind, type) and issubclass(kind, Value) and kind.__module__ == types.__name__):
            continue
        for name, hint in typing.get_type_hints(kind).items():
            options = set(typing.get_args(hint)) or {hint}
            said = "truth" if bool in options else "number" if options & {int, float} else "text"
            if said != "text" or str in options:
                found.setdefault(f"{kind.meta.tag}.{name.rstrip('_')}", set()).add(said)
    return found


def test_json_has_the_types_that_the_api_declares() -> None:
    for path, kinds in api_scalars().items():
        within, name = path.split(".")
        number, truth = typed("7", name, within), typed("true", name, within)
        assert kinds == {"number" if number == 7 else "truth" if truth is True else "text"}, path
    declared = {path.split(".")[1] for path in api_scalars()}
    assert {name.rpartition(".")[2] for name in NUMBERS | TRUTHS} <= declared


def test_texts_that_look_like_numbers_stay_texts() -> None:
    entity = {"id": "100", "name": "true", "vlan": {"id": "100"}, "mtu": "1500", "nics": [{"plugged": "true"}]}
    assert typed(entity) == {
        "id": "100", "name": "true", "vlan": {"id": 100}, "mtu": 1500, "nics": [{"plugged": True}],
    }  # fmt: skip


def test_an_empty_list_is_a_list() -> None:
    wire = {"network": [{"name": "a", "usages": {}, "qos": {}, "vlan": {"id": "1"}}]}
    assert from_wire(wire) == [{"name": "a", "usages": [], "qos": {}, "vlan": {"id": "1"}}]


def test_what_is_no_list_is_known_by_name() -> None:
    kinds = [kind for kind in vars(types).values() if isinstance(kind, type) and issubclass(kind, Value)]
    fields = [field for kind in kinds if kind.__module__ == types.__name__ for field in fields_of(kind)]
    lists = {field.name for field in fields if field.many}
    structs = {field.name for field in fields if field.struct and not field.many and field.name.endswith("s")}
    filled = {"hosts", "special_objects", "storage_domains", "users", "vms"}  # of the root, which are never empty
    assert structs - filled == NO_LISTS
    assert not lists & NO_LISTS


def test_a_table_is_folded_to_the_terminal() -> None:
    rows = [("NAME", "WHAT"), ("storage", "a long description " * 8), ("a", "short")]
    lines = table(rows, 40)
    assert max(map(len, lines)) <= 40
    assert lines[0].split() == ["NAME", "WHAT"]
    assert lines[-1].split() == ["a", "short"]
    assert len(table(rows, None)) == 3
    assert table([], 80) == []
    events = [("TIME", "WHO", "WHAT"), ("2026-11-30 23:11:12", "admin@internal", "network web has changed")]
    assert table(events, 39)[1:] == [
        "2026-11-30  admin@internal  network web",
        "23:11:12                    has changed",
    ]


def test_details_that_do_not_fit_are_printed_as_blocks() -> None:
    rows = [("NAME", "ID", "MAC"), ("a", "1" * 30, ""), ("b", "2" * 30, "56:6f:1a:00:00:01")]
    assert listing(rows, 40) == [
        "name  a",
        f"id    {'1' * 30}",
        "",
        "name  b",
        f"id    {'2' * 30}",
        f"mac   {rows[2][2]}",
    ]
    assert listing(rows, 80) == table(rows, 80)
    assert listing(rows, None) == table(rows, None)
