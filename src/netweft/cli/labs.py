"""``netweft lab``: a data centre of network namespaces on this machine."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from netweft import lab as labs
from netweft.cli.calls import calls_engine
from netweft.cli.completion import completes
from netweft.cli.lookup import resolve
from netweft.cli.nouns import noun
from netweft.cli.output import say, show_many
from netweft.cli.session import REFUSED, output_option
from netweft.client import ApiError, Client

P = ParamSpec("P")
R = TypeVar("R")

_HOST = noun("host")
_FOLDER = Path("var/lab")
_folder = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=_FOLDER,
    show_default=True,
    help="Folder for the lab's files.",
)


def _of_lab(
    find: Callable[[labs.Lab, click.Context], Iterable[str]],
) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """The shell completion of what ``find`` returns; empty where there is no lab."""

    def complete(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
        try:
            found = find(labs.Lab.load(Path(context.params.get("folder") or _FOLDER)), context)
        except (labs.LabError, LookupError):
            return []
        return sorted(one for one in found if one.startswith(begun))

    return complete


_host = click.argument("host", metavar="HOST", shell_complete=_of_lab(lambda lab, _: lab.hosts))
_nic = click.argument("nic", shell_complete=_of_lab(lambda lab, context: lab.hosts[context.params["host"]].ports))


def _with_lab_errors(function: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(function)
    def command(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except labs.LabError as error:
            say(f"Error: {error}")
            raise click.exceptions.Exit(REFUSED) from error

    return command


@click.group("lab")
def lab() -> None:
    """A data centre on this machine: hosts in network namespaces, cables, a switch. Needs root."""


@lab.command("up")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_folder
@_with_lab_errors
def up(file: Path, folder: Path) -> None:
    """Build the lab of FILE (docs/lab.md): hosts, cables, the switch, this machine's place in the management network,
    and the programs that run beside them.

    The hosts' agents join an engine with 'netweft lab join'.

    Example: netweft lab up examples/lab.yaml
    """
    built = labs.up(file, folder)
    there = [f"{name} ({host.address})" for name, host in built.hosts.items()]
    say(f"Lab {built.name} is up: {', '.join([*there, *built.programs])}.")


@lab.command("join")
@_folder
@click.option(
    "--cluster",
    default="Default",
    show_default=True,
    help="The cluster that the hosts become part of.",
    shell_complete=completes("cluster"),
)
@_with_lab_errors
@calls_engine
def join(client: Client, folder: Path, cluster: str) -> None:
    """Add the lab's hosts to the engine and start their agents.

    The engine must listen on the lab's management network.

    Example: netweft lab join
    """
    built = labs.Lab.load(folder)
    for name, host in built.hosts.items():
        say(f"Host {name} joins.")
        built.start_agent(name, join_of(client, add_host(client, name, host.address, cluster)))


@lab.command("down")
@_folder
@_with_lab_errors
def down(folder: Path) -> None:
    """Remove the lab from this machine; its logs stay.

    Example: netweft lab down
    """
    labs.down(folder)


@lab.command("hosts")
@_folder
@output_option
@_with_lab_errors
def hosts(folder: Path, form: str) -> None:
    """List the lab's hosts.

    Example: netweft lab hosts
    """
    found = [
        {"name": host.name, "address": host.address, "namespace": host.namespace, "nics": list(host.ports)}
        for host in labs.Lab.load(folder).hosts.values()
    ]
    columns = {"NAME": "name", "ADDRESS": "address", "NAMESPACE": "namespace", "NICS": "nics"}
    show_many(found, columns, form)


@lab.command("cut")
@_host
@_nic
@_folder
@_with_lab_errors
def cut(host: str, nic: str, folder: Path) -> None:
    """Cut the link of a host's NIC.

    Example: netweft lab cut rack1 eth1
    """
    labs.Lab.load(folder).cut(host, nic)


@lab.command("mend")
@_host
@_nic
@_folder
@_with_lab_errors
def mend(host: str, nic: str, folder: Path) -> None:
    """Restore the link of a host's NIC.

    Example: netweft lab mend rack1 eth1
    """
    labs.Lab.load(folder).mend(host, nic)


@lab.command("exec", context_settings={"ignore_unknown_options": True})
@_host
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@_folder
@_with_lab_errors
def exec_(host: str, command: tuple[str, ...], folder: Path) -> None:
    """Run a program on a host, and exit with its status.

    Example: netweft lab exec rack1 ip address
    """
    done = labs.Lab.load(folder).run(host, *command)
    click.echo(done.stdout, nl=False)
    click.echo(done.stderr, nl=False, err=True)
    raise click.exceptions.Exit(done.returncode)


def add_host(client: Client, name: str, address: str, cluster: str) -> str:
    """The id of the engine's host of that name, added when it is not there."""
    try:
        return str(resolve(client, _HOST, name)["id"])
    except ApiError as error:
        if error.status != 404:  # noqa: PLR2004 (HTTP's)
            raise
    return str(client.add("hosts", {"name": name, "address": address, "cluster": {"name": cluster}})["id"])


def join_of(client: Client, host_id: str) -> labs.Join:
    """How the agent of that host joins the client's engine."""
    enrollment = client.addition("POST", f"hosts/{host_id}/enrollment", {})
    return labs.Join(
        url=client.url, fingerprint=enrollment["fingerprint"], token=lambda _name, _address: enrollment["token"]
    )
