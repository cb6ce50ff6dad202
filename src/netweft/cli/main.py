"""``netweft``: nouns, then verbs.

Exit codes: 0 done, 1 refused, 2 wrong command line, 3 no such thing, 4 not allowed, 5 the engine cannot be reached, 6
the host took a change back.
"""

from __future__ import annotations

from pathlib import Path

import click

from netweft.cli import clusters, events, hosts, users, vms
from netweft.cli.nouns import NOUNS
from netweft.cli.permissions import permission
from netweft.cli.session import Session
from netweft.cli.verbs import group_of
from netweft.cli.waiting import wait

_PATH = click.Path(path_type=Path, dir_okay=False)
_EXTRA = {
    "cluster": clusters.COMMANDS,
    "host": hosts.COMMANDS,
    "vm": vms.COMMANDS,
    "event": events.COMMANDS,
    "user": users.COMMANDS,
}


_EPILOG = """The password is read from NETWEFT_PASSWORD or from --password-file.

Completion: eval "$(_NETWEFT_COMPLETE=bash_source netweft)"
"""


class _Program(click.Group):
    """The program; what only ``lab`` needs is loaded for it alone, since it takes as long as all the rest."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), "lab"})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "lab" and cmd_name not in self.commands:
            from netweft.cli.labs import lab  # noqa: PLC0415 - see above

            self.add_command(lab)
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Program, epilog=_EPILOG)
@click.option(
    "--url", envvar="NETWEFT_URL", default="https://127.0.0.1:8443", show_default=True, help="The engine. [NETWEFT_URL]"
)
@click.option(
    "--user", envvar="NETWEFT_USER", default="admin@internal", show_default=True, help="Who logs in. [NETWEFT_USER]"
)
@click.option(
    "--password-file",
    envvar="NETWEFT_PASSWORD_FILE",
    type=_PATH,
    help="File with the password. [NETWEFT_PASSWORD_FILE]",
)
@click.option("--ca", "ca_file", envvar="NETWEFT_CA", type=_PATH, help="The engine's CA certificate. [NETWEFT_CA]")
@click.option(
    "--filter",
    "filtered",
    is_flag=True,
    envvar="NETWEFT_FILTER",
    help="See only what you have permissions on; users who are no administrators need it. [NETWEFT_FILTER]",
)
@click.version_option(package_name="netweft")
@click.pass_context
def cli(
    context: click.Context, url: str, user: str, password_file: Path | None, ca_file: Path | None, filtered: bool
) -> None:
    """Manage the logical networks of a fleet of KVM hosts.

    Besides the nouns below: 'netweft serve' starts an engine, 'netweft agent' the agent of a host; 'netweft backup' and
    'netweft restore' are for an engine's state.
    """
    context.obj = Session(url, user, password_file, ca_file, filtered)


for _noun in NOUNS:
    _group = group_of(_noun)
    for _command in _EXTRA.get(_noun.name, ()):
        _group.add_command(_command)
    cli.add_command(_group)
cli.add_command(permission)
cli.add_command(wait)
