"""New keys and certificates for the host, over the connection that the old ones protect.

The engine asks for signing requests, signs, and brings the certificates. Connections that are open stay as they are,
new ones see the new certificate; nothing is started again.
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
    """Answer what is asked about the certificate of ``identity``; ``installed`` is called when there is a new one.

    Raises RefusalError, OSError, and what ``installed`` raises.
    """
    if request.method == "POST":
        return Reply(OK, encode(identity.request(platform.node())))
    if request.method != "PUT":
        raise RefusalError(NOT_ALLOWED, "unknown", f"{PATH} knows only POST and PUT.")
    try:
        identity.install(decode(Credentials, request.body))
    except IdentityError as error:
        raise RefusalError(CONFLICT, "failed", str(error)) from error
    installed()
    return Reply(NO_CONTENT, b"")
