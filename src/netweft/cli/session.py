"""What every command shares: how to reach the engine, in which form to print, and the options that say so."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netweft.cli.output import FORMATS
from netweft.client import CertificateFileError

if TYPE_CHECKING:  # help does without a client
    from netweft.client import Client
    from netweft.client.kept_token import KeptToken

REFUSED, NOT_FOUND, DENIED, UNREACHABLE, ROLLED_BACK, INTERRUPTED = 1, 3, 4, 5, 6, 130
"""Exit codes; 2 is click's for a wrong command line, 130 what shells have for a program that SIGINT ends."""
_ROLLBACK = "SETUP_NETWORKS_ROLLBACK"
"""The API's code of a change that the host rolled back."""


NOT_FOUND_STATUS = 404
"""HTTP's, for what is not there."""
_DEFAULT_URL, _DEFAULT_USER = "https://127.0.0.1:8443", "admin@internal"
_YES, _NO = frozenset(("1", "true", "t", "yes", "y", "on")), frozenset(("", "0", "false", "f", "no", "n", "off"))


@dataclass(slots=True)
class Session:
    """How to reach the engine, and in which form to print. What the command line does not say is in the environment,
    which is looked at only when it is needed. ``planning``: nothing is to be changed, only planned. ``followed``: ids
    of rollouts and jobs whose end was waited for. ``by_file``: a file says what to do, in words of its own.
    """

    given: dict[str, str | bool] = field(default_factory=dict)
    form: str = "table"
    planning: bool = False
    followed: set[str] = field(default_factory=set)
    by_file: bool = False

    @property
    def url(self) -> str:
        """The engine's."""
        return self._setting("url", "NETWEFT_URL") or _DEFAULT_URL

    @property
    def user(self) -> str:
        """Who logs in."""
        return self._setting("user", "NETWEFT_USER") or _DEFAULT_USER

    @property
    def password_file(self) -> Path | None:
        """The file that holds the password."""
        return _path(self._setting("password_file", "NETWEFT_PASSWORD_FILE"))

    @property
    def ca_file(self) -> Path | None:
        """The certificate of the engine's authority."""
        return _path(self._setting("ca_file", "NETWEFT_CA"))

    @property
    def filtered(self) -> bool:
        """Whether to see only what the user has permissions on. Raises click.UsageError."""
        if self.given.get("filtered"):
            return True
        return _is_set("NETWEFT_FILTER")

    @property
    def commits(self) -> bool:
        """Whether setups of hosts are committed by default. Raises click.UsageError."""
        return _is_set("NETWEFT_COMMIT")

    def _setting(self, name: str, variable: str) -> str:
        return str(self.given.get(name) or os.environ.get(variable, ""))

    def client(self) -> Client:
        """A client for one command. Raises click.UsageError when there is no password to log in with, or when URL or CA
        cannot be right.
        """
        password = self.password()
        if not password:
            raise click.UsageError(
                "No password: set NETWEFT_PASSWORD, or name a file that holds it with --password-file."
            )
        if self.ca_file:
            _read(self.ca_file, "--ca")
        try:
            client = self._client(password)
        except CertificateFileError as error:
            raise click.UsageError(f"{error}.") from error
        client.planning, client.plan_id = self.planning, str(self.given.get("plan_id") or "")
        return client

    def anonymous(self) -> Client:
        """A client for what needs no login. Raises click.UsageError when the URL cannot be right, and
        CertificateFileError when the CA cannot (ca.pem is being written).
        """
        return self._client("")

    def password(self) -> str:
        """The password, ``""`` when none is given; the option wins over both variables. Raises click.UsageError."""
        password = "" if self.given.get("password_file") else os.environ.get("NETWEFT_PASSWORD", "")
        if not password and self.password_file:
            password = _read(self.password_file, "--password-file").rstrip("\r\n")
        return password

    def kept_token(self, password: str) -> KeptToken | None:
        """Where the login is kept for the next command; None where there is no such place."""
        from netweft.client.kept_token import KeptToken, token_folder  # noqa: PLC0415 - help does without

        folder = token_folder()
        return KeptToken(folder, self.url, self.user, password) if folder else None

    def _client(self, password: str) -> Client:
        from urllib.parse import urlsplit  # noqa: PLC0415 - help does without

        from netweft.client import Client  # noqa: PLC0415 - the same

        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise click.UsageError(f"{self.url} is not the URL of an engine, such as https://192.0.2.1:8443.")
        kept = self.kept_token(password) if password else None
        return Client(self.url, self.user, password, ca_file=self.ca_file, filtered=self.filtered, kept=kept)


def _is_set(variable: str) -> bool:
    """Whether a variable of the environment is set to yes. Raises click.UsageError."""
    text = os.environ.get(variable, "").lower()
    if text not in _YES | _NO:
        raise click.UsageError(f"{variable} is {text!r}: use 1 or 0.")
    return text in _YES


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _read(path: Path, option: str) -> str:
    """Raises click.UsageError."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise click.UsageError(f"{option}: {path} cannot be read: {reason}.") from error


def refusal_code(codes: str) -> int:
    """The exit code of what was refused for reasons with these codes of the API."""
    return ROLLED_BACK if _ROLLBACK in codes.split() else REFUSED


def spoken(text: str) -> str:
    """An error of the API in the words of the command line; as it is where a file says what to do."""
    from netweft.cli.wording import in_options  # noqa: PLC0415 - help does without

    return text if the_session().by_file else in_options(text)


def the_session(context: click.Context | None = None) -> Session:
    """The session of the command that runs."""
    root = (context or click.get_current_context()).find_root()
    if not isinstance(root.obj, Session):
        root.obj = Session()
    return root.obj


def _note(context: click.Context, parameter: click.Parameter, value: str | bool | None) -> None:
    if value == "" and parameter.name == "plan_id":  # as of a variable that a failed command left empty
        raise click.BadParameter("it is empty: give the id that 'netweft plan' printed", context, parameter)
    if value and parameter.name:
        the_session(context).given[parameter.name] = value


def login_options(*, hidden: bool = False) -> tuple[click.Option, ...]:
    """The options that say how to reach the engine; what they are given goes to the session."""
    return tuple(
        click.Option(
            [flag, name], help=text, metavar=metavar, is_flag=not metavar, hidden=hidden, expose_value=False,
            callback=_note,
        )
        for flag, name, metavar, text in (
            ("--url", "url", "URL", f"The engine; {_DEFAULT_URL} by default. [NETWEFT_URL]"),
            ("--user", "user", "NAME", f"Who logs in; {_DEFAULT_USER} by default. [NETWEFT_USER]"),
            ("--password-file", "password_file", "FILE", "File with the password. [NETWEFT_PASSWORD_FILE]"),
            ("--ca", "ca_file", "FILE", "The engine's CA certificate. [NETWEFT_CA]"),
            ("--if-plan", "plan_id", "ID", "Do it only if hosts would do what this plan says (netweft plan)."),
            ("--no-wait", "no_wait", "", "Do not wait for hosts that a change reaches later (netweft rollout)."),
            (
                "--filter", "filtered", "",
                "See only what you have permissions on; users who are no administrators need it. [NETWEFT_FILTER]",
            ),
        )
    )  # fmt: skip


def _note_form(context: click.Context, _parameter: click.Parameter, value: str | None) -> str:
    session = the_session(context)
    if value:
        session.form = value
    return session.form


_FORM: dict[str, Any] = {
    "type": click.Choice(FORMATS),
    "callback": _note_form,
    "help": "What to print; table by default, wide is a table with ids and details.",
}
output_option = click.option("-o", "--output", "form", **_FORM)
"""Gives a command the form in which to print."""


def form_option(*, hidden: bool = False) -> click.Option:
    """The same option where the command has no use for it itself."""
    return click.Option(["-o", "--output", "form"], expose_value=False, hidden=hidden, **_FORM)


def anywhere(command: click.Command) -> click.Command:
    """The command with the options of login and of form, unless it has others of these names: they may stand anywhere
    on the line. Not on that of a command which hands its words on to another program.
    """
    if command.context_settings.get("ignore_unknown_options"):
        return command
    used = {name for parameter in command.params for name in (*parameter.opts, parameter.name)}
    shared = (*login_options(hidden=True), form_option(hidden=True))
    command.params += [option for option in shared if used.isdisjoint((*option.opts, option.name))]
    return command
