"""Verbs of snapshots beside the usual ones: a preview, and its end."""

from __future__ import annotations

import click

from netweft.cli.calls import calls_engine
from netweft.cli.completion import named
from netweft.cli.job_progress import run_job
from netweft.cli.lookup import path_of, resolve
from netweft.cli.nouns import noun
from netweft.client import Client
from netweft.client.tree import Tree

_VM, _SNAPSHOT = noun("vm"), noun("vm snapshot")
_vm = named("vm")


@click.command("preview")
@_vm
@named("vm snapshot")
@calls_engine
def preview(client: Client, vm: str, snapshot: str) -> None:
    """Restore a virtual machine from a snapshot until 'commit' or 'undo'.

    Example: netweft vm snapshot preview web before-update
    """
    found = resolve(client, _SNAPSHOT, snapshot, (vm,))
    _run(client, vm, "previewsnapshot", {"snapshot": {"id": found["id"]}})


@click.command("commit")
@_vm
@calls_engine
def commit(client: Client, vm: str) -> None:
    """Commit the previewed state of a virtual machine; later snapshots are deleted.

    Example: netweft vm snapshot commit web
    """
    _run(client, vm, "commitsnapshot", {})


@click.command("undo")
@_vm
@calls_engine
def undo(client: Client, vm: str) -> None:
    """End the preview of a virtual machine and restore its state from before.

    Example: netweft vm snapshot undo web
    """
    _run(client, vm, "undosnapshot", {})


COMMANDS = (preview, commit, undo)


def _run(client: Client, vm: str, action: str, body: Tree) -> None:
    run_job(client, f"{path_of(resolve(client, _VM, vm))}/{action}", body, nothing="Done.")
