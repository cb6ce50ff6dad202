"""What can be done with a host beside the usual verbs: its networking, above all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import click

from netweft.cli import setup_file
from netweft.cli.nouns import noun
from netweft.cli.output import FORMATS, pick, say, show_many, show_one
from netweft.cli.session import REFUSED, ROLLED_BACK, calls_engine, output_option
from netweft.cli.verbs import resolve, tell_warnings
from netweft.client import ApiError, Client
from netweft.client.tree import Tree

_HOST = noun("host")
_NICS = {
    "NAME": "name",
    "STATUS": "status",
    "MAC": "mac.address",
    "MTU": "mtu",
    "VLAN": "vlan.id",
    "BASE": "base_interface",
    "IPV4": "ip.address",
    "NETWORK": "network.name",
}
_STEPS = {"STEP": "step", "LOSS": "loss", "NETWORKS": "networks", "VNICS": "vnics"}
_GROUPS = {"nics": "NIC", "networks": "network", "guest_ports": "vNIC"}
_name = click.argument("name", metavar="HOST")


@click.command("setup-networks")
@_name
@click.option(
    "-f",
    "--file",
    "file",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What to change, as YAML (see docs/setup-networks.md).",
)
@click.option(
    "--plan", is_flag=True, help="Only show the steps, what each costs and who is hurt; nothing is sent to the host."
)
@click.option(
    "--confirm-within",
    type=click.IntRange(1, 120),
    metavar="S",
    help="Seconds that the host waits for the engine before it takes the change back.",
)
@output_option
@calls_engine
def setup_networks(client: Client, name: str, file: Path, plan: bool, confirm_within: int | None, form: str) -> None:
    """Change a host's networking in one transaction.

    The host takes the change back by itself unless the engine reaches it over the new configuration. Ends with status
    6 when that happened.
    """
    host = resolve(client, _HOST, name)
    body = setup_file.read(file.read_bytes(), attachment_ids(client, host["id"]))
    if confirm_within:
        body["connectivity_timeout"] = confirm_within
    if plan:
        _show_plan(client.addition("POST", "plans", {"host": {"id": host["id"]}, "setup": body}), form)
        return
    run_job(client, f"hosts/{host['id']}/setupnetworks", body)
    _tell_uncommitted(client, host)


@click.command("commit")
@_name
@click.option("--force", is_flag=True, help="Commit also what differs from what is wanted.")
@calls_engine
def commit(client: Client, name: str, force: bool) -> None:
    """Make what runs on the host also what its boot restores.

    Refused when what runs there differs from what is wanted of it: its boots would bring that back.
    """
    path = f"hosts/{resolve(client, _HOST, name)['id']}"
    found = client.addition("GET", f"{path}/drift")
    if not found["in_sync"] and not force:
        _show_drift(found)
        say(f"Nothing is committed. 'netweft host sync {name}' puts it right; --force commits it as it is.")
        raise click.exceptions.Exit(REFUSED)
    run_job(client, f"{path}/commitnetconfig", {})
    tell_warnings(client)


@click.command("sync")
@_name
@calls_engine
def sync(client: Client, name: str) -> None:
    """Bring every network of the host that is out of sync to what is wanted."""
    run_job(client, f"hosts/{resolve(client, _HOST, name)['id']}/syncallnetworks", {})


@click.command("refresh")
@_name
@calls_engine
def refresh(client: Client, name: str) -> None:
    """Look at the host anew."""
    run_job(client, f"hosts/{resolve(client, _HOST, name)['id']}/refresh", {})


@click.command("activate")
@_name
@calls_engine
def activate(client: Client, name: str) -> None:
    """Take the host out of maintenance."""
    client.action(f"hosts/{resolve(client, _HOST, name)['id']}/activate")


@click.command("deactivate")
@_name
@calls_engine
def deactivate(client: Client, name: str) -> None:
    """Put the host into maintenance, and wait until its guests have been moved to other hosts.

    Who cannot be moved is told with the reason; the host then goes on preparing for maintenance until the last one is
    gone, or it is activated.
    """
    path = f"hosts/{resolve(client, _HOST, name)['id']}/deactivate"
    run_job(client, path, {}, nothing="No guests run there: the host is in maintenance.")


@click.command("remove")
@_name
@click.option("--missing-ok", is_flag=True, help="No error when it is not there.")
@click.option("--clean", is_flag=True, help="Take its networks off it first, but for that for its management.")
@click.option("--force", is_flag=True, help="Remove it also when it cannot be reached.")
@calls_engine
def remove(client: Client, name: str, missing_ok: bool, clean: bool, force: bool) -> None:
    """Remove a host that is in maintenance. What is on it stays there, unless it is cleaned."""
    try:
        host = resolve(client, _HOST, name)
    except ApiError as error:
        if missing_ok and error.status == HTTPStatus.NOT_FOUND:
            say(f"There is no host {name}.")
            return
        raise
    client.remove(f"hosts/{host['id']}", clean=str(clean).lower(), force=str(force).lower())
    for text in client.told("code!=30"):
        say(text)


@click.command("enroll-certificate")
@_name
@calls_engine
def enroll_certificate(client: Client, name: str) -> None:
    """Give the host new keys and certificates, while it runs on. The engine does it by itself before they expire."""
    run_job(client, f"hosts/{resolve(client, _HOST, name)['id']}/enrollcertificate", {})


@click.command("token")
@_name
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice((*FORMATS, "command")),
    default="table",
    help="What to print; 'command' is the command alone, for a file or a pipe.",
)
@calls_engine
def token(client: Client, name: str, form: str) -> None:
    """A one-time token with which the host's agent joins, and the command that does it."""
    enrollment = client.addition("POST", f"hosts/{resolve(client, _HOST, name)['id']}/enrollment", {})
    if form == "command":
        click.echo(enrollment["command"])
    else:
        show_one(enrollment, form)


@click.command("nics")
@_name
@output_option
@calls_engine
def nics(client: Client, name: str, form: str) -> None:
    """The host's NICs, bonds and VLAN devices, and which network is on each."""
    host = resolve(client, _HOST, name)
    networks = {network["id"]: network["name"] for network in client.list("networks")}
    found = client.list(f"hosts/{host['id']}/nics")
    for nic in found:
        _name_of_network(nic, networks)
    show_many(found, _NICS, form)


@click.command("functions")
@_name
@click.argument("nic", metavar="NIC")
@click.argument("count", metavar="[COUNT]", type=click.IntRange(min=0), required=False)
@click.option("--for", "served", multiple=True, metavar="NETWORK", help="Let them serve only this network, too.")
@click.option("--for-all", "for_all", is_flag=True, help="Let them serve all networks.")
@output_option
@calls_engine
def functions(
    client: Client, name: str, nic: str, count: int | None, served: tuple[str, ...], for_all: bool, form: str
) -> None:
    """Virtual functions of a NIC (SR-IOV): show or set how many there are, and which networks they may serve."""
    if served and for_all:
        raise click.UsageError("--for and --for-all exclude each other.")
    found = client.find(f"hosts/{resolve(client, _HOST, name)['id']}/nics", nic)
    path = str(found["href"]).partition("/api/")[2]
    wanted: Tree = {} if count is None else {"number_of_virtual_functions": count}
    if served or for_all:
        wanted["all_networks_allowed"] = for_all
    if wanted:
        body = {"virtual_functions_configuration": wanted}
        run_job(client, f"{path}/updatevirtualfunctionsconfiguration", body)
    allowed = {network["name"] for network in client.list(f"{path}/virtualfunctionallowednetworks")}
    for network in served:
        if network not in allowed:
            client.add(f"{path}/virtualfunctionallowednetworks", {"name": network})
    shown = dict(client.get(path).get("virtual_functions_configuration", {}))
    shown["networks"] = sorted({*allowed, *served})
    show_one(shown, form)


@click.command("attachments")
@_name
@output_option
@calls_engine
def attachments(client: Client, name: str, form: str) -> None:
    """The networks of the host, where they are, and whether they are in sync."""
    host = resolve(client, _HOST, name)
    networks = {network["id"]: network["name"] for network in client.list("networks")}
    nic_names = {nic["id"]: nic["name"] for nic in client.list(f"hosts/{host['id']}/nics")}
    found = client.list(f"hosts/{host['id']}/networkattachments")
    _tell_uncommitted(client, host)
    for item in found:
        _name_of_network(item, networks)
        item["host_nic"]["name"] = nic_names.get(item["host_nic"].get("id"), "")
        item["addresses"] = [
            a["ip"]["address"] for a in item.get("ip_address_assignments", []) if pick(a, "ip.address")
        ]
        item["differs"] = [
            f"{c['name']} is {c.get('actual_value', '-')}, not {c.get('expected_value', '-')}"
            for c in item.get("reported_configurations", [])
            if c["in_sync"] == "false"
        ]
    show_many(
        found,
        {
            "NETWORK": "network.name",
            "NIC": "host_nic.name",
            "ADDRESSES": "addresses",
            "IN SYNC": "in_sync",
            "DIFFERS": "differs",
            "ID": "id",
        },
        form,
    )


@click.command("drift")
@_name
@output_option
@calls_engine
def drift(client: Client, name: str, form: str) -> None:
    """What differs on the host from what is wanted of it. `netweft host sync` puts it right."""
    found = client.addition("GET", f"hosts/{resolve(client, _HOST, name)['id']}/drift")
    if form != "table":
        show_one(found, form)
        return
    if found["reported_at"] is None:
        say("Nobody knows: the host has not reported yet.")
    elif found["in_sync"]:
        say("Nothing differs.")
    else:
        _show_drift(found)


def _show_drift(found: Tree) -> None:
    lines = [
        {"of": f"{kind} {group['name']}".strip(), "text": one["text"]}
        for key, kind in _GROUPS.items()
        for group in found[key]
        for one in group["differences"]
    ]
    lines += [{"of": "host", "text": one["text"]} for one in found["host"]]
    show_many(lines, {"OF": "of", "DIFFERS": "text"}, "table")
    if found["obstacle"]:
        say(f"It cannot be put right as it is: {found['obstacle']}")


COMMANDS = (
    setup_networks,
    commit,
    sync,
    refresh,
    activate,
    deactivate,
    remove,
    enroll_certificate,
    token,
    nics,
    functions,
    attachments,
    drift,
)


def attachment_ids(client: Client, host_id: str) -> dict[str, str]:
    """Ids of a host's attachments by the name of their network, where the user may see that."""
    networks = {network["id"]: network["name"] for network in client.list("networks")}
    return {
        networks[item["network"]["id"]]: item["id"]
        for item in client.list(f"hosts/{host_id}/networkattachments")
        if item["network"]["id"] in networks
    }


def _tell_uncommitted(client: Client, host: Tree) -> None:
    """Say so when the host's next boot will restore something else than what runs on it now."""
    if client.get(f"hosts/{host['id']}").get("networks_committed") == "false":
        say(
            "What runs on the host is not committed: its next boot brings back what was before."
            f" To keep it: netweft host commit {host['name']}"
        )


def run_job(client: Client, path: str, body: Tree, *, nothing: str = "Nothing to do.") -> None:
    """Call an action, show its job's progress, and end with the exit code of the outcome. ``nothing``: what to say when
    there is no job.
    """
    answer = client.action(path, {**body, "async": True})
    job_id = pick(answer, "job.id")
    if not job_id:
        say(nothing)
        return
    outcome = client.follow(job_id, _watcher())
    if outcome["status"] == "finished":
        say("Done.")
        return
    say(f"Failed: {outcome['error']}")
    say(f"Code: {outcome['error_code']}")
    raise click.exceptions.Exit(ROLLED_BACK if outcome["error_code"] == "SETUP_NETWORKS_ROLLBACK" else REFUSED)


def _watcher() -> Callable[[Tree], None]:
    """Shows a job's progress: a line that changes on a terminal, a line per phase in a log."""
    is_terminal = sys.stderr.isatty()
    told = ""

    def seen(progress: Tree) -> None:
        nonlocal told
        text = _phase(progress)
        if is_terminal:
            click.echo(f"\r{text:<70}", nl=progress["status"] != "started", err=True)
        elif text.partition(",")[0] != told.partition(",")[0]:
            say(f"  {text}")
        told = text

    return seen


def _phase(progress: Tree) -> str:
    inner: dict[str, Any] = progress.get("progress") or {}
    phase = str(inner.get("phase", progress["status"])).replace("_", " ")
    left = inner.get("seconds_left")
    return phase if left is None else f"{phase}, {float(left):.0f} s to the deadline"


def _show_plan(plan: Tree, form: str) -> None:
    if form != "table":
        show_one(plan, form)
        return
    if not plan["steps"]:
        say("Nothing to do: the host is already as wanted.")
        return
    show_many(plan["steps"], _STEPS, form)
    say(f"{len(plan['steps'])} steps; worst loss: {plan['loss']}.")


def _name_of_network(entity: Tree, networks: dict[str, str]) -> None:
    if pick(entity, "network.id"):
        entity["network"]["name"] = networks.get(entity["network"]["id"], "")
