"""What can be done with a virtual machine beside the usual verbs."""

from __future__ import annotations

import sys

import click

from netweft.cli.hosts import run_job
from netweft.cli.nouns import noun
from netweft.cli.output import say, show_many, show_one
from netweft.cli.session import calls_engine, output_option
from netweft.cli.verbs import resolve
from netweft.client import Client
from netweft.client.tree import Tree

_VM, _PROFILE = noun("vm"), noun("profile")
_COLUMNS = {
    "NAME": "name",
    "MAC": "mac.address",
    "PLUGGED": "plugged",
    "LINKED": "linked",
    "PROFILE": "vnic_profile.name",
    "ID": "id",
}
_vm = click.argument("vm", metavar="VM")
_nic = click.argument("nic", metavar="NIC")


@click.command("start")
@_vm
@click.option("--host", help="Name of the host to start it on; any fit host when it is not given.")
@calls_engine
def start(client: Client, vm: str, host: str | None) -> None:
    """Start a virtual machine, or let a suspended one go on."""
    body: Tree = {"vm": {"placement_policy": {"hosts": [{"name": host}]}}} if host else {}
    run_job(client, f"vms/{resolve(client, _VM, vm)['id']}/start", body)


@click.command("stop")
@_vm
@calls_engine
def stop(client: Client, vm: str) -> None:
    """Stop a virtual machine at once."""
    run_job(client, f"vms/{resolve(client, _VM, vm)['id']}/stop", {})


@click.command("shutdown")
@_vm
@calls_engine
def shutdown(client: Client, vm: str) -> None:
    """Ask a virtual machine to shut down in good order."""
    run_job(client, f"vms/{resolve(client, _VM, vm)['id']}/shutdown", {})


@click.command("reboot")
@_vm
@calls_engine
def reboot(client: Client, vm: str) -> None:
    """Ask a virtual machine to start again."""
    run_job(client, f"vms/{resolve(client, _VM, vm)['id']}/reboot", {})


@click.command("suspend")
@_vm
@calls_engine
def suspend(client: Client, vm: str) -> None:
    """Save a virtual machine's memory and take it off its host; start lets it go on."""
    run_job(client, f"vms/{resolve(client, _VM, vm)['id']}/suspend", {})


@click.command("migrate")
@_vm
@click.option("--host", help="Name of the host to move it to; the best one when it is not given.")
@click.option("--set-up", is_flag=True, help="Set the networks that are missing on the host up first.")
@click.option(
    "--plan", is_flag=True, help="Only show what stands against it, and which networks would be set up first."
)
@output_option
@calls_engine
def migrate(client: Client, vm: str, host: str | None, set_up: bool, plan: bool, form: str) -> None:
    """Move a running virtual machine to another host.

    Where only networks are missing on the host, it is offered to set them up first.
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
    """Offer to set networks up first, to who can answer; others are told how to ask for it."""
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
    """Show where a virtual machine can run, best first, and why not elsewhere."""
    found = client.addition("GET", f"vms/{resolve(client, _VM, vm)['id']}/placement")
    rows = [{"host": one["name"], "fits": "yes", "total": f"{one['total']:.1f}", "why": ""} for one in found["fit"]]
    for one in found["unfit"]:
        why = " ".join(reason["text"] for reason in one["reasons"])
        rows.append({"host": one["name"], "fits": "no", "total": "", "why": why})
    if form == "table":
        show_many(rows, {"HOST": "host", "FITS": "fits", "TOTAL": "total", "WHY NOT": "why"}, form)
    else:
        show_one(found, form)


@click.group("nic")
def nic_group() -> None:
    """The vNICs of a virtual machine."""


@nic_group.command("list")
@_vm
@output_option
@calls_engine
def nic_list(client: Client, vm: str, form: str) -> None:
    """List them."""
    profiles = {profile["id"]: profile["name"] for profile in client.list("vnicprofiles")}
    nics = client.list(f"vms/{resolve(client, _VM, vm)['id']}/nics")
    for nic in nics:
        if nic.get("vnic_profile"):
            nic["vnic_profile"]["name"] = profiles.get(nic["vnic_profile"]["id"], "")
    show_many(nics, _COLUMNS, form)


@nic_group.command("add")
@_vm
@_nic
@click.option("--profile", help="Name or id of its vNIC profile; without one it is connected to nothing.")
@click.option("--mac", help="Its MAC address; from the cluster's pool when it is not given.")
@click.option(
    "--interface", help="What the machine sees: virtio, e1000 ..., or pci_passthrough for a virtual function."
)
@output_option
@calls_engine
def nic_add(
    client: Client, vm: str, nic: str, profile: str | None, mac: str | None, interface: str | None, form: str
) -> None:
    """Add one; a running machine gets it plugged in."""
    entity: Tree = {"name": nic}
    if profile:
        entity["vnic_profile"] = {"id": resolve(client, _PROFILE, profile)["id"]}
    if mac:
        entity["mac"] = {"address": mac}
    if interface:
        entity["interface"] = interface
    show_one(client.add(f"vms/{resolve(client, _VM, vm)['id']}/nics", entity), form)


@nic_group.command("remove")
@_vm
@_nic
@calls_engine
def nic_remove(client: Client, vm: str, nic: str) -> None:
    """Remove one."""
    client.remove(_nic_path(client, vm, nic))


@nic_group.command("activate")
@_vm
@_nic
@calls_engine
def nic_activate(client: Client, vm: str, nic: str) -> None:
    """Plug one in."""
    client.action(f"{_nic_path(client, vm, nic)}/activate")


@nic_group.command("deactivate")
@_vm
@_nic
@calls_engine
def nic_deactivate(client: Client, vm: str, nic: str) -> None:
    """Unplug one."""
    client.action(f"{_nic_path(client, vm, nic)}/deactivate")


COMMANDS = (start, stop, shutdown, reboot, suspend, migrate, placement, nic_group)


def _nic_path(client: Client, vm: str, nic: str) -> str:
    nics = f"vms/{resolve(client, _VM, vm)['id']}/nics"
    return f"{nics}/{client.find(nics, nic)['id']}"
