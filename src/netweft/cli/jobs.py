"""What can be seen of a job beside the usual verbs: why it failed."""

from __future__ import annotations

import click

from netweft.cli.lookup import completes, resolve
from netweft.cli.nouns import noun
from netweft.cli.output import show_one
from netweft.cli.session import calls_engine, output_option
from netweft.client import Client

_JOB = noun("job")


@click.command("show")
@click.argument("job", shell_complete=completes("job"))
@output_option
@calls_engine
def show(client: Client, job: str, form: str) -> None:
    """Show all that is known of a job: how far it is, and why it failed.

    Example: netweft job show 5aade4a2-2f8f-4e0e-9d43-7a3f0d7c6f11
    """
    found = resolve(client, _JOB, job)
    told = client.addition("GET", f"jobs/{found['id']}")
    extra = {key: told[key] for key in ("kind", "progress", "result", "error", "error_code") if told.get(key)}
    show_one({**found, **extra}, form)


COMMANDS = (show,)
