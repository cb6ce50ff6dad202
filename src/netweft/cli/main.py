"""``netweft``: nouns, then verbs.

Exit codes: 0 done, 1 refused, 2 wrong command line, 3 no such thing, 4 not allowed, 5 the engine cannot be reached, 6
the host rolled a change back, 130 interrupted.

Commands import their dependencies when they are called: listing commands needs only the table of nouns.
"""

from __future__ import annotations

from importlib import import_module

import click

from netweft.cli.noun_types import Noun
from netweft.cli.nouns import NOUNS
from netweft.cli.session import anywhere, form_option, login_options

_OTHERS = {
    "apply": ("fleets", "apply", "Change the fleet to match a file."),
    "export": ("fleets", "export", "Print the file that describes the fleet."),
    "find": ("overview", "find", "Find objects of all kinds by name, address or MAC."),
    "lab": ("labs", "lab", "A data centre of network namespaces on this machine. Needs root."),
    "logout": ("logins", "logout", "Log out."),
    "overview": ("overview", "overview", "Show problems of the fleet and running work."),
    "plan": ("plans", "plan", "Show what another command would change on hosts, and its effect."),
    "permission": ("permissions", "permission", "Roles of users on objects."),
    "rights": ("permissions", "rights", "List what the user who logs in may do."),
    "wait": ("waiting", "wait", "Wait until the engine answers and hosts are up."),
}
"""Commands that are no nouns: module, name there, summary."""
_EPILOG = """The password is read from NETWEFT_PASSWORD or from --password-file.

Completion: eval "$(_NETWEFT_COMPLETE=bash_source netweft)"
"""


class NounGroup(click.Group):
    """The commands of a noun: the usual verbs, its special ones, and the nouns below it."""

    def __init__(self, noun: Noun) -> None:
        super().__init__(noun.name.rpartition(" ")[2], help=noun.help)
        self._noun = noun
        self._is_complete = False
        anywhere(self)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands."""
        self._complete()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command."""
        self._complete()
        return super().get_command(ctx, cmd_name)

    def _complete(self) -> None:
        if self._is_complete:
            return
        from netweft.cli.verbs import commands_of  # noqa: PLC0415 - see the module's docstring

        self._is_complete = True
        commands = commands_of(self._noun)
        if self._noun.more:
            commands += import_module(f"netweft.cli.{self._noun.more}").COMMANDS
        for command in commands:
            self.add_command(anywhere(command))
        for noun in NOUNS:
            if noun.name.rpartition(" ")[0] == self._noun.name:
                self.add_command(NounGroup(noun))


class _Program(click.Group):
    """The program: its nouns, and a few other commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return sorted(_summaries())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands:
            noun = next((noun for noun in NOUNS if noun.name == cmd_name), None)
            if noun is not None:
                self.add_command(NounGroup(noun))
            elif cmd_name in _OTHERS:
                module, name, _ = _OTHERS[cmd_name]
                self.add_command(_anywhere_below(getattr(import_module(f"netweft.cli.{module}"), name)))
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's signature)
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_summaries().items()))


def _summaries() -> dict[str, str]:
    """The summary of each command of the program."""
    nouns = {noun.name: noun.help for noun in NOUNS if " " not in noun.name}
    return nouns | {name: summary for name, (_, _, summary) in _OTHERS.items()}


def _anywhere_below(command: click.Command) -> click.Command:
    if isinstance(command, click.Group):
        for one in command.commands.values():
            _anywhere_below(one)
    return anywhere(command)


@click.group(cls=_Program, epilog=_EPILOG, params=[*login_options(), form_option()])
@click.version_option(package_name="netweft")
def cli() -> None:
    """Manage the logical networks of a fleet of KVM hosts.

    Besides the nouns below: 'netweft serve' starts an engine, 'netweft agent' the agent of a host; 'netweft backup' and
    'netweft restore' are for an engine's state. The options may stand anywhere on the line.
    """
