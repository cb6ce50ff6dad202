"""Decides when a host joins an engine: whenever it gets a token that it has not used.

The options for joining may stay in place: with a token that was used before they have no effect, so they do no harm at
each boot.
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
    """Join an engine if that is requested, unless this token was used already and the certificate is still valid.
    Raises IdentityError.

    ``names``: of simulated hosts, which join once, as their engine passes a new token at each start. If the engine
    refuses or does not answer, a host that has joined it before continues with its old identity, because it needs its
    networks in any case; one that has to join another engine does not start.
    """
    has_joined = identity.is_of(options.ca_fingerprint, names if options.enroll else ())
    if not options.enroll:
        if not has_joined:
            raise IdentityError(
                f"{options.state} has no certificate: join an engine with --enroll, --token-file and --ca-fingerprint"
            )
        return
    token = _token(options)
    has_expired = has_joined and identity.has_expired()
    if has_joined and not has_expired and (names or not token or identity.has_used(token)):
        log.info("this host has already joined %s%s", options.enroll, ", with this token" if token else "")
        return
    if has_expired:
        log.warning("the host's certificate has expired: joining again")
    try:
        _enroll(options, identity, token, port, names)
    except IdentityError as error:
        if not has_joined or has_expired:
            raise
        log.warning("%s; the host keeps its identity (host %s)", error, identity.host_id)


def _enroll(options: Namespace, identity: Identity, token: str, port: int, names: tuple[str, ...]) -> None:
    if not options.ca_fingerprint:
        raise IdentityError("--enroll needs --ca-fingerprint, which identifies the engine")
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
    gone = f"; its former identity, host {before}, is no longer used" if before not in {"", enrollment.host_id} else ""
    log.info("joined the engine at %s as host %s%s", options.enroll, enrollment.host_id, gone)


def join_for(pid: int, options: Namespace, port: int) -> None:
    """Join on behalf of a running agent, and have it use the new identity. Raises IdentityError."""
    identity = Identity(options.state)
    join(options, identity, port)
    with suppress(ProcessLookupError):  # it has ended, and its next start finds the identity
        os.kill(pid, signal.SIGHUP)


def _token(options: Namespace) -> str:
    """The token from file, option or environment; empty for none. The file may be deleted after its use."""
    path: Path | None = options.token_file
    if path is None:
        return str(options.token or os.environ.get(TOKEN_VARIABLE, ""))
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise IdentityError(f"{path} holds no token: it is not text") from error
