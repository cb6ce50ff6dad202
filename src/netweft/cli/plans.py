"""``netweft plan``: what any other command would have hosts do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from netweft.cli.calls import exit_codes
from netweft.cli.fleets import file_option, plan_file, prune_option
from netweft.cli.output import TABLES, say, show_many, show_one
from netweft.cli.session import REFUSED, output_option, the_session
from netweft.client import PlannedError

STEPS = {"STEP": "step", "LOSS": "loss", "NICS": "nics", "NETWORKS": "networks", "VNICS": "vnics"}
_HOSTS = {
    "HOST": "host.name",
    "STATUS": "status",
    "STEPS": "steps",
    "LOSS": "loss",
    "VNICS": "vnics",
    "WHY": "reason",
    "WHY NOT": "problem",
}


@click.command("plan", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", metavar="[COMMAND...]", nargs=-1, type=click.UNPROCESSED)
@click.option("--steps", "with_steps", is_flag=True, help="List the steps of each host.")
@file_option
@prune_option
@click.option("--hosts", is_flag=True, help="Show the effect of each change on hosts.")
@output_option
def plan(words: tuple[str, ...], with_steps: bool, file: Path | None, prune: bool, hosts: bool, form: str) -> None:
    """Show what COMMAND would change on each host, and its effect. Nothing is changed.

    With -f FILE in the place of COMMAND: show the changes that would make the fleet match the file.

    COMMAND is checked and refused as without 'plan'. Of a command that makes several requests the first is planned.
    Options of 'plan' come before COMMAND.

    --steps is about a COMMAND; --prune and --hosts are about a FILE.

    Example: netweft plan --steps network set blue --vlan 50

    Example: netweft plan -f fleet.yaml --prune
    """
    if bool(words) == bool(file):
        raise click.UsageError("Name either a command or, with -f, a file.")
    if with_steps if file else prune or hosts:
        raise click.UsageError("--steps is about a command, --prune and --hosts are about a file.")
    if file:
        plan_file(file, prune=prune, hosts=hosts, form=form)
        return
    from netweft.cli.main import cli  # noqa: PLC0415 - which has this command

    session = the_session()
    session.planning = True
    try:
        with exit_codes():
            code = cli.main(list(words), prog_name="netweft", standalone_mode=False, obj=session)
    except PlannedError as planned:
        _show(planned.plan, session.form, with_steps=with_steps)  # COMMAND may say in which form
        return
    if code:
        raise click.exceptions.Exit(code)
    say("The command changes nothing, so there is nothing to plan.")
    raise click.exceptions.Exit(REFUSED)


def _show(request_plan: dict[str, Any], form: str, *, with_steps: bool) -> None:
    if form not in TABLES:
        show_one(request_plan, form)
        return
    plans = [(one, one["plan"] or {"steps": [], "loss": "", "vnics": []}) for one in request_plan["hosts"]]
    if with_steps and plans:
        steps = [{"host": one["host"]["name"], **step} for one, found in plans for step in found["steps"]]
        show_many(steps, {"HOST": "host", **STEPS}, form)
    elif plans:
        counted = [
            {**one, "steps": len(found["steps"]), "loss": found["loss"], "vnics": len(found["vnics"])}
            for one, found in plans
        ]
        in_waves = any(one["wave"] is not None for one in counted)
        show_many(counted, {"WAVE": "wave", **_HOSTS} if in_waves else _HOSTS, form)
    _summarize(request_plan)


def _summarize(request_plan: dict[str, Any]) -> None:
    summary = request_plan["summary"]
    say(f"{summary['changed']} of {summary['hosts']} hosts would change; worst loss: {summary['loss']}.")
    if summary["impossible"]:
        say(f"{summary['impossible']} hosts have no plan: see WHY NOT.")
    for network in summary["networks"]:
        roles = f" ({', '.join(network['roles'])})" if network["roles"] else ""
        say(f"Network {network['name']}{roles}: {network['loss']}.")
    if summary["vms"]:
        say(f"Virtual machines that lose traffic: {', '.join(summary['vms'])}.")
    for one in request_plan["hosts"]:
        if one["evacuated"]:
            say(f"Moved away from {one['host']['name']} before it changes: {', '.join(one['evacuated'])}.")
    for other in request_plan["others"]:
        say(f"Also: {other}.")
    say(f"To run it only while this plan holds: netweft --if-plan {request_plan['id']} ...")
