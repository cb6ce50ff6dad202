"""Drift of hosts, and what can be done about it beside synchronizing them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from netweft.cli.calls import calls_engine
from netweft.cli.completion import named, offers
from netweft.cli.host_history import warn_if_uncommitted
from netweft.cli.job_progress import run_job
from netweft.cli.lookup import resolve
from netweft.cli.nouns import noun
from netweft.cli.output import TABLES, say, show_many, show_one
from netweft.cli.session import REFUSED, output_option
from netweft.client import Client
from netweft.client.tree import Tree

_HOST = noun("host")
_GROUPS = {"nics": "NIC", "networks": "network", "guest_ports": "vNIC"}
_COLUMNS = {"OF": "of", "DIFFERS": "text"}
_IGNORED = {**_COLUMNS, "IGNORED BY": "ignored.user", "UNTIL": "until", "WHY": "ignored.reason"}
_WIDE = {"WHAT": "what", "SINCE": "since"}
_FOREIGN = {
    "NAME": "name",
    "NIC": "nic",
    "VLAN": "vlan",
    "MTU": "mtu",
    "ADDRESSES": "addresses",
    "NETWORK": "network.name",
    "NEEDS": "needs",
    "PROBLEM": "problem",
}
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_name = named("host", "name")


def _what(
    find: Callable[[Client, str], Iterable[str]], metavar: str = "[WHAT]..."
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the argument for parts of a host, which ``find`` lists for the shell's completion."""
    completion = offers(lambda client, context, _: find(client, context.params["name"]))
    return click.argument("what", metavar=metavar, nargs=-1, shell_complete=completion)


def _drift(client: Client, host_id: str) -> Tree:
    found: Tree = client.addition("GET", f"hosts/{host_id}/drift")
    return found


def _holders(client: Client, host: str) -> set[str]:
    """Names of networks, NICs and bonds that differ on a host."""
    return _names_in(_drift(client, resolve(client, _HOST, host)["id"]))


def _differing(client: Client, host: str) -> set[str]:
    """The same, and their fields that differ."""
    found = _drift(client, resolve(client, _HOST, host)["id"])
    return _names_in(found) | {line["what"] for line in _lines(found)}


def _names_in(found: Tree) -> set[str]:
    return {group["name"] for key in ("nics", "networks") for group in found[key]}


def _foreign(client: Client, host: str) -> list[str]:
    """Names of what others have made on a host."""
    found = client.addition("GET", f"hosts/{resolve(client, _HOST, host)['id']}/unmanagednetworks")
    return [one["name"] for one in found]


class _Until(click.ParamType[datetime]):
    """A time, or how long from now."""

    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """As UTC; a time without a zone is one of here."""
        number, unit = value[:-1], _UNITS.get(value[-1:])
        try:
            if unit and number.isascii() and number.isdigit():
                return datetime.now(UTC) + timedelta(**{unit: int(number)})
            return datetime.fromisoformat(value).astimezone(UTC)
        except OverflowError:
            self.fail(f"'{value}' is later than any date.", param, ctx)
        except ValueError:
            self.fail(f"'{value}' is neither a time (2026-12-01T06:00) nor a duration (30m, 12h, 7d).", param, ctx)


@click.command("drift")
@_name
@output_option
@calls_engine
def drift(client: Client, name: str, form: str) -> None:
    """Show where a host differs from its configuration. `netweft host sync` synchronizes it, `netweft host adopt`
    adopts the host's state into its configuration, `netweft host ignore` ignores it for a time.

    Example: netweft host drift sim-1 -o wide
    """
    found = _drift(client, resolve(client, _HOST, name)["id"])
    if form not in TABLES:
        show_one(found, form)
    elif found["reported_at"] is None:
        say("Unknown: the host has not reported yet.")
    elif not _lines(found) and found["in_sync"]:
        say("The host matches its configuration.")
    else:
        show_drift(found, form)


def _lines(found: Tree) -> list[Tree]:
    lines = [
        {"of": f"{kind} {group['name']}".strip(), **one}
        for key, kind in _GROUPS.items()
        for group in found[key]
        for one in group["differences"]
    ]
    lines += [{"of": "host", **one} for one in found["host"]]
    for line in lines:
        if line["ignored"]:
            line["until"] = line["ignored"]["until"] or "it changes"
    return lines


def commit_host(client: Client, host: Tree, *, force: bool = False) -> None:
    """Commit what runs on a host; one that is out of sync only with ``force``. Raises click.exceptions.Exit."""
    found = _drift(client, host["id"])
    if not found["in_sync"] and not force:
        show_drift(found)
        say(f"Nothing is committed. 'netweft host sync {host['name']}' synchronizes it;")
        say("'netweft host commit --force' commits its present state.")
        raise click.exceptions.Exit(REFUSED)
    run_job(client, f"hosts/{host['id']}/commitnetconfig", {})


def show_drift(found: Tree, form: str = "table") -> None:
    """What differs, and what of it is ignored."""
    lines = _lines(found)
    counted = [line for line in lines if not line["ignored"]]
    ignored = [line for line in lines if line["ignored"]]
    if counted:
        show_many(counted, _COLUMNS, form, _WIDE)
    if ignored:
        show_many(ignored, _IGNORED, form, _WIDE)
    if found["obstacle"]:
        say(f"It cannot be synchronized: {found['obstacle']}")


@click.command("ignore")
@_name
@_what(_differing)
@click.option(
    "--until", type=_Until(), metavar="T", help="A time such as 2026-12-01T06:00, or a duration: 30m, 12h, 7d."
)
@click.option("--reason", default="", help="The reason, shown to other users.")
@click.option("--end", is_flag=True, help="Stop ignoring it.")
@calls_engine
def ignore(client: Client, name: str, what: tuple[str, ...], until: datetime | None, reason: str, *, end: bool) -> None:
    """Ignore differences of a host until a time, or until they change: they no longer count as out of sync.

    WHAT is the name of a network, NIC or bond, a field of one (eth1.mtu; `netweft host drift -o wide` lists them) or a
    whole line of `netweft host drift`; without it, all differences. Every setup of the host still corrects ignored
    differences.

    Example: netweft host ignore sim-1 eth1.mtu --until 12h --reason "cable test"
    """
    path = f"hosts/{resolve(client, _HOST, name)['id']}/drift"
    if end:
        client.addition("POST", f"{path}/count", {"differences": list(what)})
        say("No longer ignored.")
        return
    body = {"differences": list(what), "until": until.isoformat() if until else None, "reason": reason}
    found = client.addition("POST", f"{path}/ignore", body)
    show_drift(found)


@click.command("adopt")
@_name
@_what(_holders)
@calls_engine
def adopt(client: Client, name: str, what: tuple[str, ...]) -> None:
    """Adopt a host's state into its configuration: addresses, gateways, resolvers and options of networks, their NICs,
    and NICs and options of bonds. What no attachment or bond can express is refused by name.

    WHAT is the name of a network, NIC or bond; without it, all differences. Other differences are synchronized. To see
    the plan: netweft plan host adopt ...

    Example: netweft host adopt sim-1 storage
    """
    host = resolve(client, _HOST, name)
    result = client.addition("POST", f"hosts/{host['id']}/drift/adopt", {"names": list(what)})
    say("Done." if result["changed"] else "Nothing to do: the host matches its configuration.")
    if result["changed"]:
        warn_if_uncommitted(client, host)


@click.command("adopt-unmanaged")
@_name
@_what(_foreign, "[NAME[=NETWORK]]...")
@click.option("--plan", is_flag=True, help="Only show which networks could be created.")
@output_option
@calls_engine
def adopt_unmanaged(client: Client, name: str, what: tuple[str, ...], form: str, *, plan: bool) -> None:
    """Adopt foreign bridges, VLAN devices, bonds and Open vSwitch ports of a host as networks. They keep their names
    and addresses, and no packet is lost; what cannot be adopted is refused by name.

    NAME is a bridge, VLAN device or port, NETWORK the network of the host's cluster that it becomes (default: the one
    that matches); without NAME, everything that matches a network.

    Example: netweft host adopt-unmanaged sim-1 br10=storage
    """
    host = resolve(client, _HOST, name)
    path = f"hosts/{host['id']}/unmanagednetworks"
    if plan:
        found = client.addition("GET", path)
        show_many([{**one, "needs": _needs(one)} for one in found], _FOREIGN, form)
        return
    pairs = [one.partition("=") for one in what]
    networks = [{"name": own, "network": network or None} for own, _, network in pairs]
    result = client.addition("POST", f"{path}/adopt", {"networks": networks})
    say("Done." if result["changed"] else "Nothing to do: no foreign configuration on the host matches a network.")


def _needs(one: Tree) -> str:
    """What a network must have to be it, where none is there."""
    if one["network"] or one["problem"]:
        return ""
    vlan = f" --vlan {one['vlan']}" if one["vlan"] is not None else ""
    return f"netweft network add {one['name']}{vlan}"


COMMANDS = (adopt, adopt_unmanaged, drift, ignore)
