"""``netweft logout``: the login that commands share ends."""

from __future__ import annotations

import click

from netweft.cli.calls import exit_codes
from netweft.cli.output import say
from netweft.cli.session import the_session


@click.command("logout")
def logout() -> None:
    """Log out: end the login that commands share, here and at the engine.

    Without a password only the local file is removed; nobody can use it without the password.

    Example: netweft logout
    """
    session = the_session()
    if session.planning:
        raise click.UsageError("A logout cannot be planned.")
    password = session.password()
    if password:
        with exit_codes(), session.client() as client:
            was_kept = client.logout()
    else:
        kept = session.kept_token("")
        was_kept = kept is not None and kept.forget()
    say(f"{session.user} is logged out of {session.url}." if was_kept else "No login is kept.")
