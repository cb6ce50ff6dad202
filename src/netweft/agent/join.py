"""When a host joins an engine, or another one, or the same one anew: whenever it is given a token that it has not used.

The options that made it join may stay where they are: with a token that was used before they ask for nothing, so that
they do no harm at each boot.
"""

from __future__ import annotations

import logging
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from netweft.agent.enroll import enroll
from netweft.agent.identity import Identity, IdentityError

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

log = logging.getLogger(__name__)

TOKEN_VARIABLE = "NETWEFT_ENROLL_TOKEN"  # noqa: S105  # the name of a variable


def join(options: Namespace, identity: Identity, port: int, names: tuple[str, ...] = ()) -> None:
    """Join an engine if that is asked and has not been done with this token yet, or so long ago that nobody knows the
    host any more. Raises IdentityError.

    ``names``: of simulated hosts, which join once: their engine gives them a new token at each start. A host that is
    known to the engine goes on as what it is when the engine refuses or is silent, as it needs its networks all the
    same; one that is to join another engine does not start.
    """
    is_known = identity.is_of(options.ca_fingerprint, names if options.enroll else ())
    if not options.enroll:
        if not is_known:
            raise IdentityError(
                f"{options.state} holds no certificate: join an engine with --enroll, --token-file and --ca-fingerprint"
            )
        return
    token = _token(options)
    has_expired = is_known and identity.has_expired()
    if is_known and not has_expired and (names or not token or identity.has_used(token)):
        log.info("this host has joined %s already%s", options.enroll, ", with this token" if token else "")
        return
    if has_expired:
        log.warning("the host's certificate has expired: it joins again")
    try:
        _enroll(options, identity, token, port, names)
    except IdentityError as error:
        if not is_known or has_expired:
            raise
        log.warning("%s; the host keeps its identity (host %s)", error, identity.host_id)


def _enroll(options: Namespace, identity: Identity, token: str, port: int, names: tuple[str, ...]) -> None:
    if not options.ca_fingerprint:
        raise IdentityError("--enroll needs --ca-fingerprint, by which the engine is known to be the right one")
    if not token:
        raise IdentityError(f"--enroll needs a token: --token-file, or ${TOKEN_VARIABLE}")
    before = identity.host_id
    enrollment = enroll(
        identity,
        url=options.enroll.rstrip("/"),
        token=token,
        fingerprint=options.ca_fingerprint,
        address=options.address,
        port=port,
        hostname=options.hostname,
        simulated=names,
    )
    gone = f"; its former identity, host {before}, ends" if before not in {"", enrollment.host_id} else ""
    log.info("joined the engine at %s as host %s%s", options.enroll, enrollment.host_id, gone)


def join_for(pid: int, options: Namespace, port: int) -> None:
    """Join in the place of an agent that runs, and let it use the new identity. Raises IdentityError."""
    identity = Identity(options.state)
    join(options, identity, port)
    with suppress(ProcessLookupError):  # it has ended, and its next start finds the identity
        os.kill(pid, signal.SIGHUP)


def _token(options: Namespace) -> str:
    """The token that was given; empty for none. A file that is gone once it was used holds none."""
    path: Path | None = options.token_file
    if path is None:
        return str(options.token or os.environ.get(TOKEN_VARIABLE, ""))
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise IdentityError(f"{path} holds no token: it is no text") from error
