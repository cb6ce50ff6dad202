"""What goes wrong between a client and an engine."""

from __future__ import annotations

from typing import Any


class PlannedError(Exception):
    """Stops a client that only plans, at the first request that would change something. ``plan``: what that would have
    hosts do.
    """

    def __init__(self, plan: dict[str, Any]) -> None:
        super().__init__("the request was planned, and not made")
        self.plan = plan


class ApiError(Exception):
    """The engine refused. ``status`` is HTTP's, the text is the fault's reason and detail, ``codes`` are the message
    codes of what is wrong.
    """

    def __init__(self, status: int, text: str, codes: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.codes = codes


class UnreachableError(Exception):
    """The engine did not answer, or its certificate is not the one that was promised."""


class CertificateFileError(Exception):
    """A file that should hold the certificate of an authority (PEM) does not."""
