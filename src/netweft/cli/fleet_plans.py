"""What hosts would do by each change that the file of a fleet asks for, and what that would affect."""

from __future__ import annotations

from typing import Any

import click

from netweft.cli.fleet_file import Todo
from netweft.cli.fleet_requests import Requests
from netweft.cli.output import show_many
from netweft.client import ApiError, Client, PlannedError
from netweft.client.tree import Tree
from netweft.core.fleet.changes import Change
from netweft.core.fleet.checks import waits_for

_COLUMNS = {
    "DO": "action",
    "WHAT": "noun",
    "NAME": "name",
    "HOSTS": "hosts.changed",
    "LOSS": "hosts.loss",
    "NETWORKS": "hosts.networks",
    "VMS": "hosts.vms",
    "WHY NOT": "problem",
}


def plans_of(client: Client, todo: Todo) -> list[Tree]:
    """Of each change the summary of its plan (``hosts``) as the fleet is now, or why it has none (``problem``), and
    whether it would be refused as the fleet is now (``refused``).
    """
    requests = Requests(client, todo, commit=False)
    return [_plan_of(client, todo, requests, one) for one in todo.changes]


def _plan_of(client: Client, todo: Todo, requests: Requests, change: Change) -> Tree:
    missing = waits_for(change, todo.state.fleet, todo.wanted)
    if missing:
        return _summary(problem=f"{missing[0]} {'/'.join(missing[1])} is not there yet.")
    client.planning = True
    try:
        requests.make(change)
    except PlannedError as planned:
        return _summary(hosts=planned.plan["summary"])
    except (ApiError, click.ClickException) as error:
        return _summary(problem=str(error), refused=True)
    finally:
        client.planning = False
    return _summary()


def _summary(*, hosts: Tree | None = None, problem: str | None = None, refused: bool = False) -> Tree:
    return {"hosts": hosts, "problem": problem, "refused": refused}


def print_plans(entries: list[dict[str, Any]], form: str) -> None:
    """Print a line for each change."""
    show_many(entries, _COLUMNS, form)
