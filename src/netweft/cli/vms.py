"""Verbs of virtual machines beside the usual ones."""

from __future__ import annotations

import sys
from functools import partial

import click

from netweft.cli.calls import calls_engine
from netweft.cli.completion import completes, named
from netweft.cli.job_progress import run_job
from netweft.cli.lookup import resolve
from netweft.cli.nouns import noun
from netweft.cli.output import TABLES, say, show_many, show_one
from netweft.cli.session import output_option
from netweft.client import Client
from netweft.client.tree import Tree

_VM = noun("vm")
_vm = named("vm")
_host = partial(click.option, "--host", shell_complete=completes("host"))


@click.command("start")
@_vm
@_host(help="Name of the host to start it on; any fit host when it is not given.")
@calls_engine
def start(client: Client, vm: str, host: str | None) -> None:
    """Start a virtual machine, or resume a suspended one.

    Example: netweft vm start web --host sim-1
    """
    body: Tree = {"vm": {"placement_policy": {"hosts": [{"name": host}]}}} if host else {}
    run_job(client, f"vms/{resolve(client, _VM, vm)['id']}/start", body)


@click.command("migrate")
@_vm
@_host(help="Name of the host to move it to; the best one when it is not given.")
@click.option("--set-up", is_flag=True, help="First set up the networks that are missing on the host.")
@click.option("--plan", is_flag=True, help="Only show what prevents it, and which networks would be set up first.")
@output_option
@calls_engine
def migrate(client: Client, vm: str, host: str | None, set_up: bool, plan: bool, form: str) -> None:
    """Migrate a running virtual machine to another host.

    When only networks are missing on the host, the command offers to set them up first.

    Example: netweft vm migrate web --host sim-2 --plan
    """
    place = f"vms/{resolve(client, _VM, vm)['id']}"
    found = client.addition("GET", f"{place}/migration", **({"host": host} if host else {}))
    if plan:
        show_one(found, form)
        return
    if found["possible_after_setup"] and not (found["possible"] or set_up):
        set_up = _accepts(found)
    body: Tree = {"force": set_up}
    if host:
        body["host"] = {"name": host}
    run_job(client, f"{place}/migrate", body)


def _accepts(found: Tree) -> bool:
    """Offer at a terminal to set networks up first; otherwise print the option for it."""
    offer = ", ".join(f"{one['network']} on {one['nic']}" for one in found["offer"])
    if sys.stdin.isatty():
        return click.confirm(f"Host {found['host']} lacks networks. Set up first: {offer}?", err=True)
    say(f"--set-up sets up on Host {found['host']} first: {offer}.")
    return False


@click.command("placement")
@_vm
@output_option
@calls_engine
def placement(client: Client, vm: str, form: str) -> None:
    """Show the hosts that a virtual machine can run on, best first, and why it cannot run on the others.

    Example: netweft vm placement web
    """
    found = client.addition("GET", f"vms/{resolve(client, _VM, vm)['id']}/placement")
    rows = [{"host": one["name"], "fits": "yes", "total": f"{one['total']:.1f}", "why": ""} for one in found["fit"]]
    for one in found["unfit"]:
        why = " ".join(reason["text"] for reason in one["reasons"])
        rows.append({"host": one["name"], "fits": "no", "total": "", "why": why})
    if form in TABLES:
        show_many(rows, {"HOST": "host", "FITS": "fits", "TOTAL": "total", "WHY NOT": "why"}, form)
    else:
        show_one(found, form)


COMMANDS = (start, migrate, placement)
