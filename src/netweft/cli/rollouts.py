"""Changes that go out to several hosts: looking at them, halting, resuming, taking back."""

from __future__ import annotations

import click

from netweft.cli.calls import calls_engine, wait_for_rollout
from netweft.cli.completion import completes
from netweft.cli.output import TABLES, say, show_many, show_one
from netweft.cli.selection import Selection, searched
from netweft.cli.session import NOT_FOUND_STATUS, output_option
from netweft.client import ApiError, Client
from netweft.client.tree import Tree

_DIGITS = 9
"""Of a number that the API compares."""
_COLUMNS = {
    "NUMBER": "number",
    "BEGUN": "created_at",
    "STATUS": "status",
    "WHO": "user",
    "HOSTS": "progress",
    "WHY": "reason",
}
_HOSTS = {"WAVE": "wave", "HOST": "host.name", "STATUS": "status", "STATE": "state", "ERROR": "error"}
_WIDE = {"CLUSTER": "cluster", "CANARY": "canary", "KEEPS": "keeps", "CHANGED": "changed_at"}
_rollout = click.argument("rollout", metavar="NUMBER|ID", shell_complete=completes("rollout"))


def _found(client: Client, rollout: str) -> Tree:
    """One by its number or id. Raises ApiError."""
    key = "number" if rollout.isdecimal() and len(rollout) <= _DIGITS else "id"
    is_name = rollout.replace("-", "").isalnum()
    found = client.addition("GET", "rollouts", search=f'{key}="{rollout}"') if is_name else []
    if not found:
        raise ApiError(NOT_FOUND_STATUS, f"There is no rollout '{rollout}'.")
    whole: Tree = client.addition("GET", f"rollouts/{found[0]['id']}")
    return whole


@click.command("list")
@searched("status=halted", 20)
@output_option
@calls_engine
def list_rollouts(client: Client, selection: Selection, form: str) -> None:
    """List the rollouts, newest first, with who began them.

    Example: netweft rollout list --search status=running
    """
    show_many(client.addition("GET", "rollouts", **selection.query()), _COLUMNS, form, {"ID": "id", "ERROR": "error"})


@click.command("show")
@_rollout
@output_option
@calls_engine
def show(client: Client, rollout: str, form: str) -> None:
    """Show a rollout and its hosts, in the order in which they change.

    Example: netweft rollout show 7
    """
    _show(_found(client, rollout), form)


def _show(one: Tree, form: str) -> None:
    if form not in TABLES:
        show_one(one, form)
        return
    show_many(one["hosts"], _HOSTS, form, _WIDE)
    say(f"{one['reason']}: {one['status']}; {one['progress']}.")
    if one["error"]:
        say(one["error"])


@click.command("watch")
@_rollout
@calls_engine
def watch(client: Client, rollout: str) -> None:
    """Follow a rollout until it has ended, is halted, or waits for hosts.

    Example: netweft rollout watch 7
    """
    wait_for_rollout(client, _found(client, rollout))


@click.command("halt")
@_rollout
@output_option
@calls_engine
def halt(client: Client, rollout: str, form: str) -> None:
    """Halt a rollout: no further hosts change; those that are changing finish.

    Example: netweft rollout halt 7
    """
    _show(client.addition("POST", f"rollouts/{_found(client, rollout)['id']}/halt", {}), form)


@click.command("resume")
@_rollout
@calls_engine
def resume(client: Client, rollout: str) -> None:
    """Resume a halted rollout; hosts that failed are retried first.

    Example: netweft rollout resume 7
    """
    wait_for_rollout(client, client.addition("POST", f"rollouts/{_found(client, rollout)['id']}/resume", {}))


@click.command("revert")
@_rollout
@calls_engine
def revert(client: Client, rollout: str) -> None:
    """Revert a rollout: on the changed hosts, last ones first, and then the change itself.

    Example: netweft rollout revert 7
    """
    one = client.addition("POST", f"rollouts/{_found(client, rollout)['id']}/revert", {})
    wait_for_rollout(client, one, wanted="reverted")


COMMANDS = (list_rollouts, show, watch, halt, resume, revert)
