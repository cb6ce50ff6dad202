"""What every command shares: the connection's options, and errors turned into exit codes."""

from __future__ import annotations

import contextlib
import functools
import os
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import urlsplit

import click

from netweft.cli.output import FORMATS, say
from netweft.client import ApiError, Client, UnreachableError

REFUSED, NOT_FOUND, DENIED, UNREACHABLE, ROLLED_BACK = 1, 3, 4, 5, 6
"""Exit codes; 2 is click's for a wrong command line."""

_UNFILTERED = "header Filter: true"
_UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"
_HINT = "Name the engine's CA certificate with --ca or NETWEFT_CA: it is ca.pem in the engine's data folder."

NOT_FOUND_STATUS = 404
"""HTTP's, for what is not there."""
_CODE_OF_STATUS = {401: DENIED, 403: DENIED, NOT_FOUND_STATUS: NOT_FOUND}

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Session:
    """How to reach the engine, and in which form to print."""

    url: str
    user: str
    password_file: Path | None
    ca_file: Path | None
    filtered: bool = False

    def client(self) -> Client:
        """A client for one command. Raises click.UsageError when there is no password to log in with, or when URL or CA
        cannot be right.
        """
        password = os.environ.get("NETWEFT_PASSWORD", "")
        if not password and self.password_file:
            password = _read(self.password_file, "--password-file").rstrip("\r\n")
        if not password:
            raise click.UsageError(
                "No password: set NETWEFT_PASSWORD, or name a file that holds it with --password-file."
            )
        if self.ca_file:
            _read(self.ca_file, "--ca")
        try:
            return self._client(password)
        except ssl.SSLError as error:
            raise click.UsageError(f"{self.ca_file} holds no certificate in PEM form.") from error

    def anonymous(self) -> Client:
        """A client for what needs no login. Raises click.UsageError when the URL cannot be right, and ssl.SSLError when
        the CA cannot (ca.pem is being written).
        """
        return self._client("")

    def _client(self, password: str) -> Client:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise click.UsageError(f"{self.url} is not the URL of an engine, such as https://192.0.2.1:8443.")
        return Client(self.url, self.user, password, ca_file=self.ca_file, filtered=self.filtered)


def _read(path: Path, option: str) -> str:
    """Raises click.UsageError."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise click.UsageError(f"{option}: {path} cannot be read: {reason}.") from error


def calls_engine(function: Callable[Concatenate[Client, P], R]) -> Callable[P, R]:
    """Give a command a client as its first argument, and end with the exit code of what went wrong."""

    @functools.wraps(function)
    def command(*args: P.args, **kwargs: P.kwargs) -> R:
        session: Session = click.get_current_context().find_object(Session) or _no_session()
        with exit_codes(), session.client() as client:
            return function(client, *args, **kwargs)

    return command


@contextlib.contextmanager
def exit_codes() -> Iterator[None]:
    """Tell what goes wrong with an engine, and end with the exit code of that."""
    try:
        yield
    except ApiError as error:
        say(f"Error: {error}")
        if error.codes:
            say(f"Code: {error.codes}")
        if _UNFILTERED in str(error):
            say("With --filter you see what was granted to you.")
        raise click.exceptions.Exit(_CODE_OF_STATUS.get(error.status, REFUSED)) from error
    except UnreachableError as error:
        say(f"Error: {error}")
        if _UNTRUSTED in str(error):
            say(_HINT)
        raise click.exceptions.Exit(UNREACHABLE) from error


output_option = click.option(
    "-o", "--output", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="What to print."
)


def _no_session() -> Session:
    raise click.UsageError("This command is part of netweft and has to be called through it.")
