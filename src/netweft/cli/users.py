"""What can be done with a user beside the usual verbs. A password comes from a prompt or a file, never from the command
line, which every process of the machine can read.
"""

from __future__ import annotations

import sys
from typing import TextIO

import click

from netweft.cli.calls import calls_engine
from netweft.cli.completion import named
from netweft.cli.lookup import resolve
from netweft.cli.nouns import noun
from netweft.cli.output import say, show_facts
from netweft.cli.session import output_option
from netweft.client import Client

_USER = noun("user")
_password_file = click.option(
    "--new-password-file",
    "password_file",
    type=click.File(),
    help="File with the user's password, - for standard input; without it, a prompt reads the password.",
)


@click.command("add")
@click.argument("name", metavar="NAME")
@click.option("--first-name", default="", help="Given name.")
@click.option("--last-name", default="", help="Family name.")
@click.option("--email", default="", help="Address for mail.")
@_password_file
@output_option
@calls_engine
def add(
    client: Client, name: str, first_name: str, last_name: str, email: str, password_file: TextIO | None, form: str
) -> None:
    """Add a user. 'netweft permission grant' grants it roles.

    Example: netweft user add ann --new-password-file ann-password
    """
    entity = {
        "user_name": name if "@" in name else name + _USER.suffix,
        "name": first_name,
        "last_name": last_name,
        "email": email,
        "password": _new_password(password_file),
    }
    added = client.add("users", {key: value for key, value in entity.items() if value or key == "password"})
    show_facts(added, _USER.columns, form, _USER.wide)


@click.command("set-password")
@named("user", "name")
@_password_file
@calls_engine
def set_password(client: Client, name: str, password_file: TextIO | None) -> None:
    """Set a user's password. Log-ins with the old one end.

    Example: netweft user set-password ann --new-password-file ann-password
    """
    client.set_password(resolve(client, _USER, name), _new_password(password_file))
    say("The password is changed.")


COMMANDS = (add, set_password)


def _new_password(file: TextIO | None) -> str:
    """Raises click.UsageError without a terminal."""
    if file is not None:
        try:
            return file.read().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise click.UsageError("--new-password-file cannot be read: it is no text.") from error
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to read the password from: name a file with --new-password-file.")
    return str(click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True))
