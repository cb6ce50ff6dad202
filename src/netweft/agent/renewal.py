"""New keys and certificates for the host, over the connection that the old ones protect.

The engine requests signing requests, signs them, and installs the certificates. Open connections continue; new ones use
the new certificate. Nothing is restarted.
"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from netweft.agent.identity import IdentityError
from netweft.agent.service import NO_CONTENT, NOT_ALLOWED, OK, Reply
from netweft.agent.wire import CONFLICT, RefusalError, decode, encode
from netweft.core.protocol import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from netweft.agent.identity import Identity
    from netweft.agent.service import Request

PATH = "/v1/certificate"


def renew(identity: Identity, request: Request, installed: Callable[[], None]) -> Reply:
    """Answer a request about the certificates of ``identity``; ``installed`` is called when there are new ones.

    Raises RefusalError, OSError, and what ``installed`` raises.
    """
    if request.method == "POST":
        return Reply(OK, encode(identity.request(platform.node())))
    if request.method != "PUT":
        raise RefusalError(NOT_ALLOWED, "unknown", f"{PATH} supports only POST and PUT.")
    try:
        identity.install(decode(Credentials, request.body))
    except IdentityError as error:
        raise RefusalError(CONFLICT, "failed", str(error)) from error
    installed()
    return Reply(NO_CONTENT, b"")
