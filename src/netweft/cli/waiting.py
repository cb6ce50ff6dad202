"""``netweft wait``: for scripts, between starting an engine and using it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

import click

from netweft.cli.calls import exit_codes
from netweft.cli.completion import completes
from netweft.cli.lookup import resolve
from netweft.cli.nouns import noun
from netweft.cli.output import say
from netweft.cli.session import NOT_FOUND_STATUS, REFUSED, UNREACHABLE, Session, the_session
from netweft.client import ApiError, CertificateFileError, Client, UnreachableError

_HOST = noun("host")
_PAUSE = 0.2
_UP = "up"


def _finite(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    """Refuse ``nan``, which no moment is later than, and ``inf``."""
    if not math.isfinite(value):
        raise click.BadParameter("give a number of seconds.")
    return value


@click.command("wait")
@click.argument("hosts", metavar="[HOST]...", nargs=-1, shell_complete=completes("host"))
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    callback=_finite,
    default=60,
    show_default=True,
    metavar="S",
    help="Timeout in seconds.",
)
def wait(hosts: Sequence[str], timeout: float) -> None:
    """Wait until the engine answers, and then until these hosts are up; print what is missing.

    The files of --ca and --password-file need not be there yet: an engine that starts for the first time writes them.
    Without HOST no password is needed. Ends with status 5 when the engine does not answer in time, and 1 when a host is
    not up.

    Example: netweft wait sim-1 --timeout 120
    """
    session, patience = the_session(), _Patience(time.monotonic() + timeout)
    patience.until(partial(_engine, session), UNREACHABLE)
    for host in hosts:
        with exit_codes():
            patience.until(partial(_host, session, host), REFUSED)


class _Patience:
    """Polls until a deadline (of the monotonic clock, in seconds)."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def until(self, missing: Callable[[], str], status: int) -> None:
        """Wait until ``missing`` returns nothing; print each of its texts once. Ends the program with ``status``."""
        last_text = ""
        while what := missing():
            if what != last_text:
                say(f"Waiting: {what}")
            last_text = what
            if time.monotonic() >= self._deadline:
                _give_up(what, status)
            time.sleep(_PAUSE)


def _give_up(what: str, status: int) -> NoReturn:
    say(f"Error: {what}")
    raise click.exceptions.Exit(status)


def _engine(session: Session) -> str:
    """Why the engine cannot be talked to yet; empty when it can."""
    if missing := _absent(session.ca_file):
        return missing
    try:
        with session.anonymous() as client:
            return client.illness()
    except (CertificateFileError, UnreachableError) as error:
        return str(error)


def _host(session: Session, name: str) -> str:
    """Why the host is not up yet; empty when it is."""
    if missing := _absent(session.password_file):
        return missing
    try:
        with session.client() as client:
            return _status(client, name)
    except UnreachableError as error:
        return str(error)


def _status(client: Client, name: str) -> str:
    try:
        status = resolve(client, _HOST, name)["status"]
    except ApiError as error:
        if error.status != NOT_FOUND_STATUS:
            raise
        return str(error)
    return "" if status == _UP else f"host {name} is {status}"


def _absent(file: Path | None) -> str:
    return "" if file is None or file.is_file() else f"there is no file {file}"
