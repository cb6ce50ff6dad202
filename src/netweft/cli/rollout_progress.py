"""Follows a rollout: how far it is, and how it ended."""

from __future__ import annotations

import sys
import time

import click

from netweft.cli.output import pick, say
from netweft.cli.session import the_session
from netweft.client import Client
from netweft.client.tree import Tree

_GOES_ON = {"running", "reverting"}
_POLL = 0.3
"""Seconds between polls."""


def begun(client: Client) -> list[Tree]:
    """The rollouts that a client's requests have begun, the last first."""
    found: list[Tree] = client.addition("GET", "rollouts", search=f"correlation_id={client.correlation_id}")
    return found


def follow(client: Client, one: Tree) -> str:
    """Show a rollout until it goes on no more, and what became of it; returns its status then."""
    last_text = ""
    search = f"id={one['id']}"
    while True:
        goes_on = one["status"] in _GOES_ON
        text = f"{one['reason']}: {one['progress']}"
        if text != last_text:
            _print(text, is_last=not goes_on)
        last_text = text
        if not goes_on:
            break
        time.sleep(_POLL)
        one = client.addition("GET", "rollouts", search=search)[0]
    ended = client.addition("GET", f"rollouts/{one['id']}")
    the_session().followed |= {host["job"] for host in ended["hosts"] if host["job"]}
    _print_end(ended)
    return "stuck" if one["states"].get("stuck") else str(one["status"])


def _print_end(one: Tree) -> None:
    if one["status"] == "succeeded":
        say("All hosts have changed.")
        return
    say(f"The rollout is {one['status']}. {one['error']}".rstrip())
    for host in one.get("hosts", ()):
        if host["error"]:
            say(f"  {pick(host, 'host.name')}: {host['error']}")
    say(f"See: netweft rollout show {one['number']}")


def _print(text: str, *, is_last: bool) -> None:
    """A line that changes on a terminal, a line for each change in a log."""
    if sys.stderr.isatty():
        click.echo(f"\r{text:<78.78}", nl=is_last, err=True)
    else:
        say(f"  {text}")
