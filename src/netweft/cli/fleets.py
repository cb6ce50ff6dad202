"""``netweft export`` and ``netweft apply``: one file that describes the fleet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from netweft.cli.calls import calls_engine, wait_for_hosts
from netweft.cli.fleet_file import File, Todo, state_of, written
from netweft.cli.fleet_plans import plans_of, print_plans
from netweft.cli.fleet_requests import Requests
from netweft.cli.host_drifts import commit_host
from netweft.cli.host_history import is_uncommitted, say_uncommitted
from netweft.cli.output import TABLES, say, show_many, show_one
from netweft.cli.session import REFUSED, output_option, the_session
from netweft.cli.verbs import confirm, yes_option
from netweft.client import ApiError, Client, UnreachableError
from netweft.client.tree import Tree
from netweft.core.fleet.changes import Change, Difference
from netweft.core.fleet.items import json_schema, nest

_COLUMNS = {"DO": "action", "WHAT": "noun", "NAME": "name", "FIELD": "field", "NOW": "before", "THEN": "after"}
_HOST = "host"
_PASSES = 2
"""How often the remaining changes are made: a new data centre or network brings objects that the file may not have."""

file_option = click.option(
    "-f",
    "--file",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The file of the fleet, as YAML (see docs/fleet-file.md).",
)
prune_option = click.option(
    "--prune", is_flag=True, help="Remove objects of the file's collections that are not in the file."
)


@click.command("export")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of the file instead, for editors.")
@output_option
def export(schema: bool, form: str) -> None:
    """Print the file that describes the fleet: networks, clusters, hosts and their settings.

    The format is YAML, or JSON with '-o json'. Passwords are not included.

    Example: netweft export > fleet.yaml
    """
    if schema:
        click.echo(schema_text(), nl=False)
    else:
        _export(form=form)


def schema_text() -> str:
    """The JSON Schema of the file, as it is published."""
    return json.dumps(json_schema(), indent=2) + "\n"


@calls_engine
def _export(client: Client, *, form: str) -> None:
    fleet = state_of(client).fleet
    click.echo(json.dumps(nest(fleet.things), indent=2) if form == "json" else written(fleet), nl=form == "json")


@click.command("apply")
@file_option
@prune_option
@click.option(
    "--commit/--no-commit",
    default=None,
    help="Whether the changed host networking is also committed, so that boot restores it.",
)
@yes_option
@output_option
@calls_engine
def apply(client: Client, file: Path | None, prune: bool, commit: bool | None, yes: bool, form: str) -> None:
    """Change the fleet to match a file. Objects that the file does not name stay as they are.

    The plan is shown first. Changes are made one after the other by ordinary requests; the command stops at the first
    failure and shows what was done. Apply the file again to continue.

    Example: netweft apply -f fleet.yaml --prune --yes
    """
    if client.plan_id:
        raise click.UsageError("--if-plan is about one request, and a file is applied by many: see 'plan -f'.")
    content = File(required_file(file))
    todo = content.todo(client, prune=prune)
    show_changes(todo.changes, form)
    commits = the_session().commits if commit is None else commit
    if todo.changes:
        confirm(f"Make {_count(todo.changes)}?", yes=yes)
        _make_until_done(client, content, todo, prune=prune, commits=commits)
    _end_uncommitted(client, content, commits=commits)


def _make_until_done(client: Client, content: File, todo: Todo, *, prune: bool, commits: bool) -> None:
    """Make changes until nothing is left of them. Raises click.exceptions.Exit, ApiError, UnreachableError."""
    for _ in range(_PASSES):
        _make_all(client, todo.changes, Requests(client, todo, commit=commits))
        todo = content.todo(client, prune=prune)
        if not todo.changes:
            say("The fleet matches the file.")
            return
    say(f"Left to do: {_count(todo.changes)}. See 'netweft plan -f {content.name}'.")
    raise click.exceptions.Exit(REFUSED)


def _end_uncommitted(client: Client, content: File, *, commits: bool) -> None:
    """Commit the hosts that the file names and whose boot would bring back something else, or tell of them."""
    named = {names[0] for noun, names in content.fleet.things if noun == _HOST}
    there = client.list("hosts") if named else ()
    for host in (one for one in there if one["name"] in named and is_uncommitted(one)):
        if commits:
            say(f"commit host networks {host['name']}")
            commit_host(client, host)
        else:
            say_uncommitted(host)


def required_file(file: Path | None) -> Path:
    """The file that an option names. Raises click.UsageError."""
    if file is None:
        raise click.UsageError("Name the file with -f.")
    return file


def _make_all(client: Client, found: tuple[Change, ...], requests: Requests) -> None:
    """Make changes, each when all hosts have the one before."""
    for number, change in enumerate(found):
        say(f"{number + 1}/{len(found)} {_line(change)}")
        try:
            requests.make(change)
            wait_for_hosts(client)
        except (ApiError, UnreachableError, click.exceptions.Exit, click.ClickException):
            left_over = found[number + 1 :]
            say(f"This failed: {_line(change)}. Done before it: {number}. Not done:{'' if left_over else ' nothing.'}")
            for left in left_over:
                say(f"  {_line(left)}")
            raise


def _line(change: Change) -> str:
    return f"{change.action} {change.noun} {change.name}"


def _count(found: tuple[Change, ...]) -> str:
    return f"{len(found)} change{'s' * (len(found) != 1)}"


@calls_engine
def plan_file(client: Client, file: Path, *, prune: bool, hosts: bool, form: str) -> None:
    """Show what applying a file would do. ``hosts``: and what hosts would do by each change."""
    todo = File(file).todo(client, prune=prune)
    plans = plans_of(client, todo) if hosts else []
    show_changes(todo.changes, form, plans)
    if any(one["refused"] for one in plans):
        raise click.exceptions.Exit(REFUSED)


def show_changes(found: tuple[Change, ...], form: str, plans: Sequence[Tree] = ()) -> None:
    """Print changes, as a table with a line for each field; with plans, a line for each change."""
    entries: list[dict[str, Any]] = [
        {
            "action": one.action,
            "noun": one.noun,
            "name": one.name,
            "differences": [_difference(each) for each in one.differences],
            **(plans[at] if plans else {}),
        }
        for at, one in enumerate(found)
    ]
    if form not in TABLES:
        show_one({"changes": entries}, form)
    elif plans:
        print_plans(entries, form)
    elif found:
        lines: list[dict[str, Any]] = [{**one, **each} for one in entries for each in one["differences"] or [{}]]
        show_many([{**line, **_cells(line)} for line in lines], _COLUMNS, form)
    say(f"{_count(found)}." if found else "Nothing to do.")


def _difference(one: Difference) -> dict[str, Any]:
    return {"field": ".".join(one.path), "before": one.before, "after": one.after}


def _cells(line: dict[str, Any]) -> dict[str, str]:
    values = {name: line.get(name) for name in ("before", "after")}
    return {
        name: "" if value is None else str(value) if value and isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }
