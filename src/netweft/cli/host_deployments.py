"""Verbs by which the engine installs the agent on a host by SSH."""

from __future__ import annotations

import click

from netweft.cli.calls import calls_engine
from netweft.cli.completion import named
from netweft.cli.job_progress import run_job
from netweft.cli.lookup import resolve
from netweft.cli.noun_types import TextFile
from netweft.cli.nouns import noun
from netweft.client import Client
from netweft.client.tree import Tree

_HOST = noun("host")


@click.command("install")
@named("host", "name")
@click.option("--root-password-file", "password", type=TextFile(), help="A file with root's password there.")
@click.option("--engine-key", is_flag=True, help="Use the engine's own key, which 'netweft host ssh-key' shows.")
@calls_engine
def install(client: Client, name: str, password: str | None, engine_key: bool) -> None:
    """Install or reinstall the agent on a host by SSH, and wait until it has joined.

    For a host in maintenance, one whose installation failed, and one that still waits for its agent.

    Example: netweft host install rack1 --engine-key
    """
    if (password is None) is not engine_key:
        raise click.UsageError("Give either --root-password-file or --engine-key.")
    body: Tree = {"ssh": {"authentication_method": "publickey"}} if engine_key else {"root_password": password}
    run_job(client, f"hosts/{resolve(client, _HOST, name)['id']}/install", body)


@click.command("ssh-key")
@calls_engine
def ssh_key(client: Client) -> None:
    """Show the engine's SSH public key, a line for /root/.ssh/authorized_keys of hosts on which it installs the agent.

    Example: netweft host ssh-key
    """
    click.echo(client.addition("GET", "ssh-key")["public_key"])


COMMANDS = (install, ssh_key)
