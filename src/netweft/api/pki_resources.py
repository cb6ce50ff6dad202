"""oVirt's place for what is public of the engine's keys, from where clients fetch it without a login."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from netweft.engine.pki import Authority

PATH = "/ovirt-engine/services/pki-resource"

_PEM, _TEXT = "application/x-pem-file", "text/plain"


def pki_resource(authority: Authority) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint: ``resource`` and ``format`` in the query say what is meant. What it gives has to be compared with
    what is known otherwise before it is trusted.
    """
    resources = {
        ("ca-certificate", "X509-PEM"): (authority.certificate, _PEM),
        ("ca-certificate", "X509-PEM-CA"): (authority.certificate, _PEM),
        ("engine-certificate", "OPENSSH-PUBKEY"): (f"{authority.ssh.certificate}\n", _TEXT),
    }

    async def answer(request: Request) -> Response:
        key = (request.query_params.get("resource", ""), request.query_params.get("format", "X509-PEM"))
        if key not in resources:
            available = ", ".join(f"resource={resource}&format={form}" for resource, form in resources)
            return JSONResponse({"detail": f"There is no such resource. There are: {available}."}, 404)
        content, media = resources[key]
        return Response(content, media_type=media)

    return answer
