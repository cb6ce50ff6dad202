"""Every rule, triggered through the API: its request is refused with the status, the code and the words of its row, and
changes no row of the database. The rows are in ``refusals/``, a file per noun.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import netweft
from api.refusals import entry_points, host_limits
from api.refusals.elsewhere import CODES, RULES
from api.refusals.site import Refusal, Site, work_off
from api.served import Client, Engine
from fleet import running_fleet
from netweft.core import rules

HERE = Path(__file__).parent / "refusals"
NOUNS = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in {"site", "elsewhere"})
MODULES = {noun: importlib.import_module(f"api.refusals.{noun}") for noun in NOUNS}
ROWS = [row for module in MODULES.values() for row in module.TABLE if isinstance(row, Refusal)]

_CODE = re.compile(r"[A-Z][A-Z0-9]*(_{1,2}[A-Z0-9]+)+")
_SOURCE = Path(netweft.__file__).parent
HOW = (
    "Add a row to the table of its noun in tests/api/refusals/ (rule, method, path, body, code, words), which shows how"
    " the API triggers it; or remove the rule, if nothing can."
)


ON = [("postgresql" if module.HOSTS else "sqlite", noun) for noun, module in MODULES.items()]
"""Each table on one database: which rule it is that refuses does not depend on it."""


@pytest.mark.parametrize(("databases", "noun"), ON, indirect=["databases"])
def test_refusals(noun: str, engine: Engine, client: Client, tmp_path: Path) -> None:
    module = MODULES[noun]
    with running_fleet(engine.db, tmp_path, module.HOSTS) if module.HOSTS else nullcontext() as fleet:
        site = Site(engine, client, fleet)
        module.prepare(site)
        wrong = work_off(site, module.TABLE)
    assert not wrong, "\n".join(wrong)


def rule_functions() -> Iterator[tuple[str, Any]]:
    """All rules by module and name: functions of core.rules that return a Problem or nothing."""
    for found in pkgutil.iter_modules(rules.__path__):
        module = importlib.import_module(f"{rules.__name__}.{found.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            is_rule = function.__annotations__.get("return") == "Problem | None" and not name.startswith("_")
            if is_rule and function.__module__ == module.__name__:
                yield f"{found.name}.{name}", function


RULE_FUNCTIONS = dict(rule_functions())


def codes_in(tree: ast.AST) -> set[str]:
    """All codes that stand in a piece of source."""
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str) and _CODE.fullmatch(value)}


def test_every_rule_has_a_row() -> None:
    missing = sorted(RULE_FUNCTIONS.keys() - {row.rule for row in ROWS} - RULES.keys())
    assert not missing, f"No request through the API triggers these rules: {', '.join(missing)}. {HOW}"


def test_every_rule_of_setting_up_meets_every_entry_point() -> None:
    """A request that changes what hosts depend on is tried with each rule that it could break on a host."""
    of_hosts = {
        "setup_networks",
        "host_attachment",
        "host_bond",
        "host_label",
        "host_qos",
        "host_addresses",
        "host_ability",
        "host_unmanaged",
    }
    there_are = {name for name in RULE_FUNCTIONS if name.partition(".")[0] in of_hosts}
    known = entry_points.OF_THE_STATE | entry_points.OF_THE_REQUEST.keys()
    assert there_are == known, "say in tests/api/refusals/entry_points.py what these rules are about"
    tables = (*entry_points.TABLE, *host_limits.TABLE)
    rows = [row for row in tables if isinstance(row, Refusal | entry_points.Left)]
    tried = {(row.rule, entry_points.entry_of(row)) for row in rows}
    pairs = {(rule, entry) for rule in entry_points.OF_THE_STATE for entry in entry_points.ENTRY_POINTS}
    missing = sorted(pairs - tried - entry_points.IMPOSSIBLE.keys())
    assert not missing, f"No row of tests/api/refusals/entry_points.py tries these: {missing}"
    assert not tried & entry_points.IMPOSSIBLE.keys(), "what a row shows is not impossible"


def test_every_code_of_a_rule_is_seen() -> None:
    missing = []
    for name, function in RULE_FUNCTIONS.items():
        if name not in RULES:
            seen = {row.code for row in ROWS if row.rule == name} | CODES.keys()
            missing += [f"{name}: {code}" for code in sorted(codes_in(ast.parse(inspect.getsource(function))) - seen)]
    assert not missing, f"No answer of the API shows these codes: {', '.join(missing)}. {HOW}"


def errors_in(tree: ast.Module) -> Iterator[ast.expr]:
    """The codes of errors as they stand in source: what Problem begins with, and what any error has as ``code``."""
    named = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id == "Problem":
                yield node.args[0]
            for keyword in node.keywords:
                if keyword.arg == "code":
                    yield named.get(ast.unparse(keyword.value), keyword.value)


def test_every_code_of_an_error_is_seen() -> None:
    seen = {row.code for row in ROWS} | CODES.keys()
    wrong = []
    for part in ("core", "engine", "api"):
        for path in sorted((_SOURCE / part).rglob("*.py")):
            for code in errors_in(ast.parse(path.read_text())):
                where = f"{path.relative_to(_SOURCE)}:{code.lineno}"
                if isinstance(code, ast.JoinedStr | ast.BinOp):
                    wrong.append(f"{where}: write the code out, so that it can be found")
                wrong += [f"{where}: {one} is in no row" for one in sorted(codes_in(code) - seen)]
    assert not wrong, "\n".join([*wrong, HOW, "Codes of jobs and of races are in tests/api/refusals/elsewhere.py."])


def test_rows_name_rules_that_there_are() -> None:
    known = RULE_FUNCTIONS.keys() | {"schedule", "command"}
    assert {row.rule for row in ROWS} <= known
    assert RULES.keys() <= RULE_FUNCTIONS.keys()
