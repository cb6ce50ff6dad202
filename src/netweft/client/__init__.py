"""A client of the public API: oVirt's v4 API as JSON, and Netweft's additions.

``Client`` is imported when it is asked for: a program that ends without one need not wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netweft.client.errors import ApiError, CertificateFileError, PlannedError, UnreachableError

if TYPE_CHECKING:
    from netweft.client.client import Client

__all__ = ["ApiError", "CertificateFileError", "Client", "PlannedError", "UnreachableError"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (of a module, PEP 562)
    if name != "Client":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from netweft.client.client import Client  # noqa: PLC0415 - see the module's docstring

    return Client
