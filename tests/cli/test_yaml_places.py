"""YAML with the places of what it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netweft.cli.fleet_file import in_yaml
from netweft.client.yaml_places import Document, YamlError
from properties import examples


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: ~", {"a": None}),
        ("[true, false, null, 7, -1, +2]", [True, False, None, 7, -1, 2]),
        ("[no, Yes, 1.5, 1e3, 007, 0x1f]", ["no", "Yes", "1.5", "1e3", "007", "0x1f"]),
        ("[10:20:30:40:50:51, 2026-01-02]", ["10:20:30:40:50:51", "2026-01-02"]),
        ("['7', \"true\", 'null']", ["7", "true", "null"]),
        ("7: {true: a}", {"7": {"true": "a"}}),
        ("{a: &a {x: 1, y: 2}, b: {<<: *a, y: 3}}", {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}}),
        ("{a: &a {x: 1}, b: {<<: [*a, {x: 2, z: 3}]}}", {"a": {"x": 1}, "b": {"x": 1, "z": 3}}),
        ("{'<<': {x: 1}}", {"<<": {"x": 1}}),
        ("[!!str 7, !!str true, !!int 7]", ["7", "true", 7]),
    ],
)  # fmt: skip
def test_words_are_what_they_look_like(text: str, value: object) -> None:
    assert Document(text).value == value


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a: [1\nb: 2", ["line 2, column 2: This is not YAML: "]),
        ("a: b\nc: \0", ["line 2, column 4: This is not YAML: "]),
        ("a: 1\n---\nb: 2", ["line 2, column 1: This is not YAML: "]),
        ("a: 1\nb: 2\na: 3\nb: 4", ["line 3, column 1: 'a' is given twice.", "line 4, column 1: 'b' is given twice."]),
        ("{[1]: 2}", ["line 1, column 2: A key should be a word."]),
        ("{<<: 7}", ["line 1, column 6: Only mappings can be merged."]),
        ("a: &a [*a]", ["line 1, column 4: This is inside itself."]),
        ("a: !!python/name:os.system x", ["line 1, column 4: Nothing has the tag !!python/name:os.system here: "]),
        ("a: {b: 1, c: !secret x}", ["line 1, column 14: Nothing has the tag !secret here: "]),
        ("a: !secret [x]", ["line 1, column 4: Nothing has the tag !secret here: "]),
        (b"a: 1\nb: \xc3\xbc\xff", ["line 2, column 5: This is no text in UTF-8: 0xff."]),
        (b"\xff", ["line 1, column 1: This is no text in UTF-8: 0xff."]),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str | bytes, problems: list[str]) -> None:
    with pytest.raises(YamlError) as error:
        Document(text)
    lines = str(error.value).splitlines()
    assert len(lines) == len(problems)
    assert all(line.startswith(problem) for line, problem in zip(lines, problems, strict=True)), lines


def test_places_are_those_of_keys_and_items() -> None:
    document = Document("a:\n  b: [1, 2]\nc: &c {d: 3}\ne: {<<: *c, f: 4}\ng: {<<: [*c]}\n")
    places = {
        (): (1, 1),
        ("a",): (1, 1),
        ("a", "b"): (2, 3),
        ("a", "b", 1): (2, 10),
        ("a", "b", 1, "deeper"): (2, 10),
        ("a", "gone", "b"): (1, 1),
        ("e", "f"): (4, 13),
        ("e", "d"): (3, 8),
        ("g", "d"): (3, 8),
    }
    assert {path: document.find(path) for path in places} == places
    assert Document("").find(("a",)) == (1, 1)


_LEAVES = st.none() | st.booleans() | st.integers() | st.text()
_TREES = st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@examples(300)
@given(_TREES)
def test_what_is_written_is_read_again(tree: object) -> None:
    assert Document(in_yaml({"it": tree})).value == {"it": tree}
