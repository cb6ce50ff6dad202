"""Commands that call the engine: errors turned into exit codes, and waiting for the hosts that a command changes."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import click

from netweft.cli.output import say
from netweft.cli.session import (
    DENIED,
    INTERRUPTED,
    NOT_FOUND,
    NOT_FOUND_STATUS,
    REFUSED,
    ROLLED_BACK,
    UNREACHABLE,
    refusal_code,
    spoken,
    the_session,
)
from netweft.client import ApiError, UnreachableError

if TYPE_CHECKING:  # help does without a client
    from netweft.client import Client
    from netweft.client.tree import Tree

_UNFILTERED = "header Filter: true"
_UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"
_HINT = "Name the engine's CA certificate with --ca or NETWEFT_CA: it is ca.pem in the engine's data folder."
_CODE_OF_STATUS = {401: DENIED, 403: DENIED, NOT_FOUND_STATUS: NOT_FOUND, 503: UNREACHABLE}

P = ParamSpec("P")
R = TypeVar("R")


def calls_engine(function: Callable[Concatenate[Client, P], R]) -> Callable[P, R]:
    """Give a command a client as its first argument, say what the engine warns of when it changed something, and end
    with the exit code of what went wrong.
    """

    @functools.wraps(function)
    def command(*args: P.args, **kwargs: P.kwargs) -> R:
        with exit_codes(), the_session().client() as client, _interruptible(client):
            try:
                result = function(client, *args, **kwargs)
            except (ApiError, click.exceptions.Exit):
                _print_warnings(client)
                raise
            _print_warnings(client)
            if client.changed:
                wait_for_hosts(client)
            return result

    return command


@contextlib.contextmanager
def _interruptible(client: Client) -> Iterator[None]:
    """End with the exit code of an interrupt, and say that what was requested goes on."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if client.changed:
            say("Interrupted. What was requested goes on: see 'netweft job list' and 'netweft rollout list'.")
        raise click.exceptions.Exit(INTERRUPTED) from interrupt


def wait_for_hosts(client: Client) -> None:
    """Follow what the command has hosts do, or say what that is with ``--no-wait``: rollouts, and the jobs of single
    hosts; of several requests each once. Ends the program when a host fails.
    """
    from netweft.cli.job_progress import wait_for_jobs  # noqa: PLC0415 - help does without
    from netweft.cli.rollout_progress import begun  # noqa: PLC0415 - the same

    followed = the_session().followed
    for one in reversed(begun(client)):
        if one["status"] != "superseded" and one["id"] not in followed:
            followed.add(one["id"])
            wait_for_rollout(client, one)
    wait_for_jobs(client)


def wait_for_rollout(client: Client, one: Tree, *, wanted: str = "succeeded") -> None:
    """Follow a rollout, or say which it is with ``--no-wait``. Ends the program when it does not come to be
    ``wanted``; one that waits for hosts goes on without us.
    """
    from netweft.cli.rollout_progress import follow  # noqa: PLC0415 - help does without

    if the_session().given.get("no_wait"):
        say(f"Rollout {one['number']} goes on. See: netweft rollout watch {one['number']}")
        return
    status = follow(client, one)
    if status not in {wanted, "waiting"}:
        raise click.exceptions.Exit(ROLLED_BACK if status == "reverted" else REFUSED)


def _print_warnings(client: Client) -> None:
    """Say what the engine warns of, such as hosts that do not follow, where the command changed something."""
    if not client.changed:
        return
    try:
        warnings = client.event_texts("severity!=normal")
    except (ApiError, UnreachableError) as error:
        say(f"Warnings could not be read: {error}")
        return
    for text in warnings:
        say(f"Warning: {text}")


@contextlib.contextmanager
def exit_codes() -> Iterator[None]:
    """Tell what goes wrong with an engine, and end with the exit code of that."""
    try:
        yield
    except ApiError as error:
        say(f"Error: {spoken(str(error))}")
        if error.codes:
            say(f"Code: {error.codes}")
        if _UNFILTERED in str(error):
            say("With --filter you see what was granted to you.")
        raise click.exceptions.Exit(_CODE_OF_STATUS.get(error.status) or refusal_code(error.codes)) from error
    except UnreachableError as error:
        say(f"Error: {error}")
        if _UNTRUSTED in str(error):
            say(_HINT)
        raise click.exceptions.Exit(UNREACHABLE) from error
