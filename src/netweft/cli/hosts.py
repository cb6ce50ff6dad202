"""Verbs of hosts beside the usual ones, mainly for their networking."""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_interface
from pathlib import Path

import click

from netweft.cli import host_deployments, host_drifts, host_history, overview, setup_file
from netweft.cli.calls import calls_engine
from netweft.cli.completion import completes, named
from netweft.cli.host_drifts import commit_host
from netweft.cli.host_history import warn_if_uncommitted
from netweft.cli.job_progress import run_job
from netweft.cli.lookup import path_of, resolve
from netweft.cli.noun_types import Whole
from netweft.cli.nouns import noun
from netweft.cli.output import FORMATS, TABLES, pick, say, show_many, show_one
from netweft.cli.plans import STEPS
from netweft.cli.selection import Selection, unsearched
from netweft.cli.session import output_option, the_session
from netweft.cli.verbs import confirm_removal, missing_ok_option, yes_option
from netweft.client import ApiError, Client
from netweft.client.scalars import typed
from netweft.client.tree import Tree, Trees

_HOST = noun("host")
_NICS = {
    "NAME": "name",
    "STATUS": "status",
    "MTU": "mtu",
    "ADDRESS": "addresses",
    "NETWORK": "network.name",
    "BOND": "bond",
}
_NICS_WIDE = {
    "NEIGHBOUR": "neighbour",
    "MAC": "mac.address",
    "VLAN": "vlan.id",
    "BASE": "base_interface",
    "SPEED (BIT/S)": "speed",
    "ID": "id",
}
_ATTACHMENTS = {
    "NETWORK": "network.name",
    "VLAN": "vlan",
    "NIC": "host_nic.name",
    "ADDRESSES": "with_prefixes",
    "IN SYNC": "in_sync",
    "DIFFERS": "differs",
}
_name = named("host", "name")


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
    "--plan",
    is_flag=True,
    help="Only show the steps, their loss and the affected networks and vNICs; nothing is sent to the host.",
)
@click.option(
    "--confirm-within",
    type=Whole(1, 120),
    metavar="S",
    help="Seconds that the host waits for the engine before it rolls the change back.",
)
@output_option
@calls_engine
def setup_networks(client: Client, name: str, file: Path, plan: bool, confirm_within: int | None, form: str) -> None:
    """Change a host's networking in one transaction.

    The host rolls the change back by itself unless the engine reaches it over the new configuration. The exit status is
    then 6.

    Example: netweft host setup-networks sim-1 -f setup.yaml --plan
    """
    host = resolve(client, _HOST, name)
    the_session().by_file = True
    body = setup_file.read(file.read_bytes(), attachment_ids(client, host["id"]), commits=the_session().commits)
    if confirm_within:
        body["connectivity_timeout"] = confirm_within
    if plan:
        _show_plan(client.addition("POST", "plans", {"host": {"id": host["id"]}, "setup": body}), form)
        return
    run_job(client, f"hosts/{host['id']}/setupnetworks", body)
    warn_if_uncommitted(client, host)


@click.command("commit")
@_name
@click.option("--force", is_flag=True, help="Commit although the host differs from its configuration.")
@calls_engine
def commit(client: Client, name: str, force: bool) -> None:
    """Commit the running network configuration, so that the host restores it when it boots.

    Refused when the host differs from its configuration, because its next boot would restore the difference.

    Example: netweft host commit sim-1
    """
    commit_host(client, resolve(client, _HOST, name), force=force)


@click.command("copy-networks")
@_name
@click.argument("source", metavar="SOURCE", shell_complete=completes("host"))
@calls_engine
def copy_networks(client: Client, name: str, source: str) -> None:
    """Copy networks and bonds from the host SOURCE of the same cluster to a host, and commit them.

    NICs correspond by the order of their names. All other networks and bonds of the host are removed, and all its
    labels. The networks' static addresses are not copied.

    Example: netweft host copy-networks sim-2 sim-1
    """
    path = f"{path_of(resolve(client, _HOST, name))}/copyhostnetworks"
    run_job(client, path, {"source_host": {"id": resolve(client, _HOST, source)["id"]}})


@click.command("deactivate")
@_name
@calls_engine
def deactivate(client: Client, name: str) -> None:
    """Put the host into maintenance, and wait until its guests have been migrated to other hosts.

    Guests that cannot be migrated are listed with the reason. The host stays in preparation for maintenance until the
    last guest has left it, or it is activated.

    Example: netweft host deactivate sim-1
    """
    path = f"hosts/{resolve(client, _HOST, name)['id']}/deactivate"
    run_job(client, path, {}, nothing="No guests run there: the host is in maintenance.")


@click.command("remove")
@_name
@missing_ok_option
@yes_option
@click.option("--clean", is_flag=True, help="Remove its networks from it first, except the management network.")
@click.option("--force", is_flag=True, help="Remove it also when it cannot be reached.")
@calls_engine
def remove(client: Client, name: str, missing_ok: bool, yes: bool, clean: bool, force: bool) -> None:
    """Remove a host that is in maintenance. Its networks stay on it without --clean.

    Example: netweft host remove sim-1 --clean
    """
    try:
        host = resolve(client, _HOST, name)
    except ApiError as error:
        if missing_ok and error.status == HTTPStatus.NOT_FOUND:
            say(f"There is no host {name}.")
            return
        raise
    confirm_removal(f"host {name}", yes=yes)
    client.remove(f"hosts/{host['id']}", clean=str(clean).lower(), force=str(force).lower())
    for text in client.event_texts("code!=30"):
        say(text)


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
    """Create a one-time token for a host's agent to join, and show the command that joins it.

    Example: netweft host token rack1 -o command
    """
    enrollment = client.addition("POST", f"hosts/{resolve(client, _HOST, name)['id']}/enrollment", {})
    if form == "command":
        click.echo(enrollment["command"])
    else:
        show_one(enrollment, form)


@click.command("nics")
@_name
@unsearched("the NICs of a host", _NICS)
@output_option
@calls_engine
def nics(client: Client, name: str, selection: Selection, form: str) -> None:
    """List the NICs, bonds and VLAN devices of a host, and which network is on each.

    BOND is a bond's mode and members, or a member's bond. NEIGHBOUR (-o wide) is the switch port that a NIC is cabled
    to, as announced by LLDP; JSON and YAML have all that is announced.

    Example: netweft host nics sim-1 -o wide
    """
    host = resolve(client, _HOST, name)
    networks = {network["id"]: network["name"] for network in client.list("networks")}
    found = client.list(f"hosts/{host['id']}/nics")
    names = {nic["id"]: nic["name"] for nic in found}
    bond_of = {slave["id"]: nic["name"] for nic in found for slave in _slaves(nic)}
    for nic in found:
        _name_of_network(nic, networks)
        nic["addresses"] = [one for ip in ("ip", "ipv6") if (one := _with_prefix(nic.get(ip, {})))]
        nic["address"] = next(iter(nic["addresses"]), "")
        nic["bond"] = _mode_and_members(nic, names) if "bonding" in nic else bond_of.get(nic["id"], "")
    if form != "table":
        _print_neighbours(client, host, found, form)
    show_many(selection.arrange(found, _NICS), _NICS, form, _NICS_WIDE)


def _print_neighbours(client: Client, host: Tree, nics: Trees, form: str) -> None:
    reply = client.addition("GET", f"hosts/{host['id']}/neighbours")
    for nic in nics:
        nic["neighbours"] = [one for one in reply["neighbours"] if one["nic"] == nic["name"]]
        nic["neighbour"] = " and ".join(one["text"] for one in nic["neighbours"])
    if form == "wide" and not reply["lldp"]:
        say("Neighbours are unknown: lldpd does not answer on this host.")


def _slaves(nic: Tree) -> Trees:
    return list(nic.get("bonding", {}).get("slaves", []))


def _mode_and_members(nic: Tree, names: dict[str, str]) -> str:
    """Such as ``active-backup: eth2, eth3``; ``names``: of the host's NICs by id."""
    options = nic["bonding"].get("options", [])
    mode = next((one.get("type") or f"mode {one['value']}" for one in options if one["name"] == "mode"), "bond")
    members = sorted(str(slave.get("name") or names.get(slave["id"], "")) for slave in _slaves(nic))
    return f"{mode.removeprefix('Mode ')}: {', '.join(members)}"


def _with_prefix(ip: Tree) -> str:
    """An address as ``192.0.2.11/24``; ``""`` for none."""
    address, mask = ip.get("address", ""), ip.get("netmask", "")
    return str(ip_interface(f"{address}/{mask}")) if address and mask else str(address)


@click.command("functions")
@named("host")
@named("host nic")
@click.argument("count", metavar="[COUNT]", type=Whole(min=0), required=False)
@click.option(
    "--for",
    "served",
    multiple=True,
    metavar="NETWORK",
    help="Allow this network; may be repeated.",
    shell_complete=completes("network"),
)
@click.option("--for-all", "for_all", is_flag=True, help="Allow all networks.")
@output_option
@calls_engine
def functions(
    client: Client, host: str, nic: str, count: int | None, served: tuple[str, ...], for_all: bool, form: str
) -> None:
    """Show or set how many virtual functions a NIC has (SR-IOV), and which networks they may serve.

    Example: netweft host functions sim-2 eth3 8 --for storage
    """
    if served and for_all:
        raise click.UsageError("--for and --for-all exclude each other.")
    found = resolve(client, noun("host nic"), nic, (host,))
    networks = _networks_at(client, host, served)
    path = path_of(found)
    allowed_path = f"{path}/virtualfunctionallowednetworks"
    wanted: Tree = {} if count is None else {"number_of_virtual_functions": count}
    if served or for_all:
        wanted["all_networks_allowed"] = for_all
    allowed = {network["id"] for network in client.list(allowed_path)}
    added = [network_id for network_id in networks if network_id not in allowed]
    if wanted:
        before = typed(found.get("virtual_functions_configuration", {}))
        is_changed = added or any(before.get(key) != value for key, value in wanted.items())
        body = {"virtual_functions_configuration": wanted}
        nothing = "Done." if is_changed else "Nothing to do."
        run_job(client, f"{path}/updatevirtualfunctionsconfiguration", body, nothing=nothing)
    for network_id in added:
        client.add(allowed_path, {"id": network_id})
    configuration = dict(client.get(path).get("virtual_functions_configuration", {}))
    if not configuration:
        say(f"NIC {nic} has no virtual functions: it does not support SR-IOV.")
        if form in TABLES:
            return
    show_one({**configuration, "networks": sorted(network["name"] for network in client.list(allowed_path))}, form)


def _networks_at(client: Client, host: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of networks in the data centre of a host, each once. Raises ApiError(404), AmbiguousError."""
    if not names:
        return ()
    cluster = client.get(f"clusters/{resolve(client, _HOST, host)['cluster']['id']}")
    place = {"data_center.id": pick(cluster, "data_center.id")}
    where = f"in the data centre of host {host}"
    found = [resolve(client, noun("network"), one, matching=place, where=where) for one in names]
    return tuple(dict.fromkeys(one["id"] for one in found))


def _differing(properties: Trees) -> list[str]:
    """The differences of an attachment, as short texts."""
    wrong = [one for one in properties if one["in_sync"] == "false"]
    if any(one["name"] == "bridged" and "actual_value" not in one for one in wrong):
        return ["not on this host"]
    return [f"{c['name']} is {c.get('actual_value', 'none')}, not {c.get('expected_value', 'none')}" for c in wrong]


@click.command("attachments")
@_name
@unsearched("the attachments of a host", _ATTACHMENTS)
@output_option
@calls_engine
def attachments(client: Client, name: str, selection: Selection, form: str) -> None:
    """List the networks of a host, where they are, and whether they are in sync.

    Example: netweft host attachments sim-1
    """
    host = resolve(client, _HOST, name)
    networks = {network["id"]: network for network in client.list("networks")}
    nic_names = {nic["id"]: nic["name"] for nic in client.list(f"hosts/{host['id']}/nics")}
    found = client.list(f"hosts/{host['id']}/networkattachments")
    warn_if_uncommitted(client, host)
    for item in found:
        network = networks.get(item["network"]["id"], {})
        item["network"]["name"] = network.get("name", "")
        vlan = pick(network, "vlan.id")
        item["vlan"] = int(vlan) if vlan else None
        item["host_nic"]["name"] = nic_names.get(item["host_nic"].get("id"), "")
        assigned = [a["ip"] for a in item.get("ip_address_assignments", []) if pick(a, "ip.address")]
        item["addresses"] = [ip["address"] for ip in assigned]
        item["with_prefixes"] = [_with_prefix(ip) for ip in assigned]
        item["differs"] = _differing(item.get("reported_configurations", []))
    found.sort(key=lambda item: (item["host_nic"]["name"], item["network"]["name"]))
    show_many(selection.arrange(found, _ATTACHMENTS), _ATTACHMENTS, form, {"ID": "id"})


COMMANDS = (
    setup_networks,
    commit,
    copy_networks,
    deactivate,
    remove,
    token,
    nics,
    functions,
    attachments,
    *host_deployments.COMMANDS,
    *host_drifts.COMMANDS,
    *host_history.COMMANDS,
    *overview.COMMANDS,
)


def attachment_ids(client: Client, host_id: str) -> dict[str, str]:
    """Ids of a host's attachments by the name of their network, where the user may see that."""
    networks = {network["id"]: network["name"] for network in client.list("networks")}
    return {
        networks[item["network"]["id"]]: item["id"]
        for item in client.list(f"hosts/{host_id}/networkattachments")
        if item["network"]["id"] in networks
    }


def _show_plan(plan: Tree, form: str) -> None:
    if form not in TABLES:
        show_one(plan, form)
        return
    if not plan["steps"]:
        say("Nothing to do: the host is already as configured.")
        return
    show_many(plan["steps"], STEPS, form)
    say(f"{len(plan['steps'])} steps; worst loss: {plan['loss']}.")


def _name_of_network(entity: Tree, networks: dict[str, str]) -> None:
    if pick(entity, "network.id"):
        entity["network"]["name"] = networks.get(entity["network"]["id"], "")
