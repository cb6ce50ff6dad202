"""Verbs of jobs beside the usual ones: a list and a view with the reasons of failures, and jobs of other systems."""

from __future__ import annotations

import click

from netweft.cli.calls import calls_engine
from netweft.cli.completion import named
from netweft.cli.lookup import name_all_references, name_references, resolve
from netweft.cli.nouns import noun
from netweft.cli.output import show_facts, show_many, show_one
from netweft.cli.selection import Selection, searched
from netweft.cli.session import output_option
from netweft.client import Client

_JOB = noun("job")
_REASON_MAX = 60
"""Characters of a reason in the form ``table``."""
_PROGRESS = ("kind", "progress", "result", "error", "error_code")
"""What Netweft's own view of a job has besides oVirt's."""


@click.command("list")
@searched('description="*sim-1*"', 50)
@output_option
@calls_engine
def list_jobs(client: Client, selection: Selection, form: str) -> None:
    """List the jobs, newest first, with who began them. REASON is why a job failed; -o wide shows all of it.

    Example: netweft job list --search status=failed -o wide
    """
    query = selection.query()
    found = client.list("jobs", **query)
    name_references(client, _JOB, found)
    failed = any(job["status"] == "failed" for job in found)
    progress = {one["id"]: one for one in client.addition("GET", "jobs", **query)} if failed else {}
    for job in found:
        details = progress.get(job["id"], {})
        job.update({key: details[key] for key in ("error", "error_code") if details.get(key)})
    if form == "table":
        found = [{**job, "error": _shortened(job.get("error", ""))} for job in found]
    show_many(found, {**_JOB.columns, "REASON": "error"}, form, _JOB.wide)


@click.command("add")
@click.argument("description")
@click.option("--keep", is_flag=True, help="Keep it in the list; otherwise it is removed some days after its end.")
@output_option
@calls_engine
def add(client: Client, description: str, keep: bool, form: str) -> None:
    """Add a job of another system to the jobs, until 'end' or 'fail' ends it.

    Example: netweft job add 'Replacing the switch of rack 7'
    """
    added = client.add("jobs", {"description": description, "auto_cleared": not keep})
    name_references(client, _JOB, [added])
    show_facts(added, {"ID": "id", **_JOB.columns}, form)


@click.command("show")
@named("job")
@output_option
@calls_engine
def show(client: Client, job: str, form: str) -> None:
    """Show a job: its progress, and why it failed.

    Example: netweft job show 5aade4a2-2f8f-4e0e-9d43-7a3f0d7c6f11
    """
    found = resolve(client, _JOB, job)
    name_all_references(client, _JOB, found)
    progress = client.addition("GET", f"jobs/{found['id']}")
    show_one({**found, **{key: progress[key] for key in _PROGRESS if progress.get(key)}}, form)


COMMANDS = (list_jobs, show, add)


def _shortened(text: str) -> str:
    return text if len(text) <= _REASON_MAX else f"{text[: _REASON_MAX - 3].rstrip()}..."
