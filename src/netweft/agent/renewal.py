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
    from netweft.agent.serve import Server
    from netweft.agent.service import Request

PATH = "/v1/certificate"


def renew(server: Server, request: Request) -> Reply:
    """Answer what is asked about the certificate of a door. Raises RefusalError, OSError, and what the services raise
    that cannot tell others of the new one.
    """
    if request.method == "POST":
        return Reply(OK, encode(server.identity.request(platform.node())))
    if request.method != "PUT":
        raise RefusalError(NOT_ALLOWED, "unknown", f"{PATH} knows only POST and PUT.")
    try:
        server.identity.install(decode(Credentials, request.body))
    except IdentityError as error:
        raise RefusalError(CONFLICT, "failed", str(error)) from error
    server.show_certificate()
    for service in server.services.values():
        service.certificate_changed()
    return Reply(NO_CONTENT, b"")
