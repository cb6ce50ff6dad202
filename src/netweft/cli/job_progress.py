"""Follows a job that a command started: its progress and its outcome."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from netweft.cli.output import pick, say
from netweft.cli.session import refusal_code, spoken, the_session
from netweft.client import Client
from netweft.client.tree import Tree, Trees

_ON_HOSTS = {"apply_host", "propagate_labels", "sync_guest"}
"""Kinds of the jobs by which a host, or a guest on it, follows what was changed elsewhere."""


def run_job(client: Client, path: str, body: Tree, *, nothing: str = "Nothing to do.") -> None:
    """Call an action, show its job's progress, and end with the exit code of the outcome. ``nothing``: what to say when
    there is no job.
    """
    answer = client.action(path, {**body, "async": True})
    job_id = pick(answer, "job.id")
    if not job_id:
        say(nothing)
        return
    _follow(client, job_id)
    say("Done.")


def wait_for_jobs(client: Client) -> None:
    """Follow the jobs by which single hosts follow what a client has changed, and those that they begin. With
    ``--no-wait``: say which they are.
    """
    session = the_session()
    if session.followed:  # what has ended well was part of what was followed
        session.followed |= {one["id"] for one in _of_hosts(client) if one["status"] == "finished"}
    while jobs := [one for one in _of_hosts(client) if one["id"] not in session.followed]:
        for job in jobs:
            if session.given.get("no_wait"):
                session.followed.add(job["id"])
                say(f"{job['description']}. See: netweft job show {job['id']}")
            else:
                say(f"{job['description']}:")
                _follow(client, job["id"])


def _of_hosts(client: Client) -> Trees:
    """Jobs on hosts that a client's requests have begun, the first first."""
    found = client.addition("GET", "jobs", search=f"correlation_id={client.correlation_id}")
    return [one for one in reversed(found) if one["kind"] in _ON_HOSTS]


def _follow(client: Client, job_id: str) -> None:
    """Show the progress of a job until its end. Ends the program when it fails."""
    the_session().followed.add(job_id)
    outcome = client.follow(job_id, _watcher())
    if outcome["status"] == "finished":
        return
    say(f"Failed: {spoken(outcome['error'])}")
    say(f"Code: {outcome['error_code']}")
    raise click.exceptions.Exit(refusal_code(outcome["error_code"]))


def _watcher() -> Callable[[Tree], None]:
    """Shows a job's progress: a line that changes on a terminal, a line per phase in a log."""
    is_terminal = sys.stderr.isatty()
    last_text = ""

    def show(progress: Tree) -> None:
        nonlocal last_text
        text = _phase(progress)
        if is_terminal:
            click.echo(f"\r{text:<70}", nl=progress["status"] != "started", err=True)
        elif text.partition(",")[0] != last_text.partition(",")[0]:
            say(f"  {text}")
        last_text = text

    return show


def _phase(progress: Tree) -> str:
    inner: dict[str, Any] = progress.get("progress") or {}
    phase = str(inner.get("phase", progress["status"])).replace("_", " ")
    left = inner.get("seconds_left")
    return phase if left is None else f"{phase}, {float(left):.0f} s to the deadline"
